/* SPDX-License-Identifier: ISC
 *
 * client.c - asking another role, from any thread. Runs in smtpd, delivery, mailbox and the command
 * line. A connection carries one call at a time; idle ones wait in a pool. Roles get theirs over
 * a rendezvous: a socketpair is made and one end sent to the other side, so that no role needs to
 * connect to anything. Who answers is trusted with the content of its answers, but what arrives is
 * checked as if it weren't: a bug there must not become memory corruption here.
 */
#include "call/client.h"

#include "base/must.h"
#include "base/thread.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { IDLE_MAX = 256, FIRST_READ = 4096, BUSY_WAIT = 20 };

struct client_connection {
	enum role of; /* who answers */
	int fd;
	uint64_t generation; /* of the rendezvous it was made over */
	struct client_connection *next;
};

struct client {
	enum role of;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": by rendezvous */
	pthread_mutex_t lock;					/* guards all below */
	pthread_cond_t edge_changed;
	int edge_fd;
	uint64_t generation;
	struct client_connection *idle;
	size_t n_idle;
};

struct client *client_new(enum role of)
{
	struct client *client = must_alloc(sizeof *client);

	client->of = of;
	client->edge_fd = -1;
	must(pthread_mutex_init(&client->lock, NULL) == 0);
	condition_init(&client->edge_changed);
	return client;
}

void client_disconnect(struct client_connection **connection)
{
	if (!*connection)
		return;
	fd_close(&(*connection)->fd);
	free(*connection);
	*connection = NULL;
}

static const char *name_of(enum role of)
{
	return of == ROLE_STORE ? "the store" : role_name(of);
}

static struct client_connection *connection_of(
	const struct client *client, int fd, uint64_t generation)
{
	struct client_connection *connection = must_alloc(sizeof *connection);

	connection->of = client->of;
	connection->fd = fd;
	connection->generation = generation;
	return connection;
}

static void disconnect_all(struct client_connection *first)
{
	while (first) {
		struct client_connection *next = first->next;
		client_disconnect(&first);
		first = next;
	}
}

void client_set_edge(struct client *client, int rendezvous)
{
	pthread_mutex_lock(&client->lock);
	fd_close(&client->edge_fd);
	client->edge_fd = rendezvous;
	client->generation++;
	struct client_connection *old = client->idle;
	client->idle = NULL;
	client->n_idle = 0;
	pthread_cond_broadcast(&client->edge_changed);
	pthread_mutex_unlock(&client->lock);
	disconnect_all(old);
}

void client_free(struct client **client)
{
	struct client *c = *client;

	*client = NULL;
	if (!c)
		return;
	disconnect_all(c->idle);
	fd_close(&c->edge_fd);
	pthread_cond_destroy(&c->edge_changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Send `theirs` over the rendezvous, whichever it is by then. With the lock held. */
static bool introduce(struct client *client, int theirs, struct deadline deadline)
{
	for (;;) {
		if (client->edge_fd >= 0) {
			if (fd_send(client->edge_fd, STR("c"), &theirs, 1, MSG_DONTWAIT))
				return true;
			if (errno != EAGAIN && errno != ETOOMANYREFS && errno != ENOBUFS)
				fd_close(&client->edge_fd);
		}
		if (deadline_passed(deadline))
			return false;
		condition_wait(&client->edge_changed, &client->lock,
			client->edge_fd < 0 ? deadline
					    : deadline_earlier(deadline, deadline_in(BUSY_WAIT)));
	}
}

static struct client_connection *connect_by_edge(
	struct client *client, struct deadline deadline, struct why *why)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		why_errno(why, "can't make a connection to %s", name_of(client->of));
		return NULL;
	}
	pthread_mutex_lock(&client->lock);
	bool good = introduce(client, ends[1], deadline);
	uint64_t generation = client->generation;
	pthread_mutex_unlock(&client->lock);
	fd_close(&ends[1]);
	if (good)
		return connection_of(client, ends[0], generation);
	fd_close(&ends[0]);
	why_not(why, "%s isn't there", name_of(client->of));
	return NULL;
}

