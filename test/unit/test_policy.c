/* SPDX-License-Identifier: ISC
 *
 * test_policy.c - the table of policy.md section 3 as rows of data that a reader can hold against it,
 * and what belongs to it: joining hosts, second looks, levels, reasons. What must hold in every world
 * is in test_policy_properties.c, every row worked out from the text in test_policy_table.c.
 */
#include "mail/policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

/* A row is a world with something changed. */
#pragma GCC diagnostic ignored "-Woverride-init"

/* Columns of the table: {}, tls, auth, dane, pinned. */
static const demands columns[] = { 0, DEMAND_TLS, DEMAND_AUTH, DEMAND_DANE, DEMAND_PINNED };

enum { COLUMNS_N = 5 };

/* A host that has everything: whatever is demanded, it is accepted. Rows change it. */
#define DANE_WORLD                                                                            \
	.mx_validated = true, .host_validated = true, .tlsa = TLSA_USABLE, .sts = STS_ABSENT, \
	.pin = PIN_STORED
/* The same with a signed domain that publishes no TLSA: only the CA store proves it. */
#define CA_WORLD                                                                            \
	.mx_validated = true, .host_validated = true, .tlsa = TLSA_NONE, .sts = STS_ABSENT, \
	.pin = PIN_STORED
/* Nothing signed, nothing published. */
#define BARE_WORLD .tlsa = TLSA_NONE, .sts = STS_ABSENT, .pin = PIN_STORED
#define SHOWS_ALL                                                                          \
	.hello = HELLO_SECURED, .dane = DANE_MATCHES, .sts = STS_HOLDS, .ca_proves = true, \
	.pin = PIN_MATCHES, .requiretls_announced = true
#define SHOWS_NO_PROOF .hello = HELLO_SECURED, .pin = PIN_MATCHES, .requiretls_announced = true

/* Per column: A accepted, P accepted in plaintext, U unknown, R refused, '.' not said here. */
struct row {
	const char *observation;
	struct route_facts route;
	struct host_facts host;
	const char *verdicts;
	enum reason reason; /* of every U, R and P */
};

