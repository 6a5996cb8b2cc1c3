/* SPDX-License-Identifier: ISC
 *
 * calls_password.h - the calls that bring a password. CALLER_LOGS_IN where the threads have it:
 * calls_decided goes on.
 */
#ifndef STORE_CALLS_PASSWORD_H
#define STORE_CALLS_PASSWORD_H

#include "store/caller.h"
#include "store/login.h"
#include "store/store.h"

/* A mail program logs in. */
void do_login(struct store *store, struct login_pool *logins, struct caller *caller);
/* A call for the pages. True: answered, or with the threads. False: it was right, and the rest is
 * for the batch. */
bool ask_password(struct store *store, struct login_pool *logins, struct caller *caller) must_use;

#endif