static struct client_connection *connect_by_path(struct client *client, struct why *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, client->path, sizeof address.sun_path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return connection_of(client, fd, client->generation);
	why_errno(why, "can't connect to %s", client->path);
	fd_close(&fd);
	return NULL;
}

struct client_connection *client_connect(
	struct client *client, struct deadline deadline, struct why *why)
{
	if (client->path[0])
		return connect_by_path(client, why);
	return connect_by_edge(client, deadline, why);
}

static void put_first(struct client *client, struct client_connection *connection)
{
	client->idle = connection;
	client->n_idle = 1;
}

struct client *client_at(enum role of, const char *path, struct why *why)
{
	struct client *client = client_new(of);

	if (strlen(path) >= sizeof client->path) {
		why_not(why, "%s is too long for a socket's name", path);
	} else {
		memcpy(client->path, path, strlen(path) + 1);
		struct client_connection *first = connect_by_path(client, why);
		if (first) {
			put_first(client, first);
			return client;
		}
	}
	client_free(&client);
	return NULL;
}

struct client *client_over(enum role of, int fd)
{
	struct client *client = client_new(of);

	put_first(client, connection_of(client, fd, client->generation));
	return client;
}

static struct client_connection *take_idle(struct client *client)
{
	pthread_mutex_lock(&client->lock);
	struct client_connection *connection = client->idle;
	if (connection) {
		client->idle = connection->next;
		client->n_idle--;
		connection->next = NULL;
	}
	pthread_mutex_unlock(&client->lock);
	return connection;
}

