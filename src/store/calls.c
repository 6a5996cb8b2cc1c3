/* SPDX-License-Identifier: ISC
 *
 * calls.c - from a call to the part of the store that answers it. Runs in the store's thread,
 * inside a batch but for what is only read.
 */
#include "store/calls.h"

#include "base/clock.h"
#include "base/must.h"
#include "store/account.h"
#include "store/admin.h"
#include "store/app_password.h"
#include "store/arrival.h"
#include "store/choice.h"
#include "store/factor.h"
#include "store/identity.h"
#include "store/listing.h"
#include "store/notice.h"
#include "store/outcome.h"
#include "store/password.h"
#include "store/reach.h"
#include "store/send.h"
#include "store/sent.h"
#include "store/session.h"
#include "store/stored.h"
#include "store/sts_policy.h"
#include "store/take.h"
#include "store/whither.h"
#include "store/work.h"

/* --- smtpd --- */

static void answer_login(struct caller *caller)
{
	const struct login_decided *decided = &caller->decided;

	caller->answer.login = (struct login_answer){ .outcome = decided->outcome,
		.account = (uint64_t)decided->account,
		.address = decided->address };
}

static void do_login(struct store *store, struct login_pool *logins, struct caller *caller)
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

static void do_sender(struct store *store, struct caller *caller)
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

/* A plaintext attempt at a secure address is recorded, which takes a batch. False: there is none. */
static bool do_recipient(struct store *store, struct caller *caller, bool batch)
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

static void take(struct store *store, struct caller *caller)
{
	if (take_message(store, caller))
		answer_taking(store, caller);
	else
		caller->state = CALLER_STAGES;
}

static void do_accept(struct store *store, struct caller *caller)
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

static void do_work(struct store *store, struct caller *caller)
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

/* --- the pages --- */

/* An answer that says no more than what came of it: all of theirs begin so. */
static void answer_page(struct caller *caller, enum web_outcome outcome, struct str text)
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

static bool is_for_pages(enum call call)
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

/* Whose session it is; 0: nobody's, and the caller is told so. */
static int64_t account_of(struct store *store, struct caller *caller, struct str token, bool seen)
{
	bool (*find)(struct store *, struct str, struct arena *, struct session_account *) =
		seen ? session_account : session_account_unseen;
	struct session_account who;

	if (find(store, token, &caller->arena, &who))
		return who.account;
	answer_page(caller, WEB_NO_SESSION, STR(""));
	return 0;
}

static void do_send(struct store *store, struct caller *caller)
{
	int64_t account = account_of(store, caller, caller->ask.send.token, true);

	if (account && send_begin(store, caller, account))
		take(store, caller);
}

static void do_send_undo(struct store *store, struct caller *caller)
{
	int64_t account = account_of(store, caller, caller->ask.send_undo.token, true);

	if (account)
		send_undo(store, account, &caller->ask.send_undo, &caller->arena,
			&caller->answer.send_undo);
}

static void do_reach(struct store *store, struct caller *caller)
{
	int64_t account = account_of(store, caller, caller->ask.settings_reach.token, true);

	if (account)
		reach_show(store, account, &caller->arena, &caller->answer.settings_reach);
}

static void do_providers(struct store *store, struct caller *caller)
{
	if (account_of(store, caller, caller->ask.settings_providers.token, true))
		reach_providers(store, &caller->arena, &caller->answer.settings_providers);
}

/* A page that only waits isn't somebody at work: their session may become idle. */
static void do_change_wait(struct store *store, struct caller *caller)
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

/* What a call with a session proves, and with what. */
struct proof {
	struct str token, password, new_password;
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
			.fault = password_fault(ask->password_set.new) };
	case CALL_factor_set:
		return (struct proof){ .token = ask->factor_set.token,
			.password = ask->factor_set.password };
	case CALL_app_password_add:
		return (struct proof){ .token = ask->app_password_add.token,
			.password = ask->app_password_add.password };
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
	if (!password_question(store, proof.token, proof.password, &caller->arena, question)) {
		answer_page(caller, WEB_NO_SESSION, STR(""));
		return false;
	}
	question->new_password = proof.new_password;
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

