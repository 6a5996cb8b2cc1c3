/* SPDX-License-Identifier: ISC
 *
 * test_fetch.c - a text by HTTPS, from a real server in a thread of this program that is good or
 * bad in one way each; also from within the confinement of delivery.
 */
#include "net/fetch.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/thread.h"
#include "call/confine.h"
#include "tls_peer.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HOST "mta-sts.a.test"
#define TEXT "version: STSv1\nmode: none\nmax_age: 1\n"
#define GOOD "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" TEXT

/* --- the server: one connection after the other --- */

struct server {
	int listener;
	uint16_t port;
	SSL_CTX *tls;
	const char *answer;
	bool cut;	    /* no close_notify at the end */
	size_t filler;	    /* octets behind the answer */
	bool slow;	    /* one octet of it a second */
	bool silent;	    /* no TLS at all */
	int asked;	    /* connections taken */
	char request[2000]; /* the last one */
	pthread_t thread;
};

static void write_slowly(SSL *ssl, const char *text)
{
	for (; *text && SSL_write(ssl, text, 1) == 1; text++)
		usleep(200 * 1000);
}

static void answer(struct server *server, SSL *ssl)
{
	static const char filler[1000];
	int n = SSL_read(ssl, server->request, sizeof server->request - 1);

	server->request[n > 0 ? n : 0] = 0;
	if (n <= 0)
		return;
	if (server->slow)
		write_slowly(ssl, server->answer);
	else
		SSL_write(ssl, server->answer, (int)strlen(server->answer));
	for (size_t i = 0; i < server->filler; i += sizeof filler)
		if (SSL_write(ssl, filler, sizeof filler) <= 0)
			return;
	if (!server->cut)
		SSL_shutdown(ssl);
}

static void *serve(void *argument)
{
	struct server *server = argument;
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		char byte;
		__atomic_add_fetch(&server->asked, 1, __ATOMIC_SEQ_CST);
		if (server->silent) {
			while (read(fd, &byte, 1) > 0)
				;
			close(fd);
			continue;
		}
		SSL *ssl = SSL_new(server->tls);
		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1)
			answer(server, ssl);
		SSL_free(ssl);
		close(fd);
	}
	return NULL;
}

static void listen_on_loopback(struct server *server)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof at;

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(server->listener, (struct sockaddr *)&at, sizeof at) == 0);
	must(listen(server->listener, 8) == 0);
	must(getsockname(server->listener, (struct sockaddr *)&at, &length) == 0);
	server->port = ntohs(at.sin_port);
}

static void start_serving(struct server *server)
{
	must(pthread_create(&server->thread, NULL, serve, server) == 0);
}

static void start(struct server *server)
{
	listen_on_loopback(server);
	start_serving(server);
}

