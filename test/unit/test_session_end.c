/* SPDX-License-Identifier: ISC
 *
 * test_session_end.c - every session ends, however its peer spends the time: a deadline is for a
 * whole command, and for a whole session, and nothing that arrives moves it.
 */
#include "smtpd_world.h"

#include "base/log.h"
#include "smtpd/limits.h"
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char heard[1 << 16];

struct talker {
	int fd;
	const char *words; /* said again and again until nobody listens */
	long pause_ns;
};

static void *talk(void *of)
{
	const struct talker *talker = of;
	const struct timespec pause = { .tv_nsec = talker->pause_ns };

	while (send(talker->fd, talker->words, strlen(talker->words), MSG_NOSIGNAL) > 0)
		nanosleep(&pause, NULL);
	return NULL;
}

static void hear_all(int fd)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, heard + n, sizeof heard - 1 - n)) > 0)
		n += (size_t)got;
	heard[n] = '\0';
	close(fd);
}

/* Run a session against a talker until it ends. */
static void run_against(struct talker talker, const char *first)
{
	pthread_t thread;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	talker.fd = ends[0];
	assert_true(fd_write_all(ends[0], str_of(first)));
	struct session *s = world_session(LISTENER_MX, plain_of(ends[1]));
	assert_int_equal(pthread_create(&thread, NULL, talk, &talker), 0);
	while (session_run(s) == SESSION_PARKED)
		;
	session_free(&s);
	pthread_join(thread, NULL);
	hear_all(ends[0]);
}

static void one_octet_at_a_time_holds_no_session(void **state)
{
	(void)state;
	world_settings.command_deadline = 40;
	run_against((struct talker){ .words = "x", .pause_ns = 1000000 }, "");
	assert_non_null(strstr(heard, "421 4.4.2 "));
}

static void commands_without_end_end_with_the_session(void **state)
{
	(void)state;
	world_settings.session_deadline = 40;
	run_against((struct talker){ .words = "NOOP\r\n", .pause_ns = 1000000 }, "EHLO c.test\r\n");
	assert_non_null(strstr(heard, "421 4.4.2 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			one_octet_at_a_time_holds_no_session, world_begin, world_end),
		cmocka_unit_test_setup_teardown(
			commands_without_end_end_with_the_session, world_begin, world_end),
	};

	signal(SIGPIPE, SIG_IGN);
	log_open("test", LOG_ALARM);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
