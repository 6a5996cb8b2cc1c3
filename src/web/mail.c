/* SPDX-License-Identifier: ISC
 *
 * mail.c - messages: listing, changing, showing. The mailbox role answers; how a message came in,
 * the store adds, which wrote it down when it came. What the mailbox role read in a message is
 * passed on as data: JSON to scripts that never make markup of it, HTML to a frame that may do
 * nothing, files to be saved.
 */
#include "web/mail.h"
#include "web/route.h"
#include "web/send.h"
#include "web/words.h"

#include <microhttpd.h>

enum { DOCUMENT_MAX = 16 * 1024 * 1024 };

static const struct json_field person_fields[] = {
	JSON_TEXT_OF(person, name, "name"),
	JSON_TEXT_OF(person, address, "address"),
};
const struct json_shape person_shape = JSON_SHAPE(person, person_fields);

/* --- lists --- */

static const struct json_field from_fields[] = {
	JSON_TEXT_OF(message_summary, from_name, "name"),
	JSON_TEXT_OF(message_summary, from_address, "address"),
};
static const struct json_shape from_shape = JSON_SHAPE(message_summary, from_fields);
static const struct json_field summary_fields[] = {
	JSON_TEXT_OF(message_summary, id, "id"),
	JSON_FOLDER_OF(message_summary, folder, "folder"),
	JSON_WORDS_OF(message_summary, flags, "flags", &words_message_flag),
	JSON_NUMBER_OF(message_summary, time, "time"),
	JSON_NUMBER_OF(message_summary, size, "size"),
	JSON_GROUP_OF("from", &from_shape),
	JSON_LIST_OF(message_summary, to, "to", &person_shape),
	JSON_TEXT_OF(message_summary, subject, "subject"),
	JSON_TEXT_OF(message_summary, preview, "preview"),
	JSON_NUMBER_OF(message_summary, attachments, "attachments"),
	JSON_TEXT_OF(message_summary, conversation, "conversation"),
	JSON_NUMBER_OF(message_summary, count, "count"),
	JSON_NUMBER_OF(message_summary, unseen, "unseen"),
	JSON_TEXT_OF(message_summary, queue_id, "queue_id"),
	JSON_TEXT_OF(message_summary, sent, "sent"),
	JSON_TEXT_OF(message_summary, draft, "draft"),
};
static const struct json_shape summary_shape = JSON_SHAPE(message_summary, summary_fields);
static const struct json_field list_fields[] = {
	JSON_NUMBER_OF(messages_answer, total, "total"),
	JSON_NUMBER_OF(messages_answer, unseen, "unseen"),
	JSON_TEXT_OF(messages_answer, next, "next"),
	JSON_LIST_OF(messages_answer, messages, "messages", &summary_shape),
};
static const struct json_shape list_shape = JSON_SHAPE(messages_answer, list_fields);

struct reply route_message_list(struct request *r)
{
	const struct messages_ask ask = { .token = r->token,
		.folder = json_folder_of(request_query(r, "folder")),
		.everywhere = request_query_number(r, "everywhere", 0, 1),
		.query = request_query(r, "q"),
		.conversation = request_query(r, "conversation"),
		.collapse = request_query_number(r, "collapse", 0, 1),
		.after = request_query(r, "after"),
		.limit = request_query_number(r, "limit", 50, 200) };
	struct messages_answer answer;

	if (!ASK(r, mailbox, messages, &ask, &answer))
		return r->reply;
	return reply_shape(&list_shape, &answer);
}

/* --- changes --- */

struct change_question {
	struct {
		struct text *at;
		size_t len;
	} ids;
	uint64_t add, remove, erase;
	struct str move;
};
static const struct json_field question_fields[] = {
	JSON_TEXTS_OF(change_question, ids, "ids"),
	JSON_MAY_WORDS_OF(change_question, add, "add", &words_message_flag),
	JSON_MAY_WORDS_OF(change_question, remove, "remove", &words_message_flag),
	JSON_MAY_OF(JSON_FOLDER, change_question, move, "move"),
	JSON_MAY_OF(JSON_FLAG, change_question, erase, "erase"),
};
enum { QUESTION_MOVE = 1 << 3 };
static const struct json_shape question_shape = JSON_SHAPE(change_question, question_fields);

