/* SPDX-License-Identifier: ISC
 *
 * test_address.c - one mailbox, many spellings, one key.
 */
#include "mail/address.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#define LOCAL64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL63 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct arena arena = { .max = 1 << 20 };

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* Written form, or NULL where it is no address; the key for account look-up. */
static const struct {
	const char *text, *written, *key;
} vectors[] = {
	{ "ada@example.org", "ada@example.org", "ada@example.org" },
	{ "Ada@EXAMPLE.Org", "Ada@example.org", "ada@example.org" },
	{ "ada+shop@example.org", "ada+shop@example.org", "ada@example.org" },
	{ "+ada@example.org", "+ada@example.org", "+ada@example.org" },
	{ "\"ada\"@example.org", "ada@example.org", "ada@example.org" },
	{ "\"a\\d\\a\"@example.org", "ada@example.org", "ada@example.org" },
	{ "\"Ada+x y\"@example.org", "\"Ada+x y\"@example.org", "ada@example.org" },
	{ "\"ada \"@example.org", "\"ada \"@example.org", "ada @example.org" },
	{ "\"a\\\"b\\\\c\"@x.y", "\"a\\\"b\\\\c\"@x.y", "a\"b\\c@x.y" },
	{ "\"a@b\"@x.y", "\"a@b\"@x.y", "a@b@x.y" },
	{ "\"a..b\"@x.y", "\"a..b\"@x.y", "a..b@x.y" },
	{ "a.b.c@x.y", "a.b.c@x.y", "a.b.c@x.y" },
	{ "!#$%&'*+-/=?^_`{|}~@x.y", "!#$%&'*+-/=?^_`{|}~@x.y", "!#$%&'*@x.y" },
	{ "a@localhost", "a@localhost", "a@localhost" },
	{ "a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example" },
	{ "a@b\xc3\xbc"
	  "cher.example",
		"a@xn--bcher-kva.example", "a@xn--bcher-kva.example" },
	{ "a@B\xc3\x9c"
	  "CHER.example",
		"a@xn--bcher-kva.example", "a@xn--bcher-kva.example" },
	{ "a@bu\xcc\x88"
	  "cher.example",
		"a@xn--bcher-kva.example", "a@xn--bcher-kva.example" },
	/* Full-width letters and the ideographic full stop are the ASCII domain. */
	{ "a@\xef\xbd\x93"
	  "ecure\xe3\x80\x82"
	  "example.test",
		"a@secure.example.test", "a@secure.example.test" },
	{ "\xc3\xa4@x.y", "\xc3\xa4@x.y", "\xc3\xa4@x.y" },
	{ "\"\xc3\xa4 \"@x.y", "\"\xc3\xa4 \"@x.y", "\xc3\xa4 @x.y" },
	{ "a@[192.0.2.1]", "a@[192.0.2.1]", "a@[192.0.2.1]" },
	{ "a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]", "a@[ipv6:2001:db8::1]" },
	{ LOCAL64 "@x.y", LOCAL64 "@x.y", LOCAL64 "@x.y" },
	{ "a@" LABEL63 ".y", "a@" LABEL63 ".y", "a@" LABEL63 ".y" },
	/* 254 octets in all: a@ + 3 * 64 + 60 */
	{ "a@" LABEL63 "." LABEL63 "." LABEL63
	  ".cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
		"a@" LABEL63 "." LABEL63 "." LABEL63
		".cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
		"a@" LABEL63 "." LABEL63 "." LABEL63
		".cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc" },
	{ "a@" LABEL63 "." LABEL63 "." LABEL63
	  ".ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
		NULL, NULL },
	{ "a" LOCAL64 "@x.y", NULL, NULL },
	{ "a@b" LABEL63 ".y", NULL, NULL },
	{ "", NULL, NULL },
	{ "ada", NULL, NULL },
	{ "@x.y", NULL, NULL },
	{ "ada@", NULL, NULL },
	{ "a@b@x.y", NULL, NULL },
	{ ".a@x.y", NULL, NULL },
	{ "a.@x.y", NULL, NULL },
	{ "a..b@x.y", NULL, NULL },
	{ "a b@x.y", NULL, NULL },
	{ "a@x y", NULL, NULL },
	{ "a@x.y ", NULL, NULL },
	{ " a@x.y", NULL, NULL },
	{ "a@.x", NULL, NULL },
	{ "a@x.", NULL, NULL },
	{ "a@x..y", NULL, NULL },
	{ "a@-x.y", NULL, NULL },
	{ "a@x-.y", NULL, NULL },
	{ "a@x_y.z", NULL, NULL },
	{ "\"\"@x.y", NULL, NULL },
	{ "\"a@x.y", NULL, NULL },
	{ "\"a\"b@x.y", NULL, NULL },
	{ "\"a\r\"@x.y", NULL, NULL },
	{ "\"a\\\n\"@x.y", NULL, NULL },
	{ "\"a\tb\"@x.y", NULL, NULL },
	{ "a\x01@x.y", NULL, NULL },
	{ "\xff@x.y", NULL, NULL },
	{ "\xc3@x.y", NULL, NULL },
	{ "a@\xff.y", NULL, NULL },
	{ "a@[192.0.2.256]", NULL, NULL },
	{ "a@[192.0.2.1", NULL, NULL },
	{ "a@[2001:db8::1]", NULL, NULL },
	{ "a@[IPv6:zz]", NULL, NULL },
	{ "a@[]", NULL, NULL },
	{ "a@[x.y]", NULL, NULL },
	{ "<a@x.y>", NULL, NULL },
	{ "a@x.y>", NULL, NULL },
	{ "a(comment)@x.y", NULL, NULL },
};

