/* SPDX-License-Identifier: ISC
 *
 * test_reply.c - what another server may answer, and what is made of it.
 */
#include "mail/reply.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

/* Feed the lines of `text` (separated by '|') and return what the last one gave. */
static enum reply_progress feed(struct remote_reply *reply, const char *text)
{
	struct str rest = str_of(text);
	enum reply_progress progress = REPLY_MORE;

	remote_reply_begin(reply);
	do {
		assert_int_equal(progress, REPLY_MORE);
		progress = remote_reply_line(reply, str_cut(&rest, '|'));
	} while (rest.len);
	return progress;
}

static const struct {
	const char *lines;
	enum reply_progress progress;
	int code;
	const char *enhanced;
} rows[] = {
	{ "220 mx.example.org ESMTP", REPLY_COMPLETE, 220, "" },
	{ "250 2.1.0 ok", REPLY_COMPLETE, 250, "2.1.0" },
	{ "250", REPLY_COMPLETE, 250, "" },
	{ "250 ", REPLY_COMPLETE, 250, "" },
	{ "250-a|250-b|250 c", REPLY_COMPLETE, 250, "" },
	{ "250-a|250-b", REPLY_MORE, 250, "" },
	{ "550-5.1.1 no such user|550 5.1.1 here", REPLY_COMPLETE, 550, "5.1.1" },
	{ "451 4.7.1 greylisted", REPLY_COMPLETE, 451, "4.7.1" },
	{ "550 4.7.1 class doesn't fit", REPLY_COMPLETE, 550, "" },
	{ "550 5.7.123 long detail", REPLY_COMPLETE, 550, "5.7.123" },
	{ "550 5.7.1234 too long", REPLY_COMPLETE, 550, "" },
	{ "550 5.7 short", REPLY_COMPLETE, 550, "" },
	{ "550 5.07.1 zero", REPLY_COMPLETE, 550, "" },
	{ "550 5.7.1.2 more", REPLY_COMPLETE, 550, "" },
	{ "550 5.x.1 letters", REPLY_COMPLETE, 550, "" },
	{ "550 5.1.1", REPLY_COMPLETE, 550, "5.1.1" },
	{ "250-a|251 b", REPLY_MALFORMED, 250, "" },
	{ "250-a|xyz", REPLY_MALFORMED, 250, "" },
	{ "", REPLY_MALFORMED, 0, "" },
	{ "25", REPLY_MALFORMED, 0, "" },
	{ "150 a", REPLY_MALFORMED, 0, "" },
	{ "650 a", REPLY_MALFORMED, 0, "" },
	{ "2x0 a", REPLY_MALFORMED, 0, "" },
	{ "25x a", REPLY_MALFORMED, 0, "" },
	{ "2500 a", REPLY_MALFORMED, 0, "" },
	{ "250_a", REPLY_MALFORMED, 0, "" },
	{ " 250 a", REPLY_MALFORMED, 0, "" },
	{ "HTTP/1.1 200 OK", REPLY_MALFORMED, 0, "" },
};

static void a_reply_is_lines_with_one_code(void **state)
{
	struct remote_reply reply = { 0 };

	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		if (feed(&reply, rows[i].lines) != rows[i].progress || reply.code != rows[i].code)
			fail_msg("row %zu: %s", i, rows[i].lines);
		assert_string_equal(reply.enhanced, rows[i].enhanced);
	}
	remote_reply_free(&reply);
}

static void a_status_code_has_three_numbers(void **state)
{
	(void)state;
	assert_true(enhanced_code_is_valid(STR("5.7.10")));
	assert_false(enhanced_code_is_valid(STR("3.7.10")));
	assert_false(enhanced_code_is_valid(STR("\0.7.10")));
	assert_false(enhanced_code_is_valid(STR("5.7.")));
	assert_false(enhanced_code_is_valid(STR("")));
}

static void lines_are_kept_as_they_came(void **state)
{
	struct remote_reply reply = { 0 };
	struct str rest, text;

	(void)state;
	assert_int_equal(feed(&reply, "550-5.1.1 no\x01|550-|550 5.1.1 \xff"), REPLY_COMPLETE);
	assert_true(str_eq(buf_str(&reply.said), STR("550-5.1.1 no\x01\n550-\n550 5.1.1 \xff")));
	rest = buf_str(&reply.said);
	assert_true(remote_reply_next(&rest, &text) && str_eq(text, STR("5.1.1 no\x01")));
	assert_true(remote_reply_next(&rest, &text) && text.len == 0);
	assert_true(remote_reply_next(&rest, &text) && str_eq(text, STR("5.1.1 \xff")));
	assert_false(remote_reply_next(&rest, &text));
	remote_reply_free(&reply);
}

