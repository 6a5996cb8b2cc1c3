/* SPDX-License-Identifier: ISC
 *
 * answer.h - delivery asked by others: DELIVERY_CALLS of calls.def. A question takes seconds, in
 * which a destination is looked at; so each has a thread while it lasts, and there are few.
 */
#ifndef DELIVERY_ANSWER_H
#define DELIVERY_ANSWER_H

#include "call/answers.h"
#include "delivery/worker.h"

/* So many questions at once; whoever asks beyond that waits a moment, then is told LOOK_BUSY. */
enum { DELIVERY_ANSWERS_MAX = 16, DELIVERY_ANSWERS_WAIT = 2 * SECOND };

/* What delivery answers from. */
struct replies;
struct replies *replies_new(struct delivery *delivery);
void replies_free(struct replies **replies);
/* There are new settings: what was answered by the old ones is not repeated. */
void replies_reconfigure(struct replies *replies);
/* How to answer; good as long as `replies` lives. */
struct answering replies_answering(struct replies *replies);

#endif
