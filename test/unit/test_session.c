/* SPDX-License-Identifier: ISC
 *
 * test_session.c - what a peer of smtpd hears, as transcripts. All of the peer's words are there
 * before the session begins, which pipelining allows; TLS is faked at the seam.
 */
#include "smtpd_world.h"

#include "base/log.h"
#include "smtpd/limits.h"
#include "tls_peer.h"
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static struct str neighbours[] = { { "192.0.2.1/32", 12 } };

static char heard[1 << 18];

enum how { IN_CLEAR, IN_TLS, LOGGED_IN_AS_ADA };

static struct plain *connection(struct str words, int *peer)
{
	int ends[2], room = 1 << 20;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
	assert_true(fd_write_all(ends[0], words));
	assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
	*peer = ends[0];
	return plain_of(ends[1]);
}

static void hear(int peer)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(peer, heard + n, sizeof heard - 1 - n)) > 0)
		n += (size_t)got;
	heard[n] = '\0';
	close(peer);
}

/* Say all of it to a session; what was answered is in `heard`. */
static void say_bytes(enum listener_kind kind, enum how how, struct str words)
{
	int peer;
	struct session *s = world_session(kind, connection(words, &peer));

	if (how != IN_CLEAR)
		world_seal(s);
	s->begun = kind == LISTENER_SUBMISSIONS;
	s->account = how == LOGGED_IN_AS_ADA ? ADA : 0;
	assert_int_equal(session_run(s), SESSION_ENDED);
	session_free(&s);
	hear(peer);
}

static void say(enum listener_kind kind, enum how how, const char *words)
{
	say_bytes(kind, how, str_of(words));
}

/* The codes of all replies: "220 250 221". */
static const char *codes(void)
{
	static char list[4096];
	size_t n = 0;

	list[0] = '\0';
	for (const char *line = heard; *line; line = strstr(line, "\r\n") + 2) {
		if (line[3] == ' ')
			n += (size_t)snprintf(
				list + n, sizeof list - n, "%s%.3s", n ? " " : "", line);
		assert_non_null(strstr(line, "\r\n"));
	}
	return list;
}

#define HEARD(text)	assert_non_null(strstr(heard, text))
#define NOT_HEARD(text) assert_null(strstr(heard, text))
#define CODES(list)	assert_string_equal(codes(), list)

#define ENVELOPE "EHLO client.test\r\nMAIL FROM:<bob@other.test>\r\nRCPT TO:<ada@example.test>\r\n"
#define SUBMISSION \
	"EHLO client.test\r\nMAIL FROM:<ada@example.test>\r\nRCPT TO:<bob@other.test>\r\n"
#define HEAD	    "From: bob@other.test\r\nSubject: Hello\r\n\r\n"
#define HEAD_OF_ADA "From: ada@example.test\r\nSubject: Hello\r\n\r\n"

static void a_mail_from_outside_is_taken(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\n" HEAD "Text.\r\n.\r\nQUIT\r\n");
	CODES("220 250 250 250 354 250 221");
	assert_int_equal(store.accepts, 1);
	assert_string_equal(store.sender, "bob@other.test");
	assert_string_equal(store.recipient, "ada@example.test");
	assert_string_equal(store.tls, "");
	assert_int_equal(strlen(store.id), 16);
	assert_int_equal(strncmp(store.body, "Received: ", 10), 0);
	assert_non_null(strstr(store.body, store.id));
	assert_non_null(strstr(store.body, HEAD "Text.\r\n"));
	assert_null(strstr(store.body, "Message-ID"));
	HEARD(store.id);
}

static void ehlo_lists_what_we_can_do_and_no_more(void **state)
{
	(void)state;
	world_snapshot.tls = (struct tls_server *)&world_snapshot;
	say(LISTENER_MX, IN_CLEAR, "EHLO c.test\r\n");
	HEARD("250-PIPELINING\r\n");
	HEARD("250-SIZE 100000\r\n");
	HEARD("250-8BITMIME\r\n");
	HEARD("250-SMTPUTF8\r\n");
	HEARD("250-ENHANCEDSTATUSCODES\r\n");
	HEARD("250-DSN\r\n");
	HEARD("250-CHUNKING\r\n");
	HEARD("250 STARTTLS\r\n");
	NOT_HEARD("AUTH");
	NOT_HEARD("BINARYMIME");
	NOT_HEARD("REQUIRETLS");
	say(LISTENER_MX, IN_TLS, "EHLO c.test\r\n");
	HEARD("250 REQUIRETLS\r\n");
	NOT_HEARD("STARTTLS");
	NOT_HEARD("AUTH");
	say(LISTENER_SUBMISSION, IN_CLEAR, "EHLO c.test\r\n");
	NOT_HEARD("AUTH");
	say(LISTENER_SUBMISSION, IN_TLS, "EHLO c.test\r\n");
	HEARD("250-REQUIRETLS\r\n");
	HEARD("250 AUTH PLAIN LOGIN\r\n");
}

