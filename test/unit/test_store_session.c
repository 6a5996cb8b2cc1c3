/* SPDX-License-Identifier: ISC
 *
 * test_store_session.c - who a browser is: tokens, how long they last, and what ends them.
 */
#include "store_session.h"

#include "store/password.h"

static uint64_t end(struct world *w, struct str token, uint64_t session, uint64_t scope)
{
	struct session_end_ask ask = { .token = token, .session = session, .scope = scope };
	struct done_answer answer;

	begin(w);
	session_end(&w->store, &ask, &w->arena, &answer);
	commit(w);
	return answer.outcome;
}

static struct session_list_answer list(struct world *w, struct str token)
{
	struct token_ask ask = { .token = token };
	struct session_list_answer answer;

	session_list(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	return answer;
}

/* Let time go by for the sessions alone. */
static void sessions_pass(struct world *w, int64_t ms)
{
	char sql[256];

	snprintf(sql, sizeof sql, "UPDATE session SET created = created - %lld, seen = seen - %lld",
		(long long)ms, (long long)ms);
	assert_int_equal(sqlite3_exec(w->store.db.handle, sql, NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < SEEN_SLOTS; i++)
		w->store.sessions_seen.slots[i].at -= ms;
	w->store.sessions_tidied -= ms;
}

static void tidy(struct world *w)
{
	begin(w);
	session_tidy(&w->store);
	commit(w);
}

static void a_token_is_an_account(void **state)
{
	struct world *w = world_open();
	struct session_account who;
	struct session_answer answer;

	(void)state;
	struct str token = log_in(w, 1), other = log_in(w, 2);
	assert_int_equal(token.len, 64);
	assert_true(session_account(&w->store, token, &w->arena, &who));
	assert_int_equal(who.account, 1);
	assert_true(str_eq(who.address, STR("ada@example.test")));
	assert_false(who.admin);
	assert_true(session_account(&w->store, other, &w->arena, &who));
	assert_int_equal(who.account, 2);
	session_show(&w->store, &(struct token_ask){ token }, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_true(str_eq(answer.alias, STR("ada@secure.example.test")));
	assert_int_equal(answer.active, 1);
	assert_int_equal(answer.csrf.len, 64);
	assert_false(str_eq(answer.csrf, token));
	world_close(w);
}

static void other_tokens_are_nobody(void **state)
{
	struct world *w = world_open();
	char wrong[65];

	(void)state;
	struct str token = log_in(w, 1);
	assert_false(is_in(w, STR("")));
	assert_false(is_in(w, str_head(token, 63)));
	snprintf(wrong, sizeof wrong, "%.*s", STR_ARG(token));
	wrong[63] = wrong[63] == '0' ? '1' : '0';
	assert_false(is_in(w, str_of(wrong)));
	world_close(w);
}

static void the_database_does_not_hold_the_token(void **state)
{
	struct world *w = world_open();
	char sql[256];

	(void)state;
	struct str token = log_in(w, 1);
	snprintf(sql, sizeof sql, "SELECT count(*) FROM session WHERE token = '%.*s'",
		STR_ARG(token));
	assert_int_equal(sql_number(w, sql), 0);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM session WHERE length(token) = 64"), 1);
	/* What the database holds opens nothing. */
	sqlite3_stmt *s = NULL;
	assert_int_equal(
		sqlite3_prepare_v2(w->store.db.handle, "SELECT token FROM session", -1, &s, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	struct str kept = row_copy(s, 0, &w->arena);
	sqlite3_finalize(s);
	assert_false(is_in(w, kept));
	world_close(w);
}

static void a_session_outlives_a_restart(void **state)
{
	struct world *w = world_open();

	(void)state;
	struct str token = log_in(w, 1);
	world_crash(w);
	assert_true(is_in(w, token));
	world_close(w);
}

static void a_password_that_changed_meanwhile_begins_nothing(void **state)
{
	struct world *w = world_open();
	struct session_begin_ask ask = { 0 };
	struct login_decided decided = proof(1);
	struct session_answer answer;

	(void)state;
	decided.hash = STR("$y$another");
	begin(w);
	session_begin(&w->store, &ask, &decided, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, WEB_WRONG);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM session"), 0);
	world_close(w);
}

static uint64_t change_password(struct world *w, struct str token, struct login_decided decided)
{
	const struct password_set_ask ask = { .token = token };
	struct done_answer answer;

	decided.new_hash = STR("$y$new");
	begin(w);
	password_set(&w->store, &ask, &decided, &w->arena, &answer);
	commit(w);
	return answer.outcome;
}

static void a_new_password_wants_the_accounts_own_and_ends_the_others(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1), other = log_in(w, 1), bobs = log_in(w, 2);
	struct login_decided old = proof(1);

	(void)state;
	old.hash = STR("$y$older");
	assert_int_equal(change_password(w, token, proof(2)), WEB_WRONG);
	assert_int_equal(change_password(w, token, old), WEB_WRONG);
	assert_true(is_in(w, other));
	assert_int_equal(change_password(w, token, proof(1)), WEB_OK);
	assert_true(is_in(w, token) && is_in(w, bobs));
	assert_false(is_in(w, other));
	assert_int_equal(change_password(w, token, proof(1)), WEB_WRONG);
	world_close(w);
}

static void an_unused_session_is_over(void **state)
{
	struct world *w = world_open_with("session_idle = 1h\n");

	(void)state;
	add_account(w, "ada@example.test");
	struct str token = log_in(w, 1);
	sessions_pass(w, 50 * MINUTE);
	assert_true(is_in(w, token)); /* and used by it */
	sessions_pass(w, 50 * MINUTE);
	assert_true(is_in(w, token));
	sessions_pass(w, 61 * MINUTE);
	assert_false(is_in(w, token));
	tidy(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM session"), 0);
	world_close(w);
}

static void a_used_session_is_over_at_last(void **state)
{
	struct world *w = world_open_with("session_absolute = 2h\n");

	(void)state;
	add_account(w, "ada@example.test");
	struct str token = log_in(w, 1);
	for (int i = 0; i < 3; i++) {
		assert_true(is_in(w, token));
		sessions_pass(w, 40 * MINUTE);
	}
	assert_false(is_in(w, token));
	world_close(w);
}

static void use_is_written_down_by_and_by(void **state)
{
	struct world *w = world_open();

	(void)state;
	struct str token = log_in(w, 1);
	sessions_pass(w, HOUR);
	int64_t before = sql_number(w, "SELECT seen FROM session");
	assert_true(is_in(w, token));
	assert_int_equal(sql_number(w, "SELECT seen FROM session"), before);
	tidy(w);
	int64_t behind = sql_number(w, "SELECT seen FROM session");
	assert_true(behind >= before + HOUR);
	sessions_pass(w, 1000);
	assert_true(is_in(w, token));
	tidy(w); /* not again within the minute */
	assert_int_equal(sql_number(w, "SELECT seen FROM session"), behind - 1000);
	world_close(w);
}

static void looking_on_is_no_use(void **state)
{
	struct world *w = world_open_with("session_idle = 1h\n");
	struct session_account who;
	struct session_answer answer;

	(void)state;
	add_account(w, "ada@example.test");
	struct str token = log_in(w, 1);
	sessions_pass(w, 50 * MINUTE);
	assert_true(session_account_unseen(&w->store, token, &w->arena, &who));
	session_peek(&w->store, &(struct token_ask){ token }, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_true(str_eq(answer.mailbox, STR("ada@example.test")));
	sessions_pass(w, 20 * MINUTE);
	session_peek(&w->store, &(struct token_ask){ token }, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_NO_SESSION);
	assert_false(is_in(w, token));
	world_close(w);
}

static void logging_out_ends_this_one_the_others_or_all(void **state)
{
	struct world *w = world_open();

	(void)state;
	struct str a = log_in(w, 1), b = log_in(w, 1), c = log_in(w, 1), bob = log_in(w, 2);
	assert_int_equal(end(w, a, 0, 0), WEB_OK);
	assert_false(is_in(w, a));
	assert_int_equal(end(w, a, 0, 2), WEB_NO_SESSION);
	assert_true(is_in(w, b) && is_in(w, c));
	assert_int_equal(end(w, b, 0, 1), WEB_OK);
	assert_true(is_in(w, b));
	assert_false(is_in(w, c));
	assert_int_equal(end(w, b, 0, 2), WEB_OK);
	assert_false(is_in(w, b));
	assert_true(is_in(w, bob));
	world_close(w);
}

static void one_of_the_list_can_be_ended_but_nobody_elses(void **state)
{
	struct world *w = world_open();

	(void)state;
	struct str a = log_in(w, 1), b = log_in(w, 1), bob = log_in(w, 2);
	struct session_list_answer mine = list(w, a);
	assert_int_equal(mine.sessions.len, 2);
	assert_int_equal(mine.sessions.at[0].current, 0);
	assert_int_equal(mine.sessions.at[1].current, 1);
	assert_true(str_eq(mine.sessions.at[0].agent, STR("Firefox")));
	assert_true(str_eq(mine.sessions.at[0].peer, STR("192.0.2.7")));
	uint64_t of_b = mine.sessions.at[0].session, of_bob = list(w, bob).sessions.at[0].session;
	assert_int_equal(end(w, a, of_bob, 0), WEB_NOT_FOUND);
	assert_true(is_in(w, bob));
	assert_int_equal(end(w, a, of_b, 0), WEB_OK);
	assert_false(is_in(w, b));
	assert_int_equal(list(w, a).sessions.len, 1);
	world_close(w);
}

static void an_account_has_not_endless_sessions(void **state)
{
	struct world *w = world_open();

	(void)state;
	struct str first = log_in(w, 1), bob = log_in(w, 2);
	for (int i = 0; i < SESSIONS_OF_ACCOUNT; i++)
		log_in(w, 1);
	assert_false(is_in(w, first));
	assert_true(is_in(w, bob));
	assert_int_equal(sql_number(w, "SELECT count(*) FROM session WHERE account = 1"),
		SESSIONS_OF_ACCOUNT);
	world_close(w);
}

static void an_agent_is_cut_between_characters(void **state)
{
	struct world *w = world_open();
	char agent[601];

	(void)state;
	for (size_t i = 0; i < 300; i++)
		memcpy(agent + 2 * i, "\xc3\xa4", 2);
	agent[600] = '\0';
	struct session_answer answer = log_in_with(w, 1, "", agent);
	struct str kept = list(w, answer.token).sessions.at[0].agent;
	assert_int_equal(kept.len, 254);
	assert_true(str_is_utf8(kept));
	answer = log_in_with(w, 1, "", "\xff\xfe");
	assert_int_equal(list(w, answer.token).sessions.at[0].agent.len, 0);
	world_close(w);
}

static void a_removed_account_has_no_session(void **state)
{
	struct world *w = world_open();
	struct user_answer answer;

	(void)state;
	struct str token = log_in(w, 1);
	begin(w);
	account_remove(&w->store, STR("ada@example.test"), &w->arena, &answer);
	commit(w);
	assert_false(is_in(w, token));
	assert_int_equal(sql_number(w, "SELECT count(*) FROM session"), 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_an_account),
		cmocka_unit_test(other_tokens_are_nobody),
		cmocka_unit_test(the_database_does_not_hold_the_token),
		cmocka_unit_test(a_session_outlives_a_restart),
		cmocka_unit_test(a_password_that_changed_meanwhile_begins_nothing),
		cmocka_unit_test(an_unused_session_is_over),
		cmocka_unit_test(a_used_session_is_over_at_last),
		cmocka_unit_test(use_is_written_down_by_and_by),
		cmocka_unit_test(looking_on_is_no_use),
		cmocka_unit_test(logging_out_ends_this_one_the_others_or_all),
		cmocka_unit_test(one_of_the_list_can_be_ended_but_nobody_elses),
		cmocka_unit_test(an_account_has_not_endless_sessions),
		cmocka_unit_test(an_agent_is_cut_between_characters),
		cmocka_unit_test(a_new_password_wants_the_accounts_own_and_ends_the_others),
		cmocka_unit_test(a_removed_account_has_no_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
