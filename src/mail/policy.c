/* SPDX-License-Identifier: ISC
 *
 * policy.c - what "only over TLS" means for a host: policy.md section 3 row by row. Every row that
 * applies gives a verdict for every demand in the set, and the worst wins; so a demand can only
 * ever make things harder, never open a way. Pure, and the only place where a permit to send in
 * plaintext is made. test/policy/truth reads the same document a second time and its table is
 * compared with this.
 */
#include "mail/policy.h"

#include "base/must.h"

enum { PERMIT_SEAL = 0x51e6e100 };

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_ACCEPTED] = "accepted",
		[VERDICT_UNKNOWN] = "unknown",
		[VERDICT_REFUSED] = "refused",
	};

	must((unsigned)verdict < count_of(names));
	return names[verdict];
}

static const struct judgement accepted = { VERDICT_ACCEPTED, REASON_NONE };

static struct judgement unknown(enum reason reason)
{
	return (struct judgement){ VERDICT_UNKNOWN, reason };
}

static struct judgement refused(enum reason reason)
{
	return (struct judgement){ VERDICT_REFUSED, reason };
}

/* The worst wins; of two equally bad the first keeps its reason. */
static void join(struct judgement *all, struct judgement one)
{
	if (one.verdict > all->verdict)
		*all = one;
}

/* Every demand is one about a connection with TLS. */
static demands with_tls(demands wanted)
{
	return wanted ? wanted | DEMAND_TLS : 0;
}

/* A validated TLSA set exists, usable or not: TLS is required whatever was demanded. */
static bool tlsa_published(const struct route_facts *route)
{
	return route->tlsa == TLSA_USABLE || route->tlsa == TLSA_UNUSABLE;
}

/* Only where nothing is demanded can a message give up what the recipient's domain publishes. */
static bool gives_up_the_published(demands wanted, const struct route_facts *route)
{
	return route->unenforced && wanted == 0;
}

static bool dane_applies(const struct route_facts *route)
{
	return route->tlsa == TLSA_USABLE && route->host_validated;
}

/* DANE authenticates only below a validated MX answer; then it alone decides. */
static bool dane_decides(const struct route_facts *route)
{
	return dane_applies(route) && route->mx_validated;
}

static bool ca_may_prove(const struct route_facts *route)
{
	return route->mx_validated && route->host_validated;
}

bool policy_needs_tlsa(const struct route_facts *route)
{
	return route->address == ADDRESS_FOUND && route->host_validated && !route->address_literal;
}

bool policy_needs_sts(demands wanted, const struct route_facts *route)
{
	bool failed = policy_needs_tlsa(route) && route->tlsa == TLSA_FAILED;

	return route->address == ADDRESS_FOUND && !failed && !(wanted & DEMAND_DANE) &&
	       !dane_decides(route) && !route->address_literal &&
	       !gives_up_the_published(wanted, route);
}

bool policy_needs_pin(demands wanted)
{
	return wanted & DEMAND_PINNED;
}

/* The facts as they count for this set: what need not be looked up is as if it were not there,
 * and a failed look-up of what a message gives up hides nothing. */
static struct route_facts in_force(demands wanted, const struct route_facts *route)
{
	struct route_facts facts = *route;

	if (!policy_needs_tlsa(route) || gives_up_the_published(wanted, route))
		facts.tlsa = TLSA_NONE;
	if (!policy_needs_sts(wanted, route))
		facts.sts = STS_ABSENT;
	return facts;
}

static struct judgement judge_stored(const struct route_facts *route)
{
	must(route->pin <= PIN_STORED);
	switch (route->pin) {
	case PIN_STORED:
		return accepted;
	case PIN_NONE:
		return refused(REASON_NO_STORED_CERTIFICATE);
	case PIN_EXPIRED:
		return refused(REASON_STORED_CERTIFICATE_EXPIRED);
	case PIN_NOT_LOOKED_UP:
		break;
	}
	return unknown(REASON_LOCAL_FAULT);
}

