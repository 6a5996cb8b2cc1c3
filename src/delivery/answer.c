/* SPDX-License-Identifier: ISC
 *
 * answer.c - see answer.h. One thread with epoll hears the questions and sends the answers; each
 * question is worked out in a thread of its own, which touches nothing but that question and rings
 * a bell when it is done. Who asks may be a role that an attacker owns: what it may ask is checked
 * by call/server.c, what it says by the functions that look.
 */
#include "delivery/answer.h"

#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include "call/server.h"
#include "delivery/preflight.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	EVENTS = 64,
	ASKERS_MAX = 256, /* connections */
	ANSWER_ARENA = 8 * 1024 * 1024,
	STACK = 256 * 1024,
};

#define CALL_ASK(name, ask_t, answer_t, ...)	struct ask_t name;
#define CALL_ANSWER(name, ask_t, answer_t, ...) struct answer_t name;
union ask {
	DELIVERY_CALLS(CALL_ASK)
};
union answer {
	DELIVERY_CALLS(CALL_ANSWER)
};
#undef CALL_ASK
#undef CALL_ANSWER

/* One connection, and the question it has asked. */
struct asker {
	struct answers *answers;
	struct server_connection *connection;
	struct arena arena;
	enum call call;
	union ask ask;
	union answer answer;
	bool at_work;	    /* a thread has ask, answer and arena */
	bool gone;	    /* and nobody waits for it any more */
	bool sending;	    /* waits for EPOLLOUT */
	struct asker *next; /* among those whose thread is done */
};

struct answers {
	struct delivery *delivery;
	struct preflights *kept;
	int epoll, bell, ctl;
	size_t n_askers, at_work;
	pthread_mutex_t lock; /* guards `done` */
	struct asker *done;
};

static void watch(struct answers *answers, int fd, void *what, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = what };

	must(epoll_ctl(answers->epoll, operation, fd, &event) == 0);
}

static struct asker *open_asker(struct answers *answers, int fd, enum role who)
{
	struct asker *asker = must_alloc(sizeof *asker);

	asker->answers = answers;
	asker->connection = server_open(fd, ROLE_DELIVERY, who);
	asker->arena = ARENA(ANSWER_ARENA);
	answers->n_askers++;
	watch(answers, fd, asker, EPOLL_CTL_ADD, EPOLLIN);
	return asker;
}

/* While a thread works for it, what it asked stays: the connection's buffer holds the words. */
static void close_asker(struct asker *asker)
{
	if (asker->at_work) {
		watch(asker->answers, asker->connection->fd, NULL, EPOLL_CTL_DEL, 0);
		asker->gone = true;
		return;
	}
	server_close(&asker->connection);
	asker->answers->n_askers--;
	arena_free(&asker->arena);
	free(asker);
}

static void sent(struct asker *asker, enum server_result result)
{
	if (result == SERVER_CLOSED) {
		close_asker(asker);
		return;
	}
	if (asker->sending != (result == SERVER_WAIT)) {
		asker->sending = result == SERVER_WAIT;
		watch(asker->answers, asker->connection->fd, asker, EPOLL_CTL_MOD,
			asker->sending ? EPOLLOUT : EPOLLIN);
	}
	if (result == SERVER_SENT)
		arena_reset(&asker->arena);
}

static bool unpack(struct asker *asker, const struct server_ask *ask)
{
	struct str rest = ask->message;
	bool good = false;

	asker->call = ask->call;
	switch (ask->call) {
#define UNPACK_CALL(name, ask_t, ...)                                          \
	case CALL_##name:                                                      \
		good = unpack_##ask_t(&rest, &asker->arena, &asker->ask.name); \
		break;
		DELIVERY_CALLS(UNPACK_CALL)
#undef UNPACK_CALL
	default: /* no others come this far */
		break;
	}
	return good && rest.len == 0;
}

static void send_answer(struct asker *asker)
{
	bool good = false;

	switch (asker->call) {
#define PACK_CALL(name, ...)                                                             \
	case CALL_##name:                                                                \
		good = server_answer_##name(asker->connection, &asker->answer.name, -1); \
		break;
		DELIVERY_CALLS(PACK_CALL)
#undef PACK_CALL
	default:
		break;
	}
	sent(asker, good ? server_send(asker->connection) : SERVER_CLOSED);
}

static void answer_busy(struct asker *asker)
{
	switch (asker->call) {
#define BUSY_CALL(name, ask_t, answer_t, ...)                                   \
	case CALL_##name:                                                       \
		asker->answer.name = (struct answer_t){ .outcome = LOOK_BUSY }; \
		break;
		DELIVERY_CALLS(BUSY_CALL)
#undef BUSY_CALL
	default:
		break;
	}
	send_answer(asker);
}

static void tell_health(struct delivery *delivery, struct health_answer *answer)
{
	struct config *config = delivery_config(delivery);

	*answer = (struct health_answer){ .outcome = LOOK_DONE,
		.resolver = str_of(resolver_health_name(resolver_health(config->resolver))) };
	config_release(&config);
}

