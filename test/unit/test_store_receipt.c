/* SPDX-License-Identifier: ISC
 *
 * test_store_receipt.c - whatever happens to a message leaves a record in the chain, in the same
 * transaction; the chain has no gap, whatever fails; it outlives the queue's rows and is cut at its
 * front alone.
 */
#include "mail/receipt_file.h"
#include "store_world.h"
#include <sys/stat.h>

static const char seal_host[] = "mx.example.net";

static struct attempt sealed_attempt(void)
{
	return (struct attempt){ .time = (uint64_t)clock_wall_ms(),
		.host = str_of(seal_host),
		.address = STR("192.0.2.1"),
		.port = 25,
		.tls_version = STR("TLSv1.3"),
		.cipher = STR("TLS_AES_256_GCM_SHA384"),
		.group = STR("X25519"),
		.certificate = STR("ab01"),
		.key = STR("cd02"),
		.proven_by = STR("dane"),
		.said = STR("250 ok") };
}

/* The outcome for all recipients of the job, from one attempt at one host. */
static void report_from(struct world *w, enum result result, enum reason reason,
	const struct attempt *attempt, enum transmission transmission)
{
	struct recipient_outcome outcomes[CLAIM_RECIPIENTS_MAX] = { 0 };
	struct attempt attempts[1] = { *attempt };
	struct work_ask ask = { .has_outcome = 1,
		.id = w->job.id,
		.outcomes = { outcomes, w->job.recipients.len },
		.attempts = { attempts, 1 } };

	for (size_t i = 0; i < w->job.recipients.len; i++)
		outcomes[i] =
			(struct recipient_outcome){ .recipient = w->job.recipients.at[i].recipient,
				.result = result,
				.reason = reason,
				.said = attempt->said,
				.host = attempt->host,
				.transmission = transmission };
	work(w, &w->delivery, &ask);
}

static struct receipt_answer read_all(struct world *w, const char *id, uint64_t from)
{
	struct receipt_ask ask = { .id = str_of(id), .from = from };
	struct receipt_answer answer;

	begin(w);
	receipt_read(&w->store, &ask, &w->arena, &answer);
	commit(w);
	return answer;
}

/* The last record. */
static struct str last_record(struct world *w)
{
	struct receipt_answer answer = read_all(w, "", 0);

	assert_int_equal(answer.outcome, CTL_OK);
	assert_true(answer.records.len > 0);
	return answer.records.at[answer.records.len - 1].text;
}

static void add_signed(struct world *w, struct buf *file, const char *id, uint64_t number)
{
	struct receipt_sign_ask ask = { .id = str_of(id), .record = number };
	struct receipt_sign_answer answer;

	begin(w);
	receipt_sign(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, CTL_OK);
	buf_printf(file, "%.*s\n" LINE_SIGNATURE "%.*s\"}\n", STR_ARG(answer.statement),
		STR_ARG(answer.signature));
}

static struct receipt_verdict verify(struct world *w, struct buf *file)
{
	struct receipt_verdict v;

	receipt_file_verify(buf_str(file), &w->store.receipts.public_key, &v);
	buf_free(file);
	return v;
}

/* What `siegel receipt export` would write. */
static struct buf export_chain(struct world *w)
{
	struct buf file = BUF(16 * 1024 * 1024);
	struct receipt_answer answer = read_all(w, "", 0);

	add_signed(w, &file, "", answer.first - 1);
	for (size_t i = 0; i < answer.records.len; i++)
		buf_printf(&file, "%.*s\n", STR_ARG(answer.records.at[i].text));
	add_signed(w, &file, "", answer.last);
	return file;
}

static uint64_t assert_whole(struct world *w)
{
	struct buf file = export_chain(w);
	struct receipt_verdict v = verify(w, &file);

	if (v.fault != RECEIPT_GOOD)
		fail_msg("fault %d, record %d", (int)v.fault, (int)v.record);
	return v.records;
}

/* --- what is recorded --- */

