/* SPDX-License-Identifier: ISC
 *
 * test_verify.c - what the CA store and stored entries prove of a chain, and that no proof leans on
 * another. DANE has a file of its own (test_verify_dane.c).
 */
#include "chains.h"
#include "net/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PEM_MAX = 16384 };

#define CHAIN(...)          \
	{                   \
		__VA_ARGS__ \
	}
/* As STR, where it must be constant. */
#define TEXT(literal)                           \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}

/* What is verified against a CA store with these authorities. */
static struct host_facts verify(
	const enum which *ca, const enum which *chain, const struct secure_target *target)
{
	static char pem[PEM_MAX];
	struct host_facts host = { 0 };
	struct why why;
	struct verifier *verifier =
		verifier_new(*ca ? pem_text(ca, pem, sizeof pem) : STR(""), &why);
	STACK_OF(X509) *stack = stack_of(chain);
	const struct shown shown = { *chain ? certificates[*chain] : NULL, stack };

	assert_non_null(verifier);
	verify_peer(verifier, &shown, target, &host);
	sk_X509_free(stack);
	verifier_free(&verifier);
	return host;
}

/* --- the CA store --- */

#define GOOD	REASON_NONE
#define NAME	REASON_CERTIFICATE_HOST_MISMATCH
#define DATE	REASON_CERTIFICATE_EXPIRED
#define TRUST	REASON_CERTIFICATE_NOT_TRUSTED
#define BUECHER "mx.xn--bcher-kva.test"

