/* SPDX-License-Identifier: ISC
 *
 * test_dsn.c - the letter, taken apart again by a small reader of its own: header, parts, fields.
 * It says what happened, in both languages, and nothing that came from outside leaves its place.
 */
#include "mail/dsn.h"

#include "base/arena.h"
#include "mail/header.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena = { .max = 256 << 20 };

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* As STR(), where a constant is needed. */
#define BYTES(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const int64_t monday = 1795454523000; /* Mon, 23 Nov 2026 17:22:03 +0000 */

/* A letter taken apart. */
struct reader {
	struct str whole, subject, boundary;
	struct {
		struct str type, encoding, body;
	} parts[4];
	size_t n;
};

/* The body of a field, unfolded; empty if there is none. */
static struct str field(struct str header, const char *name)
{
	struct buf text = BUF(1 << 20);
	bool inside = false;

	while (header.len) {
		size_t end = str_find_str(header, STR("\r\n"));
		struct str line = str_head(header, end);
		header = str_tail(header, end + 2);
		if (line.len && (line.at[0] == ' ' || line.at[0] == '\t')) {
			if (inside)
				buf_add(&text, line);
			continue;
		}
		if (inside)
			break;
		inside = str_starts_nocase(line, str_of(name)) && line.len > strlen(name) &&
			 line.at[strlen(name)] == ':';
		if (inside)
			buf_add(&text, str_trim(str_tail(line, strlen(name) + 1)));
	}
	struct str copy = arena_str(&arena, buf_str(&text));
	buf_free(&text);
	return copy;
}

static struct str cut_header(struct str *rest)
{
	size_t end = str_find_str(*rest, STR("\r\n\r\n"));
	struct str header = str_head(*rest, end + 2);

	*rest = str_tail(*rest, end + 4);
	return header;
}

/* Every line ends in CRLF, is at most 998 octets, and no control character stands in any. */
static void check_lines(struct str text)
{
	for (struct str rest = text; rest.len;) {
		size_t end = str_find(rest, '\n');
		assert_true(end < rest.len && end > 0 && rest.at[end - 1] == '\r');
		struct str line = str_head(rest, end - 1);
		assert_true(line.len <= 998);
		for (size_t i = 0; i < line.len; i++) {
			unsigned char c = (unsigned char)line.at[i];
			assert_true(c == '\t' || (c >= 0x20 && c != 0x7f));
		}
		rest = str_tail(rest, end + 1);
	}
}

static void take_apart(struct reader *r, struct str whole)
{
	struct str rest = whole, header = cut_header(&rest);
	struct str type = field(header, "Content-Type");
	size_t at = str_find_str(type, STR("boundary=\""));

	*r = (struct reader){ .whole = whole, .subject = field(header, "Subject") };
	assert_true(str_eq(field(header, "MIME-Version"), STR("1.0")));
	assert_true(str_eq(field(header, "Auto-Submitted"), STR("auto-replied")));
	assert_true(str_starts(type, STR("multipart/report; report-type=")));
	struct str boundary = str_tail(type, at + 10);
	boundary = str_cut(&boundary, '"');
	assert_true(boundary.len > 0 && boundary.len <= 70);
	r->boundary = arena_printf(&arena, "\r\n--%.*s", STR_ARG(boundary));
	rest = str_tail(rest, str_find_str(rest, r->boundary) + r->boundary.len);
	while (!str_starts(rest, STR("--"))) {
		assert_true(r->n < count_of(r->parts));
		assert_true(str_starts(rest, STR("\r\n")));
		rest = str_tail(rest, 2);
		size_t end = str_find_str(rest, r->boundary);
		assert_true(end < rest.len);
		struct str body = str_head(rest, end), head = cut_header(&body);
		r->parts[r->n].type = field(head, "Content-Type");
		r->parts[r->n].encoding = field(head, "Content-Transfer-Encoding");
		r->parts[r->n++].body = body;
		rest = str_tail(rest, end + r->boundary.len);
	}
	assert_true(str_eq(rest, STR("--\r\n")));
	assert_int_equal(r->n, 3);
}

static void write_and_take_apart(struct reader *r, const struct dsn *d)
{
	struct buf text = BUF(64 << 20);

	assert_true(dsn_write(&text, d));
	struct str copy = arena_str(&arena, buf_str(&text));
	buf_free(&text);
	take_apart(r, copy);
	check_lines(r->parts[0].body);
	check_lines(r->parts[1].body);
	assert_true(str_is_utf8(r->parts[0].body));
}

