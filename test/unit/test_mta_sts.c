/* SPDX-License-Identifier: ISC
 *
 * test_mta_sts.c - MTA-STS as text: which record counts, which policy is one, and which MX names
 * it lists (RFC 8461 3.1, 3.2, 4.1).
 */
#include "mail/mta_sts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena = { .max = STS_ARENA_MAX };

static int reset(void **state)
{
	(void)state;
	arena_reset(&arena);
	return 0;
}

/* Each row is all TXT records of the name; NULL as id: no policy. */
static const struct {
	const char *records[3];
	const char *id;
} records[] = {
	{ { "v=STSv1; id=20261125T120000;" }, "20261125T120000" },
	{ { "v=STSv1;id=1" }, "1" },
	{ { "v=STSv1 ;\tid=1 ; " }, "1" },
	{ { "v=STSv1; id=12345678901234567890123456789012" }, "12345678901234567890123456789012" },
	{ { "v=STSv1; id=123456789012345678901234567890123" }, NULL },
	{ { "v=STSv1; other=x:y; id=1" }, "1" },
	{ { "v=STSv1; id=1; id=2" }, "1" },
	{ { "v=STSv1; id=Aa1" }, "Aa1" },
	{ { "v=spf1 -all", "v=STSv1; id=1;", "hello" }, "1" },
	{ { "v=STSv10; id=9", "v=STSv1; id=1" }, "1" },
	{ { "v=stsv1; id=9", "v=STSv1; id=1" }, "1" },
	{ { " v=STSv1; id=9", "v=STSv1; id=1" }, "1" },
	{ { "v=STSv1; id=1", "v=STSv1; id=1" }, NULL },
	{ { "v=STSv1; id=1", "v=STSv1; id=" }, NULL },
	{ { "v=STSv1" }, NULL },
	{ { "v=STSv1;" }, NULL },
	{ { "v=STSv1; id" }, NULL },
	{ { "v=STSv1; id=" }, NULL },
	{ { "v=STSv1; id=1-2" }, NULL },
	{ { "v=STSv1; id=1 2" }, NULL },
	{ { "v=STSv1; ID=1" }, NULL },
	{ { "v=STSv1;; id=1" }, NULL },
	{ { "v=STSv1; id=1; =x" }, NULL },
	{ { "v=STSv1; id=1; a=\x01" }, NULL },
	{ { "v=STSv1; id=\xc3\xa4" }, NULL },
	{ { "" }, NULL },
	{ { NULL }, NULL },
};

static void exactly_one_record_counts_and_its_id_is_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(records); i++) {
		struct str all[3], id;
		size_t n = 0;
		for (; n < 3 && records[i].records[n]; n++)
			all[n] = str_of(records[i].records[n]);
		bool good = sts_record_read(all, n, &id);
		if (good != (records[i].id != NULL) || (good && !str_eq(id, str_of(records[i].id))))
			fail_msg("row %zu: %s", i, records[i].records[0]);
	}
}

static bool reads(struct str text, struct sts_policy *policy)
{
	struct why why;

	arena_reset(&arena);
	return sts_policy_read(text, &arena, policy, &why);
}

#define REST "max_age: 86400\nmx: a.test\n"

