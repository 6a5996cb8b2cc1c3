/* SPDX-License-Identifier: ISC
 *
 * account.h - the accounts whose mailboxes are being asked about. Each is opened once for all who
 * ask, and kept open for a while afterwards; there are at most ACCOUNTS_OPEN beyond those in use.
 */
#ifndef MAILBOX_ACCOUNT_H
#define MAILBOX_ACCOUNT_H

#include "base/why.h"
#include "mailbox/index.h"
#include <pthread.h>

enum { ACCOUNTS_OPEN = 32 };

struct accounts;

struct account {
	int folder; /* its Maildir, open */
	struct index *index;
	pthread_mutex_t lock; /* guards the index, and changes of folders made here */
	bool in_hand, wished; /* of the digests, guarded by their lock */
	/* the accounts', guarded by theirs */
	struct folder_path *path;
	unsigned users;
	uint64_t used;
	struct account *next;
};

/* `root` is the directory that holds the domains; it stays open. */
struct accounts *accounts_new(int root);
/* Nobody may have an account. */
void accounts_free(struct accounts **accounts);

/* The account of a canonical address, its folder made if it wasn't there. NULL and why. */
struct account *account_take(struct accounts *accounts, struct str mailbox, struct why *why);
/* The same once more, for somebody else. */
void account_share(struct accounts *accounts, struct account *account);
void account_give_back(struct accounts *accounts, struct account *account);

#endif
