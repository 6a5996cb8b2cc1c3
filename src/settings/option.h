/* SPDX-License-Identifier: ISC
 *
 * option.h - settings.def as a table that code can walk: the parser, the checks, the effective
 * configuration, the example file and the manual are loops over it.
 */
#ifndef SETTINGS_OPTION_H
#define SETTINGS_OPTION_H

#include "base/arena.h"
#include "base/why.h"
#include "settings/settings.h"

enum option_kind {
	OPTION_TEXT,
	OPTION_TEXTS,
	OPTION_COUNT,
	OPTION_SIZE,
	OPTION_SPAN,
	OPTION_SPANS,
	OPTION_FLAG
};

/* Reads one value of a text option: false and "what is wrong; what would be right", or the value
 * in the form the roles see it, kept in `arena` where it had to be changed. */
typedef bool text_check(struct str value, struct arena *arena, struct str *read, struct why *why);

struct option {
	const char *name;
	enum option_kind kind;
	size_t offset;	  /* in struct settings */
	const char *text; /* default of OPTION_TEXT and OPTION_SPANS */
	uint64_t number;  /* default of the other single ones */
	uint64_t least, most;
	const char *help;
};

/* What a text option may hold. */
struct text_rule {
	const char *name;
	text_check *check;
	const char *example; /* without quotes; a good value */
};

#define OPTION_ONE(...) +1
enum {
	OPTIONS_N = 0 SETTINGS(
		OPTION_ONE, OPTION_ONE, OPTION_ONE, OPTION_ONE, OPTION_ONE, OPTION_ONE, OPTION_ONE)
};

extern const struct option options[OPTIONS_N];

/* The option of that name, or NULL. */
const struct option *option_of(struct str name);
/* The name most like `name`, for "did you mean"; NULL if none is near. */
const char *option_near(struct str name);
/* The rule of a text option; every one has a rule. */
const struct text_rule *option_rule(const struct option *option);

/* Where `len` elements that were added one by one have room for one more; NULL: the arena is full. */
void *room_for_one(struct arena *arena, void *at, size_t len, size_t size) must_use;
/* Set every option of *s to its default; lists live in `arena`. */
void option_defaults(struct settings *s, struct arena *arena);
/* Empty a list, so that what is read next replaces it. */
void option_clear(const struct option *option, struct settings *s);
/* Read one value into its place in *s (appending, where it is a list). */
bool option_read(const struct option *option, struct str value, struct settings *s,
	struct arena *arena, struct why *why) must_use;

#endif
