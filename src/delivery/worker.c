/* SPDX-License-Identifier: ISC
 *
 * worker.c - claim, deliver, report: one thread each, straight. Every worker has a connection to
 * the store of its own, since what it claimed ends with it; the report of one job and the wish
 * for the next are one call. One worker more than there is work for waits in that call.
 * A report that can't be told because the store went away is told to the next store; and what
 * that one hands out again although it was sent, or is being sent, is known by the ledger.
 */
#include "delivery/worker.h"

#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include "delivery/deliver.h"
#include <stdlib.h>
#include <time.h>

enum {
	POLL_MS = 30 * SECOND,
	ANSWER_MS = 30 * SECOND, /* beyond the poll */
	PAUSE_MS = 300,		 /* before asking again where asking failed */
	LOOK_MS = 50,		 /* between looks at `committing`, which has no condition */
	TELL_MS = 2 * MINUTE,	 /* for how long a report is carried from store to store */
	SPARE_WORKERS = 2,	 /* that wait without work before one of them ends */
	ARENA_MAX = 16 * 1024 * 1024,
	STACK = 256 * 1024,
};

struct delivery {
	struct client *client;
	struct pool *pool;
	struct ledger *ledger;
	atomic_int committing; /* messages a peer may have and the store doesn't know of */
	pthread_mutex_t lock;  /* guards all below */
	pthread_cond_t changed;
	struct config *config;
	unsigned workers, idle;
	bool stopping;
};

struct worker {
	struct delivery *delivery;
	struct client_connection *connection;
	struct arena arenas[2]; /* of the job in hand with its report, and of the next */
	unsigned turn;
	struct job job;
	struct work_ask report;	    /* has_outcome: to be told */
	struct ledger_entry *entry; /* of the job in hand */
	bool committed;		    /* it is counted in `committing` */
	bool same_store;	    /* the one that handed the job out is still there */
	struct deadline tell;	    /* the report is dropped after this */
};

struct delivery *delivery_new(struct client *client, struct config *config)
{
	struct delivery *d = must_alloc(sizeof *d);

	d->client = client;
	d->ledger = ledger_new();
	d->config = config;
	pthread_mutex_init(&d->lock, NULL);
	condition_init(&d->changed);
	return d;
}

struct config *delivery_config(struct delivery *d)
{
	pthread_mutex_lock(&d->lock);
	struct config *config = config_hold(d->config);
	pthread_mutex_unlock(&d->lock);
	return config;
}

void delivery_reconfigure(struct delivery *d, struct config *config)
{
	pthread_mutex_lock(&d->lock);
	struct config *old = d->config;
	resolver_inherit_health(config->resolver, old->resolver);
	d->config = config;
	pthread_mutex_unlock(&d->lock);
	pool_empty(d->pool);
	config_release(&old);
}

static bool is_stopping(struct delivery *d)
{
	pthread_mutex_lock(&d->lock);
	bool stopping = d->stopping;
	pthread_mutex_unlock(&d->lock);
	return stopping;
}

static void *work(void *argument);

/* Called with the lock held. */
static void add_worker(struct delivery *d)
{
	if (thread_start(work, d, STACK)) {
		d->workers++;
		d->idle++;
	}
}

/* A job was taken: somebody else must be waiting for the next one. */
static void leave_idle(struct delivery *d)
{
	pthread_mutex_lock(&d->lock);
	d->idle--;
	if (!d->idle && !d->stopping && d->workers < d->config->settings->delivery_connections)
		add_worker(d);
	pthread_mutex_unlock(&d->lock);
}

