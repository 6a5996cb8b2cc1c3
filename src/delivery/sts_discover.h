/* SPDX-License-Identifier: ISC
 *
 * sts_discover.h - one look at what a domain publishes by MTA-STS (RFC 8461 3), without memory of
 * an earlier one: the TXT record, and the policy it announces. For sts.c.
 */
#ifndef DELIVERY_STS_DISCOVER_H
#define DELIVERY_STS_DISCOVER_H

#include "delivery/config.h"
#include "mail/mta_sts.h"

struct sts_question {
	struct str domain;
	struct str known_id; /* of the policy at hand; empty: there is none */
	struct str tired_id; /* announces what could not be had a moment ago; empty: none */
	bool cold;	     /* ask DNS past every cache */
	bool refresh;	     /* fetch the policy at hand again, its id unchanged or not to be had */
};

struct sts_found {
	enum {
		STS_FOUND_UNKNOWN, /* the world failed us, or somebody in it */
		STS_FOUND_NO_RECORD,
		STS_FOUND_NO_POLICY, /* a record, but a server that proves its name has none, or
					one that is invalid */
		STS_FOUND_KNOWN,     /* the record announces the policy at hand */
		STS_FOUND_POLICY
	} kind;
	bool asked_server; /* for the policy */
	struct str id;	   /* of the record; empty without one */
	struct str text;   /* STS_FOUND_POLICY: it reads well */
	struct why why;	   /* otherwise */
};

/* Blocks until the deadline at most. Strings live in `arena`. */
void sts_discover(const struct config *config, const struct sts_question *question,
	struct arena *arena, struct sts_found *found, struct deadline deadline);

#endif