static const struct row rows[] = {
	{ "everything proves", { DANE_WORLD }, { SHOWS_ALL }, "AAAAA", REASON_NONE },
	{ "only the CA proves", { CA_WORLD }, { SHOWS_ALL }, "AAA.A", REASON_NONE },

	/* before connecting */
	{ "TLSA look-up failed", { DANE_WORLD, .tlsa = TLSA_FAILED }, { SHOWS_ALL }, "UUUUU",
		REASON_DNS_FAILURE },
	{ "TLSA bogus", { DANE_WORLD, .tlsa = TLSA_FAILED, .dns_bogus = true }, { SHOWS_ALL },
		"UUUUU", REASON_DNSSEC_INVALID },
	{ "addresses failed", { DANE_WORLD, .address = ADDRESS_FAILED }, { SHOWS_ALL }, "UUUUU",
		REASON_DNS_FAILURE },
	{ "addresses bogus", { DANE_WORLD, .address = ADDRESS_FAILED, .dns_bogus = true },
		{ SHOWS_ALL }, "UUUUU", REASON_DNSSEC_INVALID },
	{ "no address, validated", { DANE_WORLD, .address = ADDRESS_NONE }, { SHOWS_ALL }, "RRRRR",
		REASON_NO_ADDRESS },
	{ "no address, not validated", { BARE_WORLD, .address = ADDRESS_NONE }, { SHOWS_ALL },
		"UUUUU", REASON_NO_ADDRESS },
	{ "forbidden address", { DANE_WORLD, .address = ADDRESS_FORBIDDEN }, { SHOWS_ALL }, "UUUUU",
		REASON_FORBIDDEN_ADDRESS },
	{ "no local route", { DANE_WORLD, .address = ADDRESS_NO_ROUTE }, { SHOWS_ALL }, "UUUUU",
		REASON_LOCAL_FAULT },
	{ "no stored entry", { DANE_WORLD, .pin = PIN_NONE }, { SHOWS_ALL }, "AAAAR",
		REASON_NO_STORED_CERTIFICATE },
	{ "stored entries expired", { DANE_WORLD, .pin = PIN_EXPIRED }, { SHOWS_ALL }, "AAAAR",
		REASON_STORED_CERTIFICATE_EXPIRED },
	{ "no stored entry, and DNS failed", { DANE_WORLD, .pin = PIN_NONE, .tlsa = TLSA_FAILED },
		{ SHOWS_ALL }, "....R", REASON_NO_STORED_CERTIFICATE },
	{ "no TLSA", { CA_WORLD }, { SHOWS_ALL }, "AAARA", REASON_DANE_REQUIRED },
	{ "answers not validated", { BARE_WORLD }, { SHOWS_ALL }, "AA.RA", REASON_DANE_REQUIRED },
	{ "only unusable TLSA", { CA_WORLD, .tlsa = TLSA_UNUSABLE }, { SHOWS_ALL }, "AAARA",
		REASON_DANE_REQUIRED },
	{ "address literal", { BARE_WORLD, .address_literal = true }, { SHOWS_ALL }, "AARRR",
		REASON_ADDRESS_LITERAL },
	{ "resolver self-test failed", { DANE_WORLD, .resolver_unhealthy = true }, { SHOWS_ALL },
		"UUUUU", REASON_RESOLVER_UNHEALTHY },
	{ "resolver self-test failed, nothing signed",
		{ BARE_WORLD, .resolver_unhealthy = true, .address = ADDRESS_NONE,
			.host_validated = true },
		{ SHOWS_ALL }, "UUUUU", REASON_RESOLVER_UNHEALTHY },

	/* the conversation up to TLS, where TLSA is published */
	{ "not connected", { DANE_WORLD }, { .hello = HELLO_NOT_CONNECTED }, "UUUUU",
		REASON_LOCAL_FAULT },
	{ "connect refused", { DANE_WORLD }, { .hello = HELLO_CONNECT_REFUSED }, "UUUUU",
		REASON_CONNECTION_REFUSED },
	{ "connect timed out", { DANE_WORLD }, { .hello = HELLO_CONNECT_TIMEOUT }, "UUUUU",
		REASON_CONNECTION_TIMEOUT },
	{ "EOF before TLS", { DANE_WORLD }, { .hello = HELLO_LOST }, "UUUUU",
		REASON_CONNECTION_LOST },
	{ "greeting 554", { DANE_WORLD }, { .hello = HELLO_GREETING_REFUSED }, "UUUUU",
		REASON_GREETING_REFUSED },
	{ "EHLO and HELO refused", { DANE_WORLD }, { .hello = HELLO_EHLO_REFUSED }, "UUUUU",
		REASON_EHLO_REFUSED },
	{ "no STARTTLS", { DANE_WORLD }, { .hello = HELLO_NO_STARTTLS }, "URRRR",
		REASON_STARTTLS_NOT_SUPPORTED },
	{ "STARTTLS 5xx", { DANE_WORLD }, { .hello = HELLO_STARTTLS_5XX }, "URRRR",
		REASON_STARTTLS_NOT_SUPPORTED },
	{ "STARTTLS 4xx", { DANE_WORLD }, { .hello = HELLO_STARTTLS_4XX }, "UUUUU",
		REASON_TLS_NOT_AVAILABLE_NOW },
	{ "STARTTLS odd", { DANE_WORLD }, { .hello = HELLO_STARTTLS_ODD }, "UUUUU",
		REASON_TLS_NOT_AVAILABLE_NOW },
	{ "bytes behind the 220", { DANE_WORLD }, { .hello = HELLO_INJECTED }, "URRRR",
		REASON_RESPONSE_INJECTION },
	{ "no TLS record", { DANE_WORLD }, { .hello = HELLO_NOT_TLS }, "URRRR", REASON_NOT_TLS },
	{ "no common version", { DANE_WORLD }, { .hello = HELLO_TLS_INCOMPATIBLE }, "URRRR",
		REASON_PROTOCOL_VERSION },
	{ "another alert", { DANE_WORLD }, { .hello = HELLO_TLS_ALERT }, "UUUUU",
		REASON_TLS_NOT_AVAILABLE_NOW },
	{ "EOF in the handshake", { DANE_WORLD }, { .hello = HELLO_TLS_LOST }, "UUUUU",
		REASON_CONNECTION_LOST },
	{ "EHLO refused after TLS", { DANE_WORLD }, { .hello = HELLO_SECURED_EHLO_REFUSED },
		"UUUUU", REASON_EHLO_REFUSED },
	{ "local fault", { DANE_WORLD }, { .hello = HELLO_LOCAL_FAULT }, "UUUUU",
		REASON_LOCAL_FAULT },

	/* the same where nothing is published */
	{ "bare: connect refused", { BARE_WORLD }, { .hello = HELLO_CONNECT_REFUSED }, "UUU.U",
		REASON_CONNECTION_REFUSED },
	{ "bare: greeting 421", { BARE_WORLD }, { .hello = HELLO_GREETING_REFUSED }, "UUU.U",
		REASON_GREETING_REFUSED },
	{ "bare: EHLO refused", { BARE_WORLD }, { .hello = HELLO_EHLO_REFUSED }, "UUU.U",
		REASON_EHLO_REFUSED },
	{ "bare: no STARTTLS", { BARE_WORLD }, { .hello = HELLO_NO_STARTTLS }, "PRR.R",
		REASON_STARTTLS_NOT_SUPPORTED },
	{ "bare: STARTTLS 5xx", { BARE_WORLD }, { .hello = HELLO_STARTTLS_5XX }, "PRR.R",
		REASON_STARTTLS_NOT_SUPPORTED },
	{ "bare: STARTTLS 4xx", { BARE_WORLD }, { .hello = HELLO_STARTTLS_4XX }, "PUU.U",
		REASON_TLS_NOT_AVAILABLE_NOW },
	{ "bare: STARTTLS odd", { BARE_WORLD }, { .hello = HELLO_STARTTLS_ODD }, "PUU.U",
		REASON_TLS_NOT_AVAILABLE_NOW },
	{ "bare: bytes behind the 220", { BARE_WORLD }, { .hello = HELLO_INJECTED }, "URR.R",
		REASON_RESPONSE_INJECTION },
	{ "bare: no TLS record", { BARE_WORLD }, { .hello = HELLO_NOT_TLS }, "PRR.R",
		REASON_NOT_TLS },
	{ "bare: TLS 1.0 only", { BARE_WORLD }, { .hello = HELLO_TLS_INCOMPATIBLE }, "PRR.R",
		REASON_PROTOCOL_VERSION },
	{ "bare: another alert", { BARE_WORLD }, { .hello = HELLO_TLS_ALERT }, "PUU.U",
		REASON_TLS_NOT_AVAILABLE_NOW },
	{ "bare: EOF in the handshake", { BARE_WORLD }, { .hello = HELLO_TLS_LOST }, "PUU.U",
		REASON_CONNECTION_LOST },
	{ "bare: EHLO refused after TLS", { BARE_WORLD }, { .hello = HELLO_SECURED_EHLO_REFUSED },
		"UUU.U", REASON_EHLO_REFUSED },
	{ "bare: local fault", { BARE_WORLD }, { .hello = HELLO_LOCAL_FAULT }, "UUU.U",
		REASON_LOCAL_FAULT },
	{ "STS unknown: no STARTTLS", { BARE_WORLD, .sts = STS_UNKNOWN },
		{ .hello = HELLO_NO_STARTTLS }, "PRR.R", REASON_STARTTLS_NOT_SUPPORTED },
	{ "STS in force: no STARTTLS", { BARE_WORLD, .sts = STS_IN_FORCE },
		{ .hello = HELLO_NO_STARTTLS }, "URR.R", REASON_STARTTLS_NOT_SUPPORTED },
	{ "STS in force: EOF in the handshake", { BARE_WORLD, .sts = STS_IN_FORCE },
		{ .hello = HELLO_TLS_LOST }, "UUU.U", REASON_CONNECTION_LOST },
	{ "unusable TLSA: no STARTTLS", { CA_WORLD, .tlsa = TLSA_UNUSABLE },
		{ .hello = HELLO_NO_STARTTLS }, "URR.R", REASON_STARTTLS_NOT_SUPPORTED },

	/* what the host shows in TLS */
	{ "DANE matches, nothing else", { DANE_WORLD }, { SHOWS_NO_PROOF, .dane = DANE_MATCHES },
		"AAAAA", REASON_NONE },
	{ "DANE does not match", { DANE_WORLD }, { SHOWS_ALL, .dane = DANE_FAILS }, "UURRU",
		REASON_TLSA_INVALID },
	{ "DANE does not match, STS holds", { DANE_WORLD, .sts = STS_IN_FORCE },
		{ SHOWS_ALL, .dane = DANE_FAILS }, "UURRU", REASON_TLSA_INVALID },
	{ "DANE decides, STS fails", { DANE_WORLD, .sts = STS_IN_FORCE },
		{ SHOWS_ALL, .sts = STS_FAILS }, "AAAAA", REASON_NONE },
	{ "DANE published, not checked", { DANE_WORLD }, { SHOWS_NO_PROOF, .ca_proves = true },
		"UUUUU", REASON_LOCAL_FAULT },
	{ "half DANE matches, STS absent", { DANE_WORLD, .mx_validated = false }, { SHOWS_ALL },
		"AAR.A", REASON_AUTHENTICATION_UNAVAILABLE },
	{ "half DANE, dane", { DANE_WORLD, .mx_validated = false }, { SHOWS_ALL }, "AA.RA",
		REASON_DANE_REQUIRED },
	{ "half DANE, dane: no connection", { DANE_WORLD, .mx_validated = false },
		{ .hello = HELLO_CONNECT_TIMEOUT }, "...R.", REASON_DANE_REQUIRED },
	{ "half DANE matches, STS holds",
		{ DANE_WORLD, .mx_validated = false, .sts = STS_IN_FORCE }, { SHOWS_ALL }, "AAARA",
		REASON_DANE_REQUIRED },
	{ "half DANE matches, STS unknown",
		{ DANE_WORLD, .mx_validated = false, .sts = STS_UNKNOWN }, { SHOWS_ALL }, "AAU.A",
		REASON_STS_FETCH_FAILED },
	{ "half DANE matches, STS fails",
		{ DANE_WORLD, .mx_validated = false, .sts = STS_IN_FORCE },
		{ SHOWS_ALL, .sts = STS_FAILS, .sts_fault = REASON_CERTIFICATE_EXPIRED }, "UUR.U",
		REASON_CERTIFICATE_EXPIRED },
	{ "half DANE fails, STS absent", { DANE_WORLD, .mx_validated = false },
		{ SHOWS_ALL, .dane = DANE_FAILS }, "UUR.U", REASON_TLSA_INVALID },
	{ "half DANE fails, STS holds", { DANE_WORLD, .mx_validated = false, .sts = STS_IN_FORCE },
		{ SHOWS_ALL, .dane = DANE_FAILS }, "UUU.U", REASON_TLSA_INVALID },
	{ "half DANE fails, STS unknown", { DANE_WORLD, .mx_validated = false, .sts = STS_UNKNOWN },
		{ SHOWS_ALL, .dane = DANE_FAILS }, "UUU.U", REASON_TLSA_INVALID },
	{ "STS holds", { BARE_WORLD, .sts = STS_IN_FORCE }, { SHOWS_NO_PROOF, .sts = STS_HOLDS },
		"AAA.A", REASON_NONE },
	{ "STS holds behind unusable TLSA",
		{ BARE_WORLD, .tlsa = TLSA_UNUSABLE, .sts = STS_IN_FORCE },
		{ SHOWS_NO_PROOF, .sts = STS_HOLDS }, "AAA.A", REASON_NONE },
	{ "STS fails", { BARE_WORLD, .sts = STS_IN_FORCE },
		{ SHOWS_NO_PROOF, .sts = STS_FAILS, .sts_fault = REASON_STS_MX_NOT_LISTED },
		"UUR.U", REASON_STS_MX_NOT_LISTED },
	{ "STS fails, CA proves", { CA_WORLD, .sts = STS_IN_FORCE },
		{ SHOWS_ALL, .sts = STS_FAILS }, "UUU.U", REASON_VALIDATION_FAILURE },
	{ "STS fails, CA certificate below an unsigned MX", { BARE_WORLD, .sts = STS_IN_FORCE },
		{ SHOWS_ALL, .sts = STS_FAILS }, "UUR.U", REASON_VALIDATION_FAILURE },
	{ "STS fails, fetched again in vain", { BARE_WORLD, .sts = STS_IN_FORCE },
		{ SHOWS_NO_PROOF, .sts = STS_FAILS, .sts_refetch_failed = true }, "UUU.U",
		REASON_STS_FETCH_FAILED },
	{ "half DANE fails, STS fails and could not be fetched again",
		{ DANE_WORLD, .mx_validated = false, .sts = STS_IN_FORCE },
		{ SHOWS_ALL, .dane = DANE_FAILS, .sts = STS_FAILS, .sts_refetch_failed = true },
		"UUU.U", REASON_TLSA_INVALID },
	{ "half DANE fails, STS fails", { DANE_WORLD, .mx_validated = false, .sts = STS_IN_FORCE },
		{ SHOWS_ALL, .dane = DANE_FAILS, .sts = STS_FAILS }, "UUR.U", REASON_TLSA_INVALID },
	{ "STS in force, not checked", { BARE_WORLD, .sts = STS_IN_FORCE }, { SHOWS_NO_PROOF },
		"UUU.U", REASON_LOCAL_FAULT },
	{ "STS absent, nothing proves", { BARE_WORLD }, { SHOWS_NO_PROOF }, "AAR.A",
		REASON_AUTHENTICATION_UNAVAILABLE },
	{ "STS absent, certificate expired", { CA_WORLD },
		{ SHOWS_NO_PROOF, .certificate_fault = REASON_CERTIFICATE_EXPIRED }, "AAR.A",
		REASON_CERTIFICATE_EXPIRED },
	{ "STS absent, CA proves", { CA_WORLD }, { SHOWS_NO_PROOF, .ca_proves = true }, "AAA.A",
		REASON_NONE },
	{ "STS absent, CA below an unsigned MX", { CA_WORLD, .mx_validated = false },
		{ SHOWS_NO_PROOF, .ca_proves = true }, "AAR.A", REASON_AUTHENTICATION_UNAVAILABLE },
	{ "STS absent, CA for an unsigned host", { CA_WORLD, .host_validated = false },
		{ SHOWS_NO_PROOF, .ca_proves = true }, "AAR.A", REASON_AUTHENTICATION_UNAVAILABLE },
	{ "STS unknown, CA proves", { CA_WORLD, .sts = STS_UNKNOWN },
		{ SHOWS_NO_PROOF, .ca_proves = true }, "AAA.A", REASON_NONE },
	{ "STS unknown, nothing proves", { CA_WORLD, .sts = STS_UNKNOWN }, { SHOWS_NO_PROOF },
		"AAU.A", REASON_STS_FETCH_FAILED },
	{ "pin does not match", { DANE_WORLD }, { SHOWS_ALL, .pin = PIN_FAILS }, "AAAAR",
		REASON_STORED_CERTIFICATE_MISMATCH },

	/* a message that says "TLS-Required: No" */
	{ "unenforced: no STARTTLS", { DANE_WORLD, .unenforced = true },
		{ .hello = HELLO_NO_STARTTLS }, "PRRRR", REASON_STARTTLS_NOT_SUPPORTED },
	{ "unenforced: STS in force, no STARTTLS",
		{ BARE_WORLD, .sts = STS_IN_FORCE, .unenforced = true },
		{ .hello = HELLO_NO_STARTTLS }, "PRR.R", REASON_STARTTLS_NOT_SUPPORTED },
	{ "unenforced: bytes behind the 220", { DANE_WORLD, .unenforced = true },
		{ .hello = HELLO_INJECTED }, "URRRR", REASON_RESPONSE_INJECTION },
	{ "unenforced: DANE does not match", { DANE_WORLD, .unenforced = true },
		{ SHOWS_ALL, .dane = DANE_FAILS }, "AURRU", REASON_TLSA_INVALID },
	{ "unenforced: TLSA look-up failed",
		{ DANE_WORLD, .tlsa = TLSA_FAILED, .unenforced = true }, { SHOWS_ALL }, "AUUUU",
		REASON_DNS_FAILURE },
	{ "unenforced: addresses failed",
		{ DANE_WORLD, .address = ADDRESS_FAILED, .unenforced = true }, { SHOWS_ALL },
		"UUUUU", REASON_DNS_FAILURE },
	{ "unenforced: STS fails", { BARE_WORLD, .sts = STS_IN_FORCE, .unenforced = true },
		{ SHOWS_NO_PROOF, .sts = STS_FAILS, .sts_fault = REASON_STS_MX_NOT_LISTED },
		"AUR.U", REASON_STS_MX_NOT_LISTED },

	/* facts that nobody gathered */
	{ "nothing looked up", { 0 }, { .hello = HELLO_SECURED }, "UUU.U", REASON_LOCAL_FAULT },
	{ "nothing looked up: no STARTTLS", { 0 }, { .hello = HELLO_NO_STARTTLS }, "UUU.U",
		REASON_LOCAL_FAULT },
	{ "nothing looked up, dane", { 0 }, { .hello = HELLO_SECURED }, "...R.",
		REASON_DANE_REQUIRED },
	{ "nothing looked up of a signed host", { .mx_validated = true, .host_validated = true },
		{ .hello = HELLO_SECURED }, "UUUUU", REASON_LOCAL_FAULT },
	{ "TLSA not looked up, the rest proves", { CA_WORLD, .tlsa = TLSA_NOT_LOOKED_UP },
		{ SHOWS_ALL }, "UUUUU", REASON_LOCAL_FAULT },
	{ "STS not looked up, CA proves", { CA_WORLD, .sts = STS_NOT_LOOKED_UP }, { SHOWS_ALL },
		"UUU.U", REASON_LOCAL_FAULT },
	{ "pin not looked up", { DANE_WORLD, .pin = PIN_NOT_LOOKED_UP }, { SHOWS_ALL }, "AAAAU",
		REASON_LOCAL_FAULT },
	{ "pin stored, not checked", { DANE_WORLD }, { SHOWS_ALL, .pin = PIN_NOT_CHECKED }, "AAAAU",
		REASON_LOCAL_FAULT },
};