/* clang-format off */
static const struct {
	const char *what;
	enum which chain[CHAIN_MAX];
	struct str host;
	enum reason fault;
} vectors[] = {
	{ "a good chain", CHAIN(LEAF, SUB), TEXT(HOST), GOOD },
	{ "with its root", CHAIN(LEAF, SUB, ROOT), TEXT(HOST), GOOD },
	{ "an RSA key", CHAIN(LEAF_RSA, SUB), TEXT(HOST), GOOD },
	{ "out of order, with strangers", CHAIN(LEAF, SELF, ROOT, FOREIGN_LEAF, SUB), TEXT(HOST), GOOD },
	{ "by the root itself", CHAIN(LEAF_BY_ROOT), TEXT(HOST), GOOD },
	{ "for servers", CHAIN(FOR_SERVERS, SUB), TEXT(HOST), GOOD },
	{ "the second name, in other case", CHAIN(SECOND_NAME, SUB), TEXT(HOST), GOOD },
	{ "a host name in other case", CHAIN(LEAF, SUB), TEXT("MX.example.TEST"), GOOD },
	{ "an issuer missing", CHAIN(LEAF), TEXT(HOST), TRUST },
	{ "expired", CHAIN(EXPIRED, SUB), TEXT(HOST), DATE },
	{ "not yet valid", CHAIN(NOT_YET, SUB), TEXT(HOST), DATE },
	{ "another name", CHAIN(OTHER_NAME, SUB), TEXT(HOST), NAME },
	{ "a name below ours", CHAIN(LONGER_NAME, SUB), TEXT(HOST), NAME },
	{ "our domain's name is not our host's", CHAIN(NEXT_HOP, SUB), TEXT(HOST), NAME },
	{ "a wildcard", CHAIN(WILD, SUB), TEXT(HOST), GOOD },
	{ "a wildcard stands for one label", CHAIN(WILD, SUB), TEXT("a." HOST), NAME },
	{ "a wildcard stands for no fewer", CHAIN(WILD, SUB), TEXT(DOMAIN), NAME },
	{ "a wildcard in part of a label", CHAIN(WILD_PART, SUB), TEXT(HOST), NAME },
	{ "a wildcard inside", CHAIN(WILD_INSIDE, SUB), TEXT(HOST), NAME },
	{ "a wildcard too high", CHAIN(WILD_HIGH, SUB), TEXT(DOMAIN), NAME },
	{ "the common name alone", CHAIN(CN_ONLY, SUB), TEXT(HOST), NAME },
	{ "the common name beside another name", CHAIN(CN_BESIDE, SUB), TEXT(HOST), NAME },
	{ "a name with a NUL in it", CHAIN(NUL_NAME, SUB), TEXT(HOST), NAME },
	{ "an A-label", CHAIN(A_LABEL, SUB), TEXT(BUECHER), GOOD },
	{ "a U-label", CHAIN(U_LABEL, SUB), TEXT(BUECHER), NAME },
	{ "no host name", CHAIN(LEAF, SUB), TEXT(""), NAME },
	{ "a host name that begins with a dot", CHAIN(LEAF, SUB), TEXT("." DOMAIN), NAME },
	{ "a host name with a NUL in it", CHAIN(LEAF, SUB), TEXT(HOST "\0x"), NAME },
	{ "a host name that is a NUL", CHAIN(LEAF, SUB), TEXT("\0"), NAME },
	{ "self-signed", CHAIN(SELF), TEXT(HOST), TRUST },
	{ "self-signed CA", CHAIN(SELF_CA), TEXT(HOST), TRUST },
	{ "an authority of the same name", CHAIN(FOREIGN_LEAF, FOREIGN_SUB, FOREIGN_ROOT), TEXT(HOST), TRUST },
	{ "an issuer that expired", CHAIN(BELOW_OLD_SUB, OLD_SUB), TEXT(HOST), DATE },
	{ "a root nobody trusts that expired", CHAIN(BELOW_OLD_ROOT, OLD_ROOT), TEXT(HOST), TRUST },
	{ "an issuer that is no CA", CHAIN(BELOW_NO_CA, NO_CA), TEXT(HOST), TRUST },
	{ "an issuer that doesn't say it is a CA", CHAIN(BELOW_MUTE, MUTE), TEXT(HOST), TRUST },
	{ "as deep as allowed", CHAIN(BELOW_LAST, LAST_CA), TEXT(HOST), GOOD },
	{ "deeper than allowed", CHAIN(BELOW_ONE_MORE, ONE_MORE_CA, LAST_CA), TEXT(HOST), TRUST },
	{ "for clients", CHAIN(FOR_CLIENTS, SUB), TEXT(HOST), TRUST },
	{ "a short key", CHAIN(SHORT_KEY, SUB), TEXT(HOST), TRUST },
	{ "an issuer with a short key", CHAIN(BELOW_WEAK, WEAK_SUB), TEXT(HOST), TRUST },
	{ "signed with SHA-1", CHAIN(SHA1_SIGNED, SUB), TEXT(HOST), TRUST },
	{ "eight issuers", CHAIN(BELOW_DEEP_8, DEEP_8, DEEP_7, DEEP_6, DEEP_5, DEEP_4, DEEP_3, DEEP_2, DEEP_1), TEXT(HOST), GOOD },
	{ "nine issuers", CHAIN(BELOW_DEEP_9, DEEP_9, DEEP_8, DEEP_7, DEEP_6, DEEP_5, DEEP_4, DEEP_3, DEEP_2, DEEP_1), TEXT(HOST), TRUST },
	{ "no certificate", CHAIN(NOBODY), TEXT(HOST), TRUST },
};
/* clang-format on */

static const enum which nobody[] = { NOBODY }, root[] = { ROOT, NOBODY };

static void the_ca_store_proves_as_the_rfcs_say(void **state)
{
	const struct plan ca = { .connect = true, .check_ca = true };
	const struct plan sts = { .connect = true, .check_sts = true };
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < 2 * count_of(vectors); i++) {
		struct secure_target target = { .plan = i % 2 ? &ca : &sts,
			.host = vectors[i / 2].host };
		struct host_facts host = verify(root, vectors[i / 2].chain, &target);

		assert_int_equal(host.ca_proves, host.certificate_fault == REASON_NONE);
		if (host.certificate_fault == vectors[i / 2].fault)
			continue;
		print_error("%s: %s\n", vectors[i / 2].what, reason_id(host.certificate_fault));
		wrong++;
	}
	assert_int_equal(wrong, 0);
	printf("count: %zu vectors of the CA store\n", count_of(vectors));
}

