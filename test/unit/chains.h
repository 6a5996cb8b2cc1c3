/* SPDX-License-Identifier: ISC
 *
 * chains.h - a world of certificates for tests of verification, made by the test run: good chains
 * and each of the ways one can be bad. One table says what each certificate is.
 */
#ifndef CHAINS_H
#define CHAINS_H

#include "base/clock.h"
#include "base/must.h"
#include "base/str.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define HOST   "mx.example.test"
#define ALIAS  "mail.example.test"
#define DOMAIN "example.test"

#define IS_CA "critical,CA:TRUE"

/* row(NAME, issuer (itself: self-signed), common name, DNS-IDs or NULL, constraints or NULL, valid
 * from day, to day, key, digest of the signature, EKU or NULL). Issuers come first. */
/* clang-format off */
#define CERTIFICATES(row) \
	row(ROOT,            ROOT,           "Root",      NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(SUB,             ROOT,           "Sub",       NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(LEAF,            SUB,            "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(LEAF_RSA,        SUB,            "leaf",      "DNS:" HOST, NULL, -1, 30, "2048", "SHA256", NULL) \
	row(LEAF_BY_ROOT,    ROOT,           "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(OTHER_NAME,      SUB,            "leaf",      "DNS:mx.other.test", NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(LONGER_NAME,     SUB,            "leaf",      "DNS:a." HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(SECOND_NAME,     SUB,            "leaf",      "DNS:mx.other.test,DNS:MX.Example.TEST", NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(EXPIRED,         SUB,            "leaf",      "DNS:" HOST, NULL, -9, -1, "P-256", "SHA256", NULL) \
	row(NOT_YET,         SUB,            "leaf",      "DNS:" HOST, NULL, 1, 30, "P-256", "SHA256", NULL) \
	row(NEXT_HOP,        SUB,            "leaf",      "DNS:" DOMAIN, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(ALIAS_NAME,      SUB,            "leaf",      "DNS:" ALIAS, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(WILD,            SUB,            "leaf",      "DNS:*." DOMAIN, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(WILD_PART,       SUB,            "leaf",      "DNS:m*." DOMAIN, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(WILD_INSIDE,     SUB,            "leaf",      "DNS:mx.*.test", NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(WILD_HIGH,       SUB,            "leaf",      "DNS:*.test", NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(CN_ONLY,         SUB,            HOST,        NULL, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(CN_BESIDE,       SUB,            HOST,        "DNS:mx.other.test", NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(NUL_NAME,        SUB,            "leaf",      "NUL", NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(A_LABEL,         SUB,            "leaf",      "DNS:mx.xn--bcher-kva.test", NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(U_LABEL,         SUB,            "leaf",      "DNS:mx.b\303\274cher.test", NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(SELF,            SELF,           "self",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(SELF_CA,         SELF_CA,        "self",      "DNS:" HOST, IS_CA, -1, 30, "P-256", "SHA256", NULL) \
	row(SELF_WRONG,      SELF_WRONG,     "self",      "DNS:mx.other.test", NULL, -9, -1, "P-256", "SHA256", NULL) \
	row(FOR_CLIENTS,     SUB,            "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", "clientAuth") \
	row(FOR_SERVERS,     SUB,            "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", "serverAuth") \
	row(SHORT_KEY,       SUB,            "leaf",      "DNS:" HOST, NULL, -1, 30, "1024", "SHA256", NULL) \
	row(SHA1_SIGNED,     SUB,            "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA1", NULL) \
	row(WEAK_SUB,        ROOT,           "Weak",      NULL, IS_CA, -10, 30, "1024", "SHA256", NULL) \
	row(BELOW_WEAK,      WEAK_SUB,       "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(OLD_ROOT,        OLD_ROOT,       "Old root",  NULL, IS_CA, -10, -1, "P-256", "SHA256", NULL) \
	row(BELOW_OLD_ROOT,  OLD_ROOT,       "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(OLD_SUB,         ROOT,           "Old sub",   NULL, IS_CA, -10, -1, "P-256", "SHA256", NULL) \
	row(BELOW_OLD_SUB,   OLD_SUB,        "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(NO_CA,           ROOT,           "No CA",     "DNS:" HOST, "critical,CA:FALSE", -10, 30, "P-256", "SHA256", NULL) \
	row(BELOW_NO_CA,     NO_CA,          "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(MUTE,            ROOT,           "Mute",      "DNS:" HOST, NULL, -10, 30, "P-256", "SHA256", NULL) \
	row(BELOW_MUTE,      MUTE,           "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(LAST_CA,         ROOT,           "Last CA",   NULL, IS_CA ",pathlen:0", -10, 30, "P-256", "SHA256", NULL) \
	row(BELOW_LAST,      LAST_CA,        "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(ONE_MORE_CA,     LAST_CA,        "One more",  NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(BELOW_ONE_MORE,  ONE_MORE_CA,    "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(FOREIGN_ROOT,    FOREIGN_ROOT,   "Root",      NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(FOREIGN_SUB,     FOREIGN_ROOT,   "Sub",       NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(FOREIGN_LEAF,    FOREIGN_SUB,    "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(DEEP_1,          ROOT,           "Deep 1",    NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(DEEP_2,          DEEP_1,         "Deep 2",    NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(DEEP_3,          DEEP_2,         "Deep 3",    NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(DEEP_4,          DEEP_3,         "Deep 4",    NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(DEEP_5,          DEEP_4,         "Deep 5",    NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(DEEP_6,          DEEP_5,         "Deep 6",    NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(DEEP_7,          DEEP_6,         "Deep 7",    NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(DEEP_8,          DEEP_7,         "Deep 8",    NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(DEEP_9,          DEEP_8,         "Deep 9",    NULL, IS_CA, -10, 30, "P-256", "SHA256", NULL) \
	row(BELOW_DEEP_8,    DEEP_8,         "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL) \
	row(BELOW_DEEP_9,    DEEP_9,         "leaf",      "DNS:" HOST, NULL, -1, 30, "P-256", "SHA256", NULL)
/* clang-format on */

#define CERTIFICATE_ENUM(name, ...) name,
enum which { NOBODY, CERTIFICATES(CERTIFICATE_ENUM) CERTIFICATES_N };
#undef CERTIFICATE_ENUM

struct wish {
	enum which issuer;
	const char *name, *alt, *constraints;
	long from, to;
	const char *key, *digest, *eku;
};

#define CERTIFICATE_WISH(name, ...) [name] = { __VA_ARGS__ },
static const struct wish wishes[] = { CERTIFICATES(CERTIFICATE_WISH) };
#undef CERTIFICATE_WISH

static X509 *certificates[CERTIFICATES_N];
static EVP_PKEY *certificate_keys[CERTIFICATES_N];

static inline void put_extension(X509 *cert, int nid, const char *text)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, text);

	must(extension && X509_add_ext(cert, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

/* A DNS-ID with a NUL in it, which no text can say: ours, as seen by who stops there. */
static inline void put_nul_name(X509 *cert)
{
	static const char name[] = HOST "\0.other.test";
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *one = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	must(names && one && text && ASN1_STRING_set(text, name, sizeof name - 1) == 1);
	GENERAL_NAME_set0_value(one, GEN_DNS, text);
	must(sk_GENERAL_NAME_push(names, one) > 0);
	must(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1);
	GENERAL_NAMES_free(names);
}

static inline X509 *make(const struct wish *wish, enum which self)
{
	X509 *cert = X509_new(), *issuer = wish->issuer == self ? cert : certificates[wish->issuer];
	X509_NAME *subject = X509_get_subject_name(cert);

	must(issuer && X509_set_version(cert, 2) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1000 + (long)self);
	X509_gmtime_adj(X509_getm_notBefore(cert), wish->from * DAY / SECOND);
	X509_gmtime_adj(X509_getm_notAfter(cert), wish->to * DAY / SECOND);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)wish->name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer));
	X509_set_pubkey(cert, certificate_keys[self]);
	if (wish->alt && !strcmp(wish->alt, "NUL"))
		put_nul_name(cert);
	else if (wish->alt)
		put_extension(cert, NID_subject_alt_name, wish->alt);
	if (wish->constraints)
		put_extension(cert, NID_basic_constraints, wish->constraints);
	if (wish->eku)
		put_extension(cert, NID_ext_key_usage, wish->eku);
	must(X509_sign(cert, certificate_keys[wish->issuer], EVP_get_digestbyname(wish->digest)) >
		0);
	return cert;
}

/* The group's setup and teardown. */
static inline int make_world(void **state)
{
	(void)state;
	for (size_t i = 1; i < CERTIFICATES_N; i++) {
		const char *key = wishes[i].key;

		certificate_keys[i] =
			key[0] == 'P' ? EVP_EC_gen(key) : EVP_RSA_gen((unsigned)atoi(key));
		certificates[i] = make(&wishes[i], (enum which)i);
	}
	return 0;
}

static inline int free_world(void **state)
{
	(void)state;
	for (size_t i = 0; i < CERTIFICATES_N; i++) {
		X509_free(certificates[i]);
		EVP_PKEY_free(certificate_keys[i]);
	}
	return 0;
}

enum { CHAIN_MAX = 12 };

/* What a peer shows: the certificates up to the first NOBODY, its own first, which OpenSSL has in
 * its chain as well. The caller frees the stack alone. */
static inline STACK_OF(X509) * stack_of(const enum which *chain)
{
	STACK_OF(X509) *stack = sk_X509_new_null();

	for (size_t i = 0; i < CHAIN_MAX && chain[i]; i++)
		must(sk_X509_push(stack, certificates[chain[i]]) > 0);
	return stack;
}

/* The PEM text of certificates up to the first NOBODY, in `to`. */
static inline struct str pem_text(const enum which *which, char *to, size_t room)
{
	BIO *bio = BIO_new(BIO_s_mem());

	for (; *which; which++)
		must(PEM_write_bio_X509(bio, certificates[*which]) == 1);
	int n = BIO_read(bio, to, (int)room);
	must(n > 0 && (size_t)n < room);
	BIO_free(bio);
	return (struct str){ to, (size_t)n };
}

#endif
