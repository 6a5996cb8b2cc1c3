/* SPDX-License-Identifier: ISC
 *
 * server.c - being asked. Runs in one thread of the store or delivery and never blocks. The peer may be a role
 * that an attacker owns: memory is bounded by FRAME_MAX per connection, one call is open at a
 * time, a descriptor is taken only where the table of calls wants one.
 */
#include "call/server.h"

#include "base/log.h"
#include "base/must.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 16384, KEEP_ROOM = 65536 };

int server_rendezvous(int rendezvous)
{
	char bytes[8];
	int fd = -1;
	size_t n = 1;
	ssize_t got = fd_receive(rendezvous, bytes, sizeof bytes, &fd, &n, MSG_DONTWAIT);

	if (got == 0)
		errno = 0;
	else if (got > 0 && n == 0)
		errno = EAGAIN; /* an introduction without a descriptor: out of descriptors here */
	return n ? fd : -1;
}

int server_accept_ctl(int listener)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t length = sizeof peer;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
		(peer.uid == 0 || peer.uid == geteuid()))
		return fd;
	LOG(LOG_WARNING, "ctl-refused", log_u64("uid", peer.uid));
	fd_close(&fd);
	errno = EAGAIN;
	return -1;
}

struct server_connection *server_open(int fd, enum role by, enum role who)
{
	struct server_connection *connection = must_alloc(sizeof *connection);

	must(fd_set_nonblocking(fd, true));
	*connection = (struct server_connection){
		.fd = fd,
		.by = by,
		.who = who,
		.in = BUF(FRAME_HEADER + FRAME_MAX),
		.out = BUF(FRAME_HEADER + FRAME_MAX),
		.fd_in = -1,
		.fd_out = -1,
	};
	return connection;
}

void server_close(struct server_connection **connection)
{
	struct server_connection *c = *connection;

	if (!c)
		return;
	fd_close(&c->fd);
	fd_close(&c->fd_in);
	fd_close(&c->fd_out);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
	*connection = NULL;
}

static enum server_result broken(const struct server_connection *c, const char *rule)
{
	LOG(LOG_ALARM, "call-refused", log_text("from", role_name(c->who)), log_text("why", rule));
	return SERVER_CLOSED;
}

/* How many bytes the frame that is arriving still lacks; 0: it is complete. False: not a frame,
 * or not this role's to send here. */
static bool missing(struct server_connection *c, enum call *call, size_t *lacks, const char **rule)
{
	size_t length;

	*lacks = FRAME_HEADER;
	if (c->in.len < FRAME_HEADER) {
		*lacks -= c->in.len;
		return true;
	}
	*rule = "not a frame";
	if (!frame_header(buf_str(&c->in), call, &length))
		return false;
	*rule = call_rules[*call].name;
	if (call_rules[*call].by != c->by || !(call_rules[*call].who & c->who))
		return false;
	*rule = "more than a frame";
	if (c->in.len > FRAME_HEADER + length)
		return false;
	*lacks = FRAME_HEADER + length - c->in.len;
	return true;
}

/* Take in what is there, up to READ_SIZE or what the frame lacks. */
static enum server_result read_some(struct server_connection *c, size_t lacks)
{
	size_t room = lacks > READ_SIZE ? lacks : READ_SIZE;
	int fd = -1;
	size_t n = 1;

	if (room > c->in.max - c->in.len)
		room = c->in.max - c->in.len;
	char *at = buf_reserve(&c->in, room);
	if (!at)
		return broken(c, "more than a frame");
	ssize_t got = fd_receive(c->fd, at, room, &fd, &n, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return SERVER_WAIT;
	if (got <= 0) {
		fd_close(&fd);
		return SERVER_CLOSED;
	}
	if (n && c->in.len > 0) {
		fd_close(&fd);
		return broken(c, "descriptor out of place");
	}
	if (n)
		c->fd_in = fd;
	c->in.len += (size_t)got;
	return SERVER_ASKED;
}

/* While a call is open the peer has nothing to say but to leave. */
static enum server_result still_there(const struct server_connection *c)
{
	char byte;
	ssize_t got = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (got < 0 && errno == EAGAIN)
		return SERVER_WAIT;
	return got > 0 ? broken(c, "a call within a call") : SERVER_CLOSED;
}

static enum server_result yield(struct server_connection *c, enum call call, struct server_ask *ask)
{
	if ((call_rules[call].fds == CALL_FD_IN) != (c->fd_in >= 0))
		return broken(c, "descriptor missing or unwanted");
	*ask = (struct server_ask){
		.call = call,
		.message = str_tail(buf_str(&c->in), FRAME_HEADER),
		.fd = c->fd_in,
	};
	c->fd_in = -1;
	c->asked = true;
	c->call = call;
	return SERVER_ASKED;
}

enum server_result server_next(struct server_connection *c, struct server_ask *ask)
{
	const char *rule = NULL;
	enum call call = CALLS_N;
	size_t lacks;

	if (c->asked)
		return still_there(c);
	for (;;) {
		if (!missing(c, &call, &lacks, &rule))
			return broken(c, rule);
		if (lacks == 0)
			return yield(c, call, ask);
		enum server_result result = read_some(c, lacks);
		if (result != SERVER_ASKED)
			return result;
	}
}

static bool packed(struct server_connection *c, int fd)
{
	if (frame_end(&c->out)) {
		c->fd_out = fd;
		return true;
	}
	fd_close(&fd);
	buf_clear(&c->out);
	return false;
}

#define SERVER_ANSWER_CODE(name, ask_t, answer_t, who, fds)                                  \
	bool server_answer_##name(                                                           \
		struct server_connection *connection, const struct answer_t *answer, int fd) \
	{                                                                                    \
		must(connection->asked && connection->call == CALL_##name);                  \
		must(connection->out.len == 0);                                              \
		must(fd < 0 || fds == CALL_FD_OUT);                                          \
		frame_begin(&connection->out, CALL_##name);                                  \
		pack_##answer_t(&connection->out, answer);                                   \
		return packed(connection, fd);                                               \
	}
CALLS(SERVER_ANSWER_CODE)

/* Make ready for the next call, and give back the memory of a large one. */
static void answered(struct server_connection *c)
{
	buf_clear(&c->in);
	buf_clear(&c->out);
	if (c->in.room > KEEP_ROOM)
		buf_free(&c->in);
	if (c->out.room > KEEP_ROOM)
		buf_free(&c->out);
	c->sent = 0;
	c->asked = false;
}

enum server_result server_send(struct server_connection *c)
{
	must(c->asked && c->out.len > 0);
	while (c->sent < c->out.len) {
		struct str rest = str_tail(buf_str(&c->out), c->sent);
		ssize_t n = frame_send(c->fd, rest, c->fd_out, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == ETOOMANYREFS))
			return SERVER_WAIT;
		if (n < 0)
			return SERVER_CLOSED;
		fd_close(&c->fd_out);
		c->sent += (size_t)n;
	}
	answered(c);
	return SERVER_SENT;
}
