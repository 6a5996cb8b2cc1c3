/* SPDX-License-Identifier: ISC
 *
 * admin.h - what an account that is an administrator sees on the operator's page. To everybody else
 * each of these says WEB_NOT_ALLOWED, and nothing of it changes anything.
 */
#ifndef STORE_ADMIN_H
#define STORE_ADMIN_H

#include "store/store.h"

void admin_accounts(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct admin_accounts_answer *answer);
/* `after`: the queue id the page before ended with. */
void admin_queue(struct store *store, const struct admin_page_ask *ask, struct arena *arena,
	struct queue_answer *answer);
/* `after`: the number of the entry the page before ended with. */
void admin_certificates(struct store *store, const struct admin_page_ask *ask, struct arena *arena,
	struct certificate_answer *answer);
void admin_deliveries(struct store *store, const struct admin_deliveries_ask *ask,
	struct arena *arena, struct admin_deliveries_answer *answer);
void admin_status(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct admin_status_answer *answer);

#endif
