/* SPDX-License-Identifier: ISC
 *
 * json.h - structs as JSON and back, by tables of their fields. A question that has a member no
 * table knows, or one of another kind, is refused with its name.
 */
#ifndef WEB_JSON_H
#define WEB_JSON_H

#include "base/arena.h"
#include "base/why.h"
#include <jansson.h>

/* The names of a closed set of numbers: a value by itself, or a mask of them. */
struct json_words {
	size_t n;
	const struct json_word {
		uint64_t value;
		const char *name;
	} * words;
};

enum json_kind {
	JSON_NUMBER,  /* uint64_t */
	JSON_FLAG,    /* uint64_t, 0 or 1 */
	JSON_TEXT,    /* struct str */
	JSON_FOLDER,  /* the same; "" is "INBOX" */
	JSON_WORD,    /* uint64_t, one of `words` */
	JSON_WORDS,   /* uint64_t, a mask of `words`, as a list */
	JSON_REASON,  /* uint64_t, enum reason; "" for none */
	JSON_TEXTS,   /* a list of struct text */
	JSON_LIST,    /* a list of structs of the shape `of` */
	JSON_GROUP,   /* other members of the same struct, as an object of the shape `of` */
	JSON_MEMBERS, /* an object of texts: a list of struct preference */
};

struct json_field {
	const char *name;
	enum json_kind kind;
	bool optional; /* in a question; a struct's field then stays as it was */
	size_t offset;
	const struct json_words *words;
	const struct json_shape *of;
};

struct json_shape {
	const struct json_field *fields;
	size_t n;
	size_t size; /* of the struct */
};

/* clang-format off */
#define JSON_NUMBER_OF(type, field, name)       { name, JSON_NUMBER, false, offsetof(struct type, field), NULL, NULL }
#define JSON_FLAG_OF(type, field, name)         { name, JSON_FLAG, false, offsetof(struct type, field), NULL, NULL }
#define JSON_TEXT_OF(type, field, name)         { name, JSON_TEXT, false, offsetof(struct type, field), NULL, NULL }
#define JSON_FOLDER_OF(type, field, name)       { name, JSON_FOLDER, false, offsetof(struct type, field), NULL, NULL }
#define JSON_WORD_OF(type, field, name, set)    { name, JSON_WORD, false, offsetof(struct type, field), set, NULL }
#define JSON_WORDS_OF(type, field, name, set)   { name, JSON_WORDS, false, offsetof(struct type, field), set, NULL }
#define JSON_REASON_OF(type, field, name)       { name, JSON_REASON, false, offsetof(struct type, field), NULL, NULL }
#define JSON_TEXTS_OF(type, field, name)        { name, JSON_TEXTS, false, offsetof(struct type, field), NULL, NULL }
#define JSON_LIST_OF(type, field, name, shape)  { name, JSON_LIST, false, offsetof(struct type, field), NULL, shape }
#define JSON_GROUP_OF(name, shape)              { name, JSON_GROUP, false, 0, NULL, shape }
#define JSON_MEMBERS_OF(type, field, name)      { name, JSON_MEMBERS, false, offsetof(struct type, field), NULL, NULL }
#define JSON_MAY_OF(kind, type, field, name)    { name, kind, true, offsetof(struct type, field), NULL, NULL }
#define JSON_MAY_WORD_OF(type, field, name, set) { name, JSON_WORD, true, offsetof(struct type, field), set, NULL }
#define JSON_MAY_WORDS_OF(type, field, name, set) { name, JSON_WORDS, true, offsetof(struct type, field), set, NULL }
#define JSON_MAY_LIST_OF(type, field, name, shape) { name, JSON_LIST, true, offsetof(struct type, field), NULL, shape }
#define JSON_SHAPE(type, fields)                { fields, count_of(fields), sizeof(struct type) }
#define JSON_WORD_SET(words)                    { count_of(words), words }
/* clang-format on */

/* The struct as an object, for the caller to release. What isn't UTF-8 in a text is replaced. */
json_t *json_write(const struct json_shape *shape, const void *from);
json_t *text_json(struct str text);
/* A folder as the API spells it, and back: the inbox has a name there. */
json_t *json_folder(struct str folder);
struct str json_folder_of(struct str name);
/* The word of a value, or "" where there is none. */
const char *json_word(const struct json_words *words, uint64_t value);
bool json_word_value(const struct json_words *words, struct str name, uint64_t *value) must_use;

/* Fill in a struct from an object. Texts are views into `from`; lists are in the arena. `present`,
 * if not NULL: a bit for each field by its place. False: *why says which member is wrong. */
bool json_read(const struct json_shape *shape, const json_t *from, struct arena *arena, void *to,
	uint32_t *present, struct why *why) must_use;

#endif
