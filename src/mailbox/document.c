/* SPDX-License-Identifier: ISC
 *
 * document.c - header, text and list of parts. Runs in the reader on hostile bytes. Everything
 * is bounded, so that the answer is: people, references, names, attachments, text.
 */
#include "mailbox/document.h"

#include "base/fd.h"
#include "mail/header.h"
#include "mail/plain_text.h"
#include "mailbox/charset.h"
#include "mailbox/fields.h"
#include "mailbox/html.h"
#include "mailbox/structure.h"
#include <string.h>

enum {
	PEOPLE_MAX = 500, /* of one field */
	REFERENCES_MAX = 100,
	PERSON_MAX = 200,
	ADDRESS_TEXT_MAX = 320,
	SUBJECT_MAX = 1000,
	ID_MAX = 250,
	DRAFT_MAX = 400,
	PREVIEW_MAX = 200,
	GROUPS_MAX = 4, /* groups within groups */
	HTML_READ_MAX = 4 * MIME_TEXT_MAX
};

/* A hostile value as a line of text. */
static struct str clean(const char *value, size_t max, struct arena *arena)
{
	scoped(buf_free) struct buf line = BUF(max + 4);
	struct str text;

	plain_text_add(&line, str_trim(str_of(value)), max);
	text = arena_str(arena, str_trim(buf_str(&line)));
	return text.at ? text : STR("");
}

struct people {
	struct person *at;
	size_t n;
};

static void add_people(
	struct people *people, InternetAddressList *list, unsigned depth, struct arena *arena)
{
	int n = list ? internet_address_list_length(list) : 0;

	for (int i = 0; i < n && people->n < PEOPLE_MAX; i++) {
		InternetAddress *one = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(one)) {
			if (depth < GROUPS_MAX)
				add_people(people,
					internet_address_group_get_members(
						INTERNET_ADDRESS_GROUP(one)),
					depth + 1, arena);
			continue;
		}
		people->at[people->n++] = (struct person){
			.name = clean(internet_address_get_name(one), PERSON_MAX, arena),
			.address = clean(
				internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one)),
				ADDRESS_TEXT_MAX, arena),
		};
	}
}

static struct people read_people(GMimeMessage *message, GMimeAddressType type, struct arena *arena)
{
	InternetAddressList *list = g_mime_message_get_addresses(message, type);
	struct people people = { 0 };

	if (!list || internet_address_list_length(list) == 0)
		return people;
	people.at = arena_array(arena, PEOPLE_MAX, sizeof *people.at);
	if (people.at)
		add_people(&people, list, 0, arena);
	return people;
}

static void read_all_people(
	GMimeMessage *message, struct arena *arena, struct mime_document *document)
{
	struct people from = read_people(message, GMIME_ADDRESS_TYPE_FROM, arena);
	struct people sender = read_people(message, GMIME_ADDRESS_TYPE_SENDER, arena);
	struct people reply_to = read_people(message, GMIME_ADDRESS_TYPE_REPLY_TO, arena);
	struct people to = read_people(message, GMIME_ADDRESS_TYPE_TO, arena);
	struct people cc = read_people(message, GMIME_ADDRESS_TYPE_CC, arena);
	struct people bcc = read_people(message, GMIME_ADDRESS_TYPE_BCC, arena);

	document->from.at = from.at, document->from.len = from.n;
	document->sender.at = sender.at, document->sender.len = sender.n;
	document->reply_to.at = reply_to.at, document->reply_to.len = reply_to.n;
	document->to.at = to.at, document->to.len = to.n;
	document->cc.at = cc.at, document->cc.len = cc.n;
	document->bcc.at = bcc.at, document->bcc.len = bcc.n;
}

static void add_reference(struct mime_document *document, struct str id)
{
	if (!id.len)
		return;
	for (size_t i = 0; i < document->references.len; i++) {
		if (str_eq(document->references.at[i].text, id))
			return;
	}
	if (document->references.len == REFERENCES_MAX) { /* the first is the conversation's */
		memmove(&document->references.at[1], &document->references.at[2],
			(REFERENCES_MAX - 2) * sizeof *document->references.at);
		document->references.len--;
	}
	document->references.at[document->references.len++].text = id;
}

