/* SPDX-License-Identifier: ISC
 *
 * test_preflight.c - what would happen now, told without a message: against peers on loopback that
 * answer, refuse, stay silent, or aren't there. What they hear is looked at: never MAIL.
 */
#include "delivery/preflight.h"

#include "base/fd.h"
#include "base/log.h"
#include "delivery/sts.h"
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

enum peer_kind {
	SEALS,	       /* STARTTLS as it should be */
	OFFERS_NO_TLS, /* 5xx to EHLO's STARTTLS: none is announced */
	SAYS_NOTHING   /* takes the connection and is silent */
};

/* A mail server on one address of loopback, and all that was said to it. */
struct peer_server {
	enum peer_kind kind;
	int listener;
	pthread_t thread;
	pthread_mutex_t lock; /* guards both */
	struct buf heard;
	size_t connections;
};

static SSL_CTX *peer_context;
static uint16_t port;

static void note_line(struct peer_server *server, struct str line)
{
	pthread_mutex_lock(&server->lock);
	buf_add(&server->heard, line);
	buf_add_char(&server->heard, '\n');
	pthread_mutex_unlock(&server->lock);
}

static void say(int fd, SSL *ssl, const char *text)
{
	if (ssl)
		SSL_write(ssl, text, (int)strlen(text));
	else
		(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static bool hear(int fd, SSL *ssl, struct peer_server *server, struct str *line)
{
	static _Thread_local char text[1000];
	size_t n = 0;

	while (n < sizeof text) {
		ssize_t got = ssl ? SSL_read(ssl, text + n, 1) : recv(fd, text + n, 1, 0);
		ERR_clear_error();
		if (got <= 0)
			return false;
		if (text[n++] == '\n') {
			*line = str_trim((struct str){ text, n });
			note_line(server, *line);
			return true;
		}
	}
	return false;
}

static void converse(int fd, struct peer_server *server)
{
	struct str line;
	SSL *ssl = NULL;

	say(fd, NULL, "220 peer.test ESMTP\r\n");
	while (hear(fd, ssl, server, &line)) {
		if (str_starts(line, STR("EHLO"))) {
			say(fd, ssl,
				ssl || server->kind == OFFERS_NO_TLS
					? "250 peer.test\r\n"
					: "250-peer.test\r\n250 STARTTLS\r\n");
		} else if (str_eq(line, STR("STARTTLS"))) {
			say(fd, NULL, "220 go on\r\n");
			ssl = SSL_new(peer_context);
			SSL_set_fd(ssl, fd);
			if (SSL_accept(ssl) != 1)
				break;
		} else {
			say(fd, ssl, "221 bye\r\n");
			break;
		}
	}
	ERR_clear_error();
	SSL_free(ssl);
}

static void *serve(void *argument)
{
	struct peer_server *server = argument;
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		pthread_mutex_lock(&server->lock);
		server->connections++;
		pthread_mutex_unlock(&server->lock);
		if (server->kind == SAYS_NOTHING) {
			char byte;
			while (recv(fd, &byte, 1, 0) > 0)
				;
		} else {
			converse(fd, server);
		}
		close(fd);
	}
	return NULL;
}

static void open_server(struct peer_server *server, enum peer_kind kind, const char *address)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t size = sizeof own;
	int on = 1;

	*server = (struct peer_server){ .kind = kind, .heard = BUF(1 << 20) };
	pthread_mutex_init(&server->lock, NULL);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	inet_pton(AF_INET, address, &own.sin_addr);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&own, size), 0);
	assert_int_equal(listen(server->listener, 8), 0);
	getsockname(server->listener, (struct sockaddr *)&own, &size);
	port = ntohs(own.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void close_server(struct peer_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	buf_free(&server->heard);
	pthread_mutex_destroy(&server->lock);
}

static size_t connections(struct peer_server *server)
{
	pthread_mutex_lock(&server->lock);
	size_t n = server->connections;
	pthread_mutex_unlock(&server->lock);
	return n;
}

/* Our side. All that preflight wants of a delivery is what it works with now. */
struct delivery {
	struct config *config;
	struct preflights *renewed; /* other settings come as soon as these are taken */
};

struct config *delivery_config(struct delivery *delivery)
{
	if (delivery->renewed)
		preflights_forget(delivery->renewed);
	return config_hold(delivery->config);
}

struct stage {
	struct settings settings;
	struct domain_settings own;
	struct delivery delivery;
	struct preflights *kept;
	struct arena arena;
};

static struct str records[] = {
	{ "peer.test. 60 IN MX 10 mx.peer.test.", 36 },
	{ "mx.peer.test. 60 IN A 127.0.0.1", 31 },
	{ "two.test. 60 IN MX 10 deaf.two.test.", 36 },
	{ "two.test. 60 IN MX 20 mx.peer.test.", 35 },
	{ "deaf.two.test. 60 IN A 127.0.0.2", 32 },
	{ "null.test. 60 IN MX 0 .", 23 },
	{ "both.test. 60 IN A 127.0.0.1", 28 },
	{ "both.test. 60 IN A 127.0.0.3", 28 },
	{ "loop.test. 60 IN MX 10 us.test.", 31 },
	{ "us.test. 60 IN A 192.0.2.1", 26 },
	{ "private.test. 60 IN A 10.9.8.7", 30 },
};

static void open_stage(struct stage *stage)
{
	static struct str zones[] = { { "test. static", 12 } };
	static struct str networks[] = { { "127.0.0.0/8", 11 } };
	struct why why = { "" };

	*stage = (struct stage){ .arena = ARENA(16 << 20),
		.own = { STR("us.test"), STR("s.us.test") } };
	stage->settings.host_name = STR("us.test");
	stage->settings.delivery_port = port;
	stage->settings.connect_deadline = 10 * SECOND;
	stage->settings.delivery_connections = 1;
	stage->settings.local_records.at = records;
	stage->settings.local_records.len = count_of(records);
	stage->settings.local_zones.at = zones;
	stage->settings.local_zones.len = 1;
	stage->settings.allow_networks.at = networks;
	stage->settings.allow_networks.len = 1;
	stage->settings.domains.at = &stage->own;
	stage->settings.domains.len = 1;
	stage->delivery.config = config_new(&stage->settings, STR(""), STR(""), &why);
	assert_string_equal(why.text, "");
	stage->delivery.config->sts = sts_cache_new(NULL);
	stage->kept = preflights_new();
}

static void close_stage(struct stage *stage)
{
	struct sts_cache *sts = stage->delivery.config->sts;

	config_release(&stage->delivery.config);
	sts_cache_free(&sts);
	preflights_free(&stage->kept);
	arena_free(&stage->arena);
}

static struct preflight_answer ask(
	struct stage *stage, const char *domain, demands wanted, bool fresh)
{
	struct preflight_ask question = {
		.domain = str_of(domain), .demands = wanted, .fresh = fresh
	};
	struct preflight_answer answer;

	preflight(stage->kept, &stage->delivery, &question, &stage->arena, &answer);
	return answer;
}

static void assert_text(struct str text, const char *wanted)
{
	if (!str_eq(text, str_of(wanted)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(text), wanted);
}

static void wait_for_goodbye(struct peer_server *server, const char *heard)
{
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&server->lock);
		bool same = str_eq(buf_str(&server->heard), str_of(heard));
		pthread_mutex_unlock(&server->lock);
		if (same)
			return;
		poll(NULL, 0, 10);
	}
	fail_msg("%.*s", STR_ARG(buf_str(&server->heard)));
}

