/* SPDX-License-Identifier: ISC
 *
 * calls.h - each call of calls.def as a function on the store. Those that write run inside a
 * batch; what they answer goes out after its commit.
 */
#ifndef STORE_CALLS_H
#define STORE_CALLS_H

#include "store/login.h"
#include "store/peer.h"
#include "store/store.h"

/* Answer the peer's call at once if that takes reading alone (who is this?), outside any batch:
 * PEER_ANSWERED, PEER_LOGS_IN or PEER_FAILED. False: it is for the batch. */
bool calls_read(struct store *store, struct login_pool *logins, struct peer *peer) must_use;
/* Run the peer's call, one that calls_read left; its state says what comes next: PEER_ANSWERED,
 * PEER_WAITS, PEER_STAGES or PEER_FAILED. */
void calls_run(struct store *store, struct peer *peer);
/* What to answer where its batch could not be committed because of `failure`. */
void calls_failed(struct peer *peer, int failure);
/* A job for a peer in PEER_WAITS, if there is one now: PEER_ANSWERED. */
void calls_try_work(struct store *store, struct peer *peer);
/* Write the next slice of a peer in PEER_STAGES; the accept itself when all is written. */
void calls_stage(struct store *store, struct peer *peer);
/* The peer is gone in the middle of it. */
void calls_stop_staging(struct store *store, struct peer *peer);

#endif
