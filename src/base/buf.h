/* SPDX-License-Identifier: ISC
 *
 * buf.h - bytes that are owned and grow, up to a maximum they have from birth. A buffer that
 * would pass it keeps what it has, remembers `overflowed`, and takes nothing more: a caller may
 * add many pieces and ask once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *at;
	size_t len, room, max;
	bool overflowed;
};

/* An empty buffer that will hold at most `max` bytes. Allocates nothing yet. */
#define BUF(maximum) ((struct buf){ .max = (maximum) })

/* Each returns false (and sets overflowed) when the piece doesn't fit; nothing is added then. */
bool buf_add(struct buf *b, struct str piece);
bool buf_add_char(struct buf *b, char c);
bool buf_add_u64(struct buf *b, uint64_t number);
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Make room for n more bytes and return where they go (the caller then adds n to len), or NULL. */
char *buf_reserve(struct buf *b, size_t n) must_use;
/* Drop the first n bytes, moving the rest to the front. */
void buf_consume(struct buf *b, size_t n);
/* Forget the contents (and overflowed), keep the memory. */
void buf_clear(struct buf *b);
/* Free the memory; the buffer is empty and usable again. */
void buf_free(struct buf *b);
/* A view of the contents, good until the next change. */
struct str buf_str(const struct buf *b);

#endif