/* True: answered, or with the threads. */
static bool ask_password(struct store *store, struct login_pool *logins, struct caller *caller)
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

/* --- the operator --- */

static void do_notices_list(struct store *store, struct caller *caller)
{
	struct notices_answer *answer = &caller->answer.notices_list;
	int64_t account = account_find(store, caller->ask.notices_list.address, &caller->arena);

	*answer = (struct notices_answer){ 0 };
	if (account)
		notice_list(store, account, &caller->arena, answer);
	else
		*answer = (struct notices_answer){ .outcome = CTL_NOT_FOUND,
			.text = STR("there is no such account") };
}

/* clang-format off */
/* Calls that one function answers from what is asked. */
#define PLAIN_CALLS(row) \
	row(user_add, account_add) \
	row(user_passwd, account_passwd) \
	row(user_admin, account_set_admin) \
	row(user_factor_off, account_factor_off) \
	row(alias_set, account_set_alias) \
	row(queue_list, listing_queue) \
	row(queue_retry, listing_retry) \
	row(queue_drop, listing_drop) \
	row(receipt_read, receipt_read) \
	row(receipt_sign, receipt_sign) \
	row(certificate_list, stored_list) \
	row(certificate_add, stored_add) \
	row(certificate_remove, stored_remove) \
	row(session_end, session_end) \
	row(settings_set, choice_set) \
	row(factor_begin, factor_begin) \
	row(admin_status, admin_status) \
	row(app_password_remove, app_password_remove)

/* Those that only read, and are answered outside the batch. */
#define READ_CALLS(row) \
	row(session_show, session_show) \
	row(session_list, session_list) \
	row(settings_show, choice_show) \
	row(app_password_list, app_password_list) \
	row(notices_own, notice_list_own) \
	row(admin_accounts, admin_accounts) \
	row(admin_queue, admin_queue) \
	row(admin_certificates, admin_certificates) \
	row(admin_deliveries, admin_deliveries)

/* Those for an account with a session. */
#define OWN_CALLS(row) \
	row(sent_show, sent_show) \
	row(arrivals, arrivals) \
	row(receipt_own, receipt_own) \
	row(whither, whither)

/* Those that need a password first. */
#define PASSWORD_CALLS(row) \
	row(session_begin, session_begin) \
	row(password_set, password_set) \
	row(factor_set, factor_set) \
	row(app_password_add, app_password_add)
/* clang-format on */

static void run(struct store *store, struct caller *caller)
{
	struct arena *arena = &caller->arena;
	union call_ask *ask = &caller->ask;
	union call_answer *answer = &caller->answer;

	switch (caller->call) {
	case CALL_recipient:
		(void)do_recipient(store, caller, true);
		break;
	case CALL_accept:
		do_accept(store, caller);
		break;
	case CALL_send:
		do_send(store, caller);
		break;
	case CALL_send_undo:
		do_send_undo(store, caller);
		break;
	case CALL_work:
		do_work(store, caller);
		break;
	case CALL_sts_save:
		sts_policy_save(store, &ask->sts_save);
		answer->sts_save = (struct empty){ 0 };
		break;
	case CALL_user_list:
		account_list(store, arena, &answer->user_list);
		break;
	case CALL_user_remove:
		account_remove(store, ask->user_remove.address, arena, &answer->user_remove);
		break;
	case CALL_alias_show:
		account_show(store, ask->alias_show.address, arena, &answer->alias_show);
		break;
	case CALL_notices_list:
		do_notices_list(store, caller);
		break;
	case CALL_store_status:
		listing_status(store, arena, &answer->store_status);
		break;
#define PLAIN_CASE(name, function)                                 \
	case CALL_##name:                                          \
		function(store, &ask->name, arena, &answer->name); \
		break;
		PLAIN_CALLS(PLAIN_CASE)
#undef PLAIN_CASE
#define PASSWORD_CASE(name, function)                                                \
	case CALL_##name:                                                            \
		function(store, &ask->name, &caller->decided, arena, &answer->name); \
		break;
		PASSWORD_CALLS(PASSWORD_CASE)
#undef PASSWORD_CASE
#define CASE_OF(name, ...) case CALL_##name:
		READ_CALLS(CASE_OF)
		OWN_CALLS(CASE_OF)
		MAILBOX_CALLS(CASE_OF)
		DELIVERY_CALLS(CASE_OF)
#undef CASE_OF
	case CALL_login: /* these were read */
	case CALL_sender:
	case CALL_sts_load:
	case CALL_sts_due:
	case CALL_stored:
	case CALL_stored_generation:
	case CALL_settings_reach:
	case CALL_settings_providers:
	case CALL_change_wait:
	case CALLS_N:
		caller->state = CALLER_FAILED;
	}
}

