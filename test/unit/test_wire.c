/* SPDX-License-Identifier: ISC
 *
 * test_wire.c - connections, over a pair of sockets, in the clear and with a real handshake.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "net/secure.h"
#include "tls_peer.h"

static struct plain *ours;
static int theirs;

static int begin(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	theirs = ends[0];
	ours = plain_of(ends[1]);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fd_close(&theirs);
	plain_close(&ours);
	return 0;
}

static struct deadline soon(void)
{
	return deadline_in(20 * SECOND);
}

static void they_say(const char *words)
{
	assert_true(fd_write_all(theirs, str_of(words)));
}

static void expect_line(const char *text)
{
	struct str line;

	assert_int_equal(wire_read_line(&ours->wire, 100, soon(), &line), WIRE_OK);
	assert_true(str_eq(line, str_of(text)));
}

static enum wire_result read_line(size_t max)
{
	struct str line;

	return wire_read_line(&ours->wire, max, soon(), &line);
}

static void lines_come_one_by_one(void **state)
{
	(void)state;
	they_say("one\r\n\r\ntwo three\r\nfo");
	expect_line("one");
	expect_line("");
	expect_line("two three");
	they_say("ur\r");
	they_say("\n");
	expect_line("four");
	assert_int_equal(wire_buffered(&ours->wire).len, 0);
}

static void a_line_that_is_too_long_is_skipped_to_its_end(void **state)
{
	(void)state;
	they_say("12345\r\n123456\r\nnext\r\n");
	assert_int_equal(read_line(5), WIRE_OK);
	assert_int_equal(read_line(5), WIRE_LONG);
	expect_line("next");
	char long_line[9001] = "";
	memset(long_line, 'x', 9000);
	they_say(long_line);
	they_say("\r\nnext\r\n");
	assert_int_equal(read_line(100), WIRE_LONG);
	expect_line("next");
}

static void the_rest_of_a_long_line_is_no_line(void **state)
{
	struct str line;
	char long_line[201] = "";

	(void)state;
	memset(long_line, 'x', 200);
	they_say(long_line);
	assert_int_equal(wire_read_line(&ours->wire, 100, deadline_in(50), &line), WIRE_TIMEOUT);
	they_say("MAIL FROM:<>\r");
	assert_int_equal(wire_read_line(&ours->wire, 100, deadline_in(50), &line), WIRE_TIMEOUT);
	they_say("\nnext\r\n");
	assert_int_equal(read_line(100), WIRE_LONG);
	expect_line("next");
}

static void a_bare_cr_or_lf_is_told(void **state)
{
	static const char *const lines[] = { "a\nb\r\n", "\n", "a\rb\r\n", "\r\r\n", "a\r\r\n" };

	for (size_t i = 0; i < count_of(lines); i++) {
		they_say(lines[i]);
		assert_int_equal(read_line(100), WIRE_BARE);
		end(state);
		begin(state);
	}
	they_say("much longer than five\nand so on\r\n");
	assert_int_equal(read_line(5), WIRE_BARE);
}

static void an_end_is_not_a_line(void **state)
{
	(void)state;
	they_say("whole\r\nhalf");
	fd_close(&theirs);
	expect_line("whole");
	assert_int_equal(read_line(100), WIRE_EOF);
	assert_true(str_eq(wire_buffered(&ours->wire), STR("half")));
}

static void no_deadline_is_passed(void **state)
{
	struct str line;

	(void)state;
	they_say("drip");
	assert_int_equal(wire_read_line(&ours->wire, 100, deadline_in(5), &line), WIRE_TIMEOUT);
	they_say("\r\n");
	/* The half line is still there. */
	expect_line("drip");
	they_say("more\r\n");
	assert_int_equal(wire_fill(&ours->wire, (struct deadline){ 1 }), WIRE_TIMEOUT);
}

static void a_full_buffer_takes_nothing_more(void **state)
{
	static char much[1 << 16];
	enum wire_result result = WIRE_OK;

	(void)state;
	memset(much, 'x', sizeof much);
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(send(theirs, much, sizeof much, MSG_DONTWAIT), 0);
	for (int i = 0; i < 1000 && result == WIRE_OK; i++)
		result = wire_fill(&ours->wire, soon());
	assert_int_equal(result, WIRE_LONG);
	assert_true(wire_buffered(&ours->wire).len <= 1 << 16);
}

