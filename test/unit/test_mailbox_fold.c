/* SPDX-License-Identifier: ISC
 *
 * test_mailbox_fold.c - what is written and what is typed become the same words, whatever it is.
 */
#include "mailbox/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_folds(const char *text, const char *expected)
{
	scoped(buf_free) struct buf folded = BUF(FOLD_GROWS * 100);

	assert_true(fold_add(&folded, str_of(text)));
	if (!str_eq(buf_str(&folded), str_of(expected)))
		fail_msg("%s became %.*s", text, STR_ARG(buf_str(&folded)));
}

static void one_word_has_one_form(void **state)
{
	(void)state;
	assert_folds("Groß", "gross");
	assert_folds("STRAẞE", "strasse");
	assert_folds("fi\xef\xac\x81n", "fifin");
	assert_folds("u\xcc\x88", "\xc3\xbc");
	assert_folds("\xef\xbc\xa1\xef\xbc\xa2", "ab");
	assert_folds("D\xc4\xb1\xc5\x9f", "di\xc5\x9f");
	assert_folds("ver\xc2\xadteilt\xc3\xbc", "verteilt\xc3\xbc");
	assert_folds("no UTF-8 \xff", "no UTF-8 \xff");
}

/* A code point in UTF-8. */
static size_t encode(unsigned c, char to[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(first[n] | c);
	return n;
}

static void no_letter_grows_beyond_the_limit(void **state)
{
	(void)state;
	char letter[4];

	for (unsigned c = 1; c <= 0x10ffff; c++) {
		struct str text = { letter, encode(c, letter) };
		scoped(buf_free) struct buf folded = BUF(FOLD_GROWS * text.len);

		if (!fold_add(&folded, text))
			fail_msg("U+%04X", c);
	}
}

/* A letter under thousands of marks, which GLib would bring in order one exchange after the other. */
static void marks_beyond_any_script_are_dropped(void **state)
{
	(void)state;
	enum { MANY = 5000 };
	scoped(buf_free) struct buf text = BUF(4 * MANY), folded = BUF(FOLD_GROWS * 4 * MANY);

	buf_add(&text, STR("a"));
	for (int i = 0; i < MANY; i++)
		buf_add(&text, i < MANY / 2 ? STR("\xcd\x85") : STR("\xcc\x96"));
	buf_add(&text, STR("B"));
	assert_true(fold_add(&folded, buf_str(&text)));
	assert_true(folded.len > 2 && folded.len <= 2 + 2 * FOLD_MARKS_MAX);
	assert_int_equal(folded.at[folded.len - 1], 'b');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_word_has_one_form),
		cmocka_unit_test(no_letter_grows_beyond_the_limit),
		cmocka_unit_test(marks_beyond_any_script_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
