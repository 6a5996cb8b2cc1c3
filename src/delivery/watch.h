/* SPDX-License-Identifier: ISC
 *
 * watch.h - what is checked of our own surroundings while mail is delivered: that the resolver
 * validates (policy.md section 7), and that every MX of a secure domain is ours (section 6);
 * and the policies of others are kept from running out.
 */
#ifndef DELIVERY_WATCH_H
#define DELIVERY_WATCH_H

#include "delivery/worker.h"

/* Test the resolver, and tell the log where its health isn't what it was `before`. Blocks for 20
 * seconds at most. */
enum resolver_health watch_resolver(struct resolver *resolver, enum resolver_health before);

/* Refresh policies every few minutes, and check both now, after each reload and once an hour, the
 * resolver once a minute unless it is healthy; in a thread of its own that holds up nobody. */
void watch_start(struct delivery *delivery);

#endif
