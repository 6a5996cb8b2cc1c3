/* SPDX-License-Identifier: ISC
 *
 * test_client.c - asking and being asked, over real sockets: the client's half against the
 * server's, and each against a peer that breaks the rules.
 */
#include "call/client.h"
#include "call/server.h"

#include "base/log.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* The other side of one connection, run by a thread: answers n calls as a store would. */
struct peer {
	int rendezvous;
	int calls;
	pthread_t thread;
};

static void wait_readable(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };

	poll(&one, 1, 5000);
}

static int accept_connection(int rendezvous)
{
	wait_readable(rendezvous);
	return server_rendezvous(rendezvous);
}

static bool answer_one(struct server_connection *c, const struct server_ask *ask)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct str message = ask->message;

	if (ask->call == CALL_login) {
		struct login_ask login;
		if (!unpack_login_ask(&message, &arena, &login))
			return false;
		struct login_answer answer = { .outcome = LOGIN_BAD, .address = login.user };
		return server_answer_login(c, &answer, -1);
	}
	if (ask->call == CALL_accept) {
		struct mapping body;
		struct why why;
		int fd = ask->fd;
		bool good = fd_map_sealed(fd, 1 << 20, &body, &why);
		struct accept_answer answer = { .code = good ? body.bytes.len : 0 };
		fd_unmap(&body);
		fd_close(&fd);
		return server_answer_accept(c, &answer, -1);
	}
	if (ask->call == CALL_work) {
		struct job job = { .has_job = 1, .id = STR("abc") };
		return server_answer_work(c, &job, fd_memfd_of("body", STR("a mail")));
	}
	return false;
}

static void *serve(void *argument)
{
	struct peer *peer = argument;
	int fd = accept_connection(peer->rendezvous);
	struct server_connection *c = server_open(fd, ROLE_STORE, ROLE_SMTPD | ROLE_DELIVERY);
	struct server_ask ask;

	while (peer->calls > 0) {
		enum server_result result = server_next(c, &ask);
		if (result == SERVER_WAIT) {
			wait_readable(c->fd);
		} else if (result != SERVER_ASKED || !answer_one(c, &ask)) {
			break;
		} else {
			while (server_send(c) == SERVER_WAIT)
				poll(NULL, 0, 1);
			peer->calls--;
		}
	}
	server_close(&c);
	return NULL;
}

static struct client *start_peer(struct peer *peer, int calls)
{
	struct client *client = client_new(ROLE_STORE);
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	*peer = (struct peer){ .rendezvous = ends[1], .calls = calls };
	client_set_edge(client, ends[0]);
	assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
	return client;
}

static void end_peer(struct peer *peer, struct client *client)
{
	pthread_join(peer->thread, NULL);
	assert_int_equal(peer->calls, 0);
	fd_close(&peer->rendezvous);
	client_free(&client);
}

static void a_call_is_answered_over_a_pooled_connection(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct login_ask ask = { .user = STR("ada"), .password = STR("secret") };
	struct login_answer answer;
	struct peer peer;
	struct why why = { "" };

	(void)state;
	struct client *client = start_peer(&peer, 3);
	/* One connection serves all three: the peer accepts only one. */
	for (int i = 0; i < 3; i++) {
		assert_true(call_login(
			client, &ask, -1, &arena, &answer, NULL, deadline_in(5000), &why));
		assert_int_equal(answer.outcome, LOGIN_BAD);
		assert_true(str_eq(answer.address, STR("ada")));
	}
	end_peer(&peer, client);
}

enum { CROWD = 200 }; /* as many as session_threads has them */

static void *ask_once(void *client)
{
	scoped(arena_free) struct arena arena = ARENA(1000);
	struct login_ask ask = { .user = STR("ada") };
	struct login_answer answer;
	struct why why;

	return call_login(client, &ask, -1, &arena, &answer, NULL, deadline_in(10000), &why)
		       ? client
		       : NULL;
}

/* Everybody has asked before anybody is answered. */
static void answer_crowd(struct server_connection **connections)
{
	struct server_ask asks[CROWD];

	for (size_t i = 0; i < CROWD; i++) {
		wait_readable(connections[i]->fd);
		assert_int_equal(server_next(connections[i], &asks[i]), SERVER_ASKED);
	}
	for (size_t i = 0; i < CROWD; i++) {
		assert_true(answer_one(connections[i], &asks[i]));
		assert_int_equal(server_send(connections[i]), SERVER_SENT);
	}
}

