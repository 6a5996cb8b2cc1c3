/* SPDX-License-Identifier: ISC
 *
 * test_connect.c - TLS as a client: for every way a handshake can fail, the row of policy.md it
 * is. The other side is an OpenSSL server over a socketpair, or bytes that are none.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "chains.h"
#include "net/hello.h"
#include "net/secure.h"
#include "net/verify.h"
#include "tls_peer.h"

#include <openssl/err.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* What the other side does with its end of the socketpair. */
struct other {
	int fd;
	void (*play)(struct other *other);
	SSL_CTX *context;
	struct str bytes, more;
	char sni[256];
	bool resumed;
};

static void *play(void *of)
{
	struct other *other = of;

	other->play(other);
	close(other->fd);
	return NULL;
}

static void read_some(int fd)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof bytes);

	(void)n;
}

static void write_str(int fd, struct str s)
{
	ssize_t n = send(fd, s.at, s.len, MSG_NOSIGNAL);

	(void)n;
}

/* A real server, which says one line once TLS stands. */
static void serve(struct other *other)
{
	SSL *ssl = SSL_new(other->context);

	SSL_set_fd(ssl, other->fd);
	if (SSL_accept(ssl) == 1) {
		const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
		snprintf(other->sni, sizeof other->sni, "%s", name ? name : "");
		other->resumed = SSL_session_reused(ssl);
		SSL_write(ssl, "hello\r\n", 7);
		SSL_shutdown(ssl);
	}
	shutdown(other->fd, SHUT_WR);
	read_some(other->fd);
	SSL_free(ssl);
	ERR_clear_error();
}

/* Bytes in answer to the ClientHello, then perhaps others, then the end. */
static void say_bytes(struct other *other)
{
	struct timespec moment = { .tv_nsec = 20000000 };

	read_some(other->fd);
	write_str(other->fd, other->bytes);
	if (other->more.len) {
		nanosleep(&moment, NULL);
		write_str(other->fd, other->more);
	}
	shutdown(other->fd, SHUT_WR);
	read_some(other->fd);
}

/* Bytes that are there before anything was asked. */
static void say_at_once(struct other *other)
{
	shutdown(other->fd, SHUT_WR);
	read_some(other->fd);
}

static void hang_up(struct other *other)
{
	read_some(other->fd);
}

static void stay_silent(struct other *other)
{
	char bytes[4096];

	while (read(other->fd, bytes, sizeof bytes) > 0)
		;
}

struct outcome {
	struct host_facts host;
	struct secure *secure;
	struct why why;
};

static const struct plan no_checks = { .connect = true };

static struct outcome connect_by(const struct tls_client *tls, struct other *other,
	const struct secure_target *target, int64_t within)
{
	struct outcome outcome = { .secure = NULL };
	pthread_t thread;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	other->fd = ends[1];
	if (other->play == say_at_once)
		write_str(ends[1], other->bytes);
	struct plain *plain = plain_of(ends[0]);
	assert_int_equal(pthread_create(&thread, NULL, play, other), 0);
	outcome.secure = secure_connect(
		&plain, tls, target, deadline_in(within), &outcome.host, &outcome.why);
	assert_null(plain);
	if (outcome.secure) {
		struct str line;
		enum wire_result result =
			wire_read_line(&outcome.secure->wire, 100, deadline_in(5 * SECOND), &line);
		assert_int_equal(result, WIRE_OK);
		assert_int_equal(outcome.secure->proved, DEMAND_TLS);
		secure_close(&outcome.secure);
		outcome.secure = NULL;
	} else {
		assert_string_not_equal(outcome.why.text, "");
	}
	pthread_join(thread, NULL);
	return outcome;
}

static struct outcome connect_with(
	struct other *other, const struct secure_target *target, struct str ca, int64_t within)
{
	struct why why;
	struct tls_client *tls = tls_client_new(ca, &why);

	assert_non_null(tls);
	struct outcome outcome = connect_by(tls, other, target, within);
	tls_client_free(&tls);
	return outcome;
}

static enum hello hello_with(struct other other)
{
	struct secure_target target = { .server_name = STR("mx.example.test"), .plan = &no_checks };

	return connect_with(&other, &target, STR(""), 5 * SECOND).host.hello;
}