static void a_server_that_seals_is_accepted_and_hears_no_mail(void **state)
{
	struct peer_server server;
	struct stage stage;

	(void)state;
	open_server(&server, SEALS, "127.0.0.1");
	open_stage(&stage);
	struct preflight_answer a = ask(&stage, "peer.test", DEMAND_TLS, false);
	assert_int_equal(a.outcome, LOOK_DONE);
	assert_int_equal(a.verdict, VERDICT_ACCEPTED);
	assert_int_equal(a.complete, 1);
	assert_int_equal(a.route, FOUND_HOSTS);
	assert_text(a.host, "mx.peer.test");
	assert_text(a.tls_version, "TLSv1.3");
	assert_text(a.proven_by, "");
	assert_int_equal(a.hosts.len, 1);
	assert_text(a.hosts.at[0].name, "mx.peer.test");
	assert_int_equal(a.hosts.at[0].preference, 10);
	assert_int_equal(a.hosts.at[0].asked, 1);
	assert_int_equal(a.attempts.len, 1);
	assert_text(a.attempts.at[0].address, "127.0.0.1");
	assert_int_equal(a.attempts.at[0].key.len, 64);
	wait_for_goodbye(&server, "EHLO us.test\nSTARTTLS\nEHLO us.test\nQUIT\n");
	close_stage(&stage);
	close_server(&server);
}