/* Outcomes by the words that errors have. */
static const struct json_word outcome_list[] = { { WEB_OK, "ok" }, { WEB_NOT_FOUND, "not-found" },
	{ WEB_INVALID, "invalid" }, { WEB_NOT_ALLOWED, "not-allowed" }, { WEB_FULL, "full" },
	{ WEB_BUSY, "busy" }, { WEB_EXISTS, "exists" }, { WEB_FAILED, "failed" } };
static const struct json_words words_outcome = JSON_WORD_SET(outcome_list);
static const struct json_field changed_fields[] = {
	JSON_TEXT_OF(message_changed, id, "id"),
	JSON_WORD_OF(message_changed, outcome, "outcome", &words_outcome),
	JSON_FOLDER_OF(message_changed, folder_before, "folder_before"),
	JSON_WORDS_OF(message_changed, flags_before, "flags_before", &words_message_flag),
};
static const struct json_shape changed_shape = JSON_SHAPE(message_changed, changed_fields);
static const struct json_field changes_fields[] = {
	JSON_LIST_OF(messages_change_answer, changed, "changed", &changed_shape),
};
static const struct json_shape changes_shape = JSON_SHAPE(messages_change_answer, changes_fields);

struct reply route_message_change(struct request *r)
{
	struct change_question question = { 0 };
	struct messages_change_answer answer;
	uint32_t present = 0;

	if (!request_read(r, &question_shape, &question, &present))
		return r->reply;
	struct messages_change_ask ask = { .token = r->token,
		.add = question.add,
		.remove = question.remove,
		.move = (present & QUESTION_MOVE) != 0,
		.folder = question.move,
		.erase = question.erase };
	ask.ids.at = question.ids.at;
	ask.ids.len = question.ids.len;
	if (!ASK(r, mailbox, messages_change, &ask, &answer))
		return r->reply;
	return reply_shape(&changes_shape, &answer);
}

/* --- one message --- */

static const struct json_field arrival_fields[] = {
	JSON_WORD_OF(arrival, origin, "origin", &words_origin),
	JSON_NUMBER_OF(arrival, time, "time"),
	JSON_TEXT_OF(arrival, sender, "sender"),
	JSON_TEXT_OF(arrival, peer, "peer"),
	JSON_TEXT_OF(arrival, helo, "helo"),
	JSON_TEXT_OF(arrival, tls_version, "tls_version"),
	JSON_TEXT_OF(arrival, cipher, "cipher"),
	JSON_TEXT_OF(arrival, recipient, "recipient"),
	JSON_WORD_OF(arrival, letter, "letter", &words_letter),
	JSON_TEXT_OF(arrival, about, "about"),
	JSON_TEXT_OF(arrival, about_id, "about_id"),
	JSON_REASON_OF(arrival, reason, "reason"),
	JSON_TEXT_OF(arrival, failed, "failed"),
};
static const struct json_shape arrival_shape = JSON_SHAPE(arrival, arrival_fields);

/* How it came in, from the store alone; null where nobody can say, whatever the headers do. */
static json_t *arrival_of(struct request *r, struct str queue_id)
{
	struct text id = { queue_id };
	struct arrivals_ask ask = { .token = r->token, .ids = { &id, 1 } };
	struct arrivals_answer answer;

	if (!queue_id.len || !ASK(r, store, arrivals, &ask, &answer)) {
		reply_free(&r->reply);
		return json_null();
	}
	for (size_t i = 0; i < answer.arrivals.len; i++) {
		const struct arrival *arrival = &answer.arrivals.at[i];
		if (!str_eq(arrival->id, queue_id))
			continue;
		json_t *json = json_write(&arrival_shape, arrival);
		if (arrival->origin != ARRIVAL_LETTER)
			json_object_set_new(json, "letter", json_string(""));
		return json;
	}
	return json_null();
}

/* What the index says of a message, beside what is in it. */
static const struct json_field index_fields[] = {
	JSON_FOLDER_OF(message_answer, folder, "folder"),
	JSON_WORDS_OF(message_answer, flags, "flags", &words_message_flag),
	JSON_TEXT_OF(message_answer, conversation, "conversation"),
	JSON_TEXT_OF(message_answer, queue_id, "queue_id"),
	JSON_TEXT_OF(message_answer, sent, "sent"),
	JSON_TEXT_OF(message_answer, draft, "draft"),
	JSON_NUMBER_OF(message_answer, size, "size"),
};
static const struct json_shape index_shape = JSON_SHAPE(message_answer, index_fields);