static bool has(struct str text, const char *phrase)
{
	return str_find_str(text, str_of(phrase)) < text.len;
}

/* A text without its line breaks, so that wrapping doesn't hide a phrase. */
static struct str flat(struct str text)
{
	struct buf to = BUF(1 << 24);
	bool blank = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c == ' ' || c == '\r' || c == '\n') {
			blank = true;
			continue;
		}
		if (blank)
			buf_add_char(&to, ' ');
		blank = false;
		buf_add_char(&to, c);
	}
	struct str copy = arena_str(&arena, buf_str(&to));
	buf_free(&to);
	return copy;
}

static struct dsn_recipient hotel(void)
{
	return (struct dsn_recipient){ .address = STR("hotel@plain.test"),
		.status = DSN_STATUS_FAILED,
		.reason = REASON_STARTTLS_NOT_SUPPORTED,
		.host = STR("mx.plain.test"),
		.transmission = TRANSMISSION_NOTHING,
		.demands = DEMAND_TLS,
		.last_attempt = monday - 1000,
		.orcpt = STR("rfc822;hotel+2Bx@plain.test") };
}

static struct dsn letter_for(const struct dsn_recipient *recipients, size_t n)
{
	return (struct dsn){ .kind = DSN_FAILED,
		.language = LANGUAGE_DE,
		.reporting_mta = STR("mail.example.test"),
		.queue_id = STR("0123456789abcdef"),
		.to = STR("ada@example.test"),
		.id_seed = STR("00f1e2d3c4b5a697"),
		.now = monday,
		.arrival = monday - 4000,
		.subject = STR("=?utf-8?q?Zimmer_f=C3=BCr_zwei?="),
		.message_id = STR("<m1@example.test>"),
		.envid = STR("env+2B1"),
		.help_url = STR("https://help.example.test/"),
		.recipients = recipients,
		.n_recipients = n,
		.original = STR("From: ada@secure.example.test\r\nSubject: x\r\n\r\nHello.\r\n") };
}

static void not_sent_says_so_in_both_languages_own_first(void **state)
{
	struct dsn_recipient hotels[] = { hotel() };
	struct evidence attempts[] = { { .time = monday - 2000,
		.host = STR("mx.plain.test"),
		.address = STR("192.0.2.9"),
		.verdict = VERDICT_REFUSED,
		.reason = REASON_STARTTLS_NOT_SUPPORTED,
		.said = STR("250-mx.plain.test\n250 SIZE 1000") } };
	struct dsn d = letter_for(hotels, 1);
	struct reader r;

	(void)state;
	d.attempts = attempts;
	d.n_attempts = 1;
	write_and_take_apart(&r, &d);
	struct str text = r.parts[0].body, line = flat(text);
	static const char *const in_order[] = { "Ihre Nachricht wurde nicht gesendet.",
		"Nichts davon ging unverschl\xc3\xbcsselt hinaus.", "Zimmer f\xc3\xbcr zwei",
		"hotel@plain.test", "weil der empfangende Mailserver",
		"Von der Nachricht wurde nichts", "Was Sie tun k\xc3\xb6nnen",
		"Bitten Sie den Empf\xc3\xa4nger", "von Ihrer normalen Adresse",
		"einen anderen Weg", "liegt diesem Brief bei", "https://help.example.test/",
		"English", "Your message was not sent.", "Nothing of it went out in the clear.",
		"because the receiving mail server offers no encrypted connection",
		"What you can do", "Was versucht wurde",
		"2026-11-23T17:22:01Z mx.plain.test [192.0.2.9]", "(starttls-not-supported)",
		"\"250-mx.plain.test 250 SIZE 1000\"" };
	for (size_t i = 0; i < count_of(in_order); i++) {
		size_t at = str_find_str(line, str_of(in_order[i]));
		if (at == line.len)
			fail_msg("not there, or out of order: %s", in_order[i]);
		line = str_tail(line, at + 1);
	}
	assert_true(str_starts(header_decode(r.subject, &arena, 200),
		STR("Nicht gesendet: Zimmer f\xc3\xbcr zwei")));
	d.language = LANGUAGE_EN;
	write_and_take_apart(&r, &d);
	assert_true(str_starts(r.parts[0].body, STR("Your message was not sent.\r\n")));
	assert_true(str_starts(header_decode(r.subject, &arena, 200), STR("Not sent: Zimmer")));
}

