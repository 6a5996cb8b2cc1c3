/* SPDX-License-Identifier: ISC
 *
 * test_resolve_dane.c - the DNS side of DANE: what a route says of each host, from answers written
 * down here. Stands in for net/question.h. A name without a line doesn't exist, validated; what
 * was asked is noted, for not asking is a promise too. That libunbound gives such answers is for
 * the lab to show.
 */
#include "net/question.h"

#include "base/must.h"
#include "net/lookup.h"
#include "net/self_test.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIGNED = true, UNSIGNED = false, RECORDS = 4 };

#define DIGEST	"0123456789abcdef0123456789ABCDEF"
#define EE	"\3\1\1" DIGEST
#define PKIX	"\1\1\1" DIGEST
#define V4	"\300\0\2\1"
#define V6	"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define LETTERS "a23456789012345678901234567890123456789012345678901234567890123"
#define LABEL	LETTERS "."
/* A record; its length is that of the literal, NULs within included. */
#define BYTES(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

/* One answer of the world. */
struct line {
	const char *name;
	int type;
	enum answer_kind kind;
	bool validated;
	const char *canonical;
	int ttl; /* seconds; 0: 300 */
	struct str records[RECORDS];
};

struct question {
	const struct line *line;
	struct str name;
	int type;
};

struct dns_context {
	bool wrong_anchor;
};

static const struct line *world;
static char asked[4000]; /* "NAME TYPE\n" for each */
static int open_questions;
static size_t flood;		     /* so often the second MX record stands there */
static struct deadline waited_until; /* of the last wait */

struct dns_context *dns_context_new(
	const struct resolver_setup *setup, bool shared, struct why *why)
{
	struct dns_context *context = must_alloc(sizeof *context);

	(void)shared;
	(void)why;
	context->wrong_anchor = str_find_str(setup->anchor, STR("dead")) < setup->anchor.len;
	return context;
}

void dns_context_free(struct dns_context **context)
{
	free(*context);
	*context = NULL;
}

struct question *question_ask(struct dns_context *context, struct str name, int type)
{
	static const struct line missing = { .kind = ANSWER_NO_NAME, .validated = true };
	struct question *q = must_alloc(sizeof *q);
	size_t used = strlen(asked);

	q->line = &missing;
	q->type = type;
	snprintf(asked + used, sizeof asked - used, "%.*s %d\n", STR_ARG(name), type);
	if (context->wrong_anchor)
		name = STR("wrong anchor");
	for (const struct line *line = world; line->name; line++)
		if (line->type == type && str_eq(name, str_of(line->name)))
			q->line = line;
	open_questions++;
	return q;
}

struct answer question_wait(struct question *q, struct deadline deadline)
{
	const struct line *line = q->line;
	int ttl = line->ttl ? line->ttl : 300;
	struct answer answer = {
		.kind = line->kind,
		.ttl_ms = (int64_t)ttl * SECOND,
		.aliased = line->canonical != NULL,
		.canonical = str_of(line->canonical),
		.result = (const struct ub_result *)(const void *)line,
	};

	waited_until = deadline;
	answer.validated = line->validated && !answer_failed(&answer);
	return answer;
}

struct str answer_record(const struct answer *answer, size_t n)
{
	const struct line *line = (const struct line *)(const void *)answer->result;

	if (line->type == TYPE_MX && n > 0 && n <= flood)
		return line->records[1];
	return n < RECORDS ? line->records[n] : (struct str){ NULL, 0 };
}

void question_end(struct question **question)
{
	open_questions -= *question != NULL;
	free(*question);
	*question = NULL;
}

/* --- the words worlds are written in --------------------------------------------------------- */

#define END                             \
	{                               \
		NULL, 0, 0, 0, NULL, 0, \
		{                       \
			{               \
				NULL, 0 \
			}               \
		}                       \
	}
#define NOTHING(name, type, kind, validated)          \
	{                                             \
		name, type, kind, validated, NULL, 0, \
		{                                     \
			{                             \
				NULL, 0               \
			}                             \
		}                                     \
	}
#define RECORDS_OF(name, type, validated, ...)               \
	{                                                    \
		name, type, ANSWER_DATA, validated, NULL, 0, \
		{                                            \
			__VA_ARGS__                          \
		}                                            \
	}
/* Behind CNAMEs. */
#define ALIASED(name, type, validated, canonical, ...)            \
	{                                                         \
		name, type, ANSWER_DATA, validated, canonical, 0, \
		{                                                 \
			__VA_ARGS__                               \
		}                                                 \
	}

#define ANCHOR \
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"

/* "d.test" has one MX, "mx.test", which has an IPv4 address. */
#define MX_OF(domain, validated) RECORDS_OF(domain, TYPE_MX, validated, BYTES("\0\12\2mx\4test\0"))
#define HOST(name, validated)                           \
	RECORDS_OF(name, TYPE_A, validated, BYTES(V4)), \
		NOTHING(name, TYPE_AAAA, ANSWER_NO_DATA, validated)
#define ALIAS(name, validated, canonical)                       \
	ALIASED(name, TYPE_A, validated, canonical, BYTES(V4)), \
		ALIASED(name, TYPE_AAAA, validated, canonical, BYTES(V6))
#define TLSA(base, validated, ...)     RECORDS_OF("_25._tcp." base, TYPE_TLSA, validated, __VA_ARGS__)
#define NO_TLSA(base, kind, validated) NOTHING("_25._tcp." base, TYPE_TLSA, kind, validated)

static struct resolver *resolver;

