/* SPDX-License-Identifier: ISC
 *
 * visit.c - see visit.h. A thread of its own looks once a second; what it shuts, libmicrohttpd
 * then finds at its end. A visit is off the list before its descriptor's number can be another's.
 */
#include "web/visit.h"

#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include <stdlib.h>
#include <sys/socket.h>

enum { STACK = 64 * 1024 };

struct visits {
	struct gate *gate;
	pthread_mutex_t lock; /* guards the list and what is in it */
	pthread_cond_t never;
	struct visit *first;
};

struct visits *visits_new(struct gate *gate)
{
	struct visits *visits = must_alloc(sizeof *visits);

	visits->gate = gate;
	must(pthread_mutex_init(&visits->lock, NULL) == 0);
	condition_init(&visits->never);
	return visits;
}

static void shut_late_ones(struct visits *visits)
{
	for (struct visit *visit = visits->first; visit; visit = visit->next) {
		if (!deadline_passed(visit->until))
			continue;
		shutdown(visit->fd, SHUT_RDWR);
		visit->until = deadline_never();
		LOG(LOG_INFO, "too-slow", log_text("peer", visit->client.text));
	}
}

static _Noreturn void *watch(void *argument)
{
	struct visits *visits = argument;

	pthread_mutex_lock(&visits->lock);
	for (;;) {
		shut_late_ones(visits);
		condition_wait(&visits->never, &visits->lock, deadline_in(SECOND));
	}
}

void visits_serve(struct visits *visits)
{
	must(thread_start(watch, visits, STACK));
}

static void put_in(struct visits *visits, struct visit *visit)
{
	pthread_mutex_lock(&visits->lock);
	visit->next = visits->first;
	visit->self = &visits->first;
	if (visit->next)
		visit->next->self = &visit->next;
	visits->first = visit;
	pthread_mutex_unlock(&visits->lock);
}

struct visit *visit_begin(struct visits *visits, int fd, const struct peer *peer, uint64_t most,
	uint64_t most_of_peer)
{
	struct visit *visit = calloc(1, sizeof *visit);

	if (!visit) {
		shutdown(fd, SHUT_RDWR);
		return NULL;
	}
	*visit = (struct visit){ .visits = visits,
		.fd = fd,
		.peer = *peer,
		.client = *peer,
		.until = deadline_never() };
	enum gate_answer answer = gate_enter(visits->gate, peer, most, most_of_peer);
	visit->counted = answer == GATE_OPEN;
	if (!visit->counted) {
		LOG(LOG_INFO, "turned-away", log_text("peer", peer->text),
			log_text("why", answer == GATE_FULL ? "web_connections"
							    : "web_connections_per_address"));
		shutdown(fd, SHUT_RDWR);
	}
	put_in(visits, visit);
	return visit;
}

void visit_until(struct visit *visit, struct deadline until)
{
	if (!visit)
		return;
	pthread_mutex_lock(&visit->visits->lock);
	visit->until = until;
	pthread_mutex_unlock(&visit->visits->lock);
}

void visit_serves(struct visit *visit, const struct peer *client)
{
	if (!visit)
		return;
	pthread_mutex_lock(&visit->visits->lock);
	visit->client = client ? *client : visit->peer;
	pthread_mutex_unlock(&visit->visits->lock);
}

void visit_end(struct visit *visit)
{
	if (!visit)
		return;
	pthread_mutex_lock(&visit->visits->lock);
	*visit->self = visit->next;
	if (visit->next)
		visit->next->self = visit->self;
	pthread_mutex_unlock(&visit->visits->lock);
	if (visit->counted)
		gate_leave(visit->visits->gate, &visit->peer);
	free(visit);
}