static const struct {
	const char *text;
	bool good;
	enum sts_mode mode;
	unsigned max_age, patterns;
} policies[] = {
	{ "version: STSv1\nmode: enforce\nmx: mail.a.test\nmx: *.b.test\nmax_age: 604800\n", true,
		STS_MODE_ENFORCE, 604800, 2 },
	{ "version: STSv1\r\nmode: testing\r\nmx: a.test\r\nmax_age: 1", true, STS_MODE_TESTING, 1,
		1 },
	{ "max_age:0\nmx:a.test\nmode:none\nversion:STSv1", true, STS_MODE_NONE, 0, 1 },
	{ "version: STSv1\nmode: none\nmax_age: 1\n", true, STS_MODE_NONE, 1, 0 },
	{ "version: STSv1 \t\nmode:\tenforce \n" REST, true, STS_MODE_ENFORCE, 86400, 1 },
	{ "\r\nversion: STSv1\n\n \nmode: enforce\n" REST "\n\n", true, STS_MODE_ENFORCE, 86400,
		1 },
	{ "version: STSv1\nmode: enforce\nfuture: x: \xc3\xa4\x01\n" REST, true, STS_MODE_ENFORCE,
		86400, 1 },
	/* The first of two counts, even where the second is none. */
	{ "version: STSv1\nmode: testing\nmode: enforce\nmode: x\nmax_age: 5\nversion: "
	  "STSv2\n" REST,
		true, STS_MODE_TESTING, 5, 1 },
	{ "version: STSv1\nmode: enforce\nmax_age: 31557600\nmx: a.test", true, STS_MODE_ENFORCE,
		31557600, 1 },
	{ "version: STSv1\nmode: enforce\nmax_age: 9999999999\nmx: a.test", true, STS_MODE_ENFORCE,
		31557600, 1 },
	{ "version: STSv1\nmode: enforce\nmax_age: 99999999999\nmx: a.test", .good = false },
	{ "version: STSv1\nmode: enforce\nmax_age: -1\nmx: a.test", .good = false },
	{ "version: STSv1\nmode: enforce\nmax_age: 1d\nmx: a.test", .good = false },
	{ "version: STSv1\nmode: enforce\nmax_age:\nmx: a.test", .good = false },
	{ "version: STSv1\nmode: enforce\nmx: a.test", .good = false },
	{ "version: STSv1\nmode: enforce\nmax_age: 1\n", .good = false },
	{ "version: STSv1\nmode: testing\nmax_age: 1\n", .good = false },
	{ "version: STSv1\n" REST, .good = false },
	{ "mode: enforce\n" REST, .good = false },
	{ "version: STSv2\nmode: enforce\n" REST, .good = false },
	{ "version: STSv2\nversion: STSv1\nmode: enforce\n" REST, .good = false },
	{ "version: stsv1\nmode: enforce\n" REST, .good = false },
	{ "Version: STSv1\nmode: enforce\n" REST, .good = false },
	{ "version : STSv1\nmode: enforce\n" REST, .good = false },
	{ "version: STSv1\nmode: Enforce\n" REST, .good = false },
	{ "version: STSv1\nmode: enforce, testing\n" REST, .good = false },
	{ "version: STSv1\nmode: enforce\nmx a.test\n" REST, .good = false },
	{ "version: STSv1\rmode: enforce\r" REST, .good = false },
	{ "<html><body>not found</body></html>", .good = false },
	{ "", .good = false },
};

static void a_policy_has_all_its_keys_once(void **state)
{
	struct sts_policy policy;

	(void)state;
	for (size_t i = 0; i < count_of(policies); i++) {
		bool good = reads(str_of(policies[i].text), &policy);
		if (good != policies[i].good)
			fail_msg("row %zu is %staken: %s", i, good ? "" : "not ", policies[i].text);
		if (!good)
			continue;
		assert_int_equal(policy.mode, policies[i].mode);
		assert_int_equal(policy.max_age, policies[i].max_age);
		assert_int_equal(policy.n_patterns, policies[i].patterns);
	}
}

static bool pattern_is_taken(const char *pattern)
{
	struct sts_policy policy;
	char text[400];

	snprintf(text, sizeof text, "version: STSv1\nmode: enforce\nmax_age: 1\nmx: %s\n", pattern);
	return reads(str_of(text), &policy);
}

