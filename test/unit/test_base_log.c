/* SPDX-License-Identifier: ISC
 *
 * test_base_log.c - one event, one line, whatever a peer puts into a value; and times as the
 * standards write them.
 */
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static char line[8192];

/* What the logger writes for one value, behind its time. */
static const char *logged(struct str value)
{
	scoped(fd_close) int to = fd_memfd("log");
	int kept = dup(STDERR_FILENO);

	dup2(to, STDERR_FILENO);
	LOG(LOG_INFO, "test", log_str("value", value));
	dup2(kept, STDERR_FILENO);
	close(kept);
	ssize_t n = pread(to, line, sizeof line - 1, 0);
	line[n > 0 ? n : 0] = '\0';
	const char *found = strstr(line, " role=");
	return found ? found : line;
}

static void plain_values_stand_bare(void **state)
{
	(void)state;
	assert_string_equal(
		logged(STR("<a@b.test>")), " role=unit level=info event=test value=<a@b.test>\n");
}

static void everything_else_is_quoted_and_escaped(void **state)
{
	(void)state;
	assert_non_null(strstr(logged(STR("")), " value=\"\"\n"));
	assert_non_null(strstr(logged(STR("a b")), " value=\"a b\"\n"));
	assert_non_null(strstr(logged(STR("a\"b")), " value=\"a\\22b\"\n"));
	assert_non_null(strstr(logged(STR("a\\b")), " value=\"a\\5cb\"\n"));
	assert_non_null(strstr(logged(STR("a=b")), " value=\"a=b\"\n"));
	assert_non_null(strstr(logged(STR("a\0b")), " value=\"a\\00b\"\n"));
	assert_non_null(strstr(logged(STR("\xc3\xbc")), " value=\"\\c3\\bc\"\n"));
	assert_non_null(strstr(logged(STR("\x1b[31m")), " value=\"\\1b[31m\"\n"));
}

static void no_value_makes_a_second_line(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char value[3] = { 'x', (char)c, 'y' };
		const char *text = logged((struct str){ value, 3 });
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	}
	assert_non_null(strstr(logged(STR("x\r\ntime=0 role=root event=fine")),
		"\"x\\0d\\0atime=0 role=root event=fine\"\n"));
}

static void a_long_value_is_cut(void **state)
{
	char value[5000];

	(void)state;
	memset(value, '\n', sizeof value);
	const char *text = logged((struct str){ value, sizeof value });
	assert_true(strlen(text) < 4096);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void levels_below_the_least_are_dropped(void **state)
{
	enum log_level level;

	(void)state;
	log_open("unit", LOG_WARNING);
	assert_string_equal(logged(STR("x")), "");
	log_open("unit", LOG_INFO);
	assert_true(log_level_of(STR("alarm"), &level));
	assert_int_equal(level, LOG_ALARM);
	assert_false(log_level_of(STR("loud"), &level));
}

static void times_are_written_without_a_locale(void **state)
{
	scoped(buf_free) struct buf b = BUF(100);

	(void)state;
	clock_add_rfc5322(&b, INT64_C(1795455720000));
	assert_true(str_eq(buf_str(&b), STR("Mon, 23 Nov 2026 17:42:00 +0000")));
	buf_clear(&b);
	clock_add_iso8601(&b, INT64_C(951782400000));
	assert_true(str_eq(buf_str(&b), STR("2000-02-29T00:00:00Z")));
}

static void deadlines_pass_and_never_never_does(void **state)
{
	struct deadline past = deadline_in(-5), soon = deadline_in(60000);

	(void)state;
	assert_true(deadline_passed(past));
	assert_int_equal(deadline_poll_ms(past), 0);
	assert_false(deadline_passed(deadline_never()));
	assert_int_equal(deadline_poll_ms(deadline_never()), -1);
	assert_true(deadline_poll_ms(soon) > 0);
	assert_int_equal(deadline_poll_ms(deadline_in(INT64_C(1) << 40)), INT_MAX);
	assert_true(deadline_earlier(soon, deadline_never()).at == soon.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_values_stand_bare),
		cmocka_unit_test(everything_else_is_quoted_and_escaped),
		cmocka_unit_test(no_value_makes_a_second_line),
		cmocka_unit_test(a_long_value_is_cut),
		cmocka_unit_test(levels_below_the_least_are_dropped),
		cmocka_unit_test(times_are_written_without_a_locale),
		cmocka_unit_test(deadlines_pass_and_never_never_does),
	};

	log_open("unit", LOG_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
