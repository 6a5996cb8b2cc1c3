/* SPDX-License-Identifier: ISC
 *
 * parking.c - one epoll descriptor and one list. Workers put sessions in; only the serving thread
 * takes them out, so that an event it holds never names a session that is gone. Each is armed
 * once (EPOLLONESHOT): one event, one run.
 */
#include "smtpd/parking.h"

#include "base/must.h"
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>

enum { EVENTS = 64 };

struct parking {
	int epoll;
	struct epoll_event events[EVENTS]; /* of the serving thread */
	int n, at;
	pthread_mutex_t lock; /* guards all below */
	struct session *first;
	struct deadline earliest; /* no parked session is late before this */
};

struct parking *parking_new(void)
{
	struct parking *parking = must_alloc(sizeof *parking);

	parking->epoll = epoll_create1(EPOLL_CLOEXEC);
	must(parking->epoll >= 0);
	must(pthread_mutex_init(&parking->lock, NULL) == 0);
	parking->earliest = deadline_never();
	return parking;
}

int parking_fd(const struct parking *parking)
{
	return parking->epoll;
}

/* With the lock held. */
static void unlink_session(struct parking *parking, struct session *s)
{
	if (s->previous)
		s->previous->next = s->next;
	else
		parking->first = s->next;
	if (s->next)
		s->next->previous = s->previous;
	s->next = s->previous = NULL;
}

void parking_put(struct parking *parking, struct session *s)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = s };
	int fd = s->secure ? s->secure->wire.fd : s->plain->wire.fd;
	int operation = s->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	pthread_mutex_lock(&parking->lock);
	s->watched = true;
	s->previous = NULL;
	s->next = parking->first;
	if (s->next)
		s->next->previous = s;
	parking->first = s;
	parking->earliest = deadline_earlier(parking->earliest, session_patience(s));
	/* From here on the serving thread may take it, once it has the lock. */
	must(epoll_ctl(parking->epoll, operation, fd, &event) == 0);
	pthread_mutex_unlock(&parking->lock);
}

struct session *parking_next(struct parking *parking)
{
	if (parking->at >= parking->n) {
		parking->at = 0;
		parking->n = epoll_wait(parking->epoll, parking->events, EVENTS, 0);
		must(parking->n >= 0 || errno == EINTR);
	}
	if (parking->at >= parking->n)
		return NULL;
	struct session *s = parking->events[parking->at++].data.ptr;
	pthread_mutex_lock(&parking->lock);
	unlink_session(parking, s);
	pthread_mutex_unlock(&parking->lock);
	return s;
}

struct session *parking_take_late(struct parking *parking, bool all)
{
	struct session *late = NULL;

	must(parking->at >= parking->n);
	pthread_mutex_lock(&parking->lock);
	if (all || deadline_passed(parking->earliest)) {
		struct deadline earliest = deadline_never();
		struct session *s = parking->first;
		while (s && !all && !deadline_passed(session_patience(s))) {
			earliest = deadline_earlier(earliest, session_patience(s));
			s = s->next;
		}
		if (s)
			unlink_session(parking, s);
		else
			parking->earliest = earliest;
		late = s;
	}
	pthread_mutex_unlock(&parking->lock);
	return late;
}
