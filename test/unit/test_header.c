/* SPDX-License-Identifier: ISC
 *
 * test_header.c - who sent this? Read, or refused to guess.
 */
#include "mail/header.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

static struct arena arena = { .max = 64 << 20 };

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* The header section; the addresses found, with blanks between, or NULL for unclear. */
static const struct {
	const char *section, *addresses;
} senders[] = {
	{ "From: ada@x.y\r\n", "ada@x.y" },
	{ "from:ada@x.y\r\n", "ada@x.y" },
	{ "FROM : ada@x.y\r\n", "ada@x.y" },
	{ "From\t: Ada <ada@X.Y>\r\n", "ada@x.y" },
	{ "From: Ada <ada@x.y>", "ada@x.y" },
	{ "From: <ada@x.y>\r\n", "ada@x.y" },
	{ "From: \"Ada L.\" <ada@x.y>\r\n", "ada@x.y" },
	{ "From: Ada Q. Lovelace <ada@x.y>\r\n", "ada@x.y" },
	{ "From: Ada\r\n <ada@x.y>\r\n", "ada@x.y" },
	{ "From:\r\n\tada@x.y\r\n", "ada@x.y" },
	{ "From: ada@x.y (Ada)\r\n", "ada@x.y" },
	{ "From: (Ada (the) \\( first) ada@x.y\r\n", "ada@x.y" },
	{ "From: ada(c)@(c)x(c).(c)y\r\n", "ada@x.y" },
	{ "From: ada . b @ x . y\r\n", "ada.b@x.y" },
	{ "From: \"ada\"@x.y\r\n", "ada@x.y" },
	{ "From: \"a b\"@x.y\r\n", "\"a b\"@x.y" },
	{ "From: <@r.s,@t.u:ada@x.y>\r\n", "ada@x.y" },
	{ "From: ada@x.y, Bob <bob@x.y>\r\n", "ada@x.y bob@x.y" },
	{ "From: ada@x.y,, bob@x.y,\r\n", "ada@x.y bob@x.y" },
	{ "From: team: ada@x.y, Bob <bob@x.y>;\r\n", "ada@x.y bob@x.y" },
	{ "From: team: ada@x.y;, bob@x.y\r\n", "ada@x.y bob@x.y" },
	{ "From: =?utf-8?q?ada=40secure.test?= <mallory@x.y>\r\n", "mallory@x.y" },
	{ "From: \"ada@secure.test\" <mallory@x.y>\r\n", "mallory@x.y" },
	{ "From: \"a \\\" <x@y.z>\" <mallory@x.y>\r\n", "mallory@x.y" },
	{ "From: J\xc3\xbcrgen <j@x.y>\r\n", "j@x.y" },
	{ "From: ada@b\xc3\xbc"
	  "cher.example\r\n",
		"ada@xn--bcher-kva.example" },
	{ "From: ada@[192.0.2.1]\r\n", "ada@[192.0.2.1]" },
	{ "From: ada@x.y\r\nSender: bob@x.y\r\n", "ada@x.y bob@x.y" },
	{ "Resent-From: eve@x.y\r\nResent-Sender: dan@x.y\r\nFrom: ada@x.y\r\n",
		"eve@x.y dan@x.y ada@x.y" },
	{ "Resent-From: a@x.y\r\nResent-From: b@x.y\r\nFrom: c@x.y\r\n", "a@x.y b@x.y c@x.y" },
	{ "Subject: From: eve@x.y\r\nFrom: ada@x.y\r\n", "ada@x.y" },
	{ "X-From: eve@x.y\r\nFrom: ada@x.y\r\n\r\nFrom: eve@x.y\r\n", "ada@x.y" },
	/* Two readers, two senders. */
	{ "From: ada@x.y\r\nFrom: mallory@x.y\r\n", NULL },
	{ "From: ada@x.y\r\nFROM: ada@x.y\r\n", NULL },
	{ "From: ada@x.y\r\nSender: a@x.y\r\nSender: b@x.y\r\n", NULL },
	{ "From: ada@x.y\r\nSender: a@x.y, b@x.y\r\n", NULL },
	{ "From: ada@secure.test <mallory@x.y>\r\n", NULL },
	{ "From: ada @ secure.test <mallory@x.y>\r\n", NULL },
	{ "From: Ada ada@secure.test <mallory@x.y>\r\n", NULL },
	{ "From: <ada@secure.test> <mallory@x.y>\r\n", NULL },
	{ "From: mallory@x.y ada@secure.test\r\n", NULL },
	{ "From: mallory@x.y <ada@secure.test>\r\n", NULL },
	{ "From: Ada <ada@x.y> Lovelace\r\n", NULL },
	{ "From: Ada <ada@x.y\r\n", NULL },
	{ "From: Ada ada@x.y>\r\n", NULL },
	{ "From: <<ada@x.y>>\r\n", NULL },
	{ "From: \"Ada <ada@x.y>\r\n", NULL },
	{ "From: Ada (first <ada@x.y>\r\n", NULL },
	{ "From: Ada ) <ada@x.y>\r\n", NULL },
	{ "From: ((((((((((((((((((x)))))))))))))))))) ada@x.y\r\n", NULL },
	{ "From: [Ada] <ada@x.y>\r\n", NULL },
	{ "From: ada@x.y; bob@x.y\r\n", NULL },
	{ "From: team: ada@x.y\r\n", NULL },
	{ "From: team: ada@x.y; bob@x.y\r\n", NULL },
	{ "From: a: b: ada@x.y;;\r\n", NULL },
	{ "From: \r\n", NULL },
	{ "From: <>\r\n", NULL },
	{ "From: ,\r\n", NULL },
	{ "From: undisclosed:;\r\n", NULL },
	{ "From: ada\r\n", NULL },
	{ "From: ada@\r\n", NULL },
	{ "From: @x.y\r\n", NULL },
	{ "From: ada@x@y.z\r\n", NULL },
	{ "From: ada@x..y\r\n", NULL },
	{ "From: \\ada@x.y\r\n", NULL },
	{ "From: =?utf-8?q?ada=40secure.test?=\r\n", NULL },
	{ "From: =?utf-8?q?ada=40secure.test=3E?=@x.y\r\n", NULL },
	{ "From: ada@x.y\r\n \r\n", NULL },
	{ "From: mallory@x.y\r\n \r\n ,ada@secure.test\r\n", NULL },
	{ "From: ada\x01@x.y\r\n", NULL },
	{ "From: A\x7f <ada@x.y>\r\n", NULL },
	{ "From: A\xff <ada@x.y>\r\n", NULL },
	{ "From: A\xc0\xbc <ada@x.y>\r\n", NULL },
	/* A section that isn't one. */
	{ "From: ada@x.y\nFrom: mallory@x.y\r\n", NULL },
	{ "From: ada@x.y\rFrom: mallory@x.y\r\n", NULL },
	{ "From: ada@x.y\r\r\n", NULL },
	{ " From: ada@x.y\r\n", NULL },
	{ "garbage\r\nFrom: ada@x.y\r\n", NULL },
	{ "From: ada@x.y\r\ngarbage\r\nFrom: mallory@x.y\r\n", NULL },
	{ "Fr\xd0\xbem: ada@x.y\r\nFrom: ada@x.y\r\n", NULL },
	{ ": ada@x.y\r\nFrom: ada@x.y\r\n", NULL },
	{ "Fr om: ada@x.y\r\n", NULL },
};