static void an_empty_ca_store_proves_nothing(void **state)
{
	const struct plan plan = { .connect = true, .check_ca = true };
	struct secure_target target = { .plan = &plan, .host = STR(HOST) };

	(void)state;
	for (size_t i = 0; i < count_of(vectors); i++)
		assert_false(verify(nobody, vectors[i].chain, &target).ca_proves);
}

/* --- stored entries --- */

struct pin {
	enum stored_kind kind;
	enum which of[3];
	const char *names;
	bool wrong; /* one digit changed, or the PEM text cut short */
};

/* clang-format off */
static const struct {
	const char *what;
	enum which chain[CHAIN_MAX];
	struct pin pins[3];
	size_t n;
	bool matches;
} pinned[] = {
	{ "a key", CHAIN(LEAF, SUB), { { STORED_KEY, { LEAF }, "", false } }, 1, true },
	{ "a certificate", CHAIN(LEAF, SUB), { { STORED_CERTIFICATE, { LEAF }, "", false } }, 1, true },
	{ "a key with another name", CHAIN(OTHER_NAME), { { STORED_KEY, { OTHER_NAME }, "", false } }, 1, true },
	{ "a key that expired", CHAIN(EXPIRED), { { STORED_KEY, { EXPIRED }, "", false } }, 1, true },
	{ "a certificate that expired, self-signed, other name", CHAIN(SELF_WRONG), { { STORED_CERTIFICATE, { SELF_WRONG }, "", false } }, 1, true },
	{ "a key, one digit wrong", CHAIN(LEAF), { { STORED_KEY, { LEAF }, "", true } }, 1, false },
	{ "a certificate, one digit wrong", CHAIN(LEAF), { { STORED_CERTIFICATE, { LEAF }, "", true } }, 1, false },
	{ "another key", CHAIN(LEAF), { { STORED_KEY, { OTHER_NAME }, "", false } }, 1, false },
	{ "the issuer's key is not the server's", CHAIN(LEAF, SUB), { { STORED_KEY, { SUB }, "", false } }, 1, false },
	{ "what is shown behind is not the server's", CHAIN(FOREIGN_LEAF, LEAF), { { STORED_KEY, { LEAF }, "", false } }, 1, false },
	{ "the second of two, for a rollover", CHAIN(LEAF), { { STORED_KEY, { EXPIRED }, "", false }, { STORED_KEY, { LEAF }, "", false } }, 2, true },
	{ "none of three", CHAIN(LEAF), { { STORED_KEY, { EXPIRED }, "", false }, { STORED_CERTIFICATE, { EXPIRED }, "", false }, { STORED_AUTHORITY, { FOREIGN_ROOT }, "", false } }, 3, false },
	{ "an authority", CHAIN(LEAF, SUB), { { STORED_AUTHORITY, { ROOT }, "", false } }, 1, true },
	{ "an authority in the middle", CHAIN(LEAF), { { STORED_AUTHORITY, { SUB }, "", false } }, 1, true },
	{ "the second authority of a file", CHAIN(LEAF, SUB), { { STORED_AUTHORITY, { OLD_ROOT, ROOT }, "", false } }, 1, true },
	{ "an authority, its text cut short", CHAIN(LEAF, SUB), { { STORED_AUTHORITY, { ROOT }, "", true } }, 1, false },
	{ "an authority, and another one cut short", CHAIN(LEAF, SUB), { { STORED_AUTHORITY, { ROOT, OLD_ROOT }, "", true } }, 1, false },
	{ "another authority of the same name", CHAIN(LEAF, SUB), { { STORED_AUTHORITY, { FOREIGN_ROOT }, "", false } }, 1, false },
	{ "an authority, no way to it", CHAIN(LEAF), { { STORED_AUTHORITY, { ROOT }, "", false } }, 1, false },
	{ "an authority, another name", CHAIN(OTHER_NAME, SUB), { { STORED_AUTHORITY, { ROOT }, "", false } }, 1, false },
	{ "an authority, one of the names", CHAIN(OTHER_NAME, SUB), { { STORED_AUTHORITY, { ROOT }, "a.test mx.other.test", false } }, 1, true },
	{ "an authority, names instead of the host's", CHAIN(LEAF, SUB), { { STORED_AUTHORITY, { ROOT }, "a.test mx.other.test", false } }, 1, false },
	{ "an authority, names that are none", CHAIN(LEAF, SUB), { { STORED_AUTHORITY, { ROOT }, "  .example.test ", false } }, 1, false },
	{ "an authority, the common name", CHAIN(CN_ONLY, SUB), { { STORED_AUTHORITY, { ROOT }, "", false } }, 1, false },
	{ "an authority, expired below it", CHAIN(EXPIRED, SUB), { { STORED_AUTHORITY, { ROOT }, "", false } }, 1, false },
	{ "an authority that expired", CHAIN(BELOW_OLD_ROOT), { { STORED_AUTHORITY, { OLD_ROOT }, "", false } }, 1, false },
	{ "an authority in the middle that expired", CHAIN(BELOW_OLD_SUB), { { STORED_AUTHORITY, { OLD_SUB }, "", false } }, 1, false },
	{ "an authority, below it an issuer that is no CA", CHAIN(BELOW_NO_CA, NO_CA), { { STORED_AUTHORITY, { ROOT }, "", false } }, 1, false },
	{ "an authority that is no CA", CHAIN(BELOW_NO_CA), { { STORED_AUTHORITY, { NO_CA }, "", false } }, 1, false },
	{ "an authority, for clients", CHAIN(FOR_CLIENTS, SUB), { { STORED_AUTHORITY, { ROOT }, "", false } }, 1, false },
	{ "no entry", CHAIN(LEAF, SUB), { { 0 } }, 0, false },
	{ "no certificate", CHAIN(NOBODY), { { STORED_KEY, { LEAF }, "", false } }, 1, false },
};
/* clang-format on */

