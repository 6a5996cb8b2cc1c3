/* SPDX-License-Identifier: ISC
 *
 * json.c - see json.h. What is written comes from other roles, which pass on what strangers said;
 * what is read comes from a browser. Neither is trusted to be UTF-8 or to keep to a table.
 */
#include "web/json.h"

#include "base/must.h"
#include "call/message.h"
#include "mail/reason.h"
#include <string.h>

/* U+FFFD for each byte that isn't part of UTF-8. */
static const struct str replacement = { "\xef\xbf\xbd", 3 };

/* How long the well-formed character at the front is, 0 for none. */
static size_t character(struct str s)
{
	for (size_t n = 1; n <= 4 && n <= s.len; n++) {
		if (str_is_utf8(str_head(s, n)))
			return n;
	}
	return 0;
}

static json_t *mended_text(struct str text)
{
	scoped(buf_free) struct buf to = BUF(text.len * replacement.len);

	while (text.len) {
		size_t n = character(text);
		buf_add(&to, n ? str_head(text, n) : replacement);
		text = str_tail(text, n ? n : 1);
	}
	return json_stringn_nocheck(to.at ? to.at : "", to.len);
}

json_t *text_json(struct str text)
{
	if (str_is_utf8(text))
		return json_stringn_nocheck(text.len ? text.at : "", text.len);
	return mended_text(text);
}

json_t *json_folder(struct str folder)
{
	return folder.len ? text_json(folder) : json_string("INBOX");
}

struct str json_folder_of(struct str name)
{
	return str_eq(name, STR("INBOX")) ? STR("") : name;
}

const char *json_word(const struct json_words *words, uint64_t value)
{
	for (size_t i = 0; i < words->n; i++) {
		if (words->words[i].value == value)
			return words->words[i].name;
	}
	return "";
}

bool json_word_value(const struct json_words *words, struct str name, uint64_t *value)
{
	for (size_t i = 0; i < words->n; i++) {
		if (!str_eq(str_of(words->words[i].name), name))
			continue;
		*value = words->words[i].value;
		return true;
	}
	return false;
}

static json_t *write_mask(const struct json_words *words, uint64_t mask)
{
	json_t *list = json_array();

	for (size_t i = 0; i < words->n; i++) {
		if (mask & words->words[i].value)
			json_array_append_new(list, json_string(words->words[i].name));
	}
	return list;
}

static json_t *write_reason(uint64_t reason)
{
	bool is_one =
		reason != REASON_NONE && reason <= UINT32_MAX && reason_is_known((uint32_t)reason);

	return json_string(is_one ? reason_id((enum reason)reason) : "");
}

/* All lists of messages.def have this form. */
struct any_list {
	void *at;
	size_t len;
};

static json_t *write_list(const struct json_shape *shape, const struct any_list *list)
{
	json_t *to = json_array();

	for (size_t i = 0; i < list->len; i++)
		json_array_append_new(to, json_write(shape, (char *)list->at + i * shape->size));
	return to;
}

static json_t *write_texts(const struct any_list *list)
{
	const struct text *texts = list->at;
	json_t *to = json_array();

	for (size_t i = 0; i < list->len; i++)
		json_array_append_new(to, text_json(texts[i].text));
	return to;
}

static json_t *write_members(const struct any_list *list)
{
	const struct preference *members = list->at;
	json_t *to = json_object();

	for (size_t i = 0; i < list->len; i++)
		json_object_setn_new(
			to, members[i].name.at, members[i].name.len, text_json(members[i].value));
	return to;
}

static json_t *write_field(const struct json_field *field, const void *base)
{
	const void *from = (const char *)base + field->offset;

	switch (field->kind) {
	case JSON_NUMBER:
		return json_integer((json_int_t)(*(const uint64_t *)from & INT64_MAX));
	case JSON_FLAG:
		return json_boolean(*(const uint64_t *)from != 0);
	case JSON_TEXT:
		return text_json(*(const struct str *)from);
	case JSON_FOLDER:
		return json_folder(*(const struct str *)from);
	case JSON_WORD:
		return json_string(json_word(field->words, *(const uint64_t *)from));
	case JSON_WORDS:
		return write_mask(field->words, *(const uint64_t *)from);
	case JSON_REASON:
		return write_reason(*(const uint64_t *)from);
	case JSON_TEXTS:
		return write_texts(from);
	case JSON_LIST:
		return write_list(field->of, from);
	case JSON_GROUP:
		return json_write(field->of, base);
	case JSON_MEMBERS:
		return write_members(from);
	}
	return NULL;
}

json_t *json_write(const struct json_shape *shape, const void *from)
{
	json_t *object = json_object();

	for (size_t i = 0; i < shape->n; i++)
		json_object_set_new(
			object, shape->fields[i].name, write_field(&shape->fields[i], from));
	return object;
}