static void requiretls_is_taken_inside_tls_alone(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR, "EHLO c.test\r\nMAIL FROM:<bob@other.test> REQUIRETLS\r\n");
	CODES("220 250 555");
	HEARD("555 5.5.4 ");
	say(LISTENER_MX, IN_TLS,
		"EHLO c.test\r\nMAIL FROM:<bob@other.test> REQUIRETLS\r\n"
		"RCPT TO:<ada@example.test>\r\nDATA\r\n" HEAD ".\r\n");
	CODES("220 250 250 250 354 250");
	assert_true(store.requiretls);
	say(LISTENER_MX, IN_TLS, ENVELOPE "DATA\r\n" HEAD ".\r\n");
	assert_false(store.requiretls);
	/* HELO announces nothing. */
	say(LISTENER_MX, IN_TLS, "HELO c.test\r\nMAIL FROM:<bob@other.test> REQUIRETLS\r\n");
	CODES("220 250 555");
}

static void a_secure_address_is_refused_in_clear_and_the_others_go_on(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR,
		"EHLO c.test\r\nMAIL FROM:<bob@other.test>\r\n"
		"RCPT TO:<ada@secure.example.test>\r\nRCPT TO:<nobody@secure.example.test>\r\n"
		"RCPT TO:<ada@example.test>\r\nDATA\r\n" HEAD ".\r\n");
	CODES("220 250 250 550 550 250 354 250");
	HEARD("550 5.7.10 This domain takes mail over TLS only; see https://example.test/why\r\n"
	      "550 5.7.10 This domain takes mail over TLS only; see https://example.test/why\r\n");
	assert_int_equal(store.n_recipients, 1);
	assert_string_equal(store.recipient, "ada@example.test");
}

static void a_secure_address_is_taken_in_tls(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_TLS,
		"EHLO c.test\r\nMAIL FROM:<bob@other.test>\r\nRCPT TO:<ada@secure.example.test>\r\n"
		"RCPT TO:<nobody@secure.example.test>\r\nDATA\r\n" HEAD ".\r\n");
	CODES("220 250 250 250 550 354 250");
	HEARD("550 5.1.1 ");
	assert_string_equal(store.tls, "TLSv1.3");
	assert_non_null(strstr(store.body, "with ESMTPS"));
	assert_non_null(strstr(store.body, "TLS_AES_128_GCM_SHA256"));
}

static void nobody_outside_sends_as_the_secure_domain(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_TLS, "EHLO c.test\r\nMAIL FROM:<ada@SECURE.example.test>\r\n");
	CODES("220 250 550");
	HEARD("550 5.7.1 ");
	say(LISTENER_MX, IN_TLS,
		ENVELOPE "DATA\r\nFrom: \"A\" <ada@secure.example.test>\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 550");
	HEARD("550 5.7.1 ");
	say(LISTENER_MX, IN_TLS,
		ENVELOPE
		"DATA\r\nFrom: b@other.test\r\nResent-From: ada@secure.example.test\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 550");
	assert_int_equal(store.accepts, 0);
	world_settings.from_rule = false;
	say(LISTENER_MX, IN_TLS, ENVELOPE "DATA\r\nFrom: ada@secure.example.test\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 250");
}

static void a_listed_neighbour_sends_as_us_inside_tls(void **state)
{
	const char *sends = "EHLO c.test\r\nMAIL FROM:<ada@secure.example.test>\r\n"
			    "RCPT TO:<ada@example.test>\r\nDATA\r\n"
			    "From: ada@secure.example.test\r\n\r\n.\r\n";

	(void)state;
	world_settings.neighbours.at = neighbours;
	world_settings.neighbours.len = 1;
	say(LISTENER_MX, IN_TLS, sends);
	CODES("220 250 250 250 354 250");
	assert_int_equal(store.account, 0);
	say(LISTENER_MX, IN_CLEAR, sends);
	CODES("220 250 530 503 503 500 500 500");
	HEARD("530 5.7.0 ");
	say(LISTENER_MX, IN_CLEAR,
		ENVELOPE
		"DATA\r\nFrom: x@other.test\r\nSender: ada@secure.example.test\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 550");
	HEARD("550 5.7.10 ");
	/* As whom must be clear, but only where it could be one of us. */
	say(LISTENER_MX, IN_TLS,
		ENVELOPE "DATA\r\nFrom: ada@secure.example.test <x@other.test>\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 550");
	HEARD("550 5.6.0 ");
	say(LISTENER_MX, IN_TLS, ENVELOPE "DATA\r\nFrom: a@b.test <x@other.test>\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 250");
}