static void a_pattern_is_a_name_in_a_labels_or_one_wildcard_before_it(void **state)
{
	static const char *const good[] = { "a", "a.test", "A.Test", "a.test.", "*.a.test",
		"*.xn--bcher-kva.test", "mx_1.a.test", "1.a.test" };
	static const char *const bad[] = { "", ".", ".a.test", "*", "*.", "*a.test", "a*.test",
		"a.*.test", "*.*.test", "**.test", "a..test", "a.test..",
		"b\xc3\xbc"
		"cher.test",
		"a.test b.test", "a.test,b.test", "https://a.test", "[192.0.2.1]", "a.test:25",
		"a123456789012345678901234567890123456789012345678901234567890123.test" };

	(void)state;
	for (size_t i = 0; i < count_of(good); i++)
		if (!pattern_is_taken(good[i]))
			fail_msg("not taken: %s", good[i]);
	for (size_t i = 0; i < count_of(bad); i++)
		if (pattern_is_taken(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

static void a_wildcard_stands_for_exactly_one_label(void **state)
{
	static const struct {
		const char *host;
		bool listed;
	} hosts[] = {
		{ "mail.a.test", true },
		{ "MAIL.a.test", true },
		{ "mail2.a.test", false },
		{ "a.test", false },
		{ "x.mail.a.test", false },
		{ "mx.b.test", true },
		{ "MX.B.TEST", true },
		{ "b.test", false },
		{ "x.mx.b.test", false },
		{ ".b.test", false },
		{ "mxb.test", false },
		{ "xn--mx-xka.b.test", true },
		{ "mx.xn--bcher-kva.test", true },
		{ "mx.b\xc3\xbc"
		  "cher.test",
			false },
		{ "test", false },
		{ "", false },
	};
	struct sts_policy policy;

	(void)state;
	assert_true(reads(STR("version: STSv1\nmode: enforce\nmax_age: 1\nmx: Mail.A.test\n"
			      "mx: *.b.test\nmx: *.XN--bcher-kva.test.\n"),
		&policy));
	for (size_t i = 0; i < count_of(hosts); i++)
		if (sts_policy_lists(&policy, str_of(hosts[i].host)) != hosts[i].listed)
			fail_msg("%s", hosts[i].host);
}

static void the_largest_text_fits_and_a_larger_one_is_none(void **state)
{
	static char text[STS_TEXT_MAX + 1];
	static const char head[] = "version: STSv1\nmode: enforce\nmax_age: 1\n";
	struct sts_policy policy;
	size_t n = sizeof head - 1;

	(void)state;
	memcpy(text, head, n);
	for (; n + 5 <= STS_TEXT_MAX; n += 5)
		memcpy(text + n, "mx:a\n", 5);
	memset(text + n, '\n', sizeof text - n);
	assert_true(reads((struct str){ text, STS_TEXT_MAX }, &policy));
	assert_true(policy.n_patterns > 13000 && sts_policy_lists(&policy, STR("a")));
	assert_false(reads((struct str){ text, STS_TEXT_MAX + 1 }, &policy));
}

static void a_text_ends_where_it_ends(void **state)
{
	static const char text[] =
		"version: STSv1\r\nmode: enforce\r\nmax_age: 86400\r\nmx: *.a.test";
	struct sts_policy policy;

	(void)state;
	/* Every beginning, in memory of exactly its size. */
	for (size_t n = 0; n < sizeof text - 1; n++) {
		char *part = malloc(n + !n);
		memcpy(part, text, n);
		bool good = reads((struct str){ part, n }, &policy);
		free(part);
		assert_true(!good || n > sizeof text - sizeof "*.a.test");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_one_record_counts_and_its_id_is_well_formed),
		cmocka_unit_test(a_policy_has_all_its_keys_once),
		cmocka_unit_test(a_pattern_is_a_name_in_a_labels_or_one_wildcard_before_it),
		cmocka_unit_test(a_wildcard_stands_for_exactly_one_label),
		cmocka_unit_test(the_largest_text_fits_and_a_larger_one_is_none),
		cmocka_unit_test(a_text_ends_where_it_ends),
	};
	int failed = cmocka_run_group_tests(tests, reset, NULL);

	arena_free(&arena);
	return failed;
}
