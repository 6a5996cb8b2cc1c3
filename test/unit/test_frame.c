/* SPDX-License-Identifier: ISC
 *
 * test_frame.c - the header of a call, and what a hostile one may try.
 */
#include "call/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_frame_says_its_call_and_length(void **state)
{
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + FRAME_MAX);
	enum call call;
	size_t length;

	(void)state;
	for (int i = 0; i < CALLS_N; i++) {
		frame_begin(&frame, (enum call)i);
		buf_add(&frame, STR("hello"));
		assert_true(frame_end(&frame));
		assert_true(frame_header(buf_str(&frame), &call, &length));
		assert_int_equal(call, i);
		assert_int_equal(length, 5);
	}
}

static void a_frame_over_the_limit_is_not_ended(void **state)
{
	scoped(buf_free) struct buf frame = BUF(FRAME_HEADER + 4);
	scoped(buf_free) struct buf large = BUF(FRAME_HEADER + FRAME_MAX + 100);

	(void)state;
	frame_begin(&frame, CALL_login);
	buf_add(&frame, STR("hello"));
	assert_false(frame_end(&frame));
	frame_begin(&large, CALL_login);
	assert_non_null(buf_reserve(&large, FRAME_MAX + 1));
	large.len += FRAME_MAX + 1;
	assert_false(frame_end(&large));
	large.len--;
	assert_true(frame_end(&large));
}

static bool is_header(const char *bytes, size_t n)
{
	enum call call;
	size_t length;

	return frame_header((struct str){ bytes, n }, &call, &length);
}

static void a_header_that_is_none_is_refused(void **state)
{
	char good[FRAME_HEADER] = { 'S', 'g', 'l', '1', 0, 0, 0, 0, 5, 0, 0, 0 };
	char bad[FRAME_HEADER];

	(void)state;
	assert_true(is_header(good, sizeof good));
	assert_false(is_header(good, sizeof good - 1));
	assert_false(is_header("", 0));
	memcpy(bad, good, sizeof bad);
	bad[0] = 'X';
	assert_false(is_header(bad, sizeof bad));
	memcpy(bad, good, sizeof bad);
	bad[4] = CALLS_N;
	assert_false(is_header(bad, sizeof bad));
	memcpy(bad, good, sizeof bad);
	bad[7] = (char)0x80;
	assert_false(is_header(bad, sizeof bad));
}

static void a_length_beyond_the_limit_is_refused(void **state)
{
	char most[FRAME_HEADER] = { 'S', 'g', 'l', '1', 0, 0, 0, 0, 0, 0, (char)0x80, 0 };
	char more[FRAME_HEADER] = { 'S', 'g', 'l', '1', 0, 0, 0, 0, 1, 0, (char)0x80, 0 };
	char all[FRAME_HEADER] = { 'S', 'g', 'l', '1', 0, 0, 0, 0, -1, -1, -1, -1 };

	(void)state;
	assert_true(is_header(most, sizeof most));
	assert_false(is_header(more, sizeof more));
	assert_false(is_header(all, sizeof all));
}

static void every_call_has_somebody_who_may_ask_it(void **state)
{
	(void)state;
	for (int i = 0; i < CALLS_N; i++) {
		assert_true(call_rules[i].who != 0);
		/* The store serves calls and asks none. */
		assert_false(call_rules[i].who & ROLE_STORE);
	}
	assert_int_equal(call_rules[CALL_accept].who, ROLE_SMTPD);
	assert_int_equal(call_rules[CALL_user_add].who, ROLE_CTL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_says_its_call_and_length),
		cmocka_unit_test(a_frame_over_the_limit_is_not_ended),
		cmocka_unit_test(a_header_that_is_none_is_refused),
		cmocka_unit_test(a_length_beyond_the_limit_is_refused),
		cmocka_unit_test(every_call_has_somebody_who_may_ask_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