/* Nothing is believed that isn't offered: who a peer is and whether it came by TLS shows here. */
static void nobody_says_who_he_is_by_xclient_or_proxy(void **state)
{
	(void)state;
	world_settings.neighbours.at = neighbours;
	world_settings.neighbours.len = 1;
	say(LISTENER_MX, IN_CLEAR,
		"PROXY TCP4 203.0.113.7 192.0.2.2 4711 25\r\nEHLO c.test\r\n"
		"XCLIENT ADDR=203.0.113.7 PROTO=ESMTPS\r\nXFORWARD ADDR=203.0.113.7\r\n"
		"MAIL FROM:<bob@other.test>\r\nRCPT TO:<ada@secure.example.test>\r\n"
		"RCPT TO:<ada@example.test>\r\nDATA\r\n" HEAD ".\r\n");
	CODES("220 500 250 500 500 250 550 250 354 250");
	NOT_HEARD("XCLIENT");
	assert_non_null(strstr(store.body, "[192.0.2.1]"));
	assert_null(strstr(store.body, "203.0.113.7"));
	assert_string_equal(store.tls, "");
}

static void what_is_unclear_is_not_ours_either(void **state)
{
	static const char *const fields[] = {
		"From: Ad\xe4 <ada@secure.example.test>", /* not UTF-8: shown all the same */
		"From: ada@secure.example.test <bob@other.test>",
		"From: Ada <ada@SECURE.\r\n example.test",
		"From: Ada\x01 <ada@secure.example.test>",
		"From: bob@other.test\r\nSender: \xe4 <ada@secure.example.test>",
	};
	char words[1024];

	(void)state;
	for (size_t i = 0; i < count_of(fields); i++) {
		snprintf(words, sizeof words, ENVELOPE "DATA\r\n%s\r\n\r\n.\r\n", fields[i]);
		say(LISTENER_MX, IN_TLS, words);
		CODES("220 250 250 250 354 550");
		HEARD("550 5.7.1 ");
	}
	assert_int_equal(store.accepts, 0);
	/* It is taken where it is nobody's we know, and where the rule is off. */
	say(LISTENER_MX, IN_TLS, ENVELOPE "DATA\r\nFrom: B\xf6 <bob@other.test>\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 250");
	world_settings.from_rule = false;
	say(LISTENER_MX, IN_TLS, words);
	CODES("220 250 250 250 354 250");
}

static void an_international_domain_is_ours_in_both_spellings(void **state)
{
	static const char *const fields[] = {
		"From: ada@sicher.b\xc3\xbc"
		"cher.test <bob@other.test>",
		"From: ada@sicher.xn--bcher-kva.test <bob@other.test>",
		"From: Ada <ada@SICHER.B\xc3\x9c"
		"cher.test",
	};
	const struct str before = world_domains[0].secure;
	char words[1024];

	(void)state;
	world_domains[0].secure = STR("sicher.xn--bcher-kva.test");
	for (size_t i = 0; i < count_of(fields); i++) {
		snprintf(words, sizeof words, ENVELOPE "DATA\r\n%s\r\n\r\n.\r\n", fields[i]);
		say(LISTENER_MX, IN_TLS, words);
		CODES("220 250 250 250 354 550");
		HEARD("550 5.7.1 ");
	}
	say(LISTENER_MX, IN_TLS,
		ENVELOPE "DATA\r\nFrom: ada@b\xc3\xbc"
			 "cher.test <bob@other.test>\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 250");
	world_domains[0].secure = before;
}

static void a_secure_listener_wants_tls_before_mail(void **state)
{
	(void)state;
	say(LISTENER_SECURE_MX, IN_CLEAR,
		"EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.test>\r\nDATA\r\nNOOP\r\n");
	CODES("220 250 530 530 530 250");
	HEARD("530 5.7.0 ");
	say(LISTENER_SECURE_MX, IN_TLS, "EHLO c.test\r\nMAIL FROM:<>\r\n");
	CODES("220 250 250");
}

