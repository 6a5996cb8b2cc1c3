/* SPDX-License-Identifier: ISC
 *
 * answers.c - see answers.h. The thread with epoll owns every connection; a question goes to the
 * threads by the queue `asked` and comes back by the list `done`, with a ring of the bell. Threads
 * are made when there is more to do than there are of them, and end when there is nothing. Who asks
 * may be a role that an attacker owns: what it may ask is checked by server.c, what it says by the
 * functions that answer.
 */
#include "call/answers.h"

#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	EVENTS = 64,
	ASKERS_MAX = 1024, /* connections; a client keeps 256 and makes more in a rush */
	STACK = 256 * 1024,
};

enum watched_kind { WATCHED_BELL, WATCHED_CTL, WATCHED_EDGE, WATCHED_ASKER };

/* What an epoll event points to; the first member of whatever is watched. */
struct watched {
	enum watched_kind kind;
	int fd;
	enum role who;
};

/* One connection, and the question it has asked. */
struct asker {
	struct watched watched;
	struct server_connection *connection;
	struct arena arena;
	struct question question;
	struct deadline patience;
	bool taken;	    /* the question is in the queue, or a thread has it */
	bool gone;	    /* and nobody waits for it any more; guarded by the lock */
	bool sending;	    /* waits for EPOLLOUT */
	struct asker *next; /* in `asked` or `done` */
};

struct answers {
	struct answering how;
	int epoll;
	struct watched bell, ctl;
	size_t n_askers;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t idle;
	struct asker *asked, **asked_last, *done;
	size_t threads, unanswered;
};

/* --- connections --- */

static void watch(struct answers *answers, struct watched *watched, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watched };

	must(epoll_ctl(answers->epoll, operation, watched->fd, &event) == 0);
}

static void open_asker(struct answers *answers, int fd, enum role who)
{
	if (answers->n_askers >= ASKERS_MAX) {
		LOG(LOG_ALARM, "too-many-connections", log_text("from", role_name(who)));
		close(fd);
		return;
	}
	struct asker *asker = must_alloc(sizeof *asker);
	asker->watched = (struct watched){ WATCHED_ASKER, fd, who };
	asker->connection = server_open(fd, answers->how.by, who);
	asker->arena = ARENA(answers->how.arena);
	answers->n_askers++;
	watch(answers, &asker->watched, EPOLL_CTL_ADD, EPOLLIN);
}

/* While its question is taken it stays: the connection's buffer holds the words. */
static void close_asker(struct answers *answers, struct asker *asker)
{
	if (asker->taken) {
		watch(answers, &asker->watched, EPOLL_CTL_DEL, 0);
		pthread_mutex_lock(&answers->lock);
		asker->gone = true;
		pthread_mutex_unlock(&answers->lock);
		return;
	}
	server_close(&asker->connection);
	answers->n_askers--;
	arena_free(&asker->arena);
	free(asker);
}

static void sent(struct answers *answers, struct asker *asker, enum server_result result)
{
	if (result == SERVER_CLOSED) {
		close_asker(answers, asker);
		return;
	}
	if (asker->sending != (result == SERVER_WAIT)) {
		asker->sending = result == SERVER_WAIT;
		watch(answers, &asker->watched, EPOLL_CTL_MOD, asker->sending ? EPOLLOUT : EPOLLIN);
	}
	if (result == SERVER_SENT)
		arena_reset(&asker->arena);
}

/* --- questions --- */

static bool unpack(struct asker *asker, const struct server_ask *ask)
{
	struct question *q = &asker->question;
	struct str rest = ask->message;
	bool good = false;

	*q = (struct question){ .call = ask->call,
		.who = asker->watched.who,
		.arena = &asker->arena,
		.fd_in = ask->fd,
		.fd_out = -1 };
	switch (ask->call) {
#define UNPACK_CALL(name, ask_t, ...)                                      \
	case CALL_##name:                                                  \
		good = unpack_##ask_t(&rest, &asker->arena, &q->ask.name); \
		break;
		ANSWERED_CALLS(UNPACK_CALL)
#undef UNPACK_CALL
	default: /* no others come this far */
		break;
	}
	return good && rest.len == 0;
}

