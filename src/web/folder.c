/* SPDX-License-Identifier: ISC
 *
 * folder.c - the folders of a mailbox, and the addresses one has written to.
 */
#include "web/mail.h"
#include "web/route.h"
#include "web/words.h"

static const struct json_field folder_fields[] = {
	JSON_FOLDER_OF(folder, folder, "folder"),
	JSON_TEXT_OF(folder, name, "name"),
	JSON_WORD_OF(folder, kind, "kind", &words_folder_kind),
	JSON_NUMBER_OF(folder, total, "total"),
	JSON_NUMBER_OF(folder, unseen, "unseen"),
};
static const struct json_shape folder_shape = JSON_SHAPE(folder, folder_fields);
static const struct json_field list_fields[] = {
	JSON_LIST_OF(folders_answer, folders, "folders", &folder_shape),
};
static const struct json_shape list_shape = JSON_SHAPE(folders_answer, list_fields);

struct reply route_folder_list(struct request *r)
{
	struct folders_answer answer;

	if (!ASK(r, mailbox, folders, (&(struct token_ask){ r->token }), &answer))
		return r->reply;
	return reply_shape(&list_shape, &answer);
}

static const struct json_field name_fields[] = { JSON_TEXT_OF(folder_change_ask, name, "name") };
static const struct json_shape name_shape = JSON_SHAPE(folder_change_ask, name_fields);

static struct reply change(struct request *r, struct folder_change_ask *ask)
{
	struct folders_answer answer;

	ask->token = r->token;
	if (!ASK(r, mailbox, folder_change, ask, &answer))
		return r->reply;
	return reply_shape(&list_shape, &answer);
}

struct reply route_folder_create(struct request *r)
{
	struct folder_change_ask ask = { .change = FOLDER_CREATE };

	return request_read(r, &name_shape, &ask, NULL) ? change(r, &ask) : r->reply;
}

struct reply route_folder_rename(struct request *r)
{
	struct folder_change_ask ask = { .change = FOLDER_RENAME,
		.folder = json_folder_of(r->part[0]) };

	return request_read(r, &name_shape, &ask, NULL) ? change(r, &ask) : r->reply;
}

struct reply route_folder_remove(struct request *r)
{
	struct folder_change_ask ask = { .change = FOLDER_REMOVE,
		.folder = json_folder_of(r->part[0]) };

	return change(r, &ask);
}

static const struct json_field address_fields[] = {
	JSON_LIST_OF(addresses_answer, people, "people", &person_shape),
};
static const struct json_shape address_shape = JSON_SHAPE(addresses_answer, address_fields);

struct reply route_address_list(struct request *r)
{
	const struct addresses_ask ask = { .token = r->token,
		.prefix = request_query(r, "q"),
		.limit = request_query_number(r, "limit", 8, 50) };
	struct addresses_answer answer;

	if (!ASK(r, mailbox, addresses, &ask, &answer))
		return r->reply;
	return reply_shape(&address_shape, &answer);
}
