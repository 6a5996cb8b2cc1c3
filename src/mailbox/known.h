/* SPDX-License-Identifier: ISC
 *
 * known.h - which files of an account's Maildir the index has: in memory, so that a directory of a
 * hundred thousand entries is compared with it in the time it takes to read the directory.
 */
#ifndef MAILBOX_KNOWN_H
#define MAILBOX_KNOWN_H

#include "base/str.h"

struct known_file {
	uint64_t hash;	/* of the file's name */
	int64_t number; /* of its row; 0: an empty place, -1: one that was given up */
	uint32_t directory;
	uint32_t mark; /* the caller's */
};

struct known {
	struct known_file *at;
	size_t room, used; /* given up ones included */
};

/* Of a name, upper and lower case apart. */
uint64_t known_hash(struct str name);
/* NULL: not known. Good until the next known_add. */
struct known_file *known_find(const struct known *known, uint64_t hash, uint32_t directory);
struct known_file *known_add(
	struct known *known, uint64_t hash, uint32_t directory, int64_t number);
void known_remove(struct known *known, uint64_t hash, uint32_t directory);
void known_free(struct known *known);

#endif
