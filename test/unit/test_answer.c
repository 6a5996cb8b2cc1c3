/* SPDX-License-Identifier: ISC
 *
 * test_answer.c - delivery asked by others, over real sockets; what it looks at stands in here, so
 * that a look can take as long as a test wants.
 */
#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "call/client.h"
#include "delivery/answer.h"
#include "delivery/preflight.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* --- looks that last until they are let go --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool held_up;
static size_t looking, forgotten;

struct preflights {
	int nothing;
};

struct preflights *preflights_new(void)
{
	return must_alloc(sizeof(struct preflights));
}

void preflights_free(struct preflights **kept)
{
	free(*kept);
	*kept = NULL;
}

void preflights_forget(struct preflights *kept)
{
	(void)kept;
	forgotten++;
}

void preflight(struct preflights *kept, struct delivery *delivery, const struct preflight_ask *ask,
	struct arena *arena, struct preflight_answer *answer)
{
	assert_non_null(kept);
	assert_null(delivery);
	pthread_mutex_lock(&lock);
	looking++;
	pthread_cond_broadcast(&changed);
	while (held_up)
		pthread_cond_wait(&changed, &lock);
	looking--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	*answer = (struct preflight_answer){
		.verdict = 2, .host = arena_str(arena, ask->domain), .reason = ask->demands
	};
}

void examine(struct delivery *delivery, const struct examine_ask *ask, struct arena *arena,
	struct examine_answer *answer)
{
	(void)delivery;
	*answer = (struct examine_answer){ .complete = 1 };
	answer->found.at = arena_array(arena, 1, sizeof *answer->found.at);
	answer->found.at[0] = (struct examined){ .host = ask->domain };
	answer->found.len = 1;
}

static void hold_up(bool on)
{
	pthread_mutex_lock(&lock);
	held_up = on;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_until_looking(size_t n)
{
	pthread_mutex_lock(&lock);
	while (looking != n)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* --- who asks --- */

static char path[] = "/tmp/test_answer.XXXXXX/sock";
static struct replies *replies;
static struct answers *answers;

static int listen_at(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, sizeof path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 100), 0);
	return fd;
}

static struct client *connect_client(void)
{
	struct why why = { "" };
	struct client *client = client_at(ROLE_DELIVERY, path, &why);

	assert_string_equal(why.text, "");
	return client;
}

static bool ask(struct client *client, struct preflight_answer *answer, struct arena *arena)
{
	struct preflight_ask question = { .domain = STR("example.test"), .demands = 7 };
	struct why why;

	return call_preflight(client, &question, -1, arena, answer, NULL, deadline_in(20000), &why);
}

static void a_question_is_answered_and_so_is_the_next(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct client *client = connect_client();
	struct examine_ask question = { .domain = STR("example.test") };
	struct preflight_answer answer;
	struct examine_answer found;
	struct why why;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(ask(client, &answer, &arena));
		assert_int_equal(answer.outcome, LOOK_DONE);
		assert_int_equal(answer.reason, 7);
		assert_true(str_eq(answer.host, STR("example.test")));
	}
	assert_true(call_examine(
		client, &question, -1, &arena, &found, NULL, deadline_in(20000), &why));
	assert_int_equal(found.found.len, 1);
	client_free(&client);
}

static void *ask_alone(void *argument)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct client *client = connect_client();
	struct preflight_answer answer;
	bool good = ask(client, &answer, &arena) && answer.outcome == LOOK_DONE;

	client_free(&client);
	return good ? argument : NULL;
}

static void whoever_asks_too_much_is_told_so_after_a_moment(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	pthread_t askers[DELIVERY_ANSWERS_MAX];
	struct client *client = connect_client();
	struct preflight_answer answer;
	void *good;

	(void)state;
	hold_up(true);
	for (size_t i = 0; i < DELIVERY_ANSWERS_MAX; i++)
		assert_int_equal(pthread_create(&askers[i], NULL, ask_alone, &arena), 0);
	wait_until_looking(DELIVERY_ANSWERS_MAX);
	assert_true(ask(client, &answer, &arena));
	assert_int_equal(answer.outcome, LOOK_BUSY);
	hold_up(false);
	for (size_t i = 0; i < DELIVERY_ANSWERS_MAX; i++) {
		pthread_join(askers[i], &good);
		assert_ptr_equal(good, &arena);
	}
	assert_true(ask(client, &answer, &arena));
	assert_int_equal(answer.outcome, LOOK_DONE);
	client_free(&client);
}

static void whoever_asks_in_a_rush_waits_for_a_turn(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	pthread_t askers[4 * DELIVERY_ANSWERS_MAX];
	void *good;

	(void)state;
	hold_up(true);
	for (size_t i = 0; i < count_of(askers); i++)
		assert_int_equal(pthread_create(&askers[i], NULL, ask_alone, &arena), 0);
	wait_until_looking(DELIVERY_ANSWERS_MAX);
	hold_up(false);
	for (size_t i = 0; i < count_of(askers); i++) {
		pthread_join(askers[i], &good);
		assert_ptr_equal(good, &arena);
	}
}

