/* SPDX-License-Identifier: ISC
 *
 * settle.h - the end of a batch: what the clock asks for, and for every message that changed its
 * letter and, once nothing of it waits any more, its end.
 */
#ifndef STORE_SETTLE_H
#define STORE_SETTLE_H

#include "store/store.h"

/* How long a message from outside is remembered after its end: long enough that an accept that
 * is repeated after a lost answer finds it. Mail of accounts is kept as long as notices. */
enum { REMEMBER_OUTSIDE = 60000 };

/* Delayed notices and deadlines that are due, a bounded number of them. True: there may be more. */
bool settle_clock(struct store *store);
/* Letters, notices and ends of the messages touched so far in this batch. */
bool settle_touched(struct store *store) must_use;

#endif