static void read_own(struct store *store, struct caller *caller)
{
	struct arena *arena = &caller->arena;
	int64_t account;

	switch (caller->call) {
#define OWN_CASE(name, function)                                                                  \
	case CALL_##name:                                                                         \
		account = account_of(store, caller, caller->ask.name.token, true);                \
		if (account)                                                                      \
			function(store, account, &caller->ask.name, arena, &caller->answer.name); \
		break;
		OWN_CALLS(OWN_CASE)
#undef OWN_CASE
	default:
		caller->state = CALLER_FAILED;
	}
}

static bool read_call(struct store *store, struct login_pool *logins, struct caller *caller)
{
	switch (caller->call) {
	case CALL_login:
		do_login(store, logins, caller);
		return true;
	case CALL_sender:
		do_sender(store, caller);
		return true;
	case CALL_sts_load:
		sts_policy_load(
			store, caller->ask.sts_load.text, &caller->arena, &caller->answer.sts_load);
		return true;
	case CALL_sts_due:
		sts_policy_due(
			store, &caller->ask.sts_due, &caller->arena, &caller->answer.sts_due);
		return true;
	case CALL_recipient:
		return do_recipient(store, caller, false);
	case CALL_stored:
		stored_entries(
			store, caller->ask.stored.domain, &caller->arena, &caller->answer.stored);
		return true;
	case CALL_stored_generation:
		stored_generation(store, &caller->answer.stored_generation);
		return true;
	case CALL_settings_reach:
		do_reach(store, caller);
		return true;
	case CALL_settings_providers:
		do_providers(store, caller);
		return true;
	case CALL_change_wait:
		do_change_wait(store, caller);
		return true;
#define CASE_OF(name, ...) case CALL_##name:
		OWN_CALLS(CASE_OF)
#undef CASE_OF
		read_own(store, caller);
		return true;
#define READ_CASE(name, function)                                                         \
	case CALL_##name:                                                                 \
		function(store, &caller->ask.name, &caller->arena, &caller->answer.name); \
		return true;
		READ_CALLS(READ_CASE)
#undef READ_CASE
#define PASSWORD_CASE(name, function) \
	case CALL_##name:             \
		return ask_password(store, logins, caller);
		PASSWORD_CALLS(PASSWORD_CASE)
#undef PASSWORD_CASE
	default:
		return false;
	}
}

bool calls_read(struct store *store, struct login_pool *logins, struct caller *caller)
{
	store->now = clock_wall_ms();
	store->db.failure = SQLITE_OK;
	caller->state = CALLER_ANSWERED;
	if (!read_call(store, logins, caller)) {
		caller->state = CALLER_ASKED;
		return false;
	}
	if (store->db.failure != SQLITE_OK)
		calls_failed(caller, store->db.failure);
	return true;
}

void calls_run(struct store *store, struct caller *caller)
{
	caller->state = CALLER_ANSWERED;
	store_handler_begin(store);
	run(store, caller);
	int failure = store->db.failure;
	if (!store_handler_end(store))
		calls_failed(caller, failure);
}

void calls_failed(struct caller *caller, int failure)
{
	fd_close(&caller->fd_out);
	caller->state = CALLER_ANSWERED;
	if (caller->call == CALL_accept)
		accept_failed(failure, &caller->answer.accept);
	else if (is_for_pages(caller->call))
		answer_page(caller, database_is_full(failure) ? WEB_FULL : WEB_FAILED, STR(""));
	else
		caller->state = CALLER_FAILED;
}
