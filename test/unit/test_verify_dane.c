/* SPDX-License-Identifier: ISC
 *
 * test_verify_dane.c - DANE as RFC 7671 and RFC 7672 want it: a table of chains and TLSA sets, and
 * whether they match. The chains are made by the test run.
 */
#include "chains.h"
#include "net/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Most data are as they are. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { EE = TLSA_USAGE_EE, TA = TLSA_USAGE_TA };
enum { CERT = TLSA_SELECTOR_CERT, KEY = TLSA_SELECTOR_KEY };
enum {
	FULL = TLSA_MATCHING_FULL,
	SHA2_256 = TLSA_MATCHING_SHA256,
	SHA2_512 = TLSA_MATCHING_SHA512
};
enum { RIGHT, WRONG, CUT }; /* the data as they are; one bit changed; the last octet missing */

struct record {
	uint8_t usage, selector, matching;
	enum which of;
	int data;
};

enum { RECORDS_MAX = 4, DATA_MAX = 2048 };

struct vector {
	const char *what;
	enum which chain[CHAIN_MAX];
	struct record records[RECORDS_MAX];
	bool matches;
};

#define CHAIN(...)          \
	{                   \
		__VA_ARGS__ \
	}
#define TLSA(...)           \
	{                   \
		__VA_ARGS__ \
	}

