/* SPDX-License-Identifier: ISC
 *
 * deliver.h - one job from route to outcome: the hosts in their order, each judged alone by
 * policy, and what is to be reported of every recipient.
 */
#ifndef DELIVERY_DELIVER_H
#define DELIVERY_DELIVER_H

#include "delivery/ledger.h"
#include "delivery/pool.h"
#include "delivery/transaction.h"

/* Try to deliver to those to whom the ledger doesn't say it was sent already. Blocks as long as it
 * takes; every wait is bounded. Fills *report for the next work call, its texts in `arena`. True if
 * the end of the message was sent to a peer: *committing was counted up then and is to be counted
 * down once the report is told. */
bool deliver(struct config *config, struct pool *pool, struct ledger *ledger, const struct job *job,
	struct str body, struct arena *arena, atomic_int *committing, struct work_ask *report);

#endif
