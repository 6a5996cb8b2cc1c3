/* SPDX-License-Identifier: ISC
 *
 * test_store_letter.c - who is told what, once: failures, delays, the final word, successes that
 * were asked for, and the notices that stand where no letter may go.
 */
#include "store_world.h"

#include "base/clock.h"

#include "store/calls.h"

/* The newest letter, taken out of the mailbox queue; empty if there is none. */
static struct str next_letter(struct world *w)
{
	if (!claim(w, &w->mailbox))
		return STR("");
	struct str text = job_text(w);
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	return text;
}

static void fail_at_once(struct world *w, enum reason reason)
{
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_FAILED, reason);
}

static void one_letter_names_what_failed_and_what_waits(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@secure.example.test", "a@hotel.test");

	(void)state;
	m.to[1].address = STR("b@office.test");
	m.to[2].address = STR("c@shop.test");
	m.ask.recipients.len = 3;
	assert_taken(w, m);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	assert_int_equal(next_letter(w).len, 0);
	fail_at_once(w, REASON_NULL_MX);
	struct str letter = next_letter(w);
	assert_contains(letter, "Action: failed");
	assert_contains(letter, "a@hotel.test");
	assert_contains(letter, "b@office.test");
	assert_contains(letter, "c@shop.test");
	assert_int_equal(next_letter(w).len, 0);
	fail_at_once(w, REASON_NULL_MX);
	letter = next_letter(w);
	assert_contains(letter, "Final-Recipient: rfc822; c@shop.test");
	/* What an earlier letter said is not said again. */
	assert_int_equal(
		str_find_str(letter, STR("Final-Recipient: rfc822; b@office.test")), letter.len);
	assert_int_equal(next_letter(w).len, 0);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM body"), 0);
	world_close(w);
}

static void the_letter_goes_to_the_account_not_the_sender(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada+shop@secure.example.test", "a@hotel.test"));
	fail_at_once(w, REASON_NULL_MX);
	assert_true(claim(w, &w->mailbox));
	assert_true(str_eq(w->job.recipients.at[0].mailbox, STR("ada@example.test")));
	assert_int_equal(w->job.sender.len, 0);
	world_close(w);
}

static void assert_notice(struct world *w, enum notice_kind kind, const char *who)
{
	struct notices_answer answer = { 0 };

	begin(w);
	notice_list(&w->store, 1, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.notices.len, 1);
	assert_int_equal(answer.notices.at[0].kind, kind);
	assert_true(str_eq(answer.notices.at[0].who, str_of(who)));
}

static void no_letter_for_never_but_a_notice(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@secure.example.test", "a@hotel.test");

	(void)state;
	m.to[0].notify = NOTIFY_NEVER;
	assert_taken(w, m);
	fail_at_once(w, REASON_NULL_MX);
	assert_int_equal(next_letter(w).len, 0);
	assert_notice(w, NOTICE_NOT_SENT, "a@hotel.test");
	world_close(w);
}

static void no_letter_for_the_null_sender_but_a_notice(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "", "a@hotel.test");

	(void)state;
	m.senders[0].text = STR("ada@secure.example.test");
	m.ask.header_senders.len = 1;
	assert_taken(w, m);
	fail_at_once(w, REASON_NULL_MX);
	assert_int_equal(next_letter(w).len, 0);
	assert_notice(w, NOTICE_NOT_SENT, "a@hotel.test");
	world_close(w);
}

static void success_is_told_where_it_was_asked_for(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@example.test", "a@hotel.test");

	(void)state;
	m.to[0].notify = NOTIFY_SUCCESS;
	assert_taken(w, m);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_RELAYED, REASON_NONE);
	assert_contains(next_letter(w), "Action: relayed");
	assert_int_equal(next_letter(w).len, 0);
	/* The next hop sends its own. */
	m = mail(w, 1, "ada@example.test", "a@hotel.test");
	m.to[0].notify = NOTIFY_SUCCESS;
	assert_taken(w, m);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	assert_int_equal(next_letter(w).len, 0);
	/* Our own mailbox is the last hop. */
	m = mail(w, 1, "ada@example.test", "bob@example.test");
	m.to[0].notify = NOTIFY_SUCCESS;
	assert_taken(w, m);
	assert_true(claim(w, &w->mailbox));
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	assert_contains(next_letter(w), "Action: delivered");
	world_close(w);
}

