/* SPDX-License-Identifier: ISC
 *
 * test_conversation.c - a job, from route to report, against scripted peers on loopback: every
 * row of the second block of policy.md section 3, what becomes of each recipient, and what a
 * hostile peer may try. Each test reads like the transcript of the other side.
 */
#include "scene.h"

/* Our side: the settings, and the job. */
struct stage {
	struct settings settings;
	struct config *config;
	struct job job;
	struct job_recipient recipients[8];
	struct str body;
	struct arena arena;
	atomic_int committing;
	struct work_ask report;
};

static struct str records[] = {
	{ "peer.test. 60 IN MX 10 mx.peer.test.", 36 },
	{ "mx.peer.test. 60 IN A 127.0.0.1", 31 },
	{ "two.test. 60 IN MX 10 mx.peer.test.", 35 },
	{ "two.test. 60 IN MX 20 mx2.peer.test.", 36 },
	{ "mx2.peer.test. 60 IN A 127.0.0.2", 32 },
	{ "both.test. 60 IN MX 10 dual.both.test.", 38 },
	{ "dual.both.test. 60 IN A 127.0.0.1", 33 },
	{ "dual.both.test. 60 IN A 127.0.0.2", 33 },
	{ "null.test. 60 IN MX 0 .", 23 },
	{ "loop.test. 60 IN MX 10 us.test.", 31 },
	{ "loop.test. 60 IN MX 20 mx.peer.test.", 36 },
	{ "us.test. 60 IN A 192.0.2.1", 26 },
	{ "backup.test. 60 IN MX 10 mx.peer.test.", 38 },
	{ "backup.test. 60 IN MX 20 us.test.", 33 },
	{ "private.test. 60 IN A 10.9.8.7", 30 },
	{ "mixed.test. 60 IN A 10.9.8.7", 28 },
	{ "mixed.test. 60 IN A 127.0.0.1", 29 },
	{ "deaf.test. 60 IN MX 10 nobody.deaf.test.", 40 },
};

static const char plain_body[] = "From: ada@us.test\r\nSubject: hello\r\n\r\nHow are you?\r\n";

static void open_stage(struct stage *stage, uint16_t port, demands wanted)
{
	static struct str zones[] = { { "test. static", 12 } };
	static struct str networks[] = { { "127.0.0.0/8", 11 } };
	struct why why = { "" };

	*stage = (struct stage){ .arena = ARENA(16 << 20) };
	stage->settings.host_name = STR("us.test");
	stage->settings.delivery_port = port;
	stage->settings.connect_deadline = 2 * SECOND;
	stage->settings.local_records.at = records;
	stage->settings.local_records.len = count_of(records);
	stage->settings.local_zones.at = zones;
	stage->settings.local_zones.len = 1;
	stage->settings.allow_networks.at = networks;
	stage->settings.allow_networks.len = 1;
	stage->config = config_new(&stage->settings, STR(""), STR(""), &why);
	assert_string_equal(why.text, "");
	stage->body = (struct str){ plain_body, sizeof plain_body - 1 };
	stage->recipients[0] =
		(struct job_recipient){ .recipient = 1, .address = STR("bob@peer.test") };
	stage->job = (struct job){ .has_job = 1,
		.id = STR("0123456789abcdef"),
		.sender = STR("ada@us.test"),
		.destination = STR("peer.test"),
		.demands = wanted };
	stage->job.recipients.at = stage->recipients;
	stage->job.recipients.len = 1;
}

static void add_recipient(struct stage *stage, const char *address)
{
	size_t n = stage->job.recipients.len++;

	stage->recipients[n] =
		(struct job_recipient){ .recipient = n + 1, .address = str_of(address) };
}

static void perform_job(struct stage *stage)
{
	stage->report = (struct work_ask){ 0 };
	bool committed = deliver(stage->config, pool, ledger, &stage->job, stage->body,
		&stage->arena, &stage->committing, &stage->report);
	assert_int_equal(atomic_load(&stage->committing), committed);
	atomic_store(&stage->committing, 0);
	assert_true(stage->report.has_outcome);
	assert_int_equal(stage->report.outcomes.len, stage->job.recipients.len);
}

static void close_stage(struct stage *stage)
{
	pool_empty(pool);
	arena_free(&stage->arena);
	config_release(&stage->config);
}

/* One job to peer.test under `wanted`, against these scripts. */
struct trial {
	struct stage stage;
	struct scene scene;
	struct str transcript;
};

static void try(struct trial *t, demands wanted, script *const *scripts, size_t n)
{
	*t = (struct trial){ 0 };
	open_scene(&t->scene, "127.0.0.1", scripts, n);
	open_stage(&t->stage, t->scene.port, wanted);
	perform_job(&t->stage);
	t->transcript = end_scene(&t->scene);
}

static void end(struct trial *t)
{
	close_stage(&t->stage);
	buf_free(&t->scene.transcript);
}

static const struct recipient_outcome *outcome(const struct trial *t, size_t i)
{
	return &t->stage.report.outcomes.at[i];
}

static const struct attempt *attempt(const struct trial *t, size_t i)
{
	assert_true(i < t->stage.report.attempts.len);
	return &t->stage.report.attempts.at[i];
}

