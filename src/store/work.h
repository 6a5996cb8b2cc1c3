/* SPDX-License-Identifier: ISC
 *
 * work.h - the next job for a worker.
 */
#ifndef STORE_WORK_H
#define STORE_WORK_H

#include "store/store.h"

/* Claim the next job that is due, the preferred destination's first. True: *job (strings in the
 * arena) and *fd (the body, the caller's to close) are filled in. False: nothing is due now, or
 * the database failed (sticky). Writes nothing unless a mailbox turns out to be gone. */
bool work_next(struct store *store, struct worker *worker, const struct work_ask *ask,
	struct arena *arena, struct job *job, int *fd) must_use;

/* Cheaply: is it worth asking work_next for this worker (by its preference alone)? */
bool work_may_be_there(struct store *store, const struct worker *worker, const struct work_ask *ask,
	bool preferred);

#endif
