/* SPDX-License-Identifier: ISC
 *
 * store_session.h - for tests: somebody of the store's world has a browser session.
 */
#ifndef TEST_STORE_SESSION_H
#define TEST_STORE_SESSION_H

#include "store_world.h"

#include "base/clock.h"
#include "store/session.h"

static struct login_decided proof(int64_t account)
{
	static const char *const addresses[] = { "", "ada@example.test", "bob@example.test" };

	return (struct login_decided){ .outcome = LOGIN_OK,
		.account = account,
		.address = str_of(addresses[account]),
		.hash = STR(HASH) };
}

static struct session_answer log_in_with(
	struct world *w, int64_t account, const char *code, const char *agent)
{
	struct session_begin_ask ask = {
		.code = str_of(code), .peer = STR("192.0.2.7"), .agent = str_of(agent)
	};
	struct login_decided decided = proof(account);
	struct session_answer answer;

	begin(w);
	session_begin(&w->store, &ask, &decided, &w->arena, &answer);
	commit(w);
	return answer;
}

static struct str log_in(struct world *w, int64_t account)
{
	struct session_answer answer = log_in_with(w, account, "", "Firefox");

	assert_int_equal(answer.outcome, WEB_OK);
	return answer.token;
}

static bool is_in(struct world *w, struct str token)
{
	struct session_account who;

	w->store.db.failure = SQLITE_OK;
	return session_account(&w->store, token, &w->arena, &who);
}

#endif