static char letter_of(demands wanted, const struct row *row)
{
	struct judgement j = policy_judge(wanted, &row->route, &row->host);
	struct plaintext_permit permit;
	bool plain = policy_permit_plaintext(wanted, &row->route, &row->host, &permit);

	assert_int_equal(plain, policy_permit_holds(permit));
	if (j.verdict == VERDICT_ACCEPTED)
		return plain ? 'P' : 'A';
	assert_false(plain);
	return j.verdict == VERDICT_UNKNOWN ? 'U' : 'R';
}

static void every_row_of_the_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		for (size_t c = 0; c < COLUMNS_N; c++) {
			char wanted = rows[i].verdicts[c], got = letter_of(columns[c], &rows[i]);
			struct judgement j =
				policy_judge(columns[c], &rows[i].route, &rows[i].host);
			if (wanted == '.')
				continue;
			if (got != wanted)
				fail_msg("%s, column %zu: %c", rows[i].observation, c, got);
			enum reason reason = wanted == 'A' ? REASON_NONE : rows[i].reason;
			if (j.reason != reason)
				fail_msg("%s, column %zu: %s", rows[i].observation, c,
					reason_id(j.reason));
		}
	}
}

static void requiretls_must_be_announced(void **state)
{
	struct route_facts route = { DANE_WORLD };
	struct host_facts host = { SHOWS_ALL };
	demands wanted = DEMAND_TLS | DEMAND_AUTH | DEMAND_REQUIRETLS;

	(void)state;
	assert_int_equal(policy_judge(wanted, &route, &host).verdict, VERDICT_ACCEPTED);
	host.requiretls_announced = false;
	struct judgement j = policy_judge(wanted, &route, &host);
	assert_int_equal(j.verdict, VERDICT_REFUSED);
	assert_int_equal(j.reason, REASON_REQUIRETLS_UNSUPPORTED);
	assert_string_equal(reason_code(j.reason), "7.30");
}

