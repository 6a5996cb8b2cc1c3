/* SPDX-License-Identifier: ISC
 *
 * preflight.c - what would happen now to mail from one of the account's addresses to another. The
 * store says where it would go and under which demands; delivery looks whether it would arrive.
 */
#include "web/route.h"
#include "web/words.h"

#include "base/log.h"

struct look_question {
	struct str from, address;
	uint64_t fresh;
};
static const struct json_field question_fields[] = {
	JSON_TEXT_OF(look_question, from, "from"),
	JSON_TEXT_OF(look_question, address, "address"),
	JSON_MAY_OF(JSON_FLAG, look_question, fresh, "fresh"),
};
static const struct json_shape question_shape = JSON_SHAPE(look_question, question_fields);

static const struct json_field look_fields[] = {
	JSON_WORDS_OF(preflight_answer, demands, "demands", &words_demands),
	JSON_WORD_OF(preflight_answer, verdict, "verdict", &words_verdict),
	JSON_REASON_OF(preflight_answer, reason, "reason"),
	JSON_FLAG_OF(preflight_answer, complete, "complete"),
	JSON_TEXT_OF(preflight_answer, host, "host"),
	JSON_TEXT_OF(preflight_answer, proven_by, "proven_by"),
	JSON_TEXT_OF(preflight_answer, tls_version, "tls_version"),
	JSON_TEXT_OF(preflight_answer, cipher, "cipher"),
};
static const struct json_shape look_shape = JSON_SHAPE(preflight_answer, look_fields);

static struct reply seen(const struct whither_answer *whither, const struct preflight_answer *look)
{
	json_t *json = json_write(&look_shape, look);

	json_object_set_new(
		json, "whither", json_string(json_word(&words_whither, whither->whither)));
	json_object_set_new(json, "domain", text_json(whither->domain));
	if (whither->whither != WHITHER_REMOTE)
		json_object_set_new(json, "verdict", json_string(""));
	return reply_json(json);
}

struct reply route_preflight_look(struct request *r)
{
	struct look_question question = { 0 };
	struct whither_answer whither;
	struct preflight_answer look = { .complete = 1 };

	if (!request_read(r, &question_shape, &question, NULL))
		return r->reply;
	const struct whither_ask ask = { r->token, question.from, question.address };
	if (!ASK(r, store, whither, &ask, &whither))
		return r->reply;
	look.demands = whither.demands;
	if (whither.whither != WHITHER_REMOTE)
		return seen(&whither, &look);
	const struct preflight_ask there = { whither.domain, whither.demands, question.fresh };
	if (!call_preflight(r->web->delivery, &there, -1, &r->arena, &look, NULL,
		    deadline_in(LOOK_PATIENCE), &r->why)) {
		LOG(LOG_WARNING, "call-failed", log_text("call", "preflight"),
			log_text("why", r->why.text));
		return reply_outcome(WEB_FAILED, STR(""));
	}
	if (look.outcome == LOOK_BUSY)
		return reply_outcome(WEB_BUSY, STR("too many look already"));
	if (look.outcome != LOOK_DONE)
		return reply_outcome(WEB_INVALID, STR("that is no domain"));
	return seen(&whither, &look);
}
