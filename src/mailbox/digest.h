/* SPDX-License-Identifier: ISC
 *
 * digest.h - the messages of which the index knows the name alone are read: who, to whom, what
 * about, the beginning of the text. It is done by a process that is thrown away (mime.h), newest
 * first: by whoever asks, for a moment, and what is left then by one thread behind their back. A
 * page of a list has its own few read at once.
 */
#ifndef MAILBOX_DIGEST_H
#define MAILBOX_DIGEST_H

#include "mailbox/account.h"
#include "mailbox/mime.h"

enum {
	DIGEST_TEXT_MAX = 16 * 1024, /* of a message's text that can be searched */
	DIGEST_WAIT = 5 * SECOND,    /* for one message */
	DIGEST_BATCH = 64	     /* messages that become known in one transaction */
};

struct digests;

struct digests *digests_new(struct accounts *accounts, struct mime *mime);
/* It doesn't serve. */
void digests_free(struct digests **digests);
/* Start the thread; it lives as long as the process. */
void digests_serve(struct digests *digests);

/* Read these messages of an account (numbers of rows, at most DIGEST_BATCH) now; without its lock. */
void digests_read_some(
	struct digests *digests, struct account *account, const int64_t *numbers, size_t n);
/* Read what isn't read of the account, until all is or the deadline passes; the thread goes on with
 * what is left. Without its lock. */
void digests_read(struct digests *digests, struct account *account, struct deadline deadline);

#endif