/* The entry's value in `to`. */
static struct stored_entry entry_of(const struct pin *pin, char *to)
{
	struct stored_entry entry = {
		.kind = pin->kind, .value = { to, DIGEST_HEX }, .names = str_of(pin->names)
	};
	X509 *of = certificates[pin->of[0]];
	struct digest digest =
		pin->kind == STORED_KEY ? verify_key_digest(of) : verify_certificate_digest(of);

	memcpy(to, digest.hex, DIGEST_HEX);
	if (pin->kind == STORED_AUTHORITY)
		entry.value = pem_text(pin->of, to, PEM_MAX);
	if (pin->wrong && pin->kind == STORED_AUTHORITY)
		entry.value.len -= entry.value.len / 4;
	else if (pin->wrong)
		to[DIGEST_HEX - 1] = to[DIGEST_HEX - 1] == '0' ? '1' : '0';
	return entry;
}

/* With the root in the CA store as well, which must make no difference. */
static void stored_entries_match_as_policy_says(void **state)
{
	static char values[3][PEM_MAX];
	const struct plan plan = { .connect = true, .check_pin = true };
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < count_of(pinned); i++) {
		struct stored_entry entries[3];
		struct secure_target target = {
			.plan = &plan, .host = STR(HOST), .stored = entries, .n_stored = pinned[i].n
		};

		for (size_t j = 0; j < pinned[i].n; j++)
			entries[j] = entry_of(&pinned[i].pins[j], values[j]);
		struct host_facts host = verify(root, pinned[i].chain, &target);
		if (host.pin == (pinned[i].matches ? PIN_MATCHES : PIN_FAILS))
			continue;
		print_error("%s: %d\n", pinned[i].what, (int)host.pin);
		wrong++;
	}
	assert_int_equal(wrong, 0);
	printf("count: %zu vectors of stored entries\n", count_of(pinned));
}

