/* SPDX-License-Identifier: ISC
 *
 * test_store_admin.c - what an administrator sees on the operator's page and nobody else does; the
 * counts behind it; and what the operator's commands do to sessions and second factors.
 */
#include "store_session.h"

#include "store/admin.h"
#include "store/factor.h"
#include "store/stored.h"
#include "store/tally.h"

static void make_admin(struct world *w, const char *address, bool on)
{
	struct user_admin_ask ask = { str_of(address), on };
	struct user_answer answer;

	begin(w);
	account_set_admin(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, CTL_OK);
	assert_int_equal(answer.users.at[0].admin, on);
}

static struct admin_deliveries_answer deliveries(struct world *w, struct str token, int64_t step)
{
	struct admin_deliveries_ask ask = { token, (uint64_t)(w->store.now - DAY), (uint64_t)step };
	struct admin_deliveries_answer answer;

	w->store.db.failure = SQLITE_OK;
	admin_deliveries(&w->store, &ask, &w->arena, &answer);
	return answer;
}

static void nobody_else_is_answered(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct token_ask ask = { token };
	struct admin_page_ask page = { token, STR(""), 10 };
	struct admin_accounts_answer accounts;
	struct queue_answer queue;
	struct certificate_answer certificates;
	struct admin_status_answer status;

	(void)state;
	make_admin(w, "bob@example.test", true);
	admin_accounts(&w->store, &ask, &w->arena, &accounts);
	assert_int_equal(accounts.outcome, WEB_NOT_ALLOWED);
	assert_int_equal(accounts.accounts.len, 0);
	admin_queue(&w->store, &page, &w->arena, &queue);
	assert_int_equal(queue.outcome, WEB_NOT_ALLOWED);
	admin_certificates(&w->store, &page, &w->arena, &certificates);
	assert_int_equal(certificates.outcome, WEB_NOT_ALLOWED);
	assert_int_equal(deliveries(w, token, HOUR).outcome, WEB_NOT_ALLOWED);
	admin_status(&w->store, &ask, &w->arena, &status);
	assert_int_equal(status.outcome, WEB_NOT_ALLOWED);
	admin_status(&w->store, &(struct token_ask){ STR("x") }, &w->arena, &status);
	assert_int_equal(status.outcome, WEB_NO_SESSION);
	world_close(w);
}

static void one_who_was_is_no_more(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);

	(void)state;
	make_admin(w, "ada@example.test", true);
	assert_int_equal(deliveries(w, token, HOUR).outcome, WEB_OK);
	make_admin(w, "ada@example.test", false);
	assert_int_equal(deliveries(w, token, HOUR).outcome, WEB_NOT_ALLOWED);
	world_close(w);
}

static void accounts_are_listed_with_what_they_are(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct admin_accounts_answer answer;

	(void)state;
	make_admin(w, "ada@example.test", true);
	admin_accounts(&w->store, &(struct token_ask){ token }, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.accounts.len, 2);
	assert_true(str_eq(answer.accounts.at[0].address, STR("ada@example.test")));
	assert_int_equal(answer.accounts.at[0].admin, 1);
	assert_int_equal(answer.accounts.at[0].active, 1);
	assert_true(answer.accounts.at[0].seen > 0);
	assert_true(answer.accounts.at[0].created > 0);
	assert_int_equal(answer.accounts.at[1].admin, 0);
	assert_int_equal(answer.accounts.at[1].seen, 0);
	world_close(w);
}

