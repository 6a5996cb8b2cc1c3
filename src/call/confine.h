/* SPDX-License-Identifier: ISC
 *
 * confine.h - what each role keeps after it has opened what it needs: one table per role.
 */
#ifndef CALL_CONFINE_H
#define CALL_CONFINE_H

#include "base/buf.h"
#include "call/role.h"

/* Confine this process for good. `directory` is the role's own, open. What is in force is added
 * to *report, as " no_new_privs landlock=7 seccomp=81"; what isn't is logged and added as
 * " landlock=no". */
void confine(enum role role, int directory, struct buf *report);

/* What reads hostile bytes for a role, in processes of its own: ZYGOTE forks and ends them, READER
 * computes on what it was handed and has no file, no socket and no other process. Applied one
 * after the other; what isn't in force is logged. */
enum confined_helper { CONFINED_ZYGOTE, CONFINED_READER };
void confine_helper(enum confined_helper helper);

#endif
