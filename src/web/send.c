/* SPDX-License-Identifier: ISC
 *
 * send.c - see send.h.
 */
#include "web/send.h"

#include "web/events.h"
#include <stdlib.h>
#include <string.h>

static void add(struct MHD_Response *response, const char *name, const char *value)
{
	(void)!MHD_add_response_header(response, name, value);
}

static void add_guards(struct MHD_Response *response, bool tls, const char *policy)
{
	bool framed = strstr(policy, "frame-ancestors 'self'") != NULL;

	add(response, "Content-Security-Policy", policy);
	add(response, "X-Content-Type-Options", "nosniff");
	add(response, "X-Frame-Options", framed ? "SAMEORIGIN" : "DENY");
	add(response, "Referrer-Policy", "no-referrer");
	add(response, "Cross-Origin-Opener-Policy", "same-origin");
	add(response, "Cross-Origin-Resource-Policy", "same-origin");
	if (tls)
		add(response, "Strict-Transport-Security", "max-age=31536000");
}

/* RFC 6266: the name in UTF-8, percent-encoded; nothing of it can end the header. */
static struct str disposition(struct arena *arena, const struct handout *handout)
{
	scoped(buf_free) struct buf to = BUF(4096);

	buf_add(&to, handout->shown ? STR("inline") : STR("attachment"));
	buf_add(&to, STR("; filename*=UTF-8''"));
	for (size_t i = 0; i < handout->name.len; i++) {
		unsigned char c = (unsigned char)handout->name.at[i];
		if (ascii_is_alnum((char)c) || c == '.' || c == '-' || c == '_')
			buf_add_char(&to, (char)c);
		else
			buf_printf(&to, "%%%02X", c);
	}
	return arena_str(arena, buf_str(&to));
}

static struct MHD_Response *of_file(struct request *r, struct handout *handout)
{
	struct MHD_Response *response = MHD_create_response_from_fd64(handout->size, handout->fd);

	if (!response)
		return NULL;
	handout->fd = -1; /* closed with the response */
	add(response, "Content-Type", handout->type);
	struct str how = handout->name.len ? disposition(&r->arena, handout) : STR("");
	if (how.len)
		add(response, "Content-Disposition", how.at);
	return response;
}

static struct MHD_Response *of_json(struct reply *reply)
{
	char *text = reply->text ? reply->text : json_dumps(reply->json, JSON_COMPACT);
	struct MHD_Response *response = NULL;

	reply->text = NULL; /* freed with the response */
	if (text)
		response =
			MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (response)
		add(response, "Content-Type", "application/json");
	return response;
}

static struct MHD_Response *of_reply(struct request *r)
{
	struct reply *reply = &r->reply;

	if (reply->stream)
		return events_response(reply->stream);
	if (reply->handout.fd >= 0)
		return of_file(r, &reply->handout);
	return of_json(reply);
}

static void add_what_is_said(struct request *r, struct MHD_Response *response)
{
	char seconds[24];

	add(response, "Cache-Control", "no-store");
	if (r->reply.cookie.len)
		add(response, "Set-Cookie", r->reply.cookie.at);
	if (r->reply.retry_after) {
		snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)r->reply.retry_after);
		add(response, "Retry-After", seconds);
	}
	if (r->web->stopping)
		add(response, "Connection", "close");
}

enum MHD_Result send_reply(struct request *r)
{
	const char *policy = r->reply.handout.policy ? r->reply.handout.policy : NOTHING_POLICY;
	unsigned status = r->reply.status;
	struct MHD_Response *response = of_reply(r);

	r->reply.stream = NULL; /* the response has it now */
	if (!response)
		return MHD_NO;
	add_guards(response, r->tls, policy);
	add_what_is_said(r, response);
	reply_free(&r->reply);
	enum MHD_Result result = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static bool has(struct MHD_Connection *connection, const char *header, const char *word)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, header);

	return value && strstr(value, word);
}

static struct MHD_Response *constant(const unsigned char *bytes, size_t size)
{
	return MHD_create_response_from_buffer(
		size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result send_page(struct MHD_Connection *connection, bool tls, const struct page *page)
{
	bool packs =
		has(connection, "Accept-Encoding", "gzip") && page->packed_size < page->plain_size;
	bool known = has(connection, "If-None-Match", page->digest);
	struct MHD_Response *response = known	? constant(page->plain, 0)
					: packs ? constant(page->packed, page->packed_size)
						: constant(page->plain, page->plain_size);

	if (!response)
		return MHD_NO;
	add_guards(response, tls, PAGE_POLICY);
	add(response, "Content-Type", page->type);
	add(response, "ETag", page->digest);
	add(response, "Cache-Control", "no-cache");
	add(response, "Vary", "Accept-Encoding");
	if (packs && !known)
		add(response, "Content-Encoding", "gzip");
	enum MHD_Result result = MHD_queue_response(
		connection, known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}
