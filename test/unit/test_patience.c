/* SPDX-License-Identifier: ISC
 *
 * test_patience.c - how long delivery waits for a silent server, at each step of the conversation
 * (policy.md section 4, RFC 5321 4.5.3.2). Clock and poll are this test's: a hundred seconds pass
 * in one, so that ten minutes can be waited for.
 */
#include "scene.h"

#include <sys/syscall.h>
#include <time.h>

enum { FAST = 100 };

/* In the thread that delivers; the server it talks to lives as ever. */
static _Thread_local bool in_haste;

int clock_gettime(clockid_t id, struct timespec *now)
{
	long error = syscall(SYS_clock_gettime, id, now);

	if (error == 0 && id == CLOCK_MONOTONIC && in_haste) {
		int64_t ns = ((int64_t)now->tv_sec * 1000000000 + now->tv_nsec) * FAST;
		*now = (struct timespec){ ns / 1000000000, ns % 1000000000 };
	}
	return (int)error;
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	return (int)syscall(SYS_poll, fds, n, ms < 0 || !in_haste ? ms : (ms + FAST - 1) / FAST);
}

/* Stays there and says no more, until we leave. */
static void falls_silent(struct speaker *s)
{
	char bytes[4096];

	if (s->ssl)
		while (SSL_read(s->ssl, bytes, sizeof bytes) > 0)
			;
	else
		while (recv(s->fd, bytes, sizeof bytes, 0) > 0)
			;
	ERR_clear_error();
}

static void silent_from_the_start(struct speaker *s)
{
	falls_silent(s);
}

static void silent_in_the_handshake(struct speaker *s)
{
	say(s, "220 peer.test ESMTP\r\n");
	answer(s, "EHLO us.test", "250-peer.test\r\n250 STARTTLS\r\n");
	answer(s, "STARTTLS", "220 go on\r\n");
	falls_silent(s);
}

static void silent_after_mail(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 8BITMIME\r\n");
	hear_line(s);
	falls_silent(s);
}

static void silent_after_data(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 8BITMIME\r\n");
	answer(s, "MAIL FROM", "250 ok\r\n");
	answer(s, "RCPT TO", "250 ok\r\n");
	answer(s, "DATA", "");
	falls_silent(s);
}

static void silent_after_the_dot(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 8BITMIME\r\n");
	answer(s, "MAIL FROM", "250 ok\r\n");
	answer(s, "RCPT TO", "250 ok\r\n");
	answer(s, "DATA", "354 go on\r\n");
	hear_message(s);
	falls_silent(s);
}

/* Seconds until delivery gives the server up. */
static int64_t patience_with(script *peer, demands wanted)
{
	static struct str networks[] = { { "127.0.0.0/8", 11 } };
	static struct str zones[] = { { "test. static", 12 } };
	static struct str records[] = { { "peer.test. 60 IN A 127.0.0.1", 28 } };
	static const char body[] = "From: ada@us.test\r\n\r\nHow are you?\r\n";
	struct settings settings = { .host_name = STR("us.test"),
		.connect_deadline = 10 * SECOND,
		.allow_networks = { networks, 1 },
		.local_zones = { zones, 1 },
		.local_records = { records, 1 } };
	struct job_recipient to = { .recipient = 1, .address = STR("bob@peer.test") };
	struct job job = { .has_job = 1,
		.id = STR("0123456789abcdef"),
		.sender = STR("ada@us.test"),
		.destination = STR("peer.test"),
		.demands = wanted };
	struct scene scene = { 0 };
	struct arena arena = ARENA(1 << 20);
	struct work_ask report = { 0 };
	struct why why = { "" };
	atomic_int committing = 0;

	open_scene(&scene, "127.0.0.1", &peer, 1);
	settings.delivery_port = scene.port;
	struct config *config = config_new(&settings, STR(""), STR(""), &why);
	assert_string_equal(why.text, "");
	job.recipients.at = &to;
	job.recipients.len = 1;
	in_haste = true;
	int64_t begun = clock_monotonic_ms();
	deliver(config, pool, ledger, &job, (struct str){ body, sizeof body - 1 }, &arena,
		&committing, &report);
	int64_t waited = clock_monotonic_ms() - begun;
	in_haste = false;
	assert_int_equal(report.outcomes.at[0].result, RESULT_LATER);
	assert_int_equal(report.attempts.len, 1);
	end_scene(&scene);
	buf_free(&scene.transcript);
	config_release(&config);
	arena_free(&arena);
	return waited / SECOND;
}

/* As long as the rule says, and not for ever; a slow machine may be late. */
static void assert_waits(int64_t seconds, int64_t rule)
{
	if (seconds < rule || seconds >= 2 * rule + 60)
		fail_msg("waited for %lld s where %lld are the rule", (long long)seconds,
			(long long)rule);
}

static void tls_stands_within_a_minute_or_the_mail_waits(void **state)
{
	(void)state;
	assert_waits(patience_with(silent_from_the_start, DEMAND_TLS), 60);
	assert_waits(patience_with(silent_in_the_handshake, DEMAND_TLS), 60);
}

static void normal_mail_has_five_minutes_for_the_greeting(void **state)
{
	(void)state;
	assert_waits(patience_with(silent_from_the_start, 0), 300);
}

static void each_command_has_its_own_patience(void **state)
{
	(void)state;
	assert_waits(patience_with(silent_after_mail, DEMAND_TLS), 300);
	assert_waits(patience_with(silent_after_data, DEMAND_TLS), 120);
	assert_waits(patience_with(silent_after_the_dot, DEMAND_TLS), 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_stands_within_a_minute_or_the_mail_waits),
		cmocka_unit_test(normal_mail_has_five_minutes_for_the_greeting),
		cmocka_unit_test(each_command_has_its_own_patience),
	};

	return cmocka_run_group_tests(tests, open_delivery, close_delivery);
}
