/* SPDX-License-Identifier: ISC
 *
 * host.h - what DNS knows of the hosts of a route: addresses, whether a validated answer stands
 * behind them, and the TLSA records of those (RFC 7672 2.2).
 */
#ifndef NET_HOST_H
#define NET_HOST_H

#include "net/lookup.h"

/* Look all hosts up, everything that can be asked at once at once. Each has its name, and
 * facts.mx_validated, already; the rest is filled in. `port` is that of the TLSA owner names. */
void hosts_look_up(struct lookup *lookup, struct arena *memory, uint16_t port,
	struct route_host *hosts, size_t n);
/* The addresses alone. */
void host_find_addresses(struct lookup *lookup, struct route_host *host);

#endif
