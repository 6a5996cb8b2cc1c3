/* SPDX-License-Identifier: ISC
 *
 * test_base_memory.c - buffers and arenas keep to their maximum.
 */
#include "base/arena.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_buffer_takes_what_fits_and_remembers_what_did_not(void **state)
{
	scoped(buf_free) struct buf b = BUF(10);

	(void)state;
	assert_true(buf_add(&b, STR("12345678")));
	assert_false(buf_add(&b, STR("abc")));
	assert_true(b.overflowed);
	assert_true(str_eq(buf_str(&b), STR("12345678")));
	/* Nothing more, though it would fit: what follows a gap means nothing. */
	assert_false(buf_add_char(&b, 'a'));
	assert_int_equal(b.len, 8);
	buf_clear(&b);
	assert_false(b.overflowed);
	assert_true(buf_add(&b, STR("1234567890")));
	assert_false(buf_add_char(&b, 'a'));
}

static void an_empty_buffer_has_an_empty_view(void **state)
{
	struct buf b = BUF(10);

	(void)state;
	assert_non_null(buf_str(&b).at);
	assert_int_equal(buf_str(&b).len, 0);
	buf_free(&b);
	assert_true(buf_add(&b, STR("again")));
	buf_free(&b);
	assert_int_equal(b.max, 10);
}

static void numbers_and_formats_are_added_whole(void **state)
{
	scoped(buf_free) struct buf b = BUF(100);

	(void)state;
	buf_add_u64(&b, 0);
	buf_add_char(&b, ' ');
	buf_add_u64(&b, UINT64_MAX);
	buf_printf(&b, " %s-%d", "x", -5);
	assert_true(str_eq(buf_str(&b), STR("0 18446744073709551615 x--5")));
}

static void consuming_moves_the_rest_to_the_front(void **state)
{
	scoped(buf_free) struct buf b = BUF(100);

	(void)state;
	buf_add(&b, STR("hello world"));
	buf_consume(&b, 6);
	assert_true(str_eq(buf_str(&b), STR("world")));
	buf_consume(&b, 0);
	buf_consume(&b, 5);
	assert_int_equal(b.len, 0);
}

static void a_buffer_grows_piece_by_piece_to_its_maximum(void **state)
{
	scoped(buf_free) struct buf b = BUF(100000);

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		assert_true(buf_add_char(&b, (char)('a' + i % 26)));
	assert_false(buf_add_char(&b, 'x'));
	assert_int_equal(b.len, 100000);
	assert_true(b.at[99999] == (char)('a' + 99999 % 26));
	assert_true(b.room <= b.max);
}

static void arena_memory_is_zeroed_and_aligned(void **state)
{
	scoped(arena_free) struct arena a = ARENA(1 << 20);

	(void)state;
	for (size_t size = 1; size < 5000; size += 37) {
		char *at = arena_alloc(&a, size);
		assert_non_null(at);
		assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(at[i], 0);
		memset(at, 0xff, size);
	}
	arena_reset(&a);
	const char *again = arena_alloc(&a, 500);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(again[i], 0);
}

static void an_arena_refuses_beyond_its_maximum(void **state)
{
	scoped(arena_free) struct arena a = ARENA(1000);

	(void)state;
	assert_null(arena_alloc(&a, 1001));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 8));
	assert_null(arena_array(&a, SIZE_MAX / 2, 4));
	assert_non_null(arena_alloc(&a, 900));
	assert_null(arena_alloc(&a, 200));
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 900));
}

static void arena_strings_end_with_a_nul_that_is_not_counted(void **state)
{
	scoped(arena_free) struct arena a = ARENA(100);
	char bytes[3] = { 'a', 'b', 'c' };

	(void)state;
	struct str s = arena_str(&a, (struct str){ bytes, 3 });
	assert_int_equal(s.len, 3);
	assert_string_equal(s.at, "abc");
	s = arena_printf(&a, "%d-%s", 5, "x");
	assert_string_equal(s.at, "5-x");
	assert_int_equal(s.len, 3);
	s = arena_printf(&a, "%0200d", 5);
	assert_null(s.at);
	assert_int_equal(s.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_takes_what_fits_and_remembers_what_did_not),
		cmocka_unit_test(an_empty_buffer_has_an_empty_view),
		cmocka_unit_test(numbers_and_formats_are_added_whole),
		cmocka_unit_test(consuming_moves_the_rest_to_the_front),
		cmocka_unit_test(a_buffer_grows_piece_by_piece_to_its_maximum),
		cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
		cmocka_unit_test(an_arena_refuses_beyond_its_maximum),
		cmocka_unit_test(arena_strings_end_with_a_nul_that_is_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