static void a_delay_is_told_once_and_then_the_final_word(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "a@hotel.test"));
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_LATER, REASON_CONNECTION_TIMEOUT);
	assert_int_equal(next_letter(w).len, 0);
	pass(w, MINUTE);
	struct str letter = next_letter(w);
	assert_contains(letter, "Action: delayed");
	assert_contains(letter, "Will-Retry-Until:");
	assert_int_equal(str_find_str(letter, STR("Guten Tag")), letter.len); /* header alone */
	assert_int_equal(next_letter(w).len, 0);
	pass(w, 4 * HOUR);
	letter = next_letter(w);
	assert_contains(letter, "Action: failed");
	assert_contains(letter, "5.4.7");
	assert_int_equal(
		sql_number(w, "SELECT last_reason FROM recipient"), REASON_CONNECTION_TIMEOUT);
	assert_int_equal(next_letter(w).len, 0);
	world_close(w);
}

static void no_delay_notice_where_notify_leaves_it_out(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@example.test", "a@hotel.test");

	(void)state;
	m.to[0].notify = NOTIFY_FAILURE;
	assert_taken(w, m);
	pass(w, HOUR);
	assert_int_equal(next_letter(w).len, 0);
	world_close(w);
}

static void after_a_long_downtime_there_is_one_more_attempt(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "a@hotel.test"));
	pass(w, DAY);
	w->store.started = clock_wall_ms() + 1; /* we weren't there */
	assert_int_equal(next_letter(w).len, 0);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_LATER, REASON_CONNECTION_REFUSED);
	assert_contains(next_letter(w), "5.4.7");
	world_close(w);
}

static void a_local_failure_of_outside_mail_is_reported_outside(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "ada@secure.example.test"));
	assert_true(claim(w, &w->mailbox));
	report(w, &w->mailbox, RESULT_FAILED, REASON_LOCAL_FAULT);
	assert_true(claim(w, &w->delivery));
	assert_true(str_eq(w->job.destination, STR("outside.test")));
	assert_int_equal(w->job.demands, DEMAND_TLS); /* those of the original */
	assert_int_equal(w->job.sender.len, 0);
	assert_int_equal(w->job.body_kind, BODY_7BIT);
	struct str report_text = job_text(w);
	assert_false(str_has_8bit(report_text));
	assert_contains(report_text, "Action: failed");
	assert_int_equal(str_find_str(report_text, STR("Guten Tag")), report_text.len);
	/* A report that fails is not reported. */
	report(w, &w->delivery, RESULT_FAILED, REASON_NULL_MX);
	assert_false(claim(w, &w->delivery));
	assert_false(claim(w, &w->mailbox));
	world_close(w);
}

/* policy.md section 4: it is never dropped because a hop lacks REQUIRETLS. */
static void a_report_demands_all_but_requiretls(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 0, "x@outside.test", "ada@secure.example.test");

	(void)state;
	m.ask.requiretls = 1;
	assert_taken(w, m);
	assert_true(claim(w, &w->mailbox));
	report(w, &w->mailbox, RESULT_FAILED, REASON_LOCAL_FAULT);
	assert_true(claim(w, &w->delivery));
	assert_int_equal(w->job.demands, DEMAND_TLS | DEMAND_AUTH);
	assert_true(w->job.requiretls); /* said where it is announced */
	assert_int_equal(w->job.sender.len, 0);
	world_close(w);
}

static void a_failure_of_outside_mail_from_nobody_is_silent(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 0, "", "ada@example.test"));
	assert_true(claim(w, &w->mailbox));
	report(w, &w->mailbox, RESULT_FAILED, REASON_LOCAL_FAULT);
	assert_false(claim(w, &w->delivery));
	assert_false(claim(w, &w->mailbox));
	world_close(w);
}

static void what_the_operator_drops_is_told(void **state)
{
	struct world *w = world_open();
	struct queue_change_ask ask = { 0 };
	struct queue_answer answer;

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "a@hotel.test"));
	begin(w);
	listing_drop(&w->store, &ask, &w->arena, &answer);
	settle_clock(&w->store);
	commit(w);
	assert_int_equal(answer.outcome, CTL_OK);
	assert_contains(next_letter(w), "Action: failed");
	assert_int_equal(sql_number(w, "SELECT reason FROM recipient"), REASON_DROPPED_BY_OPERATOR);
	assert_false(claim(w, &w->delivery));
	world_close(w);
}

static uint64_t ask_recipient(
	struct world *w, const char *address, bool secured, const char *sender)
{
	struct caller caller = { .call = CALL_recipient, .arena = ARENA(65536) };

