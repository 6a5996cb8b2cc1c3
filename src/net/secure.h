/* SPDX-License-Identifier: ISC
 *
 * secure.h - TLS. The only two makers of a `struct secure`: secure_accept for sessions that come
 * to us, secure_connect for ours to others, which remembers what it proved. Versions, ciphers,
 * groups and security level are set here in code and never inherited from openssl.cnf.
 */
#ifndef NET_SECURE_H
#define NET_SECURE_H

#include "mail/policy.h"
#include "mail/stored_certificate.h"
#include "mail/tlsa.h"
#include "net/wire.h"

struct secure {
	struct wire wire;
	demands proved; /* the demands this connection has shown to hold (policy_proofs): TLS by
			   secure_connect, all of them once EHLO was said in it */
};

/* How a connection is sealed, for logs, Received and evidence. Views into static or arena memory
 * of the caller's `arena`. */
struct seal {
	struct str version;	/* "TLSv1.3" */
	struct str cipher;	/* "TLS_AES_256_GCM_SHA384" */
	struct str group;	/* "X25519", "" for RSA key exchange */
	struct str certificate; /* SHA-256 of the peer's certificate, lower-case hex; "" if none */
	struct str key;		/* SHA-256 of its public key */
};

struct arena;
void secure_seal(const struct secure *secure, struct arena *arena, struct seal *seal);
/* With close_notify, where anything can be said at all. */
void secure_close(struct secure **secure);

/* Server side: our certificates and keys. Immutable. */
struct tls_server;
/* n pairs of PEM texts (chain, key), ECDSA and RSA side by side. NULL and why. */
struct tls_server *tls_server_new(
	const struct str *chains, const struct str *keys, size_t n, struct why *why);
void tls_server_free(struct tls_server **tls);

/* Take the handshake on *plain, which must have nothing buffered. On success *plain is consumed
 * (NULL); on failure it is closed too. TLS 1.2 or newer. */
struct secure *secure_accept(struct plain **plain, const struct tls_server *tls,
	struct deadline deadline, struct why *why) must_use;

/* Client side: our CA store. Immutable. */
struct tls_client;
/* `ca`: PEM text, or empty for none. NULL and why. */
struct tls_client *tls_client_new(struct str ca, struct why *why);
void tls_client_free(struct tls_client **tls);

/* What to use and check in the handshake with a host. Views; they outlive the call. */
struct secure_target {
	struct str server_name;	 /* SNI: the TLSA base domain under DANE, else the MX name; empty:
				   none (address literal) */
	const struct plan *plan; /* which of the following to check */
	struct str host;	 /* check_ca, check_sts: the MX host name, which the certificate
				    must bear and the CA store vouch for; MTA-STS asks the same of it,
				    and that its policy lists the host, which is the caller's to see */

	/* check_dane: the usable TLSA records, and the names a DANE-TA certificate may bear
	 * besides: tlsa_base first, then the host and the domain (RFC 7672 3.2.2). */
	const struct tlsa *tlsa;
	size_t n_tlsa;
	struct str tlsa_base, domain;

	/* check_pin: the domain's stored entries, those past their date left out. */
	const struct stored_entry *stored;
	size_t n_stored;
};

/* Start TLS on *plain after the peer's 220, with nothing buffered. On success *plain is consumed
 * and the result has host->hello == HELLO_SECURED (EHLO is still to be said) and what was checked
 * filled in. On failure NULL, *plain closed, and host->hello says which row of policy.md it is. */
struct secure *secure_connect(struct plain **plain, const struct tls_client *tls,
	const struct secure_target *target, struct deadline deadline, struct host_facts *host,
	struct why *why) must_use;

#endif
