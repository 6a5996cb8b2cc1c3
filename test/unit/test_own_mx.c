/* SPDX-License-Identifier: ISC
 *
 * test_own_mx.c - who the MX of our secure domains are, asked of a resolver that knows local
 * records alone; what the operator reads is a line of the log.
 */
#include "delivery/own_mx.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct str records[] = {
	{ "good.test. 60 IN MX 10 MX.our.test.", 0 },
	{ "two.test. 60 IN MX 10 mx.our.test.", 0 },
	{ "two.test. 60 IN MX 20 mx.elsewhere.test.", 0 },
	{ "two.test. 60 IN MX 30 mx.third.test.", 0 },
	{ "address.test. 60 IN A 192.0.2.1", 0 },
	{ "null.test. 60 IN MX 0 .", 0 },
	{ "text.test. 60 IN TXT \"nothing here\"", 0 },
	{ "mx.our.test. 60 IN MX 10 mx.our.test.", 0 },
};
static struct str zones[] = { { "test. static", 12 } };

static int open_resolver(void **state)
{
	struct resolver_setup setup = {
		.local_records = { records, count_of(records) },
		.local_zones = { zones, count_of(zones) },
	};
	struct why why = { "" };

	for (size_t i = 0; i < count_of(records); i++)
		records[i] = str_of(records[i].at);
	*state = resolver_new(&setup, &why);
	assert_string_equal(why.text, "");
	return 0;
}

static int close_resolver(void **state)
{
	struct resolver *resolver = *state;

	resolver_release(&resolver);
	return 0;
}

/* What the log says about one domain; `text` has room for it. */
static const char *log_of(void **state, const char *secure, const char *host_name)
{
	static char text[4096];
	struct domain_settings domains[] = { { STR("normal.test"), str_of(secure) },
		{ STR("without.test"), STR("") } };
	struct settings settings = { .host_name = str_of(host_name), .domains = { domains, 2 } };
	struct config config = { .settings = &settings, .resolver = *state };
	scoped(fd_close) int log = fd_memfd("log"), before = dup(STDERR_FILENO);

	must(dup2(log, STDERR_FILENO) == STDERR_FILENO);
	own_mx_check(&config);
	must(dup2(before, STDERR_FILENO) == STDERR_FILENO);
	ssize_t n = pread(log, text, sizeof text - 1, 0);
	must(n >= 0);
	text[n] = '\0';
	return text;
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void nothing_is_said_of_a_domain_whose_mx_we_are(void **state)
{
	assert_string_equal(log_of(state, "good.test", "mx.our.test"), "");
	assert_string_equal(log_of(state, "good.test", "mx.our.test."), "");
	assert_string_equal(log_of(state, "good.test", "Mx.Our.Test"), "");
	assert_string_equal(log_of(state, "mx.our.test", "mx.our.test"), "");
}

static void every_other_mx_is_an_alarm(void **state)
{
	const char *text = log_of(state, "two.test", "mx.our.test");

	assert_int_equal(lines_of(text), 2);
	assert_non_null(strstr(
		text, "level=alarm event=foreign-mx domain=two.test host=mx.elsewhere.test\n"));
	assert_non_null(
		strstr(text, "level=alarm event=foreign-mx domain=two.test host=mx.third.test\n"));
	text = log_of(state, "good.test", "our.test");
	assert_int_equal(lines_of(text), 1);
	assert_non_null(strstr(text, "event=foreign-mx domain=good.test host=mx.our.test\n"));
}

static void a_domain_without_an_mx_is_a_warning(void **state)
{
	static const char *const cases[][2] = {
		{ "address.test", "why=\"there is no MX\"" },
		{ "null.test", "why=\"a null MX: it takes no mail\"" },
		{ "text.test", "why=\"no MX names a host\"" },
		{ "nowhere.test", "why=\"there is no such domain\"" },
	};

	for (size_t i = 0; i < count_of(cases); i++) {
		const char *text = log_of(state, cases[i][0], "mx.our.test");

		assert_int_equal(lines_of(text), 1);
		assert_non_null(strstr(text, "level=warning event=mx-unknown"));
		assert_non_null(strstr(text, cases[i][0]));
		assert_non_null(strstr(text, cases[i][1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_said_of_a_domain_whose_mx_we_are),
		cmocka_unit_test(every_other_mx_is_an_alarm),
		cmocka_unit_test(a_domain_without_an_mx_is_a_warning),
	};

	log_open("test", LOG_INFO);
	return cmocka_run_group_tests(tests, open_resolver, close_resolver);
}
