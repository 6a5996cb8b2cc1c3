/* SPDX-License-Identifier: ISC
 *
 * maildir.h - a message into an account's Maildir, so that it is on disk exactly once however
 * often the role or the machine dies in between.
 */
#ifndef MAILBOX_MAILDIR_H
#define MAILBOX_MAILDIR_H

#include "base/str.h"
#include "base/why.h"
#include "mail/reason.h"

struct maildir_message {
	struct str id;	   /* the queue id */
	struct str sender; /* envelope; empty for the null reverse-path */
	struct str body;   /* lines end in CRLF */
	bool binary;	   /* BODY=BINARYMIME: line ends stay as they are */
};

struct maildir_outcome {
	enum { MAILDIR_DELIVERED, MAILDIR_LATER, MAILDIR_FAILED } result;
	enum reason reason;
	const char *code; /* RFC 3463, e.g. "4.3.1"; "" when delivered */
	struct why why;
};

/* Deliver to the account `mailbox`, reached by `address`. Blocks until the message is on disk.
 * A delivery that was made before (same id and address) is not made again, also when the message
 * has been read, moved or filed since, until maildir_settle. `root` holds the domains. */
struct maildir_outcome maildir_deliver(
	int root, struct str mailbox, struct str address, const struct maildir_message *message);

/* The store has the outcome on disk: forget that the delivery was made. Harmless if it wasn't. */
void maildir_settle(int root, struct str mailbox, struct str address, struct str id);

#endif
