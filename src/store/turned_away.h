/* SPDX-License-Identifier: ISC
 *
 * turned_away.h - attempts to reach a secure address in plaintext: recorded for the owner, told at
 * once where it was a report (null reverse-path), and bounded, since anybody can make them.
 */
#ifndef STORE_TURNED_AWAY_H
#define STORE_TURNED_AWAY_H

#include "call/message.h"

struct store;
struct identity;

enum {
	/* Attempts recorded per window; beyond that they are counted in the figures alone. */
	TURNED_AWAY_WINDOW = 600000,
	TURNED_AWAY_MAX = 600,
	/* One letter per account in this time about reports turned away. */
	TURNED_AWAY_LETTER = 3600000
};

struct turned_away {
	int64_t window;
	unsigned n;
};

enum {
	/* After the first attempt others may follow: they are told together... */
	TURNED_AWAY_GATHER = 3600000,
	/* ... and once a day at most. */
	TURNED_AWAY_DAILY = 86400000,
	TURNED_AWAY_LISTED = 50
};

/* Write the letters that are due, each in the transaction that notes what it told: what was turned
 * away is told once, unless the account chose not to hear of it. */
void turned_away_tell(struct store *store);
/* Record it. Does the same work for an alias that nobody has, so that time tells nothing. */
void turned_away_record(
	struct store *store, const struct identity *alias, const struct recipient_ask *ask);

#endif
