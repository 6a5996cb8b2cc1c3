/* SPDX-License-Identifier: ISC
 *
 * session.h - browser sessions: whose token is this? The token is 32 random bytes and lies in the
 * browser's cookie; the database keeps its SHA-256, so that nobody who reads the database can be
 * somebody. The other token, which a page sends along with what changes something, follows from the
 * first and is kept nowhere.
 *
 * A session is over when it wasn't used for `session_idle`, when it is `session_absolute` old, when
 * it was ended, or when its account's password was changed elsewhere.
 */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include "store/login.h"
#include "store/store.h"

/* An account that begins more ends its oldest. */
enum { SESSIONS_OF_ACCOUNT = 1000, SESSIONS_LISTED = 1000, SESSION_SEEN_STEP = 1000 };

/* Who has a session. */
struct session_account {
	int64_t session, account;
	struct str address; /* of the account, canonical: also its folder's name */
	enum language language;
	bool admin;
	int64_t created, seen, expires;
	struct str peer; /* from where it began */
};

/* Whose session is this? False: nobody's; or the database failed (sticky). Counts as use of the
 * session, which is noted in memory alone: nothing is written. */
bool session_account(struct store *store, struct str token, struct arena *arena,
	struct session_account *who) must_use;
/* The same, and no use of it: for what a page asks on its own while nobody touches it. */
bool session_account_unseen(struct store *store, struct str token, struct arena *arena,
	struct session_account *who) must_use;

/* Did whoever has this session prove to know its account's password, as it still is? What outlives
 * a session takes more than the session. */
bool session_proved(struct store *store, const struct session_account *who,
	const struct login_decided *proof) must_use;

/* Begin a session for whoever proved to have the password, and the second factor if it is on. */
void session_begin(struct store *store, const struct session_begin_ask *ask,
	const struct login_decided *proof, struct arena *arena, struct session_answer *answer);
void session_show(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct session_answer *answer);
/* The same, and no use of it. */
void session_peek(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct session_answer *answer);
void session_end(struct store *store, const struct session_end_ask *ask, struct arena *arena,
	struct done_answer *answer);
void session_list(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct session_list_answer *answer);

/* End all sessions of an account but this one (0: all); no network is familiar any more. */
void session_end_others(struct store *store, int64_t account, int64_t but);
/* Write down what is noted and remove what is over, once a minute. */
void session_tidy(struct store *store);

#endif
