/* SPDX-License-Identifier: ISC
 *
 * admin.c - the operator's page. Whether somebody is one, the store says.
 */
#include "web/route.h"
#include "web/words.h"

enum { PAGE_MOST = 500, STEP_DEFAULT = DAY, DAYS_DEFAULT = 30 };

static const struct json_field account_fields[] = {
	JSON_TEXT_OF(admin_account, address, "address"),
	JSON_TEXT_OF(admin_account, alias, "alias"),
	JSON_WORD_OF(admin_account, language, "language", &words_language),
	JSON_FLAG_OF(admin_account, admin, "admin"),
	JSON_FLAG_OF(admin_account, active, "active"),
	JSON_WORD_OF(admin_account, level, "level", &words_level),
	JSON_FLAG_OF(admin_account, second_factor, "second_factor"),
	JSON_NUMBER_OF(admin_account, created, "created"),
	JSON_NUMBER_OF(admin_account, seen, "seen"),
};
static const struct json_shape account_shape = JSON_SHAPE(admin_account, account_fields);
static const struct json_field accounts_fields[] = {
	JSON_LIST_OF(admin_accounts_answer, accounts, "accounts", &account_shape),
};
static const struct json_shape accounts_shape = JSON_SHAPE(admin_accounts_answer, accounts_fields);

struct reply route_admin_accounts(struct request *r)
{
	struct admin_accounts_answer answer;

