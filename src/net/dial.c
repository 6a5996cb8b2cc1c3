/* SPDX-License-Identifier: ISC
 *
 * dial.c - TCP connections outward. Runs in delivery's worker threads. The only thing learnt
 * from the network here is whether a connection stands.
 */
#include "net/dial.h"

#include "base/fd.h"
#include "base/must.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STAGGER_MS = 250 }; /* RFC 8305 5 */

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t socket_address(const struct ip *ip, uint16_t port, union socket_address *to)
{
	memset(to, 0, sizeof *to);
	if (ip->v6) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(port);
		memcpy(&to->v6.sin6_addr, ip->bytes, 16);
		return sizeof to->v6;
	}
	to->v4.sin_family = AF_INET;
	to->v4.sin_port = htons(port);
	memcpy(&to->v4.sin_addr, ip->bytes, 4);
	return sizeof to->v4;
}

bool dial_has_route(const struct ip *ip)
{
	union socket_address to;
	socklen_t size = socket_address(ip, 53, &to);
	scoped(fd_close) int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* connect() of a datagram socket looks the route up and sends nothing. */
	if (fd < 0)
		return errno != EAFNOSUPPORT;
	if (connect(fd, &to.any, size) == 0)
		return true;
	return errno != ENETUNREACH && errno != EHOSTUNREACH && errno != EADDRNOTAVAIL;
}

static enum dial_state state_of(int error)
{
	switch (error) {
	case 0:
		return DIAL_CONNECTED;
	case ETIMEDOUT:
		return DIAL_TIMEOUT;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL:
		return DIAL_FAULT;
	default:
		return DIAL_REFUSED;
	}
}

/* One try while it is under way. */
struct attempt {
	struct dial_try *of;
	struct deadline until;
};

struct race {
	struct attempt running[DIAL_TRIES_MAX];
	size_t n;
};

static void settle(struct dial_try *try, enum dial_state state)
{
	try->state = state;
	if (state != DIAL_CONNECTED)
		fd_close(&try->fd);
}

static void start(struct race *race, struct dial_try *try, uint16_t port, struct deadline until)
{
	union socket_address to;
	socklen_t size = socket_address(&try->ip, port, &to);

	try->fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (try->fd < 0) {
		settle(try, state_of(errno));
		return;
	}
	if (connect(try->fd, &to.any, size) == 0)
		settle(try, DIAL_CONNECTED);
	else if (errno != EINPROGRESS)
		settle(try, state_of(errno));
	else
		race->running[race->n++] = (struct attempt){ .of = try, .until = until };
}

/* Look at every running try once; the finished ones leave the race. */
static void collect(struct race *race, const struct pollfd *polled)
{
	size_t left = 0;

	for (size_t i = 0; i < race->n; i++) {
		struct attempt *a = &race->running[i];
		int error = 0;
		socklen_t size = sizeof error;
		if (polled[i].revents) {
			getsockopt(a->of->fd, SOL_SOCKET, SO_ERROR, &error, &size);
			settle(a->of, state_of(error));
		} else if (deadline_passed(a->until)) {
			settle(a->of, DIAL_TIMEOUT);
		} else {
			race->running[left++] = *a;
		}
	}
	race->n = left;
}

/* Wait until something is to be done: a try ends, one's time is over, or the next may start. */
static void wait_for_any(struct race *race, struct deadline next)
{
	struct pollfd polled[DIAL_TRIES_MAX];
	struct deadline until = next;

	for (size_t i = 0; i < race->n; i++) {
		polled[i] = (struct pollfd){ .fd = race->running[i].of->fd, .events = POLLOUT };
		until = deadline_earlier(until, race->running[i].until);
	}
	if (poll(polled, race->n, deadline_poll_ms(until)) < 0)
		for (size_t i = 0; i < race->n; i++)
			polled[i].revents = 0;
	collect(race, polled);
}

static struct dial_try *next_untried(struct dial_try *tries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tries[i].state == DIAL_UNTRIED && tries[i].fd < 0)
			return &tries[i];
	return NULL;
}

/* The first that stands; everything else still open is closed and may be tried again. */
static int winner(struct dial_try *tries, size_t n, const bool *before, int *fd)
{
	int first = -1;

	for (size_t i = 0; i < n; i++) {
		if (first < 0 && tries[i].state == DIAL_CONNECTED && !before[i]) {
			first = (int)i;
			*fd = tries[i].fd;
			tries[i].fd = -1;
		} else if (tries[i].fd >= 0) {
			settle(&tries[i], DIAL_UNTRIED);
		}
	}
	return first;
}

static bool any_new(const struct dial_try *tries, size_t n, const bool *before)
{
	for (size_t i = 0; i < n; i++)
		if (tries[i].state == DIAL_CONNECTED && !before[i])
			return true;
	return false;
}

int dial(struct dial_try *tries, size_t n, uint16_t port, int64_t each_ms, struct deadline until,
	int *fd)
{
	struct race race = { .n = 0 };
	bool before[DIAL_TRIES_MAX]; /* stood in an earlier call */

	must(n <= DIAL_TRIES_MAX);
	for (size_t i = 0; i < n; i++) {
		tries[i].fd = -1;
		before[i] = tries[i].state == DIAL_CONNECTED;
	}
	while (!any_new(tries, n, before)) {
		struct dial_try *next = deadline_passed(until) ? NULL : next_untried(tries, n);
		size_t running = race.n;
		if (next)
			start(&race, next, port, deadline_earlier(until, deadline_in(each_ms)));
		else if (!race.n)
			break;
		if (next && race.n == running)
			continue; /* it ended at once */
		bool more = next_untried(tries, n) != NULL;
		struct deadline stagger = more ? deadline_in(STAGGER_MS) : deadline_never();
		size_t under_way = race.n;
		while (race.n == under_way && !(more && deadline_passed(stagger)))
			wait_for_any(&race, stagger);
	}
	return winner(tries, n, before, fd);
}
