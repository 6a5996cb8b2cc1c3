/* SPDX-License-Identifier: ISC
 *
 * throttle.h - failed logins, counted per account and per peer address, so that nobody can guess
 * on; who is spared the first is in familiar.h. Bounded: a table of sets, in which the smallest count gives way.
 */
#ifndef STORE_THROTTLE_H
#define STORE_THROTTLE_H

#include "base/str.h"

enum { THROTTLE_WINDOW = 900000, THROTTLE_SETS = 1024, THROTTLE_WAYS = 4 };

struct throttle {
	struct throttled {
		uint64_t key;  /* keyed hash of what is counted; 0: empty */
		int64_t since; /* monotonic */
		uint64_t failures;
	} sets[THROTTLE_SETS][THROTTLE_WAYS];
};

/* kind: 'a' an account, 'p' a peer (an IPv6 address stands for its /64). */
uint64_t throttle_key(char kind, struct str name);
/* Failures within the window. `now` is monotonic, milliseconds. */
uint64_t throttle_count(const struct throttle *t, uint64_t key, int64_t now);
/* Milliseconds until that window is over; 0: nothing failed in it. */
int64_t throttle_wait(const struct throttle *t, uint64_t key, int64_t now);
void throttle_failed(struct throttle *t, uint64_t key, int64_t now);

#endif