static int open_resolver(void **state)
{
	struct resolver_setup setup = { .anchor = STR(ANCHOR) };

	(void)state;
	asked[0] = '\0';
	resolver = resolver_new(&setup, NULL);
	return resolver ? 0 : -1;
}

static int close_resolver(void **state)
{
	(void)state;
	resolver_release(&resolver);
	return open_questions;
}

static const struct route *route_in(const struct line *lines, const char *domain)
{
	world = lines;
	return resolver_route(resolver, str_of(domain), false, deadline_in(5 * SECOND));
}

/* Only this host's facts, and its TLSA set as numbers and names. */
struct found {
	struct route_facts facts;
	size_t n_tlsa, n_addresses;
	char base[300];
};

static struct found host_of(const struct route *route, size_t n)
{
	const struct route_host *host = &route->hosts[n];
	struct found found = { host->facts, host->n_tlsa, host->n_addresses, "" };

	assert_true(n < route->n_hosts);
	snprintf(found.base, sizeof found.base, "%.*s", STR_ARG(host->tlsa_base));
	return found;
}

/* The only host of d.test in a world of its own. */
static struct found host_in(const struct line *lines)
{
	asked[0] = '\0';
	const struct route *route = resolver_route(
		(world = lines, resolver), STR("d.test"), true, deadline_in(5 * SECOND));

	assert_int_equal(route->kind, ROUTE_HOSTS);
	assert_int_equal(route->n_hosts, 1);
	struct found found = host_of(route, 0);
	route_release(&route);
	return found;
}

static bool is_kept(const struct line *lines)
{
	const struct route *one = route_in(lines, "d.test"), *two = route_in(lines, "d.test");
	bool same = one == two;

	route_release(&one);
	route_release(&two);
	open_resolver((resolver_release(&resolver), NULL));
	return same;
}

static bool was_asked(const char *name, int type)
{
	char line[300];

	snprintf(line, sizeof line, "\n%s %d\n", name, type);
	return strstr(asked, line) != NULL || strncmp(asked, line + 1, strlen(line + 1)) == 0;
}

static bool tlsa_was_asked(void)
{
	return strstr(asked, " 52\n") != NULL;
}

/* --- where TLSA is asked --------------------------------------------------------------------- */

static void a_signed_host_has_its_tlsa_records(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
		TLSA("mx.test", SIGNED, BYTES(EE), BYTES(EE)), END };
	const struct route *route = route_in(lines, "d.test");
	struct found found = host_of(route, 0);
	const struct tlsa *tlsa = route->hosts[0].tlsa;

	(void)state;
	assert_true(found.facts.mx_validated && found.facts.host_validated);
	assert_int_equal(found.facts.tlsa, TLSA_USABLE);
	assert_int_equal(found.n_tlsa, 2);
	assert_string_equal(found.base, "mx.test");
	assert_int_equal(tlsa->usage, TLSA_USAGE_EE);
	assert_int_equal(tlsa->matching, TLSA_MATCHING_SHA256);
	assert_true(str_eq(tlsa->data, STR(DIGEST)));
	assert_true(str_eq(route->domain, STR("d.test")));
	assert_true(clock_wall_ms() - route->made_at < MINUTE);
	route_release(&route);
}

static void an_unsigned_host_is_not_asked_for_tlsa(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED), HOST("mx.test", UNSIGNED),
		TLSA("mx.test", SIGNED, BYTES(EE)), END };
	struct found found = host_in(lines);

	(void)state;
	assert_false(found.facts.host_validated);
	assert_int_equal(found.facts.tlsa, TLSA_NONE);
	assert_false(tlsa_was_asked());
	assert_false(was_asked("mx.test", TYPE_CNAME));
}

static void one_signed_family_is_enough_whatever_the_other_says(void **state)
{
	static const struct {
		enum answer_kind kind;
		bool validated;
	} others[] = { { ANSWER_FAILED, false }, { ANSWER_BOGUS, false }, { ANSWER_DATA, false },
		{ ANSWER_NO_DATA, false }, { ANSWER_NO_NAME, true } };

	(void)state;
	for (size_t i = 0; i < count_of(others); i++) {
		const struct line lines[] = { MX_OF("d.test", SIGNED),
			{ "mx.test", TYPE_AAAA, others[i].kind, others[i].validated, NULL, 0,
				{ BYTES(V6) } },
			RECORDS_OF("mx.test", TYPE_A, SIGNED, BYTES(V4)),
			TLSA("mx.test", SIGNED, BYTES(EE)), END };
		struct found found = host_in(lines);

		assert_int_equal(found.facts.address, ADDRESS_FOUND);
		assert_true(found.facts.host_validated);
		assert_int_equal(found.facts.tlsa, TLSA_USABLE);
		assert_int_equal(found.n_addresses, others[i].kind == ANSWER_DATA ? 2 : 1);
	}
}

static void both_families_failing_is_a_failure(void **state)
{
	static const struct {
		enum answer_kind v6, v4;
		bool bogus;
	} cases[] = { { ANSWER_FAILED, ANSWER_FAILED, false },
		{ ANSWER_BOGUS, ANSWER_FAILED, true }, { ANSWER_NO_DATA, ANSWER_FAILED, false },
		{ ANSWER_NO_DATA, ANSWER_BOGUS, true } };

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++) {
		const struct line lines[] = { MX_OF("d.test", SIGNED),
			NOTHING("mx.test", TYPE_AAAA, cases[i].v6, SIGNED),
			NOTHING("mx.test", TYPE_A, cases[i].v4, SIGNED), END };
		struct found found = host_in(lines);

		assert_int_equal(found.facts.address, ADDRESS_FAILED);
		assert_int_equal(found.facts.dns_bogus, cases[i].bogus);
		assert_int_equal(found.facts.tlsa, TLSA_NOT_LOOKED_UP);
		assert_false(tlsa_was_asked());
	}
}

