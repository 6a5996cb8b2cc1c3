/* SPDX-License-Identifier: ISC
 *
 * keywords.c - see keywords.h. The file has lines "NUMBER NAME", 0 is `a`. Dovecot may be at work on the
 * same folder, so its rules hold: the list is only changed by whoever has made `dovecot-uidlist.lock`,
 * it is replaced as a whole by a rename from `dovecot-keywords.lock`, its time in seconds grows with
 * each change, and a name that is there stays where it is, since processes remember it.
 *
 * Our lock is empty: with a process number in it Dovecot would take it for stale at once wherever it
 * runs among other numbers; so it does after two minutes if we died. Another's lock is never broken.
 */
#include "mailbox/keywords.h"

#include "base/fd.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "dovecot-keywords"
#define NEW_NAME  "dovecot-keywords.lock"
#define LOCK_NAME "dovecot-uidlist.lock"

enum { LIST_MAX_BYTES = 64 * 1024, LOOK_EVERY = 10 };

/* A folder's list. */
struct list {
	struct buf text; /* the names are views of it */
	struct str names[KEYWORDS_N];
	bool there;
	struct stat status;
};

static void take_line(struct list *list, struct str line)
{
	uint64_t number;

	if (str_to_u64(str_cut(&line, ' '), &number) && number < KEYWORDS_N && line.len)
		list->names[number] = line;
}

/* False: there is something that can't be read. */
static bool read_list(int folder, struct list *list)
{
	scoped(fd_close) int fd =
		openat(folder, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct str rest;

	*list = (struct list){ .text = BUF(LIST_MAX_BYTES), .there = fd >= 0 };
	if (fd < 0)
		return errno == ENOENT;
	if (fstat(fd, &list->status) != 0 || !S_ISREG(list->status.st_mode) ||
		!fd_read_all(fd, &list->text))
		return false;
	for (rest = buf_str(&list->text); rest.len;)
		take_line(list, str_cut(&rest, '\n'));
	return true;
}

static void list_free(struct list *list)
{
	buf_free(&list->text);
}

static size_t find_name(const struct list *list, struct str name)
{
	size_t i = 0;

	while (i < KEYWORDS_N && !str_eq_nocase(list->names[i], name))
		i++;
	return i;
}

/* Behind the last one: a gap may be one that a process of Dovecot's remembers as such. */
static size_t free_place(const struct list *list)
{
	size_t behind = KEYWORDS_N, i = 0;

	while (behind > 0 && !list->names[behind - 1].len)
		behind--;
	if (behind < KEYWORDS_N)
		return behind;
	while (i < KEYWORDS_N && list->names[i].len)
		i++;
	return i;
}

static uint32_t named(const struct list *list)
{
	uint32_t keywords = 0;

	for (size_t i = 0; i < KEYWORDS_N; i++)
		if (list->names[i].len)
			keywords |= 1u << i;
	return keywords;
}

/* --- what they are there --- */

/* Keywords `left` of `from` that `to` has a name for go over to *carried; returns the others. */
static uint32_t translate(
	const struct list *from, const struct list *to, uint32_t left, uint32_t *carried)
{
	uint32_t wanted = left & named(from);

	for (size_t i = 0; i < KEYWORDS_N; i++) {
		size_t there = wanted & 1u << i ? find_name(to, from->names[i]) : KEYWORDS_N;

		if (there == KEYWORDS_N)
			continue;
		*carried |= 1u << there;
		left &= ~(1u << i);
	}
	return left;
}

/* Returns whether there is a new name. */
static bool add_names(const struct list *from, struct list *to, uint32_t wanted)
{
	bool added = false;

	wanted &= named(from);
	for (size_t i = 0; i < KEYWORDS_N; i++) {
		size_t place = free_place(to);

		if (!(wanted & 1u << i) || place == KEYWORDS_N ||
			find_name(to, from->names[i]) < KEYWORDS_N)
			continue;
		to->names[place] = from->names[i];
		added = true;
	}
	return added;
}

/* --- a list that is changed --- */

static bool write_names(int fd, const struct list *list)
{
	scoped(buf_free) struct buf text = BUF(2 * LIST_MAX_BYTES);
	time_t now = (time_t)(clock_wall_ms() / SECOND), last = list->status.st_mtim.tv_sec;
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = list->there && now <= last ? last + 1 : now } };

	for (size_t i = 0; i < KEYWORDS_N; i++)
		if (list->names[i].len)
			buf_printf(&text, "%zu %.*s\n", i, STR_ARG(list->names[i]));
	if (text.overflowed) {
		errno = EFBIG;
		return false;
	}
	if (list->there && fchmod(fd, list->status.st_mode & 0666) != 0)
		return false;
	return fd_write_all(fd, buf_str(&text)) && futimens(fd, times) == 0 && fsync(fd) == 0;
}

/* With the lock. */
static bool replace_list(int folder, const struct list *list)
{
	scoped(fd_close) int fd = -1;

	unlinkat(folder, NEW_NAME, 0); /* left by somebody who died */
	fd = openat(folder, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && write_names(fd, list) && renameat(folder, NEW_NAME, folder, FILE_NAME) == 0)
		return true;
	LOG(LOG_WARNING, "keywords-not-kept", log_text("why", strerrordesc_np(errno)));
	if (fd >= 0)
		unlinkat(folder, NEW_NAME, 0);
	return false;
}

/* The lock, as a descriptor; -1 where somebody has it until the deadline, or it can't be made. */
static int lock_folder(int folder, struct deadline deadline)
{
	const struct timespec moment = { .tv_nsec = LOOK_EVERY * 1000000L };
	int fd;

	for (;;) {
		fd = openat(folder, LOCK_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
		if (fd >= 0 || errno != EEXIST || deadline_passed(deadline))
			return fd;
		nanosleep(&moment, NULL);
	}
}

/* Not one that took the place of ours. */
static void unlock_folder(int folder, int lock)
{
	struct stat ours, there;

	if (fstat(lock, &ours) == 0 &&
		fstatat(folder, LOCK_NAME, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
		unlinkat(folder, LOCK_NAME, 0);
}

/* Have the names in the list of `folder`; *to is the list from then on. */
static void add_to_folder(int folder, const struct list *from, struct list *to, uint32_t wanted,
	struct deadline deadline)
{
	scoped(fd_close) int lock = lock_folder(folder, deadline);

	if (lock < 0)
		return;
	list_free(to);
	if (!read_list(folder, to) || (add_names(from, to, wanted) && !replace_list(folder, to))) {
		list_free(to);
		*to = (struct list){ .text = BUF(0) };
	}
	unlock_folder(folder, lock);
}

uint32_t keywords_carry(
	int from, int to, uint32_t keywords, struct deadline deadline, uint32_t *left)
{
	scoped(list_free) struct list names = { 0 }, theirs = { 0 };
	bool readable = read_list(from, &names);
	uint32_t carried = 0;

	readable = read_list(to, &theirs) && readable;
	*left = keywords;
	if (!readable)
		return 0;
	if (!names.there && !theirs.there) {
		*left = 0; /* of another program, which may know what they are in any folder */
		return keywords;
	}
	*left = translate(&names, &theirs, keywords, &carried);
	if (*left & named(&names) && free_place(&theirs) < KEYWORDS_N) {
		add_to_folder(to, &names, &theirs, *left, deadline);
		*left = translate(&names, &theirs, *left, &carried);
	}
	return carried;
}
