/* SPDX-License-Identifier: ISC
 *
 * arena.h - memory with the lifetime of a session or a transaction: taken piece by piece, given
 * back all at once. It has a maximum; a caller who works for a peer asks for a limit it can
 * refuse at, and treats NULL as the peer's fault.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used, max;
};

#define ARENA(maximum) ((struct arena){ .max = (maximum) })

/* Zeroed memory aligned for any type, or NULL when the arena's maximum would be passed. */
void *arena_alloc(struct arena *a, size_t size) must_use;
/* n zeroed elements of `size`, checked against overflow; NULL as above. */
void *arena_array(struct arena *a, size_t n, size_t size) must_use;
/* A copy; its bytes are followed by a NUL that isn't counted. {NULL, 0} when full. */
struct str arena_str(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Give back everything. Keeps the first block for reuse. */
void arena_reset(struct arena *a);
/* Give back everything, to the system. */
void arena_free(struct arena *a);

#endif