static void the_status_part_is_for_programs(void **state)
{
	struct dsn_recipient hotels[] = { hotel() };
	struct dsn d = letter_for(hotels, 1);
	struct reader r;

	(void)state;
	write_and_take_apart(&r, &d);
	assert_true(str_eq(r.parts[1].type, STR("message/delivery-status")));
	struct str status = r.parts[1].body, message = cut_header(&status);
	assert_true(str_eq(field(message, "Reporting-MTA"), STR("dns; mail.example.test")));
	assert_true(str_eq(field(message, "Original-Envelope-Id"), STR("env+1")));
	assert_true(str_eq(field(message, "Arrival-Date"), STR("Mon, 23 Nov 2026 17:21:59 +0000")));
	assert_true(str_eq(field(status, "Original-Recipient"), STR("rfc822; hotel+x@plain.test")));
	assert_true(str_eq(field(status, "Final-Recipient"), STR("rfc822; hotel@plain.test")));
	assert_true(str_eq(field(status, "Action"), STR("failed")));
	assert_true(str_eq(field(status, "Status"), STR("5.7.10")));
	assert_true(str_eq(field(status, "Remote-MTA"), STR("dns; mx.plain.test")));
	assert_true(str_eq(field(status, "X-Siegel-Reason"), STR("starttls-not-supported")));
	assert_int_equal(field(status, "Will-Retry-Until").len, 0);
	assert_true(str_eq(r.parts[2].type, STR("message/rfc822")));
	assert_true(str_eq(r.parts[2].body, d.original));
}

static void ordinary_mail_gets_an_ordinary_bounce(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	one.demands = 0;
	one.reason = REASON_REMOTE_REPLY;
	one.code = STR("5.1.1");
	one.said = STR("550 5.1.1 no such user");
	one.transmission = TRANSMISSION_PLAIN;
	write_and_take_apart(&r, &d);
	struct str line = flat(r.parts[0].body);
	assert_true(has(line, "Ihre Nachricht konnte nicht zugestellt werden."));
	assert_true(has(line, "\"550 5.1.1 no such user\""));
	assert_false(has(line, "hinaus"));
	assert_false(has(line, "in the clear"));
	assert_false(has(line, "normalen Adresse"));
	assert_true(str_starts(header_decode(r.subject, &arena, 200), STR("Nicht zugestellt: ")));
	assert_true(str_eq(field(r.parts[1].body, "X"), STR("")));
	assert_true(has(r.parts[1].body, "Status: 5.1.1\r\n"));
	assert_true(has(r.parts[1].body, "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"));
}

static void the_clear_is_denied_only_where_every_recipient_was_sealed(void **state)
{
	struct dsn_recipient two[] = { hotel(), hotel() };
	struct dsn d = letter_for(two, 2);
	struct reader r;

	(void)state;
	write_and_take_apart(&r, &d);
	assert_true(has(r.parts[0].body, "Nothing of it went out in the clear."));
	two[1].status = DSN_STATUS_DELIVERED;
	two[1].demands = 0;
	write_and_take_apart(&r, &d);
	assert_false(has(r.parts[0].body, "in the clear"));
	two[1].demands = DEMAND_TLS;
	two[1].transmission = TRANSMISSION_PLAIN;
	write_and_take_apart(&r, &d);
	assert_false(has(r.parts[0].body, "in the clear"));
}

static void one_letter_names_failed_waiting_and_delivered(void **state)
{
	struct dsn_recipient three[] = { hotel(), hotel(), hotel() };
	struct dsn d = letter_for(three, 3);
	struct reader r;

	(void)state;
	three[1].address = STR("bob@slow.test");
	three[1].status = DSN_STATUS_WAITING;
	three[1].reason = REASON_CONNECTION_TIMEOUT;
	three[1].transmission = TRANSMISSION_NO_CONNECTION;
	three[1].until = monday + 3600000;
	three[2].address = STR("eve@tls.test");
	three[2].status = DSN_STATUS_DELIVERED;
	three[2].reason = REASON_NONE;
	three[2].code = STR("2.6.0");
	three[2].transmission = TRANSMISSION_SEALED;
	write_and_take_apart(&r, &d);
	struct str line = flat(r.parts[0].body);
	assert_true(has(line, "nicht an alle Empf\xc3\xa4nger gesendet"));
	assert_true(has(line,
		"Wartet noch auf bob@slow.test weil der empfangende Server nicht antwortet. "
		"Es kam keine Verbindung zustande. Wir versuchen es weiter bis "
		"23.11.2026, 18:22 UTC."));
	assert_true(has(line, "We go on trying until 23 Nov 2026, 18:22 UTC."));
	assert_true(has(line, "Zugestellt an eve@tls.test"));
	assert_true(has(r.parts[1].body, "Action: delayed\r\nStatus: 4.4.1\r\n"));
	assert_true(has(r.parts[1].body, "Will-Retry-Until: Mon, 23 Nov 2026 18:22:03 +0000\r\n"));
	assert_true(has(r.parts[1].body, "Action: delivered\r\nStatus: 2.6.0\r\n"));
	three[0].reported_before = true;
	write_and_take_apart(&r, &d);
	assert_false(has(r.parts[1].body, "hotel@plain.test\r\nAction: failed"));
	assert_true(has(flat(r.parts[0].body), "hotel@plain.test"));
}

