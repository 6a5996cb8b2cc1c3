/* SPDX-License-Identifier: ISC
 *
 * password.c - see password.h. Runs in the store's thread; the hash is made by the threads of
 * login.h.
 */
#include "store/password.h"

#include "base/log.h"
#include "store/session.h"

struct str password_fault(struct str password)
{
	if (password.len < PASSWORD_LEAST)
		return STR("a password has at least 8 characters");
	if (password.len > PASSWORD_MAX)
		return STR("a password has at most 512 bytes");
	for (size_t i = 0; i < password.len; i++)
		if ((unsigned char)password.at[i] < ' ' || password.at[i] == 0x7f)
			return STR("a password has no control characters");
	return str_is_utf8(password) ? STR("") : STR("a password is text in UTF-8");
}

bool password_question(
	struct store *store, struct str token, struct arena *arena, struct login_question *question)
{
	struct session_account who;

	if (!session_account(store, token, arena, &who))
		return false;
	question->user = who.address;
	return true;
}

void password_set(struct store *store, const struct password_set_ask *ask,
	const struct login_decided *proof, struct arena *arena, struct done_answer *answer)
{
	struct session_account who;

	*answer = (struct done_answer){ .outcome = WEB_NO_SESSION };
	if (!session_account(store, ask->token, arena, &who))
		return;
	answer->outcome = WEB_WRONG;
	if (!session_proved(store, &who, proof))
		return;
	RUN(&store->db, ACCOUNT_PASSWD, as_number(who.account), as_text(proof->new_hash));
	session_end_others(store, who.account, who.session);
	store->accounts_changed = true;
	answer->outcome = WEB_OK;
	LOG(LOG_INFO, "password-changed", log_str("account", who.address));
}