/* True while the other side holds its end and has said nothing unasked. */
static bool is_quiet(const struct client_connection *connection)
{
	char byte;

	return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static struct client_connection *take(
	struct client *client, struct deadline deadline, struct why *why)
{
	for (;;) {
		struct client_connection *connection = take_idle(client);
		if (!connection)
			return client_connect(client, deadline, why);
		if (is_quiet(connection))
			return connection;
		client_disconnect(&connection);
	}
}

static void give_back(struct client *client, struct client_connection *connection, bool good)
{
	pthread_mutex_lock(&client->lock);
	if (good && connection->generation == client->generation && client->n_idle < IDLE_MAX) {
		connection->next = client->idle;
		client->idle = connection;
		client->n_idle++;
		connection = NULL;
	}
	pthread_mutex_unlock(&client->lock);
	client_disconnect(&connection);
}

static bool wait_for(
	const struct client_connection *c, short events, struct deadline deadline, struct why *why)
{
	for (;;) {
		struct pollfd one = { .fd = c->fd, .events = events };
		int n = poll(&one, 1, deadline_poll_ms(deadline));
		if (n > 0)
			return true;
		if (n == 0 && deadline_passed(deadline))
			return why_not(why, "%s didn't answer in time", name_of(c->of));
		if (n < 0 && errno != EINTR)
			return why_errno(why, "can't wait for %s", name_of(c->of));
	}
}

static bool send_ask(const struct client_connection *c, struct str frame, int fd_in,
	struct deadline deadline, struct why *why)
{
	while (frame.len) {
		ssize_t n = frame_send(c->fd, frame, fd_in, MSG_DONTWAIT);
		if (n >= 0) {
			frame = str_tail(frame, (size_t)n);
			fd_in = -1;
		} else if (errno != EAGAIN && errno != ETOOMANYREFS) {
			return why_errno(why, "can't send to %s", name_of(c->of));
		} else if (!wait_for(c, POLLOUT, deadline, why)) {
			return false;
		}
	}
	return true;
}

/* An answer on its way in. */
struct incoming {
	const struct client_connection *over;
	int fd_out; /* the descriptor that came, or -1 */
	char *at;
	size_t len, wanted;
};

/* Read until `wanted` bytes are there, at most `room`. */
static bool read_answer(struct incoming *in, size_t room, struct deadline deadline, struct why *why)
{
	while (in->len < in->wanted) {
		int fd = -1;
		size_t n = 1;
		if (!wait_for(in->over, POLLIN, deadline, why))
			return false;
		ssize_t got = fd_receive(
			in->over->fd, in->at + in->len, room - in->len, &fd, &n, MSG_DONTWAIT);
		if (n && (in->fd_out >= 0 || in->len > 0)) {
			fd_close(&fd);
			return why_not(
				why, "%s sent a descriptor out of place", name_of(in->over->of));
		}
		if (n)
			in->fd_out = fd;
		if (got == 0)
			return why_not(why, "%s went away", name_of(in->over->of));
		if (got < 0 && errno != EAGAIN)
			return why_errno(why, "can't hear %s", name_of(in->over->of));
		if (got > 0)
			in->len += (size_t)got;
	}
	return true;
}

static bool receive_answer(struct incoming *in, enum call call, struct arena *arena,
	struct str *answer, struct deadline deadline, struct why *why)
{
	char first[FIRST_READ];
	enum call answered;
	size_t length;

	in->at = first;
	in->wanted = FRAME_HEADER;
	if (!read_answer(in, sizeof first, deadline, why))
		return false;
	if (!frame_header((struct str){ first, in->len }, &answered, &length) || answered != call ||
		in->len > FRAME_HEADER + length)
		return why_not(why, "%s answered nonsense", name_of(in->over->of));
	char *whole = arena_alloc(arena, length ? length : 1);
	if (!whole)
		return why_not(why, "the answer of %s is too large", name_of(in->over->of));
	in->len -= FRAME_HEADER;
	memcpy(whole, first + FRAME_HEADER, in->len);
	in->at = whole;
	in->wanted = length;
	*answer = (struct str){ whole, length };
	return read_answer(in, length, deadline, why);
}

/* Ask and hear the answer. On failure no descriptor is left open and the connection is broken. */
static bool exchange(struct client_connection *connection, enum call call, struct buf *frame,
	int fd_in, struct arena *arena, struct str *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	struct incoming in = { .over = connection, .fd_out = -1 };
	bool good;

	must(call_rules[call].by == connection->of);
	must((call_rules[call].fds == CALL_FD_IN) == (fd_in >= 0));
	if (!frame_end(frame))
		return why_not(why, "the call is too large");
	good = send_ask(connection, buf_str(frame), fd_in, deadline, why) &&
	       receive_answer(&in, call, arena, answer, deadline, why);
	if (good && in.fd_out >= 0 && (call_rules[call].fds != CALL_FD_OUT || !fd_out))
		good = why_not(
			why, "%s sent a descriptor nobody asked for", name_of(connection->of));
	if (!good)
		fd_close(&in.fd_out);
	if (fd_out)
		*fd_out = in.fd_out;
	return good;
}

static bool malformed(enum role of, int *fd_out, struct why *why)
{
	if (fd_out)
		fd_close(fd_out);
	return why_not(why, "the answer of %s is malformed", name_of(of));
}

#define CALL_CODE(name, ask_t, answer_t, who, fds)                                            \
	bool call_##name##_on(struct client_connection *connection, const struct ask_t *ask,  \
		int fd_in, struct arena *arena, struct answer_t *answer, int *fd_out,         \
		struct deadline deadline, struct why *why)                                    \
	{                                                                                     \
		scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);            \
		struct str packed = { 0 };                                                    \
                                                                                              \
		frame_begin(&frame, CALL_##name);                                             \
		pack_##ask_t(&frame, ask);                                                    \
		if (!exchange(connection, CALL_##name, &frame, fd_in, arena, &packed, fd_out, \
			    deadline, why))                                                   \
			return false;                                                         \
		if (!unpack_##answer_t(&packed, arena, answer) || packed.len)                 \
			return malformed(connection->of, fd_out, why);                        \
		return true;                                                                  \
	}                                                                                     \
                                                                                              \
	bool call_##name(struct client *client, const struct ask_t *ask, int fd_in,           \
		struct arena *arena, struct answer_t *answer, int *fd_out,                    \
		struct deadline deadline, struct why *why)                                    \
	{                                                                                     \
		struct client_connection *connection = take(client, deadline, why);           \
                                                                                              \
		if (fd_out)                                                                   \
			*fd_out = -1;                                                         \
		if (!connection)                                                              \
			return false;                                                         \
		bool good = call_##name##_on(                                                 \
			connection, ask, fd_in, arena, answer, fd_out, deadline, why);        \
		give_back(client, connection, good);                                          \
		return good;                                                                  \
	}

CALLS(CALL_CODE)
