/* SPDX-License-Identifier: ISC
 *
 * maildir.c - tmp, fsync, link into new, fsync of the directory. Runs in the mailbox role; the
 * body is whatever somebody sent and is only copied.
 *
 * The file's name follows from the queue id and the recipient. Its entry in tmp is left in place
 * after the link into new, as the mark that this delivery was made: a second link stays with the
 * file when a mail program moves it to cur or to a folder and gives it flags, so that a delivery
 * repeated after a crash is recognised by the count of links, without a search. The mark goes
 * once the store has committed the outcome; one left behind by a crash in that moment is swept
 * with the rest of tmp after 36 hours (sweep.c, and by Dovecot).
 *
 * Lines end in LF on disk, as Maildir programs expect.
 */
#include "mailbox/maildir.h"
#include "base/buf.h"
#include "base/fd.h"
#include "mailbox/folder.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, ID_MAX = 16 };

struct entry_name {
	char text[ID_MAX + 64];
};

/* NUMBER.ID-RECIPIENT: mail programs sort by the leading number; the id is ordered by time. */
static bool entry_name(struct str id, struct str address, struct entry_name *name)
{
	uint64_t number;

	if (!str_hex_to_u64(id, &number))
		return false;
	snprintf(name->text, sizeof(name->text), "%019llu.%.*s-%016llx",
		(unsigned long long)(number >> 1), STR_ARG(id),
		(unsigned long long)str_hash_nocase(address));
	return true;
}

/* What errno means for the message: everything here may pass. */
static struct maildir_outcome later(const char *doing)
{
	struct maildir_outcome o = { .result = MAILDIR_LATER, .reason = REASON_LOCAL_FAULT };

	o.code = errno == EDQUOT ? "4.2.2" : errno == ENOSPC ? "4.3.1" : "4.3.0";
	why_errno(&o.why, "%s", doing);
	return o;
}

static struct maildir_outcome failed(const struct why *why)
{
	return (struct maildir_outcome){ .result = MAILDIR_FAILED,
		.reason = REASON_NO_SUCH_MAILBOX,
		.code = "5.1.1",
		.why = *why };
}

/* Into a header line: nothing may end it or begin another. */
static void add_value(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_add_char(to, (unsigned char)text.at[i] < ' ' ? '?' : text.at[i]);
}

/* RFC 5321 4.4: the return path is the first line. */
static bool write_trace(int fd, const struct maildir_message *m, struct str address)
{
	scoped(buf_free) struct buf head = BUF(4096);

	buf_add(&head, STR("Return-Path: <"));
	add_value(&head, m->sender);
	buf_add(&head, STR(">\nDelivered-To: "));
	add_value(&head, address);
	buf_add_char(&head, '\n');
	if (head.overflowed) {
		errno = EMSGSIZE;
		return false;
	}
	return fd_write_all(fd, buf_str(&head));
}

/* Append `text` to the chunk without the CR of each CRLF; both parts of one are in `text`. */
static size_t strip(char *to, struct str text)
{
	size_t n = 0, run;

	while (text.len) {
		run = str_find(text, '\r');
		if (run < text.len && (run + 1 == text.len || text.at[run + 1] != '\n'))
			run++; /* a CR of its own stays */
		memcpy(to + n, text.at, run);
		n += run;
		text = str_tail(text, run);
		if (text.len && text.at[0] == '\r')
			text = str_tail(text, text.len > 1 && text.at[1] == '\n');
	}
	return n;
}

static bool write_body(int fd, const struct maildir_message *m)
{
	char chunk[CHUNK];
	struct str rest = m->body, part;

	if (m->binary)
		return fd_write_all(fd, rest);
	while (rest.len) {
		part = str_head(rest, CHUNK);
		if (part.len < rest.len && part.at[part.len - 1] == '\r')
			part.len--; /* what follows decides about it */
		rest = str_tail(rest, part.len);
		if (!fd_write_all(fd, (struct str){ chunk, strip(chunk, part) }))
			return false;
	}
	return true;
}

static bool write_file(
	int tmp, const char *name, const struct maildir_message *m, struct str address)
{
	scoped(fd_close) int fd =
		openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd >= 0 && write_trace(fd, m, address) && write_body(fd, m) && fsync(fd) == 0;
}

static struct maildir_outcome deliver_in(
	int folder, const char *name, const struct maildir_message *m, struct str address)
{
	scoped(fd_close) int tmp = folder_open_directory(folder, "tmp");
	scoped(fd_close) int new = folder_open_directory(folder, "new");
	struct stat status;
	struct maildir_outcome o = { .result = MAILDIR_DELIVERED, .code = "" };

	if (tmp < 0 || new < 0)
		return later("folder");
	if (fstatat(tmp, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		if (status.st_nlink > 1) /* made before; whether it is on disk we can't know */
			return fsync(new) == 0 ? o : later("directory");
		if (unlinkat(tmp, name, 0) != 0)
			return later("an unfinished file");
	}
	if (!write_file(tmp, name, m, address)) {
		o = later("writing");
		unlinkat(tmp, name, 0);
		return o;
	}
	if (linkat(tmp, name, new, name, 0) != 0 && errno != EEXIST) {
		o = later("delivering");
		unlinkat(tmp, name, 0);
		return o;
	}
	return fsync(new) == 0 ? o : later("directory");
}

struct maildir_outcome maildir_deliver(
	int root, struct str mailbox, struct str address, const struct maildir_message *m)
{
	struct folder_path path;
	struct entry_name name;
	struct why why;
	scoped(fd_close) int folder = -1;

	if (!folder_path(mailbox, &path, &why))
		return failed(&why);
	if (!entry_name(m->id, address, &name)) {
		errno = EINVAL;
		return later("queue id");
	}
	folder = folder_open(root, &path);
	return folder < 0 ? later("folder") : deliver_in(folder, name.text, m, address);
}

void maildir_settle(int root, struct str mailbox, struct str address, struct str id)
{
	struct folder_path path;
	struct entry_name name;
	scoped(fd_close) int folder = -1;
	scoped(fd_close) int tmp = -1;

	if (!folder_path(mailbox, &path, NULL) || !entry_name(id, address, &name))
		return;
	folder = folder_open(root, &path);
	tmp = folder < 0 ? -1 : folder_open_directory(folder, "tmp");
	if (tmp >= 0)
		unlinkat(tmp, name.text, 0);
}
