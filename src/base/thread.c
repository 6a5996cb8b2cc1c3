/* SPDX-License-Identifier: ISC
 *
 * thread.c - what pthreads ask for in several calls each time.
 */
#include "base/thread.h"

#include "base/must.h"
#include <errno.h>
#include <time.h>

#ifdef SANITIZED
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	must(pthread_condattr_init(&attributes) == 0);
	must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(condition, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
}

bool condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, struct deadline deadline)
{
	struct timespec until = { .tv_sec = deadline.at / SECOND,
		.tv_nsec = deadline.at % SECOND * 1000000 };

	if (deadline.at == INT64_MAX)
		return pthread_cond_wait(condition, lock) == 0;
	return pthread_cond_timedwait(condition, lock, &until) != ETIMEDOUT;
}

bool thread_start(void *(*run)(void *argument), void *argument, size_t stack)
{
	pthread_attr_t attributes;
	pthread_t thread;

	must(pthread_attr_init(&attributes) == 0);
	must(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
	if (stack && !sanitized)
		must(pthread_attr_setstacksize(&attributes, stack) == 0);
	int error = pthread_create(&thread, &attributes, run, argument);
	pthread_attr_destroy(&attributes);
	return error == 0;
}
