/* SPDX-License-Identifier: ISC
 *
 * calls_page.c - what the pages ask: whose session it is comes first, and an answer to nobody says
 * nothing else.
 */
#include "store/calls_page.h"

#include "base/clock.h"
#include "store/calls.h"
#include "store/calls_mail.h"
#include "store/reach.h"
#include "store/send.h"
#include "store/session.h"

void answer_page(struct caller *caller, enum web_outcome outcome, struct str text)
{
	switch (caller->call) {
#define ANSWER_CASE(name, ask_t, answer_t, ...)                                              \
	case CALL_##name:                                                                    \
		caller->answer.name = (struct answer_t){ .outcome = outcome, .text = text }; \
		break;
		STORE_WEB_CALLS(ANSWER_CASE)
#undef ANSWER_CASE
	default:
		caller->state = CALLER_FAILED;
	}
}

bool is_for_pages(enum call call)
{
	switch (call) {
#define CASE_OF(name, ...) case CALL_##name:
		STORE_WEB_CALLS(CASE_OF)
#undef CASE_OF
		return true;
	default:
		return false;
	}
}

int64_t account_of(struct store *store, struct caller *caller, struct str token, bool seen)
{
	bool (*find)(struct store *, struct str, struct arena *, struct session_account *) =
		seen ? session_account : session_account_unseen;
	struct session_account who;

	if (find(store, token, &caller->arena, &who))
		return who.account;
	answer_page(caller, WEB_NO_SESSION, STR(""));
	return 0;
}

void do_send(struct store *store, struct caller *caller)
{
	int64_t account = account_of(store, caller, caller->ask.send.token, true);

	if (account && send_begin(store, caller, account))
		take(store, caller);
}

void do_send_undo(struct store *store, struct caller *caller)
{
	int64_t account = account_of(store, caller, caller->ask.send_undo.token, true);

	if (account)
		send_undo(store, account, &caller->ask.send_undo, &caller->arena,
			&caller->answer.send_undo);
}

void do_reach(struct store *store, struct caller *caller)
{
	int64_t account = account_of(store, caller, caller->ask.settings_reach.token, true);

	if (account)
		reach_show(store, account, &caller->arena, &caller->answer.settings_reach);
}

void do_providers(struct store *store, struct caller *caller)
{
	if (account_of(store, caller, caller->ask.settings_providers.token, true))
		reach_providers(store, &caller->arena, &caller->answer.settings_providers);
}

/* A page that only waits isn't somebody at work: their session may become idle. */
void do_change_wait(struct store *store, struct caller *caller)
{
	const struct change_wait_ask *ask = &caller->ask.change_wait;
	struct change_answer *answer = &caller->answer.change_wait;
	int64_t account = account_of(store, caller, ask->token, false);

	if (!account)
		return;
	*answer = (struct change_answer){ .outcome = WEB_OK };
	answer->what = changes_since(&store->changes, account, ask->seen, &answer->seen);
	if (answer->what || !ask->seen || !ask->wait_ms)
		return;
	uint64_t wait = ask->wait_ms < CHANGE_WAIT_MOST ? ask->wait_ms : CHANGE_WAIT_MOST;
	caller->until = deadline_in((int64_t)wait);
	if (!caller->waiter.account)
		change_wait(&store->changes, caller, &caller->waiter, account);
	caller->state = CALLER_WATCHES;
}

bool calls_look_again(struct store *store, struct caller *caller, bool over)
{
	struct deadline until = caller->until;

	store->db.failure = SQLITE_OK;
	caller->state = CALLER_ANSWERED;
	do_change_wait(store, caller);
	caller->until = until;
	if (store->db.failure != SQLITE_OK)
		calls_failed(caller, store->db.failure);
	if (over && caller->state == CALLER_WATCHES)
		caller->state = CALLER_ANSWERED;
	if (caller->state == CALLER_WATCHES)
		return false;
	change_wait_end(&store->changes, &caller->waiter);
	return true;
}
