/* SPDX-License-Identifier: ISC
 *
 * test_policy_properties.c - what must hold in every world there can be, for every set of demands
 * (policy.md sections 1 and 3): more demands never deliver more, refused is only what a demand
 * lacks, what only the recipient's domain publishes delays and no more, plaintext is for the empty
 * set alone, a failing look-up never weakens anything. Every combination of facts is tried.
 */
#include "mail/policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

struct world {
	struct route_facts route;
	struct host_facts host;
};

/* The sets that have nothing to prove about who the server is. */
enum { NAMELESS = DEMAND_TLS | DEMAND_REQUIRETLS };

static size_t worlds_n;

static unsigned digit(uint64_t *number, unsigned base)
{
	unsigned value = (unsigned)(*number % base);

	*number /= base;
	return value;
}

static void route_of(uint64_t *number, struct route_facts *route)
{
	route->mx_validated = digit(number, 2);
	route->host_validated = digit(number, 2);
	route->address = digit(number, 5);
	route->tlsa = digit(number, 5);
	route->sts = digit(number, 4);
	route->pin = digit(number, 4);
	route->address_literal = digit(number, 2);
	route->resolver_unhealthy = digit(number, 2);
}

/* A number counted up, taken apart into facts. False when it is past the last one. Facts in TLS
 * vary only where there is TLS. */
static bool world_of(uint64_t number, struct world *w)
{
	*w = (struct world){ 0 };
	route_of(&number, &w->route);
	if (number < HELLO_LOCAL_FAULT) {
		w->host.hello = (enum hello)(number < HELLO_SECURED ? number : number + 1);
		return true;
	}
	number -= HELLO_LOCAL_FAULT;
	w->host.hello = HELLO_SECURED;
	w->host.dane = digit(&number, 3);
	w->host.sts = digit(&number, 3);
	w->host.sts_refetch_failed = digit(&number, 2);
	w->host.ca_proves = digit(&number, 2);
	w->host.pin = digit(&number, 3);
	w->host.requiretls_announced = digit(&number, 2);
	return number == 0;
}

static bool shows_everything(const struct host_facts *host)
{
	return host->dane == DANE_MATCHES && host->sts == STS_HOLDS && host->ca_proves &&
	       host->pin == PIN_MATCHES && host->requiretls_announced;
}

/* What need not be looked up takes one value here; that its other values change nothing is what
 * what_is_not_needed_changes_nothing shows. */
static bool is_one_of_its_kind(const struct world *w)
{
	const struct route_facts *route = &w->route;

	if (!policy_needs_tlsa(route) && route->tlsa != TLSA_NONE)
		return false;
	if (!policy_needs_sts(0, route) && route->sts != STS_ABSENT)
		return false;
	/* Where no connection is made, which check_plan shows, one such world is enough. */
	return policy_plan(0, route).connect || w->host.hello == HELLO_NOT_CONNECTED ||
	       shows_everything(&w->host);
}

typedef void check_world(const struct world *w, const struct judgement by_set[]);

static void in_every_world(check_world *check)
{
	struct judgement by_set[DEMANDS_ALL + 1];
	struct world w;

	worlds_n = 0;
	for (uint64_t n = 0; world_of(n, &w); n++) {
		if (!is_one_of_its_kind(&w))
			continue;
		for (demands set = 0; set <= DEMANDS_ALL; set++)
			by_set[set] = policy_judge(set, &w.route, &w.host);
		check(&w, by_set);
		worlds_n++;
	}
}

/* The same for what is known before connecting alone. */
static void for_every_route(void (*check)(const struct route_facts *route))
{
	for (uint64_t n = 0;; n++) {
		struct route_facts route = { 0 };
		uint64_t rest = n;

		route_of(&rest, &route);
		if (rest)
			break;
		check(&route);
	}
}

