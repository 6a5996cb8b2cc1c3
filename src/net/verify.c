/* SPDX-License-Identifier: ISC
 *
 * verify.c - what a peer's certificate and chain prove. Runs in delivery's worker threads. The
 * certificates are hostile; the TLSA records are what the domain published, signed; the stored
 * entries are the operator's.
 *
 * Nothing is checked inside the handshake, where OpenSSL could give one answer only: two proofs
 * may be wanted of one chain (DANE below an unsigned MX and MTA-STS; a stored key and whatever
 * authenticates), and each has anchors, names and rules of its own. So each is one
 * X509_STORE_CTX over the same certificates, and none sees what another found.
 */
#include "net/verify.h"

#include "base/must.h"
#include "net/tls.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum {
	LEVEL = 2,	 /* OpenSSL's: keys and digests of 112 bits */
	ISSUERS_MAX = 8, /* between the certificate and its anchor; real chains have one or two */
};

struct verifier {
	X509_STORE *authorities; /* the CA store */
	X509_STORE *nobody;	 /* under DANE the records are the only anchors */
	SSL_CTX *dane;		 /* makes what holds the records of one check */
};

static void free_store(X509_STORE **store)
{
	X509_STORE_free(*store);
}

static void free_check(X509_STORE_CTX **check)
{
	X509_STORE_CTX_free(*check);
}

static void free_records(SSL **records)
{
	SSL_free(*records);
}

/* All certificates of a PEM text; false unless there is one and all can be read. *n is how many. */
static bool add_authorities(X509_STORE *store, struct str pem, size_t *n)
{
	BIO *text = BIO_new_mem_buf(pem.len ? pem.at : "", (int)pem.len);
	X509 *authority;

	must(text != NULL);
	ERR_clear_error();
	while ((authority = PEM_read_bio_X509(text, NULL, NULL, NULL))) {
		must(X509_STORE_add_cert(store, authority) == 1);
		X509_free(authority);
		(*n)++;
	}
	BIO_free(text);
	bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return at_end && *n > 0;
}