static void the_plan_asks_only_for_what_matters(void **state)
{
	struct route_facts bare = { BARE_WORLD }, dane = { DANE_WORLD }, ca = { CA_WORLD };

	(void)state;
	struct plan plan = policy_plan(0, &bare);
	assert_true(plan.connect && plan.plaintext_allowed);
	assert_false(plan.check_dane || plan.check_sts || plan.check_ca || plan.check_pin);
	plan = policy_plan(DEMAND_TLS, &bare);
	assert_true(plan.connect && !plan.plaintext_allowed);
	plan = policy_plan(0, &dane);
	assert_true(plan.connect && plan.check_dane && !plan.plaintext_allowed);
	plan = policy_plan(DEMAND_TLS | DEMAND_AUTH, &ca);
	assert_true(plan.check_ca && !plan.check_dane);
	plan = policy_plan(DEMAND_TLS | DEMAND_PINNED, &dane);
	assert_true(plan.check_pin && plan.check_dane && !plan.check_ca);
}

static void what_a_message_gives_up_is_not_asked_for(void **state)
{
	struct route_facts route = { BARE_WORLD, .tlsa = TLSA_USABLE, .host_validated = true };

	(void)state;
	route.sts = STS_IN_FORCE;
	assert_true(policy_needs_sts(0, &route));
	assert_true(policy_plan(0, &route).check_dane && policy_plan(0, &route).check_sts);
	route.unenforced = true;
	assert_false(policy_needs_sts(0, &route));
	assert_false(policy_plan(0, &route).check_dane || policy_plan(0, &route).check_sts);
	assert_true(policy_needs_sts(DEMAND_TLS, &route));
	assert_true(policy_plan(DEMAND_TLS, &route).check_dane);
}