static bool is_local(enum reason reason)
{
	return reason == REASON_NO_STORED_CERTIFICATE ||
	       reason == REASON_STORED_CERTIFICATE_EXPIRED || reason == REASON_ADDRESS_LITERAL;
}

static bool same(struct judgement a, struct judgement b)
{
	return a.verdict == b.verdict && a.reason == b.reason;
}

/* Everything that could matter for any set was looked up. */
static bool is_gathered(const struct route_facts *route)
{
	return route->tlsa != TLSA_NOT_LOOKED_UP && route->sts != STS_NOT_LOOKED_UP &&
	       route->pin != PIN_NOT_LOOKED_UP;
}

/* A set is as bad as the worst of its demands, and as no other; so joining sets is union. */
static void check_union(const struct world *w, const struct judgement by_set[])
{
	for (demands set = 1; set <= DEMANDS_ALL; set++) {
		enum verdict worst = by_set[DEMAND_TLS].verdict;
		for (demands one = 1; one <= DEMANDS_ALL; one <<= 1) {
			if (set & one && by_set[one].verdict > worst)
				worst = by_set[one].verdict;
		}
		if (is_gathered(&w->route))
			assert_int_equal(by_set[set].verdict, worst);
		assert_true(same(by_set[set], by_set[set | DEMAND_TLS]));
		assert_int_equal(
			by_set[set].verdict == VERDICT_ACCEPTED, by_set[set].reason == REASON_NONE);
	}
}

static void joining_demands_is_union_and_the_worst_wins(void **state)
{
	(void)state;
	in_every_world(check_union);
	print_message("count: %zu worlds, each for every set of demands\n", worlds_n);
}

static void check_monotone(const struct world *w, const struct judgement by_set[])
{
	for (demands set = 0; set <= DEMANDS_ALL; set++) {
		for (demands one = 1; one <= DEMANDS_ALL; one <<= 1) {
			demands more = set | one;
			if (by_set[more].verdict == VERDICT_ACCEPTED)
				assert_int_equal(by_set[set].verdict, VERDICT_ACCEPTED);
			if (set && is_gathered(&w->route))
				assert_true(by_set[more].verdict >= by_set[set].verdict);
		}
	}
}

static void more_demands_never_deliver_more(void **state)
{
	(void)state;
	in_every_world(check_monotone);
}

static void check_permit(const struct world *w, const struct judgement by_set[])
{
	bool published = w->route.tlsa == TLSA_USABLE || w->route.tlsa == TLSA_UNUSABLE;
	struct plaintext_permit permit;

	published = (published && policy_needs_tlsa(&w->route)) ||
		    (w->route.sts == STS_IN_FORCE && policy_needs_sts(0, &w->route));
	for (demands set = 1; set <= DEMANDS_ALL; set++) {
		assert_false(policy_permit_plaintext(set, &w->route, &w->host, &permit));
		assert_false(policy_permit_holds(permit));
		assert_false(policy_plan(set, &w->route).plaintext_allowed);
		if (by_set[set].verdict == VERDICT_ACCEPTED)
			assert_int_equal(w->host.hello, HELLO_SECURED);
	}
	bool allowed = policy_permit_plaintext(0, &w->route, &w->host, &permit);
	assert_int_equal(allowed, policy_permit_holds(permit));
	assert_int_equal(
		allowed, by_set[0].verdict == VERDICT_ACCEPTED && w->host.hello != HELLO_SECURED);
	if (allowed)
		assert_true(!published && by_set[0].reason != REASON_NONE);
}

static void plaintext_is_for_the_empty_set_alone(void **state)
{
	(void)state;
	in_every_world(check_permit);
	assert_false(policy_permit_holds((struct plaintext_permit){ 0 }));
	assert_false(policy_permit_holds((struct plaintext_permit){ 1 }));
}

