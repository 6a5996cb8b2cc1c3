/* SPDX-License-Identifier: ISC
 *
 * sts_policy.h - the MTA-STS policies delivery has fetched, so that they outlive a restart
 * (RFC 8461 3.3). The store keeps their text and understands none of it.
 */
#ifndef STORE_STS_POLICY_H
#define STORE_STS_POLICY_H

#include "store/store.h"

/* Policies kept; beyond that the one whose domain was not written to for longest goes. */
enum { STS_POLICIES_MAX = 5000 };

/* The policy of a domain; an empty text: none is kept, or it has expired. */
void sts_policy_load(
	struct store *store, struct str domain, struct arena *arena, struct sts_kept *policy);
/* Keep it, in place of an older one of its domain. */
void sts_policy_save(struct store *store, const struct sts_kept *policy);
/* Domains whose policy is to be refreshed, the one fetched longest ago first. */
void sts_policy_due(struct store *store, const struct sts_due_ask *ask, struct arena *arena,
	struct sts_due_answer *answer);
/* Remove at most `n` that have expired. True: there may be more. */
bool sts_policy_expire(struct store *store, int n) must_use;

#endif
