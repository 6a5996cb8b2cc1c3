/* SPDX-License-Identifier: ISC
 *
 * test_dial.c - an address that doesn't answer costs its own time and nobody else's.
 */
#include "net/dial.h"

#include "base/clock.h"
#include "base/fd.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

static int connect_to(const struct sockaddr_in *there)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)connect(fd, (const struct sockaddr *)there, sizeof *there);
	return fd;
}

/* A listener whose queue is full: what comes now is not answered. */
struct deaf {
	int listener, callers[8];
	struct sockaddr_in address;
};

static void open_deaf(struct deaf *deaf)
{
	socklen_t size = sizeof deaf->address;

	deaf->address = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	deaf->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(deaf->listener, (struct sockaddr *)&deaf->address, size), 0);
	assert_int_equal(listen(deaf->listener, 0), 0);
	assert_int_equal(getsockname(deaf->listener, (struct sockaddr *)&deaf->address, &size), 0);
	for (size_t i = 0; i < count_of(deaf->callers); i++)
		deaf->callers[i] = connect_to(&deaf->address);
}

static void close_deaf(struct deaf *deaf)
{
	fd_close(&deaf->listener);
	for (size_t i = 0; i < count_of(deaf->callers); i++)
		fd_close(&deaf->callers[i]);
}

static void an_address_that_does_not_answer_is_given_its_time(void **state)
{
	struct dial_try tries[1] = { 0 };
	struct deaf deaf;
	int fd = -1;

	(void)state;
	open_deaf(&deaf);
	assert_true(ip_of_text(STR("127.0.0.1"), &tries[0].ip));
	int64_t before = clock_monotonic_ms();
	assert_int_equal(
		dial(tries, 1, ntohs(deaf.address.sin_port), 200, deadline_never(), &fd), -1);
	assert_true(clock_monotonic_ms() - before >= 200);
	assert_int_equal(tries[0].state, DIAL_TIMEOUT);
	close_deaf(&deaf);
}

static void no_address_is_waited_for_beyond_the_end(void **state)
{
	struct dial_try tries[3] = { 0 };
	struct deaf deaf;
	int fd = -1;

	(void)state;
	open_deaf(&deaf);
	for (size_t i = 0; i < count_of(tries); i++)
		assert_true(ip_of_text(STR("127.0.0.1"), &tries[i].ip));
	int64_t before = clock_monotonic_ms();
	assert_int_equal(dial(tries, count_of(tries), ntohs(deaf.address.sin_port), 20 * SECOND,
				 deadline_in(300), &fd),
		-1);
	int64_t took = clock_monotonic_ms() - before;
	assert_true(took >= 300 && took < 10 * SECOND);
	/* A quarter of a second apart: the third was never begun, and is not called deaf. */
	assert_int_equal(tries[0].state, DIAL_TIMEOUT);
	assert_int_equal(tries[2].state, DIAL_UNTRIED);
	close_deaf(&deaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_that_does_not_answer_is_given_its_time),
		cmocka_unit_test(no_address_is_waited_for_beyond_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
