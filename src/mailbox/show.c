/* SPDX-License-Identifier: ISC
 *
 * show.c - documents for the pages. Runs in the mailbox role, in any thread; the message is read
 * by a process of its own (mime.h), and only what mime.h promises of a document is relied on.
 */
#include "mailbox/show.h"

#include "base/fd.h"
#include "base/log.h"
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOW_MS = 20 * SECOND };

static const char *const problem_words[] = {
#define PROBLEM_WORD(name, word) word,
	MIME_PROBLEMS(PROBLEM_WORD)
#undef PROBLEM_WORD
};

static const struct {
	uint64_t flag;
	const char *word;
} flag_words[] = {
	{ MESSAGE_SEEN, "seen" },
	{ MESSAGE_FLAGGED, "flagged" },
	{ MESSAGE_ANSWERED, "answered" },
	{ MESSAGE_FORWARDED, "forwarded" },
	{ MESSAGE_DRAFT, "draft" },
};

static json_t *json_of(struct str s)
{
	json_t *string = json_stringn(s.at ? s.at : "", s.len);

	return string ? string : json_string(""); /* a file's name may be anything */
}

static json_t *json_people(const struct person *people, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:o, s:o}", "name", json_of(people[i].name),
						    "address", json_of(people[i].address)));
	return list;
}

static json_t *json_texts(const struct text *texts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_of(texts[i].text));
	return list;
}

static json_t *json_problems(uint64_t problems)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count_of(problem_words); i++) {
		if (problems & UINT64_C(1) << i)
			json_array_append_new(list, json_string(problem_words[i]));
	}
	return list;
}

static json_t *json_flags(uint64_t flags)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count_of(flag_words); i++) {
		if (flags & flag_words[i].flag)
			json_array_append_new(list, json_string(flag_words[i].word));
	}
	return list;
}

static json_t *json_attachments(const struct mime_document *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->attachments.len; i++) {
		const struct mime_attachment *a = &d->attachments.at[i];

		json_array_append_new(list,
			json_pack("{s:o, s:o, s:o, s:I, s:b}", "part", json_of(a->part), "name",
				json_of(a->name), "type", json_of(a->type), "size",
				(json_int_t)a->size, "inline_image", (int)(a->inline_image != 0)));
	}
	return list;
}

/* The rows of an object: what the index knows, what the message says. */
static void set_index(json_t *object, struct str id, const struct message_answer *answer)
{
	json_object_set_new(object, "id", json_of(id));
	json_object_set_new(object, "folder",
		answer->folder.len ? json_of(answer->folder) : json_string("INBOX"));
	json_object_set_new(object, "flags", json_flags(answer->flags));
	json_object_set_new(object, "conversation", json_of(answer->conversation));
	json_object_set_new(object, "queue_id", json_of(answer->queue_id));
	json_object_set_new(object, "sent", json_of(answer->sent));
	json_object_set_new(object, "draft", json_of(answer->draft));
	json_object_set_new(object, "size", json_integer((json_int_t)answer->size));
	json_object_set_new(object, "arrival", json_null());
}

static void set_people(json_t *object, const struct mime_document *d)
{
	const struct {
		const char *name;
		const struct person *at;
		size_t n;
	} fields[] = {
		{ "from", d->from.at, d->from.len },
		{ "sender", d->sender.at, d->sender.len },
		{ "reply_to", d->reply_to.at, d->reply_to.len },
		{ "to", d->to.at, d->to.len },
		{ "cc", d->cc.at, d->cc.len },
		{ "bcc", d->bcc.at, d->bcc.len },
	};

	for (size_t i = 0; i < count_of(fields); i++)
		json_object_set_new(object, fields[i].name, json_people(fields[i].at, fields[i].n));
}

static void set_document(json_t *object, const struct mime_document *d)
{
	set_people(object, d);
	json_object_set_new(object, "subject", json_of(d->subject));
	json_object_set_new(object, "time", json_integer((json_int_t)(d->time & INT64_MAX)));
	json_object_set_new(object, "message_id", json_of(d->message_id));
	json_object_set_new(object, "references", json_texts(d->references.at, d->references.len));
	json_object_set_new(object, "text", json_of(d->text));
	json_object_set_new(object, "html", json_boolean(d->html != 0));
	json_object_set_new(object, "remote", json_boolean(d->remote != 0));
	json_object_set_new(object, "truncated", json_boolean(d->truncated != 0));
	json_object_set_new(object, "problems", json_problems(d->problems));
	json_object_set_new(object, "attachments", json_attachments(d));
}

