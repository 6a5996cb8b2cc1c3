/* SPDX-License-Identifier: ISC
 *
 * settings.c - what an account chose, and the ways into it: password, second factor, application
 * passwords. The store decides all of it.
 */
#include "web/route.h"
#include "web/words.h"

#include <qrencode.h>

/* --- settings --- */

static const struct json_field settings_fields[] = {
	JSON_TEXT_OF(settings_answer, address, "address"),
	JSON_TEXT_OF(settings_answer, alias, "alias"),
	JSON_FLAG_OF(settings_answer, active, "active"),
	JSON_WORD_OF(settings_answer, level, "level", &words_level),
	JSON_NUMBER_OF(settings_answer, deadline, "deadline"),
	JSON_NUMBER_OF(settings_answer, deadline_default, "deadline_default"),
	JSON_NUMBER_OF(settings_answer, deadline_least, "deadline_least"),
	JSON_NUMBER_OF(settings_answer, deadline_most, "deadline_most"),
	JSON_WORD_OF(settings_answer, language, "language", &words_language),
	JSON_FLAG_OF(settings_answer, admin, "admin"),
	JSON_FLAG_OF(settings_answer, second_factor, "second_factor"),
	JSON_MEMBERS_OF(settings_answer, preferences, "preferences"),
};
static const struct json_shape settings_shape = JSON_SHAPE(settings_answer, settings_fields);

struct reply route_settings_show(struct request *r)
{
	struct settings_answer answer;

