/* SPDX-License-Identifier: ISC
 *
 * test_check.c - `siegel check` against a delivery that says what the test wants: what a person
 * reads, what a program reads, and the exit status.
 */
#include "base/must.h"
#include "call/server.h"
#include "ctl/ctl.h"
#include "mail/policy.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Delivery: answers one question. */
struct script {
	int fd;
	struct preflight_answer answer;
	struct preflight_ask asked;
	char domain[300];
	pthread_t thread;
};

static void *play(void *argument)
{
	struct script *script = argument;
	struct server_connection *c = server_open(script->fd, ROLE_DELIVERY, ROLE_CTL);
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct pollfd one = { .fd = c->fd, .events = POLLIN };
	struct server_ask ask;
	enum server_result result;

	do
		poll(&one, 1, 10000);
	while ((result = server_next(c, &ask)) == SERVER_WAIT);
	if (result == SERVER_ASKED) {
		struct str rest = ask.message;
		must(unpack_preflight_ask(&rest, &arena, &script->asked));
		must(script->asked.domain.len < sizeof script->domain);
		memcpy(script->domain, script->asked.domain.at, script->asked.domain.len);
		must(server_answer_preflight(c, &script->answer, -1));
		must(server_send(c) == SERVER_SENT);
	}
	server_close(&c);
	return NULL;
}

/* One command line, answered like this. */
struct trial {
	struct ctl ctl;
	struct script script;
	enum exit_status status;
};

static void run(struct trial *t, const char *address, const char *level, const char *json)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	t->script.fd = ends[1];
	assert_int_equal(pthread_create(&t->script.thread, NULL, play, &t->script), 0);
	t->ctl = (struct ctl){ .arena = ARENA(1 << 20), .out = BUF(1 << 20), .err = BUF(1 << 20) };
	t->ctl.request.arguments[0] = address;
	t->ctl.request.level = level;
	t->ctl.request.json = json;
	t->ctl.delivery = client_over(ROLE_DELIVERY, ends[0]);
	t->status = run_check(&t->ctl);
	client_free(&t->ctl.delivery);
	pthread_join(t->script.thread, NULL);
	must(buf_add_char(&t->ctl.out, 0) && buf_add_char(&t->ctl.err, 0));
}

static struct preflight_host host = {
	.name = { "mx.example.net", 14 },
	.preference = 10,
	.mx_validated = 1,
	.host_validated = 1,
	.address = ADDRESS_FOUND,
	.tlsa = TLSA_USABLE,
	.tlsa_records = 2,
	.tlsa_base = { "mx.example.net", 14 },
	.asked = 1,
};
static struct attempt attempt = {
	.host = { "mx.example.net", 14 },
	.address = { "192.0.2.1", 9 },
	.port = 25,
	.tls_version = { "TLSv1.3", 7 },
	.cipher = { "TLS_AES_256_GCM_SHA384", 22 },
	.group = { "X25519", 6 },
	.key = { "00aa", 4 },
	.proven_by = { "dane", 4 },
};

static struct preflight_answer accepted(void)
{
	struct preflight_answer a = { .verdict = VERDICT_ACCEPTED,
		.complete = 1,
		.host = host.name,
		.proven_by = attempt.proven_by,
		.tls_version = attempt.tls_version,
		.cipher = attempt.cipher,
		.group = attempt.group,
		.time = (uint64_t)clock_wall_ms(),
		.route = FOUND_HOSTS,
		.route_validated = 1 };

	a.hosts.at = &host;
	a.hosts.len = 1;
	a.attempts.at = &attempt;
	a.attempts.len = 1;
	return a;
}

static void each_step_is_told_and_the_verdict_last(void **state)
{
	struct trial t = { .script.answer = accepted() };

	(void)state;
	run(&t, "Bob@EXAMPLE.net", "dane-only", NULL);
	assert_int_equal(t.status, 0);
	assert_string_equal(t.script.domain, "example.net");
	assert_int_equal(t.script.asked.demands, DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE);
	assert_int_equal(t.script.asked.fresh, 0);
	assert_string_equal(t.ctl.err.at, "");
	assert_string_equal(t.ctl.out.at,
		"STEP         WHERE           FOUND\n"
		"MX           example.net     mx.example.net (signed)\n"
		"address      mx.example.net  found, signed\n"
		"DANE         mx.example.net  2 usable TLSA records at mx.example.net\n"
		"MTA-STS      mx.example.net  not asked, since it can't matter here\n"
		"connection   mx.example.net  192.0.2.1 port 25 answers\n"
		"TLS          mx.example.net  TLSv1.3, TLS_AES_256_GCM_SHA384, X25519\n"
		"certificate  mx.example.net  it matches the TLSA record (DANE)\n"
		"key          mx.example.net  SHA-256 00aa\n"
		"judgement    mx.example.net  accepted\n"
		"\n"
		"Mail to Bob@EXAMPLE.net at level dane-only: accepted\n"
		"It would be sent to mx.example.net over TLSv1.3, and the server is authenticated "
		"by DANE.\n");
	ctl_free(&t.ctl);
}