static void send_answer(struct answers *answers, struct asker *asker)
{
	struct question *q = &asker->question;
	bool good = false;

	fd_close(&q->fd_in);
	switch (q->call) {
#define PACK_CALL(name, ...)                                                                \
	case CALL_##name:                                                                   \
		good = server_answer_##name(asker->connection, &q->answer.name, q->fd_out); \
		break;
		ANSWERED_CALLS(PACK_CALL)
#undef PACK_CALL
	default:
		break;
	}
	q->fd_out = -1;
	sent(answers, asker, good ? server_send(asker->connection) : SERVER_CLOSED);
}

static void say_busy(const struct answers *answers, struct question *q)
{
	switch (q->call) {
#define BUSY_CALL(name, ask_t, answer_t, ...)                                       \
	case CALL_##name:                                                           \
		q->answer.name = (struct answer_t){ .outcome = answers->how.busy }; \
		break;
		ANSWERED_CALLS(BUSY_CALL)
#undef BUSY_CALL
	default:
		break;
	}
}

/* --- threads; with the lock held --- */

static struct asker *take_asked(struct answers *answers)
{
	struct asker *asker = answers->asked;

	if (asker && !(answers->asked = asker->next))
		answers->asked_last = &answers->asked;
	return asker;
}

static void put_done(struct answers *answers, struct asker *asker)
{
	const uint64_t one = 1;

	asker->next = answers->done;
	answers->done = asker;
	must(write(answers->bell.fd, &one, sizeof one) == sizeof one);
}

static void *work(void *argument)
{
	struct answers *answers = argument;
	struct asker *asker;

	pthread_mutex_lock(&answers->lock);
	while ((asker = take_asked(answers))) {
		bool gone = asker->gone;
		pthread_mutex_unlock(&answers->lock);
		if (!gone)
			answers->how.work(answers->how.context, &asker->question);
		pthread_mutex_lock(&answers->lock);
		put_done(answers, asker);
	}
	answers->threads--;
	pthread_mutex_unlock(&answers->lock);
	return NULL;
}

/* --- the loop --- */

/* Whom no thread can take now waits in the queue; where there is no thread at all, `wait` is all
 * it waits for. */
static void take_question(struct answers *answers, struct asker *asker)
{
	asker->taken = true;
	asker->next = NULL;
	asker->patience = deadline_in(answers->how.wait);
	pthread_mutex_lock(&answers->lock);
	*answers->asked_last = asker;
	answers->asked_last = &asker->next;
	answers->unanswered++;
	if (answers->threads < answers->how.at_once &&
		thread_start(work, answers, answers->how.stack))
		answers->threads++;
	pthread_mutex_unlock(&answers->lock);
}

static void hear_asker(struct answers *answers, struct asker *asker)
{
	struct server_ask ask;

	if (asker->sending) {
		sent(answers, asker, server_send(asker->connection));
		return;
	}
	enum server_result result = server_next(asker->connection, &ask);
	if (result == SERVER_WAIT)
		return;
	if (result == SERVER_ASKED && unpack(asker, &ask)) {
		take_question(answers, asker);
		return;
	}
	if (result == SERVER_ASKED) {
		fd_close(&ask.fd);
		LOG(LOG_ALARM, "call-malformed", log_text("from", role_name(asker->watched.who)),
			log_text("call", call_rules[ask.call].name));
	}
	close_asker(answers, asker);
}

static void take_ctl(struct answers *answers)
{
	int fd;

	while ((fd = server_accept_ctl(answers->ctl.fd)) >= 0)
		open_asker(answers, fd, ROLE_CTL);
}

static void take_edge(struct answers *answers, struct watched *edge)
{
	int fd;

	while ((fd = server_rendezvous(edge->fd)) >= 0)
		open_asker(answers, fd, edge->who);
	if (errno == EAGAIN)
		return;
	fd_close(&edge->fd);
	free(edge);
}

static void answer_all(struct answers *answers, struct asker *first)
{
	size_t n = 0;

	for (struct asker *asker = first, *next; asker; asker = next, n++) {
		next = asker->next;
		asker->taken = false;
		if (asker->gone) {
			fd_close(&asker->question.fd_in);
			fd_close(&asker->question.fd_out);
			close_asker(answers, asker);
		} else {
			send_answer(answers, asker);
		}
	}
	pthread_mutex_lock(&answers->lock);
	answers->unanswered -= n;
	if (!answers->unanswered)
		pthread_cond_broadcast(&answers->idle);
	pthread_mutex_unlock(&answers->lock);
}

