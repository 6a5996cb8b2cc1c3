/* SPDX-License-Identifier: ISC
 *
 * sweep.h - what crashes left in the tmp folders of the Maildirs.
 */
#ifndef MAILBOX_SWEEP_H
#define MAILBOX_SWEEP_H

#include <stdint.h>

/* Remove files in the inboxes' tmp that were written before `wall_ms`; returns how many. `root`
 * holds the domains. */
uint64_t sweep(int root, int64_t wall_ms);

#endif