static void a_sent_mail_leaves_how_it_was_sealed(void **state)
{
	struct world *w = world_open();
	struct attempt attempt = sealed_attempt();
	struct mail m = mail(w, 1, "ada@secure.example.test", "desk@hotel.test");

	(void)state;
	m.ask.peer = STR("198.51.100.7");
	m.ask.helo = STR("[10.0.0.1]");
	assert_taken(w, m);
	assert_contains(last_record(w),
		"\"kind\":\"taken\",\"message\":\"0000000000001000\",\"origin\":\"account\","
		"\"sender\":\"ada@secure.example.test\"");
	assert_contains(last_record(w),
		"\"peer\":\"198.51.100.7\",\"helo\":\"[10.0.0.1]\",\"tls_version\":\"TLSv1.3\","
		"\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"transport\":\"mandatory\","
		"\"recipients\":[{\"address\":\"desk@hotel.test\",\"state\":\"queued\","
		"\"demands\":[\"tls\"]}]}");
	assert_true(claim(w, &w->delivery));
	report_from(w, RESULT_DELIVERED, REASON_NONE, &attempt, TRANSMISSION_SEALED);
	assert_contains(last_record(w),
		"\"kind\":\"attempt\",\"message\":\"0000000000001000\","
		"\"destination\":\"hotel.test\",\"recipients\":[{\"address\":\"desk@hotel.test\","
		"\"state\":\"delivered\",\"demands\":[\"tls\"],\"host\":\"mx.example.net\","
		"\"said\":\"250 ok\",\"transport\":\"qualified\"}],\"attempts\":[{\"time\":\"");
	assert_contains(last_record(w),
		"\"host\":\"mx.example.net\",\"address\":\"192.0.2.1\",\"port\":25,"
		"\"verdict\":\"accepted\",\"tls_version\":\"TLSv1.3\","
		"\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"group\":\"X25519\","
		"\"certificate\":\"ab01\",\"key\":\"cd02\",\"proven_by\":\"dane\","
		"\"said\":\"250 ok\"}]}");
	assert_int_equal(assert_whole(w), 2);
	world_close(w);
}

static void a_success_report_carries_the_same_facts(void **state)
{
	struct world *w = world_open();
	struct attempt attempt = sealed_attempt();
	struct mail m = mail(w, 1, "ada@secure.example.test", "desk@hotel.test");

	(void)state;
	m.to[0].notify = NOTIFY_SUCCESS;
	assert_taken(w, m);
	assert_true(claim(w, &w->delivery));
	report_from(w, RESULT_RELAYED, REASON_NONE, &attempt, TRANSMISSION_SEALED);
	assert_true(claim(w, &w->mailbox));
	assert_contains(job_text(w), "Accepted by mx.example.net [192.0.2.1]. Sealed with TLSv1.3");
	assert_contains(job_text(w), "(DANE)");
	world_close(w);
}

static void a_received_mail_leaves_how_it_came(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 0, "x@outside.test", "ada@secure.example.test");

	(void)state;
	m.ask.peer = STR("198.51.100.7");
	m.ask.helo = STR("mail.outside.test");
	assert_taken(w, m);
	assert_contains(last_record(w), "\"origin\":\"outside\",\"sender\":\"x@outside.test\"");
	assert_contains(last_record(w), "\"transport\":\"mandatory\"");
	assert_true(claim(w, &w->mailbox));
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	assert_contains(last_record(w), "\"kind\":\"mailbox\"");
	assert_contains(last_record(w), "\"state\":\"delivered\"");
	assert_int_equal(read_all(w, "0000000000001000", 0).records.len, 2);
	/* In the clear, to a normal address. */
	m = mail(w, 0, "x@outside.test", "bob@example.test");
	m.ask.peer = STR("198.51.100.7");
	m.ask.tls_version = m.ask.cipher = STR("");
	assert_taken(w, m);
	assert_contains(last_record(w), "\"peer\":\"198.51.100.7\",\"transport\":\"none\"");
	world_close(w);
}

static void every_attempt_and_its_end_are_recorded(void **state)
{
	struct world *w = world_open();
	struct attempt attempt = sealed_attempt();

	(void)state;
	attempt.verdict = VERDICT_REFUSED;
	attempt.reason = REASON_STARTTLS_NOT_SUPPORTED;
	attempt.tls_version = attempt.cipher = attempt.proven_by = STR("");
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	report_from(w, RESULT_REFUSED, attempt.reason, &attempt, TRANSMISSION_NOTHING);
	assert_contains(last_record(w), "\"state\":\"second-look\",\"demands\":[\"tls\"],"
					"\"reason\":\"starttls-not-supported\"");
	assert_contains(last_record(w), "\"transmission\":\"nothing\"}]");
	pass(w, 4000);
	assert_true(claim(w, &w->delivery));
	report_from(w, RESULT_REFUSED, attempt.reason, &attempt, TRANSMISSION_NOTHING);
	/* The end, and the letter about it, in one transaction. */
	struct receipt_answer answer = read_all(w, "0000000000001000", 0);
	assert_int_equal(answer.records.len, 3);
	assert_contains(answer.records.at[2].text, "\"state\":\"failed\"");
	assert_contains(last_record(w), "\"kind\":\"taken\"");
	assert_contains(last_record(w), "\"origin\":\"here\",\"size\":");
	assert_int_equal(assert_whole(w), 4);
	world_close(w);
}