/* clang-format off */
static const struct vector vectors[] = {
	/* RFC 7671 5.1: DANE-EE. */
	{ "EE key 256", CHAIN(LEAF, SUB), TLSA({ EE, KEY, SHA2_256, LEAF }), true },
	{ "EE key 512", CHAIN(LEAF, SUB), TLSA({ EE, KEY, SHA2_512, LEAF }), true },
	{ "EE key whole", CHAIN(LEAF, SUB), TLSA({ EE, KEY, FULL, LEAF }), true },
	{ "EE certificate 256", CHAIN(LEAF, SUB), TLSA({ EE, CERT, SHA2_256, LEAF }), true },
	{ "EE certificate 512", CHAIN(LEAF, SUB), TLSA({ EE, CERT, SHA2_512, LEAF }), true },
	{ "EE certificate whole", CHAIN(LEAF, SUB), TLSA({ EE, CERT, FULL, LEAF }), true },
	{ "EE RSA key", CHAIN(LEAF_RSA, SUB), TLSA({ EE, KEY, SHA2_256, LEAF_RSA }), true },
	{ "EE without its issuers", CHAIN(LEAF), TLSA({ EE, KEY, SHA2_256, LEAF }), true },
	{ "EE behind strange issuers", CHAIN(LEAF, FOREIGN_ROOT, OLD_SUB), TLSA({ EE, KEY, SHA2_256, LEAF }), true },
	{ "EE whatever its name", CHAIN(OTHER_NAME), TLSA({ EE, KEY, SHA2_256, OTHER_NAME }), true },
	{ "EE whatever its name, certificate", CHAIN(OTHER_NAME), TLSA({ EE, CERT, SHA2_512, OTHER_NAME }), true },
	{ "EE expired", CHAIN(EXPIRED), TLSA({ EE, KEY, SHA2_256, EXPIRED }), true },
	{ "EE expired, certificate", CHAIN(EXPIRED), TLSA({ EE, CERT, SHA2_256, EXPIRED }), true },
	{ "EE not yet valid", CHAIN(NOT_YET), TLSA({ EE, KEY, SHA2_256, NOT_YET }), true },
	{ "EE self-signed", CHAIN(SELF), TLSA({ EE, KEY, SHA2_256, SELF }), true },
	{ "EE self-signed, expired, other name", CHAIN(SELF_WRONG), TLSA({ EE, KEY, SHA2_256, SELF_WRONG }), true },
	{ "EE that is a CA", CHAIN(SELF_CA), TLSA({ EE, CERT, SHA2_256, SELF_CA }), true },
	{ "EE for clients", CHAIN(FOR_CLIENTS), TLSA({ EE, KEY, SHA2_256, FOR_CLIENTS }), true },
	{ "EE with a key below our level", CHAIN(SHORT_KEY), TLSA({ EE, KEY, SHA2_256, SHORT_KEY }), false },
	{ "EE key 256 wrong", CHAIN(LEAF, SUB), TLSA({ EE, KEY, SHA2_256, LEAF, WRONG }), false },
	{ "EE key 512 wrong", CHAIN(LEAF, SUB), TLSA({ EE, KEY, SHA2_512, LEAF, WRONG }), false },
	{ "EE certificate 256 wrong", CHAIN(LEAF, SUB), TLSA({ EE, CERT, SHA2_256, LEAF, WRONG }), false },
	{ "EE of another's key", CHAIN(LEAF, SUB), TLSA({ EE, KEY, SHA2_256, OTHER_NAME }), false },
	{ "EE key digest said to be of the certificate", CHAIN(LEAF), TLSA({ EE, CERT, SHA2_256, LEAF, WRONG }), false },
	{ "EE that names an issuer", CHAIN(LEAF, SUB), TLSA({ EE, KEY, SHA2_256, SUB }), false },
	{ "EE digest of a wrong length", CHAIN(LEAF), TLSA({ EE, KEY, SHA2_256, LEAF, CUT }), false },
	{ "EE whole certificate cut short", CHAIN(LEAF), TLSA({ EE, CERT, FULL, LEAF, CUT }), false },
	{ "EE whole key cut short", CHAIN(LEAF), TLSA({ EE, KEY, FULL, LEAF, CUT }), false },
	{ "EE in front of which another stands", CHAIN(FOREIGN_LEAF, LEAF), TLSA({ EE, KEY, SHA2_256, LEAF }), false },

	/* RFC 7671 5.2: DANE-TA. */
	{ "TA key 256 in the chain", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA key 512 in the chain", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, KEY, SHA2_512, ROOT }), true },
	{ "TA certificate 256 in the chain", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, CERT, SHA2_256, ROOT }), true },
	{ "TA certificate 512 in the chain", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, CERT, SHA2_512, ROOT }), true },
	{ "TA certificate whole, in the chain", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, CERT, FULL, ROOT }), true },
	{ "TA key whole, in the chain", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, KEY, FULL, ROOT }), true },
	{ "TA in a chain out of order", CHAIN(LEAF, ROOT, SUB), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA and strangers in the chain", CHAIN(LEAF, SELF, SUB, FOREIGN_LEAF, ROOT, OLD_SUB), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA absent, key 256", CHAIN(LEAF, SUB), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA absent, certificate 256", CHAIN(LEAF, SUB), TLSA({ TA, CERT, SHA2_256, ROOT }), false },
	{ "TA absent, certificate whole in the record", CHAIN(LEAF, SUB), TLSA({ TA, CERT, FULL, ROOT }), true },
	{ "TA absent, key whole in the record", CHAIN(LEAF, SUB), TLSA({ TA, KEY, FULL, ROOT }), true },
	{ "TA absent, certificate whole cut short", CHAIN(LEAF, SUB), TLSA({ TA, CERT, FULL, ROOT, CUT }), false },
	{ "TA absent, key whole of another", CHAIN(LEAF, SUB), TLSA({ TA, KEY, FULL, FOREIGN_ROOT }), false },
	{ "TA absent, certificate of the same name whole", CHAIN(LEAF, SUB), TLSA({ TA, CERT, FULL, FOREIGN_ROOT }), false },
	{ "TA whole, and the issuer between is absent", CHAIN(LEAF), TLSA({ TA, CERT, FULL, ROOT }), false },
	{ "TA that issued the certificate itself", CHAIN(LEAF_BY_ROOT, ROOT), TLSA({ TA, CERT, SHA2_256, ROOT }), true },
	{ "TA that issued the certificate itself, absent, key whole", CHAIN(LEAF_BY_ROOT), TLSA({ TA, KEY, FULL, ROOT }), true },
	{ "TA intermediate, key", CHAIN(LEAF, SUB), TLSA({ TA, KEY, SHA2_256, SUB }), true },
	{ "TA intermediate, certificate", CHAIN(LEAF, SUB), TLSA({ TA, CERT, SHA2_512, SUB }), true },
	{ "TA intermediate, its root shown too", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, CERT, SHA2_256, SUB }), true },
	{ "TA intermediate, absent, whole", CHAIN(LEAF), TLSA({ TA, CERT, FULL, SUB }), true },
	{ "TA intermediate, absent, digest", CHAIN(LEAF), TLSA({ TA, CERT, SHA2_256, SUB }), false },
	{ "TA wrong", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT, WRONG }), false },
	{ "TA of the same name with another key", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, FOREIGN_ROOT }), false },
	{ "TA shown and not in the way", CHAIN(LEAF, SUB, ROOT, FOREIGN_ROOT), TLSA({ TA, KEY, SHA2_256, FOREIGN_ROOT }), false },
	{ "TA that is shown with a certificate of a foreign chain", CHAIN(FOREIGN_LEAF, FOREIGN_SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA that is the certificate itself", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, LEAF }), false },
	{ "TA that is the certificate itself, self-signed", CHAIN(SELF_CA), TLSA({ TA, CERT, SHA2_256, SELF_CA }), false },

	/* RFC 7672 3.2.2, 3.2.3: the names of DANE-TA. */
	{ "TA, the host's other name", CHAIN(ALIAS_NAME, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA, the next-hop domain", CHAIN(NEXT_HOP, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA, the second name, in other case", CHAIN(SECOND_NAME, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA, another name", CHAIN(OTHER_NAME, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, a name below ours", CHAIN(LONGER_NAME, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, another name, whole key", CHAIN(OTHER_NAME, SUB), TLSA({ TA, KEY, FULL, ROOT }), false },
	{ "TA, a wildcard", CHAIN(WILD, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA, a wildcard in part of a label", CHAIN(WILD_PART, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, a wildcard inside", CHAIN(WILD_INSIDE, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, a wildcard too high", CHAIN(WILD_HIGH, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, the common name without a DNS-ID", CHAIN(CN_ONLY, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA, the common name beside a DNS-ID", CHAIN(CN_BESIDE, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, a name with a NUL in it", CHAIN(NUL_NAME, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },

	/* RFC 7671 5.2.1: the rest of a chain below a DANE-TA. */
	{ "TA, expired below it", CHAIN(EXPIRED, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, not yet valid below it", CHAIN(NOT_YET, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA expired, key", CHAIN(BELOW_OLD_ROOT, OLD_ROOT), TLSA({ TA, KEY, SHA2_256, OLD_ROOT }), false },
	{ "TA expired, certificate whole", CHAIN(BELOW_OLD_ROOT), TLSA({ TA, CERT, FULL, OLD_ROOT }), false },
	{ "TA a bare key, which has no dates", CHAIN(BELOW_OLD_ROOT), TLSA({ TA, KEY, FULL, OLD_ROOT }), true },
	{ "TA intermediate expired", CHAIN(BELOW_OLD_SUB, OLD_SUB), TLSA({ TA, KEY, SHA2_256, OLD_SUB }), false },
	{ "TA, an issuer expired between", CHAIN(BELOW_OLD_SUB, OLD_SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, an issuer that is no CA", CHAIN(BELOW_NO_CA, NO_CA, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA that is no CA", CHAIN(BELOW_NO_CA, NO_CA), TLSA({ TA, KEY, SHA2_256, NO_CA }), false },
	{ "TA, an issuer that doesn't say it is a CA", CHAIN(BELOW_MUTE, MUTE, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, as deep as allowed", CHAIN(BELOW_LAST, LAST_CA, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA, deeper than allowed", CHAIN(BELOW_ONE_MORE, ONE_MORE_CA, LAST_CA, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, deeper than its own length allows", CHAIN(BELOW_ONE_MORE, ONE_MORE_CA, LAST_CA), TLSA({ TA, KEY, SHA2_256, LAST_CA }), false },
	{ "TA, for clients below it", CHAIN(FOR_CLIENTS, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, for servers below it", CHAIN(FOR_SERVERS, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA, a short key below it", CHAIN(SHORT_KEY, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, an issuer with a short key", CHAIN(BELOW_WEAK, WEAK_SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, signed with SHA-1", CHAIN(SHA1_SIGNED, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },
	{ "TA, eight issuers between", CHAIN(BELOW_DEEP_8, DEEP_8, DEEP_7, DEEP_6, DEEP_5, DEEP_4, DEEP_3, DEEP_2, DEEP_1, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), true },
	{ "TA, nine issuers between", CHAIN(BELOW_DEEP_9, DEEP_9, DEEP_8, DEEP_7, DEEP_6, DEEP_5, DEEP_4, DEEP_3, DEEP_2, DEEP_1, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }), false },

	/* Sets. One record that matches is enough. */
	{ "several, the last matches", CHAIN(LEAF, SUB), TLSA({ EE, KEY, SHA2_256, EXPIRED }, { EE, KEY, SHA2_256, OTHER_NAME }, { EE, KEY, SHA2_256, LEAF }), true },
	{ "several, none matches", CHAIN(LEAF, SUB), TLSA({ EE, KEY, SHA2_256, EXPIRED }, { EE, KEY, SHA2_256, OTHER_NAME }), false },
	{ "EE wrong, TA right", CHAIN(LEAF, SUB, ROOT), TLSA({ EE, KEY, SHA2_256, EXPIRED }, { TA, KEY, SHA2_256, ROOT }), true },
	{ "EE right, TA wrong", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, FOREIGN_ROOT }, { EE, KEY, SHA2_256, LEAF }), true },
	{ "EE right, TA right, the name is wrong", CHAIN(OTHER_NAME, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }, { EE, KEY, SHA2_256, OTHER_NAME }), true },
	{ "EE right and expired, TA right", CHAIN(EXPIRED, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }, { EE, CERT, SHA2_256, EXPIRED }), true },
	{ "EE wrong, TA right, the name is wrong", CHAIN(OTHER_NAME, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }, { EE, KEY, SHA2_256, LEAF }), false },
	{ "one of two TAs", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, CERT, SHA2_256, FOREIGN_ROOT }, { TA, CERT, SHA2_256, ROOT }), true },
	{ "TA absent by digest, beside its whole key", CHAIN(LEAF, SUB), TLSA({ TA, KEY, SHA2_256, ROOT }, { TA, KEY, FULL, ROOT }), true },
	{ "one that can't be used, one that matches", CHAIN(LEAF, SUB), TLSA({ EE, CERT, FULL, LEAF, CUT }, { EE, KEY, SHA2_256, LEAF }), true },
	{ "one that can't be used, one that doesn't match", CHAIN(LEAF, SUB), TLSA({ EE, CERT, FULL, LEAF, CUT }, { EE, KEY, SHA2_256, EXPIRED }), false },
	{ "PKIX-EE is not for mail", CHAIN(LEAF, SUB, ROOT), TLSA({ 1, KEY, SHA2_256, LEAF }), false },
	{ "PKIX-TA is not for mail", CHAIN(LEAF, SUB, ROOT), TLSA({ 0, KEY, SHA2_256, ROOT }), false },
	{ "PKIX-EE beside a wrong EE", CHAIN(LEAF, SUB, ROOT), TLSA({ 1, KEY, SHA2_256, LEAF }, { EE, KEY, SHA2_256, EXPIRED }), false },

	/* RFC 7671 9: digest agility, within a usage and selector. */
	{ "256 wrong, 512 right", CHAIN(LEAF), TLSA({ EE, KEY, SHA2_256, EXPIRED }, { EE, KEY, SHA2_512, LEAF }), true },
	{ "256 right, 512 wrong", CHAIN(LEAF), TLSA({ EE, KEY, SHA2_256, LEAF }, { EE, KEY, SHA2_512, EXPIRED }), false },
	{ "512 wrong, 256 right, in that order", CHAIN(LEAF), TLSA({ EE, KEY, SHA2_512, EXPIRED }, { EE, KEY, SHA2_256, LEAF }), false },
	{ "256 right, 512 wrong, for certificates", CHAIN(LEAF), TLSA({ EE, CERT, SHA2_256, LEAF }, { EE, CERT, SHA2_512, EXPIRED }), false },
	{ "256 right, 512 wrong, of different selectors", CHAIN(LEAF), TLSA({ EE, KEY, SHA2_256, LEAF }, { EE, CERT, SHA2_512, EXPIRED }), true },
	{ "256 right, 512 wrong, of different usages", CHAIN(LEAF, SUB, ROOT), TLSA({ EE, KEY, SHA2_256, LEAF }, { TA, KEY, SHA2_512, FOREIGN_ROOT }), true },
	{ "TA 256 right, TA 512 wrong", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, ROOT }, { TA, KEY, SHA2_512, FOREIGN_ROOT }), false },
	{ "TA 256 wrong, TA 512 right", CHAIN(LEAF, SUB, ROOT), TLSA({ TA, KEY, SHA2_256, FOREIGN_ROOT }, { TA, KEY, SHA2_512, ROOT }), true },
	{ "whole right, 512 wrong", CHAIN(LEAF), TLSA({ EE, KEY, FULL, LEAF }, { EE, KEY, SHA2_512, EXPIRED }), true },
	{ "whole wrong, 256 right", CHAIN(LEAF), TLSA({ EE, KEY, FULL, EXPIRED }, { EE, KEY, SHA2_256, LEAF }), true },
	{ "a rollover: two keys in both digests", CHAIN(LEAF), TLSA({ EE, KEY, SHA2_256, EXPIRED }, { EE, KEY, SHA2_512, EXPIRED }, { EE, KEY, SHA2_256, LEAF }, { EE, KEY, SHA2_512, LEAF }), true },

	{ "no certificate", CHAIN(NOBODY), TLSA({ EE, KEY, SHA2_256, LEAF }), false },
	{ "no record", CHAIN(LEAF, SUB, ROOT), TLSA({ 0 }), false },
};
/* clang-format on */

/* The record's data, of what it is said to be, in `to`. */
static struct str data_of(const struct record *record, unsigned char *to)
{
	X509 *cert = certificates[record->of];
	unsigned char *der = NULL;
	int len = record->selector == KEY ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der)
					  : i2d_X509(cert, &der);
	unsigned n = (unsigned)len;

	assert_in_range(len, 1, DATA_MAX);
	memcpy(to, der, n);
	if (record->matching != FULL)
		EVP_Digest(der, (size_t)len, to, &n,
			record->matching == SHA2_256 ? EVP_sha256() : EVP_sha512(), NULL);
	OPENSSL_free(der);
	if (record->data == WRONG)
		to[n - 1] ^= 1;
	return (struct str){ (char *)to, n - (record->data == CUT) };
}

static const struct plan check_dane = { .connect = true, .check_dane = true };

static struct secure_target target_of(const struct tlsa *tlsa, size_t n)
{
	return (struct secure_target){ .plan = &check_dane,
		.host = STR(ALIAS),
		.tlsa = tlsa,
		.n_tlsa = n,
		.tlsa_base = STR(HOST),
		.domain = STR(DOMAIN) };
}

/* With the root in the CA store as well, which must make no difference. */
static bool matches(const struct vector *vector, const struct secure_target *names)
{
	static char pem[4096];
	static unsigned char data[RECORDS_MAX][DATA_MAX];
	struct tlsa tlsa[RECORDS_MAX];
	struct secure_target target;
	struct host_facts host = { 0 };
	size_t n = 0;
	struct why why;
	struct verifier *verifier =
		verifier_new(pem_text((const enum which[]){ ROOT, NOBODY }, pem, sizeof pem), &why);
	STACK_OF(X509) *chain = stack_of(vector->chain);

	for (; n < RECORDS_MAX && vector->records[n].of; n++)
		tlsa[n] = (struct tlsa){ vector->records[n].usage, vector->records[n].selector,
			vector->records[n].matching, data_of(&vector->records[n], data[n]) };
	target = *names;
	target.tlsa = tlsa;
	target.n_tlsa = n;
	verify_peer(verifier,
		&(struct shown){ vector->chain[0] ? certificates[vector->chain[0]] : NULL, chain },
		&target, &host);
	sk_X509_free(chain);
	verifier_free(&verifier);
	assert_false(host.ca_proves);
	assert_int_equal(host.pin, PIN_NOT_CHECKED);
	assert_int_not_equal(host.dane, DANE_NOT_CHECKED);
	return host.dane == DANE_MATCHES;
}

static void every_vector_is_as_the_rfcs_say(void **state)
{
	const struct secure_target names = target_of(NULL, 0);
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < count_of(vectors); i++) {
		if (matches(&vectors[i], &names) == vectors[i].matches)
			continue;
		print_error("%s: %s\n", vectors[i].what,
			vectors[i].matches ? "does not match" : "matches");
		wrong++;
	}
	assert_int_equal(wrong, 0);
	printf("count: %zu vectors of DANE\n", count_of(vectors));
}

/* OpenSSL checks no name where it was given none. */
static void without_a_name_to_check_an_anchor_proves_nothing(void **state)
{
	static const struct vector anchored = { "", CHAIN(LEAF, SUB, ROOT),
		TLSA({ TA, KEY, SHA2_256, ROOT }), true };
	static const struct vector own = { "", CHAIN(LEAF, SUB, ROOT),
		TLSA({ EE, KEY, SHA2_256, LEAF }), true };
	const struct str none[] = { STR(""), STR(".example.test"), STR("\0"),
		STR(HOST "\0.other.test"), STR("\0" HOST) };

	(void)state;
	for (size_t i = 0; i < count_of(none); i++) {
		struct secure_target names = { .plan = &check_dane, .tlsa_base = none[i] };

		assert_false(matches(&anchored, &names));
		assert_true(matches(&own, &names));
	}
}

/* RFC 7672 3.2.2: no other name of the target than those three is taken, and each is enough. */
static void each_name_of_the_target_is_enough(void **state)
{
	static const struct vector anchored = { "", CHAIN(LEAF, SUB, ROOT),
		TLSA({ TA, KEY, SHA2_256, ROOT }), true };
	struct secure_target names = { .plan = &check_dane, .server_name = STR(HOST) };

	(void)state;
	assert_false(matches(&anchored, &names));
	names = (struct secure_target){ .plan = &check_dane, .tlsa_base = STR(HOST) };
	assert_true(matches(&anchored, &names));
	names = (struct secure_target){ .plan = &check_dane, .host = STR(HOST) };
	assert_true(matches(&anchored, &names));
	names = (struct secure_target){ .plan = &check_dane, .domain = STR(HOST) };
	assert_true(matches(&anchored, &names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_is_as_the_rfcs_say),
		cmocka_unit_test(without_a_name_to_check_an_anchor_proves_nothing),
		cmocka_unit_test(each_name_of_the_target_is_enough),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
