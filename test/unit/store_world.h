/* SPDX-License-Identifier: ISC
 *
 * store_world.h - a store in a folder of its own under /tmp, and the words tests need: accounts,
 * accept, work. Handlers are called directly, each in a batch of its own.
 */
#ifndef TEST_STORE_WORLD_H
#define TEST_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/accept.h"
#include "store/account.h"
#include "store/clean.h"
#include "store/identity.h"
#include "store/listing.h"
#include "store/notice.h"
#include "store/outcome.h"
#include "store/settle.h"
#include "store/work.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Every test uses some of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

#define HASH "$y$j9T$XIvKx5Wc5deJ0rSOl3ju40$Bvk6vQlQjMIt6H45zNzKi.ssy8KvVK.M6Hb5nRVGjm."

static const char world_text[] =
	"host_name = \"mx.example.test\"\n"
	"disk_reserve = 0\n"
	"domain \"example.test\" { secure = \"secure.example.test\" }\n"
	"domain \"xn--bcher-kva.test\" { secure = \"secure.xn--bcher-kva.test\" }\n"
	"domain \"plain.test\" {}\n";

struct world {
	char folder[64];
	struct settings *settings;
	struct store store;
	struct arena arena;
	struct worker delivery, mailbox;
	struct job job;
	int body;
	unsigned next_id;
};

static void world_reopen(struct world *w)
{
	struct why why;

	if (!store_open(&w->store, "store.db", w->settings, &why))
		fail_msg("%s", why.text);
	w->delivery = (struct worker){ .role = ROLE_DELIVERY };
	w->mailbox = (struct worker){ .role = ROLE_MAILBOX };
}

/* What kill -9 leaves: nothing is checkpointed, nothing is told. */
static void world_crash(struct world *w)
{
	w->store.db.failure = SQLITE_OK;
	database_rollback(&w->store.db);
	schedule_rolled_back(&w->store);
	store_close(&w->store);
	world_reopen(w);
}

static struct world *world_open_with(const char *more)
{
	struct world *w = calloc(1, sizeof *w);
	struct buf text = BUF(65536), errors = BUF(65536);

	assert_non_null(w);
	snprintf(w->folder, sizeof w->folder, "/tmp/siegel-store-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	assert_int_equal(chdir(w->folder), 0);
	buf_add(&text, str_of(more));
	buf_add(&text, str_of(world_text));
	w->settings = settings_parse(buf_str(&text), "test", &errors);
	if (!w->settings)
		fail_msg("%.*s", STR_ARG(buf_str(&errors)));
	buf_free(&text);
	buf_free(&errors);
	w->arena = ARENA(64 * 1024 * 1024);
	w->body = -1;
	world_reopen(w);
	return w;
}

static void world_close(struct world *w)
{
	char command[128];

	fd_close(&w->body);
	store_close(&w->store);
	settings_free(&w->settings);
	arena_free(&w->arena);
	assert_int_equal(chdir("/tmp"), 0);
	snprintf(command, sizeof command, "rm -rf %s", w->folder);
	assert_int_equal(system(command), 0);
	free(w);
}

static void begin(struct world *w)
{
	store_begin(&w->store);
}

static void commit(struct world *w)
{
	if (!store_commit(&w->store))
		fail_msg("commit failed: %d", w->store.db.failure);
}

static int64_t add_account(struct world *w, const char *address)
{
	struct user_add_ask ask = { .address = str_of(address), .hash = STR(HASH) };
	struct user_answer answer;

	begin(w);
	account_add(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, CTL_OK);
	return account_find(&w->store, str_of(address), &w->arena);
}

static void switch_alias(struct world *w, const char *address, bool on)
{
	struct alias_set_ask ask = {
		.address = str_of(address), .set = ALIAS_SET_ACTIVE, .active = on
	};
	struct user_answer answer;

	begin(w);
	account_set_alias(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, CTL_OK);
}

/* Ada has an account and an active alias; Bob an account. */
static struct world *world_open(void)
{
	struct world *w = world_open_with("");

	add_account(w, "ada@example.test");
	add_account(w, "bob@example.test");
	switch_alias(w, "ada@example.test", true);
	return w;
}

/* A message with one recipient; the test changes what it is about. */
struct mail {
	struct accept_ask ask;
	struct envelope_recipient to[8];
	struct text senders[4];
	struct str body;
	char id[17];
};

static struct mail mail(struct world *w, int64_t account, const char *from, const char *to)
{
	struct mail m = { .body = STR("Message-ID: <1@example.test>\r\nSubject: Hello\r\n"
				      "From: somebody\r\n\r\nGuten Tag\r\n") };

