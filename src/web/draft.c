/* SPDX-License-Identifier: ISC
 *
 * draft.c - what is being written, and sending it. A draft's id is made by the page and stays the
 * id of what was sent: whoever asks for the same thing twice, because an answer was lost, gets it
 * once.
 */
#include "web/draft.h"

#include "base/log.h"
#include "web/mail.h"
#include "web/route.h"
#include "web/words.h"
#include <gnutls/gnutls.h>
#include <microhttpd.h>

enum { HOLD_MOST = 60, SETTLE_ATTEMPTS = 5, SETTLE_PATIENCE = 5 * SECOND };

static const struct json_field attachment_fields[] = {
	JSON_NUMBER_OF(attachment, entry, "entry"),
	JSON_TEXT_OF(attachment, name, "name"),
	JSON_TEXT_OF(attachment, type, "type"),
	JSON_NUMBER_OF(attachment, size, "size"),
};
static const struct json_shape attachment_shape = JSON_SHAPE(attachment, attachment_fields);
static const struct json_field draft_fields[] = {
	JSON_TEXT_OF(draft_answer, draft, "draft"),
	JSON_TEXT_OF(draft_answer, sender, "from"),
	JSON_LIST_OF(draft_answer, to, "to", &person_shape),
	JSON_LIST_OF(draft_answer, cc, "cc", &person_shape),
	JSON_LIST_OF(draft_answer, bcc, "bcc", &person_shape),
	JSON_TEXT_OF(draft_answer, subject, "subject"),
	JSON_TEXT_OF(draft_answer, body, "body"),
	JSON_TEXT_OF(draft_answer, answers, "answers"),
	JSON_FLAG_OF(draft_answer, forwards, "forwards"),
	JSON_NUMBER_OF(draft_answer, revision, "revision"),
	JSON_NUMBER_OF(draft_answer, saved, "saved"),
	JSON_LIST_OF(draft_answer, attachments, "attachments", &attachment_shape),
};
static const struct json_shape draft_shape = JSON_SHAPE(draft_answer, draft_fields);

bool draft_names_one(struct str id)
{
	bool good = id.len >= 20 && id.len <= 40;

	for (size_t i = 0; i < id.len; i++)
		good = good && ascii_is_alnum(id.at[i]) && ascii_lower(id.at[i]) == id.at[i];
	return good;
}

/* The draft that the path names; false: it is no id. */
static bool named(struct request *r, struct str *draft)
{
	*draft = r->part[0];
	if (!draft_names_one(*draft))
		r->reply = reply_outcome(WEB_INVALID, STR("that is no id of a draft"));
	return draft_names_one(*draft);
}

/* --- what the store has decided --- */

bool draft_find_sent(struct request *r, struct str draft, struct sent_item *item)
{
	struct text id = { draft };
	struct sent_ask ask = { .token = r->token, .sent = { &id, 1 }, .limit = 1 };
	struct sent_answer sent;

	if (!call_sent_show(r->web->store, &ask, -1, &r->arena, &sent, NULL,
		    deadline_in(CALL_PATIENCE), &r->why) ||
		sent.outcome != WEB_OK || sent.items.len != 1)
		return false;
	*item = sent.items.at[0];
	return true;
}

enum web_outcome draft_settle(struct request *r, struct str draft, uint64_t revision, bool sent)
{
	const struct sending_ask ask = { r->token, draft, revision };
	struct done_answer answer = { .outcome = WEB_BUSY };

	for (int i = 0; answer.outcome == WEB_BUSY && i < SETTLE_ATTEMPTS; i++) {
		struct deadline until = deadline_in(SETTLE_PATIENCE);
		bool asked = sent ? call_draft_sent(r->web->mailbox, &ask, -1, &r->arena, &answer,
					    NULL, until, &r->why)
				  : call_draft_unsent(r->web->mailbox, &ask, -1, &r->arena, &answer,
					    NULL, until, &r->why);
		if (!asked)
			answer = (struct done_answer){ .outcome = WEB_BUSY };
	}
	if (answer.outcome != WEB_OK)
		LOG(LOG_WARNING, sent ? "not-filed" : "not-restored", log_str("sent", draft),
			log_str("text", answer.text), log_text("why", r->why.text));
	return (enum web_outcome)answer.outcome;
}