static void what_was_transmitted_comes_from_evidence(void **state)
{
	static const struct {
		enum transmission transmission;
		const char *english, *subject;
	} claims[] = {
		{ TRANSMISSION_NO_CONNECTION, "No connection was made.", "Not sent: " },
		{ TRANSMISSION_NOTHING, "Nothing of the message was transmitted.", "Not sent: " },
		{ TRANSMISSION_SEALED, "sent sealed, but not accepted.", "Not delivered: " },
		{ TRANSMISSION_UNSURE, "so it may have arrived.", "Perhaps not delivered: " },
	};
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	d.language = LANGUAGE_EN;
	for (size_t i = 0; i < count_of(claims); i++) {
		one.transmission = claims[i].transmission;
		write_and_take_apart(&r, &d);
		struct str line = flat(r.parts[0].body);
		for (size_t j = 0; j < count_of(claims); j++)
			assert_int_equal(has(line, claims[j].english), i == j);
		assert_true(str_starts(
			header_decode(r.subject, &arena, 200), str_of(claims[i].subject)));
	}
}

static void a_delay_is_a_short_notice(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	d.kind = DSN_DELAYED;
	one.status = DSN_STATUS_WAITING;
	one.reason = REASON_CONNECTION_REFUSED;
	one.until = monday + 3600000;
	write_and_take_apart(&r, &d);
	struct str line = flat(r.parts[0].body);
	assert_true(has(line, "Wir versuchen es weiter; Sie m\xc3\xbcssen nichts tun."));
	assert_false(has(line, "Was Sie tun"));
	assert_true(has(r.parts[1].body, "Action: delayed\r\nStatus: 4.4.1\r\n"));
	assert_true(
		str_starts(header_decode(r.subject, &arena, 200), STR("Noch nicht gesendet: ")));
}

static void an_expired_message_names_the_last_reason(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	one.reason = REASON_EXPIRED;
	one.last_reason = REASON_CONNECTION_TIMEOUT;
	write_and_take_apart(&r, &d);
	assert_true(has(flat(r.parts[0].body),
		"The last attempt failed because the receiving server does not answer."));
	assert_true(has(r.parts[1].body, "Status: 5.4.7\r\n"));
	assert_true(has(r.parts[1].body, "X-Siegel-Last-Reason: connection-timeout\r\n"));
}

static void success_and_relay_are_told_when_asked_for(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	d.kind = DSN_SUCCESS;
	d.headers_only = true;
	one.status = DSN_STATUS_DELIVERED;
	one.reason = REASON_NONE;
	write_and_take_apart(&r, &d);
	assert_true(has(r.parts[1].body, "Action: delivered\r\nStatus: 2.0.0\r\n"));
	assert_true(str_starts(header_decode(r.subject, &arena, 200), STR("Zugestellt: ")));
	one.status = DSN_STATUS_RELAYED;
	write_and_take_apart(&r, &d);
	assert_true(has(r.parts[1].body, "Action: relayed\r\nStatus: 2.0.0\r\n"));
	assert_true(str_starts(header_decode(r.subject, &arena, 200), STR("Weitergegeben: ")));
}

