/* SPDX-License-Identifier: ISC
 *
 * fuzz_mime.c - whatever a message is, its document keeps what mime.h promises: bounded, UTF-8, no
 * control characters; every part that is listed can be had; and its body begins as ours do.
 */
#include "base/fd.h"
#include "base/must.h"
#include "mailbox/reader.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 2000, OUT_MAX = 64 * 1024 * 1024 };

static void check(struct str s, bool is_text)
{
	must(str_is_utf8(s));
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		must((c >= ' ' && c != 0x7f) || (is_text && (c == '\n' || c == '\t')));
	}
}

static void check_people(const struct person *people, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		check(people[i].name, false);
		check(people[i].address, false);
	}
}

static void check_document(const struct mime_document *d)
{
	check(d->subject, false);
	check(d->message_id, false);
	check(d->preview, false);
	check(d->draft, false);
	check(d->text, true);
	must(d->text.len <= TEXT_MAX && d->attachments.len <= MIME_ATTACHMENTS_MAX);
	check_people(d->from.at, d->from.len);
	check_people(d->to.at, d->to.len);
	check_people(d->cc.at, d->cc.len);
	for (size_t i = 0; i < d->references.len; i++)
		check(d->references.at[i].text, false);
	for (size_t i = 0; i < d->attachments.len; i++) {
		check(d->attachments.at[i].name, false);
		check(d->attachments.at[i].type, false);
		must(str_find(d->attachments.at[i].name, '/') == d->attachments.at[i].name.len);
	}
}

/* SHOWN: what is said to be plain text is UTF-8, and nothing that a terminal would obey. */
static void check_shown(int out, const struct mime_document *d)
{
	struct mapping mapping;

	if (!str_eq(d->type, STR("text/plain")))
		return;
	must(fd_map_file(out, &mapping, NULL));
	check(mapping.bytes, true);
	fd_unmap(&mapping);
}

/* BODY, PART or SHOWN of it: is it there? */
static bool write_out(int file, enum mime_job job, struct str part)
{
	scoped(arena_free) struct arena arena = ARENA(MIME_ARENA_MAX);
	scoped(fd_close) int out = fd_memfd("out");
	const struct mime_ask ask = { .job = job, .part = part };
	struct mime_document document;

	must(reader_answer(&ask, file, out, &arena, &document));
	must(lseek(out, 0, SEEK_END) <= OUT_MAX);
	if (job == MIME_SHOWN)
		check_shown(out, &document);
	return document.found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool prepared;
	scoped(arena_free) struct arena arena = ARENA(MIME_ARENA_MAX);
	scoped(fd_close) int file = fd_memfd("message");
	struct mime_ask ask = { .job = MIME_DOCUMENT, .text_max = TEXT_MAX };
	struct mime_document document;

	if (!prepared)
		mime_prepare();
	prepared = true;
	must(fd_write_all(file, (struct str){ (const char *)data, size }));
	if (reader_answer(&ask, file, -1, &arena, &document)) {
		check_document(&document);
		for (size_t i = 0; i < document.attachments.len && i < 3; i++)
			must(write_out(file, MIME_PART, document.attachments.at[i].part) &&
				write_out(file, MIME_SHOWN, document.attachments.at[i].part));
		must(write_out(file, MIME_BODY, STR("")) == (document.html != 0));
	}
	ask.job = MIME_PLAIN;
	must(reader_answer(&ask, file, -1, &arena, &document));
	check_document(&document);
	return 0;
}