	caller.ask.recipient = (struct recipient_ask){ .address = str_of(address),
		.secured = secured,
		.peer = STR("192.0.2.7"),
		.helo = STR("mail.outside.test"),
		.sender = str_of(sender) };
	begin(w);
	calls_run(&w->store, &caller);
	commit(w);
	arena_free(&caller.arena);
	assert_int_equal(caller.state, CALLER_ANSWERED);
	return caller.answer.recipient.outcome;
}

static void plaintext_attempts_are_refused_alike_and_recorded(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_int_equal(ask_recipient(w, "ADA+x@secure.example.test", false, "x@outside.test"),
		RECIPIENT_PLAINTEXT_REFUSED);
	assert_int_equal(ask_recipient(w, "ada@secure.example.test", false, "x@outside.test"),
		RECIPIENT_PLAINTEXT_REFUSED);
	assert_int_equal(ask_recipient(w, "nobody@secure.example.test", false, "x@outside.test"),
		RECIPIENT_PLAINTEXT_REFUSED);
	assert_int_equal(ask_recipient(w, "ada@secure.example.test", true, "x@outside.test"),
		RECIPIENT_ALIAS);
	assert_int_equal(ask_recipient(w, "bob@secure.example.test", true, "x@outside.test"),
		RECIPIENT_UNKNOWN);
	assert_notice(w, NOTICE_TURNED_AWAY, "x@outside.test");
	assert_int_equal(sql_number(w, "SELECT count FROM notice WHERE account = 1"), 2);
	assert_int_equal(sql_number(w, "SELECT count FROM notice WHERE account = 0"), 1);
	assert_int_equal(next_letter(w).len, 0);
	world_close(w);
}

static void a_report_turned_away_is_told_at_once_and_once(void **state)
{
	struct world *w = world_open();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask_recipient(w, "ada@secure.example.test", false, ""),
			RECIPIENT_PLAINTEXT_REFUSED);
	struct str letter = next_letter(w);
	assert_contains(letter, "192.0.2.7");
	assert_contains(letter, "ada@secure.example.test");
	assert_int_equal(next_letter(w).len, 0);
	assert_notice(w, NOTICE_REPORT_TURNED_AWAY, "");
	world_close(w);
}

/* Let the clock of the notices go by, and do what it asks for. */
static void notices_pass(struct world *w, int64_t ms)
{
	char sql[256];

	snprintf(sql, sizeof sql,
		"UPDATE notice SET time = time - %lld; UPDATE turned_away_letter SET"
		" due = max(0, due - %lld), last = max(0, last - %lld)",
		(long long)ms, (long long)ms, (long long)ms);
	assert_int_equal(sqlite3_exec(w->store.db.handle, sql, NULL, NULL, NULL), SQLITE_OK);
	begin(w);
	turned_away_tell(&w->store);
	commit(w);
}

static void turn_away(struct world *w, const char *sender)
{
	assert_int_equal(ask_recipient(w, "ada@secure.example.test", false, sender),
		RECIPIENT_PLAINTEXT_REFUSED);
}

static void mail_turned_away_is_told_together_and_once(void **state)
{
	struct world *w = world_open();

	(void)state;
	turn_away(w, "x@outside.test");
	turn_away(w, "x@outside.test");
	turn_away(w, "y@outside.test");
	notices_pass(w, 50 * MINUTE);
	assert_int_equal(next_letter(w).len, 0);
	turn_away(w, "x@outside.test");
	notices_pass(w, 20 * MINUTE);
	struct str letter = next_letter(w);
	assert_contains(letter, "Subject: Mail to you was turned away");
	assert_contains(letter, "Attempts: 4");
	assert_contains(letter, "Attempts: 3");
	assert_contains(letter, "y@outside.test");
	notices_pass(w, 3 * DAY);
	assert_int_equal(next_letter(w).len, 0);
	world_close(w);
}

static void it_is_told_once_a_day_at_most(void **state)
{
	struct world *w = world_open();

	(void)state;
	turn_away(w, "x@outside.test");
	notices_pass(w, 61 * MINUTE);
	assert_contains(next_letter(w), "x@outside.test");
	turn_away(w, "y@outside.test");
	notices_pass(w, 20 * HOUR);
	assert_int_equal(next_letter(w).len, 0);
	notices_pass(w, 4 * HOUR);
	struct str letter = next_letter(w);
	assert_contains(letter, "y@outside.test");
	assert_int_equal(str_find_str(letter, STR("x@outside.test")), letter.len);
	world_close(w);
}