static void tlsa_is_asked_for_the_port_really_used(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
		RECORDS_OF("_2525._tcp.mx.test", TYPE_TLSA, SIGNED, BYTES(EE)), END };
	struct resolver_setup setup = { .port = 2525 };

	(void)state;
	resolver_release(&resolver);
	resolver = resolver_new(&setup, NULL);
	assert_int_equal(host_in(lines).facts.tlsa, TLSA_USABLE);
	assert_false(was_asked("_25._tcp.mx.test", TYPE_TLSA));
}

static void a_name_too_long_for_tlsa_has_none(void **state)
{
	static const char longest[] =
		LABEL LABEL LABEL "b1234567890123456789012345678901234567890123456789012.test";
	static const struct line lines[] = { NOTHING(longest, TYPE_MX, ANSWER_NO_DATA, SIGNED),
		HOST(longest, SIGNED), END };
	const struct route *route = route_in(lines, longest);

	(void)state;
	assert_int_equal(strlen(longest), 250);
	assert_true(host_of(route, 0).facts.host_validated);
	assert_int_equal(host_of(route, 0).facts.tlsa, TLSA_NONE);
	assert_false(tlsa_was_asked());
	route_release(&route);
}

/* --- what TLSA answers mean ------------------------------------------------------------------ */

static void a_tlsa_look_up_that_fails_is_never_no_dane(void **state)
{
	(void)state;
	for (int bogus = 0; bogus < 2; bogus++) {
		const struct line lines[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
			NO_TLSA("mx.test", bogus ? ANSWER_BOGUS : ANSWER_FAILED, UNSIGNED), END };
		struct found found = host_in(lines);

		assert_int_equal(found.facts.tlsa, TLSA_FAILED);
		assert_int_equal(found.facts.dns_bogus, bogus);
		assert_int_equal(found.facts.address, ADDRESS_FOUND);
		assert_int_equal(found.n_tlsa, 0);
	}
}

static void no_tlsa_is_said_by_signed_denial_or_by_nobody_we_trust(void **state)
{
	static const struct line answers[] = {
		NO_TLSA("mx.test", ANSWER_NO_DATA, SIGNED),
		NO_TLSA("mx.test", ANSWER_NO_NAME, SIGNED),
		NO_TLSA("mx.test", ANSWER_NO_DATA, UNSIGNED),
		NO_TLSA("mx.test", ANSWER_NO_NAME, UNSIGNED),
		TLSA("mx.test", UNSIGNED, BYTES(EE)), /* its zone is cut off unsigned */
		ALIASED("_25._tcp.mx.test", TYPE_TLSA, UNSIGNED, "_25._tcp.open.test", BYTES(EE)),
	};

	(void)state;
	for (size_t i = 0; i < count_of(answers); i++) {
		const struct line lines[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
			answers[i], END };
		struct found found = host_in(lines);

		assert_int_equal(found.facts.tlsa, TLSA_NONE);
		assert_true(found.facts.host_validated);
		assert_int_equal(found.n_tlsa, 0);
	}
}

static void tlsa_behind_a_validated_cname_counts(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
		ALIASED("_25._tcp.mx.test", TYPE_TLSA, SIGNED, "_dane.test", BYTES(EE)), END };
	struct found found = host_in(lines);

	(void)state;
	assert_int_equal(found.facts.tlsa, TLSA_USABLE);
	assert_string_equal(found.base, "mx.test");
}

static void a_set_without_a_usable_record_is_a_set_all_the_same(void **state)
{
	static const struct str useless[] = { { "", 0 }, BYTES("\3"), BYTES("\3\1"),
		BYTES("\3\1\1"), BYTES(PKIX), BYTES("\3\1\1short"), BYTES("\3\1\2" DIGEST),
		BYTES("\3\1\0nothing"), BYTES("\3\2\1" DIGEST), BYTES("\3\1\3" DIGEST),
		BYTES("\4\1\1" DIGEST) };

	(void)state;
	for (size_t i = 0; i < count_of(useless); i++) {
		const struct line alone[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
			TLSA("mx.test", SIGNED, useless[i]), END };
		const struct line with[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
			TLSA("mx.test", SIGNED, useless[i], BYTES(EE), BYTES(PKIX)), END };

		assert_int_equal(host_in(alone).facts.tlsa, TLSA_UNUSABLE);
		assert_int_equal(host_in(alone).n_tlsa, 0);
		assert_int_equal(host_in(with).facts.tlsa, TLSA_USABLE);
		assert_int_equal(host_in(with).n_tlsa, 1);
	}
}

static void a_set_too_large_to_keep_is_a_failure(void **state)
{
	static char large[3 + 4 + 40000] = "\3\1\0\x30\x82\x9c\x40";
	static const struct line lines[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
		TLSA("mx.test", SIGNED, BYTES(EE), { large, 40007 }, { large, 40007 }), END };
	struct found found = host_in(lines);

	(void)state;
	assert_int_equal(found.facts.tlsa, TLSA_FAILED);
	assert_false(found.facts.dns_bogus);
	assert_int_equal(found.n_tlsa, 0);
}

/* --- CNAMEs ---------------------------------------------------------------------------------- */

