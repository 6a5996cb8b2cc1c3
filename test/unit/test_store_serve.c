/* SPDX-License-Identifier: ISC
 *
 * test_store_serve.c - the store's loop as the other roles meet it: a process of its own, asked
 * over real sockets, killed and started again.
 */
#include "store_running.h"

static uint64_t ask_accept(struct world *w, const struct running *r, struct mail m)
{
	struct accept_answer answer;
	struct why why;
	scoped(fd_close) int fd = fd_memfd_of("body", m.body);

	stay_here(&m);
	if (!call_accept(r->smtpd, &m.ask, fd, &w->arena, &answer, NULL, deadline_in(20000), &why))
		fail_msg("%s", why.text);
	return answer.outcome;
}

static bool ask_work(struct world *w, struct client_connection *c, struct work_ask ask)
{
	struct why why;

	fd_close(&w->body);
	ask.wants_job = 1;
	if (!call_work_on(c, &ask, -1, &w->arena, &w->job, &w->body, deadline_in(20000), &why))
		fail_msg("%s", why.text);
	return w->job.has_job != 0;
}

static bool report_delivered(struct world *w, struct client_connection *c)
{
	struct recipient_outcome outcome = { .recipient = w->job.recipients.at[0].recipient,
		.result = RESULT_DELIVERED };
	struct work_ask ask = { .has_outcome = 1, .id = w->job.id, .outcomes = { &outcome, 1 } };

	return ask_work(w, c, ask);
}

static void what_was_taken_survives_kill_9(void **state)
{
	struct world *w = closed_world("");
	struct running r = start_store(w);

	(void)state;
	for (int i = 0; i < 5; i++) {
		uint64_t outcome =
			ask_accept(w, &r, mail(w, 0, "x@outside.test", "ada@example.test"));
		assert_int_equal(outcome, ACCEPT_TAKEN);
		kill_store(&r, SIGKILL);
		r = start_store(w);
	}
	struct client_connection *c = connect_to(r.mailbox);
	assert_true(ask_work(w, c, (struct work_ask){ 0 }));
	for (int i = 1; i < 5; i++)
		assert_true(report_delivered(w, c));
	assert_false(report_delivered(w, c));
	client_disconnect(&c);
	kill_store(&r, 0);
	forget(w);
}

/* Whatever smtpd says of it: it lists Ada as the only sender of each of these. */
static void what_the_header_says_is_read_in_the_message(void **state)
{
	static const struct {
		const char *body;
		uint64_t account, outcome;
	} cases[] = {
		{ "From: ada@example.test\r\n\r\n", 1, ACCEPT_TAKEN },
		{ "From: bob@example.test\r\n\r\n", 1, ACCEPT_REFUSED },
		{ "From: ada@example.test\r\nSender: bob@outside.test\r\n\r\n", 1, ACCEPT_REFUSED },
		{ "From: ada@secure.example.test\r\n\r\n", 1, ACCEPT_REFUSED }, /* not active */
		{ "From: bob@x.test <ada@example.test>\r\n\r\n", 1, ACCEPT_REFUSED },
		{ "Subject: nobody\r\n\r\n", 1, ACCEPT_REFUSED },
		{ "no header\r\n\r\n", 0, ACCEPT_REFUSED },
		{ "From: ada@secure.example.test\r\n\r\n", 0, ACCEPT_REFUSED },
		{ "Subject: somebody outside\r\n\r\n", 0, ACCEPT_TAKEN },
	};
	struct world *w = closed_world("");
	struct running r = start_store(w);

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++) {
		bool own = cases[i].account != 0;
		struct mail m = mail(w, (int64_t)cases[i].account,
			own ? "ada@example.test" : "x@outside.test",
			own ? "desk@hotel.test" : "ada@example.test");
		m.senders[0].text = STR("ada@example.test");
		m.body = str_of(cases[i].body);
		m.ask.size = m.body.len;
		if (ask_accept(w, &r, m) != cases[i].outcome)
			fail_msg("%s", cases[i].body);
	}
	kill_store(&r, 0);
	forget(w);
}

