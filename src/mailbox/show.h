/* SPDX-License-Identifier: ISC
 *
 * show.h - a message for the pages: as a JSON document, its HTML body, one of its parts. Fills
 * `outcome` and `text` of the answer and what is said of the document; folder, flags and the other
 * fields of the index are the caller's. `file` is the message, open for reading. The result is a
 * sealed memfd, or -1 where the outcome isn't WEB_OK. Blocks for some seconds at most.
 */
#ifndef MAILBOX_SHOW_H
#define MAILBOX_SHOW_H

#include "mailbox/mime.h"

/* `answer` has its fields of the index already: they are in the document too. */
int show_message(struct mime *mime, int file, struct str id, struct arena *arena,
	struct message_answer *answer);
/* WEB_NOT_FOUND where there is no HTML body. */
int show_body(struct mime *mime, int file, struct arena *arena, struct message_answer *answer);
/* One part, decoded. `shown`: plain text in UTF-8; what the type says then may be believed. */
int show_part(struct mime *mime, int file, struct str part, bool shown, struct arena *arena,
	struct message_part_answer *answer);

#endif
