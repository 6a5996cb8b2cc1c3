/* SPDX-License-Identifier: ISC
 *
 * state.h - the state directory: each role's own folder in it, who they belong to, and the lock
 * that keeps a second siegeld out.
 */
#ifndef SIEGELD_STATE_H
#define SIEGELD_STATE_H

#include "base/buf.h"
#include "call/role.h"
#include "settings/settings.h"
#include <sys/types.h>

/* Our children, in the order in which they start. Their places are numbers of users (uid_base). */
enum { CHILDREN = 5 };
extern const enum role child_roles[CHILDREN];
/* Index into child_roles. */
size_t child_index(enum role role);

struct state {
	bool is_root;
	int directory, run, lock;
	int own[CHILDREN];   /* each role's own directory */
	uid_t uid[CHILDREN]; /* who the roles will be */
	gid_t gid[CHILDREN];
};

/* Find the users the roles run as and check the state directory, changing nothing. False, with a
 * line in `errors` for each mistake. */
bool state_check(struct state *state, const struct settings *settings, struct buf *errors);
/* Make what is missing below the state directory and take the lock. False as above. */
bool state_open(struct state *state, const struct settings *settings, struct buf *errors);

#endif