static void the_queue_is_turned_page_by_page(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct admin_page_ask ask = { token, STR(""), 2 };
	struct queue_answer answer;

	(void)state;
	make_admin(w, "ada@example.test", true);
	for (int i = 0; i < 3; i++)
		assert_taken(w, mail(w, 1, "ada@example.test", "x@remote.test"));
	admin_queue(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	size_t first = answer.items.len;
	assert_in_range(first, 1, 2);
	ask.after = answer.items.at[first - 1].id;
	ask.limit = 10;
	admin_queue(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.items.len, 3 - first);
	ask.after = STR("nonsense");
	admin_queue(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_INVALID);
	world_close(w);
}

static void certificates_are_turned_page_by_page(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct certificate_add_ask entry = { .kind = 0,
		.value = STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef") };
	struct admin_page_ask ask = { token, STR(""), 1 };
	struct certificate_answer answer;

	(void)state;
	make_admin(w, "ada@example.test", true);
	for (int i = 0; i < 2; i++) {
		entry.domain = i ? STR("b.test") : STR("a.test");
		begin(w);
		stored_add(&w->store, &entry, &w->arena, &answer);
		commit(w);
		assert_int_equal(answer.outcome, CTL_OK);
	}
	admin_certificates(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.certificates.len, 1);
	assert_true(str_eq(answer.certificates.at[0].domain, STR("a.test")));
	ask.after = arena_printf(
		&w->arena, "%llu", (unsigned long long)answer.certificates.at[0].entry);
	admin_certificates(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.certificates.len, 1);
	assert_true(str_eq(answer.certificates.at[0].domain, STR("b.test")));
	ask.after = STR("99");
	admin_certificates(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_INVALID);
	world_close(w);
}

static void send_and_end(
	struct world *w, const char *from, const char *to, enum result result, enum reason reason)
{
	assert_taken(w, mail(w, 1, from, to));
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, result, reason);
}

static void what_ended_is_counted_by_the_hour(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);

	(void)state;
	make_admin(w, "ada@example.test", true);
	send_and_end(w, "ada@example.test", "a@remote.test", RESULT_DELIVERED, REASON_NONE);
	send_and_end(w, "ada@example.test", "b@remote.test", RESULT_DELIVERED, REASON_NONE);
	send_and_end(w, "ada@secure.example.test", "c@remote.test", RESULT_RELAYED, REASON_NONE);
	send_and_end(w, "ada@example.test", "d@other.test", RESULT_FAILED, REASON_REMOTE_REPLY);
	struct admin_deliveries_answer answer = deliveries(w, token, HOUR);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.deliveries.len, 3);
	assert_int_equal(answer.deliveries.at[0].demands, 0);
	assert_int_equal(answer.deliveries.at[0].state, STATE_DELIVERED);
	assert_int_equal(answer.deliveries.at[0].count, 2);
	assert_int_equal(answer.deliveries.at[0].time, w->store.now / HOUR * HOUR);
	assert_int_equal(answer.deliveries.at[1].state, STATE_FAILED);
	assert_int_equal(answer.deliveries.at[1].reason, REASON_REMOTE_REPLY);
	assert_int_equal(answer.deliveries.at[2].demands, DEMAND_TLS);
	assert_int_equal(answer.refused.len, 1);
	assert_true(str_eq(answer.refused.at[0].domain, STR("other.test")));
	assert_int_equal(answer.refused.at[0].count, 1);
	assert_int_equal(answer.refused.at[0].last, w->store.now);
	world_close(w);
}

static void hours_are_added_up_to_steps(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);

	(void)state;
	make_admin(w, "ada@example.test", true);
	assert_int_equal(
		sqlite3_exec(w->store.db.handle,
			"INSERT INTO delivery_count VALUES"
			" (480000, 0, 2, 0, 1), (480001, 0, 2, 0, 2), (480024, 0, 2, 0, 4)",
			NULL, NULL, NULL),
		SQLITE_OK);
	struct admin_deliveries_ask ask = { token, 479990 * (uint64_t)HOUR, DAY };
	struct admin_deliveries_answer answer;
	admin_deliveries(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.deliveries.len, 2);
	assert_int_equal(answer.deliveries.at[0].time, 480000 * (uint64_t)HOUR);
	assert_int_equal(answer.deliveries.at[0].count, 3);
	assert_int_equal(answer.deliveries.at[1].count, 4);
	ask.since = 480001 * (uint64_t)HOUR;
	ask.step_ms = 1;
	admin_deliveries(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.deliveries.at[0].count, 2);
	ask.since = ask.step_ms = UINT64_MAX;
	admin_deliveries(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.deliveries.len, 0);
	world_close(w);
}

static void what_was_rolled_back_is_not_counted(void **state)
{
	struct world *w = world_open();
	struct destination elsewhere = { .name = STR("remote.test") };

	(void)state;
	begin(w);
	store_handler_begin(&w->store);
	tally_ended(&w->store, &elsewhere, STATE_DELIVERED, REASON_NONE);
	assert_true(store_handler_end(&w->store));
	store_handler_begin(&w->store);
	tally_ended(&w->store, &elsewhere, STATE_DELIVERED, REASON_NONE);
	w->store.db.failure = SQLITE_CONSTRAINT;
	assert_false(store_handler_end(&w->store));
	commit(w);
	assert_int_equal(sql_number(w, "SELECT sum(count) FROM delivery_count"), 1);
	begin(w);
	tally_ended(&w->store, &elsewhere, STATE_DELIVERED, REASON_NONE);
	w->store.db.failure = SQLITE_IOERR;
	assert_false(store_commit(&w->store));
	begin(w);
	commit(w);
	assert_int_equal(sql_number(w, "SELECT sum(count) FROM delivery_count"), 1);
	world_close(w);
}

