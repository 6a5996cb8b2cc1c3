/* SPDX-License-Identifier: ISC
 *
 * composition.c - see composition.h. Runs in the mailbox role. Names are `composed-REVISION-TIME`
 * and, empty, `undone-REVISION`; whoever has the account by other programs may have put others there,
 * which are passed over.
 */
#include "mailbox/composition.h"

#include "mailbox/folder.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024 };

static const char begun[] = "composing";

/* --- names ----------------------------------------------------------------------------------- */

static bool read_name(const char *name, struct composition *c)
{
	struct str rest = str_of(name);
	uint64_t time;

	if (rest.len > DRAFT_NAME_MAX || !str_eq(str_cut(&rest, '-'), STR("composed")) ||
		!str_to_u64(str_cut(&rest, '-'), &c->revision) || !str_to_u64(rest, &time) ||
		time > INT64_MAX)
		return false;
	c->time = (int64_t)time;
	memcpy(c->name, name, strlen(name) + 1);
	return true;
}

static bool read_mark(const char *name, uint64_t *revision)
{
	struct str rest = str_of(name);

	return str_eq(str_cut(&rest, '-'), STR("undone")) && str_to_u64(rest, revision);
}

/* --- what is there --------------------------------------------------------------------------- */

bool composition_find(int own, uint64_t revision, struct composition *found)
{
	scoped(folder_close_list) DIR *entries = folder_list(own, ".");

	for (struct dirent *e; entries && (e = readdir(entries));) {
		if (read_name(e->d_name, found) && found->revision == revision)
			return true;
	}
	return false;
}

bool composition_any(int own)
{
	scoped(folder_close_list) DIR *entries = folder_list(own, ".");
	struct composition c;
	uint64_t revision;

	for (struct dirent *e; entries && (e = readdir(entries));) {
		if (read_name(e->d_name, &c) || read_mark(e->d_name, &revision))
			return true;
	}
	return false;
}

/* --- composing ------------------------------------------------------------------------------- */

int composition_begin(int own)
{
	return openat(own, begun, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool composition_keep(int own, int file, uint64_t revision, int64_t time)
{
	char name[DRAFT_NAME_MAX + 1];

	snprintf(name, sizeof name, "composed-%llu-%lld", (unsigned long long)revision,
		(long long)time);
	return fsync(file) == 0 && renameat(own, begun, own, name) == 0 && fsync(own) == 0;
}

/* Fill a piece of a file; less than a piece is its end, -1 an error. */
static ssize_t read_piece(int file, char piece[CHUNK], off_t at)
{
	size_t filled = 0;
	ssize_t n = 1;

	while (n > 0 && filled < CHUNK) {
		n = pread(file, piece + filled, CHUNK - filled, at + (off_t)filled);
		filled += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? -1 : (ssize_t)filled;
}

bool composition_is_same(int own, int file, const struct composition *kept)
{
	scoped(fd_close) int other =
		openat(own, kept->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char left[CHUNK], right[CHUNK];
	ssize_t n = CHUNK;
	bool same = other >= 0;

	for (off_t at = 0; same && n == CHUNK; at += CHUNK) {
		n = read_piece(file, left, at);
		same = n >= 0 && read_piece(other, right, at) == n &&
		       memcmp(left, right, (size_t)n) == 0;
	}
	return same;
}

void composition_end(int own)
{
	unlinkat(own, begun, 0);
}

void composition_forget(int own, uint64_t below, int64_t before_ms)
{
	scoped(folder_close_list) DIR *entries = folder_list(own, ".");
	struct composition c;

	for (struct dirent *e; entries && (e = readdir(entries));) {
		if (read_name(e->d_name, &c) && c.revision < below && c.time < before_ms)
			unlinkat(own, c.name, 0);
	}
}

/* --- taken back ------------------------------------------------------------------------------ */

bool composition_take_back(int own, uint64_t revision)
{
	char name[DRAFT_NAME_MAX + 1];

	snprintf(name, sizeof name, "undone-%llu", (unsigned long long)revision);
	scoped(fd_close) int fd =
		openat(own, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd >= 0 && fsync(own) == 0;
}

bool composition_is_taken_back(int own, uint64_t revision)
{
	scoped(folder_close_list) DIR *entries = folder_list(own, ".");
	uint64_t marked;

	for (struct dirent *e; entries && (e = readdir(entries));) {
		if (read_mark(e->d_name, &marked) && marked >= revision)
			return true;
	}
	return false;
}
