/* SPDX-License-Identifier: ISC
 *
 * login.h - is this the account's password? Hashes are made to be slow, so they are compared by
 * a few threads beside the loop, which get a hash and a password and answer yes or no.
 *
 * A password that was right is recognized for five minutes by a keyed 128-bit hash over account,
 * stored hash and password, so that a program that logs in for every message isn't held up by
 * yescrypt. The key exists in this process alone; a changed password changes what is hashed, so
 * it takes effect at once.
 *
 * Failures are counted by account and by network (throttle.h), and either makes wait. But whoever could
 * lock an account by failing, from anywhere, could keep its owner out: so where the account is locked,
 * those from a network that it logged in from lately (familiar.h) may still try, as often as that
 * network may fail.
 */
#ifndef STORE_LOGIN_H
#define STORE_LOGIN_H

#include "store/store.h"

enum { LOGIN_THREADS = 2, LOGIN_SLOTS = 128, LOGIN_RECOGNIZED = 300000, PASSWORD_MAX = 512 };

struct login_pool;

/* Whose password, for what, from where; `new_password` is hashed if `password` is right. */
struct login_question {
	struct str user, password, new_password, peer;
	bool web; /* for the pages, not for a mail program */
};

/* What came of it. `hash` is what the password was compared with. */
struct login_decided {
	enum login_outcome outcome;
	int64_t account;
	struct str address, hash, new_hash;
	uint64_t retry_after; /* LOGIN_THROTTLED: milliseconds */
};

/* Start the threads. Must be called when the process is confined. Aborts where it can't. */
struct login_pool *login_open(void);
/* Ends the threads. */
void login_close(struct login_pool *pool);
/* True: *decided is final, its strings in the arena or static. False: the threads have it; `token`
 * comes back from login_next. Unknown users cost the same as known ones. */
bool login_begin(struct store *store, struct login_pool *pool,
	const struct login_question *question, void *token, struct arena *arena,
	struct login_decided *decided) must_use;
/* Readable when login_next has something. */
int login_fd(const struct login_pool *pool);
/* The next login that is decided; its strings are good until the next call.
 * *token is NULL if whoever asked is gone. */
bool login_next(struct store *store, struct login_pool *pool, struct login_decided *decided,
	void **token) must_use;
/* Does the account still have the hash its password was compared with? */
bool login_still_holds(struct store *store, const struct login_decided *decided) must_use;
/* A secret beside the password (a code) was wrong: counts as a wrong password does. */
void login_failed(struct store *store, struct str address, struct str peer);
/* All that it takes was right, from this network: it is familiar now. */
void login_succeeded(struct store *store, int64_t account, struct str peer);
/* Milliseconds for which neither of the two may try; 0: now. */
uint64_t login_wait(
	const struct store *store, int64_t account, struct str address, struct str peer);
/* Whoever asked is gone. */
void login_forget(struct login_pool *pool, const void *token);

#endif
