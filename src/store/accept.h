/* SPDX-License-Identifier: ISC
 *
 * accept.h - taking a message: who may send it, what every hop of it must prove, and the rows.
 */
#ifndef STORE_ACCEPT_H
#define STORE_ACCEPT_H

#include "store/store.h"

/* What a message's senders ask for, worked out before anything is written. */
struct senders_judged {
	demands demands;
	int64_t deadline; /* of the account's alias; 0: the default */
};

/* Is the message fit to be taken? Fills *answer and returns false if it isn't, or if it has been
 * taken before (ACCEPT_TAKEN: an answer that was lost). Reads the database only. */
bool accept_check(struct store *store, const struct accept_ask *ask, struct arena *arena,
	struct accept_answer *answer);
/* Write it: message, body, recipients. `staged`: the number under which the body was written
 * before, or 0. `fd`: the body's memfd, kept for whoever delivers it. Database failures are
 * sticky; *answer is ACCEPT_TAKEN otherwise. Call accept_check first, in the same handler. */
void accept_write(struct store *store, const struct accept_ask *ask, struct str body, int fd,
	int64_t staged, struct arena *arena, struct accept_answer *answer);
/* Check, write. */
void accept_message(struct store *store, const struct accept_ask *ask, struct str body, int fd,
	int64_t staged, struct arena *arena, struct accept_answer *answer);
/* What to answer when the database failed. */
void accept_failed(int failure, struct accept_answer *answer);

#endif