static void behind_a_signed_cname_the_expanded_name_comes_first(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED),
		ALIAS("mx.test", SIGNED, "Real.test"), TLSA("real.test", SIGNED, BYTES(EE)),
		TLSA("mx.test", SIGNED, BYTES(EE), BYTES(EE)), END };
	struct found found = host_in(lines);

	(void)state;
	assert_int_equal(found.facts.tlsa, TLSA_USABLE);
	assert_string_equal(found.base, "real.test");
	assert_int_equal(found.n_tlsa, 1);
	assert_false(was_asked("mx.test", TYPE_CNAME));
}

static void without_tlsa_there_the_original_name_is_next(void **state)
{
	static const struct line denials[] = {
		NO_TLSA("real.test", ANSWER_NO_DATA, SIGNED),
		NO_TLSA("real.test", ANSWER_NO_NAME, SIGNED),
		TLSA("real.test", UNSIGNED, BYTES(EE)),
	};

	(void)state;
	for (size_t i = 0; i < count_of(denials); i++) {
		const struct line lines[] = { MX_OF("d.test", SIGNED),
			ALIAS("mx.test", SIGNED, "real.test"), denials[i],
			TLSA("mx.test", SIGNED, BYTES(EE)), END };
		struct found found = host_in(lines);

		assert_int_equal(found.facts.tlsa, TLSA_USABLE);
		assert_string_equal(found.base, "mx.test");
	}
}

static void the_original_name_saves_neither_a_failure_nor_an_unusable_set(void **state)
{
	const struct line failing[] = { MX_OF("d.test", SIGNED),
		ALIAS("mx.test", SIGNED, "real.test"), NO_TLSA("real.test", ANSWER_BOGUS, UNSIGNED),
		TLSA("mx.test", SIGNED, BYTES(EE)), END };
	const struct line unusable[] = { MX_OF("d.test", SIGNED),
		ALIAS("mx.test", SIGNED, "real.test"), TLSA("real.test", SIGNED, BYTES(PKIX)),
		TLSA("mx.test", SIGNED, BYTES(EE)), END };

	(void)state;
	assert_int_equal(host_in(failing).facts.tlsa, TLSA_FAILED);
	assert_true(host_in(failing).facts.dns_bogus);
	assert_int_equal(host_in(unusable).facts.tlsa, TLSA_UNUSABLE);
}

static void the_original_name_failing_matters_only_if_it_is_reached(void **state)
{
	const struct line reached[] = { MX_OF("d.test", SIGNED),
		ALIAS("mx.test", SIGNED, "real.test"), NO_TLSA("mx.test", ANSWER_FAILED, UNSIGNED),
		END };
	const struct line not_reached[] = { MX_OF("d.test", SIGNED),
		ALIAS("mx.test", SIGNED, "real.test"), NO_TLSA("mx.test", ANSWER_FAILED, UNSIGNED),
		TLSA("real.test", SIGNED, BYTES(EE)), END };

	(void)state;
	assert_int_equal(host_in(reached).facts.tlsa, TLSA_FAILED);
	assert_int_equal(host_in(not_reached).facts.tlsa, TLSA_USABLE);
}

static void a_signed_cname_into_an_unsigned_zone_leaves_the_original_name(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED),
		ALIAS("mx.test", UNSIGNED, "open.test"),
		RECORDS_OF("mx.test", TYPE_CNAME, SIGNED, BYTES("\4open\4test\0")),
		TLSA("open.test", SIGNED, BYTES(PKIX)), TLSA("mx.test", SIGNED, BYTES(EE)), END };
	struct found found = host_in(lines);

	(void)state;
	assert_true(found.facts.host_validated);
	assert_int_equal(found.facts.tlsa, TLSA_USABLE);
	assert_string_equal(found.base, "mx.test");
	assert_false(was_asked("_25._tcp.open.test", TYPE_TLSA));
}

static void an_unsigned_cname_leaves_nothing(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED),
		ALIAS("mx.test", UNSIGNED, "real.test"),
		RECORDS_OF("mx.test", TYPE_CNAME, UNSIGNED, BYTES("\4real\4test\0")),
		TLSA("real.test", SIGNED, BYTES(EE)), TLSA("mx.test", SIGNED, BYTES(EE)), END };
	struct found found = host_in(lines);

	(void)state;
	assert_false(found.facts.host_validated);
	assert_int_equal(found.facts.tlsa, TLSA_NONE);
	assert_false(tlsa_was_asked());
}

static void a_cname_look_up_that_fails_fails_the_host(void **state)
{
	(void)state;
	for (int bogus = 0; bogus < 2; bogus++) {
		const struct line lines[] = { MX_OF("d.test", SIGNED),
			ALIAS("mx.test", UNSIGNED, "open.test"),
			NOTHING("mx.test", TYPE_CNAME, bogus ? ANSWER_BOGUS : ANSWER_FAILED,
				UNSIGNED),
			TLSA("mx.test", SIGNED, BYTES(EE)), END };
		struct found found = host_in(lines);

		assert_int_equal(found.facts.address, ADDRESS_FAILED);
		assert_int_equal(found.facts.dns_bogus, bogus);
		assert_int_equal(found.n_addresses, 0);
		assert_false(found.facts.host_validated);
		assert_false(tlsa_was_asked());
	}
}

