/* SPDX-License-Identifier: ISC
 *
 * test_store_page.c - the store as the web role meets it: sent exactly once whenever it is killed,
 * told of a change when it is on disk, and nothing without a session.
 */
#include "store_running.h"

#include "store_page.h"
#include "store_session.h"

/* Ada and Bob have accounts and sessions; nobody holds the database open. */
struct pages {
	struct world *w;
	struct running r;
	struct str ada, bob; /* tokens */
};

static struct pages open_pages(void)
{
	struct pages p = { .w = world_open() };

	p.ada = log_in(p.w, 1);
	p.bob = log_in(p.w, 2);
	store_close(&p.w->store);
	p.r = start_store(p.w);
	return p;
}

static void close_pages(struct pages *p)
{
	kill_store(&p->r, 0);
	world_reopen(p->w);
	world_close(p->w);
}

static void kill_and_start(struct pages *p)
{
	kill_store(&p->r, SIGKILL);
	p->r = start_store(p->w);
}

/* --- telling of changes --- */

static struct change_answer ask_change(
	struct pages *p, struct str token, uint64_t seen, uint64_t wait_ms)
{
	struct change_wait_ask ask = { .token = token, .seen = seen, .wait_ms = wait_ms };
	struct change_answer answer;
	struct why why;

	if (!call_change_wait(
		    p->r.web, &ask, -1, &p->w->arena, &answer, NULL, deadline_in(30000), &why))
		fail_msg("%s", why.text);
	return answer;
}

static uint64_t number_now(struct pages *p, struct str token)
{
	struct change_answer answer = ask_change(p, token, 0, 10000);

	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.what, 0);
	assert_true(answer.seen > 0);
	return answer.seen;
}

enum { NOBODY_THERE = 99 };

/* A process that waits, and ends with what changed. */
static pid_t begin_waiting(struct pages *p, struct str token, uint64_t seen, uint64_t wait_ms)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	struct change_wait_ask ask = { .token = token, .seen = seen, .wait_ms = wait_ms };
	struct change_answer answer;
	struct why why;
	if (!call_change_wait_on(connect_to(p->r.web), &ask, -1, &p->w->arena, &answer, NULL,
		    deadline_in(30000), &why))
		_exit(NOBODY_THERE + 1);
	_exit(answer.outcome == WEB_OK ? (int)answer.what : NOBODY_THERE);
}

