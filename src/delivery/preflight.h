/* SPDX-License-Identifier: ISC
 *
 * preflight.h - what would happen now to mail for a domain, for `siegel check`, and what all
 * servers of a domain show, for `siegel certificate`. It is looked at by the code that delivers;
 * nothing of a message is ever said.
 */
#ifndef DELIVERY_PREFLIGHT_H
#define DELIVERY_PREFLIGHT_H

#include "call/message.h"
#include "delivery/worker.h"

enum {
	PREFLIGHT_WAIT = 2800,	      /* for all of it, so that the answer is there within 3 s */
	PREFLIGHT_KEPT = 60 * SECOND, /* how long an answer is good for the next who asks */
	PREFLIGHTS_KEPT = 256,	      /* answers */
	EXAMINE_WAIT = 30 * SECOND,   /* for all servers of a domain */
};

/* Answers given lately. */
struct preflights;
struct preflights *preflights_new(void);
void preflights_free(struct preflights **preflights);
/* There are new settings: what was answered by the old ones is gone. */
void preflights_forget(struct preflights *preflights);

/* Both fill *answer, its texts in `arena`, and block no longer than the waits above. `ask` may be
 * hostile. Any thread. */
void preflight(struct preflights *kept, struct delivery *delivery, const struct preflight_ask *ask,
	struct arena *arena, struct preflight_answer *answer);
void examine(struct delivery *delivery, const struct examine_ask *ask, struct arena *arena,
	struct examine_answer *answer);

#endif