static void a_cname_made_from_a_signed_dname_is_as_signed(void **state)
{
	static const struct {
		enum answer_kind kind;
		bool validated;
	} dnames[] = { { ANSWER_DATA, SIGNED }, { ANSWER_DATA, UNSIGNED },
		{ ANSWER_NO_DATA, SIGNED }, { ANSWER_BOGUS, UNSIGNED },
		{ ANSWER_FAILED, UNSIGNED } };

	(void)state;
	for (size_t i = 0; i < count_of(dnames); i++) {
		const struct line lines[] = { RECORDS_OF("d.test", TYPE_MX, SIGNED,
						      BYTES("\0\12\1a\1b\4away\4test\0")),
			ALIAS("a.b.away.test", UNSIGNED, "a.b.open.test"),
			NOTHING("a.b.away.test", TYPE_CNAME, ANSWER_BOGUS, UNSIGNED),
			{ "away.test", TYPE_DNAME, dnames[i].kind, dnames[i].validated, NULL, 0,
				{ BYTES("\4open\4test\0") } },
			TLSA("a.b.away.test", UNSIGNED, BYTES(EE)), END };
		bool saved = dnames[i].kind == ANSWER_DATA && dnames[i].validated;
		struct found found = host_in(lines);

		assert_int_equal(found.facts.address, saved ? ADDRESS_FOUND : ADDRESS_FAILED);
		assert_int_equal(found.facts.host_validated, saved);
		assert_int_equal(found.facts.tlsa, saved ? TLSA_NONE : TLSA_NOT_LOOKED_UP);
		assert_int_equal(found.facts.dns_bogus, !saved);
		assert_int_equal(is_kept(lines), saved);
	}
}

static void a_local_cname_vouches_for_nothing_behind_it(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED),
		{ "mx.test", TYPE_A, ANSWER_NO_DATA, UNSIGNED, "real.test", 0, { { NULL, 0 } } },
		{ "mx.test", TYPE_AAAA, ANSWER_NO_DATA, UNSIGNED, "real.test", 0, { { NULL, 0 } } },
		RECORDS_OF("mx.test", TYPE_CNAME, UNSIGNED, BYTES("\4real\4test\0")),
		HOST("real.test", SIGNED), TLSA("real.test", SIGNED, BYTES(EE)), END };
	struct found found = host_in(lines);

	(void)state;
	assert_int_equal(found.facts.address, ADDRESS_FOUND);
	assert_false(found.facts.host_validated);
	assert_false(tlsa_was_asked());
}

static void an_expanded_name_that_is_no_host_name_is_left_out(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED),
		ALIAS("mx.test", SIGNED, "a\\032b.test"), TLSA("mx.test", SIGNED, BYTES(EE)), END };
	struct found found = host_in(lines);

	(void)state;
	assert_int_equal(found.facts.tlsa, TLSA_USABLE);
	assert_string_equal(found.base, "mx.test");
}

/* --- the MX answer --------------------------------------------------------------------------- */

static void below_an_unsigned_mx_a_signed_host_is_half_dane(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", UNSIGNED), HOST("mx.test", SIGNED),
		TLSA("mx.test", SIGNED, BYTES(EE)), END };
	struct found found = host_in(lines);

	(void)state;
	assert_false(found.facts.mx_validated);
	assert_true(found.facts.host_validated);
	assert_int_equal(found.facts.tlsa, TLSA_USABLE);
}

static void a_domain_that_is_an_alias_is_as_signed_as_its_whole_chain(void **state)
{
	(void)state;
	for (int validated = 0; validated < 2; validated++) {
		const struct line lines[] = { ALIASED("d.test", TYPE_MX, validated, "real.test",
						      BYTES("\0\12\2mx\4test\0")),
			HOST("mx.test", SIGNED), TLSA("mx.test", SIGNED, BYTES(EE)), END };
		struct found found = host_in(lines);

		assert_int_equal(found.facts.mx_validated, validated);
		assert_true(found.facts.host_validated);
	}
}

static void without_mx_its_signed_absence_counts(void **state)
{
	(void)state;
	for (int validated = 0; validated < 2; validated++) {
		const struct line lines[] = { NOTHING("d.test", TYPE_MX, ANSWER_NO_DATA, validated),
			HOST("d.test", SIGNED), TLSA("d.test", SIGNED, BYTES(EE)), END };
		struct found found = host_in(lines);

		assert_int_equal(found.facts.mx_validated, validated);
		assert_int_equal(found.facts.tlsa, TLSA_USABLE);
		assert_string_equal(found.base, "d.test");
	}
}

static void each_host_of_a_mixed_set_has_facts_of_its_own(void **state)
{
	static const struct line lines[] = {
		RECORDS_OF("d.test", TYPE_MX, SIGNED, BYTES("\0\1\1a\4test\0"),
			BYTES("\0\2\1b\4test\0"), BYTES("\0\3\1c\4test\0")),
		HOST("a.test", SIGNED), TLSA("a.test", SIGNED, BYTES(EE)), HOST("b.test", UNSIGNED),
		NOTHING("c.test", TYPE_A, ANSWER_BOGUS, UNSIGNED),
		NOTHING("c.test", TYPE_AAAA, ANSWER_BOGUS, UNSIGNED), END
	};
	const struct route *route = route_in(lines, "d.test");

	(void)state;
	assert_int_equal(route->n_hosts, 3);
	assert_int_equal(host_of(route, 0).facts.tlsa, TLSA_USABLE);
	assert_int_equal(host_of(route, 1).facts.tlsa, TLSA_NONE);
	assert_int_equal(host_of(route, 2).facts.address, ADDRESS_FAILED);
	assert_false(host_of(route, 0).facts.dns_bogus);
	assert_true(host_of(route, 2).facts.dns_bogus);
	route_release(&route);
}

