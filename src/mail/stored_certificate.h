/* SPDX-License-Identifier: ISC
 *
 * stored_certificate.h - what an operator has stored of a recipient domain's servers for the level
 * `verify` (policy.md section 7): the digest of a key or certificate, or an authority with names.
 * Pure.
 */
#ifndef MAIL_STORED_CERTIFICATE_H
#define MAIL_STORED_CERTIFICATE_H

#include "base/buf.h"

/* row(NAME, number on disk, id). The value of a KEY is the SHA-256 of the SubjectPublicKeyInfo, of a
 * CERTIFICATE that of the certificate, both in lower-case hex; of an AUTHORITY it is the PEM text of
 * one or more CA certificates and no more. */
#define STORED_KINDS(row) \
	row(KEY, 0, "key") row(CERTIFICATE, 1, "certificate") row(AUTHORITY, 2, "authority")

#define STORED_ENUM(name, number, id) STORED_##name = number,
enum stored_kind { STORED_KINDS(STORED_ENUM) STORED_KINDS_N };
#undef STORED_ENUM

enum { STORED_VALUE_MAX = 16384, STORED_NAMES_MAX = 1024, STORED_DIGEST = 64 };

/* One entry of a domain; it holds for every MX of it. */
struct stored_entry {
	enum stored_kind kind;
	struct str value;
	struct str names; /* STORED_AUTHORITY: host names, one of which the certificate must bear,
			     separated by blanks; empty: the MX host name */
};

/* "key", "certificate", "authority"; "?" for a number from a newer store. */
const char *stored_kind_id(uint64_t kind);
/* The value has the form its kind demands. Whether the certificates in a PEM text can be read is
 * for those to say who have OpenSSL. */
bool stored_value_fits(enum stored_kind kind, struct str value) must_use;
/* Host names in lower-case A-labels, one blank between two; or nothing. */
bool stored_names_fit(struct str names) must_use;
/* A digest as people write it (either case, colons or blanks between) in the form that is stored.
 * False: it is no SHA-256. */
bool stored_digest_read(struct str text, struct buf *to) must_use;

#endif