/* RFC 7671 5.1: what DANE-EE matches needs no names; OpenSSL looks at no dates there either. */
static SSL_CTX *dane_context(void)
{
	SSL_CTX *context = tls_context(TLS_client_method());

	must(SSL_CTX_dane_enable(context) == 1);
	SSL_CTX_dane_set_flags(context, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	return context;
}

struct verifier *verifier_new(struct str ca, struct why *why)
{
	struct verifier *verifier = must_alloc(sizeof *verifier);
	size_t n = 0;

	verifier->authorities = X509_STORE_new();
	verifier->nobody = X509_STORE_new();
	verifier->dane = dane_context();
	must(verifier->authorities && verifier->nobody);
	if (!ca.len || add_authorities(verifier->authorities, ca, &n))
		return verifier;
	why_not(why, "ca_file: certificate %zu can't be read", n + 1);
	verifier_free(&verifier);
	return NULL;
}

void verifier_free(struct verifier **verifier)
{
	if (!*verifier)
		return;
	X509_STORE_free((*verifier)->authorities);
	X509_STORE_free((*verifier)->nobody);
	SSL_CTX_free((*verifier)->dane);
	free(*verifier);
	*verifier = NULL;
}

X509_STORE *verifier_store(const struct verifier *verifier)
{
	return verifier->authorities;
}

/* A check of what was shown, with the rules that all proofs by a chain share. */
static X509_STORE_CTX *check_new(X509_STORE *anchors, const struct shown *shown)
{
	X509_STORE_CTX *check = X509_STORE_CTX_new();

	must(check && X509_STORE_CTX_init(check, anchors, shown->certificate, shown->chain) == 1 &&
		X509_STORE_CTX_set_default(check, "ssl_server") == 1);
	X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(check);
	X509_VERIFY_PARAM_set_auth_level(rules, LEVEL);
	X509_VERIFY_PARAM_set_depth(rules, ISSUERS_MAX);
	return check;
}

/* One more name that the certificate may bear. False where it is none: OpenSSL checks no name
 * where it was given none, and takes one that begins with a dot for any host below it. */
static bool add_name(X509_STORE_CTX *check, struct str name)
{
	return name.len && name.at[0] != '.' &&
	       X509_VERIFY_PARAM_add1_host(X509_STORE_CTX_get0_param(check), name.at, name.len) ==
		       1;
}

/* X509_V_OK, or the first thing that is wrong. */
static int outcome_of(X509_STORE_CTX *check)
{
	int good = X509_verify_cert(check), error = X509_STORE_CTX_get_error(check);

	ERR_clear_error();
	if (good == 1)
		return X509_V_OK;
	return error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
}

/* --- DANE --- */

/* RFC 7672 3.2.2: with DANE-TA the certificate bears the TLSA base domain, the host's name or the
 * next-hop domain. 3.2.3: the common name counts where there is no DNS-ID; a wildcard is the
 * whole first label. */
static bool add_dane_names(X509_STORE_CTX *check, const struct secure_target *target)
{
	bool base = add_name(check, target->tlsa_base);
	bool host = add_name(check, target->host);
	bool domain = add_name(check, target->domain);

	X509_VERIFY_PARAM_set_hostflags(
		X509_STORE_CTX_get0_param(check), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return base || host || domain;
}

/* False for what OpenSSL can't use, and for a usage that mail doesn't know (RFC 7672 3.1.3). */
static bool add_record(SSL *records, const struct tlsa *tlsa, bool named)
{
	if (tlsa->usage != TLSA_USAGE_EE && (tlsa->usage != TLSA_USAGE_TA || !named))
		return false;
	return SSL_dane_tlsa_add(records, tlsa->usage, tlsa->selector, tlsa->matching,
		       (const unsigned char *)tlsa->data.at, tlsa->data.len) == 1;
}

static bool dane_matches(const struct verifier *verifier, const struct shown *shown,
	const struct secure_target *target)
{
	scoped(free_check) X509_STORE_CTX *check = check_new(verifier->nobody, shown);
	scoped(free_records) SSL *records = SSL_new(verifier->dane);
	bool named = add_dane_names(check, target);
	size_t n = 0;

	must(records && SSL_dane_enable(records, NULL) == 1);
	for (size_t i = 0; i < target->n_tlsa; i++)
		n += add_record(records, &target->tlsa[i], named);
	ERR_clear_error();
	if (!n)
		return false;
	X509_STORE_CTX_set0_dane(check, SSL_get0_dane(records));
	/* So that the dates of an anchor count where it is not self-signed either. */
	X509_STORE_CTX_set_flags(check, X509_V_FLAG_PARTIAL_CHAIN);
	/* That a record matched is asked as well: no other way to succeed may be one. */
	return outcome_of(check) == X509_V_OK && SSL_get0_dane_authority(records, NULL, NULL) >= 0;
}

/* --- the CA store --- */

/* RFC 8461 4.1, RFC 9525 6.3: DNS-IDs alone count, a wildcard is the whole first label. */
static void set_pkix_names(X509_STORE_CTX *check)
{
	X509_VERIFY_PARAM_set_hostflags(X509_STORE_CTX_get0_param(check),
		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
}

static enum reason fault_of(int outcome)
{
	switch (outcome) {
	case X509_V_OK:
		return REASON_NONE;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return REASON_CERTIFICATE_HOST_MISMATCH;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return REASON_CERTIFICATE_EXPIRED;
	default:
		return REASON_CERTIFICATE_NOT_TRUSTED;
	}
}

static enum reason certificate_fault(
	const struct verifier *verifier, const struct shown *shown, struct str host)
{
	scoped(free_check) X509_STORE_CTX *check = check_new(verifier->authorities, shown);

	set_pkix_names(check);
	if (!add_name(check, host))
		return REASON_CERTIFICATE_HOST_MISMATCH;
	return fault_of(outcome_of(check));
}

/* --- stored entries --- */

static struct digest digest_of_der(unsigned char *der, int len)
{
	must(len > 0);
	struct digest digest = digest_of((struct str){ (const char *)der, (size_t)len });
	OPENSSL_free(der);
	return digest;
}

struct digest verify_certificate_digest(X509 *certificate)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	return digest_of_der(der, len);
}

struct digest verify_key_digest(X509 *certificate)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

	return digest_of_der(der, len);
}

static bool add_stored_names(
	X509_STORE_CTX *check, const struct stored_entry *entry, struct str host)
{
	struct str rest = entry->names;
	bool any = false;

	set_pkix_names(check);
	if (!rest.len)
		return add_name(check, host);
	while (rest.len)
		any |= add_name(check, str_cut(&rest, ' '));
	return any;
}

/* The entry's certificates are the only anchors, and any of them is one, self-signed or not. */
static bool authority_matches(
	const struct stored_entry *entry, const struct shown *shown, struct str host)
{
	scoped(free_store) X509_STORE *anchors = X509_STORE_new();
	size_t n = 0;

	must(anchors != NULL);
	if (!add_authorities(anchors, entry->value, &n))
		return false;
	scoped(free_check) X509_STORE_CTX *check = check_new(anchors, shown);
	X509_STORE_CTX_set_flags(check, X509_V_FLAG_PARTIAL_CHAIN);
	return add_stored_names(check, entry, host) && outcome_of(check) == X509_V_OK;
}

static bool entry_matches(
	const struct stored_entry *entry, const struct shown *shown, struct str host)
{
	struct digest digest;

	switch (entry->kind) {
	case STORED_KEY:
		digest = verify_key_digest(shown->certificate);
		break;
	case STORED_CERTIFICATE:
		digest = verify_certificate_digest(shown->certificate);
		break;
	case STORED_AUTHORITY:
		return authority_matches(entry, shown, host);
	default:
		return false;
	}
	return str_eq(entry->value, digest_str(&digest));
}

static bool pin_matches(const struct shown *shown, const struct secure_target *target)
{
	for (size_t i = 0; i < target->n_stored; i++)
		if (entry_matches(&target->stored[i], shown, target->host))
			return true;
	return false;
}

void verify_peer(const struct verifier *verifier, const struct shown *shown,
	const struct secure_target *target, struct host_facts *host)
{
	const struct plan *plan = target->plan;
	bool is_there = shown->certificate;

	if (plan->check_dane)
		host->dane = is_there && dane_matches(verifier, shown, target) ? DANE_MATCHES
									       : DANE_FAILS;
	if (plan->check_ca || plan->check_sts) {
		host->certificate_fault = is_there
						  ? certificate_fault(verifier, shown, target->host)
						  : REASON_CERTIFICATE_NOT_TRUSTED;
		host->ca_proves = host->certificate_fault == REASON_NONE;
	}
	if (plan->check_pin)
		host->pin = is_there && pin_matches(shown, target) ? PIN_MATCHES : PIN_FAILS;
}
