/* SPDX-License-Identifier: ISC
 *
 * sent.c - what became of what was sent: states, receipts, taking it back, and notices of what no
 * letter told.
 */
#include "web/draft.h"
#include "web/route.h"
#include "web/words.h"

#include "mail/receipt.h"
#include <microhttpd.h>

enum { SENT_MOST = 100, RECEIPT_MAX = 8 * 1024 * 1024 };

static const struct json_field recipient_fields[] = {
	JSON_TEXT_OF(sent_recipient, address, "address"),
	JSON_WORD_OF(sent_recipient, state, "state", &words_recipient_state),
	JSON_WORDS_OF(sent_recipient, demands, "demands", &words_demands),
	JSON_WORD_OF(sent_recipient, transport, "transport", &words_transport),
	JSON_FLAG_OF(sent_recipient, transmitted, "transmitted"),
	JSON_TEXT_OF(sent_recipient, host, "host"),
	JSON_TEXT_OF(sent_recipient, tls_version, "tls_version"),
	JSON_TEXT_OF(sent_recipient, cipher, "cipher"),
	JSON_TEXT_OF(sent_recipient, proven_by, "proven_by"),
	JSON_NUMBER_OF(sent_recipient, time, "time"),
	JSON_NUMBER_OF(sent_recipient, attempts, "attempts"),
	JSON_NUMBER_OF(sent_recipient, next_attempt, "next_attempt"),
	JSON_NUMBER_OF(sent_recipient, deadline, "deadline"),
	JSON_REASON_OF(sent_recipient, reason, "reason"),
	JSON_REASON_OF(sent_recipient, last_reason, "last_reason"),
	JSON_TEXT_OF(sent_recipient, code, "code"),
	JSON_TEXT_OF(sent_recipient, said, "said"),
	JSON_FLAG_OF(sent_recipient, told, "told"),
};
static const struct json_shape recipient_shape = JSON_SHAPE(sent_recipient, recipient_fields);
static const struct json_field item_fields[] = {
	JSON_TEXT_OF(sent_item, sent, "sent"),
	JSON_TEXT_OF(sent_item, id, "id"),
	JSON_TEXT_OF(sent_item, sender, "from"),
	JSON_TEXT_OF(sent_item, subject, "subject"),
	JSON_NUMBER_OF(sent_item, accepted, "accepted"),
	JSON_NUMBER_OF(sent_item, held_until, "held_until"),
	JSON_FLAG_OF(sent_item, undone, "undone"),
	JSON_LIST_OF(sent_item, recipients, "recipients", &recipient_shape),
};
static const struct json_shape item_shape = JSON_SHAPE(sent_item, item_fields);

/* One word for all of it: as long as anybody waits, it waits. */
static const char *state_of(const struct sent_item *item)
{
	size_t delivered = 0, failed = 0;

	for (size_t i = 0; i < item->recipients.len; i++) {
		delivered += item->recipients.at[i].state == STATE_DELIVERED;
		failed += item->recipients.at[i].state == STATE_FAILED;
	}
	if (item->undone)
		return "undone";
	if (item->held_until > (uint64_t)clock_wall_ms())
		return "held";
	if (delivered + failed < item->recipients.len)
		return "waiting";
	if (!failed)
		return "delivered";
	return delivered ? "mixed" : "not-sent";
}

/* "a,b,c" as a list. */
static bool read_ids(struct request *r, struct sent_ask *ask)
{
	struct str rest = request_query(r, "ids");

	ask->sent.at = arena_array(&r->arena, SENT_MOST, sizeof *ask->sent.at);
	while (rest.len && ask->sent.at && ask->sent.len < SENT_MOST) {
		struct str id = str_cut(&rest, ',');
		if (!draft_names_one(id)) {
			r->reply = reply_outcome(WEB_INVALID, STR("ids"));
			return false;
		}
		ask->sent.at[ask->sent.len++].text = id;
	}
	return true;
}

struct reply route_sent_list(struct request *r)
{
	struct sent_ask ask = { .token = r->token,
		.limit = request_query_number(r, "limit", 50, SENT_MOST) };
	struct sent_answer answer;

	if (!read_ids(r, &ask) || !ASK(r, store, sent_show, &ask, &answer))
		return r->reply;
	json_t *items = json_array();
	for (size_t i = 0; i < answer.items.len; i++) {
		json_t *item = json_write(&item_shape, &answer.items.at[i]);
		json_object_set_new(item, "state", json_string(state_of(&answer.items.at[i])));
		json_array_append_new(items, item);
	}
	return reply_json(json_pack("{s:o}", "items", items));
}

