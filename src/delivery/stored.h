/* SPDX-License-Identifier: ISC
 *
 * stored.h - the stored certificates of a recipient's domain, for the level `verify`: asked of the
 * store for each look, and once more right before mail goes out, so that an entry that was removed
 * is not used for another second.
 */
#ifndef DELIVERY_STORED_H
#define DELIVERY_STORED_H

#include "call/client.h"
#include "mail/policy.h"
#include "mail/stored_certificate.h"

/* Which state of what is stored an answer tells of. A connection that is kept keeps this. */
struct stored_state {
	uint64_t generation; /* changes with every change of what is stored, for any domain */
	int64_t until;	     /* wall clock: an entry passes its date; INT64_MAX: none will */
};

struct stored_view {
	struct stored_entry *entries; /* those that have not passed their date */
	size_t n, expired;
	struct stored_state state;
};

/* What is stored for `domain` (the recipient's, in lower-case A-labels); in `arena`. False and why:
 * the store could not be asked, and nothing is known. */
bool stored_find(struct client *store, struct str domain, struct arena *arena,
	struct stored_view *view, struct deadline deadline, struct why *why) must_use;
/* route_facts.pin: stored, expired or none. */
unsigned stored_pin(const struct stored_view *view) must_use;
/* Is that still what is stored? To be asked right before MAIL. False and why: no, or not known. */
bool stored_still(struct client *store, struct stored_state state, struct deadline deadline,
	struct why *why) must_use;

#endif