/* Rows that rest on what is stored here; no look-up takes part, so no fault of one matters. */
static struct judgement judge_local_facts(demands wanted, const struct route_facts *route)
{
	struct judgement j = accepted;

	if (route->address_literal && wanted & (DEMAND_AUTH | DEMAND_DANE | DEMAND_PINNED))
		join(&j, refused(REASON_ADDRESS_LITERAL));
	if (wanted & DEMAND_PINNED)
		join(&j, judge_stored(route));
	return j;
}

static struct judgement judge_addresses(const struct route_facts *route)
{
	must(route->address <= ADDRESS_FAILED);
	switch (route->address) {
	case ADDRESS_FOUND:
		return accepted;
	case ADDRESS_NONE:
		return route->host_validated ? refused(REASON_NO_ADDRESS)
					     : unknown(REASON_NO_ADDRESS);
	case ADDRESS_FORBIDDEN:
		return unknown(REASON_FORBIDDEN_ADDRESS);
	case ADDRESS_NO_ROUTE:
		return unknown(REASON_LOCAL_FAULT);
	case ADDRESS_FAILED:
		return unknown(route->dns_bogus ? REASON_DNSSEC_INVALID : REASON_DNS_FAILURE);
	}
	return unknown(REASON_LOCAL_FAULT);
}

/* What matters and was not looked up is a fault of ours. */
static struct judgement judge_gathered(demands wanted, const struct route_facts *route)
{
	bool lacking = policy_needs_tlsa(route) && route->tlsa == TLSA_NOT_LOOKED_UP;

	lacking |= policy_needs_sts(wanted, route) && route->sts == STS_NOT_LOOKED_UP;
	return lacking ? unknown(REASON_LOCAL_FAULT) : accepted;
}

static struct judgement judge_tlsa(demands wanted, const struct route_facts *route)
{
	if (route->tlsa == TLSA_NOT_LOOKED_UP)
		return accepted;
	if (route->tlsa == TLSA_FAILED)
		return unknown(route->dns_bogus ? REASON_DNSSEC_INVALID : REASON_DNS_FAILURE);
	/* Below an unvalidated MX answer nothing that a host shows could prove it. */
	if (wanted & DEMAND_DANE && !dane_decides(route))
		return refused(REASON_DANE_REQUIRED);
	return accepted;
}

/* "Before connecting". A resolver that failed its self-test can't show that anything is refused. */
static struct judgement judge_before(demands wanted, const struct route_facts *route)
{
	struct judgement j = judge_local_facts(wanted, route);

	if (route->resolver_unhealthy) {
		join(&j, unknown(REASON_RESOLVER_UNHEALTHY));
		return j;
	}
	join(&j, judge_addresses(route));
	/* Without an address nothing else was looked up. */
	if (route->address == ADDRESS_FOUND) {
		join(&j, judge_gathered(wanted, route));
		join(&j, judge_tlsa(wanted, route));
	}
	return j;
}

