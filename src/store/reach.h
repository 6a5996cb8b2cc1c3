/* SPDX-License-Identifier: ISC
 *
 * reach.h - which of the people an account wrote to lately would each level have reached?
 *
 * Counted are the addresses elsewhere of its newest REACH_NEWEST messages and recipients within
 * REACH_SINCE. Of each, the newest attempt that shows something decides, at whatever level the
 * message was: one that was accepted, one that was refused with TLS established, or one that was
 * refused while demanding TLS alone. An address of which there is none (it was never reached, or
 * refused for want of more than TLS before a connection was made) isn't counted at all.
 *
 * - encrypt: that attempt was over TLS 1.2 or newer;
 * - secure: it was, and the server proven by DANE, MTA-STS or our authorities;
 * - dane-only: it was, and proven by DANE;
 * - verify: the operator has a certificate stored for the domain, and it has not passed its date.
 *
 * It says what was, not what will be.
 */
#ifndef STORE_REACH_H
#define STORE_REACH_H

#include "base/clock.h"
#include "store/store.h"

enum { REACH_NEWEST = 1000, PROVIDERS_LISTED = 1000 };
#define REACH_SINCE (90 * (int64_t)DAY)

/* Reading alone, and bounded: some milliseconds. */
void reach_show(
	struct store *store, int64_t account, struct arena *arena, struct reach_answer *answer);
/* The domains that the level `verify` can reach: entries without their values. */
void reach_providers(struct store *store, struct arena *arena, struct certificate_answer *answer);

#endif