static void take_answers(struct answers *answers)
{
	uint64_t times;

	must(read(answers->bell.fd, &times, sizeof times) == sizeof times);
	pthread_mutex_lock(&answers->lock);
	struct asker *first = answers->done;
	answers->done = NULL;
	pthread_mutex_unlock(&answers->lock);
	answer_all(answers, first);
}

/* Those who waited too long are told so; returns when the next one will have. */
static struct deadline tell_the_impatient(struct answers *answers)
{
	struct deadline next = deadline_never();
	struct asker *told = NULL, *asker;

	pthread_mutex_lock(&answers->lock);
	while (answers->asked && deadline_passed(answers->asked->patience)) {
		asker = take_asked(answers);
		say_busy(answers, &asker->question);
		asker->next = told;
		told = asker;
	}
	if (answers->asked)
		next = answers->asked->patience;
	pthread_mutex_unlock(&answers->lock);
	if (told) {
		LOG(LOG_WARNING, "too-many-questions",
			log_text("from", role_name(told->watched.who)));
		answer_all(answers, told);
	}
	return next;
}

/* Sending answers may close askers, of whom no event may be left by then: so that comes last. */
static void wait_and_hear(struct answers *answers)
{
	struct epoll_event events[EVENTS];
	int wait = deadline_poll_ms(tell_the_impatient(answers));
	int n = epoll_wait(answers->epoll, events, EVENTS, wait);
	bool rung = false;

	must(n >= 0 || errno == EINTR);
	for (int i = 0; i < n; i++) {
		struct watched *watched = events[i].data.ptr;

		if (watched->kind == WATCHED_BELL)
			rung = true;
		else if (watched->kind == WATCHED_CTL)
			take_ctl(answers);
		else if (watched->kind == WATCHED_EDGE)
			take_edge(answers, watched);
		else
			hear_asker(answers, (struct asker *)watched);
	}
	if (rung)
		take_answers(answers);
}

static struct answers *open_answers(const struct answering *how, int ctl)
{
	struct answers *answers = must_alloc(sizeof *answers);

	*answers = (struct answers){ .how = *how,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.bell = { WATCHED_BELL, eventfd(0, EFD_CLOEXEC), how->by },
		.ctl = { WATCHED_CTL, ctl, ROLE_CTL } };
	answers->asked_last = &answers->asked;
	must(answers->epoll >= 0 && answers->bell.fd >= 0);
	must(pthread_mutex_init(&answers->lock, NULL) == 0);
	condition_init(&answers->idle);
	watch(answers, &answers->bell, EPOLL_CTL_ADD, EPOLLIN);
	if (ctl >= 0)
		watch(answers, &answers->ctl, EPOLL_CTL_ADD, EPOLLIN);
	return answers;
}

static _Noreturn void *serve(void *argument)
{
	for (;;)
		wait_and_hear(argument);
}

struct answers *answers_serve(const struct answering *how, int ctl)
{
	struct answers *answers = open_answers(how, ctl);

	must(ctl < 0 || fd_set_nonblocking(ctl, true));
	must(thread_start(serve, answers, STACK));
	return answers;
}

void answers_set_edge(struct answers *answers, enum role who, int rendezvous)
{
	struct watched *edge = must_alloc(sizeof *edge);

	*edge = (struct watched){ WATCHED_EDGE, rendezvous, who };
	watch(answers, edge, EPOLL_CTL_ADD, EPOLLIN);
}

void answers_stop(struct answers *answers, struct deadline deadline)
{
	pthread_mutex_lock(&answers->lock);
	while (answers->unanswered && condition_wait(&answers->idle, &answers->lock, deadline))
		;
	pthread_mutex_unlock(&answers->lock);
}

static bool has_threads(struct answers *answers)
{
	pthread_mutex_lock(&answers->lock);
	bool any = answers->threads > 0;
	pthread_mutex_unlock(&answers->lock);
	return any;
}

void answers_serve_one(const struct answering *how, enum role who, int fd)
{
	struct answers *answers = open_answers(how, -1);

	open_asker(answers, fd, who);
	while (answers->n_askers)
		wait_and_hear(answers);
	while (has_threads(answers)) /* the last one is on its way out */
		usleep(1000);
	fd_close(&answers->epoll);
	fd_close(&answers->bell.fd);
	pthread_cond_destroy(&answers->idle);
	pthread_mutex_destroy(&answers->lock);
	free(answers);
}