static void what_a_notice_counts_later_is_told_later(void **state)
{
	struct world *w = world_open();

	(void)state;
	turn_away(w, "x@outside.test");
	assert_int_equal(sqlite3_exec(w->store.db.handle, "UPDATE turned_away_letter SET due = 1",
				 NULL, NULL, NULL),
		SQLITE_OK);
	notices_pass(w, 0);
	assert_contains(next_letter(w), "Attempts: 1");
	turn_away(w, "x@outside.test"); /* into the same notice */
	assert_int_equal(sql_number(w, "SELECT count(*) FROM notice"), 1);
	notices_pass(w, 25 * HOUR);
	assert_contains(next_letter(w), "Attempts: 1");
	world_close(w);
}

static void a_letter_that_was_not_committed_is_written_again(void **state)
{
	struct world *w = world_open();

	(void)state;
	turn_away(w, "x@outside.test");
	assert_int_equal(sqlite3_exec(w->store.db.handle, "UPDATE turned_away_letter SET due = 1",
				 NULL, NULL, NULL),
		SQLITE_OK);
	begin(w);
	turned_away_tell(&w->store);
	world_crash(w);
	assert_int_equal(next_letter(w).len, 0);
	notices_pass(w, 0);
	assert_contains(next_letter(w), "x@outside.test");
	notices_pass(w, 0);
	world_crash(w);
	notices_pass(w, 0);
	assert_int_equal(next_letter(w).len, 0);
	world_close(w);
}

static void who_does_not_want_to_hear_of_it_does_not(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_int_equal(
		sqlite3_exec(w->store.db.handle,
			"INSERT INTO preference VALUES (1, 'notices', 'off')", NULL, NULL, NULL),
		SQLITE_OK);
	turn_away(w, "x@outside.test");
	ask_recipient(w, "nobody@secure.example.test", false, "x@outside.test");
	notices_pass(w, 2 * HOUR);
	assert_int_equal(next_letter(w).len, 0);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM turned_away_letter WHERE due > 0"), 0);
	/* And isn't flooded with it after a change of mind. */
	assert_int_equal(
		sqlite3_exec(w->store.db.handle, "DELETE FROM preference", NULL, NULL, NULL),
		SQLITE_OK);
	turn_away(w, "y@outside.test");
	notices_pass(w, 2 * DAY);
	struct str letter = next_letter(w);
	assert_contains(letter, "y@outside.test");
	assert_int_equal(str_find_str(letter, STR("x@outside.test")), letter.len);
	world_close(w);
}

static void recorded_attempts_are_bounded(void **state)
{
	struct world *w = world_open();
	char sender[64];

	(void)state;
	for (unsigned i = 0; i < TURNED_AWAY_MAX + 50; i++) {
		snprintf(sender, sizeof sender, "x%u@outside.test", i);
		ask_recipient(w, "ada@secure.example.test", false, sender);
	}
	assert_int_equal(sql_number(w, "SELECT count(*) FROM notice"), TURNED_AWAY_MAX);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_letter_names_what_failed_and_what_waits),
		cmocka_unit_test(the_letter_goes_to_the_account_not_the_sender),
		cmocka_unit_test(no_letter_for_never_but_a_notice),
		cmocka_unit_test(no_letter_for_the_null_sender_but_a_notice),
		cmocka_unit_test(success_is_told_where_it_was_asked_for),
		cmocka_unit_test(a_delay_is_told_once_and_then_the_final_word),
		cmocka_unit_test(no_delay_notice_where_notify_leaves_it_out),
		cmocka_unit_test(after_a_long_downtime_there_is_one_more_attempt),
		cmocka_unit_test(a_local_failure_of_outside_mail_is_reported_outside),
		cmocka_unit_test(a_report_demands_all_but_requiretls),
		cmocka_unit_test(a_failure_of_outside_mail_from_nobody_is_silent),
		cmocka_unit_test(what_the_operator_drops_is_told),
		cmocka_unit_test(plaintext_attempts_are_refused_alike_and_recorded),
		cmocka_unit_test(a_report_turned_away_is_told_at_once_and_once),
		cmocka_unit_test(mail_turned_away_is_told_together_and_once),
		cmocka_unit_test(it_is_told_once_a_day_at_most),
		cmocka_unit_test(what_a_notice_counts_later_is_told_later),
		cmocka_unit_test(a_letter_that_was_not_committed_is_written_again),
		cmocka_unit_test(who_does_not_want_to_hear_of_it_does_not),
		cmocka_unit_test(recorded_attempts_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
