/* SPDX-License-Identifier: ISC
 *
 * fetch.h - one short text by HTTPS from a server that proves its name, over addresses of our own
 * resolver (RFC 8461 3.3): no proxy, no redirects, no other scheme, TLS 1.2 or newer, nothing from
 * files or the environment.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "base/clock.h"
#include "base/why.h"
#include "net/ip.h"
#include "net/secure.h"

struct fetch {
	struct str host;	    /* which the certificate must name; lower-case A-labels */
	uint16_t port;		    /* 443 */
	struct str path;	    /* "/..." */
	const struct ip *addresses; /* of the host; those nobody else may send us to are left out */
	size_t n_addresses;
	const struct ip_network *allowed; /* as in ip_is_forbidden */
	size_t n_allowed;
	const struct tls_client *tls; /* its CA store */
};

enum fetch_result {
	FETCH_FAILED,  /* no server that proved its name has said anything final */
	FETCH_NOTHING, /* it did, and there is no such text (404, 410) */
	FETCH_USELESS, /* what it sent is not text/plain, or larger than the buffer may grow */
	FETCH_TEXT     /* it is in the buffer */
};

enum { FETCH_ADDRESSES_MAX = 8 };

/* Prepare the process. Once, before it has threads and before confinement. */
void fetch_prepare(void);
/* Get the text into `to`, which is empty and whose maximum is the text's. *why says what was wrong
 * unless it is FETCH_TEXT. Blocks until the deadline at most. Any thread. */
enum fetch_result fetch_text(const struct fetch *ask, struct buf *to, struct deadline deadline,
	struct why *why) must_use;

#endif