static void only_a_dot_on_its_own_line_ends_a_message(void **state)
{
	static const char *const smuggled[] = { "\n.\r\n", "\n.\n", "\r.\r\n", "\r\n.\n", "\r\n.\r",
		"\r.\r", "\n\n.\r\n" };
	char words[1024];

	(void)state;
	for (size_t i = 0; i < count_of(smuggled); i++) {
		snprintf(words, sizeof words,
			ENVELOPE "DATA\r\n" HEAD "one%sMAIL FROM:<evil@other.test>\r\n"
				 "RCPT TO:<ada@example.test>\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n",
			smuggled[i]);
		say(LISTENER_MX, IN_CLEAR, words);
		CODES("220 250 250 250 354 521");
		HEARD("521 5.5.2 ");
		assert_int_equal(store.accepts, 0);
	}
}

static void dots_are_taken_off_and_lines_stay(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR,
		ENVELOPE "DATA\r\n" HEAD "..\r\n...two\r\n.one\r\n a.\r\n\r\n..\r\n.\r\n");
	CODES("220 250 250 250 354 250");
	assert_string_equal(strstr(store.body, HEAD), HEAD ".\r\n..two\r\none\r\n a.\r\n\r\n.\r\n");
}

static void a_bare_cr_or_lf_in_a_command_is_the_end(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR, "EHLO c.test\nNOOP\r\n");
	CODES("220 521");
	say(LISTENER_MX, IN_CLEAR, "EHLO c.test\r\nNOOP \r RSET\r\nNOOP\r\n");
	CODES("220 250 521");
}

static void what_stands_behind_starttls_is_the_end(void **state)
{
	(void)state;
	world_snapshot.tls = (struct tls_server *)&world_snapshot;
	say(LISTENER_MX, IN_CLEAR, "EHLO c.test\r\nSTARTTLS\r\nMAIL FROM:<bob@other.test>\r\n");
	CODES("220 250 554");
}

static void who_leaves_behind_starttls_has_injected_nothing(void **state)
{
	struct str chain, key;
	struct why why;

	(void)state;
	pem_pair(ec_key(), "mx.example.test", &chain, &key);
	world_snapshot.tls = tls_server_new(&chain, &key, 1, &why);
	say(LISTENER_MX, IN_CLEAR, "EHLO c.test\r\nSTARTTLS\r\n");
	HEARD("220 2.0.0 Go ahead\r\n"); /* and an alert */
	NOT_HEARD("554");
	tls_server_free(&world_snapshot.tls);
	free((char *)(uintptr_t)chain.at);
	free((char *)(uintptr_t)key.at);
}

static void starttls_inside_tls_is_out_of_order(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_TLS, "EHLO c.test\r\nSTARTTLS\r\nNOOP\r\n");
	CODES("220 250 503 250");
}

static void size_is_refused_at_mail_and_while_reading(void **state)
{
	static char words[200000];

	(void)state;
	say(LISTENER_MX, IN_CLEAR,
		"EHLO c.test\r\nMAIL FROM:<b@other.test> SIZE=100001\r\n"
		"MAIL FROM:<b@other.test> SIZE=100000\r\n");
	CODES("220 250 552 250");
	size_t n = (size_t)snprintf(words, sizeof words, ENVELOPE "DATA\r\n" HEAD);
	while (n < 110000)
		n += (size_t)snprintf(words + n, sizeof words - n, "%076d\r\n", 0);
	snprintf(words + n, sizeof words - n, ".\r\nNOOP\r\n");
	say(LISTENER_MX, IN_CLEAR, words);
	CODES("220 250 250 250 354 552 250");
	HEARD("552 5.3.4 ");
	assert_int_equal(store.accepts, 0);
}

static void a_large_message_arrives_whole(void **state)
{
	static char words[200000];
	size_t n = (size_t)snprintf(words, sizeof words, ENVELOPE "DATA\r\n" HEAD), begin = n;

	(void)state;
	for (int i = 0; n < 90000; i++)
		n += (size_t)snprintf(words + n, sizeof words - n, "%076d\r\n", i);
	size_t text = n - begin;
	snprintf(words + n, sizeof words - n, ".\r\n");
	say(LISTENER_MX, IN_CLEAR, words);
	CODES("220 250 250 250 354 250");
	const char *body = strstr(store.body, HEAD);
	assert_non_null(body);
	assert_int_equal(store.size, (size_t)(body - store.body) + strlen(HEAD) + text);
}

