/* SPDX-License-Identifier: ISC
 *
 * scan.h - the index held against the Maildir: what came, went, was moved or flagged, by us, by
 * Dovecot or by anybody, is in the index afterwards. Only names are looked at here; messages are
 * read later (digest.h). And the way from a message's id to its file.
 */
#ifndef MAILBOX_SCAN_H
#define MAILBOX_SCAN_H

#include "mailbox/account.h"

enum { FOLDERS_MAX = 1000 };

/* With the account's lock held. Directories that look as they did are not read again. */
void scan(struct account *account);
/* The same after a change of our own: what is found is no news. */
void scan_own(struct account *account);

/* A message as the index has it. */
struct located {
	int64_t number;
	struct str name, folder; /* of the file, and the Maildir++ name */
	uint32_t directory;
	uint64_t flags, hash, size;
	int64_t conversation, time;
	struct str queue_id, sent, draft, id;
	int64_t left_in; /* the folder where it had keywords that it could not take along; 0: none */
	uint32_t left;	 /* and these */
};

/* With the lock held. False: there is none. Texts are in `arena`. */
bool scan_locate(
	struct account *account, struct str id, struct arena *arena, struct located *located);
bool scan_locate_number(
	struct account *account, int64_t number, struct arena *arena, struct located *located);

/* A folder, or `cur` or `new` of it, as an open directory; -1 with errno. No link is followed. */
int scan_open_folder(int account, struct str folder);
int scan_open_part(int account, struct str folder, bool is_new);
/* The file of a message, open for reading; -1 with errno. ENOENT: it has moved since. */
int scan_open_file(int account, const struct located *located);
/* The same for whoever has no lock: looks again where the file has moved. -1: there is none. */
int scan_open(struct account *account, struct str id, struct arena *arena, struct located *located);

#endif
