/* SPDX-License-Identifier: ISC
 *
 * app_password.c - see app_password.h. Runs in the store's thread. What is kept is a SHA-256
 * (secret.h), so a look-up is all a comparison takes, and there is nothing to remember that a
 * removed one could live on in.
 */
#include "store/app_password.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/secret.h"
#include "store/session.h"

enum { APP_PASSWORD_LENGTH = APP_PASSWORD_GROUPS * (SECRET_GROUP + 1) - 1 };

bool app_password_is_right(
	struct store *store, int64_t account, struct str password, struct arena *arena)
{
	if (password.len != APP_PASSWORD_LENGTH)
		return false;
	sqlite3_stmt *s = ASK(&store->db, APP_PASSWORD_OF, as_number(account),
		as_text(secret_digest(arena, password)));
	bool found = row(&store->db, s);
	if (found)
		seen_note(&store->app_passwords_seen, row_number(s, 0), row_number(s, 1),
			clock_wall_ms(), HOUR);
	row_end(s);
	return found;
}

void app_password_tidy(struct store *store)
{
	size_t place = 0;
	int64_t number, at;

	while (seen_next(&store->app_passwords_seen, &place, &number, &at))
		RUN(&store->db, APP_PASSWORD_USED, as_number(number), as_number(at));
}

/* --- the pages --- */

static void read_list(struct store *store, int64_t account, struct arena *arena,
	struct app_password_answer *answer)
{
	sqlite3_stmt *s =
		ASK(&store->db, APP_PASSWORDS, as_number(account), as_number(APP_PASSWORDS_MAX));

	answer->passwords.at = arena_array(arena, APP_PASSWORDS_MAX, sizeof *answer->passwords.at);
	answer->outcome = answer->passwords.at ? WEB_OK : WEB_FAILED;
	while (answer->passwords.at && row(&store->db, s)) {
		int64_t number = row_number(s, 0);
		int64_t used = seen_at(&store->app_passwords_seen, number, row_number(s, 3));
		answer->passwords.at[answer->passwords.len++] =
			(struct app_password){ .entry = (uint64_t)number,
				.name = row_copy(s, 1, arena),
				.created = (uint64_t)row_number(s, 2),
				.used = (uint64_t)used };
	}
	row_end(s);
}

void app_password_list(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct app_password_answer *answer)
{
	struct session_account who;

	*answer = (struct app_password_answer){ .outcome = WEB_NO_SESSION };
	if (session_account(store, ask->token, arena, &who))
		read_list(store, who.account, arena, answer);
}

static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] < ' ' || name.at[i] == 0x7f)
			return false;
	return name.len > 0 && name.len <= APP_PASSWORD_NAME_MAX && str_is_utf8(name);
}

static struct str find_fault(struct store *store, int64_t account, struct str name)
{
	if (!is_name(name))
		return STR("a name has 1 to 100 bytes and no control characters");
	if (row_only_number(&store->db, ASK(&store->db, APP_PASSWORD_COUNT, as_number(account))) >=
		APP_PASSWORDS_MAX)
		return STR("there are 50 already; remove one that isn't used");
	return STR("");
}

static void changed(struct store *store, const struct session_account *who, const char *what)
{
	store->accounts_changed = true;
	change_note(store, who->account, CHANGE_SETTINGS);
	LOG(LOG_INFO, "app-password", log_str("account", who->address), log_text("was", what));
}

void app_password_add(struct store *store, const struct app_password_add_ask *ask,
	const struct login_decided *proof, struct arena *arena, struct app_password_answer *answer)
{
	struct session_account who;
	struct str name = str_trim(ask->name), fault;

	*answer = (struct app_password_answer){ .outcome = WEB_NO_SESSION };
	if (!session_account(store, ask->token, arena, &who))
		return;
	answer->outcome = WEB_WRONG;
	if (!session_proved(store, &who, proof))
		return;
	if ((fault = find_fault(store, who.account, name)).len) {
		*answer = (struct app_password_answer){ .outcome = WEB_INVALID, .text = fault };
		return;
	}
	struct str password = secret_letters(arena, APP_PASSWORD_GROUPS);
	RUN(&store->db, APP_PASSWORD_ADD, as_number(who.account), as_text(name),
		as_text(secret_digest(arena, password)), as_number(store->now));
	changed(store, &who, "made");
	read_list(store, who.account, arena, answer);
	answer->password = password;
}

void app_password_remove(struct store *store, const struct app_password_remove_ask *ask,
	struct arena *arena, struct app_password_answer *answer)
{
	struct session_account who;

	*answer = (struct app_password_answer){ .outcome = WEB_NO_SESSION };
	if (!session_account(store, ask->token, arena, &who))
		return;
	RUN(&store->db, APP_PASSWORD_REMOVE, as_number(who.account),
		as_number((int64_t)(ask->entry & INT64_MAX)));
	if (sql_changes(&store->db) == 0) {
		*answer = (struct app_password_answer){ .outcome = WEB_NOT_FOUND,
			.text = STR("there is no such application password") };
		return;
	}
	familiar_forget(&store->familiar, who.account);
	changed(store, &who, "removed");
	read_list(store, who.account, arena, answer);
}
