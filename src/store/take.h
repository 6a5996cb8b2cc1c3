/* SPDX-License-Identifier: ISC
 *
 * take.h - a message from a caller to disk: at once, or, where its body is large, in slices across
 * commits, so that others needn't wait for it.
 */
#ifndef STORE_TAKE_H
#define STORE_TAKE_H

#include "store/caller.h"
#include "store/store.h"

/* Take the message that caller->taking describes, with the body in caller->fd_in. True: decided,
 * caller->taking.answer says how. False: its body is written in slices from now on. */
bool take_message(struct store *store, struct caller *caller) must_use;
/* Write the next slice. True: that was the last one, and it is decided. */
bool take_slice(struct store *store, struct caller *caller) must_use;
/* What was written of it so far belongs to nobody. */
void take_stop(struct store *store, struct caller *caller);

#endif