static void over_a_rendezvous_another_role_asks(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct preflight_answer answer;
	struct examine_ask only_the_operator = { .domain = STR("example.test") };
	struct examine_answer found;
	struct why why;
	int ends[2];

	(void)state;
	struct client *client = client_new(ROLE_DELIVERY);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	answers_set_edge(answers, ROLE_WEB, ends[1]);
	client_set_edge(client, ends[0]);
	assert_true(ask(client, &answer, &arena));
	assert_true(str_eq(answer.host, STR("example.test")));
	assert_false(call_examine(
		client, &only_the_operator, -1, &arena, &found, NULL, deadline_in(20000), &why));
	client_free(&client);
}

static void stopping_waits_for_what_is_asked(void **state)
{
	pthread_t asker;
	void *good;

	hold_up(true);
	assert_int_equal(pthread_create(&asker, NULL, ask_alone, state), 0);
	wait_until_looking(1);
	answers_stop(answers, deadline_in(20));
	hold_up(false);
	answers_stop(answers, deadline_never());
	pthread_join(asker, &good);
	assert_ptr_equal(good, state);
}

/* A question as bytes on a socket of our own. */
static int say_question(void)
{
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);
	struct preflight_ask question = { .domain = STR("example.test") };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, sizeof path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	frame_begin(&frame, CALL_preflight);
	pack_preflight_ask(&frame, &question);
	assert_true(frame_end(&frame));
	assert_true(fd_write_all(fd, buf_str(&frame)));
	return fd;
}

static void whoever_leaves_while_we_look_does_no_harm(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct client *client = connect_client();
	struct preflight_answer answer;

	(void)state;
	for (int i = 0; i < 2 * DELIVERY_ANSWERS_MAX; i++) {
		hold_up(true);
		int fd = say_question();
		wait_until_looking(1);
		close(fd);
		hold_up(false);
		wait_until_looking(0);
	}
	assert_true(ask(client, &answer, &arena));
	assert_int_equal(answer.outcome, LOOK_DONE);
	client_free(&client);
}

static bool is_hung_up_on(struct str bytes)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	scoped(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd one = { .fd = fd, .events = POLLIN };
	char byte;

	memcpy(address.sun_path, path, sizeof path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_true(fd_write_all(fd, bytes));
	assert_int_equal(poll(&one, 1, 10000), 1);
	return recv(fd, &byte, 1, 0) <= 0;
}

static void what_is_no_question_ends_the_connection(void **state)
{
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);
	struct queue_ask other = { .id = STR("") };

	(void)state;
	assert_true(is_hung_up_on(STR("GET / HTTP/1.0\r\n\r\n")));
	/* One for the store. */
	frame_begin(&frame, CALL_queue_list);
	pack_queue_ask(&frame, &other);
	assert_true(frame_end(&frame));
	assert_true(is_hung_up_on(buf_str(&frame)));
	/* Cut, and too long. */
	frame_begin(&frame, CALL_preflight);
	buf_add(&frame, STR("cut"));
	assert_true(frame_end(&frame));
	assert_true(is_hung_up_on(buf_str(&frame)));
	frame_begin(&frame, CALL_examine);
	pack_examine_ask(&frame, &(struct examine_ask){ .domain = STR("example.test") });
	buf_add(&frame, STR("more"));
	assert_true(frame_end(&frame));
	assert_true(is_hung_up_on(buf_str(&frame)));
}

static void new_settings_make_old_answers_be_forgotten(void **state)
{
	(void)state;
	replies_reconfigure(replies);
	assert_int_equal(forgotten, 1);
}

static void *serve_one(void *fd)
{
	struct replies *own = replies_new(NULL);
	const struct answering how = replies_answering(own);

	answers_serve_one(&how, ROLE_CTL, *(int *)fd);
	replies_free(&own);
	return NULL;
}

static void one_who_started_us_is_answered_until_they_leave(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct preflight_answer answer;
	pthread_t server;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(pthread_create(&server, NULL, serve_one, &ends[1]), 0);
	struct client *client = client_over(ROLE_DELIVERY, ends[0]);
	assert_true(ask(client, &answer, &arena));
	assert_true(ask(client, &answer, &arena));
	client_free(&client);
	pthread_join(server, NULL);
}

static int begin(void **state)
{
	(void)state;
	*strrchr(path, '/') = '\0';
	if (!mkdtemp(path))
		return -1;
	path[strlen(path)] = '/';
	replies = replies_new(NULL);
	const struct answering how = replies_answering(replies);
	answers = answers_serve(&how, listen_at());
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_answered_and_so_is_the_next),
		cmocka_unit_test(whoever_asks_too_much_is_told_so_after_a_moment),
		cmocka_unit_test(whoever_asks_in_a_rush_waits_for_a_turn),
		cmocka_unit_test(over_a_rendezvous_another_role_asks),
		cmocka_unit_test(stopping_waits_for_what_is_asked),
		cmocka_unit_test(whoever_leaves_while_we_look_does_no_harm),
		cmocka_unit_test(what_is_no_question_ends_the_connection),
		cmocka_unit_test(new_settings_make_old_answers_be_forgotten),
		cmocka_unit_test(one_who_started_us_is_answered_until_they_leave),
	};

	log_open("test", LOG_ALARM + 1);
	return cmocka_run_group_tests(tests, begin, end);
}