static void assert_str(struct str s, const char *wanted)
{
	if (!str_eq(s, str_of(wanted)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(s), wanted);
}

/* Sealed mail. */

static void sealed_peer(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	take_message(s);
	answer(s, "QUIT", "221 bye\r\n");
}

static void mail_with_demands_is_delivered_over_tls(void **state)
{
	script *scripts[] = { sealed_peer };
	struct trial t;

	(void)state;
	try(&t, DEMAND_TLS, scripts, 1);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	assert_int_equal(outcome(&t, 0)->transmission, TRANSMISSION_SEALED);
	assert_str(outcome(&t, 0)->said, "250 2.0.0 taken");
	assert_str(outcome(&t, 0)->host, "mx.peer.test");
	assert_int_equal(t.stage.report.attempts.len, 1);
	assert_int_equal(attempt(&t, 0)->verdict, VERDICT_ACCEPTED);
	assert_str(attempt(&t, 0)->tls_version, "TLSv1.3");
	assert_str(attempt(&t, 0)->address, "127.0.0.1");
	assert_int_equal(attempt(&t, 0)->certificate.len, 64);
	assert_int_equal(attempt(&t, 0)->key.len, 64);
	assert_contains(t.transcript, "-- sealed\nEHLO us.test\nMAIL FROM:<ada@us.test>\n");
	assert_contains(t.transcript, "How are you?\n.\n");
	assert_false(t.stage.report.destination_down);
	end(&t);
}

/* The rows of policy.md section 3, "the conversation up to TLS". */

static void row_eof_before_greeting(struct speaker *s)
{
	(void)s;
}

static void row_greeting_554(struct speaker *s)
{
	say(s, "554 5.7.1 not you\r\n");
}

static void row_greeting_421(struct speaker *s)
{
	say(s, "421 later\r\n");
}

static void row_ehlo_4xx(struct speaker *s)
{
	say(s, "220 peer.test\r\n");
	answer(s, "EHLO", "451 not now\r\n");
}

static void row_ehlo_and_helo_refused(struct speaker *s)
{
	say(s, "220 peer.test\r\n");
	answer(s, "EHLO", "502 what?\r\n");
	answer(s, "HELO", "550 no\r\n");
}

static void row_eof_after_ehlo(struct speaker *s)
{
	say(s, "220 peer.test\r\n");
	hear_line(s);
}

static void finish_plain(struct speaker *s)
{
	struct str line = hear_line(s);

	if (!str_starts(line, STR("MAIL")))
		return;
	say(s, "250 ok\r\n");
	answer(s, "RCPT", "250 ok\r\n");
	answer(s, "DATA", "354 go on\r\n");
	hear_message(s);
	say(s, "250 taken\r\n");
}

static void row_no_starttls(struct speaker *s)
{
	say(s, "220 peer.test\r\n");
	answer(s, "EHLO", "250-peer.test\r\n250 SIZE 1000000\r\n");
	finish_plain(s);
}

static void row_only_helo(struct speaker *s)
{
	say(s, "220 peer.test\r\n");
	answer(s, "EHLO", "500 what?\r\n");
	answer(s, "HELO", "250 peer.test\r\n");
	finish_plain(s);
}

static void starttls_answered(struct speaker *s, const char *reply)
{
	say(s, "220 peer.test\r\n");
	answer(s, "EHLO", "250-peer.test\r\n250 STARTTLS\r\n");
	answer(s, "STARTTLS", reply);
}

static void row_starttls_5xx(struct speaker *s)
{
	starttls_answered(s, "503 not here\r\n");
	finish_plain(s);
}

static void row_starttls_4xx(struct speaker *s)
{
	starttls_answered(s, "454 TLS not available\r\n");
	finish_plain(s);
}

static void row_starttls_odd(struct speaker *s)
{
	starttls_answered(s, "250 sure\r\n");
}

static void row_starttls_nonsense(struct speaker *s)
{
	starttls_answered(s, "what is that\r\n");
}

static void row_injected(struct speaker *s)
{
	starttls_answered(s, "220 go on\r\n250-peer.test\r\n250 ok\r\n");
	hear_line(s);
}

static void row_not_tls(struct speaker *s)
{
	starttls_answered(s, "220 go on\r\n");
	fill(s);
	say(s, "454 never mind\r\n");
}

static void row_handshake_failure(struct speaker *s)
{
	starttls_answered(s, "220 go on\r\n");
	fill(s);
	send(s->fd, "\x15\x03\x03\x00\x02\x02\x28", 7, MSG_NOSIGNAL);
}

static void row_internal_error(struct speaker *s)
{
	starttls_answered(s, "220 go on\r\n");
	fill(s);
	send(s->fd, "\x15\x03\x03\x00\x02\x02\x50", 7, MSG_NOSIGNAL);
}

static void row_eof_in_handshake(struct speaker *s)
{
	starttls_answered(s, "220 go on\r\n");
	fill(s);
}

static void row_ehlo_refused_in_tls(struct speaker *s)
{
	greet_sealed(s, "451 not today\r\n");
}

static void plain_again(struct speaker *s)
{
	say(s, "220 peer.test\r\n");
	answer(s, "EHLO", "250-peer.test\r\n250 STARTTLS\r\n");
	finish_plain(s);
}

/* How {} ends: in plaintext here, in plaintext on a second connection, or not at all. */
enum opportunistic { PLAINTEXT, PLAINTEXT_ANEW, WAITS };

static const struct {
	const char *name;
	script *script;
	enum result sealed; /* for {tls} */
	enum reason reason;
	enum opportunistic open;
} rows[] = {
	{ "EOF before the greeting", row_eof_before_greeting, RESULT_LATER, REASON_CONNECTION_LOST,
		WAITS },
	{ "greeting 554", row_greeting_554, RESULT_LATER, REASON_GREETING_REFUSED, WAITS },
	{ "greeting 421", row_greeting_421, RESULT_LATER, REASON_GREETING_REFUSED, WAITS },
	{ "EHLO 4xx", row_ehlo_4xx, RESULT_LATER, REASON_EHLO_REFUSED, WAITS },
	{ "EHLO and HELO refused", row_ehlo_and_helo_refused, RESULT_LATER, REASON_EHLO_REFUSED,
		WAITS },
	{ "EOF after EHLO", row_eof_after_ehlo, RESULT_LATER, REASON_CONNECTION_LOST, WAITS },
	{ "no STARTTLS", row_no_starttls, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED,
		PLAINTEXT },
	{ "only HELO", row_only_helo, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED, PLAINTEXT },
	{ "STARTTLS 5xx", row_starttls_5xx, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED,
		PLAINTEXT },
	{ "STARTTLS 4xx", row_starttls_4xx, RESULT_LATER, REASON_TLS_NOT_AVAILABLE_NOW, PLAINTEXT },
	{ "STARTTLS 250", row_starttls_odd, RESULT_LATER, REASON_TLS_NOT_AVAILABLE_NOW,
		PLAINTEXT_ANEW },
	{ "STARTTLS answered with nonsense", row_starttls_nonsense, RESULT_LATER,
		REASON_TLS_NOT_AVAILABLE_NOW, PLAINTEXT_ANEW },
	{ "bytes behind the 220", row_injected, RESULT_REFUSED, REASON_RESPONSE_INJECTION, WAITS },
	{ "no TLS behind the 220", row_not_tls, RESULT_REFUSED, REASON_NOT_TLS, PLAINTEXT_ANEW },
	{ "handshake_failure", row_handshake_failure, RESULT_REFUSED, REASON_PROTOCOL_VERSION,
		PLAINTEXT_ANEW },
	{ "internal_error", row_internal_error, RESULT_LATER, REASON_TLS_NOT_AVAILABLE_NOW,
		PLAINTEXT_ANEW },
	{ "EOF in the handshake", row_eof_in_handshake, RESULT_LATER, REASON_CONNECTION_LOST,
		PLAINTEXT_ANEW },
	{ "EHLO refused in TLS", row_ehlo_refused_in_tls, RESULT_LATER, REASON_EHLO_REFUSED,
		WAITS },
};

static void each_row_under_tls_is_refused_or_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		struct trial t;
		try(&t, DEMAND_TLS, &rows[i].script, 1);
		if (outcome(&t, 0)->result != rows[i].sealed ||
			outcome(&t, 0)->reason != rows[i].reason)
			fail_msg("%s: result %d, reason %s", rows[i].name,
				(int)outcome(&t, 0)->result,
				reason_id((enum reason)outcome(&t, 0)->reason));
		assert_int_equal(outcome(&t, 0)->transmission, TRANSMISSION_NOTHING);
		assert_int_equal(t.stage.report.destination_down, rows[i].sealed == RESULT_LATER);
		assert_lacks(t.transcript, "MAIL");
		assert_lacks(t.transcript, "How are you");
		end(&t);
	}
}