static void what_nobody_reported_is_recorded_too(void **state)
{
	struct world *w = world_open();
	struct queue_change_ask drop = { .id = STR("0000000000001000") };
	struct queue_answer answer;

	(void)state;
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	begin(w);
	listing_drop(&w->store, &drop, &w->arena, &answer);
	while (settle_clock(&w->store))
		;
	commit(w);
	struct receipt_answer found = read_all(w, "0000000000001000", 0);
	assert_int_equal(found.records.len, 2);
	assert_contains(found.records.at[1].text, "\"kind\":\"ended\"");
	assert_contains(found.records.at[1].text, "\"reason\":\"dropped-by-operator\"");
	assert_whole(w);
	world_close(w);
}

static void only_what_carried_it_counts_as_transport(void **state)
{
	struct world *w = world_open();
	struct attempt attempt = sealed_attempt();

	(void)state;
	/* A connection in order, at another host than the one that took it. */
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	struct recipient_outcome outcome = { .recipient = w->job.recipients.at[0].recipient,
		.result = RESULT_DELIVERED,
		.host = STR("other.example.net") };
	struct work_ask ask = { .has_outcome = 1,
		.id = w->job.id,
		.outcomes = { &outcome, 1 },
		.attempts = { &attempt, 1 } };
	work(w, &w->delivery, &ask);
	assert_contains(last_record(w), "\"host\":\"other.example.net\"}],\"attempts\"");
	/* Sent in the clear. */
	attempt.tls_version = attempt.cipher = attempt.proven_by = STR("");
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	report_from(w, RESULT_DELIVERED, REASON_NONE, &attempt, TRANSMISSION_PLAIN);
	assert_contains(last_record(w), "\"transport\":\"none\"}]");
	world_close(w);
}

static void a_worker_that_lies_makes_no_broken_record(void **state)
{
	struct world *w = world_open();
	struct attempt attempt = sealed_attempt();

	(void)state;
	attempt.time = UINT64_MAX;
	attempt.said = STR("250 \"\\\n\xff\x00 ok");
	attempt.host = STR("\"}]}\n{\"version\":1,\"record\":1");
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	report_from(w, RESULT_DELIVERED, REASON_NONE, &attempt, TRANSMISSION_SEALED);
	assert_int_equal(assert_whole(w), 2);
	attempt.verdict = 77; /* no evidence at all */
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	report_from(w, RESULT_DELIVERED, REASON_NONE, &attempt, TRANSMISSION_SEALED);
	assert_contains(last_record(w), "\"attempts\":[]}");
	assert_int_equal(assert_whole(w), 4);
	world_close(w);
}

static void many_recipients_take_several_records(void **state)
{
	enum { MANY = 2 * RECORD_RECIPIENTS_MAX + 1 };
	static struct envelope_recipient to[MANY];
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@example.test", "");
	struct accept_answer answer;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		to[i].address = arena_printf(&w->arena, "r%zu@hotel.test", i);
	m.ask.id = str_of(m.id);
	m.ask.recipients.at = to;
	m.ask.recipients.len = MANY;
	m.ask.header_senders.at = m.senders;
	scoped(fd_close) int fd = fd_memfd_of("body", m.body);
	begin(w);
	accept_message(&w->store, &m.ask, m.body, fd, 0, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, ACCEPT_TAKEN);
	struct receipt_answer found = read_all(w, "0000000000001000", 0);
	assert_int_equal(found.records.len, 3);
	assert_contains(
		found.records.at[2].text, "\"recipients\":[{\"address\":\"r200@hotel.test\",");
	assert_int_equal(assert_whole(w), 3);
	world_close(w);
}

/* --- nothing is lost, nothing is left over --- */