static void counts_go_with_the_receipts(void **state)
{
	struct world *w = world_open_with("keep_receipts = 1h\n");

	(void)state;
	assert_int_equal(
		sqlite3_exec(w->store.db.handle,
			"INSERT INTO delivery_count VALUES (480000, 0, 2, 0, 1);"
			"INSERT INTO refused_destination VALUES (20000, 'a.test', 1, 1, 1)",
			NULL, NULL, NULL),
		SQLITE_OK);
	begin(w);
	assert_false(tally_expire(&w->store));
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM delivery_count"), 0);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM refused_destination"), 0);
	world_close(w);
}

static void the_state_of_the_server_has_its_version(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct admin_status_answer answer;
	bool accounts = false;

	(void)state;
	make_admin(w, "ada@example.test", true);
	begin(w);
	admin_status(&w->store, &(struct token_ask){ token }, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_true(answer.version.len > 0);
	for (size_t i = 0; i < answer.figures.len; i++)
		accounts |= str_eq(answer.figures.at[i].name, STR("accounts")) &&
			    answer.figures.at[i].value == 2;
	assert_true(accounts);
	world_close(w);
}

static void a_password_from_the_operator_ends_all_sessions(void **state)
{
	struct world *w = world_open();
	struct str ada = log_in(w, 1), bob = log_in(w, 2);
	struct user_passwd_ask ask = { STR("ada@example.test"), STR(HASH) };
	struct user_answer answer;

	(void)state;
	assert_int_equal(sqlite3_exec(w->store.db.handle,
				 "INSERT INTO factor VALUES (1, x'00', 1, 0);"
				 "INSERT INTO app_password VALUES (1, 1, 'a', 'b', 0, 0)",
				 NULL, NULL, NULL),
		SQLITE_OK);
	begin(w);
	account_passwd(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_false(is_in(w, ada));
	assert_true(is_in(w, bob));
	assert_true(factor_is_on(&w->store, 1));
	assert_int_equal(sql_number(w, "SELECT count(*) FROM app_password"), 1);
	world_close(w);
}

static void a_lost_phone_is_forgiven_by_the_operator(void **state)
{
	struct world *w = world_open();
	struct address_ask ask = { STR("ada@example.test") };
	struct user_answer answer;

	(void)state;
	assert_int_equal(sqlite3_exec(w->store.db.handle,
				 "INSERT INTO factor VALUES (1, x'00', 1, 0);"
				 "INSERT INTO recovery_code VALUES (1, 'a')",
				 NULL, NULL, NULL),
		SQLITE_OK);
	begin(w);
	account_factor_off(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, CTL_OK);
	assert_int_equal(answer.users.at[0].second_factor, 0);
	assert_int_equal(log_in_with(w, 1, "", "").outcome, WEB_OK);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM recovery_code"), 0);
	ask.address = STR("nobody@example.test");
	begin(w);
	account_factor_off(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, CTL_NOT_FOUND);
	world_close(w);
}

static void notices_are_shown_to_their_account(void **state)
{
	struct world *w = world_open();
	struct str ada = log_in(w, 1), bob = log_in(w, 2);
	struct notices_answer answer;

	(void)state;
	begin(w);
	notice_turned_away(&w->store, 1, NOTICE_TURNED_AWAY, STR("x@outside.test"),
		STR("192.0.2.9"), STR("helo"));
	commit(w);
	notice_list_own(&w->store, &(struct token_ask){ ada }, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.notices.len, 1);
	assert_true(str_eq(answer.notices.at[0].who, STR("x@outside.test")));
	notice_list_own(&w->store, &(struct token_ask){ bob }, &w->arena, &answer);
	assert_int_equal(answer.notices.len, 0);
	notice_list_own(&w->store, &(struct token_ask){ STR("") }, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_NO_SESSION);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_else_is_answered),
		cmocka_unit_test(one_who_was_is_no_more),
		cmocka_unit_test(accounts_are_listed_with_what_they_are),
		cmocka_unit_test(the_queue_is_turned_page_by_page),
		cmocka_unit_test(certificates_are_turned_page_by_page),
		cmocka_unit_test(what_ended_is_counted_by_the_hour),
		cmocka_unit_test(hours_are_added_up_to_steps),
		cmocka_unit_test(what_was_rolled_back_is_not_counted),
		cmocka_unit_test(counts_go_with_the_receipts),
		cmocka_unit_test(the_state_of_the_server_has_its_version),
		cmocka_unit_test(a_password_from_the_operator_ends_all_sessions),
		cmocka_unit_test(a_lost_phone_is_forgiven_by_the_operator),
		cmocka_unit_test(notices_are_shown_to_their_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
