/* SPDX-License-Identifier: ISC
 *
 * account.c - accounts and aliases as the operator changes them. Runs in the store's thread,
 * inside a batch. A change makes auth/users due to be written after the commit.
 */
#include "store/account.h"

#include "mail/address.h"
#include "mail/reason.h"
#include "store/factor.h"
#include "store/identity.h"
#include "store/session.h"
#include <crypt.h>

enum { HASH_MAX = 384 };

static void say(struct user_answer *answer, enum ctl_outcome outcome, struct str why)
{
	*answer = (struct user_answer){ .outcome = outcome, .text = why };
}

static void not_found(struct user_answer *answer)
{
	say(answer, CTL_NOT_FOUND, STR("there is no such account"));
}

/* A name that can be a folder, a field of the password file, and is no sub-address. */
static bool is_account_name(struct str local)
{
	for (size_t i = 0; i < local.len; i++) {
		char c = local.at[i];
		bool inside = i > 0 && (c == '.' || c == '-' || c == '_');
		if (!ascii_is_alnum(c) && !inside && (unsigned char)c < 0x80)
			return false;
	}
	return local.len > 0;
}

/* crypt(5), and fit to stand in a line of fields. */
static bool is_hash(struct str hash, struct arena *arena)
{
	struct str copy = arena_str(arena, hash);

	if (!copy.at || hash.len > HASH_MAX)
		return false;
	for (size_t i = 0; i < hash.len; i++)
		if (hash.at[i] <= ' ' || hash.at[i] > '~' || hash.at[i] == ':')
			return false;
	int salt = crypt_checksalt(copy.at);
	return salt == CRYPT_SALT_OK || salt == CRYPT_SALT_METHOD_LEGACY ||
	       salt == CRYPT_SALT_TOO_CHEAP;
}

int64_t account_find(struct store *store, struct str address, struct arena *arena)
{
	struct identity who = identity_of(store, address, arena);

	if (who.kind <= IDENTITY_REMOTE || str_find(who.canonical, '+') < who.canonical.len)
		return 0;
	return row_only_number(&store->db, ASK(&store->db, ACCOUNT_BY_ADDRESS, as_text(who.key)));
}

/* --- answers --- */

static struct str alias_of(const struct store *store, struct str address, struct arena *arena)
{
	struct str secure = identity_secure_domain(store, address);
	struct str local = str_head(address, str_find_last(address, '@'));

	if (!secure.len)
		return STR("");
	return arena_printf(arena, "%.*s@%.*s", STR_ARG(local), STR_ARG(secure));
}

struct user account_of_row(const struct store *store, sqlite3_stmt *s, struct arena *arena)
{
	struct user user = { .address = row_copy(s, 0, arena),
		.language = (uint64_t)row_number(s, 1),
		.active = (uint64_t)row_number(s, 2),
		.level = (uint64_t)row_number(s, 3),
		.deadline = (uint64_t)row_number(s, 4),
		.admin = (uint64_t)row_number(s, 5),
		.second_factor = (uint64_t)row_number(s, 6),
		.created = (uint64_t)row_number(s, 7),
		.seen = (uint64_t)row_number(s, 8) };

	user.alias = alias_of(store, user.address, arena);
	return user;
}

bool account_read(struct store *store, int64_t number, struct arena *arena, struct user *user)
{
	sqlite3_stmt *s = ASK(&store->db, USER, as_number(number));
	bool found = row(&store->db, s);

	if (found)
		*user = account_of_row(store, s, arena);
	row_end(s);
	return found;
}

static void answer_user(
	struct store *store, int64_t number, struct arena *arena, struct user_answer *answer)
{
	say(answer, CTL_OK, STR(""));
	answer->users.at = arena_alloc(arena, sizeof *answer->users.at);
	if (answer->users.at && account_read(store, number, arena, answer->users.at))
		answer->users.len = 1;
}

void account_list(struct store *store, struct arena *arena, struct user_list_answer *answer)
{
	sqlite3_stmt *s = ASK(&store->db, USERS, as_number(ACCOUNTS_LISTED));

	*answer = (struct user_list_answer){ 0 };
	answer->users.at = arena_array(arena, ACCOUNTS_LISTED, sizeof *answer->users.at);
	if (!answer->users.at)
		return;
	while (answer->users.len < ACCOUNTS_LISTED && row(&store->db, s))
		answer->users.at[answer->users.len++] = account_of_row(store, s, arena);
	row_end(s);
}

/* --- changes --- */

static bool fit_for_account(struct store *store, const struct user_add_ask *ask,
	struct arena *arena, struct identity *who, struct user_answer *answer)
{
	*who = identity_of(store, ask->address, arena);
	if (who->kind == IDENTITY_INVALID)
		say(answer, CTL_INVALID, STR("this is no mail address"));
	else if (who->kind == IDENTITY_REMOTE)
		say(answer, CTL_INVALID, STR("its domain is none of the configured ones"));
	else if (who->secure)
		say(answer, CTL_INVALID,
			STR("its domain is a secure one; add the normal address, the secure "
			    "one comes with it"));
	else if (!is_account_name(str_head(who->key, str_find_last(who->key, '@'))) ||
		 str_find(who->canonical, '+') < who->canonical.len)
		say(answer, CTL_INVALID,
			STR("the part before the @ may have letters, digits and, inside, "
			    "dots, hyphens and underscores"));
	else if (!is_hash(ask->hash, arena))
		say(answer, CTL_INVALID, STR("this is no password hash of crypt(5)"));
	else if (ask->language >= LANGUAGES_N)
		say(answer, CTL_INVALID, STR("there is no such language"));
	else
		return true;
	return false;
}

