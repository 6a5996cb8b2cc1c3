/* SPDX-License-Identifier: ISC
 *
 * factor.c - see factor.h. Runs in the store's thread, inside a batch: that a code was used and what
 * it was used for are one transaction.
 */
#include "store/factor.h"

#include "base/log.h"
#include "store/secret.h"
#include "store/session.h"
#include "store/totp.h"

enum { CODE_MAX = 64 };

struct factor {
	bool there, active;
	struct str secret;
	int64_t used; /* the step of the last code */
};

static struct factor read_factor(struct store *store, int64_t account, struct arena *arena)
{
	sqlite3_stmt *s = ASK(&store->db, FACTOR, as_number(account));
	struct factor factor = { 0 };

	if (row(&store->db, s))
		factor = (struct factor){ .there = true,
			.secret = row_copy(s, 0, arena),
			.active = row_number(s, 1) != 0,
			.used = row_number(s, 2) };
	row_end(s);
	return factor;
}

bool factor_is_on(struct store *store, int64_t account)
{
	return row_only_number(&store->db, ASK(&store->db, FACTOR_ACTIVE, as_number(account))) != 0;
}

/* --- codes --- */

/* As people type it: blanks and hyphens are for the eye. */
static struct str bare(struct str code, struct arena *arena)
{
	char text[CODE_MAX];
	size_t n = 0;

	if (code.len > CODE_MAX)
		return STR("");
	for (size_t i = 0; i < code.len; i++)
		if (code.at[i] != ' ' && code.at[i] != '-')
			text[n++] = ascii_lower(code.at[i]);
	return arena_str(arena, (struct str){ text, n });
}

static bool use_code(
	struct store *store, int64_t account, const struct factor *factor, struct str code)
{
	int64_t step = 0;

	if (!totp_is_right(factor->secret, code, store->now, factor->used, &step))
		return false;
	RUN(&store->db, FACTOR_USED, as_number(account), as_number(step));
	return true;
}

static bool use_recovery(struct store *store, int64_t account, struct str code, struct arena *arena)
{
	RUN(&store->db, RECOVERY_USE, as_number(account), as_text(secret_digest(arena, code)));
	return sql_changes(&store->db) == 1;
}

enum factor_judged factor_judge(
	struct store *store, int64_t account, struct str code, struct arena *arena)
{
	struct factor factor = read_factor(store, account, arena);

	if (!factor.there || !factor.active)
		return FACTOR_OFF;
	code = bare(code, arena);
	if (use_code(store, account, &factor, code) || use_recovery(store, account, code, arena))
		return FACTOR_RIGHT;
	return FACTOR_WRONG;
}

/* --- on and off --- */

void factor_begin(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct factor_answer *answer)
{
	struct session_account who;

	*answer = (struct factor_answer){ .outcome = WEB_NO_SESSION };
	if (!session_account(store, ask->token, arena, &who))
		return;
	if (factor_is_on(store, who.account)) {
		*answer = (struct factor_answer){ .outcome = WEB_EXISTS,
			.text = STR("the second factor is on already") };
		return;
	}
	struct str secret = totp_secret(arena);
	RUN(&store->db, FACTOR_BEGIN, as_number(who.account), as_blob(secret));
	*answer = (struct factor_answer){ .outcome = WEB_OK,
		.secret = totp_base32(arena, secret),
		.uri = totp_uri(arena, store->settings->host_name, who.address, secret) };
}

static void make_recovery(
	struct store *store, int64_t account, struct arena *arena, struct factor_answer *answer)
{
	answer->recovery.at = arena_array(arena, RECOVERY_CODES, sizeof *answer->recovery.at);
	if (!answer->recovery.at)
		return;
	for (; answer->recovery.len < RECOVERY_CODES; answer->recovery.len++) {
		struct str code = secret_letters(arena, RECOVERY_GROUPS);
		answer->recovery.at[answer->recovery.len].text = code;
		RUN(&store->db, RECOVERY_ADD, as_number(account),
			as_text(secret_digest(arena, bare(code, arena))));
	}
}

static void changed(struct store *store, const struct session_account *who, const char *to)
{
	store->accounts_changed = true;
	change_note(store, who->account, CHANGE_SETTINGS);
	LOG(LOG_INFO, "second-factor", log_str("account", who->address), log_text("is", to));
}

static void switch_on(struct store *store, const struct session_account *who, struct str code,
	struct arena *arena, struct factor_answer *answer)
{
	struct factor factor = read_factor(store, who->account, arena);

	if (factor.active) {
		answer->outcome = WEB_EXISTS;
		return;
	}
	if (!factor.there || !use_code(store, who->account, &factor, bare(code, arena))) {
		*answer = (struct factor_answer){ .outcome = WEB_INVALID,
			.text = STR("this is not the code of this moment") };
		return;
	}
	RUN(&store->db, FACTOR_ACTIVATE, as_number(who->account));
	make_recovery(store, who->account, arena, answer);
	answer->outcome = answer->recovery.len == RECOVERY_CODES ? WEB_OK : WEB_FAILED;
	changed(store, who, "on");
}

void factor_remove(struct store *store, int64_t account)
{
	RUN(&store->db, FACTOR_REMOVE, as_number(account));
	RUN(&store->db, RECOVERY_REMOVE, as_number(account));
	store->accounts_changed = true;
}

void factor_set(struct store *store, const struct factor_set_ask *ask,
	const struct login_decided *proof, struct arena *arena, struct factor_answer *answer)
{
	struct session_account who;

	*answer = (struct factor_answer){ .outcome = WEB_NO_SESSION };
	if (!session_account(store, ask->token, arena, &who))
		return;
	answer->outcome = WEB_WRONG;
	if (!session_proved(store, &who, proof))
		return;
	if (ask->on) {
		switch_on(store, &who, ask->code, arena, answer);
		return;
	}
	factor_remove(store, who.account);
	changed(store, &who, "off");
	answer->outcome = WEB_OK;
}
