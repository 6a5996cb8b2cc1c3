/* SPDX-License-Identifier: ISC
 *
 * listing.h - the queue as the operator sees and changes it, and the figures of `siegel status`.
 */
#ifndef STORE_LISTING_H
#define STORE_LISTING_H

#include "store/store.h"

enum { LISTED_MAX = 1000, LISTED_ATTEMPTS_MAX = 100 };

/* What waits, or all of one message with its attempts. Each fills *answer from the arena. */
void listing_queue(struct store *store, const struct queue_ask *ask, struct arena *arena,
	struct queue_answer *answer);
/* Due now, and its destination is tried again even if it was down. */
void listing_retry(struct store *store, const struct queue_change_ask *ask, struct arena *arena,
	struct queue_answer *answer);
/* To be failed by the clock at the end of this batch and of those after it (settle.h), so that
 * each sender is told. */
void listing_drop(struct store *store, const struct queue_change_ask *ask, struct arena *arena,
	struct queue_answer *answer);
void listing_status(struct store *store, struct arena *arena, struct status_answer *answer);

#endif