static void a_success_report_says_how_the_message_travelled(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct evidence tried[] = {
		{ .host = STR("mx.hotel.test"), .verdict = VERDICT_UNKNOWN },
		{ .host = STR("mx.hotel.test"),
			.address = STR("192.0.2.1"),
			.tls_version = STR("TLSv1.3"),
			.cipher = STR("TLS_AES_256_GCM_SHA384"),
			.group = STR("X25519"),
			.proven_by = STR("dane") },
		{ .host = STR("mx2.hotel.test"), .tls_version = STR("TLSv1.2") },
	};
	struct reader r;

	(void)state;
	d.kind = DSN_SUCCESS;
	d.headers_only = true;
	d.attempts = tried;
	d.n_attempts = count_of(tried);
	one.status = DSN_STATUS_RELAYED;
	one.reason = REASON_NONE;
	one.host = STR("mx.hotel.test");
	write_and_take_apart(&r, &d);
	assert_true(has(flat(r.parts[0].body),
		"Accepted by mx.hotel.test [192.0.2.1]. Sealed with TLSv1.3 "
		"TLS_AES_256_GCM_SHA384, X25519. The server was proven by what its domain "
		"publishes, signed (DANE). That is qualified transport encryption."));
	assert_true(has(flat(r.parts[0].body), "Das ist qualifizierte "
					       "Transportverschl\xc3\xbcsselung."));
	tried[1].proven_by = STR("");
	write_and_take_apart(&r, &d);
	assert_true(has(flat(r.parts[0].body), "Who the server is was not proven. That is "
					       "mandatory transport encryption."));
	one.transmission = TRANSMISSION_PLAIN;
	write_and_take_apart(&r, &d);
	assert_true(has(flat(r.parts[0].body), "Accepted by mx.hotel.test [192.0.2.1]. It was sent "
					       "without encryption."));
	/* Nobody knows which server took it: nothing is claimed. */
	one.host = STR("mx3.hotel.test");
	write_and_take_apart(&r, &d);
	assert_false(has(flat(r.parts[0].body), "Accepted by"));
}

static void headers_only_encloses_no_body(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	d.headers_only = true;
	write_and_take_apart(&r, &d);
	assert_true(str_eq(r.parts[2].type, STR("text/rfc822-headers")));
	assert_true(
		str_eq(r.parts[2].body, STR("From: ada@secure.example.test\r\nSubject: x\r\n")));
	assert_false(has(r.parts[0].body, "enclosed"));
	d.original = STR("Subject: \xc3\xbc\r\n\r\nbody");
	write_and_take_apart(&r, &d);
	assert_true(str_eq(r.parts[2].type, STR("message/global-headers")));
	d.original = STR("Subject: \xff = \x01\r\nX: y \r\n\r\nbody");
	write_and_take_apart(&r, &d);
	assert_true(str_eq(r.parts[2].encoding, STR("quoted-printable")));
	assert_true(str_eq(r.parts[2].body, STR("Subject: =FF =3D =01\r\nX: y=20\r\n")));
}

/* One message, two ways of counting its lines: it comes as headers, encoded. */
static void an_original_that_fits_no_mail_comes_as_headers(void **state)
{
	static const struct str originals[] = {
		BYTES("A: b\r\n\r\nx\ny\r\n"),
		BYTES("A: b\r\n\r\nx\ry\r\n"),
		BYTES("A: b\r\n\r\nx\0y\r\n"),
	};
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	char longline[1100] = "A: b\r\n\r\n";
	struct reader r;

	(void)state;
	for (size_t i = 0; i < count_of(originals); i++) {
		d.original = originals[i];
		write_and_take_apart(&r, &d);
		assert_true(str_eq(r.parts[2].type, STR("text/rfc822-headers")));
		assert_true(str_eq(r.parts[2].body, STR("A: b\r\n")));
	}
	memset(longline + 8, 'x', 998);
	d.original = str_of(longline);
	write_and_take_apart(&r, &d);
	assert_true(str_eq(r.parts[2].type, STR("message/rfc822")));
	longline[8 + 998] = 'x';
	d.original = str_of(longline);
	write_and_take_apart(&r, &d);
	assert_true(str_eq(r.parts[2].type, STR("text/rfc822-headers")));
}

static void the_boundary_occurs_in_no_part(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	/* A body that knows the id, and so what the boundary would be. */
	d.original = STR("A: b\r\n\r\n--=_siegel_0_00f1e2d3c4b5a697\r\n"
			 "--=_siegel_0_00f1e2d3c4b5a697--\r\n--=_siegel_1_00f1e2d3c4b5a697\r\n");
	one.said = STR("550 =_siegel_2_00f1e2d3c4b5a697");
	one.reason = REASON_REMOTE_REPLY;
	write_and_take_apart(&r, &d);
	assert_true(str_eq(r.boundary, STR("\r\n--=_siegel_3_00f1e2d3c4b5a697")));
	assert_true(str_eq(r.parts[2].body, d.original));
}