/* What the connection proved is worked out a second time, and it is never less. */
static void check_proofs(const struct world *w, const struct judgement by_set[])
{
	demands proofs = policy_proofs(&w->route, &w->host);

	assert_int_equal(proofs != 0, w->host.hello == HELLO_SECURED);
	for (demands set = 1; set <= DEMANDS_ALL; set++)
		if (by_set[set].verdict == VERDICT_ACCEPTED)
			assert_int_equal(set & ~proofs, 0);
	if (w->route.address_literal)
		assert_int_equal(proofs & ~(demands)NAMELESS, 0);
	if (w->route.resolver_unhealthy || !w->route.mx_validated)
		assert_int_equal(proofs & DEMAND_DANE, 0);
	const char *by = policy_proven_by(&w->route, &w->host);
	assert_int_equal((proofs & DEMAND_DANE) != 0, !strcmp(by, "dane"));
	assert_int_equal((proofs & (DEMAND_AUTH | DEMAND_PINNED)) != 0, by[0] != '\0');
	if (!strcmp(by, "pin"))
		assert_int_equal(proofs & (DEMAND_AUTH | DEMAND_PINNED), DEMAND_PINNED);
}

static void what_is_accepted_was_proven(void **state)
{
	(void)state;
	in_every_world(check_proofs);
}

/* Refused after connecting: no TLS, or a demand was not proven. */
static void check_refused(const struct world *w, const struct judgement by_set[])
{
	demands proofs = policy_proofs(&w->route, &w->host);

	for (demands set = 0; set <= DEMANDS_ALL; set++) {
		if (by_set[set].verdict != VERDICT_REFUSED)
			continue;
		if (!policy_plan(set, &w->route).connect)
			assert_true(is_local(by_set[set].reason) ||
				    (w->route.address == ADDRESS_NONE && w->route.host_validated) ||
				    (set & DEMAND_DANE && !w->route.resolver_unhealthy));
		else
			assert_true(set & ~proofs);
	}
}

static void refused_is_only_what_a_demand_lacks(void **state)
{
	(void)state;
	in_every_world(check_refused);
}

/* A rule that the recipient's domain publishes and the host does not keep. */
static bool published_fails(const struct world *w)
{
	bool applies = w->route.tlsa == TLSA_USABLE && policy_needs_tlsa(&w->route);

	if (w->host.hello != HELLO_SECURED)
		return false;
	return (applies && w->host.dane == DANE_FAILS) ||
	       (policy_needs_sts(0, &w->route) && w->route.sts == STS_IN_FORCE &&
		       w->host.sts == STS_FAILS);
}

static void check_published(const struct world *w, const struct judgement by_set[])
{
	if (!policy_plan(0, &w->route).connect || !published_fails(w))
		return;
	for (demands set = 0; set <= DEMANDS_ALL; set++)
		assert_int_not_equal(by_set[set].verdict, VERDICT_ACCEPTED);
	assert_int_equal(by_set[0].verdict, VERDICT_UNKNOWN);
	assert_int_equal(by_set[DEMAND_TLS].verdict, VERDICT_UNKNOWN);
	if (w->route.pin == PIN_STORED && w->host.pin == PIN_MATCHES && !w->route.address_literal)
		assert_int_equal(by_set[DEMAND_PINNED].verdict, VERDICT_UNKNOWN);
}

static void what_only_the_recipient_publishes_delays_and_no_more(void **state)
{
	(void)state;
	in_every_world(check_published);
}

static void refused_only_locally(struct judgement j)
{
	if (j.verdict != VERDICT_UNKNOWN)
		assert_true(j.verdict == VERDICT_REFUSED && is_local(j.reason));
}

