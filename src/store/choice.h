/* SPDX-License-Identifier: ISC
 *
 * choice.h - what an account chose on its pages: its alias, its language, and preferences, which
 * are a closed set of names with a value each.
 */
#ifndef STORE_CHOICE_H
#define STORE_CHOICE_H

#include "store/store.h"

/* row(NAME, name, what it is unless chosen, kind, the words it may be, or the most: a number, or
 * bytes of a text) */
/* clang-format off */
#define PREFERENCES(row) \
	row(UNDO_SECONDS, "undo_seconds", "10",     NUMBER, "",             60)   /* mail is held back */ \
	row(SIGNATURE,    "signature",    "",       TEXT,   "",             4096) /* under what is written */ \
	row(SHORTCUTS,    "shortcuts",    "on",     WORD,   "on off",       0)    /* single keys do things */ \
	row(NOTICES,      "notices",      "on",     WORD,   "on off",       0)    /* a daily letter (notice.h) */ \
	row(EXPERT,       "expert",       "off",    WORD,   "on off",       0)    /* the warning was read */ \
	row(NAME,         "name",         "",       LINE,   "",             200)  /* beside the address */ \
	row(FROM,         "from",         "normal", WORD,   "normal alias", 0)    /* the sender proposed */ \
	row(REMOTE,       "remote",       "ask",    WORD,   "ask",          0)    /* pictures from elsewhere */
/* clang-format on */

#define PREFERENCE_ENUM(name, ...) PREFERENCE_##name,
enum preference_name { PREFERENCES(PREFERENCE_ENUM) PREFERENCES_N };
#undef PREFERENCE_ENUM

/* The value, in the arena or static. */
struct str preference_of(
	struct store *store, int64_t account, enum preference_name name, struct arena *arena);

void choice_show(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct settings_answer *answer);
/* All that is asked for, or nothing (WEB_INVALID, and why). */
void choice_set(struct store *store, const struct settings_set_ask *ask, struct arena *arena,
	struct settings_answer *answer);

#endif