/* Against a server whose context the test has changed. */
static enum hello hello_of_server(SSL_CTX *context)
{
	enum hello hello = hello_with((struct other){ .play = serve, .context = context });

	SSL_CTX_free(context);
	return hello;
}

static void tls_1_3_stands(void **state)
{
	(void)state;
	assert_int_equal(hello_of_server(tls_peer_new("mx.example.test", NULL)), HELLO_SECURED);
}

static void tls_1_2_stands(void **state)
{
	SSL_CTX *context = tls_peer_new("mx.example.test", NULL);

	(void)state;
	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	assert_int_equal(hello_of_server(context), HELLO_SECURED);
}

static void any_certificate_will_do_where_none_is_checked(void **state)
{
	(void)state;
	assert_int_equal(hello_of_server(tls_peer_new("someone.else", NULL)), HELLO_SECURED);
}

static void the_name_is_asked_for(void **state)
{
	SSL_CTX *context = tls_peer_new("mx.example.test", NULL);
	struct other other = { .play = serve, .context = context };
	struct secure_target target = { .server_name = STR("mx.example.test"), .plan = &no_checks };

	(void)state;
	connect_with(&other, &target, STR(""), 5 * SECOND);
	assert_string_equal(other.sni, "mx.example.test");
	target.server_name = STR("");
	connect_with(&other, &target, STR(""), 5 * SECOND);
	assert_string_equal(other.sni, "");
	SSL_CTX_free(context);
}

/* By a server that would: it hands out tickets and remembers sessions. */
static void no_session_is_taken_up_again(void **state)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct secure_target target = { .server_name = STR("mx.example.test"), .plan = &no_checks };
	struct why why;

	(void)state;
	for (size_t i = 0; i < count_of(versions); i++) {
		SSL_CTX *context = tls_peer_new("mx.example.test", NULL);
		struct other other = { .play = serve, .context = context };
		struct tls_client *tls = tls_client_new(STR(""), &why);
		SSL_CTX_set_max_proto_version(context, versions[i]);
		SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
		for (int n = 0; n < 3; n++) {
			struct outcome outcome = connect_by(tls, &other, &target, 5 * SECOND);
			assert_int_equal(outcome.host.hello, HELLO_SECURED);
			assert_false(other.resumed);
		}
		assert_int_equal(SSL_CTX_sess_hits(context), 0);
		tls_client_free(&tls);
		SSL_CTX_free(context);
	}
}

static void tls_1_1_is_too_old(void **state)
{
	SSL_CTX *context = tls_peer_new("mx.example.test", NULL);

	(void)state;
	SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
	assert_int_equal(hello_of_server(context), HELLO_TLS_INCOMPATIBLE);
}

/* A ServerHello that chooses TLS 1.0, whatever was offered. */
static void a_server_that_insists_on_tls_1_0_is_too_old(void **state)
{
	static const char hello[] = "\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01"
				    "0123456789abcdef0123456789abcdef"
				    "\x00\x00\x2f\x00";

	(void)state;
	assert_int_equal(hello_with((struct other){
				 .play = say_bytes, .bytes = { hello, sizeof hello - 1 } }),
		HELLO_TLS_INCOMPATIBLE);
}

static void no_common_cipher_is_incompatible(void **state)
{
	SSL_CTX *context = tls_peer_new("mx.example.test", NULL);

	(void)state;
	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-ARIA256-GCM-SHA384"), 1);
	assert_int_equal(hello_of_server(context), HELLO_TLS_INCOMPATIBLE);
}

static void anonymous_ciphers_are_incompatible(void **state)
{
	SSL_CTX *context = tls_peer_new("mx.example.test", NULL);

	(void)state;
	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_set_cipher_list(context, "aNULL:@SECLEVEL=0"), 1);
	assert_int_equal(hello_of_server(context), HELLO_TLS_INCOMPATIBLE);
}

static void a_short_rsa_key_is_incompatible(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(1024);
	SSL_CTX *context = tls_peer_new("mx.example.test", key);

	(void)state;
	EVP_PKEY_free(key);
	assert_int_equal(hello_of_server(context), HELLO_TLS_INCOMPATIBLE);
}