static void each_row_without_demands_falls_back_as_it_may(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		script *scripts[] = { rows[i].script, plain_again };
		size_t n = rows[i].open == PLAINTEXT_ANEW ? 2 : 1;
		struct trial t;
		try(&t, 0, scripts, n);
		enum result wanted = rows[i].open == WAITS ? RESULT_LATER : RESULT_RELAYED;
		if (outcome(&t, 0)->result != wanted || t.scene.connections != n)
			fail_msg("%s: result %d, %zu connections", rows[i].name,
				(int)outcome(&t, 0)->result, t.scene.connections);
		assert_int_equal(outcome(&t, 0)->transmission,
			rows[i].open == WAITS ? TRANSMISSION_NOTHING : TRANSMISSION_PLAIN);
		if (rows[i].open != WAITS) {
			assert_contains(t.transcript, "How are you");
			assert_str(attempt(&t, 0)->tls_version, "");
		}
		end(&t);
	}
}

static void a_refused_connection_waits(void **state)
{
	struct stage stage;
	uint16_t port = 0;

	(void)state;
	close(listen_on("127.0.0.1", &port));
	open_stage(&stage, port, DEMAND_TLS);
	perform_job(&stage);
	assert_int_equal(stage.report.outcomes.at[0].result, RESULT_LATER);
	assert_int_equal(stage.report.outcomes.at[0].reason, REASON_CONNECTION_REFUSED);
	assert_int_equal(stage.report.outcomes.at[0].transmission, TRANSMISSION_NO_CONNECTION);
	assert_true(stage.report.destination_down);
	close_stage(&stage);
}

static void without_demands_tls_is_used_where_offered(void **state)
{
	script *scripts[] = { sealed_peer };
	struct trial t;

	(void)state;
	try(&t, 0, scripts, 1);
	assert_int_equal(outcome(&t, 0)->transmission, TRANSMISSION_SEALED);
	assert_contains(t.transcript, "-- sealed\nEHLO us.test\nMAIL");
	end(&t);
}

/* What is learnt before TLS counts for nothing after it. */

static void peer_that_forgets(struct speaker *s)
{
	say(s, "220 peer.test ESMTP\r\n");
	answer(s, "EHLO us.test",
		"250-peer.test\r\n250-SIZE 5\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
	answer(s, "STARTTLS", "220 go on\r\n");
	start_tls(s);
	answer(s, "EHLO us.test", "250 peer.test\r\n");
	take_message(s);
	answer(s, "QUIT", "");
}

static void what_was_learnt_before_tls_is_forgotten(void **state)
{
	script *scripts[] = { peer_that_forgets };
	struct trial t;

	(void)state;
	try(&t, DEMAND_TLS, scripts, 1);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	assert_contains(t.transcript, "MAIL FROM:<ada@us.test>\n");
	end(&t);
}

/* Recipients. */

static void peer_of_three(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250-PIPELINING\r\n250 DSN\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT TO:<bob@peer.test>", "250 ok\r\n");
	answer(s, "RCPT TO:<eve@peer.test>", "550 5.1.1 nobody\r\n");
	answer(s, "RCPT TO:<joe@peer.test>", "451 4.7.1 greylisted\r\n");
	answer(s, "DATA", "354 go on\r\n");
	hear_message(s);
	say(s, "250 taken\r\n");
}

static void each_recipient_has_a_fate_of_its_own(void **state)
{
	script *scripts[] = { peer_of_three };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	add_recipient(&t.stage, "eve@peer.test");
	add_recipient(&t.stage, "joe@peer.test");
	perform_job(&t.stage);
	t.transcript = end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_DELIVERED);
	assert_int_equal(outcome(&t, 1)->result, RESULT_FAILED);
	assert_int_equal(outcome(&t, 1)->reason, REASON_REMOTE_REPLY);
	assert_str(outcome(&t, 1)->code, "5.1.1");
	assert_str(outcome(&t, 1)->said, "550 5.1.1 nobody");
	assert_int_equal(outcome(&t, 1)->transmission, TRANSMISSION_NOTHING);
	assert_int_equal(outcome(&t, 2)->result, RESULT_LATER);
	assert_str(outcome(&t, 2)->code, "4.7.1");
	assert_false(t.stage.report.destination_down);
	end(&t);
}

