/* SPDX-License-Identifier: ISC
 *
 * pool.h - connections kept a short while after a message, for the next one to the same place
 * under the same rule (policy.md section 7). Shared by the workers.
 */
#ifndef DELIVERY_POOL_H
#define DELIVERY_POOL_H

#include "delivery/look.h"

struct pool;

/* A pool for at most `most` idle connections, with a thread that closes those kept too long. */
struct pool *pool_new(size_t most);

/* What a connection must be to carry mail for a domain. */
struct pool_key {
	struct str domain;
	demands wanted;
	uint16_t port;
	const struct config *config;
};

/* A kept connection that fits and whose host and address are still named, on the same basis; the
 * caller's. Of several the one used last. NULL if there is none. */
struct peer *pool_take(struct pool *pool, const struct pool_key *key, const struct look_host *hosts,
	size_t n_hosts);
/* Keep *peer, or close it where it has been used enough. Consumes it. */
void pool_keep(struct pool *pool, struct peer **peer);
/* Close all that are idle. */
void pool_empty(struct pool *pool);

#endif