static void every_spelling_is_written_and_looked_up_in_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(vectors); i++) {
		struct address a;
		if (address_parse(str_of(vectors[i].text), &arena, &a) != !!vectors[i].written)
			fail_msg("row %zu: %s", i, vectors[i].text);
		if (!vectors[i].written)
			continue;
		assert_string_equal(address_text(&arena, &a).at, vectors[i].written);
		assert_string_equal(address_key(&arena, &a).at, vectors[i].key);
	}
}

static void a_written_address_parses_back_to_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(vectors); i++) {
		struct address a, b;
		if (!address_parse(str_of(vectors[i].text), &arena, &a))
			continue;
		assert_true(address_parse(address_text(&arena, &a), &arena, &b));
		assert_true(str_eq(a.local, b.local) && str_eq(a.domain, b.domain));
		assert_int_equal(a.literal, b.literal);
	}
}

static void a_nul_is_never_part_of_an_address(void **state)
{
	struct address a;

	(void)state;
	assert_false(address_parse(STR("a\0b@x.y"), &arena, &a));
	assert_false(address_parse(STR("\"a\0b\"@x.y"), &arena, &a));
	assert_false(address_parse(STR("a@x\0.y"), &arena, &a));
	assert_false(address_parse(STR("a@\xc3\xbc\0.y"), &arena, &a));
	assert_false(address_parse(STR("a@[192.0.2.1\0]"), &arena, &a));
}