static void remote_text_stays_in_its_field(void **state)
{
	static const struct str hostile[] = {
		BYTES("550 a\r\n\r\n--x\r\nFinal-Recipient: rfc822; you@x\r\nAction: delivered"),
		BYTES("550 a\nAction: delivered\n\nStatus: 2.0.0"),
		BYTES("550 a\rAction: delivered\r\rStatus: 2.0.0"),
		BYTES("\x1b]0;title\x07\x1b[2J\0\x7f\xff\xfe\xc0\x80"),
		BYTES("\xe2\x80\xae\xe2\x80\xa8"
		      "Action: delivered"
		      "\xc2\x85"
		      "x"),
	};
	struct dsn_recipient one = hotel();
	struct reader r;

	(void)state;
	for (size_t i = 0; i < count_of(hostile); i++) {
		struct str bad = hostile[i];
		struct evidence attempts[] = { { .time = monday,
			.host = bad,
			.address = bad,
			.verdict = VERDICT_UNKNOWN,
			.reason = REASON_NOT_TLS,
			.tls_version = bad,
			.cipher = bad,
			.said = bad } };
		struct dsn d = letter_for(&one, 1);
		one.reason = REASON_REMOTE_REPLY;
		one.address = one.said = one.host = one.orcpt = one.code = bad;
		d.attempts = attempts;
		d.n_attempts = 1;
		d.subject = d.message_id = d.envid = d.queue_id = d.id_seed = bad;
		d.help_url = bad;
		write_and_take_apart(&r, &d);
		struct str status = r.parts[1].body, message = cut_header(&status);
		assert_true(field(message, "Reporting-MTA").len > 0);
		assert_int_equal(field(message, "Action").len, 0);
		assert_true(str_eq(field(status, "Action"), STR("failed")));
		assert_true(str_eq(field(status, "Status"), STR("5.0.0")));
		assert_false(has(status, "\r\n\r\n"));
		assert_false(has(status, "\r\nAction: delivered"));
		assert_false(str_has_8bit(field(status, "Diagnostic-Code")));
		assert_false(has(r.parts[0].body, "\xe2\x80\xae"));
		struct str rest = r.whole, header = cut_header(&rest);
		assert_int_equal(field(header, "Action").len, 0);
		check_lines(header);
	}
}

static void overlong_remote_text_is_bounded(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	char *text = malloc(1 << 20);
	struct reader r;

	(void)state;
	assert_non_null(text);
	for (int blanks = 0; blanks < 2; blanks++) {
		for (size_t i = 0; i < 1 << 20; i++)
			text[i] = blanks && i % 7 == 0 ? ' ' : (char)('a' + i % 26);
		one.said = one.host = one.address = one.orcpt = d.subject = d.envid = d.to =
			d.reporting_mta = d.help_url = (struct str){ text, 1 << 20 };
		one.reason = REASON_REMOTE_REPLY;
		write_and_take_apart(&r, &d);
		assert_true(r.parts[0].body.len + r.parts[1].body.len < 32768);
		check_lines(cut_header(&r.whole));
	}
	free(text);
}

static void lines_for_people_are_wrapped(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct buf long_text = BUF(1 << 16);
	struct reader r;

	(void)state;
	for (int i = 0; i < 200; i++)
		buf_add(&long_text, STR("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 "
					"\xf0\x9f\x94\x92\xe6\xbc\xa2\xe5\xad\x97 "));
	one.said = d.subject = buf_str(&long_text);
	one.reason = REASON_REMOTE_REPLY;
	write_and_take_apart(&r, &d);
	for (struct str rest = r.parts[0].body; rest.len;) {
		struct str line = str_cut(&rest, '\n');
		size_t columns = 0;
		for (size_t i = 0; i < line.len; i++)
			columns += ((unsigned char)line.at[i] & 0xc0) != 0x80;
		assert_true(columns <= 73);
	}
	struct str rest = r.whole, header = cut_header(&rest);
	assert_false(str_has_8bit(header));
	for (rest = header; rest.len;)
		assert_true(str_cut(&rest, '\n').len <= 79);
	assert_true(
		str_starts(header_decode(r.subject, &arena, 500),
			STR("Nicht zugestellt: \xd0\x9f\xd1\x80\xd0\xb8")) ||
		str_starts(header_decode(r.subject, &arena, 500), STR("Nicht gesendet: \xd0\x9f")));
	buf_free(&long_text);
}