static void a_small_dh_group_is_incompatible(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048), *group = NULL;
	SSL_CTX *context = tls_peer_new("mx.example.test", key);
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);

	(void)state;
	assert_int_equal(EVP_PKEY_paramgen_init(maker), 1);
	assert_int_equal(EVP_PKEY_CTX_set_group_name(maker, "modp_1536"), 1);
	assert_int_equal(EVP_PKEY_paramgen(maker, &group), 1);
	EVP_PKEY_CTX_free(maker);
	assert_int_equal(SSL_CTX_set0_tmp_dh_pkey(context, group), 1);
	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_set_cipher_list(context, "DHE-RSA-AES128-GCM-SHA256"), 1);
	EVP_PKEY_free(key);
	assert_int_equal(hello_of_server(context), HELLO_TLS_INCOMPATIBLE);
}

static struct other alert(const char *bytes)
{
	return (struct other){ .play = say_bytes, .bytes = { bytes, 7 } };
}

static void alerts_are_told_apart(void **state)
{
	static const struct {
		const char *record;
		enum hello hello;
	} cases[] = {
		{ "\x15\x03\x03\x00\x02\x02\x28", HELLO_TLS_INCOMPATIBLE }, /* handshake_failure */
		{ "\x15\x03\x01\x00\x02\x02\x46", HELLO_TLS_INCOMPATIBLE }, /* protocol_version */
		{ "\x15\x03\x03\x00\x02\x02\x47",
			HELLO_TLS_INCOMPATIBLE },		     /* insufficient_security */
		{ "\x15\x03\x03\x00\x02\x02\x50", HELLO_TLS_ALERT }, /* internal_error */
		{ "\x15\x03\x03\x00\x02\x02\x70", HELLO_TLS_ALERT }, /* unrecognized_name */
		{ "\x15\x03\x03\x00\x02\x02\x32", HELLO_TLS_ALERT }, /* decode_error */
		{ "\x15\x03\x03\x00\x02\x02\x2a", HELLO_TLS_ALERT }, /* bad_certificate */
		{ "\x15\x03\x03\x00\x02\x02\x0a", HELLO_TLS_ALERT }, /* unexpected_message */
	};

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++)
		assert_int_equal(hello_with(alert(cases[i].record)), cases[i].hello);
}

static void a_malformed_hello_is_a_protocol_error(void **state)
{
	static const char nonsense[] = "\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03";

	(void)state;
	assert_int_equal(hello_with((struct other){
				 .play = say_bytes, .bytes = { nonsense, sizeof nonsense - 1 } }),
		HELLO_TLS_ALERT);
}

static void words_are_not_tls(void **state)
{
	const struct str words[] = { STR("250 mail.example.test\r\n"), STR("454 later\r\n"),
		STR("\r\n"), STR("HTTP/1.0 400 Bad Request\r\n"), STR("\x17\x03\x03\x00\x01x"),
		STR("\x14\x03\x03\x00\x01\x01"), STR("\x80\x2e\x01\x00\x02garbage garbage"),
		STR("\x16\x02\x00\x00\x05hello"), STR("\x16\x03\x01\xff\xffhello"), STR("x") };

	(void)state;
	for (size_t i = 0; i < count_of(words); i++) {
		enum hello late =
			hello_with((struct other){ .play = say_bytes, .bytes = words[i] });
		enum hello early =
			hello_with((struct other){ .play = say_at_once, .bytes = words[i] });
		if (late != HELLO_NOT_TLS || early != HELLO_NOT_TLS)
			fail_msg("words %zu: %d %d", i, (int)late, (int)early);
	}
}

static void words_behind_a_first_byte_of_tls_are_not_tls(void **state)
{
	(void)state;
	assert_int_equal(hello_with((struct other){ .play = say_bytes,
				 .bytes = STR("\x16"),
				 .more = STR("hello, this is no record") }),
		HELLO_NOT_TLS);
}

static void an_end_is_loss(void **state)
{
	static const char half[] = "\x16\x03\x03\x00\x7a\x02\x00";

	(void)state;
	assert_int_equal(hello_with((struct other){ .play = hang_up }), HELLO_TLS_LOST);
	assert_int_equal(hello_with((struct other){ .play = say_bytes }), HELLO_TLS_LOST);
	assert_int_equal(
		hello_with((struct other){ .play = say_bytes, .bytes = { half, sizeof half - 1 } }),
		HELLO_TLS_LOST);
}