static const char *found(struct str message, enum senders_reading *reading)
{
	struct header header;
	struct senders list;
	struct buf text = BUF(4096);

	(void)!header_scan(message, &arena, &header);
	*reading = header_senders(&header, &arena, &list);
	for (size_t i = 0; i < list.n; i++) {
		if (i)
			buf_add_char(&text, ' ');
		address_write(&text, &list.at[i]);
	}
	if (*reading == SENDERS_UNCLEAR)
		assert_non_null(list.why);
	struct str copy = arena_str(&arena, buf_str(&text));
	buf_free(&text);
	return copy.at;
}

static void every_sender_is_read_or_the_message_is_unclear(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(senders); i++) {
		enum senders_reading reading;
		const char *addresses = found(str_of(senders[i].section), &reading);
		enum senders_reading wanted = senders[i].addresses ? SENDERS_READ : SENDERS_UNCLEAR;
		if (reading != wanted ||
			(reading == SENDERS_READ && strcmp(addresses, senders[i].addresses)))
			fail_msg("row %zu: %s -> %d %s", i, senders[i].section, (int)reading,
				addresses);
		arena_reset(&arena);
	}
}

static void a_nul_makes_it_unclear(void **state)
{
	enum senders_reading reading;

	(void)state;
	found(STR("From: ada@x.y\0\r\n"), &reading);
	assert_int_equal(reading, SENDERS_UNCLEAR);
	found(STR("From: ada@x.y\r\nX: \0\r\n"), &reading);
	assert_int_equal(reading, SENDERS_UNCLEAR);
	found(STR("Fr\0om: ada@x.y\r\nFrom: ada@x.y\r\n"), &reading);
	assert_int_equal(reading, SENDERS_UNCLEAR);
}

