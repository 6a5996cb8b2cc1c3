/* SPDX-License-Identifier: ISC
 *
 * sent.h - what became of what an account sent from its pages, as it is now. A message's rows stay
 * for as long as there are receipts of it, so that this can be asked when it is long over.
 */
#ifndef STORE_SENT_H
#define STORE_SENT_H

#include "store/store.h"

enum { SENT_LISTED = 100, SENT_RECIPIENTS_LISTED = 2000 };

/* Of those named, or of the newest ones. Another account's are not there. Reading alone. */
void sent_show(struct store *store, int64_t account, const struct sent_ask *ask,
	struct arena *arena, struct sent_answer *answer);

#endif
