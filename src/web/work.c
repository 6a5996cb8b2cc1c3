/* SPDX-License-Identifier: ISC
 *
 * work.c - see work.h. First come, first served, but for those whose owner has his threads already.
 */
#include "web/work.h"

#include "base/must.h"
#include "base/thread.h"

/* A thread. */
struct worker {
	struct worker *next;
	struct workers *of;
	const void *whose; /* what it works on */
};

struct workers {
	size_t most, most_of_one, most_waiting, stack;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t come;
	size_t threads, idle, waiting;
	struct task *first, **last;
	struct worker *all;
};

struct workers *workers_new(size_t threads, size_t threads_of_one, size_t waiting, size_t stack)
{
	struct workers *workers = must_alloc(sizeof *workers);

	workers->most = threads;
	workers->most_of_one = threads_of_one;
	workers->most_waiting = waiting;
	workers->stack = stack;
	workers->last = &workers->first;
	must(pthread_mutex_init(&workers->lock, NULL) == 0);
	condition_init(&workers->come);
	return workers;
}

/* These with the lock held. */

static bool may_run(const struct workers *workers, const struct task *task)
{
	size_t running = 0;

	for (const struct worker *worker = workers->all; task->whose && worker;
		worker = worker->next)
		running += worker->whose == task->whose;
	return running < workers->most_of_one;
}

/* The first of the line that may run; NULL: none. */
static struct task *take(struct workers *workers)
{
	for (struct task **at = &workers->first; *at; at = &(*at)->next) {
		struct task *task = *at;

		if (!may_run(workers, task))
			continue;
		*at = task->next;
		if (!task->next)
			workers->last = at;
		workers->waiting--;
		return task;
	}
	return NULL;
}

/* What an owner waits for is that one of his tasks ends: who did it looks here next, so that nobody
 * need be woken for it. */
static struct task *next_task(struct worker *worker)
{
	struct workers *workers = worker->of;
	struct task *task;

	pthread_mutex_lock(&workers->lock);
	worker->whose = NULL;
	workers->idle++;
	while (!(task = take(workers)))
		condition_wait(&workers->come, &workers->lock, deadline_never());
	workers->idle--;
	worker->whose = task->whose;
	pthread_mutex_unlock(&workers->lock);
	return task;
}

static _Noreturn void *work(void *argument)
{
	struct worker self = { .of = argument };

	pthread_mutex_lock(&self.of->lock);
	self.next = self.of->all;
	self.of->all = &self;
	pthread_mutex_unlock(&self.of->lock);
	for (;;) {
		struct task *task = next_task(&self);
		task->run(task);
	}
}

bool workers_add(struct workers *workers, struct task *task)
{
	pthread_mutex_lock(&workers->lock);
	if (workers->waiting >= workers->idle && workers->threads < workers->most &&
		thread_start(work, workers, workers->stack))
		workers->threads++;
	bool taken = workers->threads && workers->waiting < workers->most_waiting;
	if (taken) {
		task->next = NULL;
		*workers->last = task;
		workers->last = &task->next;
		workers->waiting++;
		pthread_cond_signal(&workers->come);
	}
	pthread_mutex_unlock(&workers->lock);
	return taken;
}
