/* SPDX-License-Identifier: ISC
 *
 * mime.c - the mailbox role's side: getting a reader, asking it, and believing nothing. Runs in
 * any thread; each has its own reader. A reader that is slow, ends or lies loses its connection,
 * by which the zygote knows to end it.
 */
#include "mailbox/mime.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "call/control.h"
#include "mailbox/charset.h"
#include "mailbox/reader.h"
#include "mailbox/zygote.h"
#include <errno.h>
#include <fcntl.h>
#include <gmime/gmime.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* After so many messages a reader is replaced: its time is counted over all of them. */
enum { READS_MAX = 100 };

struct mime {
	int zygote;
};

void mime_prepare(void)
{
	g_mime_init();
	charset_load();
}

/* In the new process: nothing is left of its parent's but stdio and the socket. */
static _Noreturn void become_zygote(int control, pid_t parent)
{
	bool good = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent &&
		    dup2(control, CONTROL_FD) == CONTROL_FD &&
		    fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) == 0 &&
		    close_range(CONTROL_FD + 1, ~0u, 0) == 0;

	if (!good)
		_exit(1);
	zygote_serve(CONTROL_FD);
}

struct mime *mime_start(void)
{
	struct mime *mime = must_alloc(sizeof *mime);
	pid_t parent = getpid(), pid;
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	pid = fork();
	must(pid >= 0);
	if (pid == 0)
		become_zygote(ends[1], parent);
	fd_close(&ends[1]);
	mime->zygote = ends[0];
	return mime;
}

/* Without a zygote nothing can be read until this role is started anew, which siegeld does. */
static _Noreturn void no_zygote(void)
{
	LOG(LOG_ALARM, "no-zygote", log_text("why", strerrordesc_np(errno)));
	_exit(1);
}

static bool get_reader(struct mime_reader *reader, struct why *why)
{
	int ends[2];

	if (reader->socket >= 0 && reader->read < READS_MAX)
		return true;
	mime_end(reader);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return why_errno(why, "a reader");
	if (!fd_send(reader->mime->zygote, STR("r"), &ends[1], 1, 0))
		no_zygote();
	close(ends[1]);
	reader->socket = ends[0];
	reader->read = 0;
	return fd_set_nonblocking(reader->socket, true) || why_errno(why, "a reader");
}

/* The other end is closed when the reader is no more; so nothing it had is in use behind this. */
void mime_end(struct mime_reader *reader)
{
	struct pollfd gone = { .fd = reader->socket, .events = POLLRDHUP };

	if (reader->socket < 0)
		return;
	shutdown(reader->socket, SHUT_WR);
	while (poll(&gone, 1, 2 * SECOND) < 0 && errno == EINTR)
		;
	fd_close(&reader->socket);
}

static bool wait_for(int socket, short events, struct deadline deadline, struct why *why)
{
	struct pollfd ready = { .fd = socket, .events = events };
	int n;

	do
		n = poll(&ready, 1, deadline_poll_ms(deadline));
	while (n < 0 && errno == EINTR);
	return n > 0 || why_not(why, "the reader was too slow");
}

static bool send_ask(struct mime_reader *reader, const struct mime_ask *ask, int file, int out,
	struct deadline deadline, struct why *why)
{
	scoped(buf_free) struct buf packed = BUF(4096);
	char *length = buf_reserve(&packed, READER_LENGTH);
	int fds[] = { file, out };
	struct str rest;

	must(length);
	packed.len = READER_LENGTH;
	pack_mime_ask(&packed, ask);
	if (packed.overflowed)
		return why_not(why, "the part's number is too long");
	reader_put_length(packed.at, packed.len - READER_LENGTH);
	if (!fd_send(reader->socket, STR("m"), fds, out < 0 ? 1 : 2, 0))
		return why_errno(why, "the reader is gone");
	for (rest = buf_str(&packed); rest.len;) {
		ssize_t n = send(reader->socket, rest.at, rest.len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return why_errno(why, "the reader is gone");
		if (n < 0 && !wait_for(reader->socket, POLLOUT, deadline, why))
			return false;
		rest = str_tail(rest, n > 0 ? (size_t)n : 0);
	}
	return true;
}

static bool receive(int socket, char *to, size_t room, struct deadline deadline, struct why *why)
{
	while (room) {
		ssize_t n;

		if (!wait_for(socket, POLLIN, deadline, why))
			return false;
		n = recv(socket, to, room, 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return why_not(why, "the reader gave up");
		to += n;
		room -= (size_t)n;
	}
	return true;
}

static bool is_clean(struct str s, bool is_text)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if ((c < ' ' && !(is_text && (c == '\n' || c == '\t'))) || c == 0x7f)
			return false;
	}
	return str_is_utf8(s);
}