static void lines_and_headers_have_bounds(void **state)
{
	static char words[400000];
	size_t n;

	(void)state;
	snprintf(words, sizeof words, ENVELOPE "DATA\r\n" HEAD "%0998d\r\n.\r\n", 0);
	say(LISTENER_MX, IN_CLEAR, words);
	CODES("220 250 250 250 354 250");
	snprintf(words, sizeof words, ENVELOPE "DATA\r\n" HEAD "%0999d\r\n.\r\nNOOP\r\n", 0);
	say(LISTENER_MX, IN_CLEAR, words);
	CODES("220 250 250 250 354 550 250");
	snprintf(words, sizeof words, "EHLO c.test\r\nNOOP %02100d\r\nNOOP\r\n", 0);
	say(LISTENER_MX, IN_CLEAR, words);
	CODES("220 250 500 250");
	world_settings.message_size = 1 << 20;
	n = (size_t)snprintf(words, sizeof words, ENVELOPE "DATA\r\n");
	while (n < 300000)
		n += (size_t)snprintf(words + n, sizeof words - n, "X-A: %070d\r\n", 0);
	snprintf(words + n, sizeof words - n, "\r\n.\r\nNOOP\r\n");
	say(LISTENER_MX, IN_CLEAR, words);
	CODES("220 250 250 250 354 552 250");
}

static void a_mail_in_a_loop_is_refused(void **state)
{
	static char words[20000];
	size_t n = (size_t)snprintf(words, sizeof words, ENVELOPE "DATA\r\n");

	(void)state;
	for (int i = 0; i < RECEIVED_MOST; i++)
		n += (size_t)snprintf(
			words + n, sizeof words - n, "Received: from a by b; now\r\n");
	snprintf(words + n, sizeof words - n, HEAD ".\r\n");
	say(LISTENER_MX, IN_CLEAR, words);
	CODES("220 250 250 250 354 554");
	HEARD("554 5.4.6 ");
}

static void our_own_trace_field_is_not_taken_from_outside(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_TLS,
		ENVELOPE "DATA\r\nSiegel-Transport: tls\r\nReceived: from a by b; now\r\n" HEAD
			 ".\r\n");
	CODES("220 250 250 250 354 250");
	assert_null(strstr(store.body, "Siegel-Transport"));
	assert_non_null(strstr(store.body, "Received: from a by b; now\r\n" HEAD));
}

static void chunks_make_a_message(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR,
		ENVELOPE "BDAT 22\r\nFrom: bob@other.test\r\n"
			 "BDAT 11\r\n\r\n.\r\n..\r\nen"
			 "BDAT 1 LAST\r\ndQUIT\r\n");
	CODES("220 250 250 250 250 250 250 221");
	assert_non_null(strstr(store.body, "From: bob@other.test\r\n\r\n.\r\n..\r\nend\r\n"));
}

static void a_chunk_is_read_whatever_we_think_of_it(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR, "EHLO c.test\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
	CODES("220 250 503 250");
	say(LISTENER_MX, IN_CLEAR, "EHLO c.test\r\nBDAT six\r\nNOOP\r\n");
	CODES("220 250 501");
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "BDAT 3\r\na\nbNOOP\r\n");
	CODES("220 250 250 250 521");
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "BDAT 3 LAST\r\nX:\rNOOP\r\n");
	CODES("220 250 250 250 521");
	say(LISTENER_MX, IN_CLEAR,
		ENVELOPE "BDAT 22\r\nFrom: bob@other.test\r\nDATA\r\nRCPT "
			 "TO:<a@b.test>\r\nRSET\r\nDATA\r\n");
	CODES("220 250 250 250 250 503 503 250 503");
}

static void submission_wants_tls_then_a_login(void **state)
{
	(void)state;
	say(LISTENER_SUBMISSION, IN_CLEAR,
		"EHLO c.test\r\nAUTH PLAIN AGFkYUBleGFtcGxlLnRlc3QAZ2VoZWlt\r\nMAIL "
		"FROM:<ada@example.test>\r\n");
	CODES("220 250 538 530");
	HEARD("530 5.7.0 Say STARTTLS");
	assert_int_equal(store.logins, 0);
	say(LISTENER_SUBMISSION, IN_TLS, "EHLO c.test\r\nMAIL FROM:<ada@example.test>\r\n");
	CODES("220 250 530");
	HEARD("530 5.7.0 Say AUTH");
	say(LISTENER_MX, IN_TLS, "EHLO c.test\r\nAUTH PLAIN AGFkYUBleGFtcGxlLnRlc3QAZ2VoZWlt\r\n");
	CODES("220 250 502");
}

