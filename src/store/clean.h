/* SPDX-License-Identifier: ISC
 *
 * clean.h - what has had its time goes, a little at a time, between the calls.
 */
#ifndef STORE_CLEAN_H
#define STORE_CLEAN_H

#include "store/store.h"

/* Remove a bounded number of ended messages, old notices, old receipts, expired policies and left-over
 * bodies, and warn of stored certificates that expire. True: there may be more. Database failures are
 * sticky. */
bool clean_some(struct store *store);

#endif
