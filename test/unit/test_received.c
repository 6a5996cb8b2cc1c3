/* SPDX-License-Identifier: ISC
 *
 * test_received.c - the trace field says how a message came, whatever the peer called itself.
 */
#include "mail/received.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

static const struct received sealed = { .helo = { "mx.neighbour.test", 17 },
	.peer = { "192.0.2.7", 9 },
	.by = { "mail.example.test", 17 },
	.id = { "0123456789abcdef", 16 },
	.for_address = { "ada@secure.example.test", 23 },
	.esmtp = true,
	.tls_version = { "TLSv1.3", 7 },
	.cipher = { "TLS_AES_256_GCM_SHA384", 22 },
	.time = 1795454523000 };

static void check(const struct received *r, const char *wanted)
{
	struct buf text = BUF(4096);

	assert_true(received_write(&text, r));
	buf_add_char(&text, '\0');
	assert_string_equal(text.at, wanted);
	buf_free(&text);
}

static void a_sealed_session_names_its_cipher(void **state)
{
	(void)state;
	check(&sealed, "Received: from mx.neighbour.test ([192.0.2.7])\r\n"
		       "\tby mail.example.test with ESMTPS\r\n"
		       "\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3)\r\n"
		       "\tid 0123456789abcdef\r\n"
		       "\tfor <ada@secure.example.test>;\r\n"
		       "\tMon, 23 Nov 2026 17:22:03 +0000\r\n");
}

static void a_plain_session_claims_nothing(void **state)
{
	struct received r = sealed;

	(void)state;
	r.tls_version = r.cipher = r.for_address = STR("");
	r.peer = STR("2001:db8::1");
	r.esmtp = false;
	check(&r, "Received: from mx.neighbour.test ([IPv6:2001:db8::1])\r\n"
		  "\tby mail.example.test with SMTP\r\n"
		  "\tid 0123456789abcdef;\r\n"
		  "\tMon, 23 Nov 2026 17:22:03 +0000\r\n");
}

static void the_protocol_is_one_of_the_registered_ones(void **state)
{
	static const char *const names[] = { "ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA", "UTF8SMTP",
		"UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA" };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct received r = { .esmtp = true,
			.utf8 = i & 4,
			.tls_version = i & 2 ? STR("TLSv1.2") : STR(""),
			.authenticated = i & 1 };
		assert_string_equal(received_protocol(&r), names[i]);
	}
}

static void a_hostile_name_stays_in_its_place(void **state)
{
	struct received r = sealed;
	struct buf text = BUF(4096);
	size_t lines = 0;

	(void)state;
	r.helo = STR("x) by trusted with ESMTPSA; \r\nFrom: a@b\r\n\r\n\0\xff<\"");
	r.peer = STR("1]) (\r\nX: y");
	r.id = STR("a;\r\nb");
	r.cipher = STR("NULL) by\n");
	r.for_address = STR("a>;\r\nX:@b");
	assert_true(received_write(&text, &r));
	struct str s = buf_str(&text);
	assert_true(str_eq(
		str_head(s, 52), STR("Received: from x??by?trusted?with?ESMTPSA????From:?a")));
	assert_true(str_find_str(s, STR("for <")) == s.len);
	for (struct str rest = s; rest.len; lines++) {
		struct str line = str_cut(&rest, '\n');
		assert_true(line.len && line.at[line.len - 1] == '\r');
		assert_true(str_find(line, '\r') == line.len - 1);
		assert_true(lines == 0 || line.at[0] == '\t');
		assert_true(!str_has_8bit(line) && str_find(line, '\0') == line.len);
	}
	assert_int_equal(lines, 5);
	buf_free(&text);
}

static void lines_stay_short(void **state)
{
	struct received r = sealed;
	char name[2000];
	struct buf text = BUF(8192);

	(void)state;
	memset(name, 'a', sizeof name);
	r.helo = r.peer = r.by = r.id = r.cipher = (struct str){ name, sizeof name };
	assert_true(received_write(&text, &r));
	for (struct str rest = buf_str(&text); rest.len;)
		assert_true(str_cut(&rest, '\n').len < 998);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_session_names_its_cipher),
		cmocka_unit_test(a_plain_session_claims_nothing),
		cmocka_unit_test(the_protocol_is_one_of_the_registered_ones),
		cmocka_unit_test(a_hostile_name_stays_in_its_place),
		cmocka_unit_test(lines_stay_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
