/* SPDX-License-Identifier: ISC
 *
 * work.c - see work.h. First come, first served.
 */
#include "web/work.h"

#include "base/must.h"
#include "base/thread.h"

struct workers {
	size_t most, most_waiting, stack;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t come;
	size_t threads, idle, waiting;
	struct task *first, **last;
};

struct workers *workers_new(size_t threads, size_t waiting, size_t stack)
{
	struct workers *workers = must_alloc(sizeof *workers);

	workers->most = threads;
	workers->most_waiting = waiting;
	workers->stack = stack;
	workers->last = &workers->first;
	must(pthread_mutex_init(&workers->lock, NULL) == 0);
	condition_init(&workers->come);
	return workers;
}

static struct task *next_task(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->idle++;
	while (!workers->first)
		condition_wait(&workers->come, &workers->lock, deadline_never());
	struct task *task = workers->first;
	workers->first = task->next;
	if (!workers->first)
		workers->last = &workers->first;
	workers->waiting--;
	workers->idle--;
	pthread_mutex_unlock(&workers->lock);
	return task;
}

static _Noreturn void *work(void *argument)
{
	for (;;) {
		struct task *task = next_task(argument);
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
