/* SPDX-License-Identifier: ISC
 *
 * login.h - is this the account's password? Hashes are made to be slow, so they are compared by
 * a few threads beside the loop, which get a hash and a password and answer yes or no.
 *
 * A password that was right is recognized for five minutes by a keyed 128-bit hash over account,
 * stored hash and password, so that a program that logs in for every message isn't held up by
 * yescrypt. The key exists in this process alone; a changed password changes what is hashed, so
 * it takes effect at once.
 */
#ifndef STORE_LOGIN_H
#define STORE_LOGIN_H

#include "store/store.h"

enum { LOGIN_THREADS = 2, LOGIN_SLOTS = 128, LOGIN_RECOGNIZED = 300000, PASSWORD_MAX = 512 };

struct login_pool;

/* Start the threads. Must be called when the process is confined. Aborts where it can't. */
struct login_pool *login_open(void);
/* Ends the threads. */
void login_close(struct login_pool *pool);
/* True: *answer is final. False: the threads have it; `token` comes back from login_next.
 * Unknown users cost the same as known ones. */
bool login_begin(struct store *store, struct login_pool *pool, const struct login_ask *ask,
	void *token, struct arena *arena, struct login_answer *answer) must_use;
/* Readable when login_next has something. */
int login_fd(const struct login_pool *pool);
/* The next login that is decided; the answer's address is good until the next call.
 * *token is NULL if whoever asked is gone. */
bool login_next(struct login_pool *pool, struct login_answer *answer, void **token) must_use;
/* Whoever asked is gone. */
void login_forget(struct login_pool *pool, const void *token);

#endif
