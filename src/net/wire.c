/* SPDX-License-Identifier: ISC
 *
 * wire.c - reading and writing a connection, plaintext or TLS, by code that waits. Runs in smtpd
 * and delivery, one thread to a connection. Every byte read is hostile: what a peer can make us
 * hold is bounded by INPUT_MAX, and how long it can make us wait by the caller's deadline, which
 * is looked at before every read, so that a peer who drips bytes gains nothing.
 * The socket is non-blocking: what was asked for is waited for, all else is read first. A read
 * in vain is no small thing: OpenSSL takes and gives back a whole record's buffer for it.
 */
#include "net/wire.h"

#include "base/fd.h"
#include "base/must.h"
#include "net/tls.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	INPUT_MAX = 64 * 1024, /* more than the longest line a caller may ask for */
	INPUT_STEP = 4 * 1024, /* a quiet session needs no more; its doublings end at INPUT_MAX */
	OUTPUT_MAX = 64 * 1024,
	OUTPUT_FULL = 16 * 1024, /* one TLS record */
};

struct plain *plain_of(int fd)
{
	struct plain *plain = must_alloc(sizeof *plain);
	int flags = fcntl(fd, F_GETFL), on = 1;

	if (flags >= 0 && !(flags & O_NONBLOCK))
		must(fd_set_nonblocking(fd, true));
	/* Replies are gathered here and nowhere else. Fails on a unix socket, which needs none. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	plain->wire = (struct wire){ .fd = fd, .in = BUF(INPUT_MAX), .out = BUF(OUTPUT_MAX) };
	return plain;
}

void plain_close(struct plain **plain)
{
	if (!*plain)
		return;
	fd_close(&(*plain)->wire.fd);
	buf_free(&(*plain)->wire.in);
	buf_free(&(*plain)->wire.out);
	free(*plain);
	*plain = NULL;
}

enum wire_result wire_wait(int fd, short events, struct deadline deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	for (;;) {
		int ready = poll(&poll_fd, 1, deadline_poll_ms(deadline));
		if (ready > 0)
			return WIRE_OK;
		if (ready == 0 && deadline_passed(deadline))
			return WIRE_TIMEOUT;
		if (ready < 0 && errno != EINTR)
			return WIRE_ERROR;
	}
}

static enum wire_result broken(struct wire *wire)
{
	wire->broken = true;
	ERR_clear_error();
	return WIRE_ERROR;
}

/* tls_wait, and what it means for all that could come later: behind a close_notify we may still
 * speak, behind any other end we may not. */
static enum wire_result tls_again(struct wire *wire, int status, struct deadline deadline)
{
	enum wire_result result = tls_wait(wire->ssl, status, deadline);
	bool said_goodbye = SSL_get_shutdown(wire->ssl) & SSL_RECEIVED_SHUTDOWN;

	if (result == WIRE_ERROR || (result == WIRE_EOF && !said_goodbye))
		broken(wire);
	return result;
}

static enum wire_result read_tls(
	struct wire *wire, char *to, size_t room, struct deadline deadline, size_t *got)
{
	for (;;) {
		ERR_clear_error();
		errno = 0;
		int status = SSL_read_ex(wire->ssl, to, room, got);
		/* After a read in vain it holds a part of a record at most. */
		wire->held = status == 1 && SSL_has_pending(wire->ssl);
		if (status == 1)
			return WIRE_OK;
		enum wire_result result = tls_again(wire, status, deadline);
		if (result != WIRE_OK)
			return result;
	}
}

static enum wire_result read_plain(
	struct wire *wire, char *to, size_t room, struct deadline deadline, size_t *got)
{
	for (;;) {
		ssize_t n = recv(wire->fd, to, room, 0);
		if (n > 0) {
			*got = (size_t)n;
			return WIRE_OK;
		}
		if (n == 0)
			return WIRE_EOF;
		if (errno != EAGAIN && errno != EINTR)
			return broken(wire);
		enum wire_result result = wire_wait(wire->fd, POLLIN, deadline);
		if (result != WIRE_OK)
			return result;
	}
}

/* Room to read into: little for those who talk little, twice as much where it is full of what
 * nobody could take yet. */
static char *input_room(struct wire *wire, size_t *room)
{
	struct buf *in = &wire->in;

	buf_consume(in, wire->taken);
	wire->taken = 0;
	if (in->len == in->max)
		return NULL;
	size_t wanted = in->room - in->len;
	if (!wanted)
		wanted = in->room ? in->room : INPUT_STEP;
	char *to = buf_reserve(in, wanted);
	*room = in->room - in->len;
	return to;
}

static enum wire_result wait_for_answer(struct wire *wire, struct deadline deadline)
{
	if (!wire->asked || (wire->ssl && SSL_has_pending(wire->ssl)))
		return WIRE_OK;
	enum wire_result result = wire_wait(wire->fd, POLLIN, deadline);
	wire->asked = result != WIRE_OK;
	return result;
}

enum wire_result wire_fill(struct wire *wire, struct deadline deadline)
{
	size_t room = 0, got = 0;
	char *to = input_room(wire, &room);