	snprintf(m.id, sizeof m.id, "%016x", 0x1000 + w->next_id++);
	m.ask.account = (uint64_t)account;
	m.ask.sender = str_of(from);
	m.senders[0].text = str_of(from);
	m.ask.header_senders.len = from[0] != '\0';
	m.to[0].address = str_of(to);
	m.ask.recipients.len = 1;
	m.ask.tls_version = STR("TLSv1.3");
	m.ask.cipher = STR("TLS_AES_256_GCM_SHA384");
	m.ask.subject = STR("Hello");
	m.ask.size = m.body.len;
	return m;
}

/* A mail is copied about until it is handed in; then its question points into it. */
static void stay_here(struct mail *m)
{
	m->ask.id = str_of(m->id);
	m->ask.recipients.at = m->to;
	m->ask.header_senders.at = m->senders;
}

static struct accept_answer hand_in(struct world *w, struct mail *m)
{
	struct accept_answer answer = { 0 };

	stay_here(m);
	scoped(fd_close) int fd = fd_memfd_of("body", m->body);
	begin(w);
	accept_message(&w->store, &m->ask, m->body, fd, 0, &w->arena, &answer);
	commit(w);
	return answer;
}

static void assert_taken(struct world *w, struct mail m)
{
	struct accept_answer answer = hand_in(w, &m);

	if (answer.outcome != ACCEPT_TAKEN)
		fail_msg("outcome %d: %d %.*s", (int)answer.outcome, (int)answer.code,
			STR_ARG(answer.text));
}

static void assert_refused(struct world *w, struct mail m, uint64_t code, const char *text)
{
	struct accept_answer answer = hand_in(w, &m);

	assert_int_equal(answer.outcome, ACCEPT_REFUSED);
	assert_int_equal(answer.code, code);
	if (!str_starts(answer.text, str_of(text)))
		fail_msg("%.*s", STR_ARG(answer.text));
}

/* Report (if ask has an outcome) and claim in one batch, as the loop does. */
static bool work(struct world *w, struct worker *worker, const struct work_ask *ask)
{
	bool found = false;

	fd_close(&w->body);
	begin(w);
	if (ask->has_outcome)
		outcome_report(&w->store, worker, ask);
	while (settle_clock(&w->store))
		;
	assert_true(settle_touched(&w->store));
	if (ask->wants_job)
		found = work_next(&w->store, worker, ask, &w->arena, &w->job, &w->body);
	commit(w);
	return found;
}

static bool claim(struct world *w, struct worker *worker)
{
	struct work_ask ask = { .wants_job = 1 };

	return work(w, worker, &ask);
}

/* One outcome for all recipients of the job in hand. */
static void report(struct world *w, struct worker *worker, enum result result, enum reason reason)
{
	struct recipient_outcome outcomes[CLAIM_RECIPIENTS_MAX] = { 0 };
	struct work_ask ask = { .has_outcome = 1, .id = w->job.id };

	for (size_t i = 0; i < w->job.recipients.len; i++)
		outcomes[i] =
			(struct recipient_outcome){ .recipient = w->job.recipients.at[i].recipient,
				.result = result,
				.reason = reason };
	ask.outcomes.at = outcomes;
	ask.outcomes.len = w->job.recipients.len;
	work(w, worker, &ask);
}

/* Let the clock of the rows go by: everything on disk moves into the past. */
static void pass(struct world *w, int64_t ms)
{
	char sql[512];

	snprintf(sql, sizeof sql,
		"UPDATE recipient SET next_attempt = next_attempt - %lld, event_at = event_at - "
		"%lld,"
		" deadline = deadline - %lld, tried = max(0, tried - %lld);"
		"UPDATE message SET accepted = accepted - %lld, remove_at = remove_at - %lld",
		(long long)ms, (long long)ms, (long long)ms, (long long)ms, (long long)ms,
		(long long)ms);
	assert_int_equal(sqlite3_exec(w->store.db.handle, sql, NULL, NULL, NULL), SQLITE_OK);
	w->store.started -= ms;
	for (size_t i = 0; i < w->store.schedule.room; i++)
		for (struct destination *d = w->store.schedule.table[i]; d; d = d->same_hash)
			d->down_until -= d->down_until ? ms : 0;
	w->store.db.failure = SQLITE_OK;
	assert_true(schedule_load(&w->store));
}

static int64_t sql_number(struct world *w, const char *sql)
{
	sqlite3_stmt *s = NULL;

	assert_int_equal(sqlite3_prepare_v2(w->store.db.handle, sql, -1, &s, NULL), SQLITE_OK);
	int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
	sqlite3_finalize(s);
	return n;
}

static struct str job_text(struct world *w)
{
	struct mapping body;
	struct why why;

	if (!fd_map_sealed(w->body, SIZE_MAX, &body, &why))
		fail_msg("%s", why.text);
	struct str text = arena_str(&w->arena, body.bytes);
	fd_unmap(&body);
	return text;
}

static void assert_contains(struct str text, const char *part)
{
	if (str_find_str(text, str_of(part)) == text.len)
		fail_msg("no \"%s\" in:\n%.*s", part, STR_ARG(text));
}

#endif
