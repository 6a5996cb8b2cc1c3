/* SPDX-License-Identifier: ISC
 *
 * staging.c - files beside the drafts. Runs in the mailbox role; what is in the files is whatever
 * somebody attached, and is only copied. Each file is a line's worth of what the attachment is
 * called (eight bytes of length, a packed `attachment`), then its bytes.
 */
#include "mailbox/staging.h"

#include "mailbox/draft_file.h"
#include "mailbox/folder.h"
#include "mailbox/reader.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ABOUT_MAX = 2048, NUMBER_ROOM = 24 };

/* A directory in `parent`, made if it isn't there. */
static int open_or_make(int parent, const char *name, bool make)
{
	int fd = folder_open_directory(parent, name);

	if (fd >= 0 || errno != ENOENT || !make)
		return fd;
	if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
		return -1;
	return fsync(parent) == 0 ? folder_open_directory(parent, name) : -1;
}

int staging_lock(int account)
{
	int fd = open_or_make(account, "siegel-drafts", true);
	int result = 0;

	while (fd >= 0 && (result = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
		;
	if (result != 0)
		fd_close(&fd);
	return fd;
}

/* A C string of an id, which was checked. */
static const char *text_of(struct str id, char text[DRAFT_ID_MOST + 1])
{
	snprintf(text, DRAFT_ID_MOST + 1, "%.*s", STR_ARG(id));
	return text;
}

int staging_open(int staging, struct str draft, bool make)
{
	char name[DRAFT_ID_MOST + 1];

	return open_or_make(staging, text_of(draft, name), make);
}

static int open_file(int own, uint64_t entry)
{
	char name[NUMBER_ROOM];

	snprintf(name, sizeof name, "%llu", (unsigned long long)entry);
	return openat(own, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* What the file at `fd` says of itself; *start is where the content begins. */
static bool read_about(int fd, struct arena *arena, struct attachment *attachment, off_t *start)
{
	char length[READER_LENGTH], about[ABOUT_MAX];
	struct str packed = { about, 0 };
	struct stat status;

	if (pread(fd, length, sizeof length, 0) != (ssize_t)sizeof length)
		return false;
	packed.len = reader_length(length);
	if (packed.len > sizeof about ||
		pread(fd, about, packed.len, READER_LENGTH) != (ssize_t)packed.len ||
		fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return false;
	*start = READER_LENGTH + (off_t)packed.len;
	packed = arena_str(arena, packed);
	return packed.at && unpack_attachment(&packed, NULL, attachment) && !packed.len &&
	       str_is_utf8(attachment->name) && str_is_utf8(attachment->type) &&
	       attachment->size == (uint64_t)(status.st_size - *start);
}

static int by_entry(const void *a, const void *b)
{
	const struct attachment *left = a, *right = b;

	return (left->entry > right->entry) - (left->entry < right->entry);
}

bool staging_list(int own, struct arena *arena, struct draft_answer *answer)
{
	scoped(folder_close_list) DIR *entries = folder_list(own, ".");
	struct attachment *found = arena_array(arena, STAGING_ATTACHMENTS_MAX, sizeof *found);
	size_t n = 0;

	if (!found)
		return false;
	for (struct dirent *e; entries && n < STAGING_ATTACHMENTS_MAX && (e = readdir(entries));) {
		scoped(fd_close) int fd = -1;
		uint64_t entry;
		off_t start;

		if (!str_to_u64(str_of(e->d_name), &entry))
			continue;
		fd = open_file(own, entry);
		if (fd < 0 || !read_about(fd, arena, &found[n], &start))
			continue;
		found[n++].entry = entry;
	}
	qsort(found, n, sizeof *found, by_entry);
	answer->attachments.at = found;
	answer->attachments.len = n;
	return true;
}

int staging_content(int own, const struct attachment *attachment, off_t *start)
{
	scoped(arena_free) struct arena arena = ARENA(8 * (size_t)ABOUT_MAX);
	struct attachment about;
	int fd = open_file(own, attachment->entry);

	if (fd >= 0 && (!read_about(fd, &arena, &about, start) || about.size != attachment->size)) {
		fd_close(&fd);
		errno = EIO;
	}
	return fd;
}

static bool write_file(int fd, const struct attachment *about, struct str content)
{
	scoped(buf_free) struct buf packed = BUF(ABOUT_MAX);
	char length[READER_LENGTH];

	pack_attachment(&packed, about);
	if (packed.overflowed) {
		errno = EMSGSIZE;
		return false;
	}
	reader_put_length(length, packed.len);
	return fd_write_all(fd, (struct str){ length, sizeof length }) &&
	       fd_write_all(fd, buf_str(&packed)) && fd_write_all(fd, content) && fsync(fd) == 0;
}

static uint64_t next_entry(int own)
{
	scoped(folder_close_list) DIR *entries = folder_list(own, ".");
	uint64_t last = 0, entry;

	for (struct dirent *e; entries && (e = readdir(entries));) {
		if (str_to_u64(str_of(e->d_name), &entry) && entry > last && entry < UINT32_MAX)
			last = entry;
	}
	return last + 1;
}

bool staging_add(int own, struct str name, struct str type, struct str content)
{
	const struct attachment about = { .name = name, .type = type, .size = content.len };
	char number[NUMBER_ROOM];
	scoped(fd_close) int fd =
		openat(own, "tmp", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good;

	snprintf(number, sizeof number, "%llu", (unsigned long long)next_entry(own));
	good = fd >= 0 && write_file(fd, &about, content) &&
	       renameat(own, "tmp", own, number) == 0 && fsync(own) == 0;
	if (!good) {
		int why = errno;

		unlinkat(own, "tmp", 0);
		errno = why;
	}
	return good;
}

bool staging_remove(int own, uint64_t entry)
{
	char name[NUMBER_ROOM];

	snprintf(name, sizeof name, "%llu", (unsigned long long)entry);
	return unlinkat(own, name, 0) == 0;
}

void staging_clear(int staging, struct str draft)
{
	char name[DRAFT_ID_MOST + 1];
	scoped(fd_close) int own = staging_open(staging, draft, false);
	scoped(folder_close_list) DIR *entries = folder_list(own, ".");

	for (struct dirent *e; entries && (e = readdir(entries));) {
		if (e->d_name[0] != '.')
			unlinkat(own, e->d_name, 0);
	}
	if (own >= 0)
		unlinkat(staging, text_of(draft, name), AT_REMOVEDIR);
}

static bool has_draft(int drafts, struct str draft)
{
	scoped(draft_place_close) struct draft_place place;

	return draft_file_find(drafts, DRAFT_FILE, draft, &place);
}

void staging_sweep(int staging, int drafts, int64_t wall_ms)
{
	scoped(folder_close_list) DIR *entries = folder_list(staging, ".");

	for (struct dirent *e; entries && (e = readdir(entries));) {
		struct str draft = str_of(e->d_name);
		struct stat status;

		if (draft_is_id(draft) &&
			fstatat(staging, e->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			status.st_mtime < wall_ms / SECOND && !has_draft(drafts, draft))
			staging_clear(staging, draft);
	}
}