/* Taken back, but the mailbox role wasn't told, as it or this one was killed just then? Then the draft
 * is back now, and r->reply, which said that it isn't there, is empty. */
static bool is_back(struct request *r, struct str draft)
{
	struct sent_item item;

	if (!draft_find_sent(r, draft, &item) || !item.undone ||
		draft_settle(r, draft, item.revision, false) != WEB_OK)
		return false;
	reply_free(&r->reply);
	return true;
}

/* --- saving --- */

static const struct json_field save_fields[] = {
	JSON_TEXT_OF(draft_save_ask, sender, "from"),
	JSON_LIST_OF(draft_save_ask, to, "to", &person_shape),
	JSON_MAY_LIST_OF(draft_save_ask, cc, "cc", &person_shape),
	JSON_MAY_LIST_OF(draft_save_ask, bcc, "bcc", &person_shape),
	JSON_TEXT_OF(draft_save_ask, subject, "subject"),
	JSON_TEXT_OF(draft_save_ask, body, "body"),
	JSON_MAY_OF(JSON_TEXT, draft_save_ask, answers, "answers"),
	JSON_MAY_OF(JSON_FLAG, draft_save_ask, forwards, "forwards"),
	JSON_NUMBER_OF(draft_save_ask, revision, "revision"),
};
static const struct json_shape save_shape = JSON_SHAPE(draft_save_ask, save_fields);

struct reply route_draft_save(struct request *r)
{
	struct draft_save_ask ask = { .token = r->token };
	struct draft_answer answer = { .outcome = WEB_BUSY };

	if (!named(r, &ask.draft) || !request_read(r, &save_shape, &ask, NULL))
		return r->reply;
	if (!ASK(r, mailbox, draft_save, &ask, &answer) &&
		!(answer.outcome == WEB_TOO_LATE && is_back(r, ask.draft) &&
			ASK(r, mailbox, draft_save, &ask, &answer)))
		return r->reply;
	return reply_shape(&draft_shape, &answer);
}

struct reply draft_reply(struct request *r, struct str draft)
{
	const struct draft_ask ask = { r->token, draft };
	struct draft_answer answer;

	if (!ASK(r, mailbox, draft_show, &ask, &answer))
		return r->reply;
	return reply_shape(&draft_shape, &answer);
}

struct reply route_draft_show(struct request *r)
{
	struct str draft;

	if (!named(r, &draft))
		return r->reply;
	r->reply = draft_reply(r, draft);
	if (r->reply.status == MHD_HTTP_NOT_FOUND && is_back(r, draft))
		return draft_reply(r, draft);
	return r->reply;
}

struct reply route_draft_remove(struct request *r)
{
	struct draft_ask ask = { .token = r->token };
	struct done_answer answer;

	if (!named(r, &ask.draft) || !ASK(r, mailbox, draft_remove, &ask, &answer))
		return r->reply;
	return reply_empty();
}

/* --- attachments --- */

struct reply route_draft_attach(struct request *r)
{
	struct draft_attach_ask ask = { .token = r->token,
		.name = request_query(r, "name"),
		.type = r->type,
		.size = r->size };
	struct draft_answer answer;

	if (!named(r, &ask.draft) ||
		!ASK_FD(r, mailbox, draft_attach, &ask, r->file, &answer, NULL))
		return r->reply;
	return reply_shape(&draft_shape, &answer);
}

struct reply route_draft_detach(struct request *r)
{
	struct draft_detach_ask ask = { .token = r->token };
	struct draft_answer answer;

	if (!named(r, &ask.draft))
		return r->reply;
	if (!str_to_u64(r->part[1], &ask.entry))
		return reply_outcome(WEB_NOT_FOUND, STR(""));
	if (!ASK(r, mailbox, draft_detach, &ask, &answer))
		return r->reply;
	return reply_shape(&draft_shape, &answer);
}

