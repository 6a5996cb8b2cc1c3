/* SPDX-License-Identifier: ISC
 *
 * verify.h - what a peer's certificate and chain prove; for net/ alone (the contract is secure.h).
 * Each proof is sought on its own, after the handshake and whatever the others found: DANE, the
 * CA store, the stored entries of the recipient's domain.
 */
#ifndef NET_VERIFY_H
#define NET_VERIFY_H

#include "base/signature.h"
#include "net/secure.h"
#include <openssl/x509.h>

/* What the peer showed. Views. */
struct shown {
	X509 *certificate;	/* NULL: none */
	STACK_OF(X509) * chain; /* what came with it, in any order; may be NULL */
};

/* The CA store, and what OpenSSL's DANE engine wants. Immutable; any thread may use it. */
struct verifier;
/* `ca`: PEM text, or empty for none. NULL and why. */
struct verifier *verifier_new(struct str ca, struct why *why) must_use;
void verifier_free(struct verifier **verifier);
/* The CA store; the verifier's. */
X509_STORE *verifier_store(const struct verifier *verifier);

/* Check what target->plan says, and nothing else, and fill in host->dane, ca_proves and
 * certificate_fault, and pin. What wasn't checked is left as it was. Doesn't block. */
void verify_peer(const struct verifier *verifier, const struct shown *shown,
	const struct secure_target *target, struct host_facts *host);

/* SHA-256 of the whole certificate, and of its SubjectPublicKeyInfo. */
struct digest verify_certificate_digest(X509 *certificate);
struct digest verify_key_digest(X509 *certificate);

#endif
