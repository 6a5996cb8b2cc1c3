/* SPDX-License-Identifier: ISC
 *
 * document.h - what the reader finds in a message. `file` is a regular file, hostile in content.
 * Each false means that nothing could be made of it, or that memory is used up; strings are in
 * the arena.
 */
#ifndef MAILBOX_DOCUMENT_H
#define MAILBOX_DOCUMENT_H

#include "mailbox/mime.h"

/* MIME_DOCUMENT and MIME_INDEX. */
bool document_read(int file, const struct mime_ask *ask, struct arena *arena,
	struct mime_document *document) must_use;
/* MIME_PLAIN: without GMime. */
bool document_read_plain(int file, const struct mime_ask *ask, struct arena *arena,
	struct mime_document *document) must_use;
/* MIME_BODY, MIME_PART and MIME_SHOWN, written to `out`; `found` says whether there is one. */
bool document_body(int file, int out, struct arena *arena, struct mime_document *document) must_use;
bool document_part(int file, const struct mime_ask *ask, int out, struct arena *arena,
	struct mime_document *document) must_use;

#endif