static void peer_that_refuses_mail(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "550 5.7.1 not from you\r\n");
	answer(s, "RCPT", "503 mail first\r\n");
	answer(s, "DATA", "503 mail first\r\n");
	answer(s, "QUIT", "");
}

static void a_refused_sender_is_final_for_all(void **state)
{
	script *scripts[] = { peer_that_refuses_mail };
	struct trial t;

	(void)state;
	try(&t, DEMAND_TLS, scripts, 1);
	assert_int_equal(outcome(&t, 0)->result, RESULT_FAILED);
	assert_str(outcome(&t, 0)->said, "550 5.7.1 not from you");
	end(&t);
}

static void peer_that_takes_nobody_but_data(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "550 5.1.1 nobody\r\n");
	answer(s, "DATA", "354 go on\r\n");
	hear_message(s);
	say(s, "554 no recipients\r\n");
}

static void a_354_for_nobody_gets_an_empty_message(void **state)
{
	script *scripts[] = { peer_that_takes_nobody_but_data };
	struct trial t;

	(void)state;
	try(&t, DEMAND_TLS, scripts, 1);
	assert_int_equal(outcome(&t, 0)->result, RESULT_FAILED);
	assert_str(outcome(&t, 0)->said, "550 5.1.1 nobody");
	assert_contains(t.transcript, "DATA\n.\n");
	assert_lacks(t.transcript, "How are you");
	end(&t);
}

static void peer_that_refuses_the_body(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "250 ok\r\n");
	answer(s, "DATA", "354 go on\r\n");
	hear_message(s);
	say(s, "554 5.6.0 no\r\n");
}

static void a_refused_body_was_sent_sealed(void **state)
{
	script *scripts[] = { peer_that_refuses_the_body };
	struct trial t;

	(void)state;
	try(&t, DEMAND_TLS, scripts, 1);
	assert_int_equal(outcome(&t, 0)->result, RESULT_FAILED);
	assert_int_equal(outcome(&t, 0)->transmission, TRANSMISSION_SEALED);
	end(&t);
}

static void peer_that_dies_at_the_end(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "250 ok\r\n");
	answer(s, "DATA", "354 go on\r\n");
	hear_message(s);
}

static void no_answer_to_the_end_leaves_us_unsure(void **state)
{
	script *scripts[] = { peer_that_dies_at_the_end };
	struct trial t;

	(void)state;
	try(&t, DEMAND_TLS, scripts, 1);
	assert_int_equal(outcome(&t, 0)->result, RESULT_LATER);
	assert_int_equal(outcome(&t, 0)->reason, REASON_CONNECTION_LOST);
	assert_int_equal(outcome(&t, 0)->transmission, TRANSMISSION_UNSURE);
	end(&t);
}

static void peer_without_pipelining(struct speaker *s)
{
	greet_sealed(s, "250 peer.test\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	if (s->len)
		buf_add(&s->heard, STR("!! pipelined\n"));
	answer(s, "RCPT", "550 5.1.1 nobody\r\n");
	answer(s, "QUIT", "221 bye\r\n");
}

static void without_pipelining_vain_steps_are_spared(void **state)
{
	script *scripts[] = { peer_without_pipelining };
	struct trial t;

	(void)state;
	try(&t, DEMAND_TLS, scripts, 1);
	assert_int_equal(outcome(&t, 0)->result, RESULT_FAILED);
	assert_lacks(t.transcript, "DATA");
	end(&t);
}

static void peer_with_everything(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250-PIPELINING\r\n250-SIZE 100000\r\n250-8BITMIME\r\n"
			"250-SMTPUTF8\r\n250 DSN\r\n");
	take_message(s);
}

static void parameters_are_passed_on_where_offered(void **state)
{
	script *scripts[] = { peer_with_everything };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	t.stage.job.body_kind = BODY_8BITMIME;
	t.stage.job.smtputf8 = 1;
	t.stage.job.ret = RET_HDRS;
	t.stage.job.envid = STR("envelope+2B1");
	t.stage.recipients[0].notify = NOTIFY_SUCCESS | NOTIFY_FAILURE;
	t.stage.recipients[0].orcpt = STR("rfc822;bob@old.test");
	perform_job(&t.stage);
	t.transcript = end_scene(&t.scene);
	assert_contains(t.transcript,
		"MAIL FROM:<ada@us.test> SIZE=51 BODY=8BITMIME SMTPUTF8 RET=HDRS "
		"ENVID=envelope+2B1\n");
	assert_contains(t.transcript,
		"RCPT TO:<bob@peer.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@old.test\n");
	assert_int_equal(outcome(&t, 0)->result, RESULT_DELIVERED);
	end(&t);
}

/* REQUIRETLS, RFC 8689. */

static void peer_with_requiretls(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250-REQUIRETLS\r\n250 DSN\r\n");
	answer(s, "MAIL FROM:<", "250 2.1.0 ok\r\n");
	take_the_rest(s);
}

static void peer_without_requiretls(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL FROM:<", "250 2.1.0 ok\r\n");
	take_the_rest(s);
}

