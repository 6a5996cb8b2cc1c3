/* SPDX-License-Identifier: ISC
 *
 * evidence.h - what was seen of one try at one address of one host, and what kind of transport
 * encryption it amounts to. Letters, success reports and receipts are made from it.
 */
#ifndef MAIL_EVIDENCE_H
#define MAIL_EVIDENCE_H

#include "mail/policy.h"
#include "mail/reason.h"

/* Strings are empty where there was nothing: no TLS, no proof, no word. */
struct evidence {
	int64_t time;
	struct str host, address;
	uint64_t port;
	enum verdict verdict;
	enum reason reason;
	struct str tls_version, cipher, group;
	struct str certificate, key; /* SHA-256, lower-case hex */
	struct str proven_by;	     /* "dane", "sts", "ca", "pin" */
	struct str said;
};

/* The two kinds of transport encryption that the German data protection authorities tell apart
 * (Datenschutzkonferenz, guidance on mail, 2021): mandatory is TLS 1.2 or newer; qualified is more,
 * the server authenticated and forward secrecy. */
enum transport { TRANSPORT_NONE, TRANSPORT_MANDATORY, TRANSPORT_QUALIFIED, TRANSPORTS_N };

enum transport transport_of(struct str tls_version, struct str cipher, struct str proven_by);
/* "none", "mandatory", "qualified". */
const char *transport_name(enum transport transport);

#endif