	if (!ASK(r, store, settings_show, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	return reply_shape(&settings_shape, &answer);
}

/* In the order of `changes` below. */
static const struct json_field change_fields[] = {
	JSON_MAY_OF(JSON_FLAG, settings_set_ask, active, "active"),
	JSON_MAY_WORD_OF(settings_set_ask, level, "level", &words_level),
	JSON_MAY_OF(JSON_NUMBER, settings_set_ask, deadline, "deadline"),
	JSON_MAY_WORD_OF(settings_set_ask, language, "language", &words_language),
	JSON_MAY_OF(JSON_MEMBERS, settings_set_ask, preferences, "preferences"),
};
static const struct json_shape change_shape = JSON_SHAPE(settings_set_ask, change_fields);

struct reply route_settings_change(struct request *r)
{
	static const enum alias_set changes[] = { ALIAS_SET_ACTIVE, ALIAS_SET_LEVEL,
		ALIAS_SET_DEADLINE, ALIAS_SET_LANGUAGE };
	struct settings_set_ask ask = { .token = r->token };
	struct settings_answer answer;
	uint32_t present = 0;

	if (!request_read(r, &change_shape, &ask, &present))
		return r->reply;
	for (size_t i = 0; i < count_of(changes); i++)
		ask.set |= present & (1u << i) ? changes[i] : 0;
	if (!ASK(r, store, settings_set, &ask, &answer))
		return r->reply;
	return reply_shape(&settings_shape, &answer);
}

/* Levels are names in the answer's object, not members that a table could name. */
struct reply route_settings_reach(struct request *r)
{
	struct reach_answer answer;
	json_t *levels = json_object();

	if (!ASK(r, store, settings_reach, (&(struct token_ask){ r->token }), &answer)) {
		json_decref(levels);
		return r->reply;
	}
	for (size_t i = 0; i < answer.levels.len; i++)
		json_object_set_new(levels, json_word(&words_level, answer.levels.at[i].level),
			json_integer((json_int_t)answer.levels.at[i].reached));
	return reply_json(json_pack("{s:I, s:I, s:o}", "since", (json_int_t)answer.since,
		"recipients", (json_int_t)answer.recipients, "levels", levels));
}

static const struct json_field provider_fields[] = {
	JSON_TEXT_OF(certificate_entry, domain, "domain"),
	JSON_WORD_OF(certificate_entry, kind, "kind", &words_certificate),
	JSON_TEXT_OF(certificate_entry, note, "note"),
	JSON_NUMBER_OF(certificate_entry, expires, "expires"),
};
static const struct json_shape provider_shape = JSON_SHAPE(certificate_entry, provider_fields);
static const struct json_field providers_fields[] = {
	JSON_LIST_OF(certificate_answer, certificates, "providers", &provider_shape),
};
static const struct json_shape providers_shape = JSON_SHAPE(certificate_answer, providers_fields);

struct reply route_settings_providers(struct request *r)
{
	struct certificate_answer answer;

	if (!ASK(r, store, settings_providers, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	return reply_shape(&providers_shape, &answer);
}

/* --- password --- */

static const struct json_field password_fields[] = {
	JSON_TEXT_OF(password_set_ask, old, "old"),
	JSON_TEXT_OF(password_set_ask, new, "new"),
};
static const struct json_shape password_shape = JSON_SHAPE(password_set_ask, password_fields);

struct reply route_password_change(struct request *r)
{
	struct password_set_ask ask = { .token = r->token, .peer = str_of(r->peer.text) };
	struct done_answer answer;

	if (!request_read(r, &password_shape, &ask, NULL) ||
		!ASK(r, store, password_set, &ask, &answer))
		return r->reply;
	return reply_empty();
}

/* --- second factor --- */

/* Rows of modules, '1' for a dark one: the page draws them. */
static json_t *qr_rows(struct request *r, struct str uri)
{
	json_t *rows = json_array();
	struct str text = arena_str(&r->arena, uri);
	QRcode *code = text.at ? QRcode_encodeString8bit(text.at, 0, QR_ECLEVEL_M) : NULL;

	for (int y = 0; code && y < code->width; y++) {
		scoped(buf_free) struct buf row = BUF(1024);
		for (int x = 0; x < code->width; x++)
			buf_add_char(&row, code->data[y * code->width + x] & 1 ? '1' : '0');
		json_array_append_new(rows, text_json(buf_str(&row)));
	}
	QRcode_free(code);
	return rows;
}

struct reply route_factor_begin(struct request *r)
{
	struct factor_answer answer;

	if (!ASK(r, store, factor_begin, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	return reply_json(json_pack("{s:o, s:o, s:o}", "secret", text_json(answer.secret), "uri",
		text_json(answer.uri), "qr", qr_rows(r, answer.uri)));
}

static const struct json_field on_fields[] = {
	JSON_TEXT_OF(factor_set_ask, code, "code"),
	JSON_TEXT_OF(factor_set_ask, password, "password"),
};
static const struct json_shape on_shape = JSON_SHAPE(factor_set_ask, on_fields);
static const struct json_field recovery_fields[] = {
	JSON_TEXTS_OF(factor_answer, recovery, "recovery"),
};
static const struct json_shape recovery_shape = JSON_SHAPE(factor_answer, recovery_fields);

struct reply route_factor_on(struct request *r)
{
	struct factor_set_ask ask = { .token = r->token, .on = 1, .peer = str_of(r->peer.text) };
	struct factor_answer answer;

	if (!request_read(r, &on_shape, &ask, NULL) || !ASK(r, store, factor_set, &ask, &answer))
		return r->reply;
	return reply_shape(&recovery_shape, &answer);
}

static const struct json_field off_fields[] = {
	JSON_TEXT_OF(factor_set_ask, password, "password"),
};
static const struct json_shape off_shape = JSON_SHAPE(factor_set_ask, off_fields);

struct reply route_factor_off(struct request *r)
{
	struct factor_set_ask ask = { .token = r->token, .peer = str_of(r->peer.text) };
	struct factor_answer answer;

	if (!request_read(r, &off_shape, &ask, NULL) || !ASK(r, store, factor_set, &ask, &answer))
		return r->reply;
	return reply_empty();
}

/* --- application passwords --- */

static const struct json_field app_password_fields[] = {
	JSON_NUMBER_OF(app_password, entry, "entry"),
	JSON_TEXT_OF(app_password, name, "name"),
	JSON_NUMBER_OF(app_password, created, "created"),
	JSON_NUMBER_OF(app_password, used, "used"),
};
static const struct json_shape app_password_shape = JSON_SHAPE(app_password, app_password_fields);
static const struct json_field app_passwords_fields[] = {
	JSON_LIST_OF(app_password_answer, passwords, "passwords", &app_password_shape),
	JSON_TEXT_OF(app_password_answer, password, "password"),
};
static const struct json_shape made_shape = JSON_SHAPE(app_password_answer, app_passwords_fields);
/* The same without the one that is shown once. */
static const struct json_shape app_passwords_shape = { app_passwords_fields, 1,
	sizeof(struct app_password_answer) };

struct reply route_app_password_list(struct request *r)
{
	struct app_password_answer answer;

	if (!ASK(r, store, app_password_list, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	return reply_shape(&app_passwords_shape, &answer);
}

static const struct json_field add_fields[] = {
	JSON_TEXT_OF(app_password_add_ask, name, "name"),
	JSON_TEXT_OF(app_password_add_ask, password, "password"),
};
static const struct json_shape add_shape = JSON_SHAPE(app_password_add_ask, add_fields);

struct reply route_app_password_add(struct request *r)
{
	struct app_password_add_ask ask = { .token = r->token, .peer = str_of(r->peer.text) };
	struct app_password_answer answer;

	if (!request_read(r, &add_shape, &ask, NULL) ||
		!ASK(r, store, app_password_add, &ask, &answer))
		return r->reply;
	return reply_shape(&made_shape, &answer);
}

struct reply route_app_password_remove(struct request *r)
{
	struct app_password_remove_ask ask = { .token = r->token };
	struct app_password_answer answer;

	if (!str_to_u64(r->part[0], &ask.entry))
		return reply_outcome(WEB_NOT_FOUND, STR(""));
	if (!ASK(r, store, app_password_remove, &ask, &answer))
		return r->reply;
	return reply_shape(&app_passwords_shape, &answer);
}
