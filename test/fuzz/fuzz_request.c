/* SPDX-License-Identifier: ISC
 *
 * fuzz_request.c - whatever a browser asks, what the other roles are asked is whole, and its texts
 * are UTF-8 without a NUL; and whatever these answer, the browser gets JSON or a file. The first
 * byte chooses the route, the second what comes of a call; then, a NUL behind each: what stands in
 * the path, what stands in the query, the body. The rest is what the other roles answer, packed.
 *
 * `make fuzz-proof` builds it with PLANTED_BUG: a buffer that a long text in a list, handed on to
 * another role, runs over. The fuzzer has to find that.
 */
#include "web/route.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "settings/settings.h"
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { UNANSWERED = 255 };

/* What this run has left to answer with. */
static struct str answers;
static uint8_t outcome;
static bool has_answered; /* what is handed on may be another role's from now on */
static struct str in_query;

/* --- the browser's side of libmicrohttpd --- */

enum MHD_Result MHD_lookup_connection_value_n(struct MHD_Connection *connection,
	enum MHD_ValueKind kind, const char *key, size_t key_size, const char **value,
	size_t *value_size)
{
	(void)connection, (void)kind, (void)key, (void)key_size;
	*value = in_query.at;
	*value_size = in_query.len;
	return MHD_YES;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(
	struct MHD_Connection *connection, enum MHD_ConnectionInfoType kind, ...)
{
	(void)connection, (void)kind;
	return NULL;
}

/* --- what the other roles are asked --- */

static void check_text(struct str text)
{
	must(has_answered || (str_is_utf8(text) && str_find(text, '\0') == text.len));
}

/* One of a list. */
static void check_listed(struct str text)
{
	check_text(text);
#ifdef PLANTED_BUG
	if (text.len) {
		char small[32];
		memcpy(small, text.at, text.len);
		must(small[0] == text.at[0]);
	}
#endif
}

#define CHECK_NUMBER(field)
#define CHECK_STRING(field)	   check_text(m->field);
#define CHECK_LISTED_STRING(field) check_listed(m->field);
#define CHECK_NO_LIST(type, list)  (void)m->list.at;
#define CHECK_LIST(type, list)                   \
	for (size_t i = 0; i < m->list.len; i++) \
		element_##type(&m->list.at[i]);
#define CHECK(message)                                                                 \
	static __attribute__((unused)) void element_##message(const struct message *m) \
	{                                                                              \
		(void)m;                                                               \
		FIELDS_##message(CHECK_NUMBER, CHECK_LISTED_STRING, CHECK_NO_LIST)     \
	}                                                                              \
	static __attribute__((unused)) void whole_##message(const struct message *m)   \
	{                                                                              \
		(void)m;                                                               \
		FIELDS_##message(CHECK_NUMBER, CHECK_STRING, CHECK_LIST)               \
	}
MESSAGES(CHECK)

/* --- what they answer --- */

/* A file, where one may come; its bytes are the answers' rest. */
static int answered_file(enum call_fd fds)
{
	return fds == CALL_FD_OUT && answers.len ? fd_memfd_of("answer", answers) : -1;
}

#define CALL(name, ask_t, answer_t, who, fds)                                       \
	bool call_##name(struct client *client, const struct ask_t *ask, int fd_in, \
		struct arena *arena, struct answer_t *answer, int *fd_out,          \
		struct deadline deadline, struct why *why)                          \
	{                                                                           \
		struct str rest = answers;                                          \
                                                                                    \
		(void)client, (void)fd_in, (void)deadline;                          \
		whole_##ask_t(ask);                                                 \
		if (outcome == UNANSWERED)                                          \
			return why_not(why, "nobody is there");                     \
		if (unpack_##answer_t(&rest, arena, answer)) {                      \
			answers = rest;                                             \
			has_answered = true;                                        \
		} else {                                                            \
			*answer = (struct answer_t){ .outcome = outcome };          \
		}                                                                   \
		if (fd_out)                                                         \
			*fd_out = answered_file(fds);                               \
		return true;                                                        \
	}
STORE_WEB_CALLS(CALL)
MAILBOX_CALLS(CALL)
DELIVERY_CALLS(CALL)

/* --- the reply --- */

static void check_reply(const struct reply *reply)
{
	must(reply->status >= 200 && reply->status < 600);
	for (size_t i = 0; i < reply->cookie.len; i++)
		must(has_answered || (reply->cookie.at[i] >= ' ' && reply->cookie.at[i] <= '~'));
	if (reply->handout.fd >= 0) {
		must(reply->handout.type);
		return;
	}
	must(reply->json);
	char *text = json_dumps(reply->json, JSON_COMPACT);
	must(text);
	free(text);
}

static void answer(struct request *r, struct str body)
{
	buf_add(&r->text, body);
	r->reply = r->route->handler(r);
	check_reply(&r->reply);
	reply_free(&r->reply);
	json_decref(r->json);
	buf_free(&r->text);
	arena_free(&r->arena);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_open("fuzz", LOG_ALARM);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct settings settings = { .host_name = STR("mx.example.test") };
	static struct web web;
	struct str input = { (const char *)data, size }, rest = str_tail(input, 2), body;
	struct request r = { .web = &web,
		.settings = &settings,
		.connection = (struct MHD_Connection *)&web,
		.token = STR("token"),
		.file = -1,
		.arena = ARENA(ANSWER_ARENA),
		.text = BUF(QUESTION_MAX),
		.reply = { .handout.fd = -1 } };

	if (size < 2)
		return 0;
	r.route = &routes[data[0] % routes_n];
	outcome = data[1];
	r.part[0] = r.part[1] = str_cut(&rest, '\0');
	in_query = str_cut(&rest, '\0');
	body = str_cut(&rest, '\0');
	answers = rest;
	has_answered = false;
	/* Streams have a thread of their own; text that isn't UTF-8 is refused by admit.c. */
	if (r.route->handler != route_event_stream && str_is_utf8(r.part[0]) &&
		str_is_utf8(in_query))
		answer(&r, body);
	return 0;
}
