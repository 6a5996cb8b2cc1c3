/* SPDX-License-Identifier: ISC
 *
 * factor.h - the second factor of a web login: a code from an authenticator (totp.h), or one of ten
 * recovery codes. Each code counts once; wrong ones are throttled like wrong passwords.
 *
 * Mail programs can't ask for a code. So where the second factor is on, the account's password opens
 * the pages alone, and mail programs have application passwords (app_password.h).
 */
#ifndef STORE_FACTOR_H
#define STORE_FACTOR_H

#include "store/login.h"
#include "store/store.h"

enum { RECOVERY_CODES = 10, RECOVERY_GROUPS = 4 };

enum factor_judged { FACTOR_OFF, FACTOR_RIGHT, FACTOR_WRONG };

/* Does this account ask for a second factor? */
bool factor_is_on(struct store *store, int64_t account) must_use;
/* Is the code right? One that is can't be used again. */
enum factor_judged factor_judge(
	struct store *store, int64_t account, struct str code, struct arena *arena) must_use;
void factor_remove(struct store *store, int64_t account);

/* Make a secret, which counts for nothing until factor_set has seen a code of it. */
void factor_begin(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct factor_answer *answer);
/* Both with the password, which is `proof`: either would lock the owner out or somebody in. On: also
 * with a code, which shows that the authenticator has the secret; answers recovery codes. */
void factor_set(struct store *store, const struct factor_set_ask *ask,
	const struct login_decided *proof, struct arena *arena, struct factor_answer *answer);

#endif
