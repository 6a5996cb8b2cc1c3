/* SPDX-License-Identifier: ISC
 *
 * mta_sts.h - what a domain publishes by MTA-STS (RFC 8461), as pure data: the TXT record, the
 * policy's text, and whether an MX name is listed. No socket, no clock. Every byte is hostile.
 */
#ifndef MAIL_MTA_STS_H
#define MAIL_MTA_STS_H

#include "base/arena.h"
#include "base/str.h"
#include "base/why.h"

enum sts_mode { STS_MODE_NONE, STS_MODE_TESTING, STS_MODE_ENFORCE };

/* Immutable; its strings are views into the arena it was read into. */
struct sts_policy {
	enum sts_mode mode;
	uint64_t max_age;     /* seconds; a larger number than a year counts as a year */
	struct str *patterns; /* lower-case A-labels, "*.example.net" or "mx.example.net" */
	size_t n_patterns;    /* none only with STS_MODE_NONE */
};

enum {
	STS_TEXT_MAX = 64 * 1024,
	STS_MAX_AGE = 31557600,	       /* RFC 8461 3.2 */
	STS_ARENA_MAX = 6 * 64 * 1024, /* what reading the largest text takes */
};

/* The id of the one TXT record that begins with "v=STSv1;" (RFC 8461 3.1): `records` are all TXT
 * records of _mta-sts.DOMAIN, the character-strings of each joined. False: none, several, or
 * malformed; the domain then has no policy. *id is a view into the record. */
bool sts_record_read(const struct str *records, size_t n, struct str *id) must_use;

/* Read a policy's text (RFC 8461 3.2). Lines end in LF or CRLF and stand in any order; of a key
 * that comes twice the first counts, mx apart; unknown keys are ignored. Nothing else is put up
 * with but empty lines and a final dot of a name. False and why: invalid, or the arena is full. */
bool sts_policy_read(
	struct str text, struct arena *arena, struct sts_policy *policy, struct why *why) must_use;

/* True if the MX host name (A-labels, no final dot) matches a pattern (RFC 8461 4.1): "*" stands
 * for exactly one label, the left-most. */
bool sts_policy_lists(const struct sts_policy *policy, struct str host) must_use;

#endif