/* --- taking it back --- */

struct reply route_sent_undo(struct request *r)
{
	struct text id = { r->part[0] };
	const struct sent_ask ask = { .token = r->token, .sent = { &id, 1 }, .limit = 1 };
	struct send_answer undone = { .outcome = WEB_BUSY };

	if (!ASK(r, store, send_undo, &ask, &undone))
		return r->reply;
	enum web_outcome outcome = draft_settle(r, r->part[0], undone.revision, false);
	return outcome == WEB_OK ? draft_reply(r, r->part[0]) : reply_outcome(outcome, STR(""));
}

/* --- receipts --- */

static void add_line(struct buf *to, struct str line)
{
	buf_add(to, line);
	buf_add_char(to, '\n');
}

/* The file of doc/receipts.md, as `siegel receipt verify` reads it. */
static struct reply receipt_file(struct request *r, const struct receipt_own_answer *answer)
{
	scoped(buf_free) struct buf file = BUF(RECEIPT_MAX);

	for (size_t i = 0; i < answer->records.len; i++)
		add_line(&file, answer->records.at[i].text);
	add_line(&file, answer->statement);
	buf_printf(&file, LINE_SIGNATURE "%.*s\"}\n", STR_ARG(answer->signature));
	struct reply reply = { .status = MHD_HTTP_OK };
	reply.handout = (struct handout){ .fd = fd_memfd_of("receipt", buf_str(&file)),
		.size = file.len,
		.type = "application/json-seq",
		.name = arena_printf(&r->arena, "receipt-%.*s.jsonl", STR_ARG(r->part[0])) };
	if (file.overflowed || reply.handout.fd < 0) {
		reply_free(&reply);
		return reply_outcome(WEB_FAILED, STR(""));
	}
	return reply;
}

static json_t *records_of(const struct receipt_own_answer *answer)
{
	json_t *records = json_array();

	for (size_t i = 0; i < answer->records.len; i++) {
		struct str text = answer->records.at[i].text;
		json_t *record = json_loadb(text.at, text.len, JSON_ALLOW_NUL, NULL);
		json_array_append_new(records, record ? record : text_json(text));
	}
	return records;
}

static struct reply receipt(struct request *r, struct str sent, struct str id)
{
	const struct receipt_own_ask ask = { r->token, sent, id };
	struct receipt_own_answer answer;

	if (!ASK(r, store, receipt_own, &ask, &answer))
		return r->reply;
	if (request_query_number(r, "download", 0, 1))
		return receipt_file(r, &answer);
	return reply_json(json_pack("{s:o, s:o, s:o, s:o}", "records", records_of(&answer),
		"statement", text_json(answer.statement), "signature", text_json(answer.signature),
		"public_key", text_json(answer.public_key)));
}

struct reply route_sent_receipt(struct request *r)
{
	return receipt(r, r->part[0], STR(""));
}

/* Of a message that came in: its queue id is in the mailbox's index. */
struct reply route_message_receipt(struct request *r)
{
	const struct message_ask ask = { .token = r->token, .id = r->part[0] };
	struct message_answer answer;
	scoped(fd_close) int fd = -1;

	if (!ASK_FD(r, mailbox, message_source, &ask, -1, &answer, &fd))
		return r->reply;
	if (!answer.queue_id.len)
		return reply_outcome(WEB_NOT_FOUND, STR("it did not come through this server"));
	return receipt(r, STR(""), answer.queue_id);
}

/* --- notices --- */

static const struct json_field notice_fields[] = {
	JSON_NUMBER_OF(notice, time, "time"),
	JSON_WORD_OF(notice, kind, "kind", &words_notice),
	JSON_TEXT_OF(notice, id, "id"),
	JSON_TEXT_OF(notice, subject, "subject"),
	JSON_TEXT_OF(notice, who, "who"),
	JSON_TEXT_OF(notice, peer, "peer"),
	JSON_REASON_OF(notice, reason, "reason"),
	JSON_NUMBER_OF(notice, count, "count"),
};
static const struct json_shape notice_shape = JSON_SHAPE(notice, notice_fields);
static const struct json_field notices_fields[] = {
	JSON_LIST_OF(notices_answer, notices, "notices", &notice_shape),
};
static const struct json_shape notices_shape = JSON_SHAPE(notices_answer, notices_fields);

struct reply route_notice_list(struct request *r)
{
	struct notices_answer answer;

	if (!ASK(r, store, notices_own, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	return reply_shape(&notices_shape, &answer);
}
