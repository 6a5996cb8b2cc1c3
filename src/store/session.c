/* SPDX-License-Identifier: ISC
 *
 * session.c - see session.h. Runs in the store's thread. Tokens, peers and agents are anybody's:
 * they are bound, cut, and shown to the account alone.
 */
#include "store/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/account.h"
#include "store/app_password.h"
#include "store/factor.h"
#include "store/secret.h"

enum { TOKEN_BYTES = 32, PEER_MAX = 64, AGENT_MAX = 255, TIDY_EVERY = MINUTE };

/* --- whose it is --- */

static int64_t expires_at(const struct store *store, int64_t created, int64_t seen)
{
	int64_t idle = seen + store->settings->session_idle;
	int64_t absolute = created + store->settings->session_absolute;

	return idle < absolute ? idle : absolute;
}

static bool read_account(
	struct store *store, struct str token, struct arena *arena, struct session_account *who)
{
	*who = (struct session_account){ 0 };
	if (token.len != 2 * TOKEN_BYTES)
		return false;
	sqlite3_stmt *s = ASK(&store->db, SESSION_OF_TOKEN, as_text(secret_digest(arena, token)));
	if (row(&store->db, s))
		*who = (struct session_account){ .session = row_number(s, 0),
			.account = row_number(s, 1),
			.address = row_copy(s, 2, arena),
			.language = (enum language)row_number(s, 3),
			.admin = row_number(s, 4) != 0,
			.created = row_number(s, 5),
			.seen = row_number(s, 6),
			.peer = row_copy(s, 7, arena) };
	row_end(s);
	return who->session && who->address.at;
}

static bool find_account(struct store *store, struct str token, bool use, struct arena *arena,
	struct session_account *who)
{
	int64_t now = clock_wall_ms();

	if (!read_account(store, token, arena, who))
		return false;
	who->seen = seen_at(&store->sessions_seen, who->session, who->seen);
	if (expires_at(store, who->created, who->seen) <= now)
		return false;
	if (use) {
		seen_note(&store->sessions_seen, who->session, who->seen, now, SESSION_SEEN_STEP);
		who->seen = now;
	}
	who->expires = expires_at(store, who->created, who->seen);
	return true;
}

bool session_account(
	struct store *store, struct str token, struct arena *arena, struct session_account *who)
{
	return find_account(store, token, true, arena, who);
}

bool session_account_unseen(
	struct store *store, struct str token, struct arena *arena, struct session_account *who)
{
	return find_account(store, token, false, arena, who);
}

bool session_proved(
	struct store *store, const struct session_account *who, const struct login_decided *proof)
{
	return proof->outcome == LOGIN_OK && proof->account == who->account &&
	       login_still_holds(store, proof);
}

/* --- its answer --- */

/* What a page must send along with a change. Who knows it doesn't know the token, and it needs no
 * place on disk. */
static struct str csrf_of(struct str token, struct arena *arena)
{
	return secret_digest(arena, arena_printf(arena, "csrf:%.*s", STR_ARG(token)));
}

static void answer_session(struct store *store, const struct session_account *who, struct str token,
	struct arena *arena, struct session_answer *answer)
{
	struct user user;

	*answer = (struct session_answer){ .outcome = WEB_FAILED };
	if (!account_read(store, who->account, arena, &user))
		return;
	*answer = (struct session_answer){ .outcome = WEB_OK,
		.token = token,
		.csrf = csrf_of(token, arena),
		.account = (uint64_t)who->account,
		.address = who->address,
		.mailbox = who->address,
		.language = user.language,
		.admin = who->admin,
		.alias = user.alias,
		.active = user.active,
		.level = user.level,
		.expires = (uint64_t)who->expires };
}

void session_show(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct session_answer *answer)
{
	struct session_account who;

	*answer = (struct session_answer){ .outcome = WEB_NO_SESSION };
	if (session_account(store, ask->token, arena, &who))
		answer_session(store, &who, ask->token, arena, answer);
}

void session_peek(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct session_answer *answer)
{
	struct session_account who;

	*answer = (struct session_answer){ .outcome = WEB_NO_SESSION };
	if (session_account_unseen(store, ask->token, arena, &who))
		answer_session(store, &who, ask->token, arena, answer);
}

/* --- beginning --- */

/* What a peer says of itself, if it is text. */
static struct str said(struct str text, size_t max)
{
	return str_is_utf8(text) ? str_head_utf8(text, max) : STR("");
}

/* The throttle is asked again: many guesses may have arrived together. */
static enum web_outcome judge_code(struct store *store, const struct session_begin_ask *ask,
	const struct login_decided *proof, struct arena *arena, uint64_t *retry_after)
{
	if (!factor_is_on(store, proof->account))
		return WEB_OK;
	if (!ask->code.len)
		return WEB_NEEDS_CODE;
	uint64_t wait = login_wait(store, proof->account, proof->address, ask->peer);
	*retry_after = (wait + SECOND - 1) / SECOND;
	if (wait)
		return WEB_THROTTLED;
	if (factor_judge(store, proof->account, ask->code, arena) == FACTOR_RIGHT)
		return WEB_OK;
	login_failed(store, proof->address, ask->peer);
	return WEB_WRONG;
}

