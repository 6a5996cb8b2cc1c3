/* SPDX-License-Identifier: ISC
 *
 * test_base_thread.c - a wait ends with the signal or at its deadline, whichever comes first.
 */
#include "base/thread.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int ran;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void a_wait_ends_at_its_deadline(void **state)
{
	struct deadline deadline = deadline_in(20);

	(void)state;
	pthread_mutex_lock(&shared.lock);
	while (condition_wait(&shared.changed, &shared.lock, deadline))
		;
	assert_true(deadline_passed(deadline));
	assert_false(condition_wait(&shared.changed, &shared.lock, deadline_in(-1)));
	pthread_mutex_unlock(&shared.lock);
}

static void *run(void *argument)
{
	pthread_mutex_lock(&shared.lock);
	shared.ran += *(const int *)argument;
	pthread_cond_broadcast(&shared.changed);
	pthread_mutex_unlock(&shared.lock);
	return NULL;
}

static void a_thread_runs_and_its_signal_is_heard(void **state)
{
	static const int one = 1;

	(void)state;
	assert_true(thread_start(run, (void *)&one, 0));
	assert_true(thread_start(run, (void *)&one, 256 * 1024));
	pthread_mutex_lock(&shared.lock);
	while (shared.ran < 2)
		condition_wait(&shared.changed, &shared.lock, deadline_never());
	pthread_mutex_unlock(&shared.lock);
}

static int make_condition(void **state)
{
	(void)state;
	condition_init(&shared.changed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_ends_at_its_deadline),
		cmocka_unit_test(a_thread_runs_and_its_signal_is_heard),
	};

	return cmocka_run_group_tests(tests, make_condition, NULL);
}