static void silence_is_loss(void **state)
{
	struct other other = { .play = stay_silent };
	struct secure_target target = { .server_name = STR("mx.example.test"), .plan = &no_checks };

	(void)state;
	assert_int_equal(connect_with(&other, &target, STR(""), 100).host.hello, HELLO_TLS_LOST);
}

/* Every entry of the table, whether a server could be brought to cause it or not. */
static void the_table_is_what_policy_says(void **state)
{
	static const struct {
		int reason;
		enum hello hello;
	} entries[] = {
		{ SSL_R_WRONG_VERSION_NUMBER, HELLO_NOT_TLS },
		{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, HELLO_TLS_INCOMPATIBLE },
		{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, HELLO_TLS_INCOMPATIBLE },
		{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, HELLO_TLS_INCOMPATIBLE },
		{ SSL_R_UNSUPPORTED_PROTOCOL, HELLO_TLS_INCOMPATIBLE },
		{ SSL_R_WRONG_SSL_VERSION, HELLO_TLS_INCOMPATIBLE },
		{ SSL_R_DH_KEY_TOO_SMALL, HELLO_TLS_INCOMPATIBLE },
		{ SSL_R_UNEXPECTED_EOF_WHILE_READING, HELLO_TLS_LOST },
		{ ERR_R_MALLOC_FAILURE, HELLO_LOCAL_FAULT },
		{ SSL_R_TLSV1_ALERT_INTERNAL_ERROR, HELLO_TLS_ALERT },
		{ SSL_R_TLSV1_UNRECOGNIZED_NAME, HELLO_TLS_ALERT },
		{ SSL_R_UNKNOWN_CIPHER_RETURNED, HELLO_TLS_ALERT },
		{ SSL_R_BAD_SIGNATURE, HELLO_TLS_ALERT },
	};

	(void)state;
	for (size_t i = 0; i < count_of(entries); i++)
		assert_int_equal(hello_of_tls_error(ERR_PACK(ERR_LIB_SSL, 0, entries[i].reason)),
			entries[i].hello);
	assert_int_equal(hello_of_tls_error(0), HELLO_TLS_LOST);
	assert_int_equal(hello_of_tls_error(ERR_PACK(ERR_LIB_SYS, 0, 104)), HELLO_TLS_LOST);
}

