/* SPDX-License-Identifier: ISC
 *
 * test_command.c - what a peer may say, to the byte.
 */
#include "mail/command.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

static struct arena arena = { .max = 1 << 20 };

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct {
	const char *line;
	enum verb verb;
	int code;
	const char *argument;
} lines[] = {
	{ "EHLO a.b", VERB_EHLO, 0, "a.b" },
	{ "ehlo a.b  ", VERB_EHLO, 0, "a.b" },
	{ "eHLO", VERB_EHLO, 501, "" },
	{ "HELO x", VERB_HELO, 0, "x" },
	{ "MAIL FROM:<a@b> SIZE=1", VERB_MAIL, 0, "FROM:<a@b> SIZE=1" },
	{ "MAIL", VERB_MAIL, 501, "" },
	{ "RCPT TO:<a@b>", VERB_RCPT, 0, "TO:<a@b>" },
	{ "DATA", VERB_DATA, 0, "" },
	{ "DATA ", VERB_DATA, 0, "" },
	{ "DATA x", VERB_DATA, 501, "x" },
	{ "BDAT 5 LAST", VERB_BDAT, 0, "5 LAST" },
	{ "RSET", VERB_RSET, 0, "" },
	{ "RSET now", VERB_RSET, 501, "now" },
	{ "NOOP", VERB_NOOP, 0, "" },
	{ "NOOP whatever", VERB_NOOP, 0, "whatever" },
	{ "QUIT", VERB_QUIT, 0, "" },
	{ "QUIT x", VERB_QUIT, 501, "x" },
	{ "VRFY ada", VERB_VRFY, 0, "ada" },
	{ "EXPN list", VERB_EXPN, 0, "list" },
	{ "HELP", VERB_HELP, 0, "" },
	{ "STARTTLS", VERB_STARTTLS, 0, "" },
	{ "STARTTLS now", VERB_STARTTLS, 501, "now" },
	{ "AUTH PLAIN", VERB_AUTH, 0, "PLAIN" },
	{ "", VERB_UNKNOWN, 500, "" },
	{ " DATA", VERB_UNKNOWN, 500, "DATA" },
	{ "DATA\t", VERB_DATA, 0, "" },
	{ "DATAX", VERB_UNKNOWN, 500, "" },
	{ "DAT", VERB_UNKNOWN, 500, "" },
	{ "GET / HTTP/1.1", VERB_UNKNOWN, 500, "/ HTTP/1.1" },
	{ "NOOP \x01", VERB_NOOP, 500, "\x01" },
	{ "NOOP a\rb", VERB_NOOP, 500, "a\rb" },
	{ "?", VERB_UNKNOWN, 500, "" },
};

static void a_line_is_a_verb_and_its_argument(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(lines); i++) {
		struct command c;
		struct refusal r = command_parse(str_of(lines[i].line), &c);
		if (r.code != lines[i].code || c.verb != lines[i].verb ||
			!str_eq(c.argument, str_of(lines[i].argument)))
			fail_msg("row %zu: %s -> %d", i, lines[i].line, r.code);
		assert_int_equal(r.text != NULL, r.code != 0);
	}
	struct command c;
	assert_int_equal(command_parse(STR("NOOP \0"), &c).code, 500);
}

static void a_host_name_is_taken_leniently_but_safely(void **state)
{
	static const struct {
		const char *argument;
		int code;
	} rows[] = { { "mx.example.org", 0 }, { "[192.0.2.1]", 0 }, { "[IPv6:::1]", 0 },
		{ "WIN_PC", 0 }, { "-", 0 }, { "[192.0.2]", 501 }, { "", 501 }, { "a b", 501 },
		{ "a)b", 501 }, { "a;b", 501 }, { "b\xc3\xbc", 501 }, { "<a>", 501 } };
	struct str name;

	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		struct refusal r = command_hello(str_of(rows[i].argument), &name);
		if (r.code != rows[i].code)
			fail_msg("%s -> %d", rows[i].argument, r.code);
	}
	assert_int_equal(command_hello(STR("a\0b"), &name).code, 501);
}