static void a_recipient_is_refused_only_by_all_its_hosts(void **state)
{
	static const struct judgement yes = { VERDICT_ACCEPTED, REASON_NONE },
				      maybe = { VERDICT_UNKNOWN, REASON_CONNECTION_TIMEOUT },
				      no = { VERDICT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED },
				      no2 = { VERDICT_REFUSED, REASON_NOT_TLS };
	struct judgement j;

	(void)state;
	j = policy_join_hosts((struct judgement[]){ no, maybe, yes }, 3, false);
	assert_int_equal(j.verdict, VERDICT_ACCEPTED);
	j = policy_join_hosts((struct judgement[]){ no, maybe, no2 }, 3, false);
	assert_int_equal(j.verdict, VERDICT_UNKNOWN);
	assert_int_equal(j.reason, REASON_CONNECTION_TIMEOUT);
	j = policy_join_hosts((struct judgement[]){ no, no2 }, 2, false);
	assert_int_equal(j.verdict, VERDICT_REFUSED);
	assert_int_equal(j.reason, REASON_STARTTLS_NOT_SUPPORTED);
	j = policy_join_hosts((struct judgement[]){ no, no2 }, 2, true);
	assert_int_equal(j.verdict, VERDICT_UNKNOWN);
	assert_int_equal(j.reason, REASON_TOO_MANY_HOSTS);
	j = policy_join_hosts(NULL, 0, false);
	assert_int_equal(j.verdict, VERDICT_UNKNOWN);
}

