/* SPDX-License-Identifier: ISC
 *
 * calls.h - each call of calls.def as a function on the store. Those that write run inside a
 * batch; what they answer goes out after its commit.
 */
#ifndef STORE_CALLS_H
#define STORE_CALLS_H

#include "store/caller.h"
#include "store/login.h"
#include "store/store.h"

/* Answer the caller's call at once if that takes reading alone (who is this?), outside any batch:
 * CALLER_ANSWERED, CALLER_LOGS_IN, CALLER_WATCHES or CALLER_FAILED. False: it is for the batch. */
bool calls_read(struct store *store, struct login_pool *logins, struct caller *caller) must_use;
/* The threads are done with the password of a caller in CALLER_LOGS_IN. True: it is answered.
 * False: it is for the batch. */
bool calls_decided(
	struct store *store, struct caller *caller, const struct login_decided *decided) must_use;
/* Run the caller's call, one that calls_read left; its state says what comes next: CALLER_ANSWERED,
 * CALLER_WAITS, CALLER_STAGES or CALLER_FAILED. */
void calls_run(struct store *store, struct caller *caller);
/* What to answer where its batch could not be committed because of `failure`. */
void calls_failed(struct caller *caller, int failure);
/* A job for a caller in CALLER_WAITS, if there is one now: CALLER_ANSWERED. */
void calls_try_work(struct store *store, struct caller *caller);
/* Something may have changed for a caller in CALLER_WATCHES, or its time is `over`. True: there is an
 * answer. Outside any batch. */
bool calls_look_again(struct store *store, struct caller *caller, bool over) must_use;
/* Write the next slice of a caller in CALLER_STAGES; the message's rows when all is written. */
void calls_stage(struct store *store, struct caller *caller);

#endif
