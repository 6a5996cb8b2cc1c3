/* SPDX-License-Identifier: ISC
 *
 * dial.h - a TCP connection to one of a mail server's addresses. IPv6 and IPv4 are raced: the
 * next address gets a start while an earlier one still hesitates (RFC 8305, in small).
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "base/clock.h"
#include "net/ip.h"

enum dial_state {
	DIAL_UNTRIED,
	DIAL_CONNECTED,
	DIAL_REFUSED, /* refused, reset or unreachable */
	DIAL_TIMEOUT, /* its deadline passed */
	DIAL_FAULT,   /* on our side: no descriptors, no ports */
};

struct dial_try {
	struct ip ip;
	enum dial_state state;
	int fd; /* used inside */
};

enum { DIAL_TRIES_MAX = 16 };

/* Connect to the untried ones among `tries`, in their order, a new one every quarter second or
 * as soon as one fails; each has `each_ms` from its own start, and none longer than `until`, when no
 * new one is begun any more. Returns the index of the first
 * that stands (*fd is its socket, non-blocking; the others in the making are untried again), or
 * -1 when none is left or the time is over. */
int dial(struct dial_try *tries, size_t n, uint16_t port, int64_t each_ms, struct deadline until,
	int *fd);
/* False if this machine has no route to the address's network: nothing is sent to find out. */
bool dial_has_route(const struct ip *ip);

#endif