static void peer_that_announces_it_in_clear_alone(struct speaker *s)
{
	say(s, "220 peer.test\r\n");
	answer(s, "EHLO us.test", "250-peer.test\r\n250-REQUIRETLS\r\n250 STARTTLS\r\n");
	answer(s, "STARTTLS", "220 go\r\n");
	start_tls(s);
	answer(s, "EHLO us.test", "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "QUIT", "221 bye\r\n");
}

static void try_requiretls(struct trial *t, demands wanted, const char *sender, script *peer)
{
	script *scripts[] = { peer };

	*t = (struct trial){ 0 };
	open_scene(&t->scene, "127.0.0.1", scripts, 1);
	open_stage(&t->stage, t->scene.port, wanted);
	t->stage.job.requiretls = 1;
	t->stage.job.sender = str_of(sender);
	perform_job(&t->stage);
	t->transcript = end_scene(&t->scene);
}

static void requiretls_is_passed_on_or_the_mail_stays(void **state)
{
	struct trial t;

	(void)state;
	try_requiretls(&t, DEMAND_TLS | DEMAND_REQUIRETLS, "ada@us.test", peer_with_requiretls);
	assert_contains(t.transcript, "MAIL FROM:<ada@us.test> REQUIRETLS\n");
	assert_int_equal(outcome(&t, 0)->result, RESULT_DELIVERED);
	end(&t);
	try_requiretls(&t, DEMAND_TLS | DEMAND_REQUIRETLS, "ada@us.test",
		peer_that_announces_it_in_clear_alone);
	assert_lacks(t.transcript, "MAIL");
	assert_int_equal(outcome(&t, 0)->result, RESULT_REFUSED);
	assert_int_equal(outcome(&t, 0)->reason, REASON_REQUIRETLS_UNSUPPORTED);
	end(&t);
}

static void a_report_asks_for_requiretls_where_it_is_announced(void **state)
{
	struct trial t;

	(void)state;
	try_requiretls(&t, DEMAND_TLS, "", peer_with_requiretls);
	assert_contains(t.transcript, "MAIL FROM:<> REQUIRETLS\n");
	end(&t);
	try_requiretls(&t, DEMAND_TLS, "", peer_without_requiretls);
	assert_contains(t.transcript, "MAIL FROM:<>\n");
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	end(&t);
}

/* What a peer can't take. */

static void peer_with_nothing(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 SIZE 60\r\n");
	struct str line = hear_line(s);
	if (!str_starts(line, STR("QUIT")))
		buf_add(&s->heard, STR("!! wanted QUIT\n"));
}

static void what_the_peer_cannot_take_is_not_offered(void **state)
{
	static const struct {
		const char *sender, *body;
		uint64_t body_kind, smtputf8;
		enum reason reason;
		const char *code;
	} cases[] = {
		{ "ada@us.test",
			"S: "
			"x\r\n\r\n0123456789012345678901234567890123456789012345678901234567\r\n",
			0, 0, REASON_TOO_BIG, "" },
		{ "\xc3\xa4@us.test", "S: x\r\n\r\n", 0, 1, REASON_SMTPUTF8_UNSUPPORTED, "" },
		{ "ada@us.test", "S: \xc3\xa4\r\n\r\n", 1, 1, REASON_SMTPUTF8_UNSUPPORTED, "" },
		{ "ada@us.test", "S: x\r\n\r\n\xc3\xa4\r\n", BODY_8BITMIME, 0, REASON_REMOTE_REPLY,
			"5.6.3" },
		{ "ada@us.test", "S: x\r\n\r\n", BODY_BINARYMIME, 0, REASON_REMOTE_REPLY, "5.6.3" },
	};

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++) {
		script *scripts[] = { peer_with_nothing };
		struct trial t = { 0 };
		open_scene(&t.scene, "127.0.0.1", scripts, 1);
		open_stage(&t.stage, t.scene.port, DEMAND_TLS);
		t.stage.job.sender = str_of(cases[i].sender);
		t.stage.body = str_of(cases[i].body);
		t.stage.job.body_kind = cases[i].body_kind;
		t.stage.job.smtputf8 = cases[i].smtputf8;
		perform_job(&t.stage);
		t.transcript = end_scene(&t.scene);
		assert_int_equal(outcome(&t, 0)->result, RESULT_FAILED);
		assert_int_equal(outcome(&t, 0)->reason, cases[i].reason);
		assert_str(outcome(&t, 0)->code, cases[i].code);
		assert_lacks(t.transcript, "MAIL");
		end(&t);
	}
}

static void peer_of_dots(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	take_message(s);
}

static void dots_are_doubled(void **state)
{
	script *scripts[] = { peer_of_dots };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	t.stage.body = STR(".a\r\n.\r\n\r\n..b\r\nc.\r\n.\r\nd");
	perform_job(&t.stage);
	t.transcript = end_scene(&t.scene);
	assert_contains(t.transcript, "DATA\n..a\n..\n\n...b\nc.\n..\nd\n.\n");
	end(&t);
}

/* Hosts and addresses. */

static void row_no_starttls_quits(struct speaker *s)
{
	say(s, "220 peer.test\r\n");
	answer(s, "EHLO", "250 peer.test\r\n");
	answer(s, "QUIT", "221 bye\r\n");
}

static void sealed_without_reply_check(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "250 ok\r\n");
	answer(s, "DATA", "354 go on\r\n");
	hear_message(s);
	say(s, "250 taken\r\n");
}

/* Two machines: the first plays `first`, the second `second` (NULL: nobody there). */
static void try_two(struct trial *t, struct scene *other, const char *domain, script *first,
	script *second, demands wanted)
{
	*t = (struct trial){ 0 };
	*other = (struct scene){ 0 };
	open_scene(&t->scene, "127.0.0.1", &first, 1);
	other->port = t->scene.port;
	if (second)
		open_scene(other, "127.0.0.2", &second, 1);
	open_stage(&t->stage, t->scene.port, wanted);
	t->stage.job.destination = str_of(domain);
	perform_job(&t->stage);
	t->transcript = end_scene(&t->scene);
	if (second)
		end_scene(other);
}

static void end_two(struct trial *t, struct scene *other)
{
	buf_free(&other->transcript);
	end(t);
}

static void the_second_host_is_tried_where_the_first_is_refused(void **state)
{
	struct trial t;
	struct scene other;

	(void)state;
	try_two(&t, &other, "two.test", row_no_starttls_quits, sealed_without_reply_check,
		DEMAND_TLS);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	assert_str(outcome(&t, 0)->host, "mx2.peer.test");
	assert_int_equal(t.stage.report.attempts.len, 2);
	assert_int_equal(attempt(&t, 0)->verdict, VERDICT_REFUSED);
	end_two(&t, &other);
}

static void all_refused_is_refused(void **state)
{
	struct trial t;
	struct scene other;

	(void)state;
	try_two(&t, &other, "two.test", row_no_starttls_quits, row_no_starttls_quits, DEMAND_TLS);
	assert_int_equal(outcome(&t, 0)->result, RESULT_REFUSED);
	end_two(&t, &other);
}