void account_add(struct store *store, const struct user_add_ask *ask, struct arena *arena,
	struct user_answer *answer)
{
	struct identity who;

	if (!fit_for_account(store, ask, arena, &who, answer))
		return;
	if (account_find(store, who.key, arena)) {
		say(answer, CTL_EXISTS, STR("there is such an account already"));
		return;
	}
	RUN(&store->db, ACCOUNT_ADD, as_text(who.key), as_text(ask->hash),
		as_number((int64_t)ask->language), as_number(store->now));
	store->accounts_changed = true;
	answer_user(store, account_find(store, who.key, arena), arena, answer);
}

void account_passwd(struct store *store, const struct user_passwd_ask *ask, struct arena *arena,
	struct user_answer *answer)
{
	int64_t number = account_find(store, ask->address, arena);

	if (!number) {
		not_found(answer);
		return;
	}
	if (!is_hash(ask->hash, arena)) {
		say(answer, CTL_INVALID, STR("this is no password hash of crypt(5)"));
		return;
	}
	RUN(&store->db, ACCOUNT_PASSWD, as_number(number), as_text(ask->hash));
	session_end_others(store, number, 0);
	store->accounts_changed = true;
	answer_user(store, number, arena, answer);
}

void account_set_admin(struct store *store, const struct user_admin_ask *ask, struct arena *arena,
	struct user_answer *answer)
{
	int64_t number = account_find(store, ask->address, arena);

	if (!number) {
		not_found(answer);
		return;
	}
	RUN(&store->db, ACCOUNT_ADMIN, as_number(number), as_number(ask->on != 0));
	change_note(store, number, CHANGE_SETTINGS);
	answer_user(store, number, arena, answer);
}

void account_factor_off(struct store *store, const struct address_ask *ask, struct arena *arena,
	struct user_answer *answer)
{
	int64_t number = account_find(store, ask->address, arena);

	if (!number) {
		not_found(answer);
		return;
	}
	factor_remove(store, number);
	change_note(store, number, CHANGE_SETTINGS);
	answer_user(store, number, arena, answer);
}

void account_remove(
	struct store *store, struct str address, struct arena *arena, struct user_answer *answer)
{
	int64_t number = account_find(store, address, arena);

	if (!number) {
		not_found(answer);
		return;
	}
	answer_user(store, number, arena, answer);
	RUN(&store->db, ALIAS_REMOVE, as_number(number));
	RUN(&store->db, NOTICES_REMOVE, as_number(number));
	RUN(&store->db, TURNED_AWAY_FORGET, as_number(number));
	RUN(&store->db, APP_PASSWORDS_REMOVE, as_number(number));
	RUN(&store->db, PREFERENCES_REMOVE, as_number(number));
	factor_remove(store, number);
	session_end_others(store, number, 0);
	RUN(&store->db, SENT_REMOVE, as_number(number));
	RUN(&store->db, ACCOUNT_REMOVE, as_number(number));
	store->accounts_changed = true;
}

void account_show(
	struct store *store, struct str address, struct arena *arena, struct user_answer *answer)
{
	int64_t number = account_find(store, address, arena);

	if (number)
		answer_user(store, number, arena, answer);
	else
		not_found(answer);
}

static bool fit_for_alias(const struct alias_set_ask *ask, struct user_answer *answer)
{
	if ((ask->set & ALIAS_SET_LEVEL) && ask->level >= LEVELS_N)
		say(answer, CTL_INVALID, STR("there is no such level"));
	else if ((ask->set & ALIAS_SET_LEVEL) && ask->level == LEVEL_OPPORTUNISTIC)
		say(answer, CTL_INVALID,
			STR("a secure address never goes below \"encrypt\"; use the normal "
			    "address instead"));
	else if ((ask->set & ALIAS_SET_DEADLINE) && ask->deadline &&
		 (ask->deadline < ALIAS_DEADLINE_LEAST || ask->deadline > ALIAS_DEADLINE_MOST))
		say(answer, CTL_INVALID, STR("the deadline is between 1 minute and 2 days"));
	else if ((ask->set & ALIAS_SET_LANGUAGE) && ask->language >= LANGUAGES_N)
		say(answer, CTL_INVALID, STR("there is no such language"));
	else
		return true;
	return false;
}

void account_set_alias(struct store *store, const struct alias_set_ask *ask, struct arena *arena,
	struct user_answer *answer)
{
	int64_t number = account_find(store, ask->address, arena);

	if (!number) {
		not_found(answer);
		return;
	}
	if (!fit_for_alias(ask, answer))
		return;
	answer_user(store, number, arena, answer);
	struct user *user = answer->users.at;
	if (!answer->users.len)
		return;
	if ((ask->set & ~(uint64_t)ALIAS_SET_LANGUAGE) && !user->alias.len) {
		say(answer, CTL_INVALID, STR("no secure domain is configured for its domain"));
		return;
	}
	RUN(&store->db, ALIAS_SET, as_number(number),
		as_number((ask->set & ALIAS_SET_ACTIVE) ? ask->active != 0 : user->active != 0),
		as_number((int64_t)((ask->set & ALIAS_SET_LEVEL) ? ask->level : user->level)),
		as_number((int64_t)((ask->set & ALIAS_SET_DEADLINE) ? ask->deadline
								    : user->deadline)));
	if (ask->set & ALIAS_SET_LANGUAGE)
		RUN(&store->db, ACCOUNT_LANGUAGE, as_number(number),
			as_number((int64_t)ask->language));
	change_note(store, number, CHANGE_SETTINGS);
	answer_user(store, number, arena, answer);
}