static bool are_clean_people(const struct person *people, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_clean(people[i].name, false) || !is_clean(people[i].address, false))
			return false;
	}
	return true;
}

static bool are_clean_attachments(const struct mime_document *d)
{
	for (size_t i = 0; i < d->attachments.len; i++) {
		const struct mime_attachment *a = &d->attachments.at[i];

		if (!is_clean(a->part, false) || !is_clean(a->name, false) ||
			!is_clean(a->type, false))
			return false;
	}
	return d->attachments.len <= MIME_ATTACHMENTS_MAX;
}

static bool are_clean_references(const struct mime_document *d)
{
	for (size_t i = 0; i < d->references.len; i++) {
		if (!is_clean(d->references.at[i].text, false))
			return false;
	}
	return true;
}

/* What mime.h promises of a document, whoever made it. */
static bool is_clean_document(const struct mime_document *d)
{
	const struct str lines[] = { d->subject, d->message_id, d->preview, d->draft, d->type,
		d->name };

	for (size_t i = 0; i < count_of(lines); i++) {
		if (!is_clean(lines[i], false))
			return false;
	}
	return is_clean(d->text, true) && are_clean_people(d->from.at, d->from.len) &&
	       are_clean_people(d->sender.at, d->sender.len) &&
	       are_clean_people(d->reply_to.at, d->reply_to.len) &&
	       are_clean_people(d->to.at, d->to.len) && are_clean_people(d->cc.at, d->cc.len) &&
	       are_clean_people(d->bcc.at, d->bcc.len) && are_clean_attachments(d) &&
	       are_clean_references(d);
}

/* The strings of a document are views into the answer: it is in the arena. */
static bool receive_document(int socket, struct deadline deadline, struct arena *arena,
	struct mime_document *document, struct why *why)
{
	char length[READER_LENGTH];
	struct str packed;
	char *bytes;

	if (!receive(socket, length, sizeof length, deadline, why))
		return false;
	packed.len = reader_length(length);
	if (packed.len > MIME_ANSWER_MAX)
		return why_not(why, "the reader's answer is too large");
	bytes = arena_alloc(arena, packed.len + 1);
	if (!bytes)
		return why_not(why, "no room for the reader's answer");
	packed.at = bytes;
	if (!receive(socket, bytes, packed.len, deadline, why))
		return false;
	return (unpack_mime_document(&packed, arena, document) && packed.len == 0 &&
		       is_clean_document(document)) ||
	       why_not(why, "the reader's answer makes no sense");
}

bool mime_ask(struct mime_reader *reader, const struct mime_ask *ask, int file, int out,
	struct deadline deadline, struct arena *arena, struct mime_document *document,
	struct why *why)
{
	bool good = get_reader(reader, why) && send_ask(reader, ask, file, out, deadline, why) &&
		    receive_document(reader->socket, deadline, arena, document, why);

	reader->read++;
	if (!good)
		mime_end(reader);
	return good;
}

bool mime_document(struct mime_reader *reader, enum mime_job job, int file, size_t text_max,
	struct deadline deadline, struct arena *arena, struct mime_document *document,
	struct why *why)
{
	struct mime_ask ask = { .job = job, .text_max = text_max };

	bool used = reader->read > 0;

	if (mime_ask(reader, &ask, file, -1, deadline, arena, document, why))
		return true;
	/* It may have been ended for what it read before, or for its age. */
	if (used && mime_ask(reader, &ask, file, -1, deadline, arena, document, why))
		return true;
	LOG(LOG_WARNING, "message-unreadable", log_text("why", why ? why->text : ""));
	ask.job = MIME_PLAIN;
	return mime_ask(reader, &ask, file, -1, deadline_in(5 * SECOND), arena, document, why);
}
