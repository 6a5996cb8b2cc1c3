/* SPDX-License-Identifier: ISC
 *
 * test_store_schedule.c - whose turn it is: destinations share the workers fairly, one that is
 * down waits in common, and a large queue costs memory per destination only.
 */
#include "store_world.h"

#include "store/siphash.h"

static struct worker workers[64];

static void fresh_workers(void)
{
	for (size_t i = 0; i < count_of(workers); i++)
		workers[i] = (struct worker){ .role = ROLE_DELIVERY };
}

static void queue(struct world *w, const char *to, int n)
{
	begin(w);
	for (int i = 0; i < n; i++) {
		struct mail m = mail(w, 1, "ada@example.test", to);
		struct accept_answer answer;
		stay_here(&m);
		accept_message(&w->store, &m.ask, m.body, -1, 0, &w->arena, &answer);
		assert_int_equal(answer.outcome, ACCEPT_TAKEN);
		arena_reset(&w->arena);
	}
	commit(w);
}

static void destinations_take_turns(void **state)
{
	struct world *w = world_open();
	int small = 0;

	(void)state;
	fresh_workers();
	queue(w, "a@large.test", 50);
	queue(w, "a@small.test", 3);
	for (int i = 0; i < 6; i++) {
		assert_true(claim(w, &workers[i]));
		small += str_eq(w->job.destination, STR("small.test"));
	}
	assert_int_equal(small, 3);
	world_close(w);
}

static void one_destination_has_a_limit(void **state)
{
	struct world *w = world_open_with("destination_connections = 4\n");
	int claimed = 0;

	(void)state;
	add_account(w, "ada@example.test");
	fresh_workers();
	queue(w, "a@large.test", 10);
	while (claimed < 10 && claim(w, &workers[claimed]))
		claimed++;
	assert_int_equal(claimed, 4);
	report(w, &workers[3], RESULT_DELIVERED, REASON_NONE);
	assert_true(claim(w, &workers[3]));
	assert_false(claim(w, &workers[4]));
	world_close(w);
}

static void a_held_connection_gets_the_next_job_for_it(void **state)
{
	struct world *w = world_open();
	struct work_ask ask = { .wants_job = 1, .prefer_destination = STR("b.test") };

	(void)state;
	queue(w, "a@a.test", 2);
	queue(w, "a@b.test", 2);
	queue(w, "a@c.test", 2);
	assert_true(work(w, &w->delivery, &ask));
	assert_true(str_eq(w->job.destination, STR("b.test")));
	report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	assert_true(work(w, &w->delivery, &ask));
	assert_true(str_eq(w->job.destination, STR("b.test")));
	report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	assert_true(work(w, &w->delivery, &ask)); /* nothing more there: somebody else's */
	world_close(w);
}

static void a_preference_does_not_starve_the_others(void **state)
{
	struct world *w = world_open();
	struct work_ask ask = { .wants_job = 1, .prefer_destination = STR("b.test") };
	int others = 0;

	(void)state;
	queue(w, "a@a.test", 1);
	queue(w, "a@b.test", 80);
	for (int i = 0; i < 70; i++) {
		assert_true(work(w, &w->delivery, &ask));
		others += str_eq(w->job.destination, STR("a.test"));
		report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	}
	assert_int_equal(others, 1);
	world_close(w);
}

/* Report that the destination itself is down. */
static void report_down(struct world *w, struct worker *worker)
{
	struct recipient_outcome outcome = { .recipient = w->job.recipients.at[0].recipient,
		.result = RESULT_LATER,
		.reason = REASON_CONNECTION_TIMEOUT };
	struct work_ask ask = { .has_outcome = 1,
		.id = w->job.id,
		.outcomes = { &outcome, 1 },
		.destination_down = 1 };

	work(w, worker, &ask);
}

static void a_destination_that_is_down_is_tried_by_one(void **state)
{
	struct world *w = world_open();

	(void)state;
	fresh_workers();
	queue(w, "a@dead.test", 20);
	queue(w, "a@alive.test", 1);
	assert_true(claim(w, &workers[0]));
	report_down(w, &workers[0]);
	assert_true(claim(w, &workers[0]));
	assert_true(str_eq(w->job.destination, STR("alive.test")));
	assert_false(claim(w, &workers[1]));
	pass(w, 30 * SECOND);
	assert_true(claim(w, &workers[1])); /* goes to see */
	struct job seeing = w->job;
	assert_false(claim(w, &workers[2]));
	w->job = seeing;
	report_down(w, &workers[1]);
	pass(w, 30 * SECOND);
	assert_false(claim(w, &workers[2])); /* a minute now */
	pass(w, 30 * SECOND);
	assert_true(claim(w, &workers[2]));
	report(w, &workers[2], RESULT_DELIVERED, REASON_NONE);
	for (int i = 3; i < 10; i++)
		assert_true(claim(w, &workers[i]));
	world_close(w);
}

static void jobs_under_way_count_as_one_failure(void **state)
{
	struct world *w = world_open();
	struct job jobs[3];

	(void)state;
	fresh_workers();
	queue(w, "a@dead.test", 20);
	for (int i = 0; i < 3; i++) {
		assert_true(claim(w, &workers[i]));
		jobs[i] = w->job;
	}
	usleep(2000); /* the clock of rows has milliseconds */
	for (int i = 0; i < 3; i++) {
		w->job = jobs[i];
		report_down(w, &workers[i]);
	}
	struct destination *d = schedule_find(&w->store.schedule, STR("dead.test"), 0);
	assert_non_null(d);
	assert_int_equal(d->failures, 1);
	world_close(w);
}

