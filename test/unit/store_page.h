/* SPDX-License-Identifier: ISC
 *
 * store_page.h - an account at its pages, in a store_world: it sends, takes back, and looks.
 */
#ifndef TEST_STORE_PAGE_H
#define TEST_STORE_PAGE_H

#include "store_world.h"

#include "store/send.h"
#include "store/sent.h"
#include "store/take.h"

#define PAGE_ID	     "0123456789abcdefghij"
#define PAGE_ID_MORE "0123456789abcdefghik"

static const char page_body[] =
	"From: Ada <ada@example.test>\r\nSubject: Hello\r\n\r\nGuten Tag\r\n";
static const char alias_body[] = "From: Ada <ada@secure.example.test>\r\n\r\nGuten Tag\r\n";

/* A mail that a page has composed; the test changes what it is about. */
struct page_mail {
	struct send_ask ask;
	struct text to[8];
	struct str body;
};

static struct page_mail page_mail(const char *from, const char *to)
{
	struct page_mail m = { .body = str_of(
				       str_find_str(str_of(from), STR("secure")) < str_of(from).len
					       ? alias_body
					       : page_body) };

	m.ask = (struct send_ask){ .sent = STR(PAGE_ID),
		.revision = 1,
		.sender = str_of(from),
		.subject = STR("Hello"),
		.hold_ms = 10000,
		.peer = STR("198.51.100.7"),
		.tls_version = STR("TLSv1.3"),
		.cipher = STR("TLS_AES_256_GCM_SHA384") };
	m.to[0].text = str_of(to);
	m.ask.recipients.len = 1;
	return m;
}

/* As calls_page.c does it, within a batch that the test has begun. */
static struct send_answer page_send_in(struct world *w, int64_t account, struct page_mail *m)
{
	struct caller caller = { .call = CALL_send,
		.arena = ARENA(64 * 1024 * 1024),
		.fd_in = fd_memfd_of("body", m->body),
		.fd_out = -1 };

	m->ask.recipients.at = m->to;
	caller.ask.send = m->ask;
	caller.state = CALLER_ANSWERED;
	if (send_begin(&w->store, &caller, account)) {
		bool decided = take_message(&w->store, &caller);
		while (!decided)
			decided = take_slice(&w->store, &caller);
		send_finish(&w->store, &caller);
	}
	struct send_answer answer = caller.answer.send;
	answer.id = arena_str(&w->arena, answer.id);
	answer.text = arena_str(&w->arena, answer.text);
	fd_unmap(&caller.staging.body);
	fd_close(&caller.fd_in);
	arena_free(&caller.arena);
	return answer;
}

static struct send_answer page_send(struct world *w, int64_t account, struct page_mail m)
{
	begin(w);
	struct send_answer answer = page_send_in(w, account, &m);
	commit(w);
	return answer;
}

static struct str page_sends(struct world *w, int64_t account, struct page_mail m)
{
	struct send_answer answer = page_send(w, account, m);

	if (answer.outcome != WEB_OK)
		fail_msg("outcome %d: %.*s", (int)answer.outcome, STR_ARG(answer.text));
	assert_int_equal(answer.id.len, 16);
	return answer.id;
}

static uint64_t page_undo_in(struct world *w, int64_t account, const char *sent)
{
	struct text id = { str_of(sent) };
	struct sent_ask ask = { .sent = { &id, 1 } };
	struct send_answer answer;

	send_undo(&w->store, account, &ask, &w->arena, &answer);
	return answer.outcome;
}

static uint64_t page_undo(struct world *w, int64_t account, const char *sent)
{
	begin(w);
	uint64_t outcome = page_undo_in(w, account, sent);
	commit(w);
	return outcome;
}

/* The hold is over. */
static void page_pass(struct world *w, int64_t ms)
{
	char sql[128];

	pass(w, ms);
	snprintf(sql, sizeof sql,
		"UPDATE sent SET held_until = held_until - %lld, accepted = accepted - %lld",
		(long long)ms, (long long)ms);
	assert_int_equal(sqlite3_exec(w->store.db.handle, sql, NULL, NULL, NULL), SQLITE_OK);
}

static struct sent_answer page_look(struct world *w, int64_t account, const char *sent)
{
	struct text id = { str_of(sent) };
	struct sent_ask ask = { .sent = { &id, sent[0] != '\0' } };
	struct sent_answer answer;

	w->store.db.failure = SQLITE_OK;
	sent_show(&w->store, account, &ask, &w->arena, &answer);
	assert_int_equal(w->store.db.failure, SQLITE_OK);
	return answer;
}

static struct sent_recipient page_look_at_one(struct world *w, int64_t account)
{
	struct sent_answer answer = page_look(w, account, PAGE_ID);

	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.items.len, 1);
	assert_int_equal(answer.items.at[0].recipients.len, 1);
	return answer.items.at[0].recipients.at[0];
}

/* Report the job in hand as delivered by this host, over what this attempt says. */
static void report_over(struct world *w, enum result result, enum reason reason,
	struct attempt attempt, enum transmission transmission)
{
	struct recipient_outcome outcome = { .recipient = w->job.recipients.at[0].recipient,
		.result = result,
		.reason = reason,
		.host = attempt.host,
		.code = STR("2.0.0"),
		.said = attempt.said,
		.transmission = transmission };
	struct work_ask ask = { .has_outcome = 1,
		.id = w->job.id,
		.outcomes = { &outcome, 1 },
		.attempts = { &attempt, 1 } };

	attempt.time = (uint64_t)clock_wall_ms();
	work(w, &w->delivery, &ask);
}

static struct attempt sealed_attempt(const char *host, const char *proven_by)
{
	return (struct attempt){ .host = str_of(host),
		.address = STR("192.0.2.25"),
		.port = 25,
		.verdict = VERDICT_ACCEPTED,
		.tls_version = STR("TLSv1.3"),
		.cipher = STR("TLS_AES_256_GCM_SHA384"),
		.proven_by = str_of(proven_by),
		.said = STR("250 ok") };
}

#endif
