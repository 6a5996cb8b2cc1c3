/* SPDX-License-Identifier: ISC
 *
 * stored_certificate.h - what an operator has stored of a recipient domain's servers for the level
 * `verify` (policy.md section 7): the digest of a key or certificate, or an authority with names.
 */
#ifndef MAIL_STORED_CERTIFICATE_H
#define MAIL_STORED_CERTIFICATE_H

#include "base/str.h"

/* On disk. */
enum stored_kind {
	STORED_KEY = 0,		/* value: SHA-256 of the SubjectPublicKeyInfo, lower-case hex */
	STORED_CERTIFICATE = 1, /* value: SHA-256 of the certificate, lower-case hex */
	STORED_AUTHORITY = 2,	/* value: PEM text of one or more CA certificates */
	STORED_KINDS_N
};

/* One entry of a domain; it holds for every MX of it. */
struct stored_entry {
	enum stored_kind kind;
	struct str value;
	struct str names; /* STORED_AUTHORITY: host names, one of which the certificate must bear,
			     separated by blanks; empty: the MX host name */
};

#endif
