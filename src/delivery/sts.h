/* SPDX-License-Identifier: ISC
 *
 * sts.h - the MTA-STS policies of recipients' domains (RFC 8461): found, kept in memory and by the
 * store, refreshed. Workers and preflight ask here; what a policy means for a host is decided by
 * mail/policy.
 */
#ifndef DELIVERY_STS_H
#define DELIVERY_STS_H

#include "call/client.h"
#include "delivery/config.h"
#include "mail/mta_sts.h"

struct sts_cache;

/* An empty cache. What it learns is kept by the store and survives a restart; with NULL it isn't
 * and doesn't. Called before there are threads and before confinement; starts no thread. */
struct sts_cache *sts_cache_new(struct client *store);
/* Nobody may be asking. NULL is fine. */
void sts_cache_free(struct sts_cache **cache);

/* What is known of a domain at one moment. Immutable; held until it is released. */
struct sts_view {
	unsigned state; /* STS_ABSENT, STS_IN_FORCE or STS_UNKNOWN, as route_facts.sts */
	bool testing;	/* ABSENT, but a policy of mode "testing" is there to compare with */
	struct sts_policy policy; /* where it is in force, or testing; else of mode none, empty */
	struct str domain;	  /* the policy domain */
	struct str id;		  /* of the TXT record the policy was fetched for */
	int64_t fetched, expires; /* wall clock; 0 where there is no policy */
	struct why why;		  /* what was seen where the state isn't IN_FORCE */
};

/* What is known of `domain`, the recipient's domain as written, in lower-case A-labels (or an
 * address literal: ABSENT). Taken from the cache or looked up; blocks until the deadline, and ten
 * seconds, at most: what isn't known by then is UNKNOWN, and the look-up goes on for the next to
 * ask. `cold` (a second look) asks DNS past every cache and believes no earlier "absent" or
 * "unknown"; a policy that hasn't expired stands in any case (RFC 8461 3.3). Never NULL. Without
 * a cache (NULL) everything is UNKNOWN. */
const struct sts_view *sts_find(struct sts_cache *cache, struct config *config, struct str domain,
	bool cold, struct deadline deadline) must_use;
void sts_release(const struct sts_view **view);

/* The one look before a host that fails the policy is held against the domain (RFC 8461 5.1). */
enum sts_again {
	STS_SAME,	 /* the TXT record's id is the policy's */
	STS_NEW,	 /* there is another policy, and *view is now that one */
	STS_AGAIN_FAILED /* no TXT record to be had, or a new one and no policy with it */
};
/* Blocks as sts_find does. */
enum sts_again sts_again(struct sts_cache *cache, struct config *config,
	const struct sts_view **view, struct deadline deadline) must_use;

/* Fetch the policy of a domain again, behind everybody's back; at most once an hour. What comes
 * takes the place of the one at hand, what doesn't changes nothing. */
void sts_refresh(struct sts_cache *cache, struct config *config, struct str domain);

#endif