	if (!ASK(r, store, admin_accounts, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	return reply_shape(&accounts_shape, &answer);
}

static const struct json_field item_fields[] = {
	JSON_TEXT_OF(queue_item, id, "id"),
	JSON_TEXT_OF(queue_item, sender, "sender"),
	JSON_TEXT_OF(queue_item, recipient, "recipient"),
	JSON_TEXT_OF(queue_item, destination, "destination"),
	JSON_TEXT_OF(queue_item, subject, "subject"),
	JSON_WORD_OF(queue_item, state, "state", &words_recipient_state),
	JSON_WORDS_OF(queue_item, demands, "demands", &words_demands),
	JSON_NUMBER_OF(queue_item, size, "size"),
	JSON_NUMBER_OF(queue_item, accepted, "accepted"),
	JSON_NUMBER_OF(queue_item, next_attempt, "next_attempt"),
	JSON_NUMBER_OF(queue_item, attempts, "attempts"),
	JSON_NUMBER_OF(queue_item, deadline, "deadline"),
	JSON_REASON_OF(queue_item, reason, "reason"),
	JSON_TEXT_OF(queue_item, said, "said"),
};
static const struct json_shape item_shape = JSON_SHAPE(queue_item, item_fields);
static const struct json_field queue_fields[] = {
	JSON_LIST_OF(queue_answer, items, "items", &item_shape),
};
static const struct json_shape queue_shape = JSON_SHAPE(queue_answer, queue_fields);

static struct admin_page_ask page_of(const struct request *r)
{
	return (struct admin_page_ask){ .token = r->token,
		.after = request_query(r, "after"),
		.limit = request_query_number(r, "limit", 100, PAGE_MOST) };
}

struct reply route_admin_queue(struct request *r)
{
	const struct admin_page_ask ask = page_of(r);
	struct queue_answer answer;

	if (!ASK(r, store, admin_queue, &ask, &answer))
		return r->reply;
	return reply_shape(&queue_shape, &answer);
}

static const struct json_field certificate_fields[] = {
	JSON_NUMBER_OF(certificate_entry, entry, "entry"),
	JSON_TEXT_OF(certificate_entry, domain, "domain"),
	JSON_WORD_OF(certificate_entry, kind, "kind", &words_certificate),
	JSON_TEXT_OF(certificate_entry, value, "value"),
	JSON_TEXT_OF(certificate_entry, names, "names"),
	JSON_TEXT_OF(certificate_entry, note, "note"),
	JSON_NUMBER_OF(certificate_entry, added, "added"),
	JSON_NUMBER_OF(certificate_entry, expires, "expires"),
};
static const struct json_shape certificate_shape =
	JSON_SHAPE(certificate_entry, certificate_fields);
static const struct json_field certificates_fields[] = {
	JSON_LIST_OF(certificate_answer, certificates, "certificates", &certificate_shape),
};
static const struct json_shape certificates_shape =
	JSON_SHAPE(certificate_answer, certificates_fields);

struct reply route_admin_certificates(struct request *r)
{
	const struct admin_page_ask ask = page_of(r);
	struct certificate_answer answer;

	if (!ASK(r, store, admin_certificates, &ask, &answer))
		return r->reply;
	return reply_shape(&certificates_shape, &answer);
}

static const struct json_field delivery_fields[] = {
	JSON_NUMBER_OF(admin_delivery, time, "time"),
	JSON_WORDS_OF(admin_delivery, demands, "demands", &words_demands),
	JSON_WORD_OF(admin_delivery, state, "state", &words_recipient_state),
	JSON_REASON_OF(admin_delivery, reason, "reason"),
	JSON_NUMBER_OF(admin_delivery, count, "count"),
};
static const struct json_shape delivery_shape = JSON_SHAPE(admin_delivery, delivery_fields);
static const struct json_field destination_fields[] = {
	JSON_TEXT_OF(admin_destination, domain, "domain"),
	JSON_REASON_OF(admin_destination, reason, "reason"),
	JSON_NUMBER_OF(admin_destination, count, "count"),
	JSON_NUMBER_OF(admin_destination, last, "last"),
};
static const struct json_shape destination_shape =
	JSON_SHAPE(admin_destination, destination_fields);
static const struct json_field deliveries_fields[] = {
	JSON_LIST_OF(admin_deliveries_answer, deliveries, "deliveries", &delivery_shape),
	JSON_LIST_OF(admin_deliveries_answer, refused, "refused", &destination_shape),
};
static const struct json_shape deliveries_shape =
	JSON_SHAPE(admin_deliveries_answer, deliveries_fields);

/* The level that demands just this, for plots; what is joined from several has none. */
static const char *level_of_demands(uint64_t set)
{
	for (unsigned level = 0; level < LEVELS_N; level++) {
		if (level_demands((enum level)level) == set)
			return level_name((enum level)level);
	}
	return "";
}

struct reply route_admin_deliveries(struct request *r)
{
	uint64_t month_ago = (uint64_t)(clock_wall_ms() - (int64_t)DAYS_DEFAULT * DAY);
	const struct admin_deliveries_ask ask = { .token = r->token,
		.since = request_query_number(r, "since", month_ago, INT64_MAX),
		.step_ms = request_query_number(r, "step", STEP_DEFAULT, INT64_MAX) };
	struct admin_deliveries_answer answer;

	if (!ASK(r, store, admin_deliveries, &ask, &answer))
		return r->reply;
	json_t *json = json_write(&deliveries_shape, &answer);
	json_t *rows = json_object_get(json, "deliveries");
	for (size_t i = 0; i < answer.deliveries.len; i++)
		json_object_set_new(json_array_get(rows, i), "level",
			json_string(level_of_demands(answer.deliveries.at[i].demands)));
	return reply_json(json);
}

struct reply route_admin_status(struct request *r)
{
	struct admin_status_answer answer;
	struct health_answer health;
	const struct empty nothing = { 0 };
	json_t *figures;

	if (!ASK(r, store, admin_status, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	bool heard = call_health(r->web->delivery, &nothing, -1, &r->arena, &health, NULL,
			     deadline_in(CALL_PATIENCE), &r->why) &&
		     health.outcome == LOOK_DONE;
	figures = json_object();
	for (size_t i = 0; i < answer.figures.len; i++)
		json_object_setn_new(figures, answer.figures.at[i].name.at,
			answer.figures.at[i].name.len,
			json_integer((json_int_t)answer.figures.at[i].value));
	return reply_json(
		json_pack("{s:o, s:o, s:o}", "version", text_json(answer.version), "resolver",
			text_json(heard ? health.resolver : STR("unknown")), "figures", figures));
}
