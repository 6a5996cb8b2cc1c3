/* SPDX-License-Identifier: ISC
 *
 * arrival.h - how a message in an account's mailbox came in, and the receipt of one's own message.
 * Told from what the store wrote down itself (the chain of records), to those whom it is addressed
 * to, and without what is other people's:
 *
 * - of a message of another account here: not from where its author sent it;
 * - no record that names other recipients: a receipt is given whole or not at all, since its records
 *   can't be shortened without being worth nothing.
 */
#ifndef STORE_ARRIVAL_H
#define STORE_ARRIVAL_H

#include "store/store.h"

enum { ARRIVALS_MAX = 100, ARRIVAL_ADDRESSES_MAX = 2000 };

/* For each queue id, in their order; ARRIVAL_UNKNOWN where nothing is known of it, or it wasn't
 * addressed to this account. Reading alone. */
void arrivals(struct store *store, int64_t account, const struct arrivals_ask *ask,
	struct arena *arena, struct arrivals_answer *answer);

/* The records of the account's own message with a statement and its signature: one it sent (all
 * records), or one that came to it (if it came to nobody else). Reading alone. */
void receipt_own(struct store *store, int64_t account, const struct receipt_own_ask *ask,
	struct arena *arena, struct receipt_own_answer *answer);

#endif
