/* SPDX-License-Identifier: ISC
 *
 * document_part.c - bytes of a message by themselves: its HTML body with the pictures put in, and
 * any part, decoded, plain text that is to be shown in UTF-8. Runs in the reader; what is written is
 * as hostile as what is read.
 */
#include "mailbox/document.h"

#include "base/fd.h"
#include "mail/command.h"
#include "mailbox/html.h"
#include "mailbox/structure.h"

enum {
	HTML_MAX = 8 * 1024 * 1024,
	PICTURES_MAX = 24 * 1024 * 1024, /* bytes of all that are put in */
	PIECE = 57 * 1024,		 /* encoded without a rest */
	CIDS_MAX = 2000,		 /* that are looked for */
	ID_ROOM = 1000
};

/* In front of the message's own. Its links open elsewhere, or not at all; a page that chooses no
 * colours follows the reader's. */
static const char head[] =
	"<!DOCTYPE html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">"
	"<base target=\"_blank\"><meta name=\"color-scheme\" content=\"%s\">"
	"<style>html{font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}body{margin:8px}"
	"img{max-width:100%%;height:auto}%s</style>\n";

static bool write_head(int out, struct str html)
{
	scoped(buf_free) struct buf text = BUF(1024);
	bool has_colours = html_has_colours(html);

	buf_printf(&text, head, has_colours ? "light" : "light dark",
		has_colours ? "html{background:#fff;color:#000}" : "");
	return fd_write_all(out, buf_str(&text));
}

/* `data:TYPE;base64,...` */
static bool write_picture(int out, const struct leaf *leaf, struct arena *arena)
{
	scoped(buf_free) struct buf text = BUF(2 * PIECE);
	GMimeStream *stream = leaf_open(leaf);
	char piece[PIECE];
	size_t filled = 0;
	ssize_t n = 1;
	bool good;

	buf_printf(&text, "data:%.*s;base64,", STR_ARG(leaf_type(leaf, arena)));
	good = fd_write_all(out, buf_str(&text));
	buf_clear(&text);
	while (stream && good && n > 0) {
		n = g_mime_stream_read(stream, piece + filled, sizeof piece - filled);
		filled += n > 0 ? (size_t)n : 0;
		if (n > 0 && filled < sizeof piece)
			continue;
		base64_encode(&text, (struct str){ piece, filled });
		good = fd_write_all(out, buf_str(&text));
		buf_clear(&text);
		filled = 0;
	}
	if (stream)
		g_object_unref(stream);
	return good;
}

static bool write_html(
	int out, const struct structure *s, struct str html, struct arena *arena, bool *cut)
{
	char room[ID_ROOM];
	uint64_t pictures = 0;
	unsigned cids = 0;

	while (html.len) {
		struct str all = html, id;
		struct str before = html_next_cid(&html, room, sizeof room, &id);
		const struct leaf *leaf = cids++ < CIDS_MAX ? structure_picture(s, id) : NULL;
		uint64_t size = leaf ? leaf_size(leaf, false) : 0;

		if (!leaf || pictures + size > PICTURES_MAX) {
			*cut |= leaf != NULL;
			if (!fd_write_all(out, str_head(all, all.len - html.len)))
				return false;
			continue;
		}
		pictures += size;
		if (!fd_write_all(out, before) || !write_picture(out, leaf, arena))
			return false;
	}
	return true;
}

bool document_body(int file, int out, struct arena *arena, struct mime_document *document)
{
	scoped(buf_free) struct buf html = BUF(HTML_MAX);
	struct structure s;
	bool good = structure_open(&s, file, arena), cut = false;
	const struct leaf *leaf = structure_html(&s);

	*document = (struct mime_document){ .found = leaf != NULL, .type = STR("text/html") };
	if (good && leaf) {
		leaf_text(leaf, &html, HTML_MAX);
		html_unlink(&html);
		document->remote = html_is_remote(buf_str(&html));
		good = write_head(out, buf_str(&html)) &&
		       write_html(out, &s, buf_str(&html), arena, &cut);
		document->truncated = cut || html.overflowed;
	}
	structure_close(&s);
	return good;
}

static bool write_part(int out, const struct leaf *leaf)
{
	GMimeStream *stream = leaf_open(leaf);
	char piece[PIECE];
	ssize_t n = 0;
	bool good = true;

	while (stream && good && (n = g_mime_stream_read(stream, piece, sizeof piece)) > 0)
		good = fd_write_all(out, (struct str){ piece, (size_t)n });
	if (stream)
		g_object_unref(stream);
	return good;
}

/* UTF-8 whatever it was written in. What is too long for that is a file like any other. */
static bool write_shown(int out, const struct leaf *leaf, struct mime_document *document)
{
	scoped(buf_free) struct buf text = BUF(4 * (size_t)MIME_SHOWN_MAX);

	if (!str_eq(document->type, STR("text/plain")))
		return write_part(out, leaf);
	if (leaf_size(leaf, true) > MIME_SHOWN_MAX) {
		document->type = STR("application/octet-stream");
		return write_part(out, leaf);
	}
	leaf_text(leaf, &text, MIME_SHOWN_MAX);
	return fd_write_all(out, buf_str(&text));
}

bool document_part(int file, const struct mime_ask *ask, int out, struct arena *arena,
	struct mime_document *document)
{
	struct structure s;
	bool good = structure_open(&s, file, arena);
	const struct leaf *leaf = structure_find(&s, ask->part);

	*document = (struct mime_document){ .found = leaf != NULL };
	if (good && leaf) {
		document->type = leaf_type(leaf, arena);
		document->name = leaf_name(leaf, arena);
		good = ask->job == MIME_SHOWN ? write_shown(out, leaf, document)
					      : write_part(out, leaf);
	}
	structure_close(&s);
	return good;
}
