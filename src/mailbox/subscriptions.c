/* SPDX-License-Identifier: ISC
 *
 * subscriptions.c - see subscriptions.h. One name on a line. Version 1 has the names as they are, with
 * '.' between levels; version 2 begins with "V\t2" and an empty line and has a tab there. As Dovecot
 * does, the new content is written to `subscriptions.lock`, whose being there is the lock, and
 * renamed.
 */
#include "mailbox/subscriptions.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024, LOCK_WAIT = 2 * SECOND, LOCK_STALE = 5 * MINUTE, PAUSE_MS = 20 };

static const char file_name[] = "subscriptions", lock_name[] = "subscriptions.lock";
#define HEADER_2 STR("V\t2\n\n")

struct edit {
	struct str from, to; /* without the leading dot; one of them may be empty */
	bool version_2, done;
};

static bool is_stale(int account)
{
	struct stat status;

	return fstatat(account, lock_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       status.st_mtim.tv_sec * SECOND < clock_wall_ms() - LOCK_STALE;
}

static int take_lock(int account)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	struct deadline deadline = deadline_in(LOCK_WAIT);

	for (;;) {
		int fd = openat(account, lock_name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd >= 0 || errno != EEXIST || deadline_passed(deadline))
			return fd;
		if (is_stale(account))
			unlinkat(account, lock_name, 0);
		nanosleep(&pause, NULL);
	}
}

static bool read_file(int account, struct buf *to)
{
	scoped(fd_close) int fd =
		openat(account, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? errno == ENOENT : fd_read_all(fd, to);
}

/* Append a name in the file's spelling. */
static void add_name(struct buf *to, struct str name, const struct edit *e)
{
	for (size_t i = 0; i < name.len; i++)
		buf_add_char(to, name.at[i] == '.' && e->version_2 ? '\t' : name.at[i]);
}

static bool is_name(struct str line, struct str name, const struct edit *e)
{
	scoped(buf_free) struct buf spelt = BUF(FILE_MAX);

	add_name(&spelt, name, e);
	return str_eq(line, buf_str(&spelt));
}

static bool is_below(struct str line, struct str name, const struct edit *e)
{
	return line.len > name.len && line.at[name.len] == (e->version_2 ? '\t' : '.') &&
	       is_name(str_head(line, name.len), name, e);
}

static void add_line(struct buf *to, struct str line, struct edit *e)
{
	if (!line.len)
		return;
	if (e->from.len && (is_name(line, e->from, e) || is_below(line, e->from, e))) {
		if (!e->to.len)
			return;
		add_name(to, e->to, e);
		buf_add(to, str_tail(line, e->from.len));
		e->done = true;
	} else {
		e->done = e->done || (e->to.len && is_name(line, e->to, e));
		buf_add(to, line);
	}
	buf_add_char(to, '\n');
}

static void rewrite(struct buf *to, struct str content, struct edit *e)
{
	e->version_2 = str_starts(content, HEADER_2);
	if (e->version_2) {
		buf_add(to, HEADER_2);
		content = str_tail(content, HEADER_2.len);
	}
	while (content.len)
		add_line(to, str_cut(&content, '\n'), e);
	if (!e->done && e->to.len) {
		add_name(to, e->to, e);
		buf_add_char(to, '\n');
	}
}

static bool write_locked(int account, int lock, struct edit *e)
{
	scoped(buf_free) struct buf before = BUF(FILE_MAX), after = BUF(2 * FILE_MAX);

	if (!read_file(account, &before))
		return false;
	rewrite(&after, buf_str(&before), e);
	return !after.overflowed && fd_write_all(lock, buf_str(&after)) && fsync(lock) == 0 &&
	       renameat(account, lock_name, account, file_name) == 0;
}

static void edit(int account, struct str from, struct str to)
{
	struct edit e = { .from = str_tail(from, 1), .to = str_tail(to, 1) };
	scoped(fd_close) int lock = take_lock(account);

	if (lock >= 0 && write_locked(account, lock, &e))
		return;
	LOG(LOG_WARNING, "not-subscribed", log_str("from", from), log_str("to", to),
		log_text("why", strerrordesc_np(errno)));
	if (lock >= 0)
		unlinkat(account, lock_name, 0);
}

void subscriptions_add(int account, struct str folder)
{
	edit(account, STR(""), folder);
}

void subscriptions_remove(int account, struct str folder)
{
	edit(account, folder, STR(""));
}

void subscriptions_rename(int account, struct str from, struct str to)
{
	edit(account, from, to);
}
