/* SPDX-License-Identifier: ISC
 *
 * test_lines.c - text behind DATA and BDAT, cut into pieces at every place a peer could cut it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "smtpd/limits.h"
#include "smtpd/lines.h"

static struct buf text;

/* Feed one piece; how many octets of it were taken is added to *taken. */
static enum lines_step feed(struct lines *lines, bool dots, struct str piece, size_t *taken)
{
	while (piece.len) {
		struct str run;
		size_t used;
		/* A copy of exact size, so that a read behind its end is seen. */
		char *copy = malloc(piece.len);
		memcpy(copy, piece.at, piece.len);
		enum lines_step step =
			lines_next(lines, dots, (struct str){ copy, piece.len }, &run, &used);
		if (step == LINES_MORE)
			buf_add(&text, run);
		free(copy);
		*taken += used;
		piece = str_tail(piece, used);
		if (step != LINES_MORE)
			return step;
	}
	return LINES_MORE;
}

/* All ways to cut `words` into three pieces end the same way. */
static void expect(
	bool dots, struct str words, enum lines_step wanted, const char *said, size_t taken)
{
	for (size_t i = 0; i <= words.len; i++) {
		for (size_t j = i; j <= words.len; j++) {
			struct lines lines = { 0 };
			size_t n = 0;
			buf_clear(&text);
			enum lines_step step = feed(&lines, dots, str_head(words, i), &n);
			if (step == LINES_MORE)
				step = feed(&lines, dots, str_tail(str_head(words, j), i), &n);
			if (step == LINES_MORE)
				step = feed(&lines, dots, str_tail(words, j), &n);
			assert_int_equal(step, wanted);
			if (wanted == LINES_BARE)
				continue;
			assert_true(str_eq(buf_str(&text), str_of(said)));
			assert_int_equal(n, taken ? taken : words.len);
		}
	}
}

static void dots_come_off_and_one_alone_ends(void **state)
{
	(void)state;
	expect(true, STR("a\r\n.\r\nMAIL"), LINES_END, "a\r\n", 6);
	expect(true, STR(".\r\nQUIT\r\n"), LINES_END, "", 3);
	expect(true, STR("..\r\n...\r\n.x\r\n"), LINES_MORE, ".\r\n..\r\nx\r\n", 0);
	expect(true, STR("\r\n\r\n..\r\n.\r\n"), LINES_END, "\r\n\r\n.\r\n", 0);
	expect(true, STR("a.\r\nb.c\r\n"), LINES_MORE, "a.\r\nb.c\r\n", 0);
}

static void chunks_keep_their_dots(void **state)
{
	(void)state;
	expect(false, STR("a\r\n.\r\n..\r\nb"), LINES_MORE, "a\r\n.\r\n..\r\nb", 0);
}

static void nothing_else_ends_a_message(void **state)
{
	static const char *const bare[] = { "a\n.\r\n", "a\r\n.\n", "a\r.\r\n", "a\r\n.\r\r\n",
		"a\n\r\n", "\n", "\r\r\n", "a\r\n.\r.\r\n", "a\r\n\n.\r\n", ".\n", "..\n" };

	(void)state;
	for (size_t i = 0; i < count_of(bare); i++) {
		expect(true, str_of(bare[i]), LINES_BARE, "", 0);
	}
	expect(false, STR("a\nb"), LINES_BARE, "", 0);
	expect(false, STR("a\rb"), LINES_BARE, "", 0);
}

static void long_lines_are_noticed(void **state)
{
	static char line[LINE_TEXT + 4];
	struct lines lines = { 0 };
	size_t taken = 0;

	(void)state;
	memset(line, 'x', sizeof line);
	memcpy(line + LINE_TEXT, "\r\n", 3);
	assert_int_equal(feed(&lines, true, str_of(line), &taken), LINES_MORE);
	assert_int_equal(feed(&lines, true, str_of(line), &taken), LINES_MORE);
	assert_false(lines.too_long);
	assert_int_equal(feed(&lines, true, str_head(str_of(line), 500), &taken), LINES_MORE);
	assert_int_equal(feed(&lines, true, str_head(str_of(line), 498), &taken), LINES_MORE);
	assert_false(lines.too_long);
	assert_int_equal(feed(&lines, true, STR("x\r\n"), &taken), LINES_MORE);
	assert_true(lines.too_long);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dots_come_off_and_one_alone_ends),
		cmocka_unit_test(chunks_keep_their_dots),
		cmocka_unit_test(nothing_else_ends_a_message),
		cmocka_unit_test(long_lines_are_noticed),
	};

	text = BUF(1 << 20);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_free(&text);
	return failed;
}
