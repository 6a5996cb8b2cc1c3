/* SPDX-License-Identifier: ISC
 *
 * admit.c - see admit.h. A browser sends its cookie with whatever any page makes it ask; what only
 * our own pages can add is looked at here: the origin, and a token that they alone could read.
 */
#include "web/admit.h"

#include "settings/value.h"
#include "web/route.h"
#include "web/share.h"
#include <microhttpd.h>
#include <string.h>

const char *admit_cookie(bool tls)
{
	return tls ? "__Host-siegel" : "siegel";
}

/* Without a port; an IPv6 address without its brackets. */
static struct str host_part(struct str host)
{
	if (str_starts(host, STR("["))) {
		host = str_tail(host, 1);
		return str_head(host, str_find(host, ']'));
	}
	return str_head(host, str_find(host, ':'));
}

static bool is_address(struct str name)
{
	struct why why;

	return value_address(name, &why);
}

bool admit_host(const struct settings *settings, struct str host)
{
	struct str name = host_part(host);
	bool ours = str_eq_nocase(name, settings->host_name) ||
		    str_eq_nocase(name, STR("localhost")) || is_address(name);

	for (size_t i = 0; i < settings->web_names.len; i++)
		ours = ours || str_eq_nocase(name, settings->web_names.at[i]);
	return ours;
}

static bool refuse(struct request *r, unsigned status, const char *word, const char *detail)
{
	r->reply = reply_error(status, word, detail);
	return false;
}

/* Is the page that asks one of ours? Browsers say so; what is no browser says nothing. */
static bool comes_from_here(const struct request *r)
{
	struct str site = request_header(r, "Sec-Fetch-Site");
	struct str origin = request_header(r, "Origin");
	struct str scheme = r->tls ? STR("https://") : STR("http://");

	if (site.len && !str_eq(site, STR("same-origin")) && !str_eq(site, STR("none")))
		return false;
	return !origin.len ||
	       (str_starts(origin, scheme) &&
		       str_eq_nocase(str_tail(origin, scheme.len), request_header(r, "Host")));
}

static enum MHD_Result check_argument(void *argument, enum MHD_ValueKind kind, const char *name,
	size_t name_size, const char *value, size_t value_size)
{
	struct str text = { value, value_size };
	bool *good = argument;

	(void)kind, (void)name, (void)name_size;
	if (value && (!str_is_utf8(text) || str_find(text, '\0') < text.len))
		*good = false;
	return MHD_YES;
}

static bool arguments_are_text(const struct request *r)
{
	bool good = true;

	MHD_get_connection_values_n(r->connection, MHD_GET_ARGUMENT_KIND, check_argument, &good);
	for (size_t i = 0; i < ROUTE_PARTS; i++)
		good = good && str_is_utf8(r->part[i]);
	return good;
}

static uint64_t most_of(const struct request *r)
{
	switch (r->route->body) {
	case NO_BODY:
		return 0;
	case JSON_BODY:
		return r->route->access == OPEN ? QUESTION_OPEN_MAX : QUESTION_MAX;
	case FILE_BODY:
		return r->settings->message_size;
	}
	return 0;
}

/* How much is to come is known before any of it does. */
static bool admit_body(struct request *r)
{
	struct str length = request_header(r, "Content-Length");
	uint64_t size = 0;

	if (request_header(r, "Transfer-Encoding").len ||
		(r->route->body != NO_BODY && !str_to_u64(length, &size)))
		return refuse(r, MHD_HTTP_LENGTH_REQUIRED, "bad-request", "no Content-Length");
	if (length.len && (!str_to_u64(length, &size) || size > most_of(r)))
		return refuse(r, MHD_HTTP_CONTENT_TOO_LARGE, "too-large", "");
	if (r->route->body == JSON_BODY && !str_eq_nocase(r->type, STR("application/json")))
		return refuse(r, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "bad-request",
			"Content-Type isn't application/json");
	return true;
}

static struct str cookie_of(const struct request *r)
{
	return str_of(
		MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, admit_cookie(r->tls)));
}

bool admit_headers(struct request *r)
{
	struct str type = request_header(r, "Content-Type");

	r->token = cookie_of(r);
	r->csrf = request_header(r, "X-CSRF-Token");
	r->agent = str_head(request_header(r, "User-Agent"), AGENT_MAX);
	r->type = str_trim(str_cut(&type, ';'));
	if (!comes_from_here(r))
		return refuse(r, MHD_HTTP_FORBIDDEN, "not-allowed", "another site asks");
	if (!arguments_are_text(r))
		return refuse(r, MHD_HTTP_BAD_REQUEST, "bad-request", "not UTF-8");
	if (r->route->access == SESSION && !r->token.len) {
		r->reply = reply_outcome(WEB_NO_SESSION, STR(""));
		return false;
	}
	return admit_body(r);
}

/* Takes as long wherever they differ. */
static bool same_secret(struct str a, struct str b)
{
	volatile unsigned char differs = 0;

	if (a.len != b.len || a.len == 0)
		return false;
	for (size_t i = 0; i < a.len; i++)
		differs |= (unsigned char)(a.at[i] ^ b.at[i]);
	return !differs;
}

static bool take_share(struct request *r)
{
	uint64_t most = r->settings->web_connections_per_address;

	r->share = share_begin(r->web->shares, r->account, &r->peer, most);
	if (!r->share)
		r->reply = reply_too_much(
			"too many requests are under way; wait for an answer, then ask again");
	return r->share != NULL;
}

bool admit_session(struct request *r)
{
	struct session_answer session;

	if (!ASK(r, store, session_show, (&(struct token_ask){ r->token }), &session))
		return false;
	if (route_changes(r->route) && !same_secret(session.csrf, r->csrf))
		return refuse(r, MHD_HTTP_FORBIDDEN, "bad-token", "X-CSRF-Token");
	r->account = session.account;
	return take_share(r);
}

bool admit_address(struct request *r)
{
	return take_share(r);
}