static void stop(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

/* --- an authority and what it vouches for --- */

static EVP_PKEY *ca_key;
static X509 *ca;
static struct str ca_text;
static struct tls_client *trusting, *trusting_nobody;

/* A server's context. name NULL: a certificate whose subject alone bears the host's name. */
static SSL_CTX *context_of(const char *name, X509 *issuer, long from, long to)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = ec_key();
	X509 *cert =
		certificate_of(key, name ? name : HOST, issuer, issuer ? ca_key : key, from, to);

	if (!name) {
		X509_EXTENSION_free(X509_delete_ext(cert, 0));
		must(X509_sign(cert, ca_key, EVP_sha256()) > 0);
	}
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
	SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
	must(SSL_CTX_use_certificate(context, cert) == 1);
	must(SSL_CTX_use_PrivateKey(context, key) == 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	return context;
}

static SSL_CTX *good_context(void)
{
	return context_of(HOST, ca, -DAY / SECOND, DAY / SECOND);
}

/* --- fetching --- */

static const struct ip_network loopback = { { .bytes = { 127 } }, 8 };

static struct fetch ask_of(const struct server *server)
{
	static const struct ip here = { .bytes = { 127, 0, 0, 1 } };

	return (struct fetch){ .host = STR(HOST),
		.port = server->port,
		.path = STR("/.well-known/mta-sts.txt"),
		.addresses = &here,
		.n_addresses = 1,
		.allowed = &loopback,
		.n_allowed = 1,
		.tls = trusting };
}

static struct buf got;
static struct why why;

static enum fetch_result fetch_with(const struct fetch *ask, int64_t ms)
{
	buf_free(&got);
	got = BUF(64 * 1024);
	why = (struct why){ "" };
	enum fetch_result result = fetch_text(ask, &got, deadline_in(ms), &why);
	assert_true((result == FETCH_TEXT) == !why.text[0]);
	return result;
}

/* From this server, which is then stopped and its context freed. */
static enum fetch_result fetch_from(struct server *server)
{
	start(server);
	struct fetch ask = ask_of(server);
	enum fetch_result result = fetch_with(&ask, 10 * SECOND);
	stop(server);
	SSL_CTX_free(server->tls);
	return result;
}

static void a_text_is_fetched(void **state)
{
	struct server server = { .tls = good_context(), .answer = GOOD };

	(void)state;
	assert_int_equal(fetch_from(&server), FETCH_TEXT);
	assert_true(str_eq(buf_str(&got), STR(TEXT)));
	assert_true(str_starts(
		str_of(server.request), STR("GET /.well-known/mta-sts.txt HTTP/1.1\r\n")));
	assert_non_null(strstr(server.request, "\r\nHost: " HOST ":"));
}

static void each_answer_has_its_result(void **state)
{
	static const struct {
		const char *answer;
		enum fetch_result result;
	} rows[] = {
		{ "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\nno", FETCH_NOTHING },
		{ "HTTP/1.1 410 Gone\r\n\r\n", FETCH_NOTHING },
		{ "HTTP/1.1 301 Moved\r\nLocation: https://" HOST "/x\r\n\r\n", FETCH_FAILED },
		{ "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", FETCH_FAILED },
		{ "HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\n\r\n" TEXT, FETCH_FAILED },
		{ "HTTP/1.1 403 No\r\nContent-Type: text/plain\r\n\r\n" TEXT, FETCH_FAILED },
		{ "HTTP/1.1 503 Later\r\nContent-Type: text/plain\r\n\r\n" TEXT, FETCH_FAILED },
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" TEXT, FETCH_USELESS },
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/plainer\r\n\r\n" TEXT, FETCH_USELESS },
		{ "HTTP/1.1 200 OK\r\n\r\n" TEXT, FETCH_USELESS },
		{ "HTTP/1.1 200 OK\r\nContent-Type: TEXT/Plain\r\n\r\n" TEXT, FETCH_TEXT },
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\n" TEXT,
			FETCH_FAILED },
		{ TEXT, FETCH_FAILED },
		{ "", FETCH_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		struct server server = { .tls = good_context(), .answer = rows[i].answer };
		enum fetch_result result = fetch_from(&server);
		if (result != rows[i].result)
			fail_msg("row %zu: result %d, %s", i, result, why.text);
		/* Nobody was asked a second time, wherever the answer pointed. */
		assert_int_equal(server.asked, 1);
	}
}

static void a_text_that_is_too_large_is_none(void **state)
{
	struct server server = { .tls = good_context(), .answer = GOOD, .filler = 70000 };
	struct server endless = { .tls = good_context(), .answer = GOOD, .filler = 1 << 30 };
	struct server tight = { .tls = good_context(), .answer = GOOD, .filler = 65000 };

	(void)state;
	assert_int_equal(fetch_from(&server), FETCH_USELESS);
	assert_int_equal(fetch_from(&endless), FETCH_USELESS);
	assert_int_equal(fetch_from(&tight), FETCH_TEXT);
}

static void there_is_no_text_however_much_is_said_about_it(void **state)
{
	struct server server = {
		.tls = good_context(), .answer = "HTTP/1.1 404 Not Found\r\n\r\n", .filler = 70000
	};

	(void)state;
	assert_int_equal(fetch_from(&server), FETCH_NOTHING);
}

static void a_text_that_was_cut_short_is_none(void **state)
{
	(void)state;
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
	char chunked[500], broken[500], counted[500], as_it_is[500];

	snprintf(as_it_is, sizeof as_it_is, "%sTransfer-Encoding: identity\r\n\r\n%s", head, TEXT);
	snprintf(chunked, sizeof chunked,
		"%sTransfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n", head, strlen(TEXT),
		TEXT);
	snprintf(broken, sizeof broken, "%sTransfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n", head,
		strlen(TEXT), TEXT);
	snprintf(counted, sizeof counted, "%sContent-Length: %zu\r\n\r\n%s", head, strlen(TEXT),
		TEXT);
	struct {
		const char *answer;
		enum fetch_result result;
	} rows[] = {
		{ GOOD, FETCH_FAILED },
		{ broken, FETCH_FAILED },
		{ as_it_is, FETCH_FAILED },
		{ chunked, FETCH_TEXT },
		{ counted, FETCH_TEXT },
	};
	for (size_t i = 0; i < count_of(rows); i++) {
		struct server server = {
			.tls = good_context(), .answer = rows[i].answer, .cut = true
		};
		if (fetch_from(&server) != rows[i].result)
			fail_msg("row %zu: %s", i, why.text);
	}
}

static void a_server_proves_its_name_or_is_not_believed(void **state)
{
	const long day = DAY / SECOND;
	SSL_CTX *bad[] = {
		context_of("mta-sts.b.test", ca, -day, day),
		context_of("a.test", ca, -day, day),
		context_of(NULL, ca, -day, day), /* in the subject alone: no DNS-ID */
		context_of(HOST, NULL, -day, day),
		context_of(HOST, ca, -2 * day, -day),
		context_of(HOST, ca, day, 2 * day),
	};

	(void)state;
	for (size_t i = 0; i < count_of(bad); i++) {
		struct server server = { .tls = bad[i], .answer = GOOD };
		if (fetch_from(&server) != FETCH_FAILED)
			fail_msg("row %zu was believed", i);
		assert_int_equal(server.request[0], 0);
		assert_int_equal(got.len, 0);
	}
	struct server wildcard = { .tls = context_of("*.a.test", ca, -day, day), .answer = GOOD };
	assert_int_equal(fetch_from(&wildcard), FETCH_TEXT);
}

static void the_systems_authorities_are_not_asked(void **state)
{
	struct server server = { .tls = good_context(), .answer = GOOD };

	(void)state;
	start(&server);
	struct fetch ask = ask_of(&server);
	ask.tls = trusting_nobody;
	assert_int_equal(fetch_with(&ask, 10 * SECOND), FETCH_FAILED);
	stop(&server);
	SSL_CTX_free(server.tls);
}

static void nothing_below_tls_1_2_is_spoken(void **state)
{
	struct server old = { .tls = good_context(), .answer = GOOD };
	struct server twelve = { .tls = good_context(), .answer = GOOD };

	(void)state;
	SSL_CTX_set_max_proto_version(old.tls, TLS1_1_VERSION);
	assert_int_equal(fetch_from(&old), FETCH_FAILED);
	assert_int_equal(old.asked, 1);
	SSL_CTX_set_max_proto_version(twelve.tls, TLS1_2_VERSION);
	assert_int_equal(fetch_from(&twelve), FETCH_TEXT);
}

static void the_terms_of_tls_are_those_of_mail(void **state)
{
	struct server server = { .tls = good_context(), .answer = GOOD };

	(void)state;
	/* One that OpenSSL takes and we don't. */
	must(SSL_CTX_set1_groups_list(server.tls, "X448") == 1);
	assert_int_equal(fetch_from(&server), FETCH_FAILED);
}

static void whoever_is_slow_is_left_at_the_deadline(void **state)
{
	struct server slow = { .tls = good_context(), .answer = GOOD, .slow = true };
	struct server silent = { .tls = good_context(), .silent = true };
	struct server *both[] = { &slow, &silent };

	(void)state;
	for (size_t i = 0; i < count_of(both); i++) {
		start(both[i]);
		struct fetch ask = ask_of(both[i]);
		int64_t begun = clock_monotonic_ms();
		assert_int_equal(fetch_with(&ask, 1 * SECOND), FETCH_FAILED);
		assert_true(clock_monotonic_ms() - begun >= 900);
		assert_true(clock_monotonic_ms() - begun < 8 * SECOND);
		stop(both[i]);
		SSL_CTX_free(both[i]->tls);
	}
}

static void whoever_cannot_be_reached_is_not_waited_for(void **state)
{
	struct server nobody = { 0 };

	(void)state;
	listen_on_loopback(&nobody);
	struct fetch ask = ask_of(&nobody);
	close(nobody.listener);
	assert_int_equal(fetch_with(&ask, 30 * SECOND), FETCH_FAILED);
	ask.n_addresses = 0;
	assert_int_equal(fetch_with(&ask, 30 * SECOND), FETCH_FAILED);
}

static void a_forbidden_address_is_not_connected_to(void **state)
{
	struct server server = { .tls = good_context(), .answer = GOOD };

	(void)state;
	start(&server);
	struct fetch ask = ask_of(&server);
	ask.n_allowed = 0;
	assert_int_equal(fetch_with(&ask, 10 * SECOND), FETCH_FAILED);
	stop(&server);
	assert_int_equal(server.asked, 0);
	SSL_CTX_free(server.tls);
}

static void the_environment_has_no_say(void **state)
{
	struct server server = { .tls = good_context(), .answer = GOOD };
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "http_proxy",
		"all_proxy", "ALL_PROXY" };

	(void)state;
	for (size_t i = 0; i < count_of(names); i++)
		setenv(names[i], "http://127.0.0.1:1/", 1);
	assert_int_equal(fetch_from(&server), FETCH_TEXT);
	for (size_t i = 0; i < count_of(names); i++)
		unsetenv(names[i]);
}