static int what_it_heard(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void mail_arrives(struct pages *p, const char *to)
{
	struct mail m = mail(p->w, 0, "x@outside.test", to);
	struct accept_answer answer;
	struct work_ask ask = { .wants_job = 1 };
	struct recipient_outcome outcome = { .result = RESULT_DELIVERED };
	struct client_connection *c = connect_to(p->r.mailbox);
	struct why why;
	scoped(fd_close) int fd = fd_memfd_of("body", m.body);

	stay_here(&m);
	assert_true(call_accept(
		p->r.smtpd, &m.ask, fd, &p->w->arena, &answer, NULL, deadline_in(20000), &why));
	assert_int_equal(answer.outcome, ACCEPT_TAKEN);
	fd_close(&p->w->body);
	assert_true(call_work_on(
		c, &ask, -1, &p->w->arena, &p->w->job, &p->w->body, deadline_in(20000), &why));
	outcome.recipient = p->w->job.recipients.at[0].recipient;
	ask = (struct work_ask){
		.has_outcome = 1, .id = p->w->job.id, .outcomes = { &outcome, 1 }
	};
	fd_close(&p->w->body);
	assert_true(call_work_on(
		c, &ask, -1, &p->w->arena, &p->w->job, &p->w->body, deadline_in(20000), &why));
	client_disconnect(&c);
}

static void who_waits_hears_of_mail(void **state)
{
	struct pages p = open_pages();

	(void)state;
	pid_t ada = begin_waiting(&p, p.ada, number_now(&p, p.ada), 20000);
	pid_t bob = begin_waiting(&p, p.bob, number_now(&p, p.bob), 1000);
	mail_arrives(&p, "ada@example.test");
	assert_int_equal(what_it_heard(ada), CHANGE_MAIL);
	assert_int_equal(what_it_heard(bob), 0); /* and Bob of nothing */
	close_pages(&p);
}

static void mailbox_tells(struct pages *p, const char *mailbox)
{
	struct address_ask ask = { .address = str_of(mailbox) };
	struct empty answer;
	struct why why;

	assert_true(call_mail_changed(
		p->r.mailbox, &ask, -1, &p->w->arena, &answer, NULL, deadline_in(20000), &why));
}

static void who_waits_hears_of_what_the_mailbox_role_found(void **state)
{
	struct pages p = open_pages();

	(void)state;
	pid_t ada = begin_waiting(&p, p.ada, number_now(&p, p.ada), 20000);
	pid_t bob = begin_waiting(&p, p.bob, number_now(&p, p.bob), 1000);
	mailbox_tells(&p, "nobody@example.test");
	mailbox_tells(&p, "ada@example.test");
	assert_int_equal(what_it_heard(ada), CHANGE_MAIL);
	assert_int_equal(what_it_heard(bob), 0);
	close_pages(&p);
}

static void what_changed_meanwhile_is_told_at_once(void **state)
{
	struct pages p = open_pages();
	uint64_t before = number_now(&p, p.ada);

	(void)state;
	mail_arrives(&p, "ada@example.test");
	struct change_answer answer = ask_change(&p, p.ada, before, 20000);
	assert_int_equal(answer.what, CHANGE_MAIL);
	assert_true(answer.seen > before);
	assert_int_equal(ask_change(&p, p.ada, answer.seen, 1).what, 0);
	close_pages(&p);
}

static void a_number_from_before_a_restart_is_no_longer_current(void **state)
{
	struct pages p = open_pages();
	uint64_t before = number_now(&p, p.ada);

	(void)state;
	kill_and_start(&p);
	struct change_answer answer = ask_change(&p, p.ada, before, 20000);
	assert_int_equal(answer.what, CHANGE_MAIL | CHANGE_SENT | CHANGE_NOTICES | CHANGE_SETTINGS);
	assert_int_equal(ask_change(&p, p.ada, UINT64_MAX, 20000).what, answer.what);
	close_pages(&p);
}

static void a_session_that_ends_ends_its_waiting(void **state)
{
	struct pages p = open_pages();
	struct session_end_ask ask = { .token = p.ada };
	struct done_answer answer;
	struct why why;

	(void)state;
	pid_t ada = begin_waiting(&p, p.ada, number_now(&p, p.ada), 20000);
	assert_true(call_session_end(
		p.r.web, &ask, -1, &p.w->arena, &answer, NULL, deadline_in(20000), &why));
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(what_it_heard(ada), NOBODY_THERE);
	close_pages(&p);
}

/* Ask and don't wait for the answer. */
static struct client_connection *leave_waiting(struct pages *p, struct str token, uint64_t seen)
{
	struct change_wait_ask ask = { .token = token, .seen = seen, .wait_ms = 60000 };
	struct client_connection *c = connect_to(p->r.web);
	struct change_answer answer;
	struct why why;

	(void)!call_change_wait_on(c, &ask, -1, &p->w->arena, &answer, NULL, deadline_in(0), &why);
	return c;
}

static void however_many_wait_and_leave(void **state)
{
	enum { MANY = 300 };
	struct pages p = open_pages();
	struct client_connection *c[MANY];
	uint64_t bob = number_now(&p, p.bob), ada = number_now(&p, p.ada);

	(void)state;
	for (int i = 0; i < MANY; i++)
		c[i] = leave_waiting(&p, i % 2 ? p.bob : p.ada, i % 2 ? bob : ada);
	for (int i = 0; i < MANY; i += 3)
		client_disconnect(&c[i]);
	pid_t last = begin_waiting(&p, p.ada, ada, 20000);
	mail_arrives(&p, "ada@example.test");
	assert_int_equal(what_it_heard(last), CHANGE_MAIL);
	for (int i = 0; i < MANY; i++)
		if (i % 3)
			client_disconnect(&c[i]);
	assert_int_equal(ask_change(&p, p.bob, bob, 1).what, 0);
	close_pages(&p);
}

static void what_is_rolled_back_is_not_told(void **state)
{
	struct world *w = world_open();
	uint64_t before, now;

	(void)state;
	(void)changes_since(&w->store.changes, 1, 0, &before);
	begin(w);
	change_note(&w->store, 1, CHANGE_MAIL);
	w->store.db.failure = SQLITE_IOERR;
	assert_false(store_commit(&w->store));
	assert_int_equal(changes_since(&w->store.changes, 1, before, &now), 0);
	begin(w);
	change_note(&w->store, 1, CHANGE_NOTICES);
	store_handler_begin(&w->store);
	change_note(&w->store, 1, CHANGE_MAIL);
	w->store.db.failure = SQLITE_IOERR;
	assert_false(store_handler_end(&w->store));
	assert_int_equal(changes_since(&w->store.changes, 1, before, &now), 0); /* not yet */
	commit(w);
	assert_int_equal(changes_since(&w->store.changes, 1, before, &now), CHANGE_NOTICES);
	assert_int_equal(changes_since(&w->store.changes, 2, before, &now), 0);
	world_close(w);
}

/* --- sending --- */

/* Over a connection of its own: it is asked by several processes. */
static bool try_send(struct pages *p, struct page_mail m, struct send_answer *answer)
{
	struct client_connection *c = connect_to(p->r.web);
	struct why why;
	scoped(fd_close) int fd = fd_memfd_of("body", m.body);

	m.ask.token = p->ada;
	m.ask.recipients.at = m.to;
	bool answered =
		call_send_on(c, &m.ask, fd, &p->w->arena, answer, NULL, deadline_in(20000), &why);
	client_disconnect(&c);
	return answered;
}

static struct page_mail large_mail(void)
{
	enum { LARGE = 6 * 1024 * 1024 };
	static char bytes[LARGE];
	struct page_mail m = page_mail("ada@example.test", "bob@example.test");

	memset(bytes, 'x', LARGE);
	for (size_t i = 78; i < LARGE; i += 80)
		memcpy(bytes + i, "\r\n", 2);
	memcpy(bytes + LARGE - 2, "\r\n", 2);
	memcpy(bytes, page_body, sizeof page_body - 1);
	m.body = (struct str){ bytes, LARGE };
	return m;
}

/* A page asks until it is answered; the store is killed at another moment each time. */
static void killed_at_any_moment_it_is_sent_once(void **state)
{
	struct pages p = open_pages();
	struct page_mail m = large_mail();
	struct send_answer answer = { 0 };

	(void)state;
	m.ask.hold_ms = 0;
	for (useconds_t after = 0; after < 60000; after += 3000) {
		pid_t page = fork();
		if (page == 0) {
			(void)try_send(&p, m, &answer);
			_exit(0);
		}
		usleep(after);
		kill_and_start(&p);
		kill(page, SIGKILL);
		assert_int_equal(waitpid(page, NULL, 0), page);
	}
	assert_true(try_send(&p, m, &answer));
	assert_int_equal(answer.outcome, WEB_OK);
	kill_store(&p.r, SIGKILL);
	world_reopen(p.w);
	assert_int_equal(sql_number(p.w, "SELECT count(*) FROM message"), 1);
	assert_int_equal(sql_number(p.w, "SELECT count(*) FROM recipient"), 1);
	assert_int_equal(sql_number(p.w, "SELECT count(*) FROM sent JOIN message"
					 " ON message.id = sent.message"),
		1);
	assert_true(claim(p.w, &p.w->mailbox));
	assert_true(str_eq(job_text(p.w), m.body));
	assert_false(claim(p.w, &(struct worker){ .role = ROLE_MAILBOX }));
	world_close(p.w);
}

/* Both are written in slices, in turn; the one that ends first has it. */
static void two_at_once_under_one_id_are_one(void **state)
{
	struct pages p = open_pages();
	struct page_mail m = large_mail();
	struct send_answer answer, again;
	pid_t other = fork();

	(void)state;
	if (other == 0)
		_exit(!try_send(&p, m, &answer) || answer.outcome != WEB_OK);
	assert_true(try_send(&p, m, &answer));
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(what_it_heard(other), 0);
	assert_true(try_send(&p, m, &again));
	assert_true(str_eq(answer.id, again.id));
	kill_store(&p.r, 0);
	world_reopen(p.w);
	assert_int_equal(sql_number(p.w, "SELECT count(*) FROM message"), 1);
	assert_int_equal(sql_number(p.w, "SELECT count(*) FROM leftover WHERE staged"), 0);
	world_close(p.w);
}

static void a_disk_that_fills_up_keeps_nothing_of_it(void **state)
{
	struct pages p;
	struct send_answer answer;

	(void)state;
	most_pages = 120;
	p = open_pages();
	assert_true(try_send(&p, large_mail(), &answer));
	assert_int_equal(answer.outcome, WEB_FULL);
	assert_true(try_send(&p, page_mail("ada@example.test", "bob@example.test"), &answer));
	assert_int_equal(answer.outcome, WEB_OK); /* the same id, a body that fits */
	most_pages = 0;
	close_pages(&p);
}

/* --- sessions --- */

#define WITHOUT_A_SESSION(name, ask_t, answer_t)                                                   \
	do {                                                                                       \
		struct ask_t ask = { .token = STR("nobody's") };                                   \
		struct answer_t answer;                                                            \
		assert_true(call_##name(                                                           \
			p.r.web, &ask, -1, &p.w->arena, &answer, NULL, deadline_in(20000), &why)); \
		assert_int_equal(answer.outcome, WEB_NO_SESSION);                                  \
	} while (0)