static json_t *read_document(int fd)
{
	struct mapping document;

	if (!fd_map_sealed(fd, DOCUMENT_MAX, &document, NULL))
		return NULL;
	json_t *json = json_loadb(document.bytes.at, document.bytes.len,
		JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	fd_unmap(&document);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

struct reply route_message_show(struct request *r)
{
	const struct message_ask ask = { .token = r->token, .id = r->part[0] };
	struct message_answer answer;
	scoped(fd_close) int fd = -1;

	if (!ASK_FD(r, mailbox, message, &ask, -1, &answer, &fd))
		return r->reply;
	json_t *document = read_document(fd);
	if (!document)
		return reply_outcome(WEB_FAILED, STR("the message could not be read"));
	json_object_update_new(document, json_write(&index_shape, &answer));
	json_object_set_new(document, "id", text_json(r->part[0]));
	json_object_set_new(document, "arrival", arrival_of(r, answer.queue_id));
	return reply_json(document);
}

/* --- what is handed out as it is --- */

/* A file from the mailbox role, whose size counts and not what is said of it. */
static struct reply hand_out(int *fd, const char *type, const char *policy)
{
	struct reply reply = { .status = MHD_HTTP_OK, .handout.fd = -1 };
	size_t size;

	if (!fd_check_sealed(*fd, JOB_BODY_MAX, &size, NULL))
		return reply_outcome(WEB_FAILED, STR("that is no file"));
	reply.handout = (struct handout){ .fd = *fd, .size = size, .type = type, .policy = policy };
	*fd = -1;
	return reply;
}

/* A page of its own origin, without scripts; a link in it opens elsewhere. */
#define BODY_POLICY(images)                                                         \
	"sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; " \
	"style-src 'unsafe-inline'; img-src data:" images "; form-action 'none'; "  \
	"base-uri 'none'; frame-ancestors 'self'"

struct reply route_message_body(struct request *r)
{
	const struct message_ask ask = { .token = r->token,
		.id = r->part[0],
		.remote = request_query_number(r, "remote", 0, 1) };
	struct message_answer answer;
	scoped(fd_close) int fd = -1;

	if (!ASK_FD(r, mailbox, message_body, &ask, -1, &answer, &fd))
		return r->reply;
	return hand_out(&fd, "text/html; charset=utf-8",
		ask.remote ? BODY_POLICY(" https: http:") : BODY_POLICY(""));
}

/* Types that a browser may show as our origin's: pictures of points, and text, which the mailbox
 * role has made UTF-8. */
static const char *shown_type(struct str type)
{
	static const struct {
		const char *of, *as;
	} shown[] = {
		{ "image/png", "image/png" },
		{ "image/jpeg", "image/jpeg" },
		{ "image/gif", "image/gif" },
		{ "image/webp", "image/webp" },
		{ "text/plain", "text/plain; charset=utf-8" },
	};

	for (size_t i = 0; i < count_of(shown); i++) {
		if (str_eq_nocase(type, str_of(shown[i].of)))
			return shown[i].as;
	}
	return NULL;
}

struct reply route_message_part(struct request *r)
{
	const struct message_part_ask ask = { r->token, r->part[0], r->part[1],
		.shown = request_query_number(r, "show", 0, 1) };
	struct message_part_answer answer;
	scoped(fd_close) int fd = -1;

	if (!ASK_FD(r, mailbox, message_part, &ask, -1, &answer, &fd))
		return r->reply;
	const char *type = shown_type(answer.type);
	bool shown = ask.shown && type;
	struct reply reply =
		hand_out(&fd, shown ? type : "application/octet-stream", NOTHING_POLICY);
	reply.handout.name = answer.name.len ? answer.name : STR("attachment");
	reply.handout.shown = shown;
	return reply;
}

struct reply route_message_source(struct request *r)
{
	const struct message_ask ask = { .token = r->token, .id = r->part[0] };
	struct message_answer answer;
	scoped(fd_close) int fd = -1;

	if (!ASK_FD(r, mailbox, message_source, &ask, -1, &answer, &fd))
		return r->reply;
	struct reply reply = hand_out(&fd, "message/rfc822", NOTHING_POLICY);
	reply.handout.name = STR("message.eml");
	return reply;
}
