/* SPDX-License-Identifier: ISC
 *
 * reader.h - the process that reads messages, and is thrown away.
 * Asked: one byte with the message's descriptor and, for what is written, that of the memfd to
 * write to; then eight bytes of length and a packed mime_ask. Answered: eight bytes of length and
 * a packed mime_document.
 */
#ifndef MAILBOX_READER_H
#define MAILBOX_READER_H

#include "mailbox/mime.h"

enum { READER_LENGTH = 8 };

/* The length in front of what follows. */
void reader_put_length(char to[READER_LENGTH], uint64_t length);
uint64_t reader_length(const char from[READER_LENGTH]);

/* Serve one connection until the other side closes it; then the process ends. */
_Noreturn void reader_serve(int socket);

/* Answer one ask: what the process does with each, apart from processes. */
bool reader_answer(const struct mime_ask *ask, int file, int out, struct arena *arena,
	struct mime_document *document) must_use;

#endif
