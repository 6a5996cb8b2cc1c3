/* SPDX-License-Identifier: ISC
 *
 * familiar.h - from which networks each account has logged in lately. Who comes from there isn't held
 * up by what others fail to guess elsewhere (login.c). Kept in memory alone, and bounded: a table of
 * sets, in which the one that was longest ago gives way; who isn't found in it waits like anybody.
 */
#ifndef STORE_FAMILIAR_H
#define STORE_FAMILIAR_H

#include "base/clock.h"
#include "base/str.h"

/* As long as an address is likely to stay somebody's. */
#define FAMILIAR_FOR (30 * (int64_t)DAY)
enum { FAMILIAR_SETS = 1024, FAMILIAR_WAYS = 8 };

struct familiar {
	struct familiar_pair {
		int64_t account;  /* 0: empty */
		uint64_t network; /* a key of the throttle */
		int64_t seen;	  /* monotonic */
	} sets[FAMILIAR_SETS][FAMILIAR_WAYS];
};

/* `network` is a key of the throttle, `now` monotonic, milliseconds. */
void familiar_note(struct familiar *f, int64_t account, uint64_t network, int64_t now);
/* False for account 0, who is nobody. */
bool familiar_is(const struct familiar *f, int64_t account, uint64_t network, int64_t now);
/* Whoever had its password may have it no more. */
void familiar_forget(struct familiar *f, int64_t account);

#endif