static void a_large_body_comes_back_as_it_went(void **state)
{
	enum { LARGE = 5 * 1024 * 1024 + 17 };
	struct world *w = closed_world("");
	struct running r = start_store(w);
	struct mail m = mail(w, 0, "x@outside.test", "ada@example.test");
	char *bytes = malloc(LARGE);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (char)(i * 31 + i / 4096);
	memcpy(bytes, "Subject: large\r\n\r\n", 18);
	m.body = (struct str){ bytes, LARGE };
	m.ask.size = LARGE;
	assert_int_equal(ask_accept(w, &r, m), ACCEPT_TAKEN);
	kill_store(&r, SIGKILL); /* so that it is read back from disk */
	r = start_store(w);
	struct client_connection *c = connect_to(r.mailbox);
	assert_true(ask_work(w, c, (struct work_ask){ 0 }));
	assert_true(str_eq(job_text(w), m.body));
	assert_false(report_delivered(w, c));
	client_disconnect(&c);
	kill_store(&r, 0);
	world_reopen(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM leftover WHERE staged"), 0);
	free(bytes);
	world_close(w);
}

static void a_waiting_worker_hears_of_new_mail(void **state)
{
	struct world *w = closed_world("");
	struct running r = start_store(w);
	struct client_connection *c = connect_to(r.mailbox);

	(void)state;
	assert_false(ask_work(w, c, (struct work_ask){ .wait_ms = 50 }));
	pid_t sender = fork();
	if (sender == 0) {
		usleep(100000);
		_exit(ask_accept(w, &r, mail(w, 0, "x@outside.test", "ada@example.test")) !=
			ACCEPT_TAKEN);
	}
	assert_true(ask_work(w, c, (struct work_ask){ .wait_ms = 15000 }));
	assert_contains(job_text(w), "Guten Tag");
	assert_int_equal(waitpid(sender, NULL, 0), sender);
	client_disconnect(&c);
	kill_store(&r, 0);
	forget(w);
}

static void a_job_comes_back_when_its_worker_leaves(void **state)
{
	struct world *w = closed_world("");
	struct running r = start_store(w);
	struct client_connection *c = connect_to(r.mailbox);

	(void)state;
	assert_int_equal(
		ask_accept(w, &r, mail(w, 0, "x@outside.test", "ada@example.test")), ACCEPT_TAKEN);
	assert_true(ask_work(w, c, (struct work_ask){ 0 }));
	client_disconnect(&c);
	c = connect_to(r.mailbox);
	assert_true(ask_work(w, c, (struct work_ask){ .wait_ms = 10000 }));
	client_disconnect(&c);
	kill_store(&r, 0);
	forget(w);
}

static void a_disk_too_full_for_mail_still_takes_outcomes(void **state)
{
	struct world *w = closed_world("");
	static char large[700000];
	struct mail m;

	(void)state;
	memset(large, 'x', sizeof large);
	memcpy(large, "Subject: large\r\n\r\n", 18);
	most_pages = 60;
	struct running r = start_store(w);
	assert_int_equal(
		ask_accept(w, &r, mail(w, 0, "x@outside.test", "ada@example.test")), ACCEPT_TAKEN);
	m = mail(w, 0, "x@outside.test", "ada@example.test");
	m.body = (struct str){ large, sizeof large };
	assert_int_equal(ask_accept(w, &r, m), ACCEPT_FULL);
	struct client_connection *c = connect_to(r.mailbox);
	assert_true(ask_work(w, c, (struct work_ask){ 0 }));
	assert_false(report_delivered(w, c));
	client_disconnect(&c);
	kill_store(&r, 0);
	most_pages = 0;
	world_reopen(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM message"), 1);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_DELIVERED);
	world_close(w);
}

static void questions_are_answered(void **state)
{
	struct world *w = closed_world("");
	struct running r = start_store(w);
	struct recipient_ask who = { .address = STR("ada@secure.example.test") };
	struct sender_ask sender = { .account = 1, .address = STR("ada@example.test") };
	struct login_ask login = { STR("ada@example.test"), STR("wrong"), STR("192.0.2.1") };
	struct recipient_answer recipient;
	struct sender_answer owned;
	struct login_answer in;
	struct why why;

	(void)state;
	assert_true(call_recipient(
		r.smtpd, &who, -1, &w->arena, &recipient, NULL, deadline_in(20000), &why));
	assert_int_equal(recipient.outcome, RECIPIENT_PLAINTEXT_REFUSED);
	assert_true(call_sender(
		r.smtpd, &sender, -1, &w->arena, &owned, NULL, deadline_in(20000), &why));
	assert_int_equal(owned.outcome, SENDER_OWNED);
	assert_true(
		call_login(r.smtpd, &login, -1, &w->arena, &in, NULL, deadline_in(20000), &why));
	assert_int_equal(in.outcome, LOGIN_BAD);
	kill_store(&r, 0);
	forget(w);
}

/* Ask for a login and don't wait for the answer. */
static struct client_connection *begin_login(struct world *w, const struct running *r, unsigned n)
{
	struct client_connection *c = connect_to(r->smtpd);
	struct login_ask ask = { .user = arena_printf(&w->arena, "u%u@example.test", n),
		.password = STR("wrong"),
		.peer = arena_printf(&w->arena, "10.0.%u.%u", n / 256, n % 256) };
	struct login_answer answer;
	struct why why;

	(void)!call_login_on(c, &ask, -1, &w->arena, &answer, NULL, deadline_in(0), &why);
	return c;
}

/* A child that keeps the loop busy with large bodies until it is killed. */
static pid_t keep_busy(struct world *w, const struct running *r)
{
	static char large[6 * 1024 * 1024];
	pid_t child = fork();

	memset(large, 'x', sizeof large);
	memcpy(large, "Subject: large\r\n\r\n", 18);
	while (child == 0) {
		struct mail m = mail(w, 0, "x@outside.test", "ada@example.test");
		m.body = (struct str){ large, sizeof large };
		(void)ask_accept(w, r, m);
		arena_reset(&w->arena);
	}
	return child;
}

/* How long a login takes, in microseconds. */
static int64_t time_a_login(struct world *w, const struct running *r)
{
	struct login_ask ask = { STR("nobody@example.test"), STR("wrong"), STR("192.0.2.1") };
	struct login_answer answer;
	struct why why;
	int64_t before = clock_monotonic_ms();

	for (int i = 0; i < 5; i++)
		assert_true(call_login(
			r->smtpd, &ask, -1, &w->arena, &answer, NULL, deadline_in(20000), &why));
	return (clock_monotonic_ms() - before) * 1000 / 5;
}

/* The decision and the farewell reach the loop together, in this order, in some of the rounds. */
static void whoever_leaves_as_the_login_is_decided_does_no_harm(void **state)
{
	enum { ROUNDS = 120, AT_ONCE = 2 };
	struct world *w = closed_world("");
	struct running r = start_store(w);
	struct client_connection *c[AT_ONCE];
	int64_t takes = time_a_login(w, &r);
	pid_t busy = keep_busy(w, &r);

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned j = 0; j < AT_ONCE; j++)
			c[j] = begin_login(w, &r, i * AT_ONCE + j);
		usleep((useconds_t)(takes + i % 20 * 500));
		for (unsigned j = 0; j < AT_ONCE; j++)
			client_disconnect(&c[j]);
	}
	kill(busy, SIGKILL);
	assert_int_equal(waitpid(busy, NULL, 0), busy);
	kill_store(&r, 0);
	forget(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_taken_survives_kill_9),
		cmocka_unit_test(what_the_header_says_is_read_in_the_message),
		cmocka_unit_test(a_large_body_comes_back_as_it_went),
		cmocka_unit_test(a_waiting_worker_hears_of_new_mail),
		cmocka_unit_test(a_job_comes_back_when_its_worker_leaves),
		cmocka_unit_test(a_disk_too_full_for_mail_still_takes_outcomes),
		cmocka_unit_test(questions_are_answered),
		cmocka_unit_test(whoever_leaves_as_the_login_is_decided_does_no_harm),
	};

	keep_control_free();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
