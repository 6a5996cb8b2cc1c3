/* SPDX-License-Identifier: ISC
 *
 * hosts.h - the hosts of a look before anybody connects: which of the route's are asked and in
 * which order, and what DNS, MTA-STS and the stored certificates say of each.
 */
#ifndef DELIVERY_HOSTS_H
#define DELIVERY_HOSTS_H

#include "delivery/look.h"
#include "net/dial.h"

/* Fill look->hosts from look->route, with the facts of DNS. Returns how many there are; 0: our own
 * name stands first (RFC 5321 5.1). */
size_t hosts_in_order(struct look *look);
/* Take the facts from look->sts. */
void hosts_use_sts(struct look *look);
/* Take the facts from look->stored. */
void hosts_use_stored(struct look *look);
/* Write down what each host's judgement rests on. */
void hosts_write_basis(struct look *look);
/* Which of the host's addresses count, as untried tries; if none does, its facts say why.
 * *forbidden: one was left out for where it lies. */
size_t hosts_addresses(
	struct look *look, struct look_host *host, struct dial_try *tries, bool *forbidden);

#endif
