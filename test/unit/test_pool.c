/* SPDX-License-Identifier: ISC
 *
 * test_pool.c - a kept connection serves the mail it was judged for and no other: policy.md
 * section 7, one thing changed at a time.
 */
#include "delivery/pool.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PORT = 25 };

static struct pool *pool;
/* Held by everybody here once and for all, so that nothing frees them. */
static struct config config = { .holders = 1000 }, reloaded = { .holders = 1000 };

static const struct pool_key key = { { "peer.test", 9 }, DEMAND_TLS, PORT, &config };

static struct route_host hosts[] = {
	{ .name = { "mx1.peer.test", 13 },
		.addresses = { { .bytes = { 192, 0, 2, 1 } } },
		.n_addresses = 1 },
	{ .name = { "mx2.peer.test", 13 },
		.addresses = { { .bytes = { 192, 0, 2, 2 } }, { .bytes = { 192, 0, 2, 3 } } },
		.n_addresses = 2 },
};
static const struct look_host named[] = {
	{ .of = &hosts[0], .basis = { "first", 5 } },
	{ .of = &hosts[1], .basis = { "second", 6 } },
};

/* A connection to 192.0.2.3 of mx2.peer.test as `key` wants it; *theirs is the peer's end. */
static struct peer *connected(int *theirs)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	*theirs = ends[1];
	struct peer *peer = peer_new(ends[0]);
	peer->domain = key.domain;
	peer->host = STR("mx2.peer.test");
	peer->basis = STR("second");
	peer->ip = hosts[1].addresses[1];
	peer->port = key.port;
	peer->wanted = key.wanted;
	peer->config = config_hold(&config);
	peer->expires = deadline_in(MINUTE);
	return peer;
}

static bool is_closed(int theirs)
{
	char bytes[64];

	while (recv(theirs, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
	return recv(theirs, bytes, 1, MSG_DONTWAIT) == 0;
}

static void end(struct peer *peer, int theirs)
{
	pool_keep(pool, &peer);
	pool_empty(pool);
	assert_true(is_closed(theirs));
	close(theirs);
}

static void no_other_mail_takes_the_connection(void **state)
{
	const struct pool_key others[] = {
		{ STR("other.test"), DEMAND_TLS, PORT, &config },
		{ STR("peer.test"), 0, PORT, &config },
		{ STR("peer.test"), DEMAND_TLS | DEMAND_AUTH, PORT, &config },
		{ STR("peer.test"), DEMAND_TLS, PORT + 1, &config },
		{ STR("peer.test"), DEMAND_TLS, PORT, &reloaded },
	};
	int theirs;
	struct peer *peer = connected(&theirs), *kept = peer;

	(void)state;
	pool_keep(pool, &kept);
	assert_null(kept);
	for (size_t i = 0; i < count_of(others); i++)
		assert_null(pool_take(pool, &others[i], named, 2));
	assert_ptr_equal(pool_take(pool, &key, named, 2), peer);
	assert_null(pool_take(pool, &key, named, 2)); /* it is taken */
	end(peer, theirs);
}

static void a_host_that_is_named_no_more_does_not_take_it(void **state)
{
	struct route_host renamed = hosts[1], moved = hosts[1];
	const struct look_host others[] = {
		named[0],
		{ .of = &renamed, .basis = named[1].basis },
		{ .of = &moved, .basis = named[1].basis },
	};
	int theirs;
	struct peer *peer = connected(&theirs), *kept = peer;

	(void)state;
	renamed.name = STR("mx3.peer.test");
	moved.n_addresses = 1;
	pool_keep(pool, &kept);
	for (size_t i = 0; i < count_of(others); i++)
		assert_null(pool_take(pool, &key, &others[i], 1));
	assert_null(pool_take(pool, &key, named, 0));
	assert_ptr_equal(pool_take(pool, &key, named, 2), peer);
	end(peer, theirs);
}

static void another_basis_does_not_take_it(void **state)
{
	const struct look_host others[] = {
		{ .of = &hosts[1], .basis = STR("") },
		{ .of = &hosts[1], .basis = STR("secon") },
		{ .of = &hosts[1], .basis = named[0].basis },
	};
	int theirs;
	struct peer *peer = connected(&theirs), *kept = peer;

	(void)state;
	pool_keep(pool, &kept);
	for (size_t i = 0; i < count_of(others); i++)
		assert_null(pool_take(pool, &key, &others[i], 1));
	assert_ptr_equal(pool_take(pool, &key, named, 2), peer);
	end(peer, theirs);
}

static void it_does_not_outlive_its_facts(void **state)
{
	int theirs;
	struct peer *peer = connected(&theirs);
	struct deadline end = deadline_in(50);

	(void)state;
	peer->expires = end;
	pool_keep(pool, &peer);
	while (!deadline_passed(end))
		usleep(1000);
	assert_null(pool_take(pool, &key, named, 2));
	close(theirs);
	peer = connected(&theirs);
	peer->expires = end;
	pool_keep(pool, &peer);
	assert_true(is_closed(theirs));
	close(theirs);
}

static void a_peer_that_speaks_unasked_has_ended_it(void **state)
{
	int theirs;
	struct peer *peer = connected(&theirs);

	(void)state;
	pool_keep(pool, &peer);
	assert_int_equal(send(theirs, "421 bye\r\n", 9, MSG_NOSIGNAL), 9);
	assert_null(pool_take(pool, &key, named, 2));
	assert_true(is_closed(theirs));
	close(theirs);
}

static void no_more_are_kept_than_there_is_room_for(void **state)
{
	int theirs[3];

	(void)state;
	for (size_t i = 0; i < count_of(theirs); i++) {
		struct peer *peer = connected(&theirs[i]);
		pool_keep(pool, &peer);
	}
	assert_true(is_closed(theirs[0])); /* the one kept longest */
	assert_false(is_closed(theirs[1]));
	pool_empty(pool);
	assert_true(is_closed(theirs[1]) && is_closed(theirs[2]));
	for (size_t i = 0; i < count_of(theirs); i++)
		close(theirs[i]);
}

static int open_pool(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	pool = pool_new(2);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_other_mail_takes_the_connection),
		cmocka_unit_test(a_host_that_is_named_no_more_does_not_take_it),
		cmocka_unit_test(another_basis_does_not_take_it),
		cmocka_unit_test(it_does_not_outlive_its_facts),
		cmocka_unit_test(a_peer_that_speaks_unasked_has_ended_it),
		cmocka_unit_test(no_more_are_kept_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, open_pool, NULL);
}