static void what_is_added_leaves_with_a_flush(void **state)
{
	char heard[64];

	(void)state;
	assert_int_equal(wire_add(&ours->wire, STR("250 one\r\n"), soon()), WIRE_OK);
	assert_int_equal(wire_add(&ours->wire, STR("250 two\r\n"), soon()), WIRE_OK);
	assert_int_equal(recv(theirs, heard, sizeof heard, MSG_DONTWAIT), -1);
	assert_int_equal(wire_flush(&ours->wire, soon()), WIRE_OK);
	assert_int_equal(recv(theirs, heard, sizeof heard, MSG_DONTWAIT), 18);
	assert_memory_equal(heard, "250 one\r\n250 two\r\n", 18);
}

static void a_peer_that_does_not_read_is_not_waited_for_longer(void **state)
{
	static char much[1 << 20];

	(void)state;
	assert_int_equal(
		wire_write(&ours->wire, (struct str){ much, sizeof much }, deadline_in(20)),
		WIRE_TIMEOUT);
	fd_close(&theirs);
	assert_int_equal(wire_write(&ours->wire, STR("x"), soon()), WIRE_ERROR);
	assert_true(ours->wire.broken);
}

static void what_can_be_read_is_seen(void **state)
{
	(void)state;
	assert_false(wire_readable(&ours->wire));
	they_say("one\r\ntwo\r\n");
	assert_true(wire_readable(&ours->wire));
	expect_line("one");
	assert_true(wire_readable(&ours->wire));
	expect_line("two");
	assert_false(wire_readable(&ours->wire));
	assert_true(wire_rest(&ours->wire));
	assert_int_equal(ours->wire.in.room, 0);
	fd_close(&theirs);
	assert_true(wire_readable(&ours->wire));
}

/* --- TLS --------------------------------------------------------------------------------- */

static void free_texts(struct str *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)(uintptr_t)texts[i].at);
}

static struct tls_server *make_server(void)
{
	struct str chains[2], keys[2];
	struct why why = { "" };

	pem_pair(ec_key(), "mx.test", &chains[0], &keys[0]);
	pem_pair(EVP_RSA_gen(2048), "mx.test", &chains[1], &keys[1]);
	struct tls_server *tls = tls_server_new(chains, keys, 2, &why);
	assert_non_null(tls);
	/* A key that isn't the certificate's. */
	assert_null(tls_server_new(chains, keys + 1, 1, &why));
	assert_null(tls_server_new(keys, keys, 1, &why));
	assert_null(tls_server_new(chains, chains, 1, &why));
	free_texts(chains, 2);
	free_texts(keys, 2);
	return tls;
}

struct client {
	int fd, version;
	const char *ciphers, *signatures;
	bool success, rsa;
	char heard[64];
};

static void *be_client(void *argument)
{
	struct client *c = argument;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, 0);
	SSL_CTX_set_max_proto_version(context, c->version);
	if (c->ciphers)
		SSL_CTX_set_cipher_list(context, c->ciphers);
	if (c->signatures)
		SSL_CTX_set1_sigalgs_list(context, c->signatures);
	SSL *ssl = SSL_new(context);
	SSL_set_fd(ssl, c->fd);
	c->success = SSL_connect(ssl) == 1;
	if (c->success) {
		X509 *peer = SSL_get0_peer_certificate(ssl);
		c->rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(peer)) == EVP_PKEY_RSA;
		SSL_write(ssl, "EHLO a\r\nNOOP\r\n", 14);
		SSL_read(ssl, c->heard, sizeof c->heard - 1);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(context);
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static void talk_sealed(struct secure *secure)
{
	struct str line;

	assert_int_equal(wire_read_line(&secure->wire, 100, soon(), &line), WIRE_OK);
	assert_true(str_eq(line, STR("EHLO a")));
	assert_true(wire_readable(&secure->wire));
	assert_int_equal(wire_read_line(&secure->wire, 100, soon(), &line), WIRE_OK);
	assert_true(str_eq(line, STR("NOOP")));
	assert_int_equal(wire_add(&secure->wire, STR("250 hello\r\n"), soon()), WIRE_OK);
	assert_int_equal(wire_flush(&secure->wire, soon()), WIRE_OK);
	assert_int_equal(wire_read_line(&secure->wire, 100, soon(), &line), WIRE_EOF);
}

/* One handshake; true if it came about. */
static bool shake(struct tls_server *tls, struct client *client, struct seal *seal)
{
	pthread_t thread;
	struct why why = { "" };
	scoped(arena_free) struct arena arena = ARENA(4096);

	begin(NULL);
	client->fd = theirs;
	assert_int_equal(pthread_create(&thread, NULL, be_client, client), 0);
	struct secure *secure = secure_accept(&ours, tls, soon(), &why);
	assert_null(ours);
	if (secure) {
		secure_seal(secure, &arena, seal);
		talk_sealed(secure);
		secure_close(&secure);
		pthread_join(thread, NULL);
		assert_true(client->success);
		assert_string_equal(client->heard, "250 hello\r\n");
		return fd_close(&theirs), true;
	}
	assert_true(why.text[0]);
	pthread_join(thread, NULL);
	assert_false(client->success);
	return fd_close(&theirs), false;
}