static void nobody_is_told_anything(void **state)
{
	struct pages p = open_pages();
	struct send_answer sent;
	struct why why;

	(void)state;
	WITHOUT_A_SESSION(send_undo, sent_ask, send_answer);
	WITHOUT_A_SESSION(sent_show, sent_ask, sent_answer);
	WITHOUT_A_SESSION(change_wait, change_wait_ask, change_answer);
	WITHOUT_A_SESSION(arrivals, arrivals_ask, arrivals_answer);
	WITHOUT_A_SESSION(receipt_own, receipt_own_ask, receipt_own_answer);
	WITHOUT_A_SESSION(whither, whither_ask, whither_answer);
	WITHOUT_A_SESSION(settings_reach, token_ask, reach_answer);
	WITHOUT_A_SESSION(settings_providers, token_ask, certificate_answer);
	WITHOUT_A_SESSION(password_set, password_set_ask, done_answer);
	WITHOUT_A_SESSION(factor_set, factor_set_ask, factor_answer);
	WITHOUT_A_SESSION(app_password_add, app_password_add_ask, app_password_answer);
	p.ada = STR("nobody's");
	assert_true(try_send(&p, page_mail("ada@example.test", "desk@hotel.test"), &sent));
	assert_int_equal(sent.outcome, WEB_NO_SESSION);
	close_pages(&p);
}

