/* SPDX-License-Identifier: ISC
 *
 * launch.h - a role's program as a new process: with descriptors 0 to 2, the control socket, an
 * empty environment, and an end that comes with its parent's. Used by siegeld for all roles, and by
 * siegel(1) for a delivery that answers it and ends.
 */
#ifndef CALL_LAUNCH_H
#define CALL_LAUNCH_H

#include "base/scope.h"
#include "call/role.h"
#include <stdint.h>
#include <sys/types.h>

/* Start siegel-ROLE from the folder `programs`; it may open `descriptors` descriptors. *control is
 * our end of its control socket, non-blocking. 0 with errno: it could not be started. What goes
 * wrong after the fork is logged, and it ends with status 1. */
pid_t launch(const char *programs, enum role role, uint64_t descriptors, int *control) must_use;
/* The path of siegel-ROLE in that folder. */
void launch_path(const char *programs, enum role role, char *to, size_t room);

#endif