static void what_was_rolled_back_leaves_no_gap(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	struct mail lost = mail(w, 1, "ada@example.test", "desk@hotel.test");
	struct accept_answer answer;
	stay_here(&lost);
	begin(w);
	accept_message(&w->store, &lost.ask, lost.body, -1, 0, &w->arena, &answer);
	assert_int_equal(answer.outcome, ACCEPT_TAKEN);
	w->store.db.failure = SQLITE_IOERR;
	assert_false(store_commit(&w->store));
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_int_equal(assert_whole(w), 2);
	/* One handler of a batch alone. */
	begin(w);
	store_handler_begin(&w->store);
	accept_message(&w->store, &lost.ask, lost.body, -1, 0, &w->arena, &answer);
	w->store.db.failure = SQLITE_IOERR;
	assert_false(store_handler_end(&w->store));
	commit(w);
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_int_equal(assert_whole(w), 3);
	world_close(w);
}

static void the_log_is_told_what_is_committed(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	struct accept_answer answer;

	(void)state;
	stay_here(&m);
	begin(w);
	accept_message(&w->store, &m.ask, m.body, -1, 0, &w->arena, &answer);
	receipt_tell_log(&w->store);
	assert_int_equal(w->store.receipts.told, 0);
	w->store.db.failure = SQLITE_IOERR;
	assert_false(store_commit(&w->store));
	begin(w);
	receipt_tell_log(&w->store);
	commit(w);
	assert_int_equal(w->store.receipts.told, 0);
	for (int i = 0; i < 2; i++)
		assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	begin(w);
	receipt_tell_log(&w->store);
	commit(w);
	assert_int_equal(w->store.receipts.told, 2);
	/* And not again before an hour has passed. */
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	begin(w);
	receipt_tell_log(&w->store);
	assert_int_equal(w->store.receipts.told, 2);
	w->store.receipts.told_at -= HOUR;
	receipt_tell_log(&w->store);
	assert_int_equal(w->store.receipts.told, 3);
	commit(w);
	world_close(w);
}

static void a_record_and_its_outcome_come_together_or_not_at_all(void **state)
{
	struct world *w = world_open();
	struct attempt attempt = sealed_attempt();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	assert_true(claim(w, &w->delivery));
	struct recipient_outcome outcome = { .recipient = w->job.recipients.at[0].recipient,
		.result = RESULT_DELIVERED,
		.host = attempt.host };
	struct work_ask ask = { .has_outcome = 1,
		.id = w->job.id,
		.outcomes = { &outcome, 1 },
		.attempts = { &attempt, 1 } };
	begin(w);
	outcome_report(&w->store, &w->delivery, &ask);
	w->delivery.claim = NULL;
	world_crash(w);
	assert_int_equal(assert_whole(w), 1);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_WAITING);
	begin(w);
	outcome_report(&w->store, &w->delivery, &ask);
	commit(w);
	world_crash(w);
	assert_int_equal(assert_whole(w), 2);
	assert_int_equal(sql_number(w, "SELECT state FROM recipient"), STATE_DELIVERED);
	world_close(w);
}

static void the_chain_goes_on_after_a_restart(void **state)
{
	struct world *w = world_open();
	struct digest key = w->store.receipts.public_key;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
		world_crash(w);
	}
	assert_int_equal(assert_whole(w), 3);
	assert_memory_equal(&key, &w->store.receipts.public_key, sizeof key);
	world_close(w);
}

static void receipts_outlive_the_queue(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	assert_true(claim(w, &w->mailbox));
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	pass(w, 2 * MINUTE);
	begin(w);
	while (clean_some(&w->store))
		;
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM message"), 0);
	assert_int_equal(read_all(w, "0000000000001000", 0).records.len, 2);
	/* For as long, nobody else is given its id. */
	struct mail again = mail(w, 0, "y@outside.test", "bob@example.test");
	memcpy(again.id, "0000000000001000", sizeof again.id);
	assert_refused(w, again, 451, "4.3.0");
	assert_int_equal(read_all(w, "00000000000010ff", 0).outcome, CTL_NOT_FOUND);
	assert_int_equal(read_all(w, "nonsense", 0).outcome, CTL_NOT_FOUND);
	world_close(w);
}

/* --- the front is removed --- */

static void age(struct world *w, int64_t until)
{
	char sql[200];

	snprintf(sql, sizeof sql,
		"UPDATE receipt SET time = time - 7776000001 WHERE number <= %lld",
		(long long)until);
	assert_int_equal(sqlite3_exec(w->store.db.handle, sql, NULL, NULL, NULL), SQLITE_OK);
	begin(w);
	while (clean_some(&w->store))
		;
	commit(w);
}