static void enter_idle(struct delivery *d)
{
	pthread_mutex_lock(&d->lock);
	d->idle++;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

/* Nothing to do for a whole poll: may this thread end? */
static bool leave_if_spare(struct delivery *d)
{
	pthread_mutex_lock(&d->lock);
	bool spare = d->stopping || d->idle > SPARE_WORKERS;
	if (spare) {
		d->idle--;
		d->workers--;
		pthread_cond_broadcast(&d->changed);
	}
	pthread_mutex_unlock(&d->lock);
	return spare;
}

static void forget_report(struct worker *w, bool told)
{
	ledger_close(w->delivery->ledger, &w->entry, told && w->same_store);
	w->report = (struct work_ask){ 0 };
	if (w->committed)
		atomic_fetch_sub(&w->delivery->committing, 1);
	w->committed = false;
}

/* Tell what became of the job in hand, take the next one. False: the connection is broken; a
 * report is still in hand. */
static bool next(struct worker *w, int *body, bool *waited, struct why *why)
{
	struct arena *arena = &w->arenas[!w->turn];
	bool stopping = is_stopping(w->delivery);
	struct job job = { 0 };

	arena_reset(arena);
	w->report.wants_job = !stopping;
	/* An outcome's commit is heard of at once, not with the next job. */
	w->report.wait_ms = stopping || w->report.has_outcome ? 0 : POLL_MS;
	*waited = stopping || w->report.wait_ms > 0;
	if (w->committed) { /* and with it a connection to go on with */
		w->report.prefer_destination = w->job.destination;
		w->report.prefer_demands = w->job.demands;
	}
	if (!call_work_on(w->connection, &w->report, -1, arena, &job, body,
		    deadline_in((int64_t)w->report.wait_ms + ANSWER_MS), why))
		return false;
	forget_report(w, true);
	w->same_store = true;
	w->turn = !w->turn;
	w->job = job;
	return true;
}

/* The store went away. What was delivered is still to be told; anything else it hands out anew. */
static void lose_store(struct worker *w, const struct why *why)
{
	struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	LOG(LOG_WARNING, "store-lost", log_text("why", why->text));
	client_disconnect(&w->connection);
	w->same_store = false;
	if (w->report.has_outcome && (!w->committed || deadline_passed(w->tell)))
		forget_report(w, false);
	nanosleep(&pause, NULL);
}

static void deliver_job(struct worker *w, int body)
{
	struct config *config = delivery_config(w->delivery);
	struct mapping mapped;
	struct why why;

	w->report = (struct work_ask){ 0 };
	if (!fd_map_sealed(body, JOB_BODY_MAX, &mapped, &why)) {
		LOG(LOG_ALARM, "body-unreadable", log_str("mail", w->job.id),
			log_text("why", why.text));
		w->report.has_outcome = 1; /* without outcomes: the store takes all for later */
		w->report.id = w->job.id;
	} else {
		struct delivery *d = w->delivery;
		w->entry = ledger_open(d->ledger, &w->job);
		w->committed = deliver(config, d->pool, d->ledger, &w->job, mapped.bytes,
			&w->arenas[w->turn], &d->committing, &w->report);
		ledger_done(d->ledger, w->entry, &w->report);
		w->tell = deadline_in(TELL_MS);
		fd_unmap(&mapped);
	}
	config_release(&config);
}

/* One call and what it brings. False: this thread ends. */
static bool turn(struct worker *w)
{
	scoped(fd_close) int body = -1;
	struct delivery *d = w->delivery;
	struct why why = { "" };
	bool waited;

	if (!w->connection)
		w->connection = client_connect(d->client, deadline_in(POLL_MS), &why);
	if (!w->connection || !next(w, &body, &waited, &why)) {
		lose_store(w, &why);
		w->job = (struct job){ 0 };
		return !is_stopping(d) || w->report.has_outcome || !leave_if_spare(d);
	}
	if (!w->job.has_job)
		return !waited || !leave_if_spare(d);
	leave_idle(d);
	if (!is_stopping(d))
		deliver_job(w, body);
	enter_idle(d);
	return true;
}

static void *work(void *argument)
{
	struct worker w = { .delivery = argument,
		.arenas = { ARENA(ARENA_MAX), ARENA(ARENA_MAX) } };

	while (turn(&w))
		;
	forget_report(&w, false);
	client_disconnect(&w.connection);
	arena_free(&w.arenas[0]);
	arena_free(&w.arenas[1]);
	return NULL;
}

void delivery_serve(struct delivery *d)
{
	d->pool = pool_new(d->config->settings->delivery_connections);
	pthread_mutex_lock(&d->lock);
	add_worker(d);
	must(d->workers == 1);
	pthread_mutex_unlock(&d->lock);
}

void delivery_stop(struct delivery *d, struct deadline busy, struct deadline committing)
{
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	for (;;) {
		bool told = atomic_load(&d->committing) == 0;
		bool done = told && d->idle == d->workers;
		if (done || (told && deadline_passed(busy)) || deadline_passed(committing))
			break;
		condition_wait(&d->changed, &d->lock, deadline_in(LOOK_MS));
	}
	pthread_mutex_unlock(&d->lock);
	pool_empty(d->pool);
}
