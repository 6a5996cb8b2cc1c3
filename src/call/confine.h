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

#endif
