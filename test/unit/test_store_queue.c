/* SPDX-License-Identifier: ISC
 *
 * test_store_queue.c - from a 250 to the recipient's end: nothing that was taken is lost, states
 * change as ARCHITECTURE says, claims end with their worker.
 */
#include "store_world.h"

static void a_message_is_delivered_and_its_body_goes(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	assert_false(claim(w, &w->delivery));
	assert_true(claim(w, &w->mailbox));
	assert_int_equal(w->job.recipients.len, 1);
	assert_true(str_eq(w->job.recipients.at[0].mailbox, STR("bob@example.test")));
	assert_true(str_eq(w->job.recipients.at[0].address, STR("bob@example.test")));
	assert_contains(job_text(w), "Guten Tag");
	assert_false(claim(w, &(struct worker){ .role = ROLE_MAILBOX }));
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_DELIVERED);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM body"), 0);
	assert_false(claim(w, &w->mailbox));
	world_close(w);
}

static void what_was_claimed_is_due_again_after_a_crash(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	assert_true(claim(w, &w->mailbox));
	world_crash(w);
	assert_true(claim(w, &w->mailbox));
	assert_contains(job_text(w), "Guten Tag"); /* read back from disk */
	world_close(w);
}

static void what_was_not_committed_is_gone_after_a_crash(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 0, "x@outside.test", "bob@example.test");
	struct accept_answer answer;

	(void)state;
	stay_here(&m);
	begin(w);
	accept_message(&w->store, &m.ask, m.body, -1, 0, &w->arena, &answer);
	assert_int_equal(answer.outcome, ACCEPT_TAKEN);
	world_crash(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM message"), 0);
	assert_int_equal(w->store.schedule.waiting, 0);
	world_close(w);
}

static void a_report_whose_commit_failed_leaves_the_claim(void **state)
{
	struct world *w = world_open();
	struct recipient_outcome outcome = { .result = RESULT_DELIVERED };
	struct work_ask ask = { .has_outcome = 1, .outcomes = { &outcome, 1 } };

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	assert_true(claim(w, &w->mailbox));
	ask.id = w->job.id;
	outcome.recipient = w->job.recipients.at[0].recipient;
	begin(w);
	outcome_report(&w->store, &w->mailbox, &ask);
	assert_null(w->mailbox.claim);
	w->store.db.failure = SQLITE_IOERR;
	assert_false(store_commit(&w->store));
	assert_non_null(w->mailbox.claim);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_WAITING);
	assert_false(claim(w, &(struct worker){ .role = ROLE_MAILBOX }));
	work(w, &w->mailbox, &ask);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_DELIVERED);
	world_close(w);
}

static void a_worker_that_goes_gives_its_job_back(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	assert_true(claim(w, &w->mailbox));
	schedule_worker_gone(&w->store, &w->mailbox);
	assert_true(claim(w, &(struct worker){ .role = ROLE_MAILBOX }));
	world_close(w);
}

static void a_report_after_our_restart_still_counts(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	assert_true(claim(w, &w->mailbox));
	world_crash(w);
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_DELIVERED);
	world_close(w);
}

static void a_role_reports_only_about_its_own_kind(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	assert_true(claim(w, &w->mailbox));
	schedule_worker_gone(&w->store, &w->mailbox);
	report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_WAITING);
	world_close(w);
}

static void an_accept_repeated_after_a_lost_answer_is_one_message(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 0, "x@outside.test", "bob@example.test");

	(void)state;
	assert_int_equal(hand_in(w, &m).outcome, ACCEPT_TAKEN);
	assert_int_equal(hand_in(w, &m).outcome, ACCEPT_TAKEN);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM message"), 1);
	m.ask.sender = STR("y@outside.test");
	assert_int_equal(hand_in(w, &m).outcome, ACCEPT_REFUSED);
	world_close(w);
}

static void what_is_refused_gets_one_second_look_and_then_a_letter(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	assert_int_equal(w->job.demands, DEMAND_TLS);
	assert_false(w->job.cold);
	report(w, &w->delivery, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_SECOND_LOOK);
	assert_false(claim(w, &w->delivery)); /* three seconds first */
	assert_false(claim(w, &w->mailbox));  /* and no letter yet */
	pass(w, 3000);
	assert_true(claim(w, &w->delivery));
	assert_true(w->job.cold);
	report(w, &w->delivery, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED);
	assert_int_equal(
		sql_number(w, "SELECT state FROM recipient ORDER BY number"), STATE_FAILED);
	assert_int_equal(sql_number(w, "SELECT attempts FROM recipient ORDER BY number"), 2);
	assert_true(claim(w, &w->mailbox));
	assert_true(str_eq(w->job.recipients.at[0].mailbox, STR("ada@example.test")));
	assert_int_equal(w->job.sender.len, 0);
	assert_contains(job_text(w), "Action: failed");
	assert_contains(job_text(w), "5.7.10");
	assert_contains(job_text(w), "Guten Tag");
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	assert_false(claim(w, &w->mailbox)); /* exactly one */
	world_close(w);
}

