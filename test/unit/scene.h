/* SPDX-License-Identifier: ISC
 *
 * scene.h - a mail server played by a script: one function for each connection, which hears and
 * says lines, and a transcript of what it heard; and what delivery has standing behind its jobs. For
 * tests of delivery.
 */
#ifndef SCENE_H
#define SCENE_H

#include "delivery/deliver.h"
#include "tls_peer.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What every peer that speaks TLS shows; kept connections; what was sent. */
static SSL_CTX *peer_context;
static struct pool *pool;
static struct ledger *ledger;

/* For cmocka's group. */
static inline int open_delivery(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	peer_context = tls_peer_new("mx.peer.test", NULL);
	pool = pool_new(10);
	ledger = ledger_new();
	return 0;
}

static inline int close_delivery(void **state)
{
	(void)state;
	SSL_CTX_free(peer_context);
	return 0;
}

/* One connection as the scripted peer sees it. */
struct speaker {
	int fd, listener;
	SSL *ssl;
	char in[65536];
	size_t len;
	struct buf heard; /* every line, with LF */
};

typedef void script(struct speaker *s);

enum { CONNECTIONS_MAX = 8 };

/* The peer: one script for each connection, in their order. */
struct scene {
	int listener;
	uint16_t port;
	script *scripts[CONNECTIONS_MAX];
	size_t n;
	struct buf transcript; /* read once the thread has ended */
	size_t connections;
	pthread_t thread;
};

static inline void say(struct speaker *s, const char *text)
{
	size_t n = strlen(text);
	ssize_t sent =
		s->ssl ? SSL_write(s->ssl, text, (int)n) : send(s->fd, text, n, MSG_NOSIGNAL);

	(void)sent;
	ERR_clear_error();
}

static inline bool fill(struct speaker *s)
{
	struct pollfd polled = { .fd = s->fd, .events = POLLIN };
	size_t room = sizeof s->in - s->len;

	if (room == 0)
		return false;
	if (!(s->ssl && SSL_pending(s->ssl)) && poll(&polled, 1, 5000) <= 0)
		return false;
	ssize_t n = s->ssl ? SSL_read(s->ssl, s->in + s->len, (int)room)
			   : recv(s->fd, s->in + s->len, room, 0);
	ERR_clear_error();
	if (n <= 0)
		return false;
	s->len += (size_t)n;
	return true;
}

/* The next line, also without its CRLF in the transcript. Empty once the client is gone. */
static inline struct str hear_line(struct speaker *s)
{
	static _Thread_local char line[65536];

	for (;;) {
		struct str seen = { s->in, s->len };
		size_t end = str_find(seen, '\n');
		if (end < seen.len) {
			memcpy(line, s->in, end + 1);
			s->len -= end + 1;
			memmove(s->in, s->in + end + 1, s->len);
			struct str got = str_trim((struct str){ line, end });
			buf_add(&s->heard, got);
			buf_add_char(&s->heard, '\n');
			return got;
		}
		if (!fill(s))
			return STR("");
	}
}

/* Hear a command that begins like this and answer it. */
static inline void answer(struct speaker *s, const char *command, const char *reply)
{
	struct str line = hear_line(s);

	if (!str_starts(line, str_of(command)))
		buf_printf(&s->heard, "!! wanted %s\n", command);
	say(s, reply);
}

static inline void hear_message(struct speaker *s)
{
	for (;;) {
		struct str line = hear_line(s);
		if (str_eq(line, STR(".")) || !line.at[0])
			return;
	}
}

static inline void start_tls(struct speaker *s)
{
	s->ssl = SSL_new(peer_context);
	SSL_set_fd(s->ssl, s->fd);
	if (SSL_accept(s->ssl) != 1)
		buf_add(&s->heard, STR("!! no TLS\n"));
	ERR_clear_error();
	s->len = 0;
	const char *name = SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name);
	buf_printf(&s->heard, "-- for %s\n", name ? name : "nobody by name");
	buf_add(&s->heard, STR("-- sealed\n"));
}

/* The usual way into TLS. */
static inline void greet_sealed(struct speaker *s, const char *extensions)
{
	say(s, "220 peer.test ESMTP\r\n");
	answer(s, "EHLO us.test", "250-peer.test\r\n250 STARTTLS\r\n");
	answer(s, "STARTTLS", "220 go on\r\n");
	start_tls(s);
	answer(s, "EHLO us.test", extensions);
}

static inline void take_the_rest(struct speaker *s)
{
	answer(s, "RCPT TO:<bob@peer.test>", "250 2.1.5 ok\r\n");
	answer(s, "DATA", "354 go on\r\n");
	hear_message(s);
	say(s, "250 2.0.0 taken\r\n");
}

static inline void take_message(struct speaker *s)
{
	answer(s, "MAIL FROM:<ada@us.test>", "250 2.1.0 ok\r\n");
	take_the_rest(s);
}

static inline void *perform(void *of)
{
	struct scene *scene = of;

	for (size_t i = 0; i < scene->n; i++) {
		struct pollfd polled = { .fd = scene->listener, .events = POLLIN };
		if (poll(&polled, 1, 3000) <= 0)
			break;
		struct speaker *s = must_alloc(sizeof *s);
		s->fd = accept(scene->listener, NULL, NULL);
		s->listener = scene->listener;
		s->heard = BUF(1 << 20);
		scene->connections++;
		scene->scripts[i](s);
		if (s->ssl)
			SSL_shutdown(s->ssl);
		shutdown(s->fd, SHUT_WR);
		while (!s->ssl && fill(s))
			s->len = 0;
		buf_add(&scene->transcript, buf_str(&s->heard));
		buf_add(&scene->transcript, STR("--\n"));
		SSL_free(s->ssl);
		ERR_clear_error();
		close(s->fd);
		buf_free(&s->heard);
		free(s);
	}
	return NULL;
}

static inline int listen_on(const char *address, uint16_t *port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t size = sizeof own;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	assert_int_equal(inet_pton(AF_INET, address, &own.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &size), 0);
	*port = ntohs(own.sin_port);
	return fd;
}

static inline void open_scene(
	struct scene *scene, const char *address, script *const *scripts, size_t n)
{
	scene->listener = listen_on(address, &scene->port);
	memcpy(scene->scripts, scripts, n * sizeof *scripts);
	scene->n = n;
	scene->transcript = BUF(1 << 20);
	assert_int_equal(pthread_create(&scene->thread, NULL, perform, scene), 0);
}

/* Kept connections are closed, or the peer would wait for their QUIT. */
static inline struct str end_scene(struct scene *scene)
{
	pool_empty(pool);
	pthread_join(scene->thread, NULL);
	close(scene->listener);
	buf_add_char(&scene->transcript, 0);
	if (strstr(scene->transcript.at, "!!"))
		fail_msg("%s", scene->transcript.at);
	return buf_str(&scene->transcript);
}

static inline void assert_contains(struct str text, const char *wanted)
{
	if (str_find_str(text, str_of(wanted)) == text.len)
		fail_msg("no \"%s\" in:\n%.*s", wanted, STR_ARG(text));
}

static inline void assert_lacks(struct str text, const char *unwanted)
{
	if (str_find_str(text, str_of(unwanted)) < text.len)
		fail_msg("\"%s\" in:\n%.*s", unwanted, STR_ARG(text));
}

#endif
