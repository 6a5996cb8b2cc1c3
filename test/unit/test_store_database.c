/* SPDX-License-Identifier: ISC
 *
 * test_store_database.c - opening the database, where somebody else still has it.
 */
#include "store/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Hold the database as a store does, until something comes over `told`; say on `held` when. */
static _Noreturn void hold(const char *path, int held, int told)
{
	struct sql db;
	struct why why;
	char byte = 'h';

	alarm(30);
	if (!database_open(&db, path, &why) || write(held, &byte, 1) != 1)
		_exit(1);
	_exit(read(told, &byte, 1) == 1 ? 0 : 1);
}

static void a_store_that_is_still_dying_is_waited_for(void **state)
{
	char folder[] = "/tmp/siegel-database-XXXXXX", path[64];
	int held[2], told[2];
	char byte;
	struct sql db;
	struct why why;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/store.db", folder);
	assert_int_equal(pipe(held) | pipe(told), 0);
	pid_t first = fork();
	if (first == 0)
		hold(path, held[1], told[0]);
	assert_int_equal(read(held[0], &byte, 1), 1);
	/* The lock belongs to the other process: it must be gone for this one to get it. */
	pid_t releaser = fork();
	if (releaser == 0) {
		usleep(300000);
		_exit(write(told[1], "x", 1) == 1 ? 0 : 1);
	}
	bool opened = database_open(&db, path, &why);
	if (!opened)
		fail_msg("%s", why.text);
	sql_close(&db);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(waitpid(first, NULL, 0), first);
	assert_int_equal(waitpid(releaser, NULL, 0), releaser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_that_is_still_dying_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