static void a_second_look_that_changed_waits(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED);
	pass(w, 3000);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_LATER, REASON_CONNECTION_TIMEOUT);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_WAITING);
	assert_int_equal(sql_number(w, "SELECT attempts FROM recipient"), 2);
	world_close(w);
}

static void a_recipient_the_worker_forgot_waits(void **state)
{
	struct world *w = world_open();
	struct work_ask ask = { .has_outcome = 1 };

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	ask.id = w->job.id;
	work(w, &w->delivery, &ask);
	assert_int_equal(sql_number(w, "SELECT attempts FROM recipient"), 1);
	assert_int_equal(sql_number(w, "SELECT reason FROM recipient"), REASON_LOCAL_FAULT);
	assert_false(claim(w, &w->delivery));
	world_close(w);
}

static void a_report_that_makes_no_sense_gives_the_job_back(void **state)
{
	struct world *w = world_open();
	struct recipient_outcome outcome = { .result = RESULT_DELIVERED, .reason = 4711 };
	struct work_ask ask = { .has_outcome = 1, .outcomes = { &outcome, 1 } };

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	usleep(2000);
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	struct worker other = { .role = ROLE_DELIVERY };
	struct job first = w->job;
	assert_true(claim(w, &other)); /* the schedule has moved on */
	ask.id = first.id;
	outcome.recipient = first.recipients.at[0].recipient;
	work(w, &w->delivery, &ask);
	assert_true(claim(w, &w->delivery));
	assert_true(str_eq(w->job.id, first.id));
	ask.id = STR("0000000000000bad");
	work(w, &w->delivery, &ask);
	assert_true(claim(w, &w->delivery));
	world_close(w);
}

/* A letter names the reasons it finds on disk, so none may get there that there is not. */
static void a_reason_there_is_not_is_not_believed(void **state)
{
	struct world *w = world_open();
	struct recipient_outcome outcome = { .result = RESULT_LATER, .reason = 4711 };
	struct attempt attempts[] = { { .reason = 4711, .verdict = VERDICT_REFUSED },
		{ .reason = REASON_CONNECTION_LOST, .verdict = 4711 },
		{ .reason = REASON_CONNECTION_LOST, .verdict = VERDICT_UNKNOWN } };
	struct work_ask ask = { .has_outcome = 1,
		.outcomes = { &outcome, 1 },
		.attempts = { attempts, count_of(attempts) },
		.destination_down = 1 };

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	ask.id = w->job.id;
	outcome.recipient = w->job.recipients.at[0].recipient;
	work(w, &w->delivery, &ask);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM evidence"), 1);
	pass(w, 6 * DAY);
	assert_true(claim(w, &w->mailbox)); /* the letter about it */
	assert_int_equal(sql_number(w, "SELECT last_reason FROM recipient ORDER BY number"),
		REASON_CONNECTION_TIMEOUT);
	world_close(w);
}

static void a_job_is_one_message_and_one_destination(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@example.test", "a@hotel.test");

	(void)state;
	m.to[1].address = STR("b@office.test");
	m.to[2].address = STR("c@hotel.test");
	m.to[3].address = STR("bob@example.test");
	m.ask.recipients.len = 4;
	assert_taken(w, m);
	assert_true(claim(w, &w->delivery));
	assert_int_equal(w->job.recipients.len, 2);
	assert_true(str_eq(w->job.destination, STR("hotel.test")));
	struct worker other = { .role = ROLE_DELIVERY };
	assert_true(claim(w, &other));
	assert_int_equal(w->job.recipients.len, 1);
	assert_true(str_eq(w->job.destination, STR("office.test")));
	assert_true(claim(w, &w->mailbox));
	world_close(w);
}

static void an_account_that_went_is_a_failure(void **state)
{
	struct world *w = world_open();
	struct user_answer answer;

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "bob@example.test"));
	begin(w);
	account_remove(&w->store, STR("bob@example.test"), &w->arena, &answer);
	commit(w);
	assert_false(claim(w, &w->mailbox));
	assert_true(claim(w, &w->mailbox)); /* the letter to Ada */
	assert_true(str_eq(w->job.recipients.at[0].mailbox, STR("ada@example.test")));
	assert_contains(job_text(w), "5.1.1");
	world_close(w);
}

