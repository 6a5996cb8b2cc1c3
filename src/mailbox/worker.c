/* SPDX-License-Identifier: ISC
 *
 * worker.c - one thread of the mailbox role: claim, deliver, report. Blocking and straight; the
 * number of threads bounds how many deliveries wait for the disk at once. The store decides what
 * a result leads to; here nothing is retried and nothing remembered between jobs but the
 * deliveries whose outcome isn't on the store's disk yet.
 */
#include "mailbox/worker.h"
#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include "mailbox/maildir.h"
#include "mailbox/sweep.h"
#include <fcntl.h>
#include <time.h>

enum {
	POLL_MS = 30 * SECOND,
	ANSWER_MS = 30 * SECOND, /* a store that is slower than this beyond the poll is stuck */
	PAUSE_MS = 500,		 /* before asking again where asking failed */
	SWEEP_AGE = 36 * HOUR,	 /* as Maildir's own rule has it */
	ARENA_MAX = 16 * 1024 * 1024,
};

struct mailbox {
	struct client *client;
	uint64_t threads;
	int root;		/* the directory that holds the domains */
	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t changed; /* a worker became idle */
	unsigned busy;		/* workers with an outcome to make or to tell */
	bool stopping;
};

/* What one worker holds between two calls. */
struct worker {
	struct mailbox *mailbox;
	struct client_connection *connection;
	struct arena arenas[2]; /* of the job in hand, and of the next */
	unsigned turn;
	struct job job;
	struct recipient_outcome *outcomes;
};

struct mailbox *mailbox_open(struct client *client, const struct settings *settings)
{
	struct mailbox *m = must_alloc(sizeof(*m));

	m->client = client;
	m->threads = settings->mailbox_threads;
	must(pthread_mutex_init(&m->lock, NULL) == 0);
	condition_init(&m->changed);
	return m;
}

static bool is_stopping(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	bool stopping = m->stopping;
	pthread_mutex_unlock(&m->lock);
	return stopping;
}