static void a_chain_cut_at_its_front_is_whole(void **state)
{
	struct world *w = world_open();

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	age(w, 3);
	assert_int_equal(sql_number(w, "SELECT min(number) FROM receipt"), 4);
	assert_int_equal(assert_whole(w), 2);
	struct buf file = export_chain(w);
	assert_true(str_starts(buf_str(&file), STR("{\"version\":1,\"checkpoint\":3,\"hash\":")));
	buf_free(&file);
	assert_int_equal(read_all(w, "0000000000001001", 0).outcome, CTL_NOT_FOUND);
	assert_int_equal(read_all(w, "0000000000001003", 0).records.len, 1);
	/* Also where nothing is left, and after a restart. */
	age(w, 5);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM receipt"), 0);
	assert_int_equal(assert_whole(w), 0);
	world_crash(w);
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_int_equal(sql_number(w, "SELECT max(number) FROM receipt"), 6);
	assert_int_equal(assert_whole(w), 1);
	world_close(w);
}

static void removal_is_bounded_and_stops_at_the_first_young_one(void **state)
{
	struct world *w = world_open();

	(void)state;
	for (int i = 0; i < 450; i++)
		assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_int_equal(
		sqlite3_exec(w->store.db.handle, "UPDATE receipt SET time = 0 WHERE number != 440",
			NULL, NULL, NULL),
		SQLITE_OK);
	begin(w);
	assert_true(clean_some(&w->store));
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM receipt"), 250);
	begin(w);
	while (clean_some(&w->store))
		;
	commit(w);
	assert_int_equal(sql_number(w, "SELECT min(number) FROM receipt"), 440);
	assert_int_equal(assert_whole(w), 11);
	world_close(w);
}

static void a_removal_that_fails_removes_nothing(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_int_equal(
		sqlite3_exec(w->store.db.handle, "UPDATE receipt SET time = 0", NULL, NULL, NULL),
		SQLITE_OK);
	begin(w);
	clean_some(&w->store);
	w->store.db.failure = SQLITE_FULL;
	assert_false(store_commit(&w->store));
	assert_int_equal(assert_whole(w), 1);
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_int_equal(assert_whole(w), 2);
	world_close(w);
}

/* --- the operator's questions --- */

static void one_messages_receipt_stands_alone(void **state)
{
	struct world *w = world_open();
	struct attempt attempt = sealed_attempt();
	struct buf file = BUF(1024 * 1024);

	(void)state;
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	assert_true(claim(w, &w->delivery));
	report_from(w, RESULT_DELIVERED, REASON_NONE, &attempt, TRANSMISSION_SEALED);
	struct receipt_answer answer = read_all(w, "0000000000001000", 0);
	assert_int_equal(answer.records.len, 2);
	for (size_t i = 0; i < answer.records.len; i++)
		buf_printf(&file, "%.*s\n", STR_ARG(answer.records.at[i].text));
	add_signed(w, &file, "0000000000001000", answer.records.at[1].record);
	struct receipt_verdict v = verify(w, &file);
	assert_int_equal(v.fault, RECEIPT_GOOD);
	assert_int_equal(v.records, 2);
	assert_int_equal(v.first, 1);
	assert_int_equal(v.last, 3);
	world_close(w);
}

static void records_come_since_a_time(void **state)
{
	struct world *w = world_open();

	(void)state;
	for (int i = 0; i < 9; i++)
		assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_int_equal(sqlite3_exec(w->store.db.handle, "UPDATE receipt SET time = number * 10",
				 NULL, NULL, NULL),
		SQLITE_OK);
	for (uint64_t since = 1; since < 100; since++) {
		struct receipt_ask ask = { .since = since };
		struct receipt_answer answer;
		begin(w);
		receipt_read(&w->store, &ask, &w->arena, &answer);
		commit(w);
		assert_int_equal(answer.first, since > 90 ? 10 : (since + 9) / 10);
		assert_int_equal(answer.last, 9);
		assert_int_equal(answer.records.len, 10 - answer.first);
	}
	world_close(w);
}

static void nothing_is_signed_that_is_not_there(void **state)
{
	static const struct {
		const char *id;
		uint64_t record;
	} asks[] = { { "", 2 }, { "", UINT64_MAX }, { "0000000000001001", 2 }, { "x", 1 },
		{ "0000000000001000", 0 } };
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	for (size_t i = 0; i < count_of(asks); i++) {
		struct receipt_sign_ask ask = { .id = str_of(asks[i].id),
			.record = asks[i].record };
		struct receipt_sign_answer answer;
		begin(w);
		receipt_sign(&w->store, &ask, &w->arena, &answer);
		commit(w);
		assert_int_equal(answer.outcome, CTL_NOT_FOUND);
		assert_int_equal(answer.statement.len, 0);
	}
	world_close(w);
}