static void add_references(
	struct mime_document *document, const char *value, size_t most, struct arena *arena)
{
	GMimeReferences *list = value ? g_mime_references_parse(NULL, value) : NULL;
	int n = list ? g_mime_references_length(list) : 0;

	for (int i = 0; i < n && (size_t)i < most; i++)
		add_reference(
			document, clean(g_mime_references_get_message_id(list, i), ID_MAX, arena));
	if (list)
		g_mime_references_free(list);
}

static void read_references(
	GMimeMessage *message, struct arena *arena, struct mime_document *document)
{
	GMimeObject *object = GMIME_OBJECT(message);

	document->references.at = arena_array(arena, REFERENCES_MAX, sizeof(struct text));
	if (!document->references.at)
		return;
	add_references(document, g_mime_object_get_header(object, "References"),
		8 * (size_t)REFERENCES_MAX, arena);
	add_references(document, g_mime_object_get_header(object, "In-Reply-To"), 1, arena);
}

static uint64_t read_time(GMimeMessage *message)
{
	GDateTime *date = g_mime_message_get_date(message);
	gint64 seconds = date ? g_date_time_to_unix(date) : 0;

	return seconds > 0 && seconds < INT64_C(253402300800) ? (uint64_t)seconds * 1000 : 0;
}

static void read_header(GMimeMessage *message, struct arena *arena, struct mime_document *document)
{
	document->subject = clean(g_mime_message_get_subject(message), SUBJECT_MAX, arena);
	document->message_id = clean(g_mime_message_get_message_id(message), ID_MAX, arena);
	document->draft = clean(g_mime_object_get_header(GMIME_OBJECT(message), "X-Siegel-Draft"),
		DRAFT_MAX, arena);
	document->time = read_time(message);
	read_all_people(message, arena, document);
	read_references(message, arena, document);
}

/* What of a text a person sees in a list: its first words, without what is quoted. */
static struct str preview(struct str text, struct arena *arena)
{
	scoped(buf_free) struct buf words = BUF(2 * PREVIEW_MAX);

	while (text.len && words.len <= PREVIEW_MAX) {
		struct str line = str_cut(&text, '\n');

		if (str_eq(line, STR("-- ")) || str_eq(line, STR("--")))
			break;
		if (str_starts(line, STR(">")))
			continue;
		while (line.len && words.len <= PREVIEW_MAX) {
			struct str word = str_cut(&line, ' ');

			if (word.len && words.len)
				buf_add_char(&words, ' ');
			buf_add(&words, str_head(word, PREVIEW_MAX));
		}
	}
	buf_add_char(&words, '\0'); /* a C string for clean() */
	return words.overflowed ? STR("") : clean(words.at, PREVIEW_MAX, arena);
}

/* Text as it is read, and the HTML, which is read only where it is needed. */
struct texts {
	struct buf text, html;
	bool replaced, html_read;
};

static void read_html(struct texts *texts, const struct leaf *html)
{
	if (texts->html_read)
		return;
	texts->html_read = true;
	texts->replaced |= !leaf_text(html, &texts->html, HTML_READ_MAX);
}

static void add_piece(struct texts *texts, const struct leaf *leaf)
{
	if (texts->text.len)
		buf_add_char(&texts->text, '\n');
	if (leaf->use == LEAF_HTML) {
		read_html(texts, leaf);
		html_to_text(&texts->text, buf_str(&texts->html));
		return;
	}
	/* One byte of some sets is three in UTF-8; none is more than four for one. */
	texts->replaced |= !leaf_text(leaf, &texts->text, 4 * texts->text.max);
}

static bool is_blank(struct str text)
{
	return str_trim(text).len == 0;
}

static void read_texts(const struct structure *s, const struct mime_ask *ask, struct texts *texts)
{
	const struct leaf *html = structure_html(s);
	bool html_counts = html && !structure_has_text_for(s, html);

	for (size_t i = 0; i < s->n; i++) {
		if (s->leaves[i].use == LEAF_TEXT || (&s->leaves[i] == html && html_counts))
			add_piece(texts, &s->leaves[i]);
	}
	if (is_blank(buf_str(&texts->text)) && html && !html_counts)
		add_piece(texts, html);
	if (is_blank(buf_str(&texts->text)))
		buf_add(&texts->text, s->stray);
	if (html && ask->job == MIME_DOCUMENT)
		read_html(texts, html);
}