/* How the conversation up to TLS is judged. */
static const struct {
	enum { PLAINTEXT_NEVER, PLAINTEXT_SAME, PLAINTEXT_NEW } plaintext;
	enum verdict sealed; /* where anything is demanded */
	enum reason reason;
} hellos[] = {
	[HELLO_NOT_CONNECTED] = { PLAINTEXT_NEVER, VERDICT_UNKNOWN, REASON_LOCAL_FAULT },
	[HELLO_CONNECT_REFUSED] = { PLAINTEXT_NEVER, VERDICT_UNKNOWN, REASON_CONNECTION_REFUSED },
	[HELLO_CONNECT_TIMEOUT] = { PLAINTEXT_NEVER, VERDICT_UNKNOWN, REASON_CONNECTION_TIMEOUT },
	[HELLO_LOST] = { PLAINTEXT_NEVER, VERDICT_UNKNOWN, REASON_CONNECTION_LOST },
	[HELLO_GREETING_REFUSED] = { PLAINTEXT_NEVER, VERDICT_UNKNOWN, REASON_GREETING_REFUSED },
	[HELLO_EHLO_REFUSED] = { PLAINTEXT_NEVER, VERDICT_UNKNOWN, REASON_EHLO_REFUSED },
	[HELLO_NO_STARTTLS] = { PLAINTEXT_SAME, VERDICT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED },
	[HELLO_STARTTLS_5XX] = { PLAINTEXT_SAME, VERDICT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED },
	[HELLO_STARTTLS_4XX] = { PLAINTEXT_SAME, VERDICT_UNKNOWN, REASON_TLS_NOT_AVAILABLE_NOW },
	[HELLO_STARTTLS_ODD] = { PLAINTEXT_NEW, VERDICT_UNKNOWN, REASON_TLS_NOT_AVAILABLE_NOW },
	[HELLO_INJECTED] = { PLAINTEXT_NEVER, VERDICT_REFUSED, REASON_RESPONSE_INJECTION },
	[HELLO_NOT_TLS] = { PLAINTEXT_NEW, VERDICT_REFUSED, REASON_NOT_TLS },
	[HELLO_TLS_INCOMPATIBLE] = { PLAINTEXT_NEW, VERDICT_REFUSED, REASON_PROTOCOL_VERSION },
	[HELLO_TLS_ALERT] = { PLAINTEXT_NEW, VERDICT_UNKNOWN, REASON_TLS_NOT_AVAILABLE_NOW },
	[HELLO_TLS_LOST] = { PLAINTEXT_NEW, VERDICT_UNKNOWN, REASON_CONNECTION_LOST },
	[HELLO_SECURED_EHLO_REFUSED] = { PLAINTEXT_NEVER, VERDICT_UNKNOWN, REASON_EHLO_REFUSED },
	[HELLO_SECURED] = { PLAINTEXT_NEVER, VERDICT_ACCEPTED, REASON_NONE },
	[HELLO_LOCAL_FAULT] = { PLAINTEXT_NEVER, VERDICT_UNKNOWN, REASON_LOCAL_FAULT },
};

static struct judgement judge_hello(demands wanted, const struct plan *plan, enum hello hello)
{
	must((size_t)hello < count_of(hellos));
	if (wanted)
		return (struct judgement){ hellos[hello].sealed, hellos[hello].reason };
	if (hellos[hello].sealed == VERDICT_ACCEPTED)
		return accepted;
	if (hellos[hello].plaintext != PLAINTEXT_NEVER && plan->plaintext_allowed)
		return (struct judgement){ VERDICT_ACCEPTED, hellos[hello].reason };
	return unknown(hellos[hello].reason);
}

/* The rows "DANE applies and ...", where DANE alone decides. */
static struct judgement judge_dane(demands wanted, const struct host_facts *host)
{
	if (host->dane == DANE_MATCHES)
		return accepted;
	if (host->dane != DANE_FAILS)
		return unknown(REASON_LOCAL_FAULT);
	return wanted & (DEMAND_AUTH | DEMAND_DANE) ? refused(REASON_TLSA_INVALID)
						    : unknown(REASON_TLSA_INVALID);
}

/* MTA-STS authenticates, or may yet: nothing is known of it, or what is known may be old. */
static bool sts_may_hold(const struct route_facts *route, const struct host_facts *host)
{
	if (route->sts == STS_IN_FORCE)
		return host->sts != STS_FAILS || host->sts_refetch_failed;
	return route->sts == STS_UNKNOWN;
}

/* The same below an unvalidated MX answer: it must match, and proves nothing. */
static struct judgement judge_half_dane(
	demands wanted, const struct route_facts *route, const struct host_facts *host)
{
	if (host->dane == DANE_MATCHES)
		return accepted;
	if (host->dane != DANE_FAILS)
		return unknown(REASON_LOCAL_FAULT);
	return wanted & DEMAND_AUTH && !sts_may_hold(route, host) ? refused(REASON_TLSA_INVALID)
								  : unknown(REASON_TLSA_INVALID);
}

