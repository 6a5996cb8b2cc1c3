/* SPDX-License-Identifier: ISC
 *
 * pool.c - threads that talk. A session is run by one thread at a time; between two runs it
 * belongs to the queue here or to the parking, never to both.
 */
#include "smtpd/pool.h"

#include "base/log.h"
#include "base/must.h"
#include "smtpd/limits.h"
#include <pthread.h>
#include <time.h>

struct pool {
	void (*parked)(void *context, struct session *s);
	void *context;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work;
	struct session *first, *last;
	uint64_t queued, threads, idle, most;
};

struct pool *pool_new(void (*parked)(void *context, struct session *s), void *context)
{
	struct pool *pool = must_alloc(sizeof *pool);
	pthread_condattr_t attributes;

	pool->parked = parked;
	pool->context = context;
	pool->most = 1;
	must(pthread_mutex_init(&pool->lock, NULL) == 0);
	must(pthread_condattr_init(&attributes) == 0);
	must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&pool->work, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
	return pool;
}

void pool_set_most(struct pool *pool, uint64_t most)
{
	pthread_mutex_lock(&pool->lock);
	pool->most = most;
	pthread_mutex_unlock(&pool->lock);
}

/* With the lock held. */
static struct session *take_first(struct pool *pool)
{
	struct session *s = pool->first;

	if (!s)
		return NULL;
	pool->first = s->next;
	pool->queued--;
	if (!pool->first) {
		pool->last = NULL;
		atomic_store_explicit(&s->house->crowded, false, memory_order_relaxed);
	}
	s->next = NULL;
	return s;
}

/* The next session, with the lock held; NULL when there was none for a while. */
static struct session *wait_for_work(struct pool *pool)
{
	struct deadline until = deadline_in(THREAD_IDLE_MS);
	struct timespec at = { .tv_sec = until.at / 1000, .tv_nsec = until.at % 1000 * 1000000 };
	struct session *s = take_first(pool);

	while (!s) {
		pool->idle++;
		int result = pthread_cond_timedwait(&pool->work, &pool->lock, &at);
		pool->idle--;
		s = take_first(pool);
		if (result != 0 && !s)
			return NULL;
	}
	return s;
}

static void *work(void *argument)
{
	struct pool *pool = argument;
	struct session *s;

	pthread_mutex_lock(&pool->lock);
	while ((s = wait_for_work(pool))) {
		pthread_mutex_unlock(&pool->lock);
		if (session_run(s) == SESSION_PARKED)
			pool->parked(pool->context, s);
		else
			session_free(&s);
		pthread_mutex_lock(&pool->lock);
	}
	pool->threads--;
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* With the lock held: one more thread. Where the system has none left, the work waits. */
static bool add_thread(struct pool *pool)
{
	pthread_attr_t attributes;
	pthread_t thread;

	must(pthread_attr_init(&attributes) == 0);
	must(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
#ifndef SANITIZED
	must(pthread_attr_setstacksize(&attributes, THREAD_STACK) == 0);
#endif
	int error = pthread_create(&thread, &attributes, work, pool);
	pthread_attr_destroy(&attributes);
	if (error)
		LOG(LOG_WARNING, "no-thread", log_u64("threads", pool->threads));
	else
		pool->threads++;
	return error == 0;
}

void pool_add(struct pool *pool, struct session *s)
{
	struct house *house = s->house;

	s->queued_at = clock_monotonic_ms();
	s->next = NULL;
	pthread_mutex_lock(&pool->lock);
	if (pool->last)
		pool->last->next = s;
	else
		pool->first = s;
	pool->last = s;
	pool->queued++;
	/* Every idle thread, waking or not, will look here once: one for each that is queued. */
	if (pool->idle >= pool->queued) {
		pthread_cond_signal(&pool->work);
	} else if (pool->threads >= pool->most || !add_thread(pool)) {
		atomic_store_explicit(&house->crowded, true, memory_order_relaxed);
	}
	pthread_mutex_unlock(&pool->lock);
}

struct session *pool_take_tired(struct pool *pool, int64_t ms)
{
	struct session *s = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->first && clock_monotonic_ms() - pool->first->queued_at >= ms)
		s = take_first(pool);
	pthread_mutex_unlock(&pool->lock);
	return s;
}