/* `left`: what remains behind the path; NULL: refused. */
static const struct {
	const char *text;
	enum address_path kind;
	const char *written, *left;
} paths[] = {
	{ "<a@x.y>", PATH_REVERSE, "a@x.y", "" },
	{ "<a@x.y> SIZE=1", PATH_REVERSE, "a@x.y", " SIZE=1" },
	{ "<>", PATH_REVERSE, "", "" },
	{ "<>", PATH_FORWARD, NULL, NULL },
	{ "<Postmaster>", PATH_FORWARD, "postmaster", "" },
	{ "<POSTMASTER> X", PATH_FORWARD, "postmaster", " X" },
	{ "<Postmaster>", PATH_REVERSE, NULL, NULL },
	{ "<ada>", PATH_FORWARD, NULL, NULL },
	{ "<@r.s:a@x.y>", PATH_FORWARD, "a@x.y", "" },
	{ "<@r.s,@t.u:a@x.y>", PATH_REVERSE, "a@x.y", "" },
	{ "<@r.s,t.u:a@x.y>", PATH_FORWARD, NULL, NULL },
	{ "<@r.s a@x.y>", PATH_FORWARD, NULL, NULL },
	{ "<@:a@x.y>", PATH_FORWARD, NULL, NULL },
	{ "<\"a>b\"@x.y>", PATH_FORWARD, "\"a>b\"@x.y", "" },
	{ "<a@[192.0.2.1]>", PATH_FORWARD, "a@[192.0.2.1]", "" },
	{ "<a@x.y", PATH_FORWARD, NULL, NULL },
	{ "a@x.y", PATH_FORWARD, NULL, NULL },
	{ "< a@x.y>", PATH_FORWARD, NULL, NULL },
	{ "<a@x.y >", PATH_FORWARD, NULL, NULL },
	{ "<a@x.y>>", PATH_FORWARD, "a@x.y", ">" },
	{ "<<a@x.y>>", PATH_FORWARD, NULL, NULL },
	{ "", PATH_FORWARD, NULL, NULL },
	{ "<", PATH_REVERSE, NULL, NULL },
};

static void a_path_is_read_and_its_route_ignored(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(paths); i++) {
		struct str rest = str_of(paths[i].text);
		struct address a;
		if (address_parse_path(&rest, paths[i].kind, &arena, &a) != !!paths[i].written)
			fail_msg("row %zu: %s", i, paths[i].text);
		if (!paths[i].written) {
			assert_true(str_eq(rest, str_of(paths[i].text)));
			continue;
		}
		assert_string_equal(address_text(&arena, &a).at, paths[i].written);
		assert_true(str_eq(rest, str_of(paths[i].left)));
	}
}

static void a_domain_is_compared_in_a_labels(void **state)
{
	struct str domain;
	struct address a;

	(void)state;
	assert_true(address_domain(STR("Secure.B\xc3\xbc"
				       "cher.example"),
		&arena, &domain));
	assert_true(address_parse(STR("ada@SECURE.xn--BCHER-kva.example"), &arena, &a));
	assert_true(str_eq(a.domain, domain));
	assert_true(address_parse(STR("ada@xsecure.xn--bcher-kva.example"), &arena, &a));
	assert_false(str_eq(a.domain, domain));
	assert_false(address_domain(STR(""), &arena, &domain));
	assert_false(address_domain(STR("a b"), &arena, &domain));
	assert_true(str_eq(address_domain_part(STR("\"a@b\"@x.y")), STR("x.y")));
	assert_int_equal(address_domain_part(STR("")).len, 0);
}

static void only_the_local_part_needs_smtputf8(void **state)
{
	struct address a;

	(void)state;
	assert_true(address_parse(STR("\xc3\xa4@x.y"), &arena, &a));
	assert_true(str_has_8bit(a.local));
	assert_true(address_parse(STR("a@\xc3\xa4.y"), &arena, &a));
	assert_false(str_has_8bit(address_text(&arena, &a)));
}

static void a_full_arena_is_a_refusal(void **state)
{
	struct arena small = ARENA(16);
	struct address a;

	(void)state;
	assert_false(address_parse(STR("ada.lovelace.countess@example.org"), &small, &a));
	arena_free(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_is_written_and_looked_up_in_one_form),
		cmocka_unit_test(a_written_address_parses_back_to_itself),
		cmocka_unit_test(a_nul_is_never_part_of_an_address),
		cmocka_unit_test(a_path_is_read_and_its_route_ignored),
		cmocka_unit_test(a_domain_is_compared_in_a_labels),
		cmocka_unit_test(only_the_local_part_needs_smtputf8),
		cmocka_unit_test(a_full_arena_is_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, give_back);
}