static void local_facts_need_no_second_look(void **state)
{
	(void)state;
	for (unsigned reason = 1; reason < REASONS_N; reason++) {
		struct judgement j = { VERDICT_REFUSED, (enum reason)reason };
		bool local = reason == REASON_NO_STORED_CERTIFICATE ||
			     reason == REASON_STORED_CERTIFICATE_EXPIRED ||
			     reason == REASON_ADDRESS_LITERAL;
		assert_int_equal(policy_needs_second_look(j), !local);
		j.verdict = VERDICT_UNKNOWN;
		assert_false(policy_needs_second_look(j));
	}
}

static void a_failed_handshake_needs_a_new_connection_for_plaintext(void **state)
{
	(void)state;
	assert_false(policy_plaintext_needs_new_connection(HELLO_NO_STARTTLS));
	assert_false(policy_plaintext_needs_new_connection(HELLO_STARTTLS_5XX));
	assert_false(policy_plaintext_needs_new_connection(HELLO_STARTTLS_4XX));
	assert_true(policy_plaintext_needs_new_connection(HELLO_STARTTLS_ODD));
	assert_true(policy_plaintext_needs_new_connection(HELLO_NOT_TLS));
	assert_true(policy_plaintext_needs_new_connection(HELLO_TLS_INCOMPATIBLE));
	assert_true(policy_plaintext_needs_new_connection(HELLO_TLS_ALERT));
	assert_true(policy_plaintext_needs_new_connection(HELLO_TLS_LOST));
}