enum { ALL = 127 };

/* `shown`: sender|size|body|smtputf8|requiretls|ret|envid */
static const struct {
	const char *argument;
	unsigned offers;
	int code;
	const char *enhanced, *shown;
} mails[] = {
	{ "FROM:<ada@x.y>", ALL, 0, "", "ada@x.y|-|0|0|0|0|" },
	{ "from:<>", ALL, 0, "", "|-|0|0|0|0|" },
	{ "FROM:<a@x.y> SIZE=1000", ALL, 0, "", "a@x.y|1000|0|0|0|0|" },
	{ "FROM:<a@x.y> size=0", ALL, 0, "", "a@x.y|0|0|0|0|0|" },
	{ "FROM:<a@x.y> SIZE=99999999999999999999", ALL, 0, "",
		"a@x.y|18446744073709551615|0|0|0|0|" },
	{ "FROM:<a@x.y> SIZE=100000000000000000000", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> SIZE=-1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> SIZE=", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> SIZE", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> SIZE=1 SIZE=1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> BODY=8BITMIME", ALL, 0, "", "a@x.y|-|1|0|0|0|" },
	{ "FROM:<a@x.y> BODY=7bit", ALL, 0, "", "a@x.y|-|0|0|0|0|" },
	{ "FROM:<a@x.y> BODY=BINARYMIME", ALL, 0, "", "a@x.y|-|2|0|0|0|" },
	{ "FROM:<a@x.y> BODY=BINARYMIME", OFFER_8BITMIME, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> BODY=9BIT", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> BODY", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> SMTPUTF8", ALL, 0, "", "a@x.y|-|0|1|0|0|" },
	{ "FROM:<a@x.y> SMTPUTF8=1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<\xc3\xa4@x.y> SMTPUTF8", ALL, 0, "", "\xc3\xa4@x.y|-|0|1|0|0|" },
	{ "FROM:<\xc3\xa4@x.y>", ALL, 553, "5.6.7", NULL },
	{ "FROM:<a@\xc3\xa4.y>", ALL, 553, "5.6.7", NULL },
	{ "FROM:<a@x.y> REQUIRETLS", ALL, 0, "", "a@x.y|-|0|0|1|0|" },
	{ "FROM:<a@x.y> REQUIRETLS=1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> RET=FULL ENVID=a+2Bb", ALL, 0, "", "a@x.y|-|0|0|0|1|a+2Bb" },
	{ "FROM:<a@x.y> RET=hdrs", ALL, 0, "", "a@x.y|-|0|0|0|2|" },
	{ "FROM:<a@x.y> RET=NONE", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> ENVID=a+2", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> ENVID=a+2g", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> ENVID=a=b", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> ENVID=\xc3\xa4", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> AUTH=<>", ALL, 0, "", "a@x.y|-|0|0|0|0|" },
	{ "FROM:<a@x.y> AUTH=a@b", ALL, 0, "", "a@x.y|-|0|0|0|0|" },
	{ "FROM:<a@x.y> AUTH=a+zz", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> SIZE=1 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x REQUIRETLS", ALL, 0, "",
		"a@x.y|1|1|1|1|2|x" },
	{ "FROM:<a@x.y> X-FOO=1", ALL, 555, "5.5.4", NULL },
	{ "FROM:<a@x.y> FOO", ALL, 555, "5.5.4", NULL },
	{ "FROM:<a@x.y> SIZE=1", 0, 555, "5.5.4", NULL },
	{ "FROM:<a@x.y> BODY=8BITMIME", OFFER_SIZE, 555, "5.5.4", NULL },
	{ "FROM:<a@x.y> SMTPUTF8", OFFER_SIZE, 555, "5.5.4", NULL },
	{ "FROM:<a@x.y> RET=FULL", OFFER_SIZE, 555, "5.5.4", NULL },
	{ "FROM:<a@x.y> AUTH=<>", OFFER_SIZE, 555, "5.5.4", NULL },
	{ "FROM:<a@x.y> REQUIRETLS", OFFER_SIZE, 555, "5.5.4", NULL },
	{ "FROM:<a@x.y> NOTIFY=NEVER", ALL, 555, "5.5.4", NULL },
	{ "FROM: <a@x.y>", ALL, 0, "", "a@x.y|-|0|0|0|0|" },
	{ "FROM:   <> SIZE=1", ALL, 0, "", "|1|0|0|0|0|" },
	{ "FROM: <\xc3\xa4@x.y>", ALL, 553, "5.6.7", NULL },
	{ "FROM:\t<a@x.y>", ALL, 501, "5.1.7", NULL },
	{ "FROM: a@x.y", ALL, 501, "5.1.7", NULL },
	{ "FROM: ", ALL, 501, "5.1.7", NULL },
	{ "FROM :<a@x.y>", ALL, 501, "5.5.4", NULL },
	{ "FROM:a@x.y", ALL, 501, "5.1.7", NULL },
	{ "FROM:<a@x.y", ALL, 501, "5.1.7", NULL },
	{ "FROM:<a>", ALL, 501, "5.1.7", NULL },
	{ "FROM:", ALL, 501, "5.1.7", NULL },
	{ "FROM <a@x.y>", ALL, 501, "5.5.4", NULL },
	{ "TO:<a@x.y>", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y>SIZE=1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y>  SIZE=1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y>\tSIZE=1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> =1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> -A=1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<a@x.y> A_B=1", ALL, 501, "5.5.4", NULL },
	{ "FROM:<@r.s:a@x.y>", ALL, 0, "", "a@x.y|-|0|0|0|0|" },
};

static struct str shown_mail(const struct mail_command *m)
{
	struct buf text = BUF(1024);

	address_write(&text, &m->sender);
	buf_add_char(&text, '|');
	if (m->has_size)
		buf_add_u64(&text, m->size);
	else
		buf_add_char(&text, '-');
	buf_printf(&text, "|%d|%d|%d|%d|%.*s", (int)m->body, m->smtputf8, m->requiretls,
		(int)m->ret, STR_ARG(m->envid));
	struct str copy = arena_str(&arena, buf_str(&text));
	buf_free(&text);
	return copy;
}

static void mail_takes_what_was_offered_once_and_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(mails); i++) {
		struct mail_command m;
		struct refusal r =
			command_mail(str_of(mails[i].argument), mails[i].offers, &arena, &m);
		if (r.code != mails[i].code)
			fail_msg("row %zu: %s -> %d", i, mails[i].argument, r.code);
		if (r.code)
			assert_true(str_starts(str_of(r.text), str_of(mails[i].enhanced)));
		else
			assert_string_equal(shown_mail(&m).at, mails[i].shown);
	}
}

static const struct {
	const char *argument;
	bool smtputf8;
	unsigned offers;
	int code;
	const char *address;
	unsigned notify;
	const char *orcpt;
} rcpts[] = {
	{ "TO:<a@x.y>", false, ALL, 0, "a@x.y", 0, "" },
	{ "TO: <a@x.y> NOTIFY=NEVER", false, ALL, 0, "a@x.y", NOTIFY_NEVER, "" },
	{ "TO:  a@x.y", false, ALL, 501, NULL, 0, NULL },
	{ "TO :<a@x.y>", false, ALL, 501, NULL, 0, NULL },
	{ "to:<Postmaster>", false, ALL, 0, "postmaster", 0, "" },
	{ "TO:<a@x.y> NOTIFY=NEVER", false, ALL, 0, "a@x.y", NOTIFY_NEVER, "" },
	{ "TO:<a@x.y> notify=success,FAILURE,delay", false, ALL, 0, "a@x.y",
		NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, "" },
	{ "TO:<a@x.y> ORCPT=rfc822;b+2Bc@x.y", false, ALL, 0, "a@x.y", 0, "rfc822;b+2Bc@x.y" },
	{ "TO:<a@x.y> ORCPT=utf-8;\xc3\xa4@x.y", true, ALL, 0, "a@x.y", 0, "utf-8;\xc3\xa4@x.y" },
	{ "TO:<a@x.y> ORCPT=utf-8;\\x{E4}@x.y", false, ALL, 0, "a@x.y", 0, "utf-8;\\x{E4}@x.y" },
	{ "TO:<\xc3\xa4@x.y>", true, ALL, 0, "\xc3\xa4@x.y", 0, "" },
	{ "TO:<\xc3\xa4@x.y>", false, ALL, 553, NULL, 0, NULL },
	{ "TO:<a@x.y> ORCPT=utf-8;\xc3\xa4@x.y", false, ALL, 553, NULL, 0, NULL },
	{ "TO:<a@x.y> NOTIFY=NEVER,SUCCESS", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> NOTIFY=SUCCESS,SUCCESS", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> NOTIFY=SUCCESS,", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> NOTIFY=", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> NOTIFY", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> NOTIFY=ALWAYS", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> NOTIFY=DELAY NOTIFY=DELAY", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> ORCPT=rfc822", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> ORCPT=;a@x.y", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> ORCPT=rfc822;", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> ORCPT=rfc822;a=b", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> ORCPT=rfc822;\xc3\xa4", true, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> ORCPT=utf-8;\xff", true, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> ORCPT", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a@x.y> NOTIFY=DELAY", false, 0, 555, NULL, 0, NULL },
	{ "TO:<a@x.y> SIZE=1", false, ALL, 555, NULL, 0, NULL },
	{ "TO:<>", false, ALL, 501, NULL, 0, NULL },
	{ "TO:<a>", false, ALL, 501, NULL, 0, NULL },
	{ "TO:a@x.y", false, ALL, 501, NULL, 0, NULL },
	{ "FROM:<a@x.y>", false, ALL, 501, NULL, 0, NULL },
	{ "TO", false, ALL, 501, NULL, 0, NULL },
};

static void rcpt_takes_dsn_parameters_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(rcpts); i++) {
		struct rcpt_command c;
		struct refusal r = command_rcpt(
			str_of(rcpts[i].argument), rcpts[i].offers, rcpts[i].smtputf8, &arena, &c);
		if (r.code != rcpts[i].code)
			fail_msg("row %zu: %s -> %d", i, rcpts[i].argument, r.code);
		if (r.code)
			continue;
		assert_string_equal(address_text(&arena, &c.recipient).at, rcpts[i].address);
		assert_int_equal(c.notify, rcpts[i].notify);
		assert_true(str_eq(c.orcpt, str_of(rcpts[i].orcpt)));
	}
}

