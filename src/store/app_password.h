/* SPDX-License-Identifier: ISC
 *
 * app_password.h - application passwords: one for each mail program, made here, named by its owner,
 * shown once, and removed when the phone is lost, without another program noticing. They log in at
 * submission and at Dovecot, never at the pages.
 */
#ifndef STORE_APP_PASSWORD_H
#define STORE_APP_PASSWORD_H

#include "store/login.h"
#include "store/store.h"

/* Five groups of four letters: 100 bits. */
enum { APP_PASSWORD_GROUPS = 5, APP_PASSWORDS_MAX = 50, APP_PASSWORD_NAME_MAX = 100 };

/* Is this one of the account's? Notes its use, at most once an hour; a removed one is one no more
 * from the commit on. */
bool app_password_is_right(
	struct store *store, int64_t account, struct str password, struct arena *arena) must_use;
/* Write down when they were used, now and then. */
void app_password_tidy(struct store *store);

/* Make one, with the account's own password, which is `proof`: it opens the mail for longer than
 * any session lasts. */
void app_password_add(struct store *store, const struct app_password_add_ask *ask,
	const struct login_decided *proof, struct arena *arena, struct app_password_answer *answer);
void app_password_list(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct app_password_answer *answer);
void app_password_remove(struct store *store, const struct app_password_remove_ask *ask,
	struct arena *arena, struct app_password_answer *answer);

#endif
