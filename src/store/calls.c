/* SPDX-License-Identifier: ISC
 *
 * calls.c - from a call to the part of the store that answers it: the tables. Runs in the store's
 * thread, inside a batch but for what is only read. Calls that take more than a function of (ask,
 * answer) are in calls_mail.c, calls_page.c and calls_password.c.
 */
#include "store/calls.h"

#include "base/clock.h"
#include "store/account.h"
#include "store/admin.h"
#include "store/app_password.h"
#include "store/arrival.h"
#include "store/calls_mail.h"
#include "store/calls_page.h"
#include "store/calls_password.h"
#include "store/choice.h"
#include "store/factor.h"
#include "store/listing.h"
#include "store/notice.h"
#include "store/password.h"
#include "store/sent.h"
#include "store/session.h"
#include "store/stored.h"
#include "store/sts_policy.h"
#include "store/whither.h"

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
	row(mail_changed, change_mail) \
	row(settings_set, choice_set) \
	row(factor_begin, factor_begin) \
	row(admin_status, admin_status) \
	row(app_password_remove, app_password_remove)

/* Those that only read, and are answered outside the batch. */
#define READ_CALLS(row) \
	row(session_show, session_show) \
	row(session_peek, session_peek) \
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