static void add_session(struct store *store, const struct session_begin_ask *ask, int64_t account,
	struct arena *arena, struct session_answer *answer)
{
	struct session_account who;
	struct str token = secret_hex(arena, TOKEN_BYTES);

	RUN(&store->db, SESSION_ADD, as_number(account), as_text(secret_digest(arena, token)),
		as_number(store->now), as_text(said(ask->peer, PEER_MAX)),
		as_text(said(ask->agent, AGENT_MAX)));
	RUN(&store->db, SESSION_CROWD_OUT, as_number(account), as_number(SESSIONS_OF_ACCOUNT));
	RUN(&store->db, ACCOUNT_SEEN, as_number(account), as_number(store->now));
	*answer = (struct session_answer){ .outcome = WEB_FAILED };
	if (!session_account(store, token, arena, &who))
		return;
	answer_session(store, &who, token, arena, answer);
	LOG(LOG_INFO, "session", log_str("account", who.address), log_str("peer", who.peer));
}

void session_begin(struct store *store, const struct session_begin_ask *ask,
	const struct login_decided *proof, struct arena *arena, struct session_answer *answer)
{
	*answer = (struct session_answer){ .outcome = WEB_WRONG };
	if (!login_still_holds(store, proof))
		return;
	answer->outcome = judge_code(store, ask, proof, arena, &answer->retry_after);
	if (answer->outcome != WEB_OK)
		return;
	login_succeeded(store, proof->account, ask->peer);
	add_session(store, ask, proof->account, arena, answer);
}

/* --- ending --- */

enum session_scope { SCOPE_ONE, SCOPE_OTHERS, SCOPE_ALL };

void session_end_others(struct store *store, int64_t account, int64_t but)
{
	RUN(&store->db, SESSION_END_OTHERS, as_number(account), as_number(but));
	familiar_forget(&store->familiar, account);
	change_note(store, account, CHANGE_SESSION);
}

void session_end(struct store *store, const struct session_end_ask *ask, struct arena *arena,
	struct done_answer *answer)
{
	struct session_account who;

	*answer = (struct done_answer){ .outcome = WEB_NO_SESSION };
	if (!session_account(store, ask->token, arena, &who))
		return;
	answer->outcome = WEB_OK;
	if (ask->scope == SCOPE_OTHERS || ask->scope == SCOPE_ALL) {
		session_end_others(store, who.account, ask->scope == SCOPE_ALL ? 0 : who.session);
		return;
	}
	int64_t number = ask->session ? (int64_t)(ask->session & INT64_MAX) : who.session;
	RUN(&store->db, SESSION_END, as_number(number), as_number(who.account));
	change_note(store, who.account, CHANGE_SESSION);
	if (sql_changes(&store->db) == 0)
		*answer = (struct done_answer){ .outcome = WEB_NOT_FOUND,
			.text = STR("there is no such session") };
}

void session_list(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct session_list_answer *answer)
{
	struct session_account who;

	*answer = (struct session_list_answer){ .outcome = WEB_NO_SESSION };
	if (!session_account(store, ask->token, arena, &who))
		return;
	answer->sessions.at = arena_array(arena, SESSIONS_LISTED, sizeof *answer->sessions.at);
	answer->outcome = answer->sessions.at ? WEB_OK : WEB_FAILED;
	sqlite3_stmt *s =
		ASK(&store->db, SESSIONS_OF, as_number(who.account), as_number(SESSIONS_LISTED));
	while (answer->sessions.at && row(&store->db, s)) {
		int64_t number = row_number(s, 0), created = row_number(s, 1);
		int64_t seen = seen_at(&store->sessions_seen, number, row_number(s, 2));
		if (expires_at(store, created, seen) <= clock_wall_ms())
			continue;
		answer->sessions.at[answer->sessions.len++] =
			(struct session_item){ .session = (uint64_t)number,
				.created = (uint64_t)created,
				.seen = (uint64_t)seen,
				.peer = row_copy(s, 3, arena),
				.agent = row_copy(s, 4, arena),
				.current = number == who.session };
	}
	row_end(s);
}

/* --- now and then --- */

void session_tidy(struct store *store)
{
	size_t place = 0;
	int64_t number, at;

	if (store->now - store->sessions_tidied < TIDY_EVERY &&
		store->now >= store->sessions_tidied)
		return;
	store->sessions_tidied = store->now;
	while (seen_next(&store->sessions_seen, &place, &number, &at)) {
		RUN(&store->db, SESSION_SEEN, as_number(number), as_number(at));
		RUN(&store->db, ACCOUNT_SEEN_SESSION, as_number(number), as_number(at));
	}
	app_password_tidy(store);
	RUN(&store->db, SESSION_EXPIRE_IDLE, as_number(store->now - store->settings->session_idle));
	RUN(&store->db, SESSION_EXPIRE_ABSOLUTE,
		as_number(store->now - store->settings->session_absolute));
}
