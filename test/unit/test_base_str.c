/* SPDX-License-Identifier: ISC
 *
 * test_base_str.c - views of bytes, at their edges.
 */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void equality_without_case_is_ascii_only(void **state)
{
	(void)state;
	assert_true(str_eq_nocase(STR("EXAMPLE.org"), STR("example.ORG")));
	assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4")));
	assert_false(str_eq_nocase(STR("["), STR("{")));
	assert_false(str_eq(STR("a"), STR("A")));
	assert_true(str_eq(STR(""), str_of(NULL)));
	assert_true(str_starts_nocase(STR("MAIL FROM"), STR("mail")));
	assert_false(str_starts(STR("ma"), STR("mail")));
	assert_true(str_ends_nocase(STR("a.EXAMPLE"), STR(".example")));
	assert_false(str_ends_nocase(STR("e"), STR("ee")));
}

static void order_is_by_bytes_then_length(void **state)
{
	(void)state;
	assert_true(str_compare(STR("a"), STR("b")) < 0);
	assert_true(str_compare(STR("a"), STR("ab")) < 0);
	assert_true(str_compare(STR("ab"), STR("a")) > 0);
	assert_true(str_compare(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_compare(STR(""), STR("")), 0);
}

static void finding_says_where_or_the_end(void **state)
{
	(void)state;
	assert_int_equal(str_find(STR("a@b@c"), '@'), 1);
	assert_int_equal(str_find_last(STR("a@b@c"), '@'), 3);
	assert_int_equal(str_find(STR("abc"), '@'), 3);
	assert_int_equal(str_find_last(STR(""), '@'), 0);
	assert_int_equal(str_find_str(STR("xxab"), STR("ab")), 2);
	assert_int_equal(str_find_str(STR("xxab"), STR("abc")), 4);
	assert_int_equal(str_find_str(STR(""), STR("a")), 0);
}

static void cutting_takes_a_piece_at_a_time(void **state)
{
	struct str rest = STR("a,,b");

	(void)state;
	assert_true(str_eq(str_cut(&rest, ','), STR("a")));
	assert_true(str_eq(str_cut(&rest, ','), STR("")));
	assert_true(str_eq(str_cut(&rest, ','), STR("b")));
	assert_int_equal(rest.len, 0);
	assert_int_equal(str_cut(&rest, ',').len, 0);
	assert_true(str_eq(str_trim(STR(" \t a b\r\n")), STR("a b")));
	assert_int_equal(str_trim(STR(" \r\n")).len, 0);
	assert_int_equal(str_head(STR("abc"), 9).len, 3);
	assert_int_equal(str_tail(STR("abc"), 9).len, 0);
}

static void utf8_is_cut_between_characters(void **state)
{
	const struct str text = STR("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
			 stray = STR("\x80\x80\x80\x80\x80");

	(void)state;
	for (size_t n = 0; n <= text.len + 1; n++) {
		struct str head = str_head_utf8(text, n);

		assert_true(str_is_utf8(head) && head.len <= n);
		assert_true(head.len == text.len || head.len + 4 > n);
	}
	assert_int_equal(str_head_utf8(text, text.len).len, text.len);
	assert_int_equal(str_head_utf8(text, 9).len, 6);
	assert_int_equal(str_head_utf8(stray, 4).len, 4);
	assert_int_equal(str_head_utf8(STR(""), 4).len, 0);
}

static void a_hex_digit_has_a_value_in_either_case(void **state)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	int n = 0;

	(void)state;
	for (size_t i = 0; digits[i]; i++)
		assert_int_equal(ascii_hex_value(digits[i]), i % 16);
	for (int c = 0; c < 256; c++)
		n += ascii_hex_value((char)c) >= 0;
	assert_int_equal(n, 22);
}

static void numbers_are_digits_without_overflow(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_true(str_to_u64(STR("18446744073709551615"), &n));
	assert_true(n == UINT64_MAX);
	n = 7;
	assert_false(str_to_u64(STR("18446744073709551616"), &n));
	assert_false(str_to_u64(STR("99999999999999999999999"), &n));
	assert_false(str_to_u64(STR(""), &n));
	assert_false(str_to_u64(STR("-1"), &n));
	assert_false(str_to_u64(STR("+1"), &n));
	assert_false(str_to_u64(STR(" 1"), &n));
	assert_false(str_to_u64(STR("1x"), &n));
	assert_int_equal(n, 7);
	assert_true(str_to_u64(STR("007"), &n));
	assert_int_equal(n, 7);
}

static void utf8_is_the_strict_kind(void **state)
{
	(void)state;
	assert_true(str_is_utf8(STR("")));
	assert_true(str_is_utf8(STR("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\xa7")));
	assert_true(str_is_utf8(STR("\xf4\x8f\xbf\xbf")));
	assert_false(str_is_utf8(STR("\xc0\x80")));
	assert_false(str_is_utf8(STR("\xe0\x9f\xbf")));
	assert_false(str_is_utf8(STR("\xed\xa0\x80")));
	assert_false(str_is_utf8(STR("\xf4\x90\x80\x80")));
	assert_false(str_is_utf8(STR("\xe2\x82")));
	assert_false(str_is_utf8(STR("\x80")));
	assert_false(str_is_utf8(STR("\xe2\x82x")));
	assert_true(str_has_8bit(STR("a\x80")));
	assert_false(str_has_8bit(STR("a\x7f")));
}

static void a_hex_number_has_lower_case_digits_alone(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_false(str_hex_to_u64(STR(""), &n));
	assert_false(str_hex_to_u64(STR("00062C1A2B3C4D5E"), &n));
	assert_false(str_hex_to_u64(STR("0x1"), &n));
	assert_false(str_hex_to_u64(STR("1g"), &n));
	assert_false(str_hex_to_u64(STR("1\0"), &n));
	assert_false(str_hex_to_u64(STR("10000000000000000"), &n));
	assert_true(n == 7);
	assert_true(str_hex_to_u64(STR("ffffffffffffffff"), &n) && n == UINT64_MAX);
	assert_true(str_hex_to_u64(STR("00062c1a2b3c4d5e"), &n) && n == 0x00062c1a2b3c4d5e);
}

static void a_hash_ignores_case(void **state)
{
	(void)state;
	assert_true(str_hash_nocase(STR("Ada")) == str_hash_nocase(STR("aDA")));
	assert_true(str_hash_nocase(STR("ada")) != str_hash_nocase(STR("adb")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_without_case_is_ascii_only),
		cmocka_unit_test(order_is_by_bytes_then_length),
		cmocka_unit_test(finding_says_where_or_the_end),
		cmocka_unit_test(cutting_takes_a_piece_at_a_time),
		cmocka_unit_test(utf8_is_cut_between_characters),
		cmocka_unit_test(a_hex_digit_has_a_value_in_either_case),
		cmocka_unit_test(numbers_are_digits_without_overflow),
		cmocka_unit_test(utf8_is_the_strict_kind),
		cmocka_unit_test(a_hex_number_has_lower_case_digits_alone),
		cmocka_unit_test(a_hash_ignores_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
