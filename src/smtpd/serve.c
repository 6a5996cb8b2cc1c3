/* SPDX-License-Identifier: ISC
 *
 * serve.c - one thread that waits for everybody who is silent: listeners, parked sessions, the
 * clock. It takes connections, asks the gate, and hands sessions to the threads; it never waits for
 * a peer, and whoever can't be served hears 421.
 */
#include "smtpd/serve.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include "smtpd/limits.h"
#include "smtpd/parking.h"
#include "smtpd/threads.h"
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LISTENERS_MOST = 64, ACCEPTS_AT_ONCE = 64, TICK_MS = 1000, BACK_OFF_MS = 100, CROWD = 500 };

struct listener {
	int fd;
	enum listener_kind kind;
};

struct smtpd {
	struct house house;
	struct threads *threads;
	struct parking *parking;
	int wake; /* eventfd: look at house.stopping */
	struct listener listeners[LISTENERS_MOST];
	size_t n;
	struct deadline resume, tick; /* of the serving thread, as is the next */
	uint64_t peak;		      /* sessions since memory was last given back */
	pthread_mutex_t lock;	      /* guards snapshot */
	struct snapshot *snapshot;
};

static void park(void *context, struct session *s)
{
	struct smtpd *smtpd = context;

	parking_put(smtpd->parking, s);
}

struct smtpd *smtpd_new(struct snapshot *snapshot)
{
	struct smtpd *smtpd = must_alloc(sizeof *smtpd);

	smtpd->house.gate = gate_new();
	smtpd->house.store = client_new(ROLE_STORE);
	smtpd->threads = threads_new(park, smtpd);
	smtpd->parking = parking_new();
	smtpd->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(smtpd->wake >= 0);
	must(pthread_mutex_init(&smtpd->lock, NULL) == 0);
	smtpd->snapshot = snapshot;
	threads_set_most(smtpd->threads, snapshot->settings->session_threads);
	return smtpd;
}

struct client *smtpd_store(struct smtpd *smtpd)
{
	return smtpd->house.store;
}

void smtpd_listen(struct smtpd *smtpd, enum listener_kind kind, struct str name, int fd)
{
	must(smtpd->n < LISTENERS_MOST);
	must(listen_prepare(fd));
	smtpd->listeners[smtpd->n++] = (struct listener){ .fd = fd, .kind = kind };
	LOG(LOG_DEBUG, "listening", log_str("listener", name));
}

static struct snapshot *current(struct smtpd *smtpd)
{
	pthread_mutex_lock(&smtpd->lock);
	struct snapshot *snapshot = snapshot_hold(smtpd->snapshot);
	pthread_mutex_unlock(&smtpd->lock);
	return snapshot;
}

void smtpd_reload(struct smtpd *smtpd, struct snapshot *snapshot)
{
	threads_set_most(smtpd->threads, snapshot->settings->session_threads);
	pthread_mutex_lock(&smtpd->lock);
	struct snapshot *old = smtpd->snapshot;
	smtpd->snapshot = snapshot;
	pthread_mutex_unlock(&smtpd->lock);
	snapshot_release(&old);
}

/* One try, without waiting: the socket's buffer is empty. On implicit TLS nothing can be said. */
static void turn_away(
	int fd, enum listener_kind kind, const struct peer *peer, enum gate_answer why)
{
	const struct str words = why == GATE_FULL
					 ? STR("421 4.7.0 Too many sessions, try again later\r\n")
					 : STR("421 4.7.0 Too many sessions of your address\r\n");

	LOG(LOG_INFO, "turned-away", log_text("peer", peer->text),
		log_text("why", why == GATE_FULL ? "sessions" : "sessions_per_address"));
	if (kind != LISTENER_SUBMISSIONS)
		(void)!send(fd, words.at, words.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	fd_close(&fd);
}

static void begin_session(struct smtpd *smtpd, const struct listener *listener,
	struct snapshot *snapshot, int fd, const struct peer *peer)
{
	const struct settings *settings = snapshot->settings;
	enum gate_answer answer = gate_enter(
		smtpd->house.gate, peer, settings->sessions, settings->sessions_per_address);

	if (answer != GATE_OPEN) {
		turn_away(fd, listener->kind, peer, answer);
		return;
	}
	threads_add(smtpd->threads,
		session_new(&smtpd->house, snapshot, listener->kind, peer, plain_of(fd)));
}

static void take_connections(struct smtpd *smtpd, const struct listener *listener)
{
	struct snapshot *snapshot = current(smtpd);
	bool wait = false;

	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		struct peer peer;
		int fd = listen_accept(listener->fd, &peer, &wait);
		if (fd < 0)
			break;
		begin_session(smtpd, listener, snapshot, fd, &peer);
	}
	if (wait) {
		LOG(LOG_ALARM, "no-descriptors",
			log_u64("sessions", gate_sessions(smtpd->house.gate)));
		smtpd->resume = deadline_in(BACK_OFF_MS);
	}
	snapshot_release(&snapshot);
}

