/* SPDX-License-Identifier: ISC
 *
 * account.h - the operator's calls about accounts and their aliases.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "store/store.h"

enum { ACCOUNTS_LISTED = 10000, ALIAS_DEADLINE_LEAST = 60000, ALIAS_DEADLINE_MOST = 172800000 };

/* Each fills *answer (strings in the arena or static); database failures are sticky. */
void account_add(struct store *store, const struct user_add_ask *ask, struct arena *arena,
	struct user_answer *answer);
void account_list(struct store *store, struct arena *arena, struct user_list_answer *answer);
void account_passwd(struct store *store, const struct user_passwd_ask *ask, struct arena *arena,
	struct user_answer *answer);
/* The mailbox on disk stays. What waits for it fails as "no such mailbox". */
void account_remove(
	struct store *store, struct str address, struct arena *arena, struct user_answer *answer);
void account_show(
	struct store *store, struct str address, struct arena *arena, struct user_answer *answer);
void account_set_alias(struct store *store, const struct alias_set_ask *ask, struct arena *arena,
	struct user_answer *answer);
/* As it is read from a row of USER_COLUMNS. */
struct user account_of_row(const struct store *store, sqlite3_stmt *s, struct arena *arena);
/* Whether it sees the operator's page. */
void account_set_admin(struct store *store, const struct user_admin_ask *ask, struct arena *arena,
	struct user_answer *answer);
/* The second factor goes off, for whoever lost it. */
void account_factor_off(struct store *store, const struct address_ask *ask, struct arena *arena,
	struct user_answer *answer);
/* An account by its number; false: there is none. */
bool account_read(
	struct store *store, int64_t number, struct arena *arena, struct user *user) must_use;
/* The number of the account that this address or alias names exactly; 0: none. */
int64_t account_find(struct store *store, struct str address, struct arena *arena);

#endif