static void whoever_blocks_the_good_host_forces_no_letter(void **state)
{
	struct trial t;
	struct scene other;

	(void)state;
	try_two(&t, &other, "two.test", row_no_starttls_quits, NULL, DEMAND_TLS);
	assert_int_equal(outcome(&t, 0)->result, RESULT_LATER);
	assert_int_equal(outcome(&t, 0)->reason, REASON_CONNECTION_REFUSED);
	end_two(&t, &other);
}

static void a_4xx_at_one_host_asks_the_next(void **state)
{
	struct trial t;
	struct scene other;

	(void)state;
	try_two(&t, &other, "two.test", peer_that_refuses_mail, NULL, DEMAND_TLS);
	assert_int_equal(outcome(&t, 0)->result, RESULT_FAILED); /* 5xx is the last word */
	assert_int_equal(t.stage.report.attempts.len, 1);
	end_two(&t, &other);
}

static void greylisting_peer(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "451 4.7.1 come back\r\n");
	answer(s, "DATA", "503 no recipients\r\n");
}

static void greylisting_is_no_refusal_and_the_next_host_may_take_it(void **state)
{
	struct trial t;
	struct scene other;

	(void)state;
	try_two(&t, &other, "two.test", greylisting_peer, sealed_without_reply_check, DEMAND_TLS);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	end_two(&t, &other);
	try_two(&t, &other, "two.test", greylisting_peer, row_no_starttls_quits, DEMAND_TLS);
	assert_int_equal(outcome(&t, 0)->result, RESULT_LATER);
	assert_int_equal(outcome(&t, 0)->reason, REASON_REMOTE_REPLY);
	end_two(&t, &other);
}

static void each_address_of_a_host_is_tried(void **state)
{
	struct trial t;
	struct scene other;

	(void)state;
	try_two(&t, &other, "both.test", row_no_starttls_quits, NULL, DEMAND_TLS);
	assert_int_equal(outcome(&t, 0)->result, RESULT_LATER);
	assert_int_equal(t.stage.report.attempts.len, 2);
	end_two(&t, &other);
}

/* Where there is nobody to talk to. */

static const struct {
	const char *domain;
	demands wanted;
	bool cold;
	enum result result;
	enum reason reason;
} nowhere[] = {
	{ "null.test", DEMAND_TLS, false, RESULT_REFUSED, REASON_NULL_MX },
	{ "null.test", DEMAND_TLS, true, RESULT_FAILED, REASON_NULL_MX },
	{ "null.test", 0, false, RESULT_FAILED, REASON_NULL_MX },
	{ "nowhere.test", 0, false, RESULT_FAILED, REASON_DOMAIN_NOT_FOUND },
	{ "loop.test", 0, false, RESULT_FAILED, REASON_MAIL_LOOP },
	{ "loop.test", DEMAND_TLS, false, RESULT_REFUSED, REASON_MAIL_LOOP },
	{ "private.test", DEMAND_TLS, false, RESULT_LATER, REASON_FORBIDDEN_ADDRESS },
	{ "private.test", 0, false, RESULT_LATER, REASON_FORBIDDEN_ADDRESS },
	{ "deaf.test", DEMAND_TLS, false, RESULT_LATER, REASON_NO_ADDRESS },
	{ "[10.1.2.3]", 0, false, RESULT_LATER, REASON_FORBIDDEN_ADDRESS },
	{ "[127.0.0.1]", DEMAND_TLS | DEMAND_AUTH, false, RESULT_REFUSED, REASON_ADDRESS_LITERAL },
};

static void without_a_host_nothing_is_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(nowhere); i++) {
		struct stage stage;
		open_stage(&stage, 9, nowhere[i].wanted);
		stage.job.destination = str_of(nowhere[i].domain);
		stage.job.cold = nowhere[i].cold;
		perform_job(&stage);
		const struct recipient_outcome *o = &stage.report.outcomes.at[0];
		if (o->result != nowhere[i].result || o->reason != nowhere[i].reason)
			fail_msg("%zu: %s: result %d, reason %s", i, nowhere[i].domain,
				(int)o->result, reason_id((enum reason)o->reason));
		assert_int_equal(o->transmission, TRANSMISSION_NO_CONNECTION);
		close_stage(&stage);
	}
}

static void a_forbidden_address_beside_a_refused_one_waits(void **state)
{
	script *scripts[] = { row_no_starttls_quits };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	t.stage.job.destination = STR("mixed.test");
	perform_job(&t.stage);
	end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_LATER);
	end(&t);
}

static void a_host_before_us_is_still_asked(void **state)
{
	script *scripts[] = { row_no_starttls_quits };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	t.stage.job.destination = STR("backup.test");
	perform_job(&t.stage);
	end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_REFUSED);
	assert_int_equal(t.stage.report.attempts.len, 1);
	end(&t);
}

static void a_literal_is_talked_to_without_a_name(void **state)
{
	script *scripts[] = { sealed_peer };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	t.stage.job.destination = STR("[127.0.0.1]");
	perform_job(&t.stage);
	end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	end(&t);
}

/* Connections are used again, for the same rule alone. */

static void peer_for_two_messages(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	take_message(s);
	take_message(s);
}

static void the_next_message_goes_over_the_kept_connection(void **state)
{
	script *scripts[] = { peer_for_two_messages };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	perform_job(&t.stage);
	perform_job(&t.stage);
	t.transcript = end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	assert_str(attempt(&t, 0)->tls_version, "TLSv1.3");
	assert_int_equal(t.scene.connections, 1);
	end(&t);
}

static void peer_that_needs_rset(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "550 5.1.1 nobody\r\n");
	answer(s, "DATA", "554 no recipients\r\n");
	answer(s, "RSET", "250 ok\r\n");
	take_message(s);
}

static void a_transaction_left_open_is_reset_first(void **state)
{
	script *scripts[] = { peer_that_needs_rset };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	perform_job(&t.stage);
	assert_int_equal(outcome(&t, 0)->result, RESULT_FAILED);
	perform_job(&t.stage);
	t.transcript = end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	end(&t);
}

static void peer_that_has_enough_of_us(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 8BITMIME\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "550 5.1.1 nobody\r\n");
	answer(s, "RSET", "421 4.3.2 closing\r\n");
}