static void plain_and_login_open_the_door(void **state)
{
	(void)state;
	say(LISTENER_SUBMISSION, IN_TLS,
		"EHLO c.test\r\nAUTH PLAIN AGFkYUBleGFtcGxlLnRlc3QAZ2VoZWlt\r\n"
		"AUTH PLAIN AGFkYUBleGFtcGxlLnRlc3QAZ2VoZWlt\r\nMAIL FROM:<ada@example.test>\r\n");
	CODES("220 250 235 503 250");
	say(LISTENER_SUBMISSIONS, IN_TLS,
		"EHLO c.test\r\nAUTH LOGIN\r\nYWRhQGV4YW1wbGUudGVzdA==\r\nZ2VoZWlt\r\nMAIL "
		"FROM:<>\r\n");
	CODES("250 334 334 235 250");
	HEARD("334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n");
	say(LISTENER_SUBMISSION, IN_TLS,
		"EHLO c.test\r\nAUTH PLAIN\r\nAGFkYUBleGFtcGxlLnRlc3QAZ2VoZWlt\r\n");
	CODES("220 250 334 235");
}

static void a_wrong_login_opens_nothing(void **state)
{
	(void)state;
	say(LISTENER_SUBMISSION, IN_TLS,
		"EHLO c.test\r\nAUTH PLAIN AGFkYUBleGFtcGxlLnRlc3QAZmFsc2No\r\nMAIL "
		"FROM:<ada@example.test>\r\n"
		"AUTH LOGIN\r\n*\r\nAUTH LOGIN\r\n!!\r\nAUTH CRAM-MD5\r\n"
		"AUTH PLAIN Ym9iAGFkYUBleGFtcGxlLnRlc3QAZ2VoZWlt\r\nAUTH PLAIN "
		"AHgAeQ==\r\nNOOP\r\n");
	CODES("220 250 535 530 334 501 334 501 504 535 421");
	store.login = LOGIN_BUSY;
	say(LISTENER_SUBMISSION, IN_TLS, "EHLO c.test\r\nAUTH PLAIN AHgAeQ==\r\n");
	CODES("220 250 454");
	store.login = LOGIN_THROTTLED;
	say(LISTENER_SUBMISSION, IN_TLS, "EHLO c.test\r\nAUTH PLAIN AHgAeQ==\r\nNOOP\r\n");
	CODES("220 250 421");
}

static void an_account_sends_with_its_own_addresses(void **state)
{
	(void)state;
	say(LISTENER_SUBMISSION, LOGGED_IN_AS_ADA,
		"EHLO c.test\r\nMAIL FROM:<bob@example.test>\r\nMAIL "
		"FROM:<ada@secure.example.test>\r\n");
	CODES("220 250 553 250");
	store.alias_inactive = true;
	say(LISTENER_SUBMISSION, LOGGED_IN_AS_ADA,
		"EHLO c.test\r\nMAIL FROM:<ada@secure.example.test>\r\n");
	CODES("220 250 550");
	say(LISTENER_SUBMISSION, LOGGED_IN_AS_ADA,
		SUBMISSION "DATA\r\nFrom: bob@example.test\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 550");
	HEARD("550 5.7.1 ");
	say(LISTENER_SUBMISSION, LOGGED_IN_AS_ADA,
		SUBMISSION
		"DATA\r\nFrom: ada@example.test\r\nFrom: ada@secure.example.test\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 550");
	HEARD("550 5.6.0 ");
	say(LISTENER_SUBMISSION, LOGGED_IN_AS_ADA, SUBMISSION "DATA\r\nSubject: x\r\n\r\n.\r\n");
	CODES("220 250 250 250 354 550");
	assert_int_equal(store.accepts, 0);
}

static void submission_adds_what_is_missing_and_hides_bcc(void **state)
{
	(void)state;
	say(LISTENER_SUBMISSION, LOGGED_IN_AS_ADA,
		SUBMISSION "DATA\r\nBcc: secret@other.test,\r\n x@other.test\r\n" HEAD_OF_ADA
			   "Text\r\n.\r\n");
	CODES("220 250 250 250 354 250");
	assert_int_equal(store.account, ADA);
	assert_null(strstr(store.body, "secret"));
	assert_null(strstr(store.body, "x@other"));
	assert_non_null(strstr(store.body, "\r\nDate: "));
	assert_non_null(strstr(store.body, "\r\nMessage-ID: <"));
	assert_non_null(strstr(store.body, "with ESMTPSA"));
	assert_non_null(strstr(store.body, "\r\n\r\nText\r\n"));
	/* The envelope's sender was asked for at MAIL; the same From needs no second question. */
	assert_int_equal(store.senders, 1);
	say(LISTENER_SUBMISSION, LOGGED_IN_AS_ADA,
		SUBMISSION "DATA\r\nDate: x\r\nMessage-ID: <1@x>\r\n" HEAD_OF_ADA ".\r\n");
	assert_null(strstr(strstr(store.body, "Date: ") + 1, "Date: "));
	assert_null(strstr(strstr(store.body, "Message-ID: ") + 1, "Message-ID: "));
}