/* A CA, and a server with a certificate from it. */
static SSL_CTX *issued(const char *name, long from, long to, char *ca, size_t room)
{
	EVP_PKEY *ca_key = ec_key(), *key = ec_key();
	X509 *authority =
		certificate_of(ca_key, "Authority", NULL, ca_key, -DAY / SECOND, DAY / SECOND);
	X509 *cert = certificate_of(key, name, authority, ca_key, from, to);
	SSL_CTX *context = tls_peer_new(name, NULL);
	BIO *pem = BIO_new(BIO_s_mem());

	assert_int_equal(SSL_CTX_use_certificate(context, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
	PEM_write_bio_X509(pem, authority);
	int n = BIO_read(pem, ca, (int)room - 1);
	ca[n] = 0;
	BIO_free(pem);
	X509_free(cert);
	X509_free(authority);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return context;
}

static void a_certificate_is_checked_where_the_plan_says(void **state)
{
	static const struct {
		const char *name;
		long from, to;
		bool known;
		enum reason fault;
	} cases[] = {
		{ "mx.example.test", -100, 1000, true, REASON_NONE },
		{ "mx.other.test", -100, 1000, true, REASON_CERTIFICATE_HOST_MISMATCH },
		{ "mx.example.test", -1000, -100, true, REASON_CERTIFICATE_EXPIRED },
		{ "mx.example.test", -100, 1000, false, REASON_CERTIFICATE_NOT_TRUSTED },
	};
	const struct plan plan = { .connect = true, .check_ca = true };

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++) {
		char ca[4096];
		SSL_CTX *context = issued(cases[i].name, cases[i].from, cases[i].to, ca, sizeof ca);
		struct other other = { .play = serve, .context = context };
		struct secure_target target = { .server_name = STR("mx.example.test"),
			.plan = &plan,
			.host = STR("mx.example.test") };
		struct outcome outcome = connect_with(
			&other, &target, cases[i].known ? str_of(ca) : STR(""), 5 * SECOND);
		assert_int_equal(outcome.host.hello, HELLO_SECURED);
		assert_int_equal(outcome.host.certificate_fault, cases[i].fault);
		assert_int_equal(outcome.host.ca_proves, cases[i].fault == REASON_NONE);
		SSL_CTX_free(context);
	}
}

/* What verify.c is given is what the handshake brought: the whole chain, and all checks of it. */
static void the_chain_shown_is_what_is_verified(void **state)
{
	char ca[4096];
	unsigned char *root = NULL;
	const struct plan plan = {
		.connect = true, .check_dane = true, .check_ca = true, .check_pin = true
	};
	SSL_CTX *context = tls_peer_new(HOST, NULL);
	struct other other = { .play = serve, .context = context };

	assert_int_equal(make_world(state), 0);
	assert_int_equal(SSL_CTX_use_certificate(context, certificates[LEAF]), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, certificate_keys[LEAF]), 1);
	assert_int_equal(SSL_CTX_add1_chain_cert(context, certificates[SUB]), 1);
	struct digest key = verify_key_digest(certificates[LEAF]);
	struct stored_entry entry = { STORED_KEY, digest_str(&key), STR("") };
	int len = i2d_X509(certificates[ROOT], &root);
	struct tlsa tlsa = { TLSA_USAGE_TA, TLSA_SELECTOR_CERT, TLSA_MATCHING_FULL,
		{ (char *)root, (size_t)len } };
	struct secure_target target = { .server_name = STR(HOST),
		.plan = &plan,
		.host = STR(HOST),
		.tlsa = &tlsa,
		.n_tlsa = 1,
		.tlsa_base = STR(HOST),
		.stored = &entry,
		.n_stored = 1 };
	struct str anchors = pem_text((const enum which[]){ ROOT, NOBODY }, ca, sizeof ca);
	struct host_facts host = connect_with(&other, &target, anchors, 5 * SECOND).host;
	assert_int_equal(host.dane, DANE_MATCHES);
	assert_true(host.ca_proves);
	assert_int_equal(host.pin, PIN_MATCHES);

	/* Without its issuer the anchors can't be reached; the key is what it was. */
	SSL_CTX_clear_chain_certs(context);
	host = connect_with(&other, &target, anchors, 5 * SECOND).host;
	assert_int_equal(host.dane, DANE_FAILS);
	assert_int_equal(host.certificate_fault, REASON_CERTIFICATE_NOT_TRUSTED);
	assert_int_equal(host.pin, PIN_MATCHES);
	OPENSSL_free(root);
	SSL_CTX_free(context);
	free_world(state);
}

static void a_ca_file_of_nonsense_is_refused(void **state)
{
	struct why why = { "" };

	(void)state;
	assert_null(tls_client_new(STR("nonsense"), &why));
	assert_string_not_equal(why.text, "");
	assert_null(tls_client_new(
		STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_1_3_stands),
		cmocka_unit_test(tls_1_2_stands),
		cmocka_unit_test(any_certificate_will_do_where_none_is_checked),
		cmocka_unit_test(the_name_is_asked_for),
		cmocka_unit_test(no_session_is_taken_up_again),
		cmocka_unit_test(tls_1_1_is_too_old),
		cmocka_unit_test(a_server_that_insists_on_tls_1_0_is_too_old),
		cmocka_unit_test(no_common_cipher_is_incompatible),
		cmocka_unit_test(anonymous_ciphers_are_incompatible),
		cmocka_unit_test(a_short_rsa_key_is_incompatible),
		cmocka_unit_test(a_small_dh_group_is_incompatible),
		cmocka_unit_test(alerts_are_told_apart),
		cmocka_unit_test(a_malformed_hello_is_a_protocol_error),
		cmocka_unit_test(words_are_not_tls),
		cmocka_unit_test(words_behind_a_first_byte_of_tls_are_not_tls),
		cmocka_unit_test(an_end_is_loss),
		cmocka_unit_test(silence_is_loss),
		cmocka_unit_test(the_table_is_what_policy_says),
		cmocka_unit_test(a_certificate_is_checked_where_the_plan_says),
		cmocka_unit_test(the_chain_shown_is_what_is_verified),
		cmocka_unit_test(a_ca_file_of_nonsense_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
