/* SPDX-License-Identifier: ISC
 *
 * tally.h - how many recipients elsewhere ended how, by the hour, and which domains could not be
 * reached: for the operator's page. Counted in memory while a batch runs and written once at its
 * end, in the same transaction, so that a batch of a thousand costs no more than a batch of one.
 */
#ifndef STORE_TALLY_H
#define STORE_TALLY_H

#include "call/message.h"

struct store;
struct destination;

enum { TALLIED_MAX = 64, DELIVERIES_LISTED = 5000, REFUSED_LISTED = 50 };

struct tally {
	struct tallied {
		int64_t demands, state, reason, count;
	} at[TALLIED_MAX];
	size_t n;
};

/* A recipient at this destination ended so. */
void tally_ended(struct store *store, const struct destination *destination,
	enum recipient_state state, uint64_t reason);
/* What one holds into the other, and no more: a handler that fails counts for nothing. */
void tally_copy(struct tally *to, const struct tally *from);
/* At the end of a batch. Database failures are sticky. */
void tally_write(struct store *store);
/* Remove what had its time (keep_receipts), a part of it. True: there may be more. */
bool tally_expire(struct store *store);

/* Sums in steps of at least an hour, since some time: DELIVERIES_LISTED at most. */
void tally_read(struct store *store, int64_t since, int64_t step, struct arena *arena,
	struct admin_deliveries_answer *answer);

#endif
