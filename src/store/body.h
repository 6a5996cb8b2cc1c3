/* SPDX-License-Identifier: ISC
 *
 * body.h - message bodies: on disk in pieces, towards other roles as sealed memfds. The memfds
 * of the newest messages are kept, so that what was just accepted is handed on without being
 * read back.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include "base/fd.h"

struct store;

enum {
	BODY_PIECE = 262144,
	/* A body beyond this is written in slices over several commits before its accept. */
	BODY_STAGED_ABOVE = 1048576,
	BODY_CACHE_SLOTS = 2048,
	BODY_CACHE_BYTES = 64 * 1024 * 1024
};

/* Slot = message number modulo room; numbers grow, so the oldest are the lowest. */
struct body_cache {
	struct body_cached {
		int64_t message;
		int fd; /* -1: empty */
		size_t size;
	} slots[BODY_CACHE_SLOTS];
	int64_t room; /* of the slots, those used: a quarter of our descriptors at most */
	size_t bytes;
	int64_t oldest; /* nothing below this number is kept */
};

void body_cache_open(struct body_cache *cache);
void body_cache_close(struct body_cache *cache);
/* Keep a duplicate of this sealed memfd. */
void body_cache_add(struct body_cache *cache, int64_t message, int fd, size_t size);

int64_t body_pieces(size_t size);
/* Write pieces [first, first + n) of `bytes`. The database fails stickily. */
void body_write(struct store *store, int64_t message, struct str bytes, int64_t first, int64_t n);
/* The body as a sealed memfd, the caller's to close. -1: the database failed or memory is short. */
int body_open(struct store *store, int64_t message, int64_t pieces);
/* Remove it: at once if it is small, else by and by (clean.c). */
void body_remove(struct store *store, int64_t message, int64_t pieces);
/* Remove up to n pieces of what is left over, oldest first. True if there may be more. */
bool body_remove_leftovers(struct store *store, int64_t n);

#endif