static void a_message_needs_no_body_and_no_header(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\n.\r\n");
	CODES("220 250 250 250 354 250");
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\n\r\nbody\r\n.\r\n");
	CODES("220 250 250 250 354 250");
	assert_non_null(strstr(store.body, "\r\n\r\nbody\r\n"));
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\nSubject: only\r\n.\r\n");
	CODES("220 250 250 250 354 250");
	assert_non_null(strstr(store.body, "Subject: only\r\n\r\n"));
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "BDAT 0 LAST\r\n");
	CODES("220 250 250 250 250");
}

static void nothing_survives_a_mail(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR,
		ENVELOPE "DATA\r\n" HEAD ".\r\nRCPT TO:<ada@example.test>\r\nDATA\r\n"
			 "MAIL FROM:<c@other.test>\r\nDATA\r\nRSET\r\nDATA\r\n"
			 "MAIL FROM:<c@other.test>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\n"
			 "EHLO again.test\r\nRCPT TO:<ada@example.test>\r\n");
	CODES("220 250 250 250 354 250 503 503 250 554 250 503 250 550 554 250 503");
}

static void the_store_decides(void **state)
{
	(void)state;
	store.accept = ACCEPT_REFUSED;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\n" HEAD ".\r\n");
	HEARD("550 5.7.1 Not  like this\r\n");
	store.accept = ACCEPT_FULL;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\n" HEAD ".\r\n");
	HEARD("452 4.3.1 ");
	store.accept = ACCEPT_FAILED;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\n" HEAD ".\r\n");
	HEARD("451 4.3.0 ");
	store.unreachable = true;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE);
	CODES("220 250 250 451");
	HEARD("451 4.3.0 ");
}

static void a_store_that_died_in_the_middle_is_asked_again(void **state)
{
	(void)state;
	store.dies = 1;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\n" HEAD ".\r\n");
	CODES("220 250 250 250 354 250");
	assert_int_equal(store.accepts, 2);
	store.dies = 2;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\n" HEAD ".\r\nNOOP\r\n");
	CODES("220 250 250 250 354 451 250");
}

static void limits_are_told(void **state)
{
	(void)state;
	world_settings.bytes_in_flight = 100;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "DATA\r\n" HEAD ".\r\nNOOP\r\n");
	CODES("220 250 250 250 354 452 250");
	HEARD("452 4.3.1 ");
	world_settings.bytes_in_flight = 1 << 20;
	world_settings.recipients = 1;
	say(LISTENER_MX, IN_CLEAR, ENVELOPE "RCPT TO:<eve@example.test>\r\n");
	CODES("220 250 250 250 452");
	HEARD("452 4.5.3 ");
	char words[1024] = "";
	for (int i = 0; i <= ERRORS_MOST; i++)
		strcat(words, "FOO\r\n");
	strcat(words, "NOOP\r\n");
	say(LISTENER_MX, IN_CLEAR, words);
	HEARD("421 4.7.0 ");
	NOT_HEARD("250");
}

static void parameters_of_dsn_reach_the_store(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR,
		"EHLO c.test\r\nMAIL FROM:<bob@other.test> RET=HDRS ENVID=QQ314159 BODY=8BITMIME "
		"SMTPUTF8\r\n"
		"RCPT TO:<ada@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ada@example.test\r\n"
		"DATA\r\n" HEAD ".\r\n");
	CODES("220 250 250 250 354 250");
	assert_int_equal(store.notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
	say(LISTENER_MX, IN_CLEAR, "HELO c.test\r\nMAIL FROM:<bob@other.test> SIZE=5\r\n");
	CODES("220 250 555");
}

static void postmaster_needs_no_domain(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR,
		"HELO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\nDATA\r\n" HEAD ".\r\n");
	CODES("220 250 250 250 354 250");
	assert_int_equal(strncasecmp(store.recipient, "postmaster@example.test", 23), 0);
	assert_non_null(strstr(store.body, "with SMTP"));
}

static void relaying_is_for_accounts(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_TLS,
		"EHLO c.test\r\nMAIL FROM:<bob@other.test>\r\nRCPT TO:<x@far.test>\r\n");
	CODES("220 250 250 550");
	HEARD("550 5.7.1 ");
}