static void the_verdict_is_the_exit_status(void **state)
{
	static const struct {
		enum verdict verdict;
		enum reason reason;
		int status;
		const char *says;
	} cases[] = {
		{ VERDICT_ACCEPTED, REASON_NONE, 0, "It would be sent to mx.example.net" },
		{ VERDICT_REFUSED, REASON_DANE_REQUIRED, 1,
			"It would not be sent: your rule asks for DANE and the recipient's domain "
			"does not publish it (dane-required).\n" },
		{ VERDICT_UNKNOWN, REASON_CONNECTION_TIMEOUT, 2,
			"It would wait and be tried again: the receiving server does not answer "
			"(connection-timeout).\n" },
		{ 77, 999, 2, "?" },
	};

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++) {
		struct trial t = { .script.answer = accepted() };
		t.script.answer.verdict = cases[i].verdict;
		t.script.answer.reason = cases[i].reason;
		run(&t, "example.net", NULL, NULL);
		assert_int_equal(t.script.asked.demands, DEMAND_TLS);
		assert_int_equal(t.status, cases[i].status);
		if (!strstr(t.ctl.out.at, cases[i].says))
			fail_msg("no \"%s\" in\n%s", cases[i].says, t.ctl.out.at);
		ctl_free(&t.ctl);
	}
}

static void nothing_is_called_better_than_it_was_seen(void **state)
{
	struct preflight_answer plain = accepted(), old = accepted(), cut = accepted();
	static const char *const said[] = {
		"without encryption: the receiving mail server offers no "
		"encrypted connection.\n",
		"Seen 30 s ago (--fresh looks again).\n",
		"The time was over before everything was seen.\n"
	};
	const struct preflight_answer *answers[] = { &plain, &old, &cut };

	(void)state;
	plain.tls_version = STR("");
	plain.reason = REASON_STARTTLS_NOT_SUPPORTED;
	old.time -= 30500;
	cut.verdict = VERDICT_UNKNOWN;
	cut.complete = 0;
	for (size_t i = 0; i < count_of(said); i++) {
		struct trial t = { .script.answer = *answers[i] };
		run(&t, "example.net", NULL, NULL);
		if (!strstr(t.ctl.out.at, said[i]))
			fail_msg("no \"%s\" in\n%s", said[i], t.ctl.out.at);
		ctl_free(&t.ctl);
	}
}

static void what_a_peer_said_does_not_move_the_cursor(void **state)
{
	struct trial t = { .script.answer = accepted() };
	struct attempt evil = { .host = host.name,
		.address = STR("192.0.2.1"),
		.port = 25,
		.verdict = VERDICT_REFUSED,
		.reason = REASON_GREETING_REFUSED,
		.said = STR("554 \x1b[2J\r\ngo away") };

	(void)state;
	t.script.answer.attempts.at = &evil;
	run(&t, "example.net", NULL, NULL);
	assert_non_null(strstr(t.ctl.out.at, "it said: 554 ?[2J??go away\n"));
	ctl_free(&t.ctl);
}

static void a_program_reads_the_same(void **state)
{
	struct trial t = { .script.answer = accepted() };
	json_error_t error;

	(void)state;
	run(&t, "bob@example.net", "secure", "json");
	assert_int_equal(t.status, 0);
	json_t *value = json_loads(t.ctl.out.at, 0, &error);
	assert_non_null(value);
	assert_string_equal(json_string_value(json_object_get(value, "verdict")), "accepted");
	assert_string_equal(json_string_value(json_object_get(value, "level")), "secure");
	assert_string_equal(json_string_value(json_object_get(value, "proven_by")), "dane");
	assert_true(json_is_true(json_object_get(value, "server_asked")));
	json_t *first = json_array_get(json_object_get(value, "hosts"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "tlsa")), "usable");
	json_t *try = json_array_get(json_object_get(first, "attempts"), 0);
	assert_string_equal(json_string_value(json_object_get(try, "address")), "192.0.2.1");
	json_decref(value);
	ctl_free(&t.ctl);
}

/* None of these may look like a verdict. */
static void what_is_no_answer_is_no_verdict(void **state)
{
	static const char *const wrong[][2] = { { "x@@y", NULL }, { "", NULL }, { "@", NULL },
		{ "bob@", NULL }, { "example.net", "strict" } };

	(void)state;
	for (size_t i = 0; i < count_of(wrong); i++) {
		struct trial t = { .script.answer = accepted() };
		run(&t, wrong[i][0], wrong[i][1], NULL);
		assert_int_equal(t.status, 64);
		assert_string_equal(t.ctl.out.at, "");
		assert_string_not_equal(t.ctl.err.at, "");
		ctl_free(&t.ctl);
	}
	struct trial busy = { .script.answer.outcome = LOOK_BUSY };
	run(&busy, "example.net", NULL, NULL);
	assert_int_equal(busy.status, 3);
	assert_string_equal(busy.ctl.out.at, "");
	ctl_free(&busy.ctl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_is_told_and_the_verdict_last),
		cmocka_unit_test(the_verdict_is_the_exit_status),
		cmocka_unit_test(nothing_is_called_better_than_it_was_seen),
		cmocka_unit_test(what_a_peer_said_does_not_move_the_cursor),
		cmocka_unit_test(a_program_reads_the_same),
		cmocka_unit_test(what_is_no_answer_is_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
