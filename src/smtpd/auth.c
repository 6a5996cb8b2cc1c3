/* SPDX-License-Identifier: ISC
 *
 * auth.c - AUTH PLAIN and LOGIN (RFC 4954, RFC 4616), on submission and inside TLS alone. The
 * store compares passwords; here they live in one buffer, which is wiped before it is left.
 */
#include "smtpd/verbs.h"

#include "base/log.h"
#include "smtpd/limits.h"
#include <string.h>

static void wipe(struct buf *secret)
{
	if (secret->at)
		explicit_bzero(secret->at, secret->room);
	buf_free(secret);
}

static struct reply failed(struct session *s)
{
	LOG(LOG_INFO, "login-failed", log_hex("session", s->id), log_text("peer", s->peer.text));
	if (++s->failed_logins >= FAILED_LOGINS_MOST)
		return REPLY_THEN(NEXT_CLOSE, 421, "4.7.0 Too many failed logins");
	return REPLY(535, "5.7.8 Name or password is wrong");
}

static struct reply logged_in(struct session *s, const struct login_answer *answer)
{
	s->account = answer->account;
	LOG(LOG_INFO, "login", log_hex("session", s->id), log_text("peer", s->peer.text),
		log_str("address", answer->address));
	return REPLY(235, "2.7.0 Welcome");
}

static struct reply login(struct session *s, struct str user, struct str password)
{
	scoped(arena_free) struct arena arena = ARENA(16384);
	struct login_ask ask = { .user = user, .password = password, .peer = str_of(s->peer.text) };
	struct login_answer answer = { 0 };
	struct why why;

	if (user.len == 0 || !str_is_utf8(user))
		return failed(s);
	if (!call_login(s->house->store, &ask, -1, &arena, &answer, NULL,
		    session_call_deadline(s, CALL_MS), &why)) {
		LOG(LOG_WARNING, "store-unreachable", log_hex("session", s->id),
			log_text("why", why.text));
		return REPLY(454, "4.3.0 Logins can't be checked now");
	}
	switch ((enum login_outcome)answer.outcome) {
	case LOGIN_OK:
		return logged_in(s, &answer);
	case LOGIN_BUSY:
		return REPLY(454, "4.7.0 Too many logins at once, try again");
	case LOGIN_THROTTLED:
		return REPLY_THEN(NEXT_CLOSE, 421, "4.7.0 Too many failed logins, try later");
	default:
		return failed(s);
	}
}

/* authorization NUL authentication NUL password (RFC 4616 2). Acting for somebody else is not on
 * offer. */
static struct reply login_plain(struct session *s, struct str decoded)
{
	struct str as = str_cut(&decoded, '\0'), user = str_cut(&decoded, '\0');

	if (str_find(decoded, '\0') < decoded.len)
		return REPLY(501, "5.5.2 Malformed response");
	if (as.len && !str_eq(as, user))
		return failed(s);
	return login(s, user, decoded);
}

static struct reply take_response(struct session *s, struct str decoded)
{
	switch (s->auth) {
	case AUTH_PLAIN:
		s->auth = AUTH_NONE;
		return login_plain(s, decoded);
	case AUTH_LOGIN_NAME:
		s->auth = AUTH_LOGIN_PASSWORD;
		buf_clear(&s->login);
		buf_add(&s->login, decoded);
		return REPLY(334, "UGFzc3dvcmQ6"); /* "Password:" */
	default:
		s->auth = AUTH_NONE;
		return login(s, buf_str(&s->login), decoded);
	}
}

static struct reply decode_response(struct session *s, struct str text)
{
	scoped(wipe) struct buf decoded = BUF(LINE_AUTH);

	if (base64_decode(&decoded, text))
		return take_response(s, buf_str(&decoded));
	s->auth = AUTH_NONE;
	return REPLY(501, "5.5.2 Not base64");
}

struct reply auth_continue(struct session *s, struct str line)
{
	struct reply reply = REPLY(501, "5.7.0 Login given up");

	if (str_eq(line, STR("*")))
		s->auth = AUTH_NONE;
	else
		reply = decode_response(s, line);
	if (s->auth == AUTH_NONE)
		wipe(&s->login);
	return reply;
}

struct reply do_auth(struct session *s, struct str argument)
{
	struct str mechanism, initial;
	bool has_initial;
	struct refusal refusal;

	if (!session_is_submission(s))
		return REPLY(502, "5.5.1 No logins here");
	if (!s->secured)
		return REPLY(538, "5.7.11 Say STARTTLS first");
	if (s->account)
		return REPLY(503, "5.5.1 Logged in already");
	refusal = command_auth(argument, &mechanism, &has_initial, &initial);
	if (refusal.code)
		return session_refusal(&refusal);
	if (str_eq_nocase(mechanism, STR("PLAIN")))
		s->auth = AUTH_PLAIN;
	else if (str_eq_nocase(mechanism, STR("LOGIN")))
		s->auth = AUTH_LOGIN_NAME;
	else
		return REPLY(504, "5.5.4 Only PLAIN and LOGIN");
	if (has_initial)
		return decode_response(s, initial);
	if (s->auth == AUTH_PLAIN)
		return REPLY(334, "");
	return REPLY(334, "VXNlcm5hbWU6"); /* "Username:" */
}