static void international_addresses_make_a_global_report(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	one.address = STR("j\xc3\xbcrgen@plain.test");
	one.orcpt = STR("utf-8;j\xc3\xbcrgen@plain.test");
	write_and_take_apart(&r, &d);
	assert_true(str_eq(r.parts[1].type, STR("message/global-delivery-status")));
	assert_true(has(r.parts[1].body, "Final-Recipient: utf-8; j\xc3\xbcrgen@plain.test\r\n"));
	assert_true(
		has(r.parts[1].body, "Original-Recipient: utf-8; j\xc3\xbcrgen@plain.test\r\n"));
	assert_true(has(r.whole, "report-type=global-delivery-status"));
}

static void for_an_old_server_all_is_seven_bit(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	d.seven_bit = true;
	d.original = STR("Subject: \xc3\xbc\r\n\r\nbody");
	one.orcpt = STR("utf-8;j\xc3\xbcrgen@plain.test");
	write_and_take_apart(&r, &d);
	assert_false(str_has_8bit(r.whole));
	check_lines(str_head(r.whole, r.whole.len));
	assert_true(str_eq(r.parts[0].encoding, STR("quoted-printable")));
	assert_true(has(r.parts[0].body, "unverschl=C3=BCsselt"));
	assert_true(str_eq(r.parts[1].encoding, STR("quoted-printable")));
	assert_true(has(r.parts[1].body, "utf-8; j=C3=BCrgen@plain.test"));
	assert_true(str_eq(r.parts[2].body, STR("Subject: =C3=BC\r\n")));
}

static void a_report_turned_away_is_told(void **state)
{
	struct dsn d = letter_for(NULL, 0);
	struct buf text = BUF(1 << 20);

	(void)state;
	d.kind = DSN_REPORT_TURNED_AWAY;
	d.turned_away.time = monday;
	d.turned_away.peer = STR("192.0.2.44");
	d.turned_away.helo = STR("mx.sloppy.test\r\nX: y");
	d.turned_away.alias = STR("ada@secure.example.test");
	assert_true(dsn_write(&text, &d));
	check_lines(buf_str(&text));
	struct str line = flat(buf_str(&text));
	assert_true(has(line, "Content-Type: text/plain; charset=utf-8"));
	assert_true(has(line, "mx.sloppy.test X: y [192.0.2.44]"));
	assert_false(has(buf_str(&text), "\r\nX: y"));
	assert_true(has(line, "Er wurde abgewiesen."));
	assert_true(has(line, "It was turned away."));
	assert_true(has(line, "ada@secure.example.test"));
	assert_true(has(line, "23.11.2026, 17:22 UTC"));
	buf_free(&text);
}

static void mail_turned_away_is_listed(void **state)
{
	const struct dsn_turned_away list[] = {
		{ STR("eve@sloppy.test\r\nBcc: x"), STR("192.0.2.44"), STR("mx.sloppy.test"),
			monday, 3 },
		{ STR("bob@other.test"), STR("192.0.2.45"), STR("mx.other.test"), monday, 1 },
	};
	struct dsn d = letter_for(NULL, 0);
	struct buf text = BUF(1 << 20);

	(void)state;
	d.kind = DSN_MAIL_TURNED_AWAY;
	d.turned_away.alias = STR("ada@secure.example.test");
	d.turned_away.list = list;
	d.turned_away.n = 2;
	d.turned_away.count = 4;
	assert_true(dsn_write(&text, &d));
	check_lines(buf_str(&text));
	struct str line = flat(buf_str(&text));
	assert_true(has(line, "Content-Type: text/plain; charset=utf-8"));
	assert_true(has(line, "Auto-Submitted: auto-generated"));
	assert_false(has(buf_str(&text), "\r\nBcc: x"));
	assert_true(has(line, "eve@sloppy.test Bcc: x"));
	assert_true(has(line, "Server: mx.sloppy.test [192.0.2.44]"));
	assert_true(has(line, "Versuche: 4"));
	assert_true(has(line, "Versuche: 3"));
	assert_true(has(line, "Attempts: 3"));
	assert_true(has(line, "Sender: bob@other.test"));
	assert_true(has(line, "Zuerst: 23.11.2026, 17:22 UTC"));
	assert_false(has(line, "There were more."));
	d.turned_away.count = 5;
	buf_clear(&text);
	assert_true(dsn_write(&text, &d));
	assert_true(has(flat(buf_str(&text)), "There were more."));
	buf_free(&text);
}

