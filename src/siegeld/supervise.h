/* SPDX-License-Identifier: ISC
 *
 * supervise.h - the life of a running server: start, restart, reload, stop.
 */
#ifndef SIEGELD_SUPERVISE_H
#define SIEGELD_SUPERVISE_H

#include "siegeld/child.h"

/* Start the roles and keep them until SIGTERM or SIGINT, then stop them in order. Returns the
 * exit status: 0, or 1 where a role couldn't start at all. */
int supervise(struct crew *crew);

#endif