/* Why a certificate proved nothing: as checked, or nothing there could prove anything. */
static enum reason certificate_reason(const struct host_facts *host, enum reason otherwise)
{
	return host->certificate_fault != REASON_NONE ? host->certificate_fault : otherwise;
}

static bool ca_proves(const struct route_facts *route, const struct host_facts *host)
{
	return ca_may_prove(route) && host->ca_proves;
}

static struct judgement judge_sts_in_force(
	demands wanted, const struct route_facts *route, const struct host_facts *host)
{
	if (host->sts == STS_HOLDS)
		return accepted;
	if (host->sts != STS_FAILS)
		return unknown(REASON_LOCAL_FAULT);
	if (host->sts_refetch_failed)
		return unknown(REASON_STS_FETCH_FAILED);
	enum reason reason =
		host->sts_fault != REASON_NONE ? host->sts_fault : REASON_VALIDATION_FAILURE;
	return wanted & DEMAND_AUTH && !ca_proves(route, host) ? refused(reason) : unknown(reason);
}

/* The rows "STS ...", where DANE doesn't decide. For `auth` the CA store may stand in, but only
 * once it is known that neither DANE nor MTA-STS had anything to say. */
static struct judgement judge_sts(
	demands wanted, const struct route_facts *route, const struct host_facts *host)
{
	if (route->sts == STS_IN_FORCE)
		return judge_sts_in_force(wanted, route, host);
	if (!(wanted & DEMAND_AUTH))
		return accepted;
	if (ca_proves(route, host))
		return accepted;
	if (route->sts == STS_UNKNOWN)
		return unknown(REASON_STS_FETCH_FAILED);
	return refused(ca_may_prove(route)
			       ? certificate_reason(host, REASON_AUTHENTICATION_UNAVAILABLE)
			       : REASON_AUTHENTICATION_UNAVAILABLE);
}

static struct judgement judge_pin(const struct host_facts *host)
{
	must(host->pin <= PIN_FAILS);
	switch (host->pin) {
	case PIN_MATCHES:
		return accepted;
	case PIN_FAILS:
		return refused(REASON_STORED_CERTIFICATE_MISMATCH);
	case PIN_NOT_CHECKED:
		break;
	}
	return unknown(REASON_LOCAL_FAULT);
}

/* "What the host shows in TLS". What the plan asked for and nobody checked is a fault of ours. */
static struct judgement judge_secured(
	demands wanted, const struct route_facts *route, const struct host_facts *host)
{
	struct judgement j = accepted;

	if (dane_decides(route)) {
		join(&j, judge_dane(wanted, host));
	} else {
		if (dane_applies(route))
			join(&j, judge_half_dane(wanted, route, host));
		join(&j, judge_sts(wanted, route, host));
	}
	if (wanted & DEMAND_PINNED)
		join(&j, judge_pin(host));
	if (wanted & DEMAND_REQUIRETLS && !host->requiretls_announced)
		join(&j, refused(REASON_REQUIRETLS_UNSUPPORTED));
	return j;
}

/* What a resolver validated that has failed its self-test, nobody has. */
static bool dane_proves(const struct route_facts *route, const struct host_facts *host)
{
	return !route->resolver_unhealthy && dane_decides(route) && host->dane == DANE_MATCHES;
}

static bool sts_proves(const struct route_facts *route, const struct host_facts *host)
{
	return !dane_decides(route) && route->sts == STS_IN_FORCE && host->sts == STS_HOLDS;
}

/* The CA store is asked last: DANE decides alone where it applies. */
static bool store_proves(const struct route_facts *route, const struct host_facts *host)
{
	return !route->resolver_unhealthy && !dane_decides(route) && ca_proves(route, host);
}

static bool pin_proves(const struct route_facts *route, const struct host_facts *host)
{
	return route->pin == PIN_STORED && host->pin == PIN_MATCHES;
}