static void long_parameters_are_refused(void **state)
{
	struct mail_command m;
	struct rcpt_command c;
	char text[1200] = "FROM:<a@x.y> ENVID=";

	(void)state;
	memset(text + 19, 'a', 100);
	assert_int_equal(command_mail(str_of(text), ALL, &arena, &m).code, 0);
	text[119] = 'a';
	assert_int_equal(command_mail(str_of(text), ALL, &arena, &m).code, 501);
	memcpy(text, "TO:<a@x.y> ORCPT=a;", 19);
	memset(text + 19, 'a', 498);
	assert_int_equal(command_rcpt(str_of(text), ALL, false, &arena, &c).code, 0);
	text[517] = 'a';
	assert_int_equal(command_rcpt(str_of(text), ALL, false, &arena, &c).code, 501);
}

static void bdat_is_a_size_and_perhaps_last(void **state)
{
	static const struct {
		const char *argument;
		int code;
		uint64_t size;
		bool last;
	} rows[] = { { "0", 0, 0, false }, { "0 LAST", 0, 0, true }, { "1000 last", 0, 1000, true },
		{ "18446744073709551615", 0, UINT64_MAX, false },
		{ "18446744073709551616", 501, 0, false }, { "1 ", 0, 1, false },
		{ "1 LASTX", 501, 0, false }, { "1  LAST", 501, 0, false }, { "-1", 501, 0, false },
		{ "", 501, 0, false }, { "LAST", 501, 0, false }, { "0x1", 501, 0, false },
		{ "000000000000000000001", 501, 0, false } };

	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		uint64_t size;
		bool last;
		struct refusal r = command_bdat(str_of(rows[i].argument), &size, &last);
		if (r.code != rows[i].code)
			fail_msg("%s -> %d", rows[i].argument, r.code);
		if (r.code == 0) {
			assert_true(size == rows[i].size);
			assert_int_equal(last, rows[i].last);
		}
	}
}