static void tls_1_2_and_1_3_are_taken_and_nothing_older(void **state)
{
	struct tls_server *tls = make_server();
	struct seal seal;

	(void)state;
	assert_true(shake(tls, &(struct client){ .version = TLS1_3_VERSION }, &seal));
	assert_true(str_eq(seal.version, STR("TLSv1.3")));
	assert_true(str_eq(seal.group, STR("X25519")));
	assert_true(str_starts(seal.cipher, STR("TLS_")));
	assert_int_equal(seal.certificate.len, 0);
	assert_true(shake(tls, &(struct client){ .version = TLS1_2_VERSION }, &seal));
	assert_true(str_eq(seal.version, STR("TLSv1.2")));
	assert_true(str_starts(seal.cipher, STR("TLS_ECDHE_")));
	assert_false(shake(tls, &(struct client){ .version = TLS1_1_VERSION }, &seal));
	tls_server_free(&tls);
}

static void rsa_and_ecdsa_are_served_side_by_side(void **state)
{
	struct tls_server *tls = make_server();
	struct client wants_ecdsa = { .version = TLS1_2_VERSION, .ciphers = "aECDSA" };
	struct client wants_rsa = { .version = TLS1_2_VERSION, .ciphers = "aRSA" };
	struct client wants_rsa_1_3 = { .version = TLS1_3_VERSION,
		.signatures = "rsa_pss_rsae_sha256" };
	struct seal seal;

	(void)state;
	assert_true(shake(tls, &wants_ecdsa, &seal) && !wants_ecdsa.rsa);
	assert_true(shake(tls, &wants_rsa, &seal) && wants_rsa.rsa);
	assert_true(shake(tls, &wants_rsa_1_3, &seal) && wants_rsa_1_3.rsa);
	tls_server_free(&tls);
}

static void nothing_weak_or_anonymous_is_negotiated(void **state)
{
	static const char *const weak[] = { "aNULL", "eNULL", "3DES", "RC4", "PSK" };
	struct tls_server *tls = make_server();
	struct seal seal;

	(void)state;
	for (size_t i = 0; i < count_of(weak); i++)
		assert_false(shake(tls,
			&(struct client){ .version = TLS1_2_VERSION, .ciphers = weak[i] }, &seal));
	tls_server_free(&tls);
}

static void what_is_no_handshake_ends_the_connection(void **state)
{
	static const char *const instead[] = { "MAIL FROM:<a@b.test>\r\n", "", "\x16\x03\x01" };
	struct tls_server *tls = make_server();
	struct why why;

	(void)state;
	for (size_t i = 0; i < count_of(instead); i++) {
		begin(NULL);
		they_say(instead[i]);
		shutdown(theirs, SHUT_WR);
		assert_null(secure_accept(&ours, tls, soon(), &why));
		assert_null(ours);
		fd_close(&theirs);
	}
	begin(NULL);
	assert_null(secure_accept(&ours, tls, deadline_in(20), &why));
	assert_string_equal(why.text, "the handshake took too long");
	fd_close(&theirs);
	tls_server_free(&tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_come_one_by_one, begin, end),
		cmocka_unit_test_setup_teardown(
			a_line_that_is_too_long_is_skipped_to_its_end, begin, end),
		cmocka_unit_test_setup_teardown(the_rest_of_a_long_line_is_no_line, begin, end),
		cmocka_unit_test_setup_teardown(a_bare_cr_or_lf_is_told, begin, end),
		cmocka_unit_test_setup_teardown(an_end_is_not_a_line, begin, end),
		cmocka_unit_test_setup_teardown(no_deadline_is_passed, begin, end),
		cmocka_unit_test_setup_teardown(a_full_buffer_takes_nothing_more, begin, end),
		cmocka_unit_test_setup_teardown(what_is_added_leaves_with_a_flush, begin, end),
		cmocka_unit_test_setup_teardown(
			a_peer_that_does_not_read_is_not_waited_for_longer, begin, end),
		cmocka_unit_test_setup_teardown(what_can_be_read_is_seen, begin, end),
		cmocka_unit_test(tls_1_2_and_1_3_are_taken_and_nothing_older),
		cmocka_unit_test(rsa_and_ecdsa_are_served_side_by_side),
		cmocka_unit_test(nothing_weak_or_anonymous_is_negotiated),
		cmocka_unit_test(what_is_no_handshake_ends_the_connection),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