static int sealed_json(const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	int fd = text ? fd_memfd_of("document", str_of(text)) : -1;

	free(text);
	return fd;
}

static int failed(uint64_t *outcome, struct str *text, const struct why *why, struct arena *arena)
{
	*outcome = WEB_FAILED;
	*text = arena_printf(arena, "%s", why->text);
	return -1;
}

int show_message(struct mime *mime, int file, struct str id, struct arena *arena,
	struct message_answer *answer)
{
	scoped(mime_end) struct mime_reader reader = MIME_READER(mime);
	scoped(arena_free) struct arena own = ARENA(2 * (size_t)MIME_ARENA_MAX);
	struct mime_document document;
	struct why why = { "" };
	json_t *object;
	int fd;

	if (!mime_document(&reader, MIME_DOCUMENT, file, MIME_TEXT_MAX, deadline_in(SHOW_MS), &own,
		    &document, &why))
		return failed(&answer->outcome, &answer->text, &why, arena);
	object = json_object();
	set_index(object, id, answer);
	set_document(object, &document);
	fd = sealed_json(object);
	json_decref(object);
	if (fd < 0) {
		why_errno(&why, "the document");
		return failed(&answer->outcome, &answer->text, &why, arena);
	}
	answer->outcome = WEB_OK;
	return fd;
}

/* What a reader wrote, once it is no more and can't change it; -1 and why. */
static int seal(int *out, uint64_t *size, struct why *why)
{
	size_t length;

	if (!fd_seal(*out))
		return why_errno(why, "sealing"), -1;
	if (!fd_check_sealed(*out, JOB_BODY_MAX, &length, why))
		return -1;
	*size = length;
	int fd = *out;
	*out = -1;
	return fd;
}

/* BODY or PART into a sealed memfd; -1: `document->found` is 0, or *why says what failed. */
static int written(struct mime *mime, const struct mime_ask *ask, int file, struct arena *arena,
	struct mime_document *document, uint64_t *size, struct why *why)
{
	scoped(mime_end) struct mime_reader reader = MIME_READER(mime);
	scoped(fd_close) int out = fd_memfd("part");

	document->found = 1;
	if (out < 0)
		return why_errno(why, "memory for a part"), -1;
	if (!mime_ask(&reader, ask, file, out, deadline_in(SHOW_MS), arena, document, why)) {
		document->found = 1;
		return -1;
	}
	mime_end(&reader);
	return document->found ? seal(&out, size, why) : -1;
}

int show_body(struct mime *mime, int file, struct arena *arena, struct message_answer *answer)
{
	scoped(arena_free) struct arena own = ARENA(MIME_ARENA_MAX);
	const struct mime_ask ask = { .job = MIME_BODY };
	struct mime_document document;
	struct why why = { "" };
	uint64_t size;
	int fd = written(mime, &ask, file, &own, &document, &size, &why);

	if (fd < 0 && document.found)
		return failed(&answer->outcome, &answer->text, &why, arena);
	answer->outcome = document.found ? WEB_OK : WEB_NOT_FOUND;
	return fd;
}

int show_part(struct mime *mime, int file, struct str part, bool shown, struct arena *arena,
	struct message_part_answer *answer)
{
	scoped(arena_free) struct arena own = ARENA(MIME_ARENA_MAX);
	const struct mime_ask ask = { .job = shown ? MIME_SHOWN : MIME_PART, .part = part };
	struct mime_document document;
	struct why why = { "" };
	int fd = written(mime, &ask, file, &own, &document, &answer->size, &why);

	if (fd < 0 && document.found)
		return failed(&answer->outcome, &answer->text, &why, arena);
	answer->outcome = document.found ? WEB_OK : WEB_NOT_FOUND;
	if (fd >= 0) {
		answer->type = arena_str(arena, document.type);
		answer->name = arena_str(arena, document.name);
	}
	return fd;
}
