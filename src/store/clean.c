/* SPDX-License-Identifier: ISC
 *
 * clean.c - see clean.h. Runs in the store's thread, inside a batch.
 */
#include "store/clean.h"

#include "store/receipt.h"
#include "store/session.h"
#include "store/stored.h"
#include "store/sts_policy.h"
#include "store/tally.h"

enum {
	MESSAGES_AT_ONCE = 50,
	NOTICES_AT_ONCE = 100,
	LETTERS_AT_ONCE = 100,
	POLICIES_AT_ONCE = 100,
	PIECES_AT_ONCE = 16
};

static bool remove_message(struct store *store)
{
	int64_t message = row_only_number(
		&store->db, ASK(&store->db, MESSAGE_REMOVABLE, as_number(store->now)));

	if (!message)
		return false;
	RUN(&store->db, RECIPIENTS_REMOVE, as_number(recipient_number(message, 0)),
		as_number(recipient_number(message + 1, 0)));
	RUN(&store->db, EVIDENCE_REMOVE, as_number(message));
	RUN(&store->db, MESSAGE_REMOVE, as_number(message));
	return true;
}

static bool remove_notices(struct store *store)
{
	RUN(&store->db, NOTICES_EXPIRE, as_number(store->now - store->settings->keep_notices),
		as_number(NOTICES_AT_ONCE));
	return sql_changes(&store->db) == NOTICES_AT_ONCE;
}

/* What people send themselves; there are never many that have their time at once. */
static bool remove_sent(struct store *store)
{
	RUN(&store->db, SENT_EXPIRE, as_number(store->now - store->settings->keep_receipts));
	RUN(&store->db, LETTERS_EXPIRE, as_number(store->now - store->settings->keep_receipts),
		as_number(LETTERS_AT_ONCE));
	return sql_changes(&store->db) == LETTERS_AT_ONCE;
}

bool clean_some(struct store *store)
{
	int n = 0;

	stored_warn(store);
	session_tidy(store);
	while (n < MESSAGES_AT_ONCE && remove_message(store))
		n++;
	bool more = n == MESSAGES_AT_ONCE;
	more |= remove_notices(store);
	more |= remove_sent(store);
	more |= sts_policy_expire(store, POLICIES_AT_ONCE);
	more |= receipt_remove_some(store);
	receipt_tell_log(store);
	more |= tally_expire(store);
	more |= body_remove_leftovers(store, PIECES_AT_ONCE);
	return more && store->db.failure == SQLITE_OK;
}