static void dismiss(struct session *s, struct reply reply)
{
	session_dismiss(s, reply);
	session_free(&s);
}

/* Who has waited too long, for a word of the peer or for a thread of ours. */
static void dismiss_late(struct smtpd *smtpd, bool all)
{
	struct session *s;

	while ((s = parking_take_late(smtpd->parking, all)))
		dismiss(s, all ? REPLY(421, "4.3.2 Closing for now")
			       : REPLY(421, "4.4.2 That took too long"));
	while ((s = threads_take_tired(smtpd->threads, all ? 0 : QUEUED_MOST_MS)))
		dismiss(s, REPLY(421, "4.3.2 Too busy, try again later"));
}

static void close_listeners(struct smtpd *smtpd)
{
	for (size_t i = 0; i < smtpd->n; i++)
		fd_close(&smtpd->listeners[i].fd);
	smtpd->n = 0;
}

/* What to wait for: the parked sessions, the word to stop, and, unless there is no room for more,
 * the listeners. */
static nfds_t gather(struct smtpd *smtpd, struct pollfd *fds)
{
	nfds_t n = 0;

	fds[n++] = (struct pollfd){ .fd = smtpd->wake, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = parking_fd(smtpd->parking), .events = POLLIN };
	for (size_t i = 0; deadline_passed(smtpd->resume) && i < smtpd->n; i++)
		fds[n++] = (struct pollfd){ .fd = smtpd->listeners[i].fd, .events = POLLIN };
	return n;
}

/* A crowd that has left leaves its memory scattered over the heap: give it back. */
static void tidy(struct smtpd *smtpd)
{
	uint64_t now = gate_sessions(smtpd->house.gate);

	if (now > smtpd->peak)
		smtpd->peak = now;
	if (smtpd->peak < CROWD || now > smtpd->peak / 2)
		return;
	malloc_trim(0);
	smtpd->peak = now;
}

static void serve_once(struct smtpd *smtpd)
{
	struct pollfd fds[LISTENERS_MOST + 2];
	nfds_t n = gather(smtpd, fds);
	struct deadline until = deadline_earlier(
		smtpd->tick, deadline_passed(smtpd->resume) ? deadline_never() : smtpd->resume);
	struct session *s;

	if (poll(fds, n, deadline_poll_ms(until)) < 0)
		return;
	for (nfds_t i = 2; i < n; i++) {
		if (fds[i].revents)
			take_connections(smtpd, &smtpd->listeners[i - 2]);
	}
	while (fds[1].revents && (s = parking_next(smtpd->parking)))
		threads_add(smtpd->threads, s);
	bool stopping = atomic_load(&smtpd->house.stopping);
	if (stopping) {
		uint64_t times;
		(void)!read(smtpd->wake, &times, sizeof times);
		close_listeners(smtpd);
	}
	if (stopping || deadline_passed(smtpd->tick)) {
		dismiss_late(smtpd, stopping);
		tidy(smtpd);
		smtpd->tick = deadline_in(stopping ? BACK_OFF_MS : TICK_MS);
	}
}

static void *serve(void *argument)
{
	struct smtpd *smtpd = argument;

	for (;;)
		serve_once(smtpd);
	return NULL;
}

void smtpd_serve(struct smtpd *smtpd)
{
	must(thread_start(serve, smtpd, 0));
}

bool smtpd_stop(struct smtpd *smtpd)
{
	const struct timespec moment = { .tv_nsec = 20 * 1000000 };
	struct deadline deadline = deadline_in(STOP_MS);
	uint64_t one = 1;

	atomic_store(&smtpd->house.stopping, true);
	must(write(smtpd->wake, &one, sizeof one) == sizeof one);
	while (gate_sessions(smtpd->house.gate) && !deadline_passed(deadline))
		nanosleep(&moment, NULL);
	uint64_t left = gate_sessions(smtpd->house.gate);
	LOG(LOG_INFO, "stopped", log_u64("sessions", left));
	return left == 0;
}