static void absences_are_told_apart_and_each_is_signed_or_not(void **state)
{
	static const struct {
		enum answer_kind mx;
		enum answer_kind address;
		enum route_kind wanted;
	} cases[] = {
		{ ANSWER_NO_NAME, ANSWER_NO_NAME, ROUTE_NO_DOMAIN },
		{ ANSWER_NO_DATA, ANSWER_NO_DATA, ROUTE_NO_ADDRESS },
		{ ANSWER_DATA, ANSWER_NO_DATA, ROUTE_NULL_MX },
		{ ANSWER_FAILED, ANSWER_DATA, ROUTE_FAILED },
		{ ANSWER_BOGUS, ANSWER_DATA, ROUTE_FAILED },
		{ ANSWER_NO_DATA, ANSWER_FAILED, ROUTE_FAILED },
		{ ANSWER_NO_DATA, ANSWER_BOGUS, ROUTE_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < 2 * count_of(cases); i++) {
		bool validated = i % 2;
		enum answer_kind mx = cases[i / 2].mx, address = cases[i / 2].address;
		const struct line lines[] = { { "d.test", TYPE_MX, mx, validated, NULL, 0,
						      { BYTES("\0\0\0") } },
			{ "d.test", TYPE_A, address, validated, NULL, 0, { BYTES(V4) } },
			{ "d.test", TYPE_AAAA, address, validated, NULL, 0, { BYTES(V6) } }, END };
		world = lines;
		const struct route *route =
			resolver_route(resolver, STR("d.test"), true, deadline_in(5 * SECOND));

		assert_int_equal(route->kind, cases[i / 2].wanted);
		assert_int_equal(route->validated, validated && route->kind != ROUTE_FAILED);
		assert_int_equal(route->bogus,
			mx == ANSWER_BOGUS || (mx == ANSWER_NO_DATA && address == ANSWER_BOGUS));
		route_release(&route);
	}
}

/* What a signature vouches for may be nonsense all the same. */
static void an_mx_record_of_odd_bytes_names_no_host(void **state)
{
	static const struct str odd[] = { { "", 0 }, BYTES("\0"), BYTES("\0\12"), BYTES("\0\12\2"),
		BYTES("\0\12\2mx\4tes"), BYTES("\0\12\2mx\4test"), BYTES("\0\12\2mx\4test\0\1"),
		BYTES("\0\12\100" LETTERS "b\0"), BYTES("\0\12\300\14"),
		BYTES("\0\12\4a.bc\4test\0"), BYTES("\0\12\4a\0bc\4test\0"), BYTES("\0\0\0\0"),
		BYTES("\0\12\77" LABEL "\77" LETTERS "\77" LETTERS "\77" LETTERS "\0") };

	(void)state;
	for (size_t i = 0; i < count_of(odd); i++) {
		const struct line alone[] = { RECORDS_OF("d.test", TYPE_MX, SIGNED, odd[i]), END };
		const struct line with[] = { RECORDS_OF("d.test", TYPE_MX, SIGNED, odd[i],
						     BYTES("\0\12\2mx\4test\0")),
			HOST("mx.test", SIGNED), END };
		world = alone;
		const struct route *route =
			resolver_route(resolver, STR("d.test"), true, deadline_in(SECOND));

		assert_int_equal(route->kind, ROUTE_NO_ADDRESS);
		route_release(&route);
		assert_int_equal(host_in(with).facts.address, ADDRESS_FOUND);
	}
}

/* An answer has room for thousands of them (RFC 1035 4.1.4), and a route has not. */
static void mx_records_without_end_cost_no_more_than_a_hundred(void **state)
{
	static const struct line lines[] = {
		RECORDS_OF("d.test", TYPE_MX, SIGNED, BYTES("\0\12\2mx\4test\0"),
			BYTES("\0\12\77" LABEL "\77" LABEL "\77" LABEL "\0")),
		HOST("mx.test", SIGNED), END
	};

	(void)state;
	for (flood = 1; flood <= 4000; flood = flood < 110 ? flood + 1 : flood * 3) {
		const struct route *route = resolver_route(
			(world = lines, resolver), STR("d.test"), true, deadline_in(SECOND));

		assert_int_equal(route->kind, ROUTE_HOSTS);
		assert_int_equal(route->n_hosts, 1);
		assert_int_equal(route->hosts[0].facts.address, ADDRESS_FOUND);
		assert_int_equal(route->capped, flood + 1 > 100);
		route_release(&route);
	}
	flood = 0;
}

static void an_address_of_the_wrong_length_is_none(void **state)
{
	static const struct line lines[] = { MX_OF("d.test", SIGNED),
		RECORDS_OF(
			"mx.test", TYPE_A, SIGNED, BYTES("\1\2\3"), { "", 0 }, BYTES("\1\2\3\4\5")),
		RECORDS_OF("mx.test", TYPE_AAAA, SIGNED, BYTES("\1")), END };

	(void)state;
	assert_int_equal(host_in(lines).facts.address, ADDRESS_NONE);
	assert_int_equal(host_in(lines).n_addresses, 0);
}

static void a_txt_record_of_odd_bytes_is_none(void **state)
{
	static const struct line lines[] = { RECORDS_OF("odd.test", TYPE_TXT, SIGNED, { "", 0 },
						     BYTES("\5abc"), BYTES("\1a\377b")),
		RECORDS_OF("some.test", TYPE_TXT, SIGNED, BYTES("\5abc"), BYTES("\0"),
			BYTES("\1a\0\2bc")),
		END };
	struct arena arena = ARENA(1000);
	struct deadline soon = deadline_in(SECOND);

	(void)state;
	world = lines;
	assert_int_equal(
		resolver_txt(resolver, STR("odd.test"), false, &arena, soon).kind, TXT_NONE);
	struct txt_answer txt = resolver_txt(resolver, STR("some.test"), false, &arena, soon);
	assert_int_equal(txt.len, 2);
	assert_int_equal(txt.at[0].len, 0);
	assert_true(str_eq(txt.at[1], STR("abc")));
	arena_free(&arena);
}

/* --- how long a route lives ------------------------------------------------------------------ */

static void a_route_in_which_anything_failed_is_not_kept(void **state)
{
	const struct line whole[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED), END };
	const struct line family[] = { MX_OF("d.test", SIGNED),
		NOTHING("mx.test", TYPE_AAAA, ANSWER_FAILED, UNSIGNED),
		RECORDS_OF("mx.test", TYPE_A, SIGNED, BYTES(V4)), END };
	const struct line tlsa[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
		NO_TLSA("mx.test", ANSWER_FAILED, UNSIGNED), END };
	const struct line alias[] = { MX_OF("d.test", SIGNED),
		ALIAS("mx.test", UNSIGNED, "open.test"),
		NOTHING("mx.test", TYPE_CNAME, ANSWER_BOGUS, UNSIGNED), END };
	const struct line mx[] = { NOTHING("d.test", TYPE_MX, ANSWER_FAILED, UNSIGNED), END };

	(void)state;
	assert_true(is_kept(whole));
	assert_false(is_kept(family));
	assert_false(is_kept(tlsa));
	assert_false(is_kept(alias));
	assert_false(is_kept(mx));
}