static void auth_is_a_mechanism_and_perhaps_a_response(void **state)
{
	struct str mechanism, initial;
	bool has;

	(void)state;
	assert_int_equal(command_auth(STR("PLAIN"), &mechanism, &has, &initial).code, 0);
	assert_false(has);
	assert_int_equal(command_auth(STR("PLAIN AGEAYg=="), &mechanism, &has, &initial).code, 0);
	assert_true(has && str_eq(initial, STR("AGEAYg==")) && str_eq(mechanism, STR("PLAIN")));
	assert_int_equal(command_auth(STR("LOGIN ="), &mechanism, &has, &initial).code, 0);
	assert_true(has && initial.len == 0);
	assert_int_equal(command_auth(STR("PLAIN a b"), &mechanism, &has, &initial).code, 501);
	assert_int_equal(command_auth(STR("PL@IN"), &mechanism, &has, &initial).code, 501);
	assert_int_equal(
		command_auth(STR("ABCDEFGHIJKLMNOPQRSTU"), &mechanism, &has, &initial).code, 501);
}

static void xtext_and_base64_come_back(void **state)
{
	struct buf a = BUF(4096), b = BUF(4096);
	char bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	for (size_t n = 0; n <= sizeof bytes; n++) {
		struct str all = { bytes, n };
		buf_clear(&a), buf_clear(&b);
		assert_true(xtext_encode(&a, all) && xtext_decode(&b, buf_str(&a)));
		assert_true(str_eq(buf_str(&b), all));
		buf_clear(&a), buf_clear(&b);
		assert_true(base64_encode(&a, all) && base64_decode(&b, buf_str(&a)));
		assert_true(str_eq(buf_str(&b), all));
	}
	buf_clear(&a);
	assert_false(base64_decode(&a, STR("YQ")));
	assert_false(base64_decode(&a, STR("YQ=")));
	assert_false(base64_decode(&a, STR("Y===")));
	assert_false(base64_decode(&a, STR("YR==")));
	assert_false(base64_decode(&a, STR("YQ==YQ==")));
	assert_false(base64_decode(&a, STR("Y Q=")));
	assert_false(base64_decode(&a, STR("====")));
	assert_false(base64_decode(&a, STR("YQ=a")));
	assert_false(base64_decode(&a, STR("YQ\0=")));
	assert_false(xtext_decode(&a, STR("a+")));
	assert_false(xtext_decode(&a, STR("+2")));
	assert_false(xtext_decode(&a, STR("+2b")));
	assert_false(xtext_decode(&a, STR("a b")));
	buf_free(&a), buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_verb_and_its_argument),
		cmocka_unit_test(a_host_name_is_taken_leniently_but_safely),
		cmocka_unit_test(mail_takes_what_was_offered_once_and_whole),
		cmocka_unit_test(rcpt_takes_dsn_parameters_strictly),
		cmocka_unit_test(long_parameters_are_refused),
		cmocka_unit_test(bdat_is_a_size_and_perhaps_last),
		cmocka_unit_test(auth_is_a_mechanism_and_perhaps_a_response),
		cmocka_unit_test(xtext_and_base64_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, give_back);
}
