/* SPDX-License-Identifier: ISC
 *
 * test_gate.c - who is let in, and the names of messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/gate.h"
#include "smtpd/queue_id.h"

static struct peer peer_at(const char *address)
{
	struct sockaddr_storage storage = { 0 };
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&storage;
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&storage;
	struct peer peer;

	if (inet_pton(AF_INET6, address, &ipv6->sin6_addr) == 1)
		storage.ss_family = AF_INET6;
	else if (inet_pton(AF_INET, address, &ipv4->sin_addr) == 1)
		storage.ss_family = AF_INET;
	peer_of(&storage, &peer);
	return peer;
}

static void sessions_are_counted_in_all_and_by_address(void **state)
{
	struct gate *gate = gate_new();
	struct peer a = peer_at("192.0.2.1"), b = peer_at("192.0.2.2");

	(void)state;
	assert_int_equal(gate_enter(gate, &a, 3, 2), GATE_OPEN);
	assert_int_equal(gate_enter(gate, &a, 3, 2), GATE_OPEN);
	assert_int_equal(gate_enter(gate, &a, 3, 2), GATE_FULL_FOR_PEER);
	assert_int_equal(gate_enter(gate, &b, 3, 2), GATE_OPEN);
	assert_int_equal(gate_enter(gate, &b, 3, 2), GATE_FULL);
	gate_leave(gate, &a);
	assert_int_equal(gate_enter(gate, &a, 3, 2), GATE_OPEN);
	gate_leave(gate, &a);
	gate_leave(gate, &a);
	gate_leave(gate, &b);
	assert_int_equal(gate_sessions(gate), 0);
	gate_free(&gate);
}

static void an_ipv6_network_is_one_guest(void **state)
{
	struct gate *gate = gate_new();
	struct peer one = peer_at("2001:db8::1"), same = peer_at("2001:db8::ffff:1"),
		    other = peer_at("2001:db8:0:1::1");
	struct peer mapped = peer_at("::ffff:192.0.2.1"), plain = peer_at("192.0.2.1");

	(void)state;
	assert_int_equal(gate_enter(gate, &one, 9, 1), GATE_OPEN);
	assert_int_equal(gate_enter(gate, &same, 9, 1), GATE_FULL_FOR_PEER);
	assert_int_equal(gate_enter(gate, &other, 9, 1), GATE_OPEN);
	assert_string_equal(mapped.text, "192.0.2.1");
	assert_memory_equal(mapped.key, plain.key, sizeof plain.key);
	gate_leave(gate, &one);
	gate_leave(gate, &other);
	gate_free(&gate);
}

static void bytes_are_taken_and_given_back(void **state)
{
	struct gate *gate = gate_new();

	(void)state;
	assert_true(gate_take_bytes(gate, 60, 100));
	assert_false(gate_take_bytes(gate, 41, 100));
	assert_true(gate_take_bytes(gate, 40, 100));
	gate_give_bytes(gate, 100);
	assert_false(gate_take_bytes(gate, UINT64_MAX, 100));
	assert_true(gate_take_bytes(gate, 100, 100));
	gate_give_bytes(gate, 100);
	gate_free(&gate);
}

enum { IDS = 20000, THREADS = 4 };

static void *make_ids(void *argument)
{
	char(*ids)[QUEUE_ID_LEN + 1] = argument;

	for (size_t i = 0; i < IDS; i++)
		queue_id_new(ids[i]);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void ids_are_ordered_and_never_the_same(void **state)
{
	static char ids[THREADS * IDS][QUEUE_ID_LEN + 1];
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids[i * IDS]), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 1; i < IDS; i++)
		assert_true(strcmp(ids[i - 1], ids[i]) < 0);
	qsort(ids, THREADS * IDS, sizeof ids[0], compare);
	for (size_t i = 1; i < THREADS * IDS; i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
	assert_int_equal(strspn(ids[0], "0123456789abcdef"), QUEUE_ID_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_counted_in_all_and_by_address),
		cmocka_unit_test(an_ipv6_network_is_one_guest),
		cmocka_unit_test(bytes_are_taken_and_given_back),
		cmocka_unit_test(ids_are_ordered_and_never_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