static void a_crowd_finds_its_connections_again(void **state)
{
	struct server_connection *connections[CROWD] = { NULL };
	pthread_t threads[CROWD];
	void *answered;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	struct client *client = client_new(ROLE_STORE);
	client_set_edge(client, ends[0]);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < CROWD; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, ask_once, client), 0);
		for (size_t i = 0; round == 0 && i < CROWD; i++)
			connections[i] =
				server_open(accept_connection(ends[1]), ROLE_STORE, ROLE_SMTPD);
		answer_crowd(connections);
		for (size_t i = 0; i < CROWD; i++) {
			pthread_join(threads[i], &answered);
			assert_ptr_equal(answered, client);
		}
	}
	for (size_t i = 0; i < CROWD; i++)
		server_close(&connections[i]);
	client_free(&client);
	close(ends[1]);
}

static void a_large_call_and_answer_come_through(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(16 << 20);
	scoped(buf_free) struct buf large = BUF(3 << 20);
	struct login_answer answer;
	struct peer peer;
	struct why why = { "" };

	(void)state;
	assert_non_null(buf_reserve(&large, 3 << 20));
	memset(large.at, 'x', 3 << 20);
	/* Large enough to need many writes; the peer's arena isn't, views cost it nothing. */
	struct login_ask ask = { .user = { large.at, 900000 } };
	struct client *client = start_peer(&peer, 1);
	assert_true(call_login(client, &ask, -1, &arena, &answer, NULL, deadline_in(5000), &why));
	assert_int_equal(answer.address.len, 900000);
	end_peer(&peer, client);
}

static void a_body_goes_along_with_a_call(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	scoped(fd_close) int body = fd_memfd_of("body", STR("twelve bytes"));
	struct accept_ask ask = { .id = STR("1") };
	struct accept_answer answer;
	struct peer peer;
	struct why why = { "" };

	(void)state;
	struct client *client = start_peer(&peer, 1);
	assert_true(
		call_accept(client, &ask, body, &arena, &answer, NULL, deadline_in(5000), &why));
	assert_int_equal(answer.code, 12);
	end_peer(&peer, client);
}

static void a_body_comes_along_with_an_answer(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct work_ask ask = { .wants_job = 1 };
	struct job job;
	struct peer peer;
	struct why why = { "" };
	struct mapping body;
	scoped(fd_close) int fd = -1;

	(void)state;
	struct client *client = start_peer(&peer, 1);
	struct client_connection *own = client_connect(client, deadline_in(5000), &why);
	assert_non_null(own);
	assert_true(call_work_on(own, &ask, -1, &arena, &job, &fd, deadline_in(5000), &why));
	assert_true(fd_map_sealed(fd, 100, &body, &why));
	assert_true(str_eq(body.bytes, STR("a mail")));
	fd_unmap(&body);
	client_disconnect(&own);
	end_peer(&peer, client);
}

static void a_call_waits_for_a_store_until_its_deadline(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1000);
	struct login_ask ask = { .user = STR("ada") };
	struct login_answer answer;
	struct why why = { "" };
	struct client *client = client_new(ROLE_STORE);

	(void)state;
	assert_false(call_login(client, &ask, -1, &arena, &answer, NULL, deadline_in(20), &why));
	assert_string_equal(why.text, "the store isn't there");
	free(client);
}

static void a_store_that_went_away_fails_the_call(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1000);
	struct login_ask ask = { .user = STR("ada") };
	struct login_answer answer;
	struct why why = { "" };
	struct peer peer;

	(void)state;
	/* It closes the connection without serving any call. */
	struct client *client = start_peer(&peer, 0);
	assert_false(call_login(client, &ask, -1, &arena, &answer, NULL, deadline_in(5000), &why));
	end_peer(&peer, client);
}

/* A connection whose store's end is in our own hands. */
static struct client_connection *connect_to(int *store, struct client **client)
{
	struct why why;
	int ends[2];

	*client = client_new(ROLE_STORE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	client_set_edge(*client, ends[0]);
	struct client_connection *connection = client_connect(*client, deadline_in(1000), &why);
	assert_non_null(connection);
	*store = accept_connection(ends[1]);
	assert_true(*store >= 0);
	close(ends[1]);
	return connection;
}

static bool login_hears(struct str bytes, int fd)
{
	scoped(arena_free) struct arena arena = ARENA(1000);
	struct login_ask ask = { .user = STR("ada") };
	struct login_answer answer;
	struct why why = { "" };
	struct client *client;
	int store, came = -1;
	struct client_connection *connection = connect_to(&store, &client);

	assert_true(frame_send(store, bytes, fd, 0) == (ssize_t)bytes.len);
	shutdown(store, SHUT_WR);
	bool good = call_login_on(
		connection, &ask, -1, &arena, &answer, &came, deadline_in(1000), &why);
	assert_int_equal(came, -1);
	client_disconnect(&connection);
	client_set_edge(client, -1);
	free(client);
	fd_close(&store);
	return good;
}

static void an_answer_is_checked(void **state)
{
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);
	scoped(fd_close) int body = fd_memfd_of("body", STR("x"));
	struct login_answer answer = { .address = STR("ada") };

