/* SPDX-License-Identifier: ISC
 *
 * tlsa.h - one TLSA record (RFC 6698 2.1, RFC 7671): read from the wire, and whether it is usable.
 * Pure. The bytes are hostile; that they were DNSSEC-validated says who wrote them, not what.
 */
#ifndef MAIL_TLSA_H
#define MAIL_TLSA_H

#include "base/str.h"

enum tlsa_usage { TLSA_USAGE_TA = 2, TLSA_USAGE_EE = 3 };
enum tlsa_selector { TLSA_SELECTOR_CERT = 0, TLSA_SELECTOR_KEY = 1 };
enum tlsa_matching { TLSA_MATCHING_FULL = 0, TLSA_MATCHING_SHA256 = 1, TLSA_MATCHING_SHA512 = 2 };

struct tlsa {
	uint8_t usage, selector, matching;
	struct str data; /* a view into what it was read from */
};

/* Read one record's data. False: unusable for mail (policy.md section 2): usage 0 or 1, unknown
 * usage, selector or matching type, too short, a digest of the wrong length, a full certificate or
 * key that is none. */
bool tlsa_read(struct str rdata, struct tlsa *to) must_use;

#endif