static void the_shortest_ttl_counts_whatever_answer_it_is_of(void **state)
{
	static const struct line lines[] = {
		MX_OF("d.test", SIGNED),
		ALIAS("mx.test", UNSIGNED, "open.test"),
		{ "mx.test", TYPE_CNAME, ANSWER_DATA, SIGNED, NULL, 90,
			{ BYTES("\4open\4test\0") } },
		{ "_25._tcp.mx.test", TYPE_TLSA, ANSWER_DATA, SIGNED, NULL, 200, { BYTES(EE) } },
		END,
	};
	struct line shorter[count_of(lines)];
	const struct route *route = route_in(lines, "d.test");

	(void)state;
	assert_true(route->expires.at <= deadline_in(90 * SECOND).at);
	assert_true(route->expires.at > deadline_in(80 * SECOND).at);
	route_release(&route);
	open_resolver((resolver_release(&resolver), NULL));
	memcpy(shorter, lines, sizeof lines);
	shorter[4].ttl = 20;
	route = route_in(shorter, "d.test");
	assert_true(route->expires.at <= deadline_in(20 * SECOND).at);
	route_release(&route);
}

static void dead_name_servers_leave_time_for_the_next_question(void **state)
{
	static const struct line unsigned_host[] = { MX_OF("d.test", SIGNED),
		HOST("mx.test", UNSIGNED), END };
	static const struct line signed_host[] = { MX_OF("d.test", SIGNED), HOST("mx.test", SIGNED),
		END };

	(void)state;
	host_in(unsigned_host); /* the last wait is for an address */
	assert_true(waited_until.at <= deadline_in(3 * SECOND).at);
	host_in(signed_host); /* the last wait is for TLSA */
	assert_true(waited_until.at > deadline_in(3 * SECOND).at);
}

/* --- the self-test --------------------------------------------------------------------------- */

static enum resolver_health test_with(enum answer_kind ours, bool validated, enum answer_kind wrong)
{
	const struct line lines[] = { { ".", TYPE_SOA, ours, validated, NULL, 0, { BYTES("soa") } },
		{ "wrong anchor", TYPE_SOA, wrong, false, NULL, 0, { BYTES("soa") } }, END };
	struct resolver_setup setup = { .anchor = STR("; the root\n" ANCHOR) };

	world = lines;
	return self_test(&setup, deadline_in(SECOND));
}

static void the_right_anchor_validates_and_a_wrong_one_does_not(void **state)
{
	static const struct {
		enum answer_kind ours;
		bool validated;
		enum answer_kind wrong;
		enum resolver_health wanted;
	} cases[] = {
		{ ANSWER_DATA, true, ANSWER_BOGUS, RESOLVER_HEALTHY },
		{ ANSWER_DATA, true, ANSWER_DATA, RESOLVER_UNHEALTHY }, /* believes anything */
		{ ANSWER_DATA, true, ANSWER_NO_DATA, RESOLVER_UNHEALTHY },
		{ ANSWER_DATA, true, ANSWER_FAILED, RESOLVER_UNTESTED },
		{ ANSWER_DATA, false, ANSWER_BOGUS, RESOLVER_UNHEALTHY },  /* nothing validates */
		{ ANSWER_BOGUS, false, ANSWER_BOGUS, RESOLVER_UNHEALTHY }, /* clock, old anchor */
		{ ANSWER_NO_DATA, true, ANSWER_BOGUS, RESOLVER_UNHEALTHY },
		{ ANSWER_NO_NAME, true, ANSWER_BOGUS, RESOLVER_UNHEALTHY },
		{ ANSWER_FAILED, false, ANSWER_FAILED, RESOLVER_UNTESTED }, /* no DNS */
		{ ANSWER_FAILED, false, ANSWER_BOGUS, RESOLVER_UNTESTED },
	};

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++)
		assert_int_equal(test_with(cases[i].ours, cases[i].validated, cases[i].wrong),
			cases[i].wanted);
}