static void peer_that_is_gone_at_rset(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 8BITMIME\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "550 5.1.1 nobody\r\n");
	hear_line(s);
}

static void peer_that_takes_one(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	take_message(s);
}

static void a_kept_connection_that_dies_at_rset_settles_nobody(void **state)
{
	script *ends[] = { peer_that_has_enough_of_us, peer_that_is_gone_at_rset };

	(void)state;
	for (size_t i = 0; i < count_of(ends); i++) {
		script *scripts[] = { ends[i], peer_that_takes_one };
		struct trial t = { 0 };
		open_scene(&t.scene, "127.0.0.1", scripts, 2);
		open_stage(&t.stage, t.scene.port, DEMAND_TLS);
		perform_job(&t.stage);
		assert_int_equal(outcome(&t, 0)->result, RESULT_FAILED);
		perform_job(&t.stage);
		t.transcript = end_scene(&t.scene);
		assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
		assert_true(outcome(&t, 0)->recipient != 0);
		end(&t);
	}
}

static void peer_for_one_message(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	take_message(s);
	hear_line(s); /* the next MAIL, to which it says nothing */
}

static void a_dead_kept_connection_is_replaced_without_a_word(void **state)
{
	script *scripts[] = { peer_for_one_message, sealed_without_reply_check };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 2);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	perform_job(&t.stage);
	perform_job(&t.stage);
	end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	assert_int_equal(t.stage.report.attempts.len, 1);
	assert_int_equal(t.scene.connections, 2);
	end(&t);
}

static void peer_that_closes_with_421(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	take_message(s);
	answer(s, "MAIL", "421 4.4.2 idle too long\r\n");
}

static void a_421_on_a_kept_connection_is_no_answer(void **state)
{
	script *scripts[] = { peer_that_closes_with_421, sealed_without_reply_check };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 2);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	perform_job(&t.stage);
	perform_job(&t.stage);
	end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	end(&t);
}

/* Stays until somebody else connects, and is not to hear another word until then. */
static void sealed_until_the_next_comes(struct speaker *s)
{
	sealed_without_reply_check(s);
	struct pollfd polled[] = {
		{ .fd = s->fd, .events = POLLIN },
		{ .fd = s->listener, .events = POLLIN },
	};
	poll(polled, count_of(polled), 5000);
	if (polled[0].revents) {
		buf_add(&s->heard, STR("!! spoken to again\n"));
		answer(s, "", "421 4.3.2 not here\r\n");
	}
}

static void another_rule_or_a_second_look_connects_anew(void **state)
{
	script *scripts[] = { sealed_until_the_next_comes, sealed_until_the_next_comes,
		sealed_without_reply_check };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 3);
	open_stage(&t.stage, t.scene.port, 0);
	perform_job(&t.stage);
	t.stage.job.demands = DEMAND_TLS;
	perform_job(&t.stage);
	t.stage.job.cold = true;
	perform_job(&t.stage);
	end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	assert_int_equal(t.scene.connections, 3);
	end(&t);
}

/* What a restarted store hands out again. */

static void what_was_sent_and_not_told_is_not_sent_again(void **state)
{
	script *scripts[] = { sealed_without_reply_check };
	struct trial t = { 0 };

	(void)state;
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	t.stage.job.id = STR("0123456789abcde2");
	struct ledger_entry *first = ledger_open(ledger, &t.stage.job);
	perform_job(&t.stage);
	ledger_done(ledger, first, &t.stage.report);
	ledger_close(ledger, &first, false); /* the store went away */
	perform_job(&t.stage);
	t.transcript = end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->result, RESULT_RELAYED);
	assert_str(outcome(&t, 0)->said, "250 taken");
	assert_int_equal(t.stage.report.attempts.len, 0);
	assert_int_equal(t.scene.connections, 1);
	end(&t);
}

static void what_was_told_may_be_sent_again(void **state)
{
	struct stage stage;
	struct recipient_outcome sent = { .recipient = 1, .result = RESULT_RELAYED }, found;

	(void)state;
	open_stage(&stage, 9, DEMAND_TLS);
	stage.job.id = STR("0123456789abcde0");
	stage.report.outcomes.at = &sent;
	stage.report.outcomes.len = 1;
	struct ledger_entry *entry = ledger_open(ledger, &stage.job);
	ledger_done(ledger, entry, &stage.report);
	assert_true(ledger_was_sent(ledger, &stage.job, 1, &stage.arena, &found));
	assert_false(ledger_was_sent(ledger, &stage.job, 2, &stage.arena, &found));
	ledger_close(ledger, &entry, true);
	assert_false(ledger_was_sent(ledger, &stage.job, 1, &stage.arena, &found));
	close_stage(&stage);
}

struct second {
	struct stage *stage;
	atomic_bool opened;
};

static void *open_second(void *of)
{
	struct second *second = of;
	struct ledger_entry *entry = ledger_open(ledger, &second->stage->job);

	atomic_store(&second->opened, true);
	ledger_close(ledger, &entry, true);
	return NULL;
}

static void what_is_being_sent_is_waited_for(void **state)
{
	struct stage stage;
	struct second second = { .stage = &stage };
	struct timespec moment = { .tv_nsec = 50000000 };
	pthread_t thread;

	(void)state;
	open_stage(&stage, 9, DEMAND_TLS);
	stage.job.id = STR("0123456789abcde1");
	struct ledger_entry *first = ledger_open(ledger, &stage.job);
	assert_int_equal(pthread_create(&thread, NULL, open_second, &second), 0);
	nanosleep(&moment, NULL);
	assert_false(atomic_load(&second.opened));
	ledger_done(ledger, first, &stage.report);
	pthread_join(thread, NULL);
	assert_true(atomic_load(&second.opened));
	ledger_close(ledger, &first, true);
	close_stage(&stage);
}

/* Hostile peers. */

static void peer_of_many_lines(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	hear_line(s);
	for (int i = 0; i < 2000; i++)
		say(s, "250-and another thing\r\n");
}

static void peer_of_a_long_line(struct speaker *s)
{
	static char line[40000];

	memset(line, 'x', sizeof line - 1);
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	hear_line(s);
	say(s, "250 ");
	say(s, line);
	say(s, "\r\n");
}

