/* SPDX-License-Identifier: ISC
 *
 * found.h - what a search found, before a page of it is shown: gathered here and not in a table of
 * the database, since a common word is in a hundred thousand messages.
 */
#ifndef MAILBOX_FOUND_H
#define MAILBOX_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than that are not looked at: 32 MiB. */
enum { FOUND_MAX = 1024 * 1024 };

struct found_message {
	int64_t number, time, conversation;
	bool unseen;
};

struct found {
	struct found_message *at;
	size_t n, room;
	size_t unseen;
};

/* False: there are FOUND_MAX. */
bool found_add(struct found *found, struct found_message message);
/* Newest first; `collapse`: the newest of each conversation alone. */
void found_arrange(struct found *found, bool collapse);
void found_free(struct found *found);

#endif
