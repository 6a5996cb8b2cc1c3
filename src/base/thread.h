/* SPDX-License-Identifier: ISC
 *
 * thread.h - threads that nobody joins, and conditions that are waited for until a deadline: by
 * its clock, so that a wall clock that is set wakes nobody and holds nobody up.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include "base/clock.h"
#include <pthread.h>

/* A condition for condition_wait. */
void condition_init(pthread_cond_t *condition);
/* Wait, the lock held, for a signal or until the deadline; may return before either. False: the
 * deadline has passed. */
bool condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, struct deadline deadline);

/* Start a thread that nobody joins, with so many bytes of stack; 0, or under a sanitizer, which
 * needs more: the system's default. False: the system has no room for one. */
bool thread_start(void *(*run)(void *argument), void *argument, size_t stack) must_use;

#endif