static void a_server_without_tls_is_refused_as_delivery_would(void **state)
{
	struct peer_server server;
	struct stage stage;

	(void)state;
	open_server(&server, OFFERS_NO_TLS, "127.0.0.1");
	open_stage(&stage);
	struct preflight_answer a = ask(&stage, "peer.test", DEMAND_TLS, false);
	assert_int_equal(a.verdict, VERDICT_REFUSED);
	assert_int_equal(a.reason, REASON_STARTTLS_NOT_SUPPORTED);
	assert_text(a.host, "mx.peer.test");
	assert_text(a.tls_version, "");
	/* And in plaintext, where nothing is demanded, without a permit being used. */
	a = ask(&stage, "peer.test", 0, false);
	assert_int_equal(a.verdict, VERDICT_ACCEPTED);
	assert_text(a.tls_version, "");
	wait_for_goodbye(&server, "EHLO us.test\nQUIT\nEHLO us.test\nQUIT\n");
	close_stage(&stage);
	close_server(&server);
}

static void what_needs_no_connection_makes_none(void **state)
{
	static const struct {
		const char *domain;
		enum verdict verdict;
		enum reason reason;
		enum route_found route;
	} cases[] = {
		{ "null.test", VERDICT_REFUSED, REASON_NULL_MX, FOUND_NULL_MX },
		{ "nowhere.test", VERDICT_REFUSED, REASON_DOMAIN_NOT_FOUND, FOUND_NO_DOMAIN },
		{ "loop.test", VERDICT_REFUSED, REASON_MAIL_LOOP, FOUND_HOSTS },
		{ "private.test", VERDICT_UNKNOWN, REASON_FORBIDDEN_ADDRESS, FOUND_HOSTS },
		{ "us.test", VERDICT_ACCEPTED, REASON_NONE, FOUND_OURSELVES },
		{ "s.us.test", VERDICT_ACCEPTED, REASON_NONE, FOUND_OURSELVES },
	};
	struct peer_server server;
	struct stage stage;

	(void)state;
	open_server(&server, SEALS, "127.0.0.1");
	open_stage(&stage);
	for (size_t i = 0; i < count_of(cases); i++) {
		struct preflight_answer a = ask(&stage, cases[i].domain, DEMAND_TLS, false);
		assert_int_equal(a.outcome, LOOK_DONE);
		assert_int_equal(a.verdict, cases[i].verdict);
		assert_int_equal(a.reason, cases[i].reason);
		assert_int_equal(a.route, cases[i].route);
		assert_int_equal(a.complete, 1);
	}
	/* Nobody knows what is stored: unknown, and never "none". */
	struct preflight_answer a = ask(&stage, "peer.test", DEMAND_TLS | DEMAND_PINNED, false);
	assert_int_equal(a.verdict, VERDICT_UNKNOWN);
	assert_int_equal(a.reason, REASON_LOCAL_FAULT);
	assert_int_equal(connections(&server), 0);
	close_stage(&stage);
	close_server(&server);
}

