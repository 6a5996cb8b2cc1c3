/* SPDX-License-Identifier: ISC
 *
 * watch.h - what other programs do in the Maildirs of accounts that have a page open, as it happens:
 * Dovecot, a delivery by somebody else. The store is told, which tells the pages. A page says every
 * few seconds that it is there; when none did for a while, nothing of the account is watched.
 */
#ifndef MAILBOX_WATCH_H
#define MAILBOX_WATCH_H

#include "call/client.h"
#include "mailbox/account.h"

enum {
	WATCH_LEASE = 60 * SECOND, /* after a page last said that it is there */
	/* At once: what is beyond shows when the page asks for it the next time. */
	WATCH_ACCOUNTS = 64,
	WATCH_FOLDERS = 32,	/* of each: the inbox, and others as they come; the rest is looked
				    * at whenever a page says that it is there */
	WATCH_PAUSE = 300,	/* after the first change, for those that come with it */
	WATCH_REST = 2 * SECOND /* between two that are told */
};

struct watches;

struct watches *watches_new(struct accounts *accounts, struct client *store);
/* It doesn't serve. */
void watches_free(struct watches **watches);
/* Start the thread; it lives as long as the process. */
void watches_serve(struct watches *watches);

/* A page of the account with this canonical address is there. Without the account's lock. False: too
 * many are watched, or the system can't. */
bool watches_renew(struct watches *watches, struct account *account, struct str mailbox);

#endif