static void ended_messages_are_removed_in_time(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	assert_true(claim(w, &w->mailbox));
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	begin(w);
	clean_some(&w->store);
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM message"), 1);
	pass(w, REMEMBER_OUTSIDE + 1000);
	begin(w);
	clean_some(&w->store);
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM message"), 0);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM recipient"), 0);
	world_close(w);
}

static void a_full_disk_refuses_mail_and_keeps_the_rest(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 0, "x@outside.test", "bob@example.test");
	struct accept_answer answer;
	static char large[900000];

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	memset(large, 'x', sizeof large);
	m.body = (struct str){ large, sizeof large };
	stay_here(&m);
	assert_int_equal(
		sqlite3_exec(w->store.db.handle, "PRAGMA max_page_count = 100", NULL, NULL, NULL),
		SQLITE_OK);
	begin(w);
	store_handler_begin(&w->store);
	accept_message(&w->store, &m.ask, m.body, -1, 0, &w->arena, &answer);
	assert_int_equal(answer.outcome, ACCEPT_FULL);
	assert_false(store_handler_end(&w->store));
	if (!store_commit(&w->store))
		assert_int_equal(w->store.schedule.waiting, 1);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM message"), 1);
	assert_int_equal(w->store.schedule.waiting, 1);
	assert_true(claim(w, &w->mailbox));
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	world_close(w);
}

static void below_the_reserve_new_mail_is_refused(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 0, "x@outside.test", "bob@example.test");

	(void)state;
	w->settings->disk_reserve = UINT64_MAX / 2;
	assert_int_equal(hand_in(w, &m).outcome, ACCEPT_FULL);
	/* An alarm says so, once an hour. */
	int64_t told = w->store.disk_told;
	assert_true(told > 0 && told <= w->store.now);
	w->store.disk_told = told -= 2 * HOUR;
	assert_int_equal(hand_in(w, &m).outcome, ACCEPT_FULL);
	assert_true(w->store.disk_told > told + HOUR);
	told = w->store.disk_told -= HOUR / 2;
	assert_int_equal(hand_in(w, &m).outcome, ACCEPT_FULL);
	assert_int_equal(w->store.disk_told, told);
	world_close(w);
}

static void a_body_staged_by_a_crashed_store_is_removed(void **state)
{
	struct world *w = world_open();
	static char large[3 * BODY_PIECE];

	(void)state;
	begin(w);
	RUN(&w->store.db, LEFTOVER_STAGE, as_number(77));
	body_write(&w->store, 77, (struct str){ large, sizeof large }, 0, 3);
	commit(w);
	begin(w);
	clean_some(&w->store);
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM body"), 3); /* its accept may come */
	world_crash(w);
	begin(w);
	clean_some(&w->store);
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM body"), 0);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM leftover"), 0);
	assert_true(w->store.last_message >= 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_delivered_and_its_body_goes),
		cmocka_unit_test(what_was_claimed_is_due_again_after_a_crash),
		cmocka_unit_test(what_was_not_committed_is_gone_after_a_crash),
		cmocka_unit_test(a_report_whose_commit_failed_leaves_the_claim),
		cmocka_unit_test(a_worker_that_goes_gives_its_job_back),
		cmocka_unit_test(a_report_after_our_restart_still_counts),
		cmocka_unit_test(a_role_reports_only_about_its_own_kind),
		cmocka_unit_test(an_accept_repeated_after_a_lost_answer_is_one_message),
		cmocka_unit_test(what_is_refused_gets_one_second_look_and_then_a_letter),
		cmocka_unit_test(a_second_look_that_changed_waits),
		cmocka_unit_test(a_recipient_the_worker_forgot_waits),
		cmocka_unit_test(a_report_that_makes_no_sense_gives_the_job_back),
		cmocka_unit_test(a_reason_there_is_not_is_not_believed),
		cmocka_unit_test(a_job_is_one_message_and_one_destination),
		cmocka_unit_test(an_account_that_went_is_a_failure),
		cmocka_unit_test(ended_messages_are_removed_in_time),
		cmocka_unit_test(a_full_disk_refuses_mail_and_keeps_the_rest),
		cmocka_unit_test(below_the_reserve_new_mail_is_refused),
		cmocka_unit_test(a_body_staged_by_a_crashed_store_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