static void without_from_that_is_said(void **state)
{
	enum senders_reading reading;

	(void)state;
	found(STR("Subject: x\r\n\r\nbody"), &reading);
	assert_int_equal(reading, SENDERS_MISSING);
	found(STR("\r\nFrom: ada@x.y"), &reading);
	assert_int_equal(reading, SENDERS_MISSING);
	found(STR(""), &reading);
	assert_int_equal(reading, SENDERS_MISSING);
}

static void the_section_is_split_into_fields_that_can_be_left_out(void **state)
{
	static const char text[] = "Received: a\r\n\tb\r\nRECEIVED: c\r\nBcc: x@y.z,\r\n"
				   "  e@f.g\r\nSubject: s\r\nResent-Bcc: h\r\nDate: d\r\n"
				   "Message-Id: <m>\r\nSiegel-Transport: no\r\n"
				   "TLS-Required:  no \r\n\r\nbody\r\n\r\nbcc: z\r\n";
	struct buf kept = BUF(4096);
	struct header h;

	(void)state;
	assert_true(header_scan(str_of(text), &arena, &h));
	assert_null(h.fault);
	assert_int_equal(h.n, 9);
	assert_int_equal(h.count[HEADER_RECEIVED], 2);
	assert_int_equal(h.count[HEADER_DATE], 1);
	assert_int_equal(h.count[HEADER_MESSAGE_ID], 1);
	assert_int_equal(h.count[HEADER_FROM], 0);
	assert_true(h.tls_required_no);
	assert_true(str_eq(h.body, STR("body\r\n\r\nbcc: z\r\n")));
	for (size_t i = 0; i < h.n; i++) {
		enum header_id id = h.fields[i].id;
		if (id != HEADER_BCC && id != HEADER_RESENT_BCC && id != HEADER_SIEGEL_TRANSPORT)
			buf_add(&kept, h.fields[i].whole);
	}
	assert_true(str_eq(
		buf_str(&kept), STR("Received: a\r\n\tb\r\nRECEIVED: c\r\nSubject: s\r\nDate: d\r\n"
				    "Message-Id: <m>\r\nTLS-Required:  no \r\n")));
	assert_true(str_eq(header_find(&h, HEADER_BCC)->value, STR(" x@y.z,\r\n  e@f.g")));
	assert_true(h.section.len + 2 + h.body.len == sizeof text - 1);
	buf_free(&kept);
}

static void tls_required_counts_once_and_as_no(void **state)
{
	struct header h;

	(void)state;
	assert_true(header_scan(STR("TLS-Required: yes\r\n\r\n"), &arena, &h));
	assert_false(h.tls_required_no);
	assert_true(header_scan(STR("TLS-Required: No\r\nTLS-Required: No\r\n\r\n"), &arena, &h));
	assert_false(h.tls_required_no);
	assert_true(header_scan(STR("X: y\r\n\r\nTLS-Required: No\r\n"), &arena, &h));
	assert_false(h.tls_required_no);
}