static struct str text_of(const json_t *value)
{
	return (struct str){ json_string_value(value), json_string_length(value) };
}

/* No text of ours has a NUL in it, and what handles texts as C strings would stop there. */
static bool read_text(const json_t *value, struct str *to)
{
	if (!json_is_string(value))
		return false;
	*to = text_of(value);
	return str_find(*to, '\0') == to->len;
}

static bool read_folder(const json_t *value, struct str *to)
{
	bool good = read_text(value, to);

	*to = good ? json_folder_of(*to) : STR("");
	return good;
}

static bool read_number(const json_t *value, uint64_t *to)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*to = (uint64_t)json_integer_value(value);
	return true;
}

static bool read_flag(const json_t *value, uint64_t *to)
{
	*to = json_is_true(value);
	return json_is_boolean(value);
}

static bool read_word(const struct json_words *words, const json_t *value, uint64_t *to)
{
	struct str name;

	return read_text(value, &name) && json_word_value(words, name, to);
}

static bool read_mask(const struct json_words *words, const json_t *value, uint64_t *to)
{
	size_t n = json_array_size(value);

	*to = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t one = 0;
		if (!read_word(words, json_array_get(value, i), &one))
			return false;
		*to |= one;
	}
	return json_is_array(value);
}

static bool read_texts(const json_t *value, struct arena *arena, struct any_list *to)
{
	size_t n = json_array_size(value);
	struct text *texts = arena_array(arena, n, sizeof *texts);

	for (size_t i = 0; texts && i < n; i++) {
		if (!read_text(json_array_get(value, i), &texts[i].text))
			return false;
	}
	*to = (struct any_list){ texts, texts ? n : 0 };
	return json_is_array(value) && (texts || n == 0);
}

static bool read_list(const struct json_shape *shape, const json_t *value, struct arena *arena,
	struct any_list *to, struct why *why)
{
	size_t n = json_array_size(value);
	char *items = arena_array(arena, n, shape->size);

	for (size_t i = 0; items && i < n; i++) {
		if (!json_read(shape, json_array_get(value, i), arena, items + i * shape->size,
			    NULL, why))
			return false;
	}
	*to = (struct any_list){ items, items ? n : 0 };
	return json_is_array(value) && (items || n == 0);
}

static bool read_members(json_t *value, struct arena *arena, struct any_list *to)
{
	size_t n = json_object_size(value), i = 0;
	struct preference *members = arena_array(arena, n, sizeof *members);
	const char *name;
	json_t *member;

	if (!json_is_object(value) || (!members && n))
		return false;
	json_object_foreach(value, name, member)
	{
		members[i].name = str_of(name);
		if (!read_text(member, &members[i++].value))
			return false;
	}
	*to = (struct any_list){ members, n };
	return true;
}

static bool read_field(const struct json_field *field, json_t *value, struct arena *arena,
	void *base, struct why *why)
{
	void *to = (char *)base + field->offset;

	switch (field->kind) {
	case JSON_NUMBER:
		return read_number(value, to);
	case JSON_FLAG:
		return read_flag(value, to);
	case JSON_TEXT:
		return read_text(value, to);
	case JSON_FOLDER:
		return read_folder(value, to);
	case JSON_WORD:
		return read_word(field->words, value, to);
	case JSON_WORDS:
		return read_mask(field->words, value, to);
	case JSON_TEXTS:
		return read_texts(value, arena, to);
	case JSON_LIST:
		return read_list(field->of, value, arena, to, why);
	case JSON_MEMBERS:
		return read_members(value, arena, to);
	case JSON_REASON:
	case JSON_GROUP:
		break; /* nobody asks with these */
	}
	return false;
}

static bool knows(const struct json_shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->n; i++) {
		if (!strcmp(shape->fields[i].name, name))
			return true;
	}
	return false;
}

static bool knows_all(const struct json_shape *shape, json_t *from)
{
	const char *name;
	json_t *value;

	json_object_foreach(from, name, value)
	{
		if (!knows(shape, name))
			return false;
	}
	return true;
}

bool json_read(const struct json_shape *shape, const json_t *from, struct arena *arena, void *to,
	uint32_t *present, struct why *why)
{
	json_t *object = (json_t *)(uintptr_t)from;

	must(shape->n <= 32);
	if (!json_is_object(from))
		return why_not(why, "an object is wanted");
	if (!knows_all(shape, object))
		return why_not(why, "it has a member that is not known");
	for (size_t i = 0; i < shape->n; i++) {
		const struct json_field *field = &shape->fields[i];
		json_t *value = json_object_get(object, field->name);
		if (!value && !field->optional)
			return why_not(why, "%s is missing", field->name);
		why->text[0] = '\0';
		if (value && !read_field(field, value, arena, to, why))
			return why->text[0] ? false : why_not(why, "%s is wrong", field->name);
		if (value && present)
			*present |= 1u << i;
	}
	return true;
}
