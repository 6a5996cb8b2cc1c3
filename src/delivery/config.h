/* SPDX-License-Identifier: ISC
 *
 * config.h - what delivery works with, as one immutable snapshot: settings, resolver, CA store.
 * A reload swaps the pointer; whoever holds the old one finishes with it. Connections kept for
 * reuse hold theirs, so that none outlives the trust it was made under.
 */
#ifndef DELIVERY_CONFIG_H
#define DELIVERY_CONFIG_H

#include "net/resolve.h"
#include "net/secure.h"
#include "settings/settings.h"
#include <stdatomic.h>

struct sts_cache;
struct client;

struct config {
	const struct settings *settings;
	struct resolver *resolver;
	struct tls_client *tls;
	struct sts_cache *sts;	    /* of the process, not owned */
	struct client *store;	    /* of the process; NULL where there is none to ask */
	struct ip_network *allowed; /* allow_networks */
	size_t n_allowed;
	atomic_int holders;
};

/* Make a snapshot, held once. `settings` must outlive it; the texts of the trust anchor and the
 * CA file needn't. NULL and why: a setting or file is wrong. */
struct config *config_new(
	const struct settings *settings, struct str anchor, struct str ca, struct why *why);
struct config *config_hold(struct config *config);
void config_release(struct config **config);

#endif