/* Each look-up fails in turn: nothing is accepted that was not, and nothing refused by it. */
static void check_dns_failure(const struct world *w, const struct judgement by_set[])
{
	struct route_facts address = w->route, tlsa = w->route, resolver = w->route;

	address.address = ADDRESS_FAILED;
	tlsa.tlsa = TLSA_FAILED;
	resolver.resolver_unhealthy = true;
	/* What is not connected to anyway shows no more. */
	for (demands set = 0; policy_plan(0, &w->route).connect && set <= DEMANDS_ALL; set++) {
		refused_only_locally(policy_judge(set, &address, &w->host));
		refused_only_locally(policy_judge(set, &resolver, &w->host));
		if (policy_needs_tlsa(&w->route))
			refused_only_locally(policy_judge(set, &tlsa, &w->host));
		else
			assert_true(same(by_set[set], policy_judge(set, &tlsa, &w->host)));
		assert_false(policy_plan(set, &address).connect);
		assert_false(policy_plan(set, &resolver).connect);
	}
}

/* A policy that can't be found out never lets through what its absence would not; one that could
 * not be fetched again only delays. */
static void check_sts_failure(const struct world *w, const struct judgement by_set[])
{
	struct route_facts unknown = w->route, absent = w->route;
	struct host_facts again = w->host;

	unknown.sts = STS_UNKNOWN;
	absent.sts = STS_ABSENT;
	again.sts_refetch_failed = true;
	for (demands set = 0; set <= DEMANDS_ALL; set++) {
		struct judgement j = policy_judge(set, &unknown, &w->host),
				 without = policy_judge(set, &absent, &w->host);
		if (j.verdict == VERDICT_ACCEPTED || j.verdict == VERDICT_REFUSED)
			assert_int_equal(without.verdict, j.verdict);
		j = policy_judge(set, &w->route, &again);
		assert_true(
			j.verdict == by_set[set].verdict ||
			(j.verdict == VERDICT_UNKNOWN && by_set[set].verdict == VERDICT_REFUSED));
	}
}

static void a_failing_look_up_never_weakens(void **state)
{
	(void)state;
	in_every_world(check_dns_failure);
	in_every_world(check_sts_failure);
}

static void check_not_gathered(const struct world *w, const struct judgement by_set[])
{
	bool tlsa = policy_needs_tlsa(&w->route) && w->route.tlsa == TLSA_NOT_LOOKED_UP;

	for (demands set = 0; set <= DEMANDS_ALL; set++) {
		bool sts = policy_needs_sts(set, &w->route) && w->route.sts == STS_NOT_LOOKED_UP,
		     pin = policy_needs_pin(set) && w->route.pin == PIN_NOT_LOOKED_UP;
		if (tlsa || sts || pin) {
			assert_int_not_equal(by_set[set].verdict, VERDICT_ACCEPTED);
			assert_false(policy_plan(set, &w->route).connect);
		}
		struct plan plan = policy_plan(set, &w->route);
		bool dane = plan.check_dane && w->host.dane == DANE_NOT_CHECKED,
		     policy = plan.check_sts && w->host.sts == STS_NOT_CHECKED;
		pin = plan.check_pin && w->host.pin == PIN_NOT_CHECKED;
		if (dane || policy || pin)
			assert_int_not_equal(by_set[set].verdict, VERDICT_ACCEPTED);
	}
}

static void what_nobody_gathered_proves_nothing(void **state)
{
	(void)state;
	in_every_world(check_not_gathered);
}

/* What the plan doesn't ask for makes no difference. */
static void check_plan(const struct world *w, const struct judgement by_set[])
{
	for (demands set = 0; set <= DEMANDS_ALL; set++) {
		struct plan plan = policy_plan(set, &w->route);
		struct host_facts less = w->host;
		if (!plan.check_dane)
			less.dane = DANE_NOT_CHECKED;
		if (!plan.check_sts)
			less.sts = STS_NOT_CHECKED;
		if (!plan.check_ca)
			less.ca_proves = false;
		if (!plan.check_pin)
			less.pin = PIN_NOT_CHECKED;
		assert_true(same(policy_judge(set, &w->route, &less), by_set[set]));
		if (!plan.connect)
			assert_true(same(plan.before, by_set[set]));
	}
}

