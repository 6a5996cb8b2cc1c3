/* SPDX-License-Identifier: ISC
 *
 * notice.h - what an account finds listed because no letter could say it.
 */
#ifndef STORE_NOTICE_H
#define STORE_NOTICE_H

#include "mail/dsn.h"
#include "store/store.h"

enum { NOTICES_LISTED = 1000 };

/* A message of this account did not reach this recipient, and no letter may say so. */
void notice_not_sent(struct store *store, int64_t account, int64_t id, struct str subject,
	const struct dsn_recipient *r);
/* An attempt at the alias in plaintext. Equal ones of an hour are counted in one row. */
void notice_turned_away(struct store *store, int64_t account, enum notice_kind kind, struct str who,
	struct str peer, struct str helo);
/* The newest ones of an account, at most NOTICES_LISTED. */
void notice_list(
	struct store *store, int64_t account, struct arena *arena, struct notices_answer *answer);

/* The same for the pages. */
void notice_list_own(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct notices_answer *answer);

#endif
