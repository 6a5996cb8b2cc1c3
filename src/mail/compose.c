/* SPDX-License-Identifier: ISC
 *
 * compose.c - see compose.h. Pure. Values come from a page, and so from anywhere: they are cleaned
 * by plain_text_add before they stand in a line.
 */
#include "mail/compose.h"

#include "base/clock.h"
#include "mail/command.h"
#include "mail/plain_text.h"
#include "mail/quoted_printable.h"
#include <string.h>

enum {
	COLUMNS = 76,
	VALUE_MAX = 4096,
	WORD_BYTES = 39,    /* of an encoded word: 75 characters with what is around it */
	PLAIN_WORD_MAX = 60 /* a longer one could pass the line */
};

struct str compose_address(struct str text, struct arena *arena)
{
	struct address address;

	if (!address_parse(str_trim(text), arena, &address) || !address.domain.len ||
		str_has_8bit(address.local))
		return (struct str){ 0 };
	return address_text(arena, &address);
}

bool compose_is_message_id(struct str s)
{
	if (s.len < 3 || s.len > 250 || s.at[0] != '<' || s.at[s.len - 1] != '>')
		return false;
	for (size_t i = 1; i < s.len - 1; i++) {
		if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == '<' || s.at[i] == '>')
			return false;
	}
	return true;
}

static void put_encoded_words(struct buf *to, struct str text)
{
	for (bool first = true; text.len; first = false) {
		struct str word = str_head_utf8(text, WORD_BYTES);

		buf_add(to, first ? STR("=?utf-8?B?") : STR("\r\n =?utf-8?B?"));
		base64_encode(to, word);
		buf_add(to, STR("?="));
		text = str_tail(text, word.len);
	}
}

/* ASCII of words that fit a line, and nothing that reads as an encoded word. */
static bool is_simple(struct str text)
{
	struct str rest = text;

	while (rest.len) {
		if (str_cut(&rest, ' ').len > PLAIN_WORD_MAX)
			return false;
	}
	return !str_has_8bit(text) && str_find_str(text, STR("=?")) == text.len;
}

/* Words behind each other, `column` characters being on the line; single blanks are kept. */
static void put_folded(struct buf *to, size_t column, struct str text)
{
	while (text.len) {
		size_t n = 1 + str_find(str_tail(text, 1), ' ');
		struct str word = str_head(text, n); /* with the blank before it */

		if (column + n > COLUMNS && word.at[0] == ' ' && n > 1) {
			buf_add(to, STR("\r\n"));
			column = 0;
		}
		buf_add(to, word);
		column += n;
		text = str_tail(text, n);
	}
}

static void put_unstructured(struct buf *to, struct str name, struct str value)
{
	scoped(buf_free) struct buf clean = BUF(VALUE_MAX);

	plain_text_add(&clean, value, VALUE_MAX - 4);
	struct str text = str_trim(buf_str(&clean));
	buf_printf(to, "%.*s: ", STR_ARG(name));
	if (is_simple(text))
		put_folded(to, name.len + 2, text);
	else
		put_encoded_words(to, text);
	buf_add(to, STR("\r\n"));
}

static bool is_atom(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!ascii_is_alnum(text.at[i]) &&
			(!text.at[i] || !strchr("!#$%&'*+-/=?^_`{|}~ ", text.at[i])))
			return false;
	}
	return true;
}

/* RFC 5322 3.2.5: a display name. */
static void put_phrase(struct buf *to, struct str name)
{
	if (!is_simple(name)) {
		put_encoded_words(to, name);
		return;
	}
	if (is_atom(name)) {
		buf_add(to, name);
		return;
	}
	buf_add_char(to, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] == '"' || name.at[i] == '\\')
			buf_add_char(to, '\\');
		buf_add_char(to, name.at[i]);
	}
	buf_add_char(to, '"');
}

static void put_person(struct buf *to, const struct compose_person *person)
{
	scoped(buf_free) struct buf clean = BUF(VALUE_MAX);

	plain_text_add(&clean, person->name, 200);
	struct str name = str_trim(buf_str(&clean));
	if (!name.len) {
		buf_add(to, person->address);
		return;
	}
	put_phrase(to, name);
	if (person->address.len)
		buf_printf(to, "%s<%.*s>", name.len + person->address.len > 60 ? "\r\n " : " ",
			STR_ARG(person->address));
	else
		buf_add(to, STR(" <>"));
}

static void put_people(struct buf *to, const char *field, struct compose_people people)
{
	if (!people.n)
		return;
	buf_printf(to, "%s: ", field);
	for (size_t i = 0; i < people.n; i++) {
		if (i)
			buf_add(to, STR(",\r\n "));
		put_person(to, &people.at[i]);
	}
	buf_add(to, STR("\r\n"));
}

/* Message ids, one a line. */
static void put_ids(struct buf *to, const char *field, struct str ids)
{
	bool first = true;

	while (ids.len) {
		struct str id = str_cut(&ids, ' ');

		if (!compose_is_message_id(id))
			continue;
		if (first)
			buf_printf(to, "%s:", field);
		buf_printf(to, "%s%.*s", first ? " " : "\r\n ", STR_ARG(id));
		first = false;
	}
	if (!first)
		buf_add(to, STR("\r\n"));
}

