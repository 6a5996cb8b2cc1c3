/* SPDX-License-Identifier: ISC
 *
 * seen.h - when sessions and application passwords were last used. Noted in memory, so that a
 * question that only reads stays one; written down now and then, with other things.
 */
#ifndef STORE_SEEN_H
#define STORE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two that are in use at the same moment and fall into one slot crowd each other out: what is lost
 * is how lately the one was used, to some minutes. */
enum { SEEN_SLOTS = 4096 };

struct seen {
	struct seen_slot {
		int64_t number, at; /* a row's number; wall clock, milliseconds */
		bool written;
	} slots[SEEN_SLOTS];
};

/* The row of this number, which says it was last used at `before`, is used now. Noted only if that
 * is `step` milliseconds ago. */
void seen_note(struct seen *seen, int64_t number, int64_t before, int64_t now, int64_t step);
/* The later of what the row says and what was noted. */
int64_t seen_at(const struct seen *seen, int64_t number, int64_t before);
/* One that isn't written down; marks it so. False: there is none. */
bool seen_next(struct seen *seen, size_t *place, int64_t *number, int64_t *at);

#endif