static void without_an_anchor_of_the_root_there_is_nothing_to_test(void **state)
{
	static const char *const none[] = {
		"", "; nothing\n",
		"corp. IN DS 1 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
	};

	(void)state;
	asked[0] = '\0';
	for (size_t i = 0; i < count_of(none); i++) {
		struct resolver_setup setup = { .anchor = str_of(none[i]) };
		assert_int_equal(self_test(&setup, deadline_in(SECOND)), RESOLVER_UNTESTED);
	}
	assert_string_equal(asked, "");
}

static enum resolver_health tested_in(const struct line *lines)
{
	world = lines;
	return resolver_self_test(resolver, deadline_in(SECOND));
}

static void what_cannot_be_tested_changes_nothing(void **state)
{
	const struct line healthy[] = { RECORDS_OF(".", TYPE_SOA, SIGNED, BYTES("soa")),
		NOTHING("wrong anchor", TYPE_SOA, ANSWER_BOGUS, UNSIGNED), END };
	const struct line broken[] = { NOTHING(".", TYPE_SOA, ANSWER_BOGUS, UNSIGNED), END };
	const struct line silent[] = { NOTHING(".", TYPE_SOA, ANSWER_FAILED, UNSIGNED), END };

	(void)state;
	assert_int_equal(resolver_health(resolver), RESOLVER_UNTESTED);
	assert_int_equal(tested_in(silent), RESOLVER_UNTESTED);
	assert_int_equal(tested_in(healthy), RESOLVER_HEALTHY);
	assert_int_equal(tested_in(silent), RESOLVER_HEALTHY);
	assert_int_equal(tested_in(broken), RESOLVER_UNHEALTHY);
	assert_int_equal(tested_in(silent), RESOLVER_UNHEALTHY);
	assert_int_equal(resolver_health(resolver), RESOLVER_UNHEALTHY);
	assert_int_equal(tested_in(healthy), RESOLVER_HEALTHY);
}

static void other_settings_do_not_make_a_broken_resolver_whole(void **state)
{
	const struct line broken[] = { NOTHING(".", TYPE_SOA, ANSWER_BOGUS, UNSIGNED), END };
	struct resolver_setup same = { .anchor = STR(ANCHOR) }, none = { 0 };
	struct resolver *next = resolver_new(&same, NULL), *open = resolver_new(&none, NULL);

	(void)state;
	tested_in(broken);
	resolver_inherit_health(next, resolver);
	resolver_inherit_health(open, resolver); /* validates nothing, and is asked for nothing */
	assert_int_equal(resolver_health(next), RESOLVER_UNHEALTHY);
	assert_int_equal(resolver_health(open), RESOLVER_UNTESTED);
	resolver_release(&next);
	resolver_release(&open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_cname_made_from_a_signed_dname_is_as_signed,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			an_mx_record_of_odd_bytes_names_no_host, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(mx_records_without_end_cost_no_more_than_a_hundred,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			an_address_of_the_wrong_length_is_none, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			a_txt_record_of_odd_bytes_is_none, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			a_signed_host_has_its_tlsa_records, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			an_unsigned_host_is_not_asked_for_tlsa, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(one_signed_family_is_enough_whatever_the_other_says,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			both_families_failing_is_a_failure, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			tlsa_is_asked_for_the_port_really_used, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			a_name_too_long_for_tlsa_has_none, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			a_tlsa_look_up_that_fails_is_never_no_dane, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			no_tlsa_is_said_by_signed_denial_or_by_nobody_we_trust, open_resolver,
			close_resolver),
		cmocka_unit_test_setup_teardown(
			tlsa_behind_a_validated_cname_counts, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(a_set_without_a_usable_record_is_a_set_all_the_same,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			a_set_too_large_to_keep_is_a_failure, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(behind_a_signed_cname_the_expanded_name_comes_first,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(without_tlsa_there_the_original_name_is_next,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			the_original_name_saves_neither_a_failure_nor_an_unusable_set,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			the_original_name_failing_matters_only_if_it_is_reached, open_resolver,
			close_resolver),
		cmocka_unit_test_setup_teardown(
			a_signed_cname_into_an_unsigned_zone_leaves_the_original_name,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			an_unsigned_cname_leaves_nothing, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			a_cname_look_up_that_fails_fails_the_host, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			a_local_cname_vouches_for_nothing_behind_it, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(an_expanded_name_that_is_no_host_name_is_left_out,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(below_an_unsigned_mx_a_signed_host_is_half_dane,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			a_domain_that_is_an_alias_is_as_signed_as_its_whole_chain, open_resolver,
			close_resolver),
		cmocka_unit_test_setup_teardown(
			without_mx_its_signed_absence_counts, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(each_host_of_a_mixed_set_has_facts_of_its_own,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(absences_are_told_apart_and_each_is_signed_or_not,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(a_route_in_which_anything_failed_is_not_kept,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(the_shortest_ttl_counts_whatever_answer_it_is_of,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(dead_name_servers_leave_time_for_the_next_question,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(the_right_anchor_validates_and_a_wrong_one_does_not,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(
			without_an_anchor_of_the_root_there_is_nothing_to_test, open_resolver,
			close_resolver),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_tested_changes_nothing, open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(other_settings_do_not_make_a_broken_resolver_whole,
			open_resolver, close_resolver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
