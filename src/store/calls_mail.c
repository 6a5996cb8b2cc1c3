/* SPDX-License-Identifier: ISC
 *
 * calls_mail.c - what smtpd asks, and what those ask who carry mail away. A message that a page sends
 * is taken here too, as one that arrives by SMTP.
 */
#include "store/calls_mail.h"

#include "base/clock.h"
#include "store/calls.h"
#include "store/identity.h"
#include "store/outcome.h"
#include "store/send.h"
#include "store/take.h"
#include "store/work.h"

/* --- smtpd --- */

void do_sender(struct store *store, struct caller *caller)
{
	const struct sender_ask *ask = &caller->ask.sender;
	struct identity who = identity_of(store, ask->address, &caller->arena);
	bool own = ask->account && (uint64_t)who.account == ask->account;
	enum sender_outcome outcome = SENDER_NOT_OWNED;

	if (!ask->address.len || (own && who.kind != IDENTITY_ALIAS_OFF))
		outcome = SENDER_OWNED;
	else if (own)
		outcome = SENDER_ALIAS_INACTIVE;
	caller->answer.sender.outcome = outcome;
}

static enum recipient_outcome_kind judge_recipient(
	const struct store *store, const struct recipient_ask *ask, const struct identity *who)
{
	if (who->secure && !ask->secured)
		return RECIPIENT_PLAINTEXT_REFUSED;
	switch (who->kind) {
	case IDENTITY_ACCOUNT:
		return RECIPIENT_LOCAL;
	case IDENTITY_ALIAS:
		return RECIPIENT_ALIAS;
	case IDENTITY_REMOTE:
		return ask->account || settings_neighbour(store->settings, ask->peer)
			       ? RECIPIENT_REMOTE
			       : RECIPIENT_RELAY_DENIED;
	default:
		return RECIPIENT_UNKNOWN;
	}
}

bool do_recipient(struct store *store, struct caller *caller, bool batch)
{
	const struct recipient_ask *ask = &caller->ask.recipient;
	struct identity who = identity_of(store, ask->address, &caller->arena);
	enum recipient_outcome_kind outcome = judge_recipient(store, ask, &who);

	caller->answer.recipient.outcome = outcome;
	if (outcome != RECIPIENT_PLAINTEXT_REFUSED)
		return true;
	if (batch)
		turned_away_record(store, &who, ask);
	return batch;
}

/* --- taking a message --- */

static void answer_taking(struct store *store, struct caller *caller)
{
	if (caller->call == CALL_send)
		send_finish(store, caller);
	else
		caller->answer.accept = caller->taking.answer;
}

void take(struct store *store, struct caller *caller)
{
	if (take_message(store, caller))
		answer_taking(store, caller);
	else
		caller->state = CALLER_STAGES;
}

void do_accept(struct store *store, struct caller *caller)
{
	caller->taking = (struct taking){ .ask = caller->ask.accept };
	take(store, caller);
}

void calls_stage(struct store *store, struct caller *caller)
{
	if (!take_slice(store, caller))
		return;
	answer_taking(store, caller);
	caller->state = CALLER_ANSWERED;
}

/* --- delivery and mailbox --- */

void calls_try_work(struct store *store, struct caller *caller)
{
	struct job *job = &caller->answer.work;

	if (work_next(store, &caller->worker, &caller->ask.work, &caller->arena, job,
		    &caller->fd_out))
		caller->state = CALLER_ANSWERED;
	else
		*job = (struct job){ 0 };
}

void do_work(struct store *store, struct caller *caller)
{
	const struct work_ask *ask = &caller->ask.work;

	caller->answer.work = (struct job){ 0 };
	if (ask->has_outcome)
		outcome_report(store, &caller->worker, ask);
	else if (caller->worker.claim)
		schedule_give_back(store, &caller->worker);
	if (!ask->wants_job)
		return;
	caller->state = CALLER_WAITS;
	caller->until = deadline_in((int64_t)(ask->wait_ms < DAY ? ask->wait_ms : DAY));
	calls_try_work(store, caller);
	if (caller->state == CALLER_WAITS && !ask->wait_ms)
		caller->state = CALLER_ANSWERED;
}