static void take_text(struct texts *texts, struct arena *arena, struct mime_document *document)
{
	struct str text = arena_str(arena, buf_str(&texts->text));

	document->truncated |= texts->text.overflowed || texts->html.overflowed || !text.at;
	document->text = text.at ? text : STR("");
	document->preview = preview(document->text, arena);
	document->remote = html_is_remote(buf_str(&texts->html));
	if (texts->replaced)
		document->problems |= MIME_PROBLEM(CHARSET);
	buf_free(&texts->text);
	buf_free(&texts->html);
}

static void read_attachments(const struct structure *s, bool counted, struct arena *arena,
	struct mime_document *document)
{
	document->attachments.at = arena_array(arena, s->n, sizeof *document->attachments.at);
	for (size_t i = 0; document->attachments.at && i < s->n; i++) {
		const struct leaf *leaf = &s->leaves[i];

		if (leaf->use != LEAF_ATTACHMENT && leaf->use != LEAF_INLINE)
			continue;
		if (document->attachments.len == MIME_ATTACHMENTS_MAX) {
			document->truncated = 1;
			break;
		}
		document->attachments.at[document->attachments.len++] = (struct mime_attachment){
			.part = leaf->number,
			.name = leaf_name(leaf, arena),
			.type = leaf_type(leaf, arena),
			.size = leaf_size(leaf, counted),
			.inline_image = leaf->use == LEAF_INLINE,
		};
	}
}

bool document_read(
	int file, const struct mime_ask *ask, struct arena *arena, struct mime_document *document)
{
	size_t text_max = ask->text_max < MIME_TEXT_MAX ? (size_t)ask->text_max : MIME_TEXT_MAX;
	struct texts texts = { .text = BUF(text_max), .html = BUF(HTML_READ_MAX) };
	struct structure s;
	bool good = structure_open(&s, file, arena);

	*document = (struct mime_document){ .found = 1 };
	if (good) {
		read_header(s.message, arena, document);
		read_texts(&s, ask, &texts);
		take_text(&texts, arena, document);
		read_attachments(&s, ask->job == MIME_DOCUMENT, arena, document);
		document->html = structure_html(&s) != NULL;
		document->problems |= s.problems;
	}
	structure_close(&s);
	return good;
}

/* --- without GMime -------------------------------------------------------------------------- */

static void read_plain_field(
	const struct field *field, struct arena *arena, struct mime_document *document)
{
	if (str_eq_nocase(field->name, STR("Subject")))
		document->subject = header_decode(field->value, arena, SUBJECT_MAX);
	if (str_eq_nocase(field->name, STR("Message-ID")))
		document->message_id = header_decode(field->value, arena, ID_MAX);
	if (!str_eq_nocase(field->name, STR("From")) || document->from.len)
		return;
	document->from.at = arena_array(arena, 1, sizeof *document->from.at);
	if (!document->from.at)
		return;
	document->from.at[0].name = header_decode(field->value, arena, PERSON_MAX);
	document->from.len = 1;
}

bool document_read_plain(
	int file, const struct mime_ask *ask, struct arena *arena, struct mime_document *document)
{
	size_t text_max = ask->text_max < MIME_TEXT_MAX ? (size_t)ask->text_max : MIME_TEXT_MAX;
	struct texts texts = { .text = BUF(text_max), .html = BUF(0) };
	struct mapping mapping;
	struct field field;
	struct str rest;
	unsigned n = 0;

	*document = (struct mime_document){
		.found = 1, .problems = MIME_PROBLEM(UNREADABLE), .truncated = 1
	};
	if (!fd_map_file(file, &mapping, NULL))
		return false;
	rest = mapping.bytes;
	while (fields_next(&rest, &field)) {
		if (n++ < PEOPLE_MAX)
			read_plain_field(&field, arena, document);
	}
	charset_add(&texts.text, str_head(rest, text_max), NULL);
	take_text(&texts, arena, document);
	fd_unmap(&mapping);
	return true;
}