static void a_name_that_is_none_goes_nowhere(void **state)
{
	static const char *const names[] = { "", "a.test/x", "user@a.test", "a.test:80", "a test",
		"a.test#", "a\r\nb", "[::1]", "a,b" };
	struct server server = { .tls = good_context(), .answer = GOOD };

	(void)state;
	start(&server);
	for (size_t i = 0; i < count_of(names); i++) {
		struct fetch ask = ask_of(&server);
		ask.host = str_of(names[i]);
		assert_int_equal(fetch_with(&ask, 5 * SECOND), FETCH_FAILED);
	}
	stop(&server);
	assert_int_equal(server.asked, 0);
	SSL_CTX_free(server.tls);
}

/* In a process of its own: there is no way back. It is made while there is no other thread, since a
 * lock of the allocator that one holds in that moment would be held in the new process for good. */
static void delivery_can_fetch_where_it_is_confined(void **state)
{
	struct server server = { .tls = good_context(), .answer = GOOD };
	int status;

	(void)state;
	listen_on_loopback(&server);
	struct fetch ask = ask_of(&server);
	pid_t pid = fork();
	if (pid == 0) {
		scoped(buf_free) struct buf report = BUF(1000), to = BUF(64 * 1024);
		confine(ROLE_DELIVERY, -1, &report);
		enum fetch_result result = fetch_text(&ask, &to, deadline_in(10 * SECOND), &why);
		if (result != FETCH_TEXT)
			dprintf(STDERR_FILENO, "confined: %s\n", why.text);
		_exit(result == FETCH_TEXT && str_eq(buf_str(&to), STR(TEXT)) ? 0 : 1);
	}
	start_serving(&server);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	stop(&server);
	SSL_CTX_free(server.tls);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int make_authority(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());

	(void)state;
	fetch_prepare();
	ca_key = ec_key();
	ca = certificate_of(ca_key, "Authority", NULL, ca_key, -DAY / SECOND, DAY / SECOND);
	must(PEM_write_bio_X509(bio, ca) == 1);
	ca_text = pem_of(bio);
	trusting = tls_client_new(ca_text, NULL);
	trusting_nobody = tls_client_new(STR(""), NULL);
	return trusting && trusting_nobody ? 0 : -1;
}