static void work_out(struct asker *asker)
{
	struct answers *answers = asker->answers;

	switch (asker->call) {
	case CALL_preflight:
		preflight(answers->kept, answers->delivery, &asker->ask.preflight, &asker->arena,
			&asker->answer.preflight);
		break;
	case CALL_examine:
		examine(answers->delivery, &asker->ask.examine, &asker->arena,
			&asker->answer.examine);
		break;
	case CALL_health:
		tell_health(answers->delivery, &asker->answer.health);
		break;
	default:
		break;
	}
}

static void *work(void *argument)
{
	struct asker *asker = argument;
	struct answers *answers = asker->answers;
	const uint64_t one = 1;

	work_out(asker);
	pthread_mutex_lock(&answers->lock);
	asker->next = answers->done;
	answers->done = asker;
	pthread_mutex_unlock(&answers->lock);
	must(write(answers->bell, &one, sizeof one) == sizeof one);
	return NULL;
}

static void take_question(struct asker *asker)
{
	struct answers *answers = asker->answers;

	asker->at_work = true;
	if (answers->at_work < ANSWERS_MAX && thread_start(work, asker, STACK)) {
		answers->at_work++;
		return;
	}
	asker->at_work = false;
	LOG(LOG_WARNING, "too-many-questions", log_text("from", role_name(asker->connection->who)));
	answer_busy(asker);
}

static void hear_asker(struct asker *asker)
{
	struct server_ask ask;

	if (asker->sending) {
		sent(asker, server_send(asker->connection));
		return;
	}
	enum server_result result = server_next(asker->connection, &ask);
	if (result == SERVER_WAIT)
		return;
	if (result == SERVER_ASKED && unpack(asker, &ask)) {
		take_question(asker);
		return;
	}
	if (result == SERVER_ASKED)
		LOG(LOG_ALARM, "call-malformed",
			log_text("from", role_name(asker->connection->who)),
			log_text("call", call_rules[ask.call].name));
	close_asker(asker);
}

static void take_ctl(struct answers *answers)
{
	int fd;

	while ((fd = server_accept_ctl(answers->ctl)) >= 0) {
		if (answers->n_askers < ASKERS_MAX) {
			open_asker(answers, fd, ROLE_CTL);
			continue;
		}
		LOG(LOG_ALARM, "too-many-connections", log_text("from", role_name(ROLE_CTL)));
		close(fd);
	}
}

static void take_answers(struct answers *answers)
{
	uint64_t times;

	must(read(answers->bell, &times, sizeof times) == sizeof times);
	pthread_mutex_lock(&answers->lock);
	struct asker *first = answers->done;
	answers->done = NULL;
	pthread_mutex_unlock(&answers->lock);
	for (struct asker *asker = first, *next; asker; asker = next) {
		next = asker->next;
		answers->at_work--;
		asker->at_work = false;
		if (asker->gone)
			close_asker(asker);
		else
			send_answer(asker);
	}
}

/* Sending answers may close askers, of whom no event may be left by then: so that comes last. */
static void wait_and_hear(struct answers *answers)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(answers->epoll, events, EVENTS, -1);
	bool rung = false;

	must(n >= 0 || errno == EINTR);
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == &answers->ctl)
			take_ctl(answers);
		else if (events[i].data.ptr == &answers->bell)
			rung = true;
		else
			hear_asker(events[i].data.ptr);
	}
	if (rung)
		take_answers(answers);
}

static struct answers *open_answers(struct delivery *delivery, int ctl)
{
	struct answers *answers = must_alloc(sizeof *answers);

	*answers = (struct answers){ .delivery = delivery, .kept = preflights_new(), .ctl = ctl };
	answers->epoll = epoll_create1(EPOLL_CLOEXEC);
	answers->bell = eventfd(0, EFD_CLOEXEC);
	must(answers->epoll >= 0 && answers->bell >= 0);
	must(pthread_mutex_init(&answers->lock, NULL) == 0);
	watch(answers, answers->bell, &answers->bell, EPOLL_CTL_ADD, EPOLLIN);
	if (ctl >= 0)
		watch(answers, ctl, &answers->ctl, EPOLL_CTL_ADD, EPOLLIN);
	return answers;
}

static _Noreturn void *serve(void *argument)
{
	for (;;)
		wait_and_hear(argument);
}

struct answers *answers_serve(struct delivery *delivery, int ctl)
{
	struct answers *answers = open_answers(delivery, ctl);

	must(ctl < 0 || fd_set_nonblocking(ctl, true));
	must(thread_start(serve, answers, STACK));
	return answers;
}

void answers_reconfigure(struct answers *answers)
{
	preflights_forget(answers->kept);
}

void answers_serve_one(struct delivery *delivery, int fd)
{
	struct answers *answers = open_answers(delivery, -1);

	open_asker(answers, fd, ROLE_CTL);
	while (answers->n_askers)
		wait_and_hear(answers);
	fd_close(&answers->epoll);
	fd_close(&answers->bell);
	pthread_mutex_destroy(&answers->lock);
	preflights_free(&answers->kept);
	free(answers);
}
