/* SPDX-License-Identifier: ISC
 *
 * certificate.h - what a peer's certificate says of itself, for people to read. It proves nothing:
 * what was checked is in struct host_facts.
 */
#ifndef NET_CERTIFICATE_H
#define NET_CERTIFICATE_H

#include "base/arena.h"
#include "net/secure.h"

enum { CERTIFICATE_NAME_MAX = 500 }; /* bytes; longer names are cut */

struct certificate {
	struct str subject, issuer;    /* RFC 4514, control characters escaped */
	int64_t not_before, not_after; /* wall clock; 0: no date that can be read */
};

/* Of the peer's certificate, texts in `arena`. All empty where it showed none. */
void certificate_read(const struct secure *secure, struct arena *arena, struct certificate *to);

#endif
