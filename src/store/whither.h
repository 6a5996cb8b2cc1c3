/* SPDX-License-Identifier: ISC
 *
 * whither.h - where a message would go and what it would demand, were it sent now; by the very
 * functions that take it.
 */
#ifndef STORE_WHITHER_H
#define STORE_WHITHER_H

#include "store/store.h"

/* Reading alone. */
void whither(struct store *store, int64_t account, const struct whither_ask *ask,
	struct arena *arena, struct whither_answer *answer);

#endif