static void the_small_verbs_answer(void **state)
{
	(void)state;
	say(LISTENER_MX, IN_CLEAR,
		"NOOP\r\nNOOP x\r\nHELP\r\nVRFY ada\r\nEXPN list\r\nRSET\r\nRSET x\r\nFOO\r\nQUIT "
		"x\r\nQUIT\r\nNOOP\r\n");
	CODES("220 250 250 214 252 502 250 501 500 501 221");
}

static void who_is_silent_is_parked_and_goes_on_later(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	struct session *s = world_session(LISTENER_MX, plain_of(ends[1]));
	atomic_store(&world_house.crowded, true);
	assert_int_equal(session_run(s), SESSION_PARKED);
	assert_true(fd_write_all(ends[0], STR("EHLO c.test\r\nMAI")));
	atomic_store(&world_house.crowded, false);
	assert_int_equal(session_run(s), SESSION_PARKED);
	assert_true(fd_write_all(ends[0], STR("L FROM:<>\r\nQUIT\r\n")));
	assert_int_equal(session_run(s), SESSION_ENDED);
	session_free(&s);
	hear(ends[0]);
	CODES("220 250 250 221");
}

static void silence_is_ended_with_421(void **state)
{
	int ends[2];

	(void)state;
	world_settings.command_deadline = 1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	struct session *s = world_session(LISTENER_MX, plain_of(ends[1]));
	assert_int_equal(session_run(s), SESSION_ENDED);
	session_free(&s);
	hear(ends[0]);
	CODES("220 421");
}

static void a_stop_lets_a_transaction_end_and_no_more(void **state)
{
	(void)state;
	atomic_store(&world_house.stopping, true);
	say(LISTENER_MX, IN_CLEAR, "EHLO c.test\r\n");
	CODES("220 421");
	HEARD("421 4.3.2 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define PROMISE(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
		PROMISE(a_mail_from_outside_is_taken),
		PROMISE(ehlo_lists_what_we_can_do_and_no_more),
		PROMISE(requiretls_is_taken_inside_tls_alone),
		PROMISE(a_secure_address_is_refused_in_clear_and_the_others_go_on),
		PROMISE(a_secure_address_is_taken_in_tls),
		PROMISE(nobody_outside_sends_as_the_secure_domain),
		PROMISE(a_listed_neighbour_sends_as_us_inside_tls),
		PROMISE(nobody_says_who_he_is_by_xclient_or_proxy),
		PROMISE(what_is_unclear_is_not_ours_either),
		PROMISE(an_international_domain_is_ours_in_both_spellings),
		PROMISE(a_secure_listener_wants_tls_before_mail),
		PROMISE(only_a_dot_on_its_own_line_ends_a_message),
		PROMISE(dots_are_taken_off_and_lines_stay),
		PROMISE(a_bare_cr_or_lf_in_a_command_is_the_end),
		PROMISE(what_stands_behind_starttls_is_the_end),
		PROMISE(who_leaves_behind_starttls_has_injected_nothing),
		PROMISE(starttls_inside_tls_is_out_of_order),
		PROMISE(size_is_refused_at_mail_and_while_reading),
		PROMISE(a_large_message_arrives_whole),
		PROMISE(lines_and_headers_have_bounds),
		PROMISE(a_mail_in_a_loop_is_refused),
		PROMISE(our_own_trace_field_is_not_taken_from_outside),
		PROMISE(chunks_make_a_message),
		PROMISE(a_chunk_is_read_whatever_we_think_of_it),
		PROMISE(submission_wants_tls_then_a_login),
		PROMISE(plain_and_login_open_the_door),
		PROMISE(a_wrong_login_opens_nothing),
		PROMISE(an_account_sends_with_its_own_addresses),
		PROMISE(submission_adds_what_is_missing_and_hides_bcc),
		PROMISE(a_message_needs_no_body_and_no_header),
		PROMISE(nothing_survives_a_mail),
		PROMISE(the_store_decides),
		PROMISE(a_store_that_died_in_the_middle_is_asked_again),
		PROMISE(limits_are_told),
		PROMISE(parameters_of_dsn_reach_the_store),
		PROMISE(postmaster_needs_no_domain),
		PROMISE(relaying_is_for_accounts),
		PROMISE(the_small_verbs_answer),
		PROMISE(who_is_silent_is_parked_and_goes_on_later),
		PROMISE(silence_is_ended_with_421),
		PROMISE(a_stop_lets_a_transaction_end_and_no_more),
	};

	signal(SIGPIPE, SIG_IGN);
	log_open("test", LOG_ALARM);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