static void too_many_or_too_large_is_a_fault(void **state)
{
	struct buf text = BUF(1 << 20);
	struct header h;

	(void)state;
	for (int i = 0; i <= HEADER_FIELDS_MAX; i++)
		buf_add(&text, STR("A: b\r\n"));
	assert_false(header_scan(buf_str(&text), &arena, &h));
	assert_non_null(h.fault);
	buf_clear(&text);
	buf_add(&text, STR("A: b\r\n"));
	for (int i = 0; i <= HEADER_SECTION_MAX / 64; i++)
		buf_add(&text,
			STR(" 0123456789012345678901234567890123456789012345678901234567890\r\n"));
	assert_false(header_scan(buf_str(&text), &arena, &h));
	assert_non_null(h.fault);
	buf_free(&text);
}

static const struct {
	const char *value, *decoded;
} subjects[] = {
	{ " plain ", "plain" },
	{ " folded\r\n text", "folded text" },
	{ "=?utf-8?q?Zimmer_f=C3=BCr?=", "Zimmer f\xc3\xbcr" },
	{ "=?UTF-8?B?w7w=?= =?utf-8?b?w7w=?=", "\xc3\xbc\xc3\xbc" },
	{ "=?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c" },
	{ "=?utf-8?q?a?= b", "a b" },
	{ "x =?utf-8?q?a?=", "x a" },
	{ "=?iso-8859-1?q?f=FCr?=", "f\xc3\xbcr" },
	{ "=?iso-8859-15?q?=A4?=", "\xe2\x82\xac" },
	{ "=?windows-1252?q?=80_=93a=94?=", "\xe2\x82\xac \xe2\x80\x9c"
					    "a\xe2\x80\x9d" },
	{ "=?us-ascii*en?q?a?=", "a" },
	{ "=?koi8-r?q?=C1?=", "=?koi8-r?q?=C1?=" },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=?utf-8?b?w7?=", "=?utf-8?b?w7?=" },
	{ "=?utf-8?q?a", "=?utf-8?q?a" },
	{ "=?utf-8?q?=0D=0ABcc:_x=00?=", "Bcc: x" },
	{ "=?utf-8?q?=FF?=", "\xef\xbf\xbd" },
	{ "=?utf-8?q?=E2=80=AEabc?=", "abc" },
	{ "a\x01\x1b[31mb\xff", "a  [31mb\xef\xbf\xbd" },
	{ "", "" },
};

static void a_subject_is_decoded_for_eyes(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(subjects); i++) {
		struct str s = header_decode(str_of(subjects[i].value), &arena, 200);
		struct str trimmed = str_trim(s);
		if (!str_eq(trimmed, str_of(subjects[i].decoded)))
			fail_msg("row %zu: [%.*s]", i, STR_ARG(s));
	}
}

static void a_long_subject_is_cut_between_characters(void **state)
{
	struct buf text = BUF(1 << 16);

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_add(&text, STR("\xf0\x9f\x94\x92"));
	for (size_t max = 0; max < 40; max++) {
		struct str s = header_decode(buf_str(&text), &arena, max);
		assert_true(s.len <= max);
		assert_true(str_is_utf8(s));
	}
	struct str s = header_decode(STR("abcdef"), &arena, 5);
	assert_true(str_eq(s, STR("ab\xe2\x80\xa6")));
	assert_true(str_eq(header_decode(STR("abcde"), &arena, 5), STR("abcde")));
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sender_is_read_or_the_message_is_unclear),
		cmocka_unit_test(a_nul_makes_it_unclear),
		cmocka_unit_test(without_from_that_is_said),
		cmocka_unit_test(the_section_is_split_into_fields_that_can_be_left_out),
		cmocka_unit_test(tls_required_counts_once_and_as_no),
		cmocka_unit_test(too_many_or_too_large_is_a_fault),
		cmocka_unit_test(a_subject_is_decoded_for_eyes),
		cmocka_unit_test(a_long_subject_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, give_back);
}
