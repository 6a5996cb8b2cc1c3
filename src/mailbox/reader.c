/* SPDX-License-Identifier: ISC
 *
 * reader.c - asks in, documents out. Runs in the throwaway process, confined; the asks come from
 * the mailbox role and are trusted, the messages are hostile. Whatever can't go on ends it.
 */
#include "mailbox/reader.h"

#include "base/fd.h"
#include "mailbox/document.h"
#include <errno.h>
#include <unistd.h>

enum { ASK_MAX = 4096 };

void reader_put_length(char to[READER_LENGTH], uint64_t length)
{
	for (size_t i = 0; i < READER_LENGTH; i++)
		to[i] = (char)(length >> (8 * i));
}

uint64_t reader_length(const char from[READER_LENGTH])
{
	uint64_t length = 0;

	for (size_t i = 0; i < READER_LENGTH; i++)
		length |= (uint64_t)(unsigned char)from[i] << (8 * i);
	return length;
}

static void read_exactly(int socket, char *to, size_t n)
{
	while (n) {
		ssize_t got = read(socket, to, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			_exit(got == 0 ? 0 : 1);
		to += got;
		n -= (size_t)got;
	}
}

/* The byte that brings the descriptors; where the other side is done, so is this process. */
static void receive_files(int socket, int fds[2])
{
	char byte;
	size_t n = 2;

	fds[0] = fds[1] = -1;
	if (fd_receive(socket, &byte, 1, fds, &n, 0) <= 0)
		_exit(0);
}

static bool receive_ask(int socket, char room[ASK_MAX], struct mime_ask *ask)
{
	char length[READER_LENGTH];
	struct str packed = { room, 0 };

	read_exactly(socket, length, sizeof length);
	packed.len = reader_length(length);
	if (packed.len > ASK_MAX)
		return false;
	read_exactly(socket, room, packed.len);
	return unpack_mime_ask(&packed, NULL, ask);
}

static bool send_document(int socket, const struct mime_document *document)
{
	scoped(buf_free) struct buf packed = BUF(MIME_ANSWER_MAX);
	char length[READER_LENGTH];

	pack_mime_document(&packed, document);
	if (packed.overflowed)
		return false;
	reader_put_length(length, packed.len);
	return fd_write_all(socket, (struct str){ length, sizeof length }) &&
	       fd_write_all(socket, buf_str(&packed));
}

bool reader_answer(const struct mime_ask *ask, int file, int out, struct arena *arena,
	struct mime_document *document)
{
	switch (ask->job) {
	case MIME_DOCUMENT:
	case MIME_INDEX:
		return document_read(file, ask, arena, document);
	case MIME_PLAIN:
		return document_read_plain(file, ask, arena, document);
	case MIME_BODY:
		return document_body(file, out, arena, document);
	case MIME_PART:
	case MIME_SHOWN:
		return document_part(file, ask, out, arena, document);
	}
	return false;
}

_Noreturn void reader_serve(int socket)
{
	for (;;) {
		scoped(arena_free) struct arena arena = ARENA(MIME_ARENA_MAX);
		char room[ASK_MAX];
		struct mime_ask ask;
		struct mime_document document;
		int fds[2];

		receive_files(socket, fds);
		if (!receive_ask(socket, room, &ask) ||
			!reader_answer(&ask, fds[0], fds[1], &arena, &document) ||
			!send_document(socket, &document))
			_exit(2);
		fd_close(&fds[0]);
		fd_close(&fds[1]);
	}
}