static void a_value_that_is_none_matches_nothing(void **state)
{
	static char digest[PEM_MAX], upper[DIGEST_HEX];
	const struct plan plan = { .connect = true, .check_pin = true };
	const enum which chain[CHAIN_MAX] = { LEAF };
	struct stored_entry own =
		entry_of(&(struct pin){ STORED_KEY, { LEAF }, "", false }, digest);

	(void)state;
	for (size_t i = 0; i < DIGEST_HEX; i++)
		upper[i] = (char)(digest[i] >= 'a' ? digest[i] - 'a' + 'A' : digest[i]);
	const struct stored_entry entries[] = { { STORED_KEY, STR(""), STR("") },
		{ STORED_CERTIFICATE, STR(""), STR("") }, { STORED_AUTHORITY, STR(""), STR("") },
		{ STORED_AUTHORITY, STR("nonsense"), STR("") },
		{ STORED_KEY, { digest, DIGEST_HEX - 1 }, STR("") },
		{ STORED_KEY, { upper, DIGEST_HEX }, STR("") },
		{ STORED_CERTIFICATE, own.value, STR("") },
		{ STORED_KINDS_N, own.value, STR("") } };
	for (size_t i = 0; i < count_of(entries); i++) {
		struct secure_target target = {
			.plan = &plan, .host = STR(HOST), .stored = &entries[i], .n_stored = 1
		};

		assert_int_equal(verify(nobody, chain, &target).pin, PIN_FAILS);
	}
}

/* --- several proofs of one chain --- */

/* DANE-EE, the CA store and a stored key, each right or wrong, each asked for or not. */
static void each_proof_stands_alone(void **state)
{
	static char values[2][PEM_MAX];
	static const enum which chain[CHAIN_MAX] = { LEAF, SUB };
	const struct pin keys[] = { { STORED_KEY, { LEAF }, "", true },
		{ STORED_KEY, { LEAF }, "", false } };
	unsigned char digests[2][DIGEST_HEX / 2];
	unsigned char *der = NULL;
	int len = i2d_X509(certificates[LEAF], &der);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
			EVP_Digest(der, (size_t)len, digests[i], NULL, EVP_sha256(), NULL), 1);
		digests[i][0] ^= (unsigned char)!i;
	}
	OPENSSL_free(der);
	for (unsigned bits = 0; bits < 64; bits++) {
		bool dane = bits & 1, ca = bits & 2, pin = bits & 4;
		struct plan plan = { .connect = true,
			.check_dane = bits & 8,
			.check_ca = bits & 16,
			.check_pin = bits & 32 };
		struct stored_entry entry = entry_of(&keys[pin], values[pin]);
		struct tlsa tlsa = { TLSA_USAGE_EE, TLSA_SELECTOR_CERT, TLSA_MATCHING_SHA256,
			{ (char *)digests[dane], sizeof digests[0] } };
		struct secure_target target = { .plan = &plan,
			.host = STR(HOST),
			.tlsa = &tlsa,
			.n_tlsa = 1,
			.tlsa_base = STR(HOST),
			.stored = &entry,
			.n_stored = 1 };
		struct host_facts host = verify(ca ? root : nobody, chain, &target);

		assert_int_equal(host.dane, !plan.check_dane ? DANE_NOT_CHECKED
					    : dane	     ? DANE_MATCHES
							     : DANE_FAILS);
		assert_int_equal(host.ca_proves, plan.check_ca && ca);
		assert_int_equal(host.certificate_fault,
			!plan.check_ca || ca ? REASON_NONE : REASON_CERTIFICATE_NOT_TRUSTED);
		assert_int_equal(host.pin, !plan.check_pin ? PIN_NOT_CHECKED
					   : pin	   ? PIN_MATCHES
							   : PIN_FAILS);
		assert_int_equal(host.sts, STS_NOT_CHECKED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ca_store_proves_as_the_rfcs_say),
		cmocka_unit_test(an_empty_ca_store_proves_nothing),
		cmocka_unit_test(stored_entries_match_as_policy_says),
		cmocka_unit_test(a_value_that_is_none_matches_nothing),
		cmocka_unit_test(each_proof_stands_alone),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
