/* SPDX-License-Identifier: ISC
 *
 * password.h - the account's own password, changed by its owner.
 */
#ifndef STORE_PASSWORD_H
#define STORE_PASSWORD_H

#include "store/login.h"
#include "store/store.h"

enum { PASSWORD_LEAST = 8 };

/* Why this can't be a password; "" if it can. */
struct str password_fault(struct str password);
/* A password is to be compared with that of whoever has the session. *question, which has it and the
 * peer, gets the name. False: there is no session. */
bool password_question(struct store *store, struct str token, struct arena *arena,
	struct login_question *question) must_use;
/* The old one was right: the new one counts from the commit on, here and in Dovecot; all other
 * sessions end. */
void password_set(struct store *store, const struct password_set_ask *ask,
	const struct login_decided *proof, struct arena *arena, struct done_answer *answer);

#endif