static void set_busy(struct mailbox *m, bool busy)
{
	pthread_mutex_lock(&m->lock);
	m->busy += busy ? 1u : -1u;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

static enum result result_of(const struct maildir_outcome *o)
{
	static const enum result results[] = { [MAILDIR_DELIVERED] = RESULT_DELIVERED,
		[MAILDIR_LATER] = RESULT_LATER,
		[MAILDIR_FAILED] = RESULT_FAILED };

	return results[o->result];
}

static void log_outcome(
	const struct job *job, const struct job_recipient *r, const struct maildir_outcome *o)
{
	if (o->result == MAILDIR_DELIVERED)
		LOG(LOG_INFO, "delivered", log_str("mail", job->id), log_str("to", r->address),
			log_str("mailbox", r->mailbox), log_u64("size", job->size));
	else
		LOG(LOG_WARNING, "not-delivered", log_str("mail", job->id),
			log_str("to", r->address), log_text("reason", reason_id(o->reason)),
			log_text("why", o->why.text));
}

static struct recipient_outcome outcome_of(
	struct worker *w, const struct job_recipient *r, const struct maildir_outcome *o)
{
	return (struct recipient_outcome){
		.recipient = r->recipient,
		.result = result_of(o),
		.reason = o->reason,
		.code = str_of(o->code),
		.said = arena_str(&w->arenas[w->turn], str_of(o->why.text)),
		.transmission = TRANSMISSION_NO_CONNECTION,
	};
}

static void deliver(struct worker *w, const struct mapping *body, const struct why *unreadable)
{
	struct job *job = &w->job;
	struct maildir_message message = { .id = job->id,
		.sender = job->sender,
		.body = body->bytes,
		.binary = job->body_kind == BODY_BINARYMIME };

	for (size_t i = 0; i < job->recipients.len; i++) {
		struct job_recipient *r = &job->recipients.at[i];
		struct maildir_outcome o = {
			.result = MAILDIR_LATER, .reason = REASON_LOCAL_FAULT, .code = "4.3.0"
		};

		if (unreadable)
			o.why = *unreadable;
		else
			o = maildir_deliver(w->mailbox->root, r->mailbox, r->address, &message);
		log_outcome(job, r, &o);
		w->outcomes[i] = outcome_of(w, r, &o);
	}
}

/* Deliver the job in hand; its outcomes are told by the next ask. */
static void work(struct worker *w, int body_fd)
{
	struct mapping body = { .bytes = { "", 0 } };
	struct why why;
	bool readable = fd_map_sealed(body_fd, JOB_BODY_MAX, &body, &why);

	w->outcomes =
		arena_array(&w->arenas[w->turn], w->job.recipients.len + 1, sizeof(*w->outcomes));
	must(w->outcomes); /* the arena holds a frame and this */
	deliver(w, &body, readable ? NULL : &why);
	if (readable)
		fd_unmap(&body);
}

static void settle(struct worker *w)
{
	for (size_t i = 0; i < w->job.recipients.len; i++)
		if (w->outcomes[i].result == RESULT_DELIVERED)
			maildir_settle(w->mailbox->root, w->job.recipients.at[i].mailbox,
				w->job.recipients.at[i].address, w->job.id);
}

static struct work_ask ask_for(const struct worker *w, bool wants_job)
{
	struct work_ask ask = { .wants_job = wants_job, .wait_ms = wants_job ? POLL_MS : 0 };

	if (w->job.has_job) {
		ask.wait_ms = 0; /* to hear of the commit at once, not with the next job */
		ask.has_outcome = true;
		ask.id = w->job.id;
		ask.outcomes.at = w->outcomes;
		ask.outcomes.len = w->job.recipients.len;
	}
	return ask;
}

/* Tell what became of the job in hand, take the next one. False: the connection is broken. */
static bool next(struct worker *w, int *body_fd, struct why *why)
{
	struct arena *arena = &w->arenas[!w->turn];
	struct work_ask ask = ask_for(w, !is_stopping(w->mailbox));
	struct deadline deadline = deadline_in((int64_t)ask.wait_ms + ANSWER_MS);
	struct job job = { 0 };
	bool told = w->job.has_job;

	arena_reset(arena);
	if (!call_work_on(w->connection, &ask, -1, arena, &job, body_fd, deadline, why))
		return false;
	if (told) {
		settle(w);
		set_busy(w->mailbox, false);
	}
	w->turn = !w->turn;
	w->job = job;
	if (job.has_job)
		set_busy(w->mailbox, true);
	return true;
}

/* Give up the job in hand: the store hands it out again when the connection ends. */
static void drop(struct worker *w, const struct why *why)
{
	struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	LOG(LOG_WARNING, "store-lost", log_text("why", why->text));
	if (w->job.has_job)
		set_busy(w->mailbox, false);
	w->job = (struct job){ 0 };
	client_disconnect(&w->connection);
	nanosleep(&pause, NULL);
}

static void *run(void *argument)
{
	struct worker w = { .mailbox = argument, .arenas = { ARENA(ARENA_MAX), ARENA(ARENA_MAX) } };
	struct why why;

	while (w.job.has_job || !is_stopping(w.mailbox)) {
		scoped(fd_close) int body_fd = -1;

		if (!w.connection)
			w.connection =
				client_connect(w.mailbox->client, deadline_in(POLL_MS), &why);
		if (!w.connection || !next(&w, &body_fd, &why))
			drop(&w, &why);
		else if (w.job.has_job)
			work(&w, body_fd);
	}
	client_disconnect(&w.connection);
	arena_free(&w.arenas[0]);
	arena_free(&w.arenas[1]);
	return NULL;
}

static void *run_sweep(void *argument)
{
	const struct mailbox *mailbox = argument;
	uint64_t n = sweep(mailbox->root, clock_wall_ms() - SWEEP_AGE);

	if (n)
		LOG(LOG_INFO, "swept", log_u64("files", n));
	return NULL;
}

void mailbox_serve(struct mailbox *mailbox)
{
	mailbox->root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(mailbox->root >= 0);
	must(thread_start(run_sweep, mailbox, 0));
	for (uint64_t i = 0; i < mailbox->threads; i++)
		must(thread_start(run, mailbox, 0));
}

void mailbox_stop(struct mailbox *m, struct deadline deadline)
{
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	while (m->busy && condition_wait(&m->changed, &m->lock, deadline))
		;
	pthread_mutex_unlock(&m->lock);
}
