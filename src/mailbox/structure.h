/* SPDX-License-Identifier: ISC
 *
 * structure.h - a message taken apart by GMime: its leaves in order, and what each is for. Only
 * for what runs in the reader.
 */
#ifndef MAILBOX_STRUCTURE_H
#define MAILBOX_STRUCTURE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fd.h"
#include <gmime/gmime.h>

enum leaf_use {
	LEAF_TEXT,   /* the body, or a piece of it */
	LEAF_HTML,   /* the HTML body; there is one at most */
	LEAF_INLINE, /* a picture that belongs to the HTML */
	LEAF_ATTACHMENT
};

struct leaf {
	GMimeObject *object;
	struct str number; /* "2.1", as IMAP counts */
	enum leaf_use use;
	unsigned alternative; /* outermost multipart/alternative it is in; 0: none */
};

struct structure {
	struct mapping mapping; /* the file; the stream reads it, through the array */
	GByteArray array;
	GMimeStream *stream;
	GMimeMessage *message;
	struct leaf *leaves; /* in the arena */
	size_t n;
	uint64_t problems; /* enum mime_problem bits */
	struct str stray;  /* text of a multipart without parts */
};

/* Parse the file. False: GMime makes no message of it. structure_close is for both. */
bool structure_open(struct structure *s, int file, struct arena *arena) must_use;
void structure_close(struct structure *s);

const struct leaf *structure_find(const struct structure *s, struct str number);
const struct leaf *structure_html(const struct structure *s);
/* The picture of that Content-ID, if it is of a kind that is only pixels. */
const struct leaf *structure_picture(const struct structure *s, struct str id);
/* Is there text that says the same as the HTML? */
bool structure_has_text_for(const struct structure *s, const struct leaf *html);

/* "image/png", in lower case; application/octet-stream for what is none. In the arena. */
struct str leaf_type(const struct leaf *leaf, struct arena *arena);
/* A file name without anything but itself; may be empty. In the arena. */
struct str leaf_name(const struct leaf *leaf, struct arena *arena);
/* Bytes when decoded: counted, or guessed from the length of what is encoded. */
uint64_t leaf_size(const struct leaf *leaf, bool counted);
/* The decoded bytes, to be read from the front; NULL where there are none. g_object_unref it. */
GMimeStream *leaf_open(const struct leaf *leaf);
/* Add the decoded text as UTF-8, of at most so many encoded bytes; false: something was replaced. */
bool leaf_text(const struct leaf *leaf, struct buf *to, size_t max);

#endif
