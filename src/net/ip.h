/* SPDX-License-Identifier: ISC
 *
 * ip.h - addresses of other mail servers: text, equality, and the ranges no domain of somebody
 * else's may send us to (policy.md section 4): loopback, private, link-local, multicast, and
 * IPv6 forms that hide an IPv4 address of those. Pure data.
 */
#ifndef NET_IP_H
#define NET_IP_H

#include "base/buf.h"
#include "base/why.h"

struct ip {
	bool v6;
	unsigned char bytes[16]; /* network order; IPv4 uses the first four */
};

/* An address as text, without brackets or zone. */
bool ip_of_text(struct str text, struct ip *ip) must_use;
/* An address literal as a mail domain: "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). */
bool ip_of_literal(struct str literal, struct ip *ip) must_use;
/* From the data of an A (4 bytes) or AAAA (16 bytes) record. */
bool ip_of_record(struct str data, struct ip *ip) must_use;
bool ip_eq(const struct ip *a, const struct ip *b);
bool ip_is_loopback(const struct ip *ip);
void ip_add_text(struct buf *to, const struct ip *ip);

struct ip_network {
	struct ip ip;
	unsigned bits;
};

/* "10.0.0.0/8", "fd00::/8"; without a slash the one address. */
bool ip_network_of_text(struct str text, struct ip_network *network, struct why *why) must_use;
bool ip_in_network(const struct ip *ip, const struct ip_network *network);
/* True if nobody else's domain may send us there, and none of `allowed` contains it. */
bool ip_is_forbidden(const struct ip *ip, const struct ip_network *allowed, size_t n);

#endif
