/* SPDX-License-Identifier: ISC
 *
 * lookup.h - one look-up under way: several questions to one context, and what their answers have
 * in common - until when they hold, and whether one of them was no answer at all.
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include "net/question.h"

struct lookup {
	struct dns_context *context;
	struct deadline deadline;
	struct deadline expires; /* the shortest TTL so far */
	bool failed;		 /* an answer failed: what is made of them is not kept */
};

struct lookup lookup_in(struct dns_context *context, struct deadline deadline);
/* When half of the time that is left will be gone. Whoever has more to ask after this waits no
 * longer, so that one dead name server leaves time for the others. */
struct deadline lookup_half(const struct lookup *lookup);

/* Wait for an answer, at most `until`; CNAMEs of local records, which libunbound doesn't follow,
 * are followed: the question is then another. */
struct answer lookup_wait(
	struct lookup *lookup, struct question **q, int type, struct deadline until);
/* SERVFAIL, bogus, timed out: never to be taken for an absence. */
bool answer_failed(const struct answer *answer);

/* A name a question can be asked about: hosts of mail have letters, digits, hyphens; some write
 * underscores. Everything else has no records by definition (RFC 5321 2.3.5). */
bool lookup_can_ask(struct str name);

#endif