static void what_the_operator_demands_of_a_domain_counts(void **state)
{
	static struct destination_settings strict = { .name = { "peer.test", 9 },
		.level = LEVEL_DANE_ONLY };
	struct stage stage;

	(void)state;
	open_stage(&stage);
	stage.settings.destinations.at = &strict;
	stage.settings.destinations.len = 1;
	struct preflight_answer a = ask(&stage, "peer.test", DEMAND_TLS, false);
	assert_int_equal(a.demands, DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE);
	assert_int_equal(a.verdict, VERDICT_REFUSED);
	assert_int_equal(a.reason, REASON_DANE_REQUIRED);
	close_stage(&stage);
}

static void what_is_no_domain_is_not_looked_up(void **state)
{
	static const char *const wrong[] = { "", "Peer.test", "peer test", "peer.test\n",
		"[127.0.0.1", "a..b", "-", "\xff.test" };
	struct stage stage;

	(void)state;
	open_stage(&stage);
	for (size_t i = 0; i < count_of(wrong); i++)
		assert_int_equal(ask(&stage, wrong[i], DEMAND_TLS, false).outcome, LOOK_NO_NAME);
	assert_int_equal(ask(&stage, "null.test", 1 << 5, false).outcome, LOOK_NO_NAME);
	close_stage(&stage);
}

static void an_answer_by_settings_replaced_meanwhile_is_not_kept(void **state)
{
	struct peer_server server;
	struct stage stage;

	(void)state;
	open_server(&server, SEALS, "127.0.0.1");
	open_stage(&stage);
	stage.delivery.renewed = stage.kept;
	ask(&stage, "peer.test", DEMAND_TLS, false);
	stage.delivery.renewed = NULL;
	ask(&stage, "peer.test", DEMAND_TLS, false);
	assert_int_equal(connections(&server), 2);
	close_stage(&stage);
	close_server(&server);
}

static void an_answer_is_good_for_a_while_and_tells_its_age(void **state)
{
	struct peer_server server;
	struct stage stage;

	(void)state;
	open_server(&server, SEALS, "127.0.0.1");
	open_stage(&stage);
	struct preflight_answer first = ask(&stage, "peer.test", DEMAND_TLS, false);
	poll(NULL, 0, 20);
	struct preflight_answer again = ask(&stage, "peer.test", DEMAND_TLS, false);
	assert_int_equal(connections(&server), 1);
	assert_int_equal(again.time, first.time);
	assert_text(again.host, "mx.peer.test");
	assert_int_equal(again.attempts.len, 1);
	/* Another question, somebody who wants to see, and new settings: each is a new look. */
	ask(&stage, "peer.test", 0, false);
	assert_int_equal(connections(&server), 2);
	struct preflight_answer fresh = ask(&stage, "peer.test", DEMAND_TLS, true);
	assert_int_equal(connections(&server), 3);
	assert_true(fresh.time > first.time);
	assert_int_equal(ask(&stage, "peer.test", DEMAND_TLS, false).time, fresh.time);
	preflights_forget(stage.kept);
	ask(&stage, "peer.test", DEMAND_TLS, false);
	assert_int_equal(connections(&server), 4);
	close_stage(&stage);
	close_server(&server);
}

static void a_silent_first_host_leaves_time_for_the_second(void **state)
{
	struct peer_server server, silent;
	struct stage stage;

	(void)state;
	open_server(&server, SEALS, "127.0.0.1");
	open_server(&silent, SAYS_NOTHING, "127.0.0.2");
	open_stage(&stage);
	int64_t before = clock_monotonic_ms();
	struct preflight_answer a = ask(&stage, "two.test", DEMAND_TLS, false);
	assert_true(clock_monotonic_ms() - before < PREFLIGHT_WAIT + 200);
	assert_int_equal(connections(&silent), 1);
	assert_int_equal(a.verdict, VERDICT_ACCEPTED);
	assert_text(a.host, "mx.peer.test");
	assert_int_equal(a.hosts.len, 2);
	assert_int_equal(a.hosts.at[0].verdict, VERDICT_UNKNOWN);
	assert_int_equal(a.hosts.at[0].reason, REASON_CONNECTION_LOST);
	close_stage(&stage);
	close_server(&silent);
	close_server(&server);
}

