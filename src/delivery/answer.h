/* SPDX-License-Identifier: ISC
 *
 * answer.h - delivery asked by others: DELIVERY_CALLS of calls.def. A question takes seconds, in
 * which a destination is looked at; so each has a thread while it lasts, and there are few.
 */
#ifndef DELIVERY_ANSWER_H
#define DELIVERY_ANSWER_H

#include "delivery/worker.h"

struct answers;

/* So many questions at once; whoever asks beyond that is told so at once (LOOK_BUSY). */
enum { ANSWERS_MAX = 16 };

/* Answer whoever connects to the listening socket `ctl` (root and our own user may), in a thread
 * of its own. */
struct answers *answers_serve(struct delivery *delivery, int ctl);
/* There are new settings: what was answered by the old ones is not repeated. */
void answers_reconfigure(struct answers *answers);
/* Answer the operator over the connected socket `fd`, taken over, until the other side is gone. */
void answers_serve_one(struct delivery *delivery, int fd);

#endif
