/* SPDX-License-Identifier: ISC
 *
 * admin.c - see admin.h. Runs in the store's thread. Who is an administrator is a column of the
 * account, which the operator's command alone changes.
 */
#include "store/admin.h"

#include "base/version.h"
#include "store/account.h"
#include "store/listing.h"
#include "store/session.h"
#include "store/stored.h"
#include "store/tally.h"

static enum web_outcome allowed(struct store *store, struct str token, struct arena *arena)
{
	struct session_account who;

	if (!session_account(store, token, arena, &who))
		return WEB_NO_SESSION;
	return who.admin ? WEB_OK : WEB_NOT_ALLOWED;
}

/* The operator's calls have outcomes of their own. */
static enum web_outcome outcome_of(uint64_t outcome)
{
	switch ((enum ctl_outcome)outcome) {
	case CTL_OK:
		return WEB_OK;
	case CTL_NOT_FOUND:
		return WEB_NOT_FOUND;
	case CTL_EXISTS:
		return WEB_EXISTS;
	default:
		return WEB_INVALID;
	}
}

void admin_accounts(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct admin_accounts_answer *answer)
{
	*answer = (struct admin_accounts_answer){ .outcome = allowed(store, ask->token, arena) };
	if (answer->outcome != WEB_OK)
		return;
	answer->accounts.at = arena_array(arena, ACCOUNTS_LISTED, sizeof *answer->accounts.at);
	if (!answer->accounts.at) {
		answer->outcome = WEB_FAILED;
		return;
	}
	sqlite3_stmt *s = ASK(&store->db, USERS, as_number(ACCOUNTS_LISTED));
	while (answer->accounts.len < ACCOUNTS_LISTED && row(&store->db, s)) {
		struct user user = account_of_row(store, s, arena);
		answer->accounts.at[answer->accounts.len++] =
			(struct admin_account){ .address = user.address,
				.alias = user.alias,
				.language = user.language,
				.admin = user.admin,
				.active = user.active,
				.level = user.level,
				.second_factor = user.second_factor,
				.created = user.created,
				.seen = user.seen };
	}
	row_end(s);
}

void admin_queue(struct store *store, const struct admin_page_ask *ask, struct arena *arena,
	struct queue_answer *answer)
{
	enum web_outcome outcome = allowed(store, ask->token, arena);

	*answer = (struct queue_answer){ .outcome = outcome };
	if (outcome != WEB_OK)
		return;
	listing_queue(store, &(struct queue_ask){ .after = ask->after, .limit = ask->limit }, arena,
		answer);
	answer->outcome = outcome_of(answer->outcome);
}

/* The entry a page ended with; what is listed is ordered by domain. False: it is gone. */
static bool find_entry(
	struct store *store, struct str text, struct arena *arena, struct certificate_list_ask *ask)
{
	uint64_t number;

	if (!text.len)
		return true;
	if (!str_to_u64(text, &number) || number > INT64_MAX)
		return false;
	sqlite3_stmt *s = ASK(&store->db, STORED_ONE, as_number((int64_t)number));
	bool found = row(&store->db, s);
	if (found) {
		ask->after = number;
		ask->after_domain = row_copy(s, 1, arena);
	}
	row_end(s);
	return found;
}

void admin_certificates(struct store *store, const struct admin_page_ask *ask, struct arena *arena,
	struct certificate_answer *answer)
{
	struct certificate_list_ask list = { .limit = ask->limit ? ask->limit : STORED_LISTED };

	*answer = (struct certificate_answer){ .outcome = allowed(store, ask->token, arena) };
	if (answer->outcome != WEB_OK)
		return;
	if (!find_entry(store, ask->after, arena, &list)) {
		*answer = (struct certificate_answer){ .outcome = WEB_INVALID,
			.text = STR("\"after\" is no entry") };
		return;
	}
	stored_list(store, &list, arena, answer);
	answer->outcome = outcome_of(answer->outcome);
}

void admin_deliveries(struct store *store, const struct admin_deliveries_ask *ask,
	struct arena *arena, struct admin_deliveries_answer *answer)
{
	*answer = (struct admin_deliveries_answer){ .outcome = allowed(store, ask->token, arena) };
	if (answer->outcome == WEB_OK)
		tally_read(store, (int64_t)(ask->since & INT64_MAX),
			(int64_t)(ask->step_ms & INT64_MAX), arena, answer);
}

void admin_status(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct admin_status_answer *answer)
{
	struct status_answer status;

	*answer = (struct admin_status_answer){ .outcome = allowed(store, ask->token, arena) };
	if (answer->outcome != WEB_OK)
		return;
	listing_status(store, arena, &status);
	answer->version = STR(SIEGEL_VERSION);
	answer->figures.at = status.figures.at;
	answer->figures.len = status.figures.len;
}
