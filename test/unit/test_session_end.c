/* SPDX-License-Identifier: ISC
 *
 * test_session_end.c - every session ends, however its peer spends the time: a deadline is for a
 * whole command, and for a whole session, and nothing that arrives moves it.
 */
#include "smtpd_world.h"

#include "base/log.h"
#include "smtpd/limits.h"
#include "tls_peer.h"
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char heard[1 << 16];

struct talker {
	int fd;
	const char *words; /* said again and again until nobody listens */
	long pause_ns;
};

static void *talk(void *of)
{
	const struct talker *talker = of;
	const struct timespec pause = { .tv_nsec = talker->pause_ns };

	while (send(talker->fd, talker->words, strlen(talker->words), MSG_NOSIGNAL) > 0)
		nanosleep(&pause, NULL);
	return NULL;
}

static void hear_all(int fd)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, heard + n, sizeof heard - 1 - n)) > 0)
		n += (size_t)got;
	heard[n] = '\0';
	close(fd);
}

/* Run a session against a talker until it ends. */
static void run_against(struct talker talker, const char *first)
{
	pthread_t thread;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	talker.fd = ends[0];
	assert_true(fd_write_all(ends[0], str_of(first)));
	struct session *s = world_session(LISTENER_MX, plain_of(ends[1]));
	assert_int_equal(pthread_create(&thread, NULL, talk, &talker), 0);
	while (session_run(s) == SESSION_PARKED)
		;
	session_free(&s);
	pthread_join(thread, NULL);
	hear_all(ends[0]);
}

static void one_octet_at_a_time_holds_no_session(void **state)
{
	(void)state;
	world_settings.command_deadline = 40;
	run_against((struct talker){ .words = "x", .pause_ns = 1000000 }, "");
	assert_non_null(strstr(heard, "421 4.4.2 "));
}

static void commands_without_end_end_with_the_session(void **state)
{
	(void)state;
	world_settings.session_deadline = 40;
	run_against((struct talker){ .words = "NOOP\r\n", .pause_ns = 1000000 }, "EHLO c.test\r\n");
	assert_non_null(strstr(heard, "421 4.4.2 "));
}

/* Says two records that leave as one piece, and takes its time to read the answers: what is in
 * the second waits in OpenSSL then, where no event tells of it. */
static void *talk_in_one_piece(void *of)
{
	const struct timespec pause = { .tv_nsec = 2 * PATIENCE_MS * 1000000 };
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	BIO *piece = BIO_new(BIO_f_buffer());
	char many[60 * 13 + 1] = "";
	int *fd = of, got, n = 0;

	must(SSL_set_fd(ssl, *fd) == 1 && SSL_connect(ssl) == 1);
	must(BIO_set_write_buffer_size(piece, 1 << 14) == 1);
	must(BIO_up_ref(SSL_get_rbio(ssl)) == 1);
	SSL_set0_wbio(ssl, BIO_push(piece, SSL_get_rbio(ssl)));
	while (strlen(many) < sizeof many - 1)
		strcat(many, "EHLO c.test\r\n");
	must(SSL_write(ssl, many, sizeof many - 1) > 0 && SSL_write(ssl, "QUIT\r\n", 6) > 0);
	must(BIO_flush(piece) == 1);
	nanosleep(&pause, NULL);
	while ((got = SSL_read(ssl, heard + n, (int)sizeof heard - 1 - n)) > 0)
		n += got;
	SSL_free(ssl);
	SSL_CTX_free(context);
	return NULL;
}

static void nobody_is_parked_while_their_words_are_here(void **state)
{
	struct str chain, key;
	struct why why;
	pthread_t thread;
	int ends[2], room = 4096;

	(void)state;
	memset(heard, 0, sizeof heard);
	pem_pair(ec_key(), "mx.example.test", &chain, &key);
	world_snapshot.tls = tls_server_new(&chain, &key, 1, &why);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
	struct session *s = world_session(LISTENER_SUBMISSIONS, plain_of(ends[1]));
	assert_int_equal(pthread_create(&thread, NULL, talk_in_one_piece, &ends[0]), 0);
	assert_int_equal(session_run(s), SESSION_ENDED);
	session_free(&s);
	pthread_join(thread, NULL);
	close(ends[0]);
	assert_non_null(strstr(heard, "221 2.0.0 "));
	tls_server_free(&world_snapshot.tls);
	free((char *)(uintptr_t)chain.at);
	free((char *)(uintptr_t)key.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			one_octet_at_a_time_holds_no_session, world_begin, world_end),
		cmocka_unit_test_setup_teardown(
			commands_without_end_end_with_the_session, world_begin, world_end),
		cmocka_unit_test_setup_teardown(
			nobody_is_parked_while_their_words_are_here, world_begin, world_end),
	};

	signal(SIGPIPE, SIG_IGN);
	log_open("test", LOG_ALARM);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