static const struct json_field forward_fields[] = { JSON_TEXT_OF(draft_forward_ask, id, "id") };
static const struct json_shape forward_shape = JSON_SHAPE(draft_forward_ask, forward_fields);

struct reply route_draft_forward(struct request *r)
{
	struct draft_forward_ask ask = { .token = r->token };
	struct draft_answer answer;

	if (!named(r, &ask.draft) || !request_read(r, &forward_shape, &ask, NULL) ||
		!ASK(r, mailbox, draft_forward, &ask, &answer))
		return r->reply;
	return reply_shape(&draft_shape, &answer);
}

/* --- sending --- */

struct send_question {
	uint64_t hold_seconds, level;
	struct compose_ask which;
};
enum { SEND_ATTACHMENTS = 3 }; /* its place among the fields */
static const struct json_field send_fields[] = {
	JSON_NUMBER_OF(send_question, hold_seconds, "hold_seconds"),
	JSON_NUMBER_OF(send_question, which.revision, "revision"),
	JSON_MAY_WORD_OF(send_question, level, "level", &words_level),
	[SEND_ATTACHMENTS] = JSON_MAY_LIST_OF(
		send_question, which.attachments, "attachments", &attachment_shape),
};
static const struct json_shape send_shape = JSON_SHAPE(send_question, send_fields);

/* How the browser is connected, as receipts say it. */
static void add_connection(const struct request *r, struct send_ask *ask)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_session_t session = info ? info->tls_session : NULL;

	ask->peer = str_of(r->peer.text);
	if (!session)
		return;
	bool newest = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3;
	ask->tls_version = newest ? STR("TLSv1.3") : STR("TLSv1.2");
	ask->cipher = str_of(gnutls_ciphersuite_get(session));
}

/* The message as it is put together from the draft, to the store. */
static bool send_composed(
	struct request *r, const struct send_question *question, struct send_answer *answer)
{
	struct composed_answer composed;
	scoped(fd_close) int fd = -1;

	if (!ASK_FD(r, mailbox, draft_compose, &question->which, -1, &composed, &fd))
		return false;
	if (fd < 0) {
		r->reply = reply_outcome(WEB_FAILED, STR("the message could not be put together"));
		return false;
	}
	struct send_ask ask = { .token = r->token,
		.sent = question->which.draft,
		.revision = question->which.revision,
		.sender = composed.sender,
		.subject = composed.subject,
		.hold_ms = question->hold_seconds * SECOND,
		.size = composed.size,
		.level = question->level };
	ask.recipients.at = composed.recipients.at;
	ask.recipients.len = composed.recipients.len;
	add_connection(r, &ask);
	return ASK_FD(r, store, send, &ask, fd, answer, NULL);
}

struct reply route_draft_send(struct request *r)
{
	struct send_question question = { .level = LEVEL_OPPORTUNISTIC };
	struct send_answer answer;
	struct sent_item before;
	struct str draft;
	uint32_t present = 0;

	if (!named(r, &draft) || !request_read(r, &send_shape, &question, &present))
		return r->reply;
	question.which.token = r->token;
	question.which.draft = draft;
	question.which.named = (present >> SEND_ATTACHMENTS) & 1;
	if (question.hold_seconds > HOLD_MOST)
		return reply_outcome(WEB_INVALID, STR("hold_seconds is more than 60"));
	if (draft_find_sent(r, draft, &before) && !before.undone)
		answer = (struct send_answer){ .id = before.id,
			.held_until = before.held_until,
			.revision = before.revision };
	else if (!send_composed(r, &question, &answer))
		return r->reply;
	enum web_outcome filed = draft_settle(r, draft, answer.revision, true);
	if (filed == WEB_TOO_LATE)
		return reply_outcome(filed, STR("it was taken back"));
	if (filed != WEB_OK)
		return reply_outcome(WEB_BUSY, STR("it is sent; its copy is not filed yet"));
	if (answer.revision < question.which.revision)
		return reply_outcome(
			WEB_TOO_LATE, STR("it was sent already, before it was changed"));
	return reply_json(json_pack("{s:o, s:o, s:I}", "sent", text_json(draft), "id",
		text_json(answer.id), "held_until", (json_int_t)answer.held_until));
}