demands policy_proofs(const struct route_facts *route, const struct host_facts *host)
{
	demands proved = DEMAND_TLS;

	if (host->hello != HELLO_SECURED)
		return 0;
	if (host->requiretls_announced)
		proved |= DEMAND_REQUIRETLS;
	if (route->address_literal) /* no name that anything could prove */
		return proved;
	if (dane_proves(route, host))
		proved |= DEMAND_AUTH | DEMAND_DANE;
	if (sts_proves(route, host) || store_proves(route, host))
		proved |= DEMAND_AUTH;
	if (pin_proves(route, host))
		proved |= DEMAND_PINNED;
	return proved;
}

const char *policy_proven_by(const struct route_facts *route, const struct host_facts *host)
{
	if (host->hello != HELLO_SECURED || route->address_literal)
		return "";
	if (dane_proves(route, host))
		return "dane";
	if (sts_proves(route, host))
		return "sts";
	if (store_proves(route, host))
		return "ca";
	return pin_proves(route, host) ? "pin" : "";
}

struct plan policy_plan(demands wanted, const struct route_facts *published)
{
	const struct route_facts facts = in_force(wanted, published), *route = &facts;
	struct plan plan = { 0 };

	wanted = with_tls(wanted);
	plan.before = judge_before(wanted, route);
	plan.connect = plan.before.verdict == VERDICT_ACCEPTED;
	if (!plan.connect)
		return plan;
	plan.plaintext_allowed =
		wanted == 0 && !tlsa_published(route) && route->sts != STS_IN_FORCE;
	plan.check_dane = dane_applies(route);
	plan.check_sts = route->sts == STS_IN_FORCE && !dane_decides(route);
	plan.check_ca = wanted & DEMAND_AUTH && !dane_decides(route) && ca_may_prove(route);
	plan.check_pin = wanted & DEMAND_PINNED;
	return plan;
}

struct judgement policy_judge(
	demands wanted, const struct route_facts *published, const struct host_facts *host)
{
	const struct route_facts facts = in_force(wanted, published), *route = &facts;
	struct plan plan = policy_plan(wanted, route);

	wanted = with_tls(wanted);
	if (!plan.connect)
		return plan.before;
	if (host->hello != HELLO_SECURED)
		return judge_hello(wanted, &plan, host->hello);
	return judge_secured(wanted, route, host);
}

bool policy_permit_plaintext(demands wanted, const struct route_facts *route,
	const struct host_facts *host, struct plaintext_permit *permit)
{
	struct plan plan = policy_plan(wanted, route);

	must((size_t)host->hello < count_of(hellos));
	bool allowed = wanted == 0 && plan.connect && plan.plaintext_allowed &&
		       hellos[host->hello].plaintext != PLAINTEXT_NEVER;
	*permit = (struct plaintext_permit){ allowed ? PERMIT_SEAL : 0 };
	return allowed;
}

bool policy_permit_holds(struct plaintext_permit permit)
{
	return permit.seal == PERMIT_SEAL;
}

bool policy_plaintext_needs_new_connection(enum hello hello)
{
	must((size_t)hello < count_of(hellos));
	return hellos[hello].plaintext == PLAINTEXT_NEW;
}

struct judgement policy_join_hosts(const struct judgement *hosts, size_t n, bool capped)
{
	struct judgement first_unknown = accepted, first_refused = accepted;

	for (size_t i = 0; i < n; i++) {
		if (hosts[i].verdict == VERDICT_ACCEPTED)
			return hosts[i];
		struct judgement *first =
			hosts[i].verdict == VERDICT_UNKNOWN ? &first_unknown : &first_refused;
		join(first, hosts[i]);
	}
	if (first_unknown.verdict == VERDICT_UNKNOWN)
		return first_unknown;
	if (capped)
		return unknown(REASON_TOO_MANY_HOSTS);
	return n ? first_refused : unknown(REASON_LOCAL_FAULT);
}

bool policy_needs_second_look(struct judgement refused_for)
{
	return refused_for.verdict == VERDICT_REFUSED &&
	       refused_for.reason != REASON_NO_STORED_CERTIFICATE &&
	       refused_for.reason != REASON_STORED_CERTIFICATE_EXPIRED &&
	       refused_for.reason != REASON_ADDRESS_LITERAL;
}