static void a_row_changed_in_the_database_is_found_out(void **state)
{
	struct world *w = world_open();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_int_equal(sqlite3_exec(w->store.db.handle,
				 "UPDATE receipt SET text = replace(text, 'desk', 'disk') WHERE "
				 "number = 2",
				 NULL, NULL, NULL),
		SQLITE_OK);
	struct buf file = export_chain(w);
	struct receipt_verdict v = verify(w, &file);
	assert_int_equal(v.fault, RECEIPT_CHANGED);
	assert_int_equal(v.record, 2);
	world_close(w);
}

/* --- an older database --- */

enum { BEFORE_RECEIPTS = 3 };

static void a_database_from_before_receipts_keeps_its_mail(void **state)
{
	static const char rows[] =
		"INSERT INTO account VALUES (1, 'ada@example.test', '" HASH "', 0, 0);"
		"INSERT INTO message (number, id, account, sender, accepted, size, pieces, "
		"body_kind,"
		" smtputf8, requiretls, tls_required_no, envid, ret, subject, peer, helo, "
		"tls_version,"
		" cipher) VALUES (1, 4096, 1, 'ada@example.test', 0, 4, 1, 0, 0, 0, 0, '', 0, '', "
		"'',"
		" '', '', '');"
		"INSERT INTO recipient (number, address, destination, demands, account, state,"
		" next_attempt, event_at, deadline, notify, orcpt) VALUES (16384, "
		"'desk@hotel.test',"
		" 'hotel.test', 0, 0, 0, 0, 9e15, 9e15, 0, '');"
		"INSERT INTO body VALUES (65536, 'body');";
	struct world *w = world_open_with("");
	struct attempt attempt = sealed_attempt();
	sqlite3 *old;
	struct why why;

	(void)state;
	store_close(&w->store);
	assert_int_equal(unlink("store.db"), 0);
	assert_int_equal(sqlite3_open("store.db", &old), SQLITE_OK);
	assert_true(schema_migrate_to(old, BEFORE_RECEIPTS, &why));
	assert_int_equal(sqlite3_exec(old, rows, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(old, "SELECT 1 FROM receipt", NULL, NULL, NULL), SQLITE_ERROR);
	sqlite3_close(old);
	world_reopen(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM account"), 1);
	assert_true(claim(w, &w->delivery));
	assert_contains(job_text(w), "body");
	report_from(w, RESULT_DELIVERED, REASON_NONE, &attempt, TRANSMISSION_SEALED);
	assert_int_equal(read_all(w, "0000000000001000", 0).records.len, 1);
	assert_int_equal(assert_whole(w), 1);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sent_mail_leaves_how_it_was_sealed),
		cmocka_unit_test(a_success_report_carries_the_same_facts),
		cmocka_unit_test(a_received_mail_leaves_how_it_came),
		cmocka_unit_test(every_attempt_and_its_end_are_recorded),
		cmocka_unit_test(what_nobody_reported_is_recorded_too),
		cmocka_unit_test(only_what_carried_it_counts_as_transport),
		cmocka_unit_test(a_worker_that_lies_makes_no_broken_record),
		cmocka_unit_test(many_recipients_take_several_records),
		cmocka_unit_test(what_was_rolled_back_leaves_no_gap),
		cmocka_unit_test(the_log_is_told_what_is_committed),
		cmocka_unit_test(a_record_and_its_outcome_come_together_or_not_at_all),
		cmocka_unit_test(the_chain_goes_on_after_a_restart),
		cmocka_unit_test(receipts_outlive_the_queue),
		cmocka_unit_test(a_chain_cut_at_its_front_is_whole),
		cmocka_unit_test(removal_is_bounded_and_stops_at_the_first_young_one),
		cmocka_unit_test(a_removal_that_fails_removes_nothing),
		cmocka_unit_test(one_messages_receipt_stands_alone),
		cmocka_unit_test(records_come_since_a_time),
		cmocka_unit_test(nothing_is_signed_that_is_not_there),
		cmocka_unit_test(a_row_changed_in_the_database_is_found_out),
		cmocka_unit_test(a_database_from_before_receipts_keeps_its_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