	(void)state;
	frame_begin(&frame, CALL_login);
	pack_login_answer(&frame, &answer);
	assert_true(frame_end(&frame));
	assert_true(login_hears(buf_str(&frame), -1));
	/* A descriptor nobody asked for. */
	assert_false(login_hears(buf_str(&frame), body));
	/* Cut anywhere. */
	for (size_t n = 1; n < frame.len; n++)
		assert_false(login_hears(str_head(buf_str(&frame), n), -1));
	/* More than a frame, more than a message, another call's answer, more than the arena. */
	buf_add(&frame, STR("more"));
	assert_false(login_hears(buf_str(&frame), -1));
	assert_true(frame_end(&frame));
	assert_false(login_hears(buf_str(&frame), -1));
	frame_begin(&frame, CALL_sender);
	pack_login_answer(&frame, &answer);
	assert_true(frame_end(&frame));
	assert_false(login_hears(buf_str(&frame), -1));
	char header[FRAME_HEADER] = { 'S', 'g', 'l', '1', CALL_login, 0, 0, 0, 0, 0, 0x10, 0 };
	assert_false(login_hears((struct str){ header, sizeof header }, -1));
}

/* What a server makes of bytes from a role: the result, after it has settled. */
static enum server_result server_hears(
	enum role by, enum role who, struct str bytes, int fd, bool more)
{
	struct server_ask ask = { .fd = -1 };
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_true(frame_send(ends[0], bytes, fd, 0) == (ssize_t)bytes.len);
	if (!more)
		shutdown(ends[0], SHUT_WR);
	struct server_connection *c = server_open(ends[1], by, who);
	enum server_result result = server_next(c, &ask);
	fd_close(&ask.fd);
	server_close(&c);
	close(ends[0]);
	return result;
}

static enum server_result store_hears(enum role who, struct str bytes, int fd, bool more)
{
	return server_hears(ROLE_STORE, who, bytes, fd, more);
}

static void frame_of(struct buf *frame, enum call call, struct str message)
{
	frame_begin(frame, call);
	buf_add(frame, message);
	assert_true(frame_end(frame));
}

static void each_role_may_ask_what_the_table_says(void **state)
{
	static const enum role roles[] = { ROLE_SMTPD, ROLE_DELIVERY, ROLE_MAILBOX, ROLE_CTL };
	static const enum role servers[] = { ROLE_STORE, ROLE_DELIVERY };
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);
	scoped(fd_close) int body = fd_memfd_of("body", STR("x"));

	(void)state;
	for (size_t i = 0; i < CALLS_N * count_of(roles) * count_of(servers); i++) {
		size_t call = i / count_of(servers) / count_of(roles);
		enum role who = roles[i / count_of(servers) % count_of(roles)];
		enum role by = servers[i % count_of(servers)];
		bool may = (call_rules[call].who & who) && call_rules[call].by == by;
		int fd = call_rules[call].fds == CALL_FD_IN ? body : -1;
		frame_of(&frame, (enum call)call, STR("m"));
		assert_int_equal(server_hears(by, who, buf_str(&frame), fd, true),
			may ? SERVER_ASKED : SERVER_CLOSED);
	}
}

/* What the table says, written out once more for those who would gain by it. */
static void who_makes_delivery_look_is_known(void **state)
{
	static const struct {
		enum call call;
		unsigned who;
	} looks[] = { { CALL_preflight, ROLE_CTL | ROLE_WEB }, { CALL_examine, ROLE_CTL },
		{ CALL_health, ROLE_CTL | ROLE_WEB } };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < CALLS_N; i++)
		n += call_rules[i].by == ROLE_DELIVERY;
	assert_int_equal(n, count_of(looks));
	for (size_t i = 0; i < count_of(looks); i++) {
		assert_int_equal(call_rules[looks[i].call].by, ROLE_DELIVERY);
		assert_int_equal(call_rules[looks[i].call].who, looks[i].who);
	}
}

/* One socket, no way to another: the command line's to a program it started itself. */
static void a_client_may_have_one_socket_and_no_more(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct preflight_ask ask = { .domain = STR("example.test") };
	struct preflight_answer answer;
	struct server_ask asked;
	struct why why = { "" };
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	struct client *client = client_over(ROLE_DELIVERY, ends[0]);
	struct server_connection *c = server_open(ends[1], ROLE_DELIVERY, ROLE_CTL);
	assert_false(
		call_preflight(client, &ask, -1, &arena, &answer, NULL, deadline_in(20), &why));
	assert_string_equal(why.text, "delivery didn't answer in time");
	assert_int_equal(server_next(c, &asked), SERVER_ASKED);
	assert_int_equal(asked.call, CALL_preflight);
	assert_false(
		call_preflight(client, &ask, -1, &arena, &answer, NULL, deadline_in(20), &why));
	assert_string_equal(why.text, "delivery isn't there");
	server_close(&c);
	client_free(&client);
}