bool compose_header(struct buf *to, const struct compose *m)
{
	put_people(to, "From", (struct compose_people){ &m->from, 1 });
	put_people(to, "To", m->to);
	put_people(to, "Cc", m->cc);
	put_people(to, "Bcc", m->bcc);
	put_unstructured(to, STR("Subject"), m->subject);
	buf_add(to, STR("Date: "));
	clock_add_rfc5322(to, m->date);
	buf_add(to, STR("\r\n"));
	put_ids(to, "Message-ID", m->message_id);
	put_ids(to, "In-Reply-To", m->in_reply_to);
	put_ids(to, "References", m->references);
	return buf_add(to, STR("MIME-Version: 1.0\r\n"));
}

bool compose_field_base64(struct buf *to, struct str name, struct str bytes)
{
	buf_printf(to, "%.*s:", STR_ARG(name));
	while (bytes.len) {
		buf_add(to, STR("\r\n "));
		base64_encode(to, str_head(bytes, COMPOSE_LINE - 3));
		bytes = str_tail(bytes, COMPOSE_LINE - 3);
	}
	return buf_add(to, STR("\r\n"));
}

/* Does it travel as it is? Blanks at the end of a line might not. */
static bool is_seven_bit(struct str text)
{
	if (str_has_8bit(text) || str_find_str(text, STR("=_")) < text.len)
		return false;
	while (text.len) {
		struct str line = str_cut(&text, '\n');

		if (line.len > COLUMNS || str_starts(line, STR("From ")) ||
			(line.len && line.at[line.len - 1] == ' ' && !str_eq(line, STR("-- "))))
			return false;
		for (size_t i = 0; i < line.len; i++) {
			if ((unsigned char)line.at[i] < ' ' && line.at[i] != '\t')
				return false;
		}
	}
	return true;
}

static void put_crlf(struct buf *to, struct str text)
{
	while (text.len) {
		bool ended = str_find(text, '\n') < text.len;

		buf_add(to, str_cut(&text, '\n'));
		if (ended)
			buf_add(to, STR("\r\n"));
	}
}

bool compose_text(struct buf *to, struct str text, bool exact)
{
	scoped(buf_free) struct buf lines = BUF(2 * text.len + 2);
	bool ends = !text.len || text.at[text.len - 1] == '\n';
	bool seven_bit = is_seven_bit(text) && (ends || !exact);

	put_crlf(&lines, text);
	if (!ends && !exact)
		buf_add(&lines, STR("\r\n"));
	buf_printf(to,
		"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n",
		seven_bit ? "7bit" : "quoted-printable");
	if (seven_bit)
		return buf_add(to, buf_str(&lines));
	quoted_printable_encode(to, buf_str(&lines));
	return ends || !exact || buf_add(to, STR("=\r\n"));
}

bool compose_multipart(struct buf *to, struct str seed)
{
	return buf_printf(
		to, "Content-Type: multipart/mixed; boundary=\"=_%.*s\"\r\n\r\n", STR_ARG(seed));
}

bool compose_delimiter(struct buf *to, struct str seed, bool last)
{
	return buf_printf(to, "\r\n--=_%.*s%s\r\n", STR_ARG(seed), last ? "--" : "");
}

static bool is_type(struct str type)
{
	size_t slash = str_find(type, '/');

	if (!slash || slash + 1 >= type.len || type.len > 127)
		return false;
	for (size_t i = 0; i < type.len; i++) {
		if (i != slash && !ascii_is_alnum(type.at[i]) &&
			(!type.at[i] || !strchr("!#$&-^_.+", type.at[i])))
			return false;
	}
	return !str_starts_nocase(type, STR("message/")) &&
	       !str_starts_nocase(type, STR("multipart/"));
}

/* RFC 2231 3 and 4: a parameter in pieces, percent-encoded. */
static void put_parameter(struct buf *to, const char *name, struct str value)
{
	size_t piece = 0;

	while (value.len) {
		buf_printf(to, ";\r\n %s*%zu*=%s", name, piece, piece ? "" : "utf-8''");
		for (size_t column = 0; value.len && column < 50; value = str_tail(value, 1)) {
			unsigned char c = (unsigned char)value.at[0];
			bool plain = ascii_is_alnum((char)c) || c == '.' || c == '-' || c == '_';

			if (plain)
				buf_add_char(to, (char)c);
			else
				buf_printf(to, "%%%02X", (unsigned)c);
			column += plain ? 1 : 3;
		}
		piece++;
	}
}

static bool is_plain_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!ascii_is_alnum(name.at[i]) && (!name.at[i] || !strchr(" ._-+()", name.at[i])))
			return false;
	}
	return name.len <= 60;
}

bool compose_attachment(struct buf *to, struct str type, struct str name)
{
	scoped(buf_free) struct buf clean = BUF(VALUE_MAX);

	plain_text_add(&clean, name, 255);
	name = str_trim(buf_str(&clean));
	buf_printf(to, "Content-Type: %.*s\r\nContent-Transfer-Encoding: base64\r\n",
		STR_ARG(is_type(type) ? type : STR("application/octet-stream")));
	buf_add(to, STR("Content-Disposition: attachment"));
	if (name.len && is_plain_name(name))
		buf_printf(to, ";\r\n filename=\"%.*s\"", STR_ARG(name));
	else
		put_parameter(to, "filename", name);
	return buf_add(to, STR("\r\n\r\n"));
}

bool compose_base64(struct buf *to, struct str bytes)
{
	while (bytes.len) {
		base64_encode(to, str_head(bytes, COMPOSE_LINE));
		buf_add(to, STR("\r\n"));
		bytes = str_tail(bytes, COMPOSE_LINE);
	}
	return !to->overflowed;
}