static int drop_authority(void **state)
{
	(void)state;
	tls_client_free(&trusting);
	tls_client_free(&trusting_nobody);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	free((char *)(uintptr_t)ca_text.at);
	buf_free(&got);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_fetched),
		cmocka_unit_test(each_answer_has_its_result),
		cmocka_unit_test(a_text_that_is_too_large_is_none),
		cmocka_unit_test(there_is_no_text_however_much_is_said_about_it),
		cmocka_unit_test(a_text_that_was_cut_short_is_none),
		cmocka_unit_test(a_server_proves_its_name_or_is_not_believed),
		cmocka_unit_test(the_systems_authorities_are_not_asked),
		cmocka_unit_test(nothing_below_tls_1_2_is_spoken),
		cmocka_unit_test(the_terms_of_tls_are_those_of_mail),
		cmocka_unit_test(whoever_is_slow_is_left_at_the_deadline),
		cmocka_unit_test(whoever_cannot_be_reached_is_not_waited_for),
		cmocka_unit_test(a_forbidden_address_is_not_connected_to),
		cmocka_unit_test(the_environment_has_no_say),
		cmocka_unit_test(a_name_that_is_none_goes_nowhere),
		cmocka_unit_test(delivery_can_fetch_where_it_is_confined),
	};

	signal(SIGPIPE, SIG_IGN);
	log_open("test", LOG_ALARM + 1);
	return cmocka_run_group_tests(tests, make_authority, drop_authority);
}