static void peer_of_bare_feeds(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	hear_line(s);
	say(s, "250 ok\n250 ok\n354 ok\n250 ok\n");
}

static void peer_of_changing_codes(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	hear_line(s);
	say(s, "250-ok\r\n550 no\r\n");
}

static void peer_that_answers_354_with_250(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "250 ok\r\n");
	answer(s, "DATA", "250 ok\r\n");
}

static void nonsense_from_a_peer_ends_the_connection_and_waits(void **state)
{
	static script *const peers[] = { peer_of_many_lines, peer_of_a_long_line,
		peer_of_bare_feeds, peer_of_changing_codes, peer_that_answers_354_with_250 };

	(void)state;
	for (size_t i = 0; i < count_of(peers); i++) {
		struct trial t;
		try(&t, DEMAND_TLS, &peers[i], 1);
		if (outcome(&t, 0)->result != RESULT_LATER ||
			outcome(&t, 0)->reason != REASON_CONNECTION_LOST)
			fail_msg("peer %zu", i);
		assert_lacks(t.transcript, "How are you");
		end(&t);
	}
}

static void peer_of_many_words(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	hear_line(s);
	for (int i = 0; i < 60; i++)
		say(s, "550-"
		       "0123456789012345678901234567890123456789012345678901234567890123456789\r"
		       "\n");
	say(s, "550 end\r\n");
	answer(s, "DATA", "554 no\r\n");
}

static void a_long_reply_is_cut(void **state)
{
	script *scripts[] = { peer_of_many_words };
	struct trial t;

	(void)state;
	try(&t, DEMAND_TLS, scripts, 1);
	assert_int_equal(outcome(&t, 0)->result, RESULT_FAILED);
	assert_true(outcome(&t, 0)->said.len <= 1000);
	end(&t);
}

static void peer_that_hangs_up_on_a_large_message(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "MAIL", "250 ok\r\n");
	answer(s, "RCPT", "250 ok\r\n");
	answer(s, "DATA", "354 go on\r\n");
	fill(s);
	say(s, "552 5.3.4 too much\r\n");
}

static void a_peer_that_hangs_up_in_the_middle_has_not_taken_it(void **state)
{
	script *scripts[] = { peer_that_hangs_up_on_a_large_message };
	struct trial t = { 0 };
	static char large[8 << 20];

	(void)state;
	memset(large, 'x', sizeof large);
	for (size_t i = 78; i + 1 < sizeof large; i += 80)
		memcpy(large + i, "\r\n", 2);
	open_scene(&t.scene, "127.0.0.1", scripts, 1);
	open_stage(&t.stage, t.scene.port, DEMAND_TLS);
	t.stage.body = (struct str){ large, sizeof large };
	perform_job(&t.stage);
	end_scene(&t.scene);
	assert_int_equal(outcome(&t, 0)->transmission, TRANSMISSION_SEALED);
	assert_true(
		outcome(&t, 0)->result == RESULT_LATER || outcome(&t, 0)->result == RESULT_FAILED);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_with_demands_is_delivered_over_tls),
		cmocka_unit_test(each_row_under_tls_is_refused_or_waits),
		cmocka_unit_test(each_row_without_demands_falls_back_as_it_may),
		cmocka_unit_test(a_refused_connection_waits),
		cmocka_unit_test(without_demands_tls_is_used_where_offered),
		cmocka_unit_test(what_was_learnt_before_tls_is_forgotten),
		cmocka_unit_test(each_recipient_has_a_fate_of_its_own),
		cmocka_unit_test(a_refused_sender_is_final_for_all),
		cmocka_unit_test(a_354_for_nobody_gets_an_empty_message),
		cmocka_unit_test(a_refused_body_was_sent_sealed),
		cmocka_unit_test(no_answer_to_the_end_leaves_us_unsure),
		cmocka_unit_test(without_pipelining_vain_steps_are_spared),
		cmocka_unit_test(parameters_are_passed_on_where_offered),
		cmocka_unit_test(requiretls_is_passed_on_or_the_mail_stays),
		cmocka_unit_test(a_report_asks_for_requiretls_where_it_is_announced),
		cmocka_unit_test(what_the_peer_cannot_take_is_not_offered),
		cmocka_unit_test(dots_are_doubled),
		cmocka_unit_test(the_second_host_is_tried_where_the_first_is_refused),
		cmocka_unit_test(all_refused_is_refused),
		cmocka_unit_test(whoever_blocks_the_good_host_forces_no_letter),
		cmocka_unit_test(a_4xx_at_one_host_asks_the_next),
		cmocka_unit_test(greylisting_is_no_refusal_and_the_next_host_may_take_it),
		cmocka_unit_test(each_address_of_a_host_is_tried),
		cmocka_unit_test(without_a_host_nothing_is_sent),
		cmocka_unit_test(a_forbidden_address_beside_a_refused_one_waits),
		cmocka_unit_test(a_host_before_us_is_still_asked),
		cmocka_unit_test(a_literal_is_talked_to_without_a_name),
		cmocka_unit_test(the_next_message_goes_over_the_kept_connection),
		cmocka_unit_test(a_transaction_left_open_is_reset_first),
		cmocka_unit_test(a_kept_connection_that_dies_at_rset_settles_nobody),
		cmocka_unit_test(a_dead_kept_connection_is_replaced_without_a_word),
		cmocka_unit_test(a_421_on_a_kept_connection_is_no_answer),
		cmocka_unit_test(another_rule_or_a_second_look_connects_anew),
		cmocka_unit_test(what_was_sent_and_not_told_is_not_sent_again),
		cmocka_unit_test(what_was_told_may_be_sent_again),
		cmocka_unit_test(what_is_being_sent_is_waited_for),
		cmocka_unit_test(nonsense_from_a_peer_ends_the_connection_and_waits),
		cmocka_unit_test(a_long_reply_is_cut),
		cmocka_unit_test(a_peer_that_hangs_up_in_the_middle_has_not_taken_it),
	};

	return cmocka_run_group_tests(tests, open_delivery, close_delivery);
}
