/* SPDX-License-Identifier: ISC
 *
 * outcome.h - what becomes of a recipient: delivered, failed, later, or a second look. The one
 * place where a recipient's state changes. Letters follow at the end of the batch (settle.h).
 */
#ifndef STORE_OUTCOME_H
#define STORE_OUTCOME_H

#include "store/store.h"

/* Apply a worker's report: states, evidence, what it says about the destination; its claim ends.
 * A report without a claim (the store was restarted meanwhile) counts as well, as long as nobody
 * else holds the recipients. Database failures are sticky. */
void outcome_report(struct store *store, struct worker *worker, const struct work_ask *ask);
/* End a recipient that no worker decided about: expired, dropped, mailbox gone. last: what the
 * last attempt said, where `why` is REASON_EXPIRED. */
void outcome_fail(struct store *store, int64_t recipient, enum reason why, enum reason last);

#endif