static void a_descriptor_comes_where_the_table_wants_one(void **state)
{
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);
	scoped(fd_close) int body = fd_memfd_of("body", STR("x"));

	(void)state;
	frame_of(&frame, CALL_accept, STR("m"));
	assert_int_equal(store_hears(ROLE_SMTPD, buf_str(&frame), -1, true), SERVER_CLOSED);
	frame_of(&frame, CALL_login, STR("m"));
	assert_int_equal(store_hears(ROLE_SMTPD, buf_str(&frame), body, true), SERVER_CLOSED);
}

static void a_frame_may_come_in_pieces(void **state)
{
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);

	(void)state;
	frame_of(&frame, CALL_login, STR("message"));
	for (size_t n = 1; n < frame.len; n++) {
		struct str part = str_head(buf_str(&frame), n);
		assert_int_equal(store_hears(ROLE_SMTPD, part, -1, true), SERVER_WAIT);
		assert_int_equal(store_hears(ROLE_SMTPD, part, -1, false), SERVER_CLOSED);
	}
}

static void a_call_within_a_call_ends_the_connection(void **state)
{
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);
	struct server_ask ask;
	int ends[2];

	(void)state;
	frame_of(&frame, CALL_login, STR("m"));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	struct server_connection *c = server_open(ends[1], ROLE_STORE, ROLE_SMTPD);
	assert_int_equal(frame_send(ends[0], buf_str(&frame), -1, 0), (int)frame.len);
	assert_int_equal(server_next(c, &ask), SERVER_ASKED);
	assert_int_equal(server_next(c, &ask), SERVER_WAIT);
	assert_int_equal(frame_send(ends[0], buf_str(&frame), -1, 0), (int)frame.len);
	assert_int_equal(server_next(c, &ask), SERVER_CLOSED);
	server_close(&c);
	close(ends[0]);
	/* Sent together, even before the first was seen. */
	frame_of(&frame, CALL_login, STR("m"));
	buf_add(&frame, STR("Sgl1"));
	assert_int_equal(store_hears(ROLE_SMTPD, buf_str(&frame), -1, true), SERVER_CLOSED);
}

static void a_caller_who_leaves_during_a_long_poll_is_noticed(void **state)
{
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);
	struct server_ask ask;
	int ends[2];

	(void)state;
	frame_of(&frame, CALL_work, STR("m"));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	struct server_connection *c = server_open(ends[1], ROLE_STORE, ROLE_DELIVERY);
	assert_int_equal(frame_send(ends[0], buf_str(&frame), -1, 0), (int)frame.len);
	assert_int_equal(server_next(c, &ask), SERVER_ASKED);
	close(ends[0]);
	assert_int_equal(server_next(c, &ask), SERVER_CLOSED);
	server_close(&c);
}

static void a_rendezvous_says_when_the_other_side_is_gone(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(server_rendezvous(ends[1]), -1);
	assert_int_equal(errno, EAGAIN);
	close(ends[0]);
	assert_int_equal(server_rendezvous(ends[1]), -1);
	assert_int_equal(errno, 0);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_answered_over_a_pooled_connection),
		cmocka_unit_test(a_crowd_finds_its_connections_again),
		cmocka_unit_test(a_large_call_and_answer_come_through),
		cmocka_unit_test(a_body_goes_along_with_a_call),
		cmocka_unit_test(a_body_comes_along_with_an_answer),
		cmocka_unit_test(a_call_waits_for_a_store_until_its_deadline),
		cmocka_unit_test(a_store_that_went_away_fails_the_call),
		cmocka_unit_test(an_answer_is_checked),
		cmocka_unit_test(each_role_may_ask_what_the_table_says),
		cmocka_unit_test(who_makes_delivery_look_is_known),
		cmocka_unit_test(a_client_may_have_one_socket_and_no_more),
		cmocka_unit_test(a_descriptor_comes_where_the_table_wants_one),
		cmocka_unit_test(a_frame_may_come_in_pieces),
		cmocka_unit_test(a_call_within_a_call_ends_the_connection),
		cmocka_unit_test(a_caller_who_leaves_during_a_long_poll_is_noticed),
		cmocka_unit_test(a_rendezvous_says_when_the_other_side_is_gone),
	};

	/* Broken rules are logged as alarms; that is not what is tested here. */
	log_open("test", LOG_ALARM + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