	if (!to)
		return WIRE_LONG;
	if (deadline_passed(deadline))
		return WIRE_TIMEOUT;
	enum wire_result result = wait_for_answer(wire, deadline);
	if (result != WIRE_OK)
		return result;
	result = wire->ssl ? read_tls(wire, to, room, deadline, &got)
			   : read_plain(wire, to, room, deadline, &got);
	if (result == WIRE_OK)
		wire->in.len += got;
	return result;
}

struct str wire_buffered(const struct wire *wire)
{
	return str_tail(buf_str(&wire->in), wire->taken);
}

void wire_take(struct wire *wire, size_t n)
{
	must(n <= wire->in.len - wire->taken);
	wire->taken += n;
	if (wire->taken == wire->in.len) {
		wire->taken = 0;
		buf_clear(&wire->in);
	}
}

/* Drop a line to its end. Where the deadline stops it, the next call goes on: the rest of a line
 * that was too long is never taken for a line of its own. */
static enum wire_result skip_line(struct wire *wire, struct deadline deadline)
{
	if (!wire->skipping)
		wire->skipped = 0;
	wire->skipping = true;
	for (;;) {
		struct str seen = wire_buffered(wire);
		for (size_t i = 0; i < seen.len; i++) {
			char c = seen.at[i];
			if ((c == '\n') != (wire->skipped == '\r'))
				return WIRE_BARE;
			if (c == '\n') {
				wire_take(wire, i + 1);
				wire->skipping = false;
				return WIRE_LONG;
			}
			wire->skipped = c;
		}
		wire_take(wire, seen.len);
		enum wire_result result = wire_fill(wire, deadline);
		if (result != WIRE_OK)
			return result;
	}
}

/* The line in front of `seen`, whose LF is at `end`. */
static enum wire_result cut_line(struct wire *wire, struct str seen, size_t end, struct str *line)
{
	if (end == 0 || str_find(seen, '\r') != end - 1)
		return WIRE_BARE;
	*line = str_head(seen, end - 1);
	wire_take(wire, end + 1);
	return WIRE_OK;
}

enum wire_result wire_read_line(
	struct wire *wire, size_t max, struct deadline deadline, struct str *line)
{
	size_t searched = 0;

	must(max + 2 <= INPUT_MAX);
	if (wire->skipping)
		return skip_line(wire, deadline);
	for (;;) {
		struct str seen = wire_buffered(wire);
		size_t end = searched + str_find(str_tail(seen, searched), '\n');
		if (end < seen.len && end <= max + 1)
			return cut_line(wire, seen, end, line);
		if (end > max + 1)
			return skip_line(wire, deadline);
		searched = seen.len;
		enum wire_result result = wire_fill(wire, deadline);
		if (result != WIRE_OK)
			return result;
	}
}

static enum wire_result write_tls(struct wire *wire, struct str bytes, struct deadline deadline)
{
	while (bytes.len) {
		size_t sent = 0;
		ERR_clear_error();
		errno = 0;
		int status = SSL_write_ex(wire->ssl, bytes.at, bytes.len, &sent);
		if (status == 1) {
			bytes = str_tail(bytes, sent);
			continue;
		}
		enum wire_result result = tls_again(wire, status, deadline);
		if (result != WIRE_OK)
			return result;
	}
	return WIRE_OK;
}

static enum wire_result write_plain(struct wire *wire, struct str bytes, struct deadline deadline)
{
	while (bytes.len) {
		ssize_t n = send(wire->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
		if (n >= 0) {
			bytes = str_tail(bytes, (size_t)n);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return broken(wire);
		enum wire_result result = wire_wait(wire->fd, POLLOUT, deadline);
		if (result != WIRE_OK)
			return result;
	}
	return WIRE_OK;
}

enum wire_result wire_write(struct wire *wire, struct str bytes, struct deadline deadline)
{
	must(wire->out.len == 0);
	return wire->ssl ? write_tls(wire, bytes, deadline) : write_plain(wire, bytes, deadline);
}

enum wire_result wire_flush(struct wire *wire, struct deadline deadline)
{
	struct buf gathered = wire->out;

	wire->out = BUF(OUTPUT_MAX);
	wire->asked |= gathered.len > 0;
	enum wire_result result = wire_write(wire, buf_str(&gathered), deadline);
	buf_clear(&gathered);
	wire->out = gathered;
	return result;
}

enum wire_result wire_add(struct wire *wire, struct str bytes, struct deadline deadline)
{
	enum wire_result result = WIRE_OK;

	if (wire->out.len + bytes.len > OUTPUT_FULL && wire->out.len)
		result = wire_flush(wire, deadline);
	if (result == WIRE_OK && bytes.len > OUTPUT_FULL)
		return wire_write(wire, bytes, deadline);
	if (result == WIRE_OK)
		must(buf_add(&wire->out, bytes));
	return result;
}

bool wire_readable(struct wire *wire)
{
	struct pollfd poll_fd = { .fd = wire->fd, .events = POLLIN | POLLRDHUP };

	if (wire_buffered(wire).len || (wire->ssl && SSL_has_pending(wire->ssl)))
		return true;
	return poll(&poll_fd, 1, 0) > 0;
}

bool wire_rest(struct wire *wire)
{
	if (wire->held)
		return false;
	if (wire->in.len == wire->taken) {
		buf_free(&wire->in);
		wire->taken = 0;
	}
	if (wire->out.len == 0)
		buf_free(&wire->out);
	return true;
}
