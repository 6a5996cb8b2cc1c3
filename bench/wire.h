/* SPDX-License-Identifier: ISC
 *
 * wire.h - a buffered connection, plain or TLS, for the bench's own programs.
 *
 * The sink and the load generator must cost little beside the server they stand next to, and must
 * not share its faults: they use nothing of src/net. Blocking, one thread per connection. Output
 * is gathered until somebody has to wait for input, so that pipelined replies leave together.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WIRE_BUFFER = 16384 };

struct wire {
	int fd;
	SSL *ssl;
	size_t at, end; /* unread input is in[at..end) */
	size_t pending; /* output not yet sent */
	char in[WIRE_BUFFER];
	char out[WIRE_BUFFER];
};

static inline int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void sleep_until_ns(int64_t when)
{
	struct timespec t = { .tv_sec = when / 1000000000, .tv_nsec = when % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* "ADDR:PORT" or "[V6]:PORT" into a socket address; false if it is neither. */
static inline bool parse_address(const char *text, struct sockaddr_storage *to, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)to;
	const char *colon = strrchr(text, ':');
	char host[64] = "";
	size_t size = colon ? (size_t)(colon - text) : 0;
	bool bracketed = size > 2 && text[0] == '[' && text[size - 1] == ']';

	memset(to, 0, sizeof(*to));
	if (!colon || size >= sizeof(host))
		return false;
	if (bracketed)
		memcpy(host, text + 1, size - 2);
	else
		memcpy(host, text, size);
	if (!bracketed && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)atoi(colon + 1));
		*len = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)atoi(colon + 1));
	*len = sizeof(*v6);
	return true;
}

static inline void wire_init(struct wire *w, int fd)
{
	int on = 1;
	struct timeval patience = { .tv_sec = 120 };

	w->fd = fd;
	w->ssl = NULL;
	w->at = w->end = w->pending = 0;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* Sends all of it now, whatever was gathered before first. */
static inline bool wire_send(struct wire *w, const char *at, size_t len)
{
	while (len) {
		size_t done = 0;

		if (w->ssl) {
			if (SSL_write_ex(w->ssl, at, len, &done) != 1)
				return false;
		} else {
			ssize_t n = send(w->fd, at, len, MSG_NOSIGNAL);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return false;
			done = (size_t)n;
		}
		at += done;
		len -= done;
	}
	return true;
}

static inline bool wire_flush(struct wire *w)
{
	size_t len = w->pending;

	w->pending = 0;
	return wire_send(w, w->out, len);
}

static inline bool wire_put(struct wire *w, const char *at, size_t len)
{
	if (len > sizeof(w->out) - w->pending && !wire_flush(w))
		return false;
	if (len > sizeof(w->out))
		return wire_send(w, at, len);
	memcpy(w->out + w->pending, at, len);
	w->pending += len;
	return true;
}

__attribute__((format(printf, 2, 3))) static inline bool wire_printf(
	struct wire *w, const char *format, ...)
{
	char line[2048];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0)
		return false;
	return wire_put(w, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/* Waits for more input, having sent what was gathered. False: the peer is gone, or too slow. */
static inline bool wire_fill(struct wire *w)
{
	size_t got = 0;

	if (w->pending && !wire_flush(w))
		return false;
	if (w->at) {
		memmove(w->in, w->in + w->at, w->end - w->at);
		w->end -= w->at;
		w->at = 0;
	}
	if (w->end == sizeof(w->in))
		return false;
	if (w->ssl) {
		if (SSL_read_ex(w->ssl, w->in + w->end, sizeof(w->in) - w->end, &got) != 1)
			return false;
	} else {
		ssize_t n;

		do
			n = recv(w->fd, w->in + w->end, sizeof(w->in) - w->end, 0);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return false;
		got = (size_t)n;
	}
	w->end += got;
	return true;
}

/* The next line with its LF, or, where a line is longer than the buffer, the part that fits. */
static inline bool wire_line(struct wire *w, char **at, size_t *len)
{
	for (;;) {
		char *start = w->in + w->at;
		char *lf = memchr(start, '\n', w->end - w->at);

		if (lf || w->end - w->at == sizeof(w->in)) {
			*at = start;
			*len = lf ? (size_t)(lf - start) + 1 : w->end - w->at;
			w->at += *len;
			return true;
		}
		if (!wire_fill(w))
			return false;
	}
}

static inline void wire_close(struct wire *w)
{
	if (w->ssl) {
		SSL_shutdown(w->ssl);
		SSL_free(w->ssl);
		w->ssl = NULL;
	}
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	ERR_clear_error();
}

#endif
