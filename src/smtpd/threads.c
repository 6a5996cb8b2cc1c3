/* SPDX-License-Identifier: ISC
 *
 * threads.c - threads that talk. A session is run by one thread at a time; between two runs it
 * belongs to the queue here or to the parking, never to both.
 */
#include "smtpd/threads.h"

#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include "smtpd/limits.h"

struct threads {
	void (*parked)(void *context, struct session *s);
	void *context;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work;
	struct session *first, *last;
	uint64_t queued, threads, idle, most;
};

struct threads *threads_new(void (*parked)(void *context, struct session *s), void *context)
{
	struct threads *threads = must_alloc(sizeof *threads);

	threads->parked = parked;
	threads->context = context;
	threads->most = 1;
	must(pthread_mutex_init(&threads->lock, NULL) == 0);
	condition_init(&threads->work);
	return threads;
}

void threads_set_most(struct threads *threads, uint64_t most)
{
	pthread_mutex_lock(&threads->lock);
	threads->most = most;
	pthread_mutex_unlock(&threads->lock);
}

/* With the lock held. */
static struct session *take_first(struct threads *threads)
{
	struct session *s = threads->first;

	if (!s)
		return NULL;
	threads->first = s->next;
	threads->queued--;
	if (!threads->first) {
		threads->last = NULL;
		atomic_store_explicit(&s->house->crowded, false, memory_order_relaxed);
	}
	s->next = NULL;
	return s;
}

/* The next session, with the lock held; NULL when there was none for a while. */
static struct session *wait_for_work(struct threads *threads)
{
	struct deadline until = deadline_in(THREAD_IDLE_MS);
	struct session *s = take_first(threads);

	while (!s) {
		threads->idle++;
		bool in_time = condition_wait(&threads->work, &threads->lock, until);
		threads->idle--;
		s = take_first(threads);
		if (!in_time && !s)
			return NULL;
	}
	return s;
}

static void *work(void *argument)
{
	struct threads *threads = argument;
	struct session *s;

	pthread_mutex_lock(&threads->lock);
	while ((s = wait_for_work(threads))) {
		pthread_mutex_unlock(&threads->lock);
		if (session_run(s) == SESSION_PARKED)
			threads->parked(threads->context, s);
		else
			session_free(&s);
		pthread_mutex_lock(&threads->lock);
	}
	threads->threads--;
	pthread_mutex_unlock(&threads->lock);
	return NULL;
}

/* With the lock held: one more thread. Where the system has none left, the work waits. */
static bool add_thread(struct threads *threads)
{
	bool started = thread_start(work, threads, THREAD_STACK);

	if (started)
		threads->threads++;
	else
		LOG(LOG_WARNING, "no-thread", log_u64("threads", threads->threads));
	return started;
}

void threads_add(struct threads *threads, struct session *s)
{
	struct house *house = s->house;

	s->queued_at = clock_monotonic_ms();
	s->next = NULL;
	pthread_mutex_lock(&threads->lock);
	if (threads->last)
		threads->last->next = s;
	else
		threads->first = s;
	threads->last = s;
	threads->queued++;
	/* Every idle thread, waking or not, will look here once: one for each that is queued. */
	if (threads->idle >= threads->queued) {
		pthread_cond_signal(&threads->work);
	} else if (threads->threads >= threads->most || !add_thread(threads)) {
		atomic_store_explicit(&house->crowded, true, memory_order_relaxed);
	}
	pthread_mutex_unlock(&threads->lock);
}

struct session *threads_take_tired(struct threads *threads, int64_t ms)
{
	struct session *s = NULL;

	pthread_mutex_lock(&threads->lock);
	if (threads->first && clock_monotonic_ms() - threads->first->queued_at >= ms)
		s = take_first(threads);
	pthread_mutex_unlock(&threads->lock);
	return s;
}