static void every_reason_makes_a_letter_and_a_code(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);
	struct reader r;

	(void)state;
	for (unsigned i = 0; i < REASONS_N; i++) {
		for (unsigned status = 0; status <= DSN_STATUS_RELAYED; status++) {
			struct buf code = BUF(32);
			one.reason = (enum reason)i;
			one.status = (enum dsn_status)status;
			write_and_take_apart(&r, &d);
			assert_true(dsn_status_code(&code, &one));
			assert_int_equal(code.at[0], "5422"[status]);
			buf_free(&code);
		}
	}
}

static void a_code_follows_the_verdict_and_not_the_remote_class(void **state)
{
	struct dsn_recipient one = hotel();
	struct buf code = BUF(32);

	(void)state;
	one.reason = REASON_REMOTE_REPLY;
	one.code = STR("4.7.1");
	dsn_status_code(&code, &one);
	assert_true(str_eq(buf_str(&code), STR("5.7.1")));
	buf_clear(&code);
	one.status = DSN_STATUS_WAITING;
	one.code = STR("nonsense");
	dsn_status_code(&code, &one);
	assert_true(str_eq(buf_str(&code), STR("4.0.0")));
	buf_free(&code);
}

/* As many as one message may have, each with a server that talked a lot. */
static void a_letter_has_room_for_all_recipients(void **state)
{
	enum { MANY = 10000 };
	struct dsn_recipient *many = arena_array(&arena, MANY, sizeof *many);
	struct buf words = BUF(2000);
	struct reader r;

	(void)state;
	while (words.len < 990)
		buf_add(&words, STR("no such user "));
	for (size_t i = 0; i < MANY; i++) {
		many[i] = hotel();
		many[i].reason = REASON_REMOTE_REPLY;
		many[i].address = arena_printf(&arena, "hotel%zu@plain.test", i);
		many[i].said = buf_str(&words);
	}
	struct dsn d = letter_for(many, MANY);
	write_and_take_apart(&r, &d);
	assert_true(has(r.parts[0].body, "hotel0@plain.test"));
	assert_true(has(r.parts[0].body, "hotel9999@plain.test"));
	assert_true(has(r.parts[1].body, "hotel9999@plain.test"));
	buf_free(&words);
}

static void a_letter_that_does_not_fit_is_no_letter(void **state)
{
	struct dsn_recipient one = hotel();
	struct dsn d = letter_for(&one, 1);

	(void)state;
	for (size_t max = 0; max < 3000; max += 100) {
		struct buf text = BUF(max);
		assert_false(dsn_write(&text, &d));
		buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_sent_says_so_in_both_languages_own_first),
		cmocka_unit_test(the_status_part_is_for_programs),
		cmocka_unit_test(ordinary_mail_gets_an_ordinary_bounce),
		cmocka_unit_test(the_clear_is_denied_only_where_every_recipient_was_sealed),
		cmocka_unit_test(one_letter_names_failed_waiting_and_delivered),
		cmocka_unit_test(what_was_transmitted_comes_from_evidence),
		cmocka_unit_test(a_delay_is_a_short_notice),
		cmocka_unit_test(an_expired_message_names_the_last_reason),
		cmocka_unit_test(success_and_relay_are_told_when_asked_for),
		cmocka_unit_test(a_success_report_says_how_the_message_travelled),
		cmocka_unit_test(headers_only_encloses_no_body),
		cmocka_unit_test(an_original_that_fits_no_mail_comes_as_headers),
		cmocka_unit_test(the_boundary_occurs_in_no_part),
		cmocka_unit_test(remote_text_stays_in_its_field),
		cmocka_unit_test(overlong_remote_text_is_bounded),
		cmocka_unit_test(lines_for_people_are_wrapped),
		cmocka_unit_test(international_addresses_make_a_global_report),
		cmocka_unit_test(for_an_old_server_all_is_seven_bit),
		cmocka_unit_test(a_report_turned_away_is_told),
		cmocka_unit_test(mail_turned_away_is_listed),
		cmocka_unit_test(every_reason_makes_a_letter_and_a_code),
		cmocka_unit_test(a_code_follows_the_verdict_and_not_the_remote_class),
		cmocka_unit_test(a_letter_has_room_for_all_recipients),
		cmocka_unit_test(a_letter_that_does_not_fit_is_no_letter),
	};

	return cmocka_run_group_tests(tests, NULL, give_back);
}