static void what_the_plan_does_not_ask_for_changes_nothing(void **state)
{
	(void)state;
	in_every_world(check_plan);
}

static bool same_plan(const struct plan *a, const struct plan *b)
{
	return a->connect == b->connect && same(a->before, b->before) &&
	       a->plaintext_allowed == b->plaintext_allowed && a->check_dane == b->check_dane &&
	       a->check_sts == b->check_sts && a->check_ca == b->check_ca &&
	       a->check_pin == b->check_pin;
}

/* Each fact that the module says need not be looked up takes every value it has; the plan, which
 * the judgement of a host begins with, stays what it was. */
static void check_needs(const struct route_facts *route)
{
	for (demands set = 0; set <= DEMANDS_ALL; set++) {
		struct plan plan = policy_plan(set, route);

		for (unsigned n = 0; n <= TLSA_FAILED; n++) {
			struct route_facts other = *route;
			other.tlsa = policy_needs_tlsa(route) ? route->tlsa : n;
			other.sts =
				policy_needs_sts(set, route) ? route->sts : n % (STS_UNKNOWN + 1);
			other.pin = policy_needs_pin(set) ? route->pin : n % (PIN_STORED + 1);
			struct plan again = policy_plan(set, &other);
			assert_true(same_plan(&plan, &again));
		}
	}
}

static void check_needs_in_tls(const struct world *w, const struct judgement by_set[])
{
	struct route_facts other = w->route;

	for (demands set = 0; set <= DEMANDS_ALL; set++) {
		for (unsigned t = 0; t <= (policy_needs_tlsa(&w->route) ? 0 : TLSA_FAILED); t++) {
			for (unsigned s = 0;
				s <= (policy_needs_sts(set, &w->route) ? 0 : STS_UNKNOWN); s++) {
				other.tlsa = (w->route.tlsa + t) % (TLSA_FAILED + 1);
				other.sts = (w->route.sts + s) % (STS_UNKNOWN + 1);
				assert_true(same(policy_judge(set, &other, &w->host), by_set[set]));
			}
		}
	}
}

static void what_is_not_needed_changes_nothing(void **state)
{
	(void)state;
	for_every_route(check_needs);
	in_every_world(check_needs_in_tls);
}

/* "TLS-Required: No": for the empty set as if nothing were published, otherwise as if it were not
 * said. */
static void check_unenforced(const struct world *w, const struct judgement by_set[])
{
	struct world given_up = *w, bare = *w;

	given_up.route.unenforced = true;
	bare.route.tlsa = TLSA_NONE;
	bare.route.sts = STS_ABSENT;
	assert_true(same(policy_judge(0, &given_up.route, &w->host),
		policy_judge(0, &bare.route, &w->host)));
	for (demands set = 1; set <= DEMANDS_ALL; set++)
		assert_true(same(policy_judge(set, &given_up.route, &w->host), by_set[set]));
}

static void giving_up_what_is_published_is_for_the_empty_set(void **state)
{
	(void)state;
	in_every_world(check_unenforced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joining_demands_is_union_and_the_worst_wins),
		cmocka_unit_test(more_demands_never_deliver_more),
		cmocka_unit_test(plaintext_is_for_the_empty_set_alone),
		cmocka_unit_test(what_is_accepted_was_proven),
		cmocka_unit_test(refused_is_only_what_a_demand_lacks),
		cmocka_unit_test(what_only_the_recipient_publishes_delays_and_no_more),
		cmocka_unit_test(a_failing_look_up_never_weakens),
		cmocka_unit_test(what_nobody_gathered_proves_nothing),
		cmocka_unit_test(what_the_plan_does_not_ask_for_changes_nothing),
		cmocka_unit_test(what_is_not_needed_changes_nothing),
		cmocka_unit_test(giving_up_what_is_published_is_for_the_empty_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