static void levels_are_their_sets(void **state)
{
	enum level level;

	(void)state;
	assert_int_equal(level_demands(LEVEL_OPPORTUNISTIC), 0);
	assert_int_equal(level_demands(LEVEL_ENCRYPT), DEMAND_TLS);
	assert_int_equal(level_demands(LEVEL_SECURE), DEMAND_TLS | DEMAND_AUTH);
	assert_int_equal(level_demands(LEVEL_DANE_ONLY), DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE);
	assert_int_equal(level_demands(LEVEL_VERIFY), DEMAND_TLS | DEMAND_PINNED);
	for (unsigned i = 0; i < LEVELS_N; i++) {
		assert_true(level_of(str_of(level_name((enum level)i)), &level));
		assert_int_equal(level, i);
	}
	assert_false(level_of(STR("plain"), &level));
}

static void reasons_are_complete_and_found_by_id(void **state)
{
	enum reason reason;

	(void)state;
	for (unsigned i = 0; i < REASONS_N; i++) {
		assert_true(reason_is_known(i));
		assert_true(reason_of(str_of(reason_id((enum reason)i)), &reason));
		assert_int_equal(reason, i);
		assert_true(strchr(reason_code((enum reason)i), '.'));
		for (unsigned l = 0; l < LANGUAGES_N; l++) {
			const char *text = reason_text((enum reason)i, (enum language)l);
			assert_true(strlen(text) > 10 && str_is_utf8(str_of(text)));
			assert_true(text[strlen(text) - 1] != '.');
		}
	}
	assert_false(reason_is_known(REASONS_N));
	assert_false(reason_of(STR("bad-weather"), &reason));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_table_holds),
		cmocka_unit_test(requiretls_must_be_announced),
		cmocka_unit_test(the_plan_asks_only_for_what_matters),
		cmocka_unit_test(what_a_message_gives_up_is_not_asked_for),
		cmocka_unit_test(a_recipient_is_refused_only_by_all_its_hosts),
		cmocka_unit_test(local_facts_need_no_second_look),
		cmocka_unit_test(a_failed_handshake_needs_a_new_connection_for_plaintext),
		cmocka_unit_test(levels_are_their_sets),
		cmocka_unit_test(reasons_are_complete_and_found_by_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
