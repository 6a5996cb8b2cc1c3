/* SPDX-License-Identifier: ISC
 *
 * calls_password.c - calls that bring a password: it is compared by the threads of login.c, and the
 * rest waits for what they say. A mail program is answered then; what a page asks runs in the batch.
 */
#include "store/calls_password.h"

#include "base/must.h"
#include "store/calls.h"
#include "store/calls_page.h"
#include "store/password.h"

static void answer_login(struct caller *caller)
{
	const struct login_decided *decided = &caller->decided;

	caller->answer.login = (struct login_answer){ .outcome = decided->outcome,
		.account = (uint64_t)decided->account,
		.address = decided->address };
}

void do_login(struct store *store, struct login_pool *logins, struct caller *caller)
{
	const struct login_ask *ask = &caller->ask.login;
	const struct login_question question = {
		.user = ask->user, .password = ask->password, .peer = ask->peer
	};

	if (login_begin(store, logins, &question, caller, &caller->arena, &caller->decided))
		answer_login(caller);
	else
		caller->state = CALLER_LOGS_IN;
}

/* What a call with a session proves, and with what. */
struct proof {
	struct str token, password, new_password, peer;
	struct str fault; /* why this can't be, whatever the password; "" if it can */
};

static struct proof proof_of(const struct caller *caller)
{
	const union call_ask *ask = &caller->ask;

	switch (caller->call) {
	case CALL_password_set:
		return (struct proof){ .token = ask->password_set.token,
			.password = ask->password_set.old,
			.new_password = ask->password_set.new,
			.peer = ask->password_set.peer,
			.fault = password_fault(ask->password_set.new) };
	case CALL_factor_set:
		return (struct proof){ .token = ask->factor_set.token,
			.password = ask->factor_set.password,
			.peer = ask->factor_set.peer };
	case CALL_app_password_add:
		return (struct proof){ .token = ask->app_password_add.token,
			.password = ask->app_password_add.password,
			.peer = ask->app_password_add.peer };
	default:
		must(false);
	}
}

/* The password that a call brings along. False: it is answered, for there is no session or what is
 * asked for can't be. */
static bool find_question(
	struct store *store, struct caller *caller, struct login_question *question)
{
	const struct session_begin_ask *begin = &caller->ask.session_begin;

	if (caller->call == CALL_session_begin) {
		*question = (struct login_question){ .user = begin->user,
			.password = begin->password,
			.peer = begin->peer,
			.web = true };
		return true;
	}
	struct proof proof = proof_of(caller);
	*question = (struct login_question){ .password = proof.password,
		.new_password = proof.new_password,
		.peer = proof.peer,
		.web = true };
	if (!password_question(store, proof.token, &caller->arena, question)) {
		answer_page(caller, WEB_NO_SESSION, STR(""));
		return false;
	}
	if (proof.fault.len)
		answer_page(caller, WEB_INVALID, proof.fault);
	return !proof.fault.len;
}

/* False: the password was right, the rest is for the batch. */
static bool answer_wrong_password(struct caller *caller)
{
	static const enum web_outcome outcomes[] = { [LOGIN_OK] = WEB_OK,
		[LOGIN_BAD] = WEB_WRONG,
		[LOGIN_THROTTLED] = WEB_THROTTLED,
		[LOGIN_BUSY] = WEB_BUSY };
	const struct login_decided *decided = &caller->decided;

	if (decided->outcome == LOGIN_OK)
		return false;
	answer_page(caller, outcomes[decided->outcome], STR(""));
	if (caller->call == CALL_session_begin)
		caller->answer.session_begin.retry_after =
			(decided->retry_after + SECOND - 1) / SECOND;
	return true;
}

bool ask_password(struct store *store, struct login_pool *logins, struct caller *caller)
{
	struct login_question question;

	caller->decided = (struct login_decided){ .outcome = LOGIN_BAD };
	if (!find_question(store, caller, &question))
		return true;
	if (login_begin(store, logins, &question, caller, &caller->arena, &caller->decided))
		return answer_wrong_password(caller);
	caller->state = CALLER_LOGS_IN;
	return true;
}

bool calls_decided(struct store *store, struct caller *caller, const struct login_decided *decided)
{
	struct arena *arena = &caller->arena;

	(void)store;
	caller->decided = *decided;
	caller->decided.address = arena_str(arena, decided->address);
	caller->decided.hash = arena_str(arena, decided->hash);
	caller->decided.new_hash = arena_str(arena, decided->new_hash);
	caller->state = CALLER_ANSWERED;
	if (caller->call == CALL_login)
		answer_login(caller);
	else if (!answer_wrong_password(caller))
		caller->state = CALLER_ASKED;
	return caller->state == CALLER_ANSWERED;
}