static void an_endless_reply_is_malformed_and_bounded(void **state)
{
	struct remote_reply reply = { 0 };
	char line[REPLY_LINE_MAX + 2] = "250-";
	size_t n = 0;

	(void)state;
	remote_reply_begin(&reply);
	memset(line + 4, 'x', REPLY_LINE_MAX - 4);
	while (remote_reply_line(&reply, str_of(line)) == REPLY_MORE)
		assert_true(++n <= REPLY_LINES_MAX);
	assert_int_equal(n, REPLY_LINES_MAX);
	assert_true(reply.said.len <= REPLY_SAID_MAX && reply.cut);
	remote_reply_begin(&reply);
	line[REPLY_LINE_MAX] = 'x';
	assert_int_equal(remote_reply_line(&reply, str_of(line)), REPLY_MALFORMED);
	remote_reply_free(&reply);
}

/* Four lines that leave room for one byte, where a line needs two; then another line. */
static void a_line_that_finds_no_room_is_a_cut(void **state)
{
	struct remote_reply reply = { 0 };
	char line[REPLY_LINE_MAX + 1] = "250-";

	(void)state;
	remote_reply_begin(&reply);
	memset(line + 4, 'x', REPLY_LINE_MAX - 4);
	for (size_t i = 0; i < 4; i++) {
		line[i == 3 ? REPLY_LINE_MAX - 4 : REPLY_LINE_MAX] = '\0';
		assert_int_equal(remote_reply_line(&reply, str_of(line)), REPLY_MORE);
	}
	assert_int_equal(reply.said.len, REPLY_SAID_MAX - 1);
	assert_false(reply.cut);
	assert_int_equal(remote_reply_line(&reply, STR("250 STARTTLS")), REPLY_COMPLETE);
	assert_int_equal(reply.said.len, REPLY_SAID_MAX - 1);
	assert_true(reply.cut);
	remote_reply_free(&reply);
}

static void extensions_are_read_from_all_but_the_first_line(void **state)
{
	struct remote_reply reply = { 0 };
	struct extensions e;

	(void)state;
	assert_int_equal(feed(&reply, "250-STARTTLS|250-PIPELINING|250-SIZE 1000 x|250 8bitmime"),
		REPLY_COMPLETE);
	remote_reply_extensions(&reply, &e);
	assert_int_equal(e.set, EXTENSION_PIPELINING | EXTENSION_SIZE | EXTENSION_8BITMIME);
	assert_int_equal(e.size_max, 0);
	assert_int_equal(feed(&reply, "250-mx|250-starttls|250-SIZE 1000|250-SMTPUTF8|250-DSN|"
				      "250-CHUNKING|250-BINARYMIME|250-REQUIRETLS|"
				      "250-STARTTLSX|250-AUTH PLAIN|250 ENHANCEDSTATUSCODES"),
		REPLY_COMPLETE);
	remote_reply_extensions(&reply, &e);
	assert_int_equal(e.size_max, 1000);
	assert_int_equal(e.set, EXTENSION_STARTTLS | EXTENSION_SIZE | EXTENSION_SMTPUTF8 |
					EXTENSION_DSN | EXTENSION_CHUNKING | EXTENSION_BINARYMIME |
					EXTENSION_REQUIRETLS | EXTENSION_ENHANCEDSTATUSCODES);
	assert_int_equal(feed(&reply, "250 STARTTLS"), REPLY_COMPLETE);
	remote_reply_extensions(&reply, &e);
	assert_int_equal(e.set, 0);
	remote_reply_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_is_lines_with_one_code),
		cmocka_unit_test(a_status_code_has_three_numbers),
		cmocka_unit_test(lines_are_kept_as_they_came),
		cmocka_unit_test(an_endless_reply_is_malformed_and_bounded),
		cmocka_unit_test(a_line_that_finds_no_room_is_a_cut),
		cmocka_unit_test(extensions_are_read_from_all_but_the_first_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
