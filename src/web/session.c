/* SPDX-License-Identifier: ISC
 *
 * session.c - logging in and out. The token goes into a cookie that no script can read; what a
 * script needs to make changes, the CSRF token, is in the answer.
 */
#include "base/version.h"
#include "web/admit.h"
#include "web/route.h"
#include "web/words.h"

#include <microhttpd.h>
#include <string.h>

/* A browser is never asked for the session it has: a new one takes its place. */
struct begin_question {
	struct str user, password, code;
};
static const struct json_field begin_fields[] = {
	JSON_TEXT_OF(begin_question, user, "user"),
	JSON_TEXT_OF(begin_question, password, "password"),
	JSON_MAY_OF(JSON_TEXT, begin_question, code, "code"),
};
static const struct json_shape begin_shape = JSON_SHAPE(begin_question, begin_fields);

static const struct json_field session_fields[] = {
	JSON_TEXT_OF(session_answer, address, "address"),
	JSON_TEXT_OF(session_answer, alias, "alias"),
	JSON_FLAG_OF(session_answer, active, "active"),
	JSON_WORD_OF(session_answer, level, "level", &words_level),
	JSON_WORD_OF(session_answer, language, "language", &words_language),
	JSON_FLAG_OF(session_answer, admin, "admin"),
	JSON_TEXT_OF(session_answer, csrf, "csrf"),
	JSON_NUMBER_OF(session_answer, expires, "expires"),
};
const struct json_shape session_shape = JSON_SHAPE(session_answer, session_fields);

static const struct json_field item_fields[] = {
	JSON_NUMBER_OF(session_item, session, "session"),
	JSON_NUMBER_OF(session_item, created, "created"),
	JSON_NUMBER_OF(session_item, seen, "seen"),
	JSON_TEXT_OF(session_item, peer, "peer"),
	JSON_TEXT_OF(session_item, agent, "agent"),
	JSON_FLAG_OF(session_item, current, "current"),
};
static const struct json_shape item_shape = JSON_SHAPE(session_item, item_fields);
static const struct json_field list_fields[] = {
	JSON_LIST_OF(session_list_answer, sessions, "sessions", &item_shape),
};
const struct json_shape session_list_shape = JSON_SHAPE(session_list_answer, list_fields);

struct about_answer {
	struct str version, host_name;
};
static const struct json_field about_fields[] = {
	JSON_TEXT_OF(about_answer, version, "version"),
	JSON_TEXT_OF(about_answer, host_name, "host_name"),
};
const struct json_shape about_shape = JSON_SHAPE(about_answer, about_fields);

struct reply route_about(struct request *r)
{
	struct about_answer answer = { STR(SIEGEL_VERSION), r->settings->host_name };

	return reply_shape(&about_shape, &answer);
}

/* The attributes are the protection: no script reads it, no other site sends it along. */
static struct str cookie(struct request *r, struct str token, bool over)
{
	return arena_printf(&r->arena, "%s=%.*s; Path=/; HttpOnly; SameSite=Strict%s%s",
		admit_cookie(r->tls), STR_ARG(token), r->tls ? "; Secure" : "",
		over ? "; Max-Age=0" : "");
}

struct reply route_session_begin(struct request *r)
{
	struct begin_question question = { .code = STR("") };
	struct session_answer answer;

	if (!request_read(r, &begin_shape, &question, NULL))
		return r->reply;
	const struct session_begin_ask ask = { .user = question.user,
		.password = question.password,
		.code = question.code,
		.peer = str_of(r->peer.text),
		.agent = r->agent };
	answer.retry_after = 0;
	if (!ASK(r, store, session_begin, &ask, &answer)) {
		r->reply.retry_after = answer.retry_after;
		return r->reply;
	}
	struct reply reply = reply_shape(&session_shape, &answer);
	reply.cookie = cookie(r, answer.token, false);
	return reply;
}

struct reply route_session_show(struct request *r)
{
	struct session_answer answer;

	if (!ASK(r, store, session_show, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	return reply_shape(&session_shape, &answer);
}

static const struct json_word scope_words[] = { { 0, "this" }, { 1, "others" }, { 2, "all" } };
static const struct json_words scopes = JSON_WORD_SET(scope_words);

struct reply route_session_end(struct request *r)
{
	struct session_end_ask ask = { .token = r->token };
	struct str scope = request_query(r, "scope");
	struct done_answer answer;

	if (scope.len && !json_word_value(&scopes, scope, &ask.scope))
		return reply_error(MHD_HTTP_BAD_REQUEST, "bad-request", "scope");
	if (!ASK(r, store, session_end, &ask, &answer))
		return r->reply;
	struct reply reply = reply_empty();
	if (ask.scope != 1)
		reply.cookie = cookie(r, STR(""), true);
	return reply;
}

struct reply route_session_list(struct request *r)
{
	struct session_list_answer answer;

	if (!ASK(r, store, session_list, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	return reply_shape(&session_list_shape, &answer);
}

struct reply route_session_end_one(struct request *r)
{
	struct session_end_ask ask = { .token = r->token };
	struct done_answer answer;

	if (!str_to_u64(r->part[0], &ask.session) || ask.session == 0)
		return reply_outcome(WEB_NOT_FOUND, STR(""));
	if (!ASK(r, store, session_end, &ask, &answer))
		return r->reply;
	return reply_empty();
}
