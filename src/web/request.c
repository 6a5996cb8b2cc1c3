/* SPDX-License-Identifier: ISC
 *
 * request.c - see request.h. The browser's words are in libmicrohttpd's memory, which stays until
 * the request is over.
 */
#include "web/request.h"

#include "base/log.h"
#include "web/events.h"
#include "web/limits.h"
#include "web/share.h"
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

static struct str value_of(const struct request *r, enum MHD_ValueKind kind, const char *name)
{
	const char *value = NULL;
	size_t length = 0;

	if (r->connection &&
		MHD_lookup_connection_value_n(
			r->connection, kind, name, strlen(name), &value, &length) == MHD_YES &&
		value)
		return (struct str){ value, length };
	return STR("");
}

struct str request_query(const struct request *r, const char *name)
{
	return value_of(r, MHD_GET_ARGUMENT_KIND, name);
}

struct str request_header(const struct request *r, const char *name)
{
	return value_of(r, MHD_HEADER_KIND, name);
}

struct last_header {
	const char *name;
	struct str value;
};

static enum MHD_Result look_at_header(void *argument, enum MHD_ValueKind kind, const char *name,
	size_t name_size, const char *value, size_t value_size)
{
	struct last_header *last = argument;

	(void)kind;
	if (value && str_eq_nocase((struct str){ name, name_size }, str_of(last->name)))
		last->value = (struct str){ value, value_size };
	return MHD_YES;
}

struct str request_last_header(const struct request *r, const char *name)
{
	struct last_header last = { name, STR("") };

	MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, look_at_header, &last);
	return last.value;
}

uint64_t request_query_number(
	const struct request *r, const char *name, uint64_t otherwise, uint64_t most)
{
	uint64_t number = otherwise;

	if (!str_to_u64(request_query(r, name), &number))
		return otherwise;
	return number < most ? number : most;
}

static bool has_few_values(struct str json)
{
	size_t marks = 0;
	bool quoted = false;

	for (size_t i = 0; i < json.len; i++) {
		char c = json.at[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{' || c == ',' || c == ':'))
			marks++;
	}
	return marks <= QUESTION_MARKS_MAX;
}

bool request_read(struct request *r, const struct json_shape *shape, void *to, uint32_t *present)
{
	json_error_t error;
	struct str text = buf_str(&r->text);
	struct why why = { "that is no JSON" };

	if (!r->json && !has_few_values(text)) {
		r->reply = reply_outcome(WEB_TOO_LARGE, STR("so many values are in no question"));
		return false;
	}
	if (!r->json)
		r->json = json_loadb(
			text.len ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &error);
	if (r->json && json_read(shape, r->json, &r->arena, to, present, &why))
		return true;
	r->reply = reply_error(MHD_HTTP_BAD_REQUEST, "bad-request", why.text);
	return false;
}

struct reply reply_json(json_t *json)
{
	return (struct reply){ .status = MHD_HTTP_OK, .json = json, .handout.fd = -1 };
}

struct reply reply_shape(const struct json_shape *shape, const void *from)
{
	return reply_json(json_write(shape, from));
}

struct reply reply_empty(void)
{
	return reply_json(json_object());
}

static struct reply error_of(unsigned status, const char *word, struct str detail)
{
	struct reply reply =
		reply_json(json_pack("{s:s, s:o}", "error", word, "text", text_json(detail)));

	reply.status = status;
	return reply;
}

struct reply reply_error(unsigned status, const char *word, const char *detail)
{
	return error_of(status, word, str_of(detail));
}

struct reply reply_outcome(uint64_t outcome, struct str detail)
{
	static const struct {
		unsigned status;
		const char *word;
	} known[] = {
		[WEB_NO_SESSION] = { MHD_HTTP_UNAUTHORIZED, "no-session" },
		[WEB_NOT_ALLOWED] = { MHD_HTTP_FORBIDDEN, "not-allowed" },
		[WEB_NOT_FOUND] = { MHD_HTTP_NOT_FOUND, "not-found" },
		[WEB_INVALID] = { MHD_HTTP_UNPROCESSABLE_CONTENT, "invalid" },
		[WEB_EXISTS] = { MHD_HTTP_CONFLICT, "exists" },
		[WEB_WRONG] = { MHD_HTTP_UNAUTHORIZED, "wrong" },
		[WEB_NEEDS_CODE] = { MHD_HTTP_UNAUTHORIZED, "needs-code" },
		[WEB_THROTTLED] = { MHD_HTTP_TOO_MANY_REQUESTS, "throttled" },
		[WEB_BUSY] = { MHD_HTTP_SERVICE_UNAVAILABLE, "busy" },
		[WEB_FULL] = { MHD_HTTP_INSUFFICIENT_STORAGE, "full" },
		[WEB_REFUSED] = { MHD_HTTP_UNPROCESSABLE_CONTENT, "refused" },
		[WEB_TOO_LATE] = { MHD_HTTP_CONFLICT, "too-late" },
		[WEB_TOO_LARGE] = { MHD_HTTP_CONTENT_TOO_LARGE, "too-large" },
		[WEB_OLD] = { MHD_HTTP_CONFLICT, "old" },
		[WEB_FAILED] = { MHD_HTTP_INTERNAL_SERVER_ERROR, "failed" },
	};

	if (outcome >= count_of(known) || !known[outcome].word)
		outcome = WEB_FAILED;
	return error_of(known[outcome].status, known[outcome].word, detail);
}

struct reply reply_too_much(const char *text)
{
	struct reply reply = reply_outcome(WEB_THROTTLED, str_of(text));

	reply.retry_after = RETRY_SOON;
	return reply;
}

void reply_free(struct reply *reply)
{
	json_decref(reply->json);
	free(reply->text);
	fd_close(&reply->handout.fd);
	events_drop(reply->stream);
	*reply = (struct reply){ .handout.fd = -1 };
}

bool request_holds(struct request *r, uint64_t n)
{
	uint64_t quarter = r->settings->bytes_in_flight / SHARES_OF_BYTES;
	uint64_t largest = r->settings->message_size;

	if (!share_take(r->share, n, quarter > largest ? quarter : largest))
		return false;
	r->held += n;
	return true;
}

bool request_answered(struct request *r, uint64_t outcome, struct str text)
{
	if (outcome != WEB_OK)
		r->reply = reply_outcome(outcome, text);
	return outcome == WEB_OK;
}

bool request_unanswered(struct request *r, const char *call)
{
	/* A role that is started again: the page asks once more what may be asked twice. */
	LOG(LOG_WARNING, "call-failed", log_text("call", call), log_text("why", r->why.text));
	r->reply = reply_outcome(WEB_BUSY, STR(""));
	return false;
}