static void a_session_sends_for_its_own_account_alone(void **state)
{
	struct pages p = open_pages();
	struct send_answer answer;

	(void)state;
	p.ada = p.bob;
	assert_true(try_send(&p, page_mail("ada@example.test", "desk@hotel.test"), &answer));
	assert_int_equal(answer.outcome, WEB_REFUSED);
	assert_int_equal(answer.code, 553);
	close_pages(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_waits_hears_of_mail),
		cmocka_unit_test(who_waits_hears_of_what_the_mailbox_role_found),
		cmocka_unit_test(what_changed_meanwhile_is_told_at_once),
		cmocka_unit_test(a_number_from_before_a_restart_is_no_longer_current),
		cmocka_unit_test(a_session_that_ends_ends_its_waiting),
		cmocka_unit_test(however_many_wait_and_leave),
		cmocka_unit_test(what_is_rolled_back_is_not_told),
		cmocka_unit_test(killed_at_any_moment_it_is_sent_once),
		cmocka_unit_test(two_at_once_under_one_id_are_one),
		cmocka_unit_test(a_disk_that_fills_up_keeps_nothing_of_it),
		cmocka_unit_test(nobody_is_told_anything),
		cmocka_unit_test(a_session_sends_for_its_own_account_alone),
	};

	keep_control_free();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