static void messages_nobody_tried_expire_with_their_destination(void **state)
{
	struct world *w = world_open();

	(void)state;
	queue(w, "a@dead.test", 3);
	assert_true(claim(w, &w->delivery));
	report_down(w, &w->delivery);
	pass(w, 6 * DAY);
	assert_true(claim(w, &w->mailbox)); /* the clock has brought letters */
	assert_int_equal(sql_number(w, "SELECT count(*) FROM recipient WHERE state = 3"), 3);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM recipient WHERE last_reason = 22"), 3);
	world_close(w);
}

static void the_operator_has_it_tried_now(void **state)
{
	struct world *w = world_open();
	struct queue_change_ask ask = { 0 };
	struct queue_answer answer;

	(void)state;
	queue(w, "a@dead.test", 2);
	assert_true(claim(w, &w->delivery));
	report_down(w, &w->delivery);
	assert_false(claim(w, &w->delivery));
	begin(w);
	listing_retry(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, CTL_OK);
	assert_true(claim(w, &w->delivery));
	world_close(w);
}

static void equal_demands_only_share_a_job(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "a@hotel.test"));
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "a@hotel.test"));
	assert_true(claim(w, &w->delivery));
	uint64_t first = w->job.demands;
	report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	assert_true(claim(w, &w->delivery));
	assert_int_equal(first + w->job.demands, DEMAND_TLS);
	world_close(w);
}

static void a_large_queue_is_served_again_at_once(void **state)
{
	struct world *w = world_open();
	enum { MESSAGES = 3000 };

	(void)state;
	for (int i = 0; i < MESSAGES / 100; i++)
		queue(w, "a@large.test", 100);
	assert_int_equal(sqlite3_wal_checkpoint_v2(
				 w->store.db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
		SQLITE_OK);
	assert_in_range(sql_number(w, "PRAGMA page_count") * 4096 / MESSAGES, 1, 1024);
	world_crash(w);
	assert_int_equal(w->store.schedule.waiting, MESSAGES);
	assert_int_equal(w->store.schedule.n, 1);
	assert_true(claim(w, &w->delivery));
	world_close(w);
}

static void empty_destinations_are_forgotten(void **state)
{
	struct world *w = world_open();
	char to[64];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(to, sizeof to, "a@d%d.test", i);
		queue(w, to, 1);
	}
	assert_int_equal(w->store.schedule.n, 300);
	for (int i = 0; i < 300; i++) {
		assert_true(claim(w, &w->delivery));
		report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	}
	assert_int_equal(w->store.schedule.n, 0);
	assert_int_equal(w->store.schedule.waiting, 0);
	world_close(w);
}

static void the_queue_is_listed_in_pages(void **state)
{
	struct world *w = world_open();
	struct queue_ask ask = { .limit = 4 };
	struct queue_answer answer;
	size_t seen = 0;

	(void)state;
	queue(w, "a@hotel.test", 3);
	struct mail m = mail(w, 1, "ada@example.test", "a@hotel.test");
	m.to[1].address = STR("b@office.test");
	m.to[2].address = STR("c@shop.test");
	m.ask.recipients.len = 3;
	assert_taken(w, m); /* would be cut in two */
	queue(w, "a@hotel.test", 4);
	do {
		begin(w);
		listing_queue(&w->store, &ask, &w->arena, &answer);
		commit(w);
		seen += answer.items.len;
		if (answer.items.len)
			ask.after = answer.items.at[answer.items.len - 1].id;
	} while (answer.items.len);
	assert_int_equal(seen, 10);
	world_close(w);
}

/* The vectors of the SipHash authors: key 00..0f, message 00..0e. */
static void siphash_is_siphash(void **state)
{
	static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	static const char message[] =
		"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e";
	struct str bytes = { message, 15 };

	(void)state;
	assert_true(siphash_keyed(bytes, key, false).low == 0xa129ca6149be45e5);
	struct siphash wide = siphash_keyed(STR(""), key, true);
	assert_true(wide.low == 0xe6a825ba047f81a3 && wide.high == 0x930255c71472f66d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations_take_turns),
		cmocka_unit_test(one_destination_has_a_limit),
		cmocka_unit_test(a_held_connection_gets_the_next_job_for_it),
		cmocka_unit_test(a_preference_does_not_starve_the_others),
		cmocka_unit_test(a_destination_that_is_down_is_tried_by_one),
		cmocka_unit_test(jobs_under_way_count_as_one_failure),
		cmocka_unit_test(messages_nobody_tried_expire_with_their_destination),
		cmocka_unit_test(the_operator_has_it_tried_now),
		cmocka_unit_test(equal_demands_only_share_a_job),
		cmocka_unit_test(a_large_queue_is_served_again_at_once),
		cmocka_unit_test(empty_destinations_are_forgotten),
		cmocka_unit_test(the_queue_is_listed_in_pages),
		cmocka_unit_test(siphash_is_siphash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