static void where_nobody_answers_in_time_it_is_unknown_and_not_kept(void **state)
{
	struct peer_server silent;
	struct stage stage;

	(void)state;
	open_server(&silent, SAYS_NOTHING, "127.0.0.1");
	open_stage(&stage);
	int64_t before = clock_monotonic_ms();
	struct preflight_answer a = ask(&stage, "peer.test", DEMAND_TLS, false);
	assert_true(clock_monotonic_ms() - before < PREFLIGHT_WAIT + 200);
	assert_int_equal(a.verdict, VERDICT_UNKNOWN);
	assert_int_equal(a.complete, 0);
	ask(&stage, "peer.test", DEMAND_TLS, false);
	assert_int_equal(connections(&silent), 2);
	close_stage(&stage);
	close_server(&silent);
}

static void every_address_is_examined_whatever_it_shows(void **state)
{
	struct peer_server good, bare;
	struct stage stage;
	struct examine_answer answer;

	(void)state;
	open_server(&good, SEALS, "127.0.0.1");
	open_server(&bare, OFFERS_NO_TLS, "127.0.0.3");
	open_stage(&stage);
	examine(&stage.delivery, &(struct examine_ask){ .domain = STR("both.test") }, &stage.arena,
		&answer);
	assert_int_equal(answer.outcome, LOOK_DONE);
	assert_int_equal(answer.complete, 1);
	assert_int_equal(answer.found.len, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct examined *e = &answer.found.at[i];
		assert_text(e->host, "both.test");
		if (str_eq(e->address, STR("127.0.0.3"))) {
			assert_int_equal(e->reason, REASON_STARTTLS_NOT_SUPPORTED);
			assert_text(e->subject, "");
			continue;
		}
		assert_int_equal(e->reason, REASON_NONE);
		assert_text(e->subject, "CN=peer.test");
		assert_text(e->issuer, "CN=peer.test");
		assert_int_equal(e->certificate.len, 64);
		assert_int_equal(e->key.len, 64);
		assert_false(e->ca_proves);
		assert_int_equal(e->certificate_fault, REASON_CERTIFICATE_NOT_TRUSTED);
		int64_t now = clock_wall_ms();
		assert_true((int64_t)e->not_before < now && (int64_t)e->not_after > now);
		assert_true(e->not_after - e->not_before == 2 * (uint64_t)DAY);
	}
	examine(&stage.delivery, &(struct examine_ask){ .domain = STR("no domain") }, &stage.arena,
		&answer);
	assert_int_equal(answer.outcome, LOOK_NO_NAME);
	close_stage(&stage);
	close_server(&good);
	close_server(&bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_seals_is_accepted_and_hears_no_mail),
		cmocka_unit_test(a_server_without_tls_is_refused_as_delivery_would),
		cmocka_unit_test(what_needs_no_connection_makes_none),
		cmocka_unit_test(what_the_operator_demands_of_a_domain_counts),
		cmocka_unit_test(what_is_no_domain_is_not_looked_up),
		cmocka_unit_test(an_answer_by_settings_replaced_meanwhile_is_not_kept),
		cmocka_unit_test(an_answer_is_good_for_a_while_and_tells_its_age),
		cmocka_unit_test(a_silent_first_host_leaves_time_for_the_second),
		cmocka_unit_test(where_nobody_answers_in_time_it_is_unknown_and_not_kept),
		cmocka_unit_test(every_address_is_examined_whatever_it_shows),
	};

	signal(SIGPIPE, SIG_IGN);
	log_open("test", LOG_ALARM + 1);
	peer_context = tls_peer_new("peer.test", NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	SSL_CTX_free(peer_context);
	return failed;
}
