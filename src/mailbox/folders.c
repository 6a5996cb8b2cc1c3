/* SPDX-License-Identifier: ISC
 *
 * folders.c - see folders.h. A folder is removed by a rename first, to a name that is no folder's
 * (siegel-removed-...), in which nobody puts anything any more; then its mail is renamed into the
 * trash, then what is left of it is deleted. Whatever ends this process in between, no mail is gone,
 * and the next who removes a folder finishes it.
 */
#include "mailbox/folders.h"

#include "base/fd.h"
#include "base/log.h"
#include "mailbox/file_name.h"
#include "mailbox/folder_name.h"
#include "mailbox/keywords.h"
#include "mailbox/scan.h"
#include "mailbox/subscriptions.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REMOVED "siegel-removed-"

enum { NAME_MAX_BYTES = 255 };

struct name {
	char text[NAME_MAX_BYTES + 1];
};

static bool name_of(struct str from, struct name *to)
{
	if (from.len > NAME_MAX_BYTES || memchr(from.at, '\0', from.len))
		return false;
	memcpy(to->text, from.at, from.len);
	to->text[from.len] = '\0';
	return true;
}

static bool refuse(struct folders_answer *answer, enum web_outcome outcome, struct arena *arena,
	const char *text)
{
	*answer = (struct folders_answer){ .outcome = outcome,
		.text = arena_str(arena, str_of(text)) };
	return false;
}

static bool fail(struct folders_answer *answer, struct arena *arena)
{
	enum web_outcome outcome = errno == ENOSPC || errno == EDQUOT	   ? WEB_FULL
				   : errno == EEXIST || errno == ENOTEMPTY ? WEB_EXISTS
				   : errno == ENOENT			   ? WEB_NOT_FOUND
									   : WEB_FAILED;

	return refuse(answer, outcome, arena, strerrordesc_np(errno));
}

/* --- the list --- */

static int by_kind_and_name(const void *a, const void *b)
{
	const struct folder *x = a, *y = b;

	return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind)
				  : str_compare(x->folder, y->folder);
}

static void add_folder(struct folders_answer *answer, struct str name, struct arena *arena)
{
	if (name.at && answer->folders.len < FOLDERS_MAX + FOLDER_OWN)
		answer->folders.at[answer->folders.len++] = (struct folder){ .folder = name,
			.name = folder_name_shown(name, arena),
			.kind = folder_name_kind(name) };
}

static bool has_kind(const struct folders_answer *answer, enum folder_kind kind)
{
	for (size_t i = 0; i < answer->folders.len; i++)
		if (answer->folders.at[i].kind == kind)
			return true;
	return false;
}

/* Each row's number is kept in `total` until the counts are there. */
static void gather(struct index *index, struct arena *arena, struct folders_answer *answer)
{
	sqlite3_stmt *s = INDEX_ASK_PLAIN(index, FOLDERS);

	while (row(&index->db, s)) {
		size_t n = answer->folders.len;

		add_folder(answer, row_copy(s, 1, arena), arena);
		if (answer->folders.len > n)
			answer->folders.at[n].total = (uint64_t)row_number(s, 0);
	}
}

static void count(struct index *index, struct arena *arena, struct folders_answer *answer)
{
	uint64_t *numbers = arena_array(arena, answer->folders.len + 1, sizeof *numbers);
	sqlite3_stmt *s = INDEX_ASK_PLAIN(index, FOLDER_COUNTS);

	for (size_t i = 0; i < answer->folders.len; i++) {
		if (numbers)
			numbers[i] = answer->folders.at[i].total;
		answer->folders.at[i].total = 0;
	}
	while (row(&index->db, s))
		for (size_t i = 0; numbers && i < answer->folders.len; i++)
			if (numbers[i] == (uint64_t)row_number(s, 0)) {
				answer->folders.at[i].total = (uint64_t)row_number(s, 1);
				answer->folders.at[i].unseen = (uint64_t)row_number(s, 2);
			}
}

/* With the lock held. False: the index failed. */
static bool list_once(struct account *account, struct arena *arena, struct folders_answer *answer)
{
	*answer = (struct folders_answer){ .outcome = WEB_OK };
	answer->folders.at =
		arena_array(arena, FOLDERS_MAX + FOLDER_OWN, sizeof *answer->folders.at);
	if (!answer->folders.at) {
		answer->outcome = WEB_FAILED;
		return true;
	}
	scan(account);
	gather(account->index, arena, answer);
	count(account->index, arena, answer);
	for (enum folder_kind kind = FOLDER_INBOX; kind < FOLDER_OWN; kind++)
		if (!has_kind(answer, kind))
			add_folder(answer, folder_name_of_kind(kind), arena);
	qsort(answer->folders.at, answer->folders.len, sizeof *answer->folders.at,
		by_kind_and_name);
	return account->index->db.failure == SQLITE_OK;
}

static void list_locked(struct account *account, struct arena *arena, struct folders_answer *answer)
{
	for (int i = 0; i < 2; i++) {
		if (list_once(account, arena, answer))
			return;
		index_recover(account->index);
	}
	*answer = (struct folders_answer){ .outcome = WEB_FAILED };
}

void folders_list(struct account *account, struct arena *arena, struct folders_answer *answer)
{
	pthread_mutex_lock(&account->lock);
	list_locked(account, arena, answer);
	pthread_mutex_unlock(&account->lock);
}

/* --- making and renaming --- */

static bool is_there(int account, const char *name)
{
	return faccessat(account, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool create(struct account *account, struct str directory, struct arena *arena,
	struct folders_answer *answer)
{
	struct name name;

	if (!name_of(directory, &name))
		return refuse(answer, WEB_INVALID, arena, "the name is too long");
	if (is_there(account->folder, name.text))
		return refuse(answer, WEB_EXISTS, arena, "there is a folder of that name");
	if (!folder_make(account->folder, name.text))
		return fail(answer, arena);
	subscriptions_add(account->folder, directory);
	return true;
}

static bool is_below(struct str name, struct str folder)
{
	return name.len > folder.len && name.at[folder.len] == '.' && str_starts(name, folder);
}

/* The folders below one, as the account's directory has them. */
static size_t find_below(int account, struct str folder, struct arena *arena, struct str *below)
{
	scoped(folder_close_list) DIR *directory = folder_list(account, ".");
	struct dirent *entry;
	size_t n = 0;

	while (directory && n < FOLDERS_MAX && (entry = readdir(directory)))
		if (is_below(str_of(entry->d_name), folder)) {
			below[n] = arena_str(arena, str_of(entry->d_name));
			n += below[n].at != NULL;
		}
	return n;
}

static bool rename_one(int account, struct str folder, struct str from, struct str to)
{
	scoped(buf_free) struct buf target = BUF(NAME_MAX_BYTES);
	struct name before, after;

	buf_add(&target, to);
	buf_add(&target, str_tail(folder, from.len));
	if (target.overflowed || target.len > FOLDER_DIRECTORY_MAX || !name_of(folder, &before) ||
		!name_of(buf_str(&target), &after)) {
		errno = ENAMETOOLONG;
		return false;
	}
	return renameat2(account, before.text, account, after.text, RENAME_NOREPLACE) == 0;
}

/* What lies below goes along, or nothing does. */
static bool rename_folder(struct account *account, struct str from, struct str to,
	struct arena *arena, struct folders_answer *answer)
{
	struct str *all = arena_array(arena, FOLDERS_MAX + 1, sizeof *all);
	size_t n, done = 0;

	if (!all)
		return refuse(answer, WEB_FAILED, arena, "no memory");
	if (is_below(to, from))
		return refuse(answer, WEB_INVALID, arena, "a folder can't lie in itself");
	all[0] = from;
	n = 1 + find_below(account->folder, from, arena, all + 1);
	while (done < n && rename_one(account->folder, all[done], from, to))
		done++;
	if (done == n) {
		subscriptions_rename(account->folder, from, to);
		return true;
	}
	int reason = errno;
	while (done-- > 0) {
		struct buf moved = BUF(NAME_MAX_BYTES);

		buf_add(&moved, to);
		buf_add(&moved, str_tail(all[done], from.len));
		if (!rename_one(account->folder, buf_str(&moved), to, from))
			LOG(LOG_ALARM, "folder-stays-renamed", log_str("folder", buf_str(&moved)));
		buf_free(&moved);
	}
	errno = reason;
	return fail(answer, arena);
}

/* --- removing --- */

/* Dovecot's copies are links: where the trash has the other one already, one is enough. */
static bool is_same_file(int a, const char *in_a, int b, const char *in_b)
{
	struct stat x, y;

	return fstatat(a, in_a, &x, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(b, in_b, &y, AT_SYMLINK_NOFOLLOW) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Where the mail of a removed folder goes. */
struct trash {
	int folder, cur;
	struct deadline keywords; /* so long its list of keywords is waited for */
};

static void close_trash(struct trash *trash)
{
	fd_close(&trash->folder);
	fd_close(&trash->cur);
}

static bool throw_away(int part, const char *file, int trash, const char *name)
{
	if (renameat2(part, file, trash, name, RENAME_NOREPLACE) == 0)
		return true;
	return errno == EEXIST && is_same_file(part, file, trash, name) &&
	       unlinkat(part, file, 0) == 0;
}

/* The name of a file of the folder in the trash. */
static bool name_in_trash(int folder, struct str file, const struct trash *trash, struct name *to)
{
	scoped(buf_free) struct buf target = BUF(2 * NAME_MAX_BYTES);
	uint32_t keywords = file_name_keywords(file), left;

	if (keywords)
		keywords = keywords_carry(folder, trash->folder, keywords, trash->keywords, &left);
	return file_name_with(&target, file, file_name_flags(file), keywords) &&
	       name_of(buf_str(&target), to);
}

/* Every file of a part into `cur` of the trash; false: some are left. */
static bool empty_part(int folder, const char *name, const struct trash *trash)
{
	int fd = folder_open_directory(folder, name);
	DIR *part = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool good = true;

	if (!part) {
		fd_close(&fd);
		return errno == ENOENT;
	}
	while ((entry = readdir(part))) {
		struct str file = str_of(entry->d_name);
		struct name to;

		if (str_eq(file, STR(".")) || str_eq(file, STR("..")))
			continue;
		good = name_in_trash(folder, file, trash, &to) &&
		       throw_away(fd, entry->d_name, trash->cur, to.text) && good;
	}
	closedir(part);
	return good;
}

/* The files in a directory, and the directory; nothing below it. */
static void remove_directory(int parent, const char *name)
{
	int fd = folder_open_directory(parent, name);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (directory) {
		while ((entry = readdir(directory)))
			unlinkat(fd, entry->d_name, 0);
		closedir(directory);
	} else {
		fd_close(&fd);
	}
	unlinkat(parent, name, AT_REMOVEDIR);
}

/* A folder that was renamed out of the way. False: there is mail left in it, which stays. */
static bool finish_removing(int account, const char *name, const struct trash *trash)
{
	scoped(fd_close) int folder = folder_open_directory(account, name);
	bool good;

	if (folder < 0)
		return errno == ENOENT;
	good = empty_part(folder, "cur", trash);
	good = empty_part(folder, "new", trash) && good;
	if (!good || fsync(trash->cur) != 0)
		return false;
	unlinkat(folder, "cur", AT_REMOVEDIR);
	unlinkat(folder, "new", AT_REMOVEDIR);
	remove_directory(folder, "tmp");
	if (is_there(folder, "cur") || is_there(folder, "new"))
		return false;
	remove_directory(account, name);
	return true;
}

static bool open_trash(int account, struct trash *trash)
{
	struct str folder = folder_name_of_kind(FOLDER_TRASH);
	struct name name;

	if (!name_of(folder, &name) || !folder_make(account, name.text))
		return false;
	subscriptions_add(account, folder);
	trash->folder = scan_open_folder(account, folder);
	trash->cur = scan_open_part(account, folder, false);
	return trash->folder >= 0 && trash->cur >= 0;
}

/* All that were renamed out of the way, now or before a crash. */
static void finish_all(int account, const struct trash *trash)
{
	scoped(folder_close_list) DIR *directory = folder_list(account, ".");
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (str_starts(str_of(entry->d_name), STR(REMOVED)) &&
			!finish_removing(account, entry->d_name, trash))
			LOG(LOG_WARNING, "folder-not-removed", log_text("name", entry->d_name));
}

static bool remove_folder(struct account *account, struct str folder, struct arena *arena,
	struct folders_answer *answer)
{
	scoped(close_trash) struct trash trash = { -1, -1, deadline_in(KEYWORDS_WAIT) };
	struct str *below = arena_array(arena, FOLDERS_MAX, sizeof *below);
	struct str away = arena_printf(arena, REMOVED "%llx-%016llx",
		(unsigned long long)clock_wall_ms(), (unsigned long long)known_hash(folder));
	struct name name, to;

	if (!below || !away.at || !name_of(folder, &name) || !name_of(away, &to))
		return refuse(answer, WEB_FAILED, arena, "no memory");
	if (find_below(account->folder, folder, arena, below))
		return refuse(answer, WEB_REFUSED, arena, "there are folders in it");
	if (!open_trash(account->folder, &trash) ||
		renameat2(account->folder, name.text, account->folder, to.text, RENAME_NOREPLACE) !=
			0)
		return fail(answer, arena);
	subscriptions_remove(account->folder, folder);
	finish_all(account->folder, &trash);
	return true;
}

/* --- */

static bool change_folder(struct account *account, const struct folder_change_ask *ask,
	struct arena *arena, struct folders_answer *answer)
{
	scoped(buf_free) struct buf directory = BUF(NAME_MAX_BYTES);
	struct why why = { "" };
	bool own = folder_name_is_good(ask->folder) && folder_name_kind(ask->folder) == FOLDER_OWN;

	if (ask->change != FOLDER_CREATE && !own)
		return refuse(answer, WEB_INVALID, arena, "that folder stays as it is");
	if (ask->change != FOLDER_REMOVE && !folder_name_directory(&directory, ask->name, &why))
		return refuse(answer, WEB_INVALID, arena, why.text);
	switch (ask->change) {
	case FOLDER_CREATE:
		return create(account, buf_str(&directory), arena, answer);
	case FOLDER_RENAME:
		return rename_folder(account, ask->folder, buf_str(&directory), arena, answer);
	case FOLDER_REMOVE:
		return remove_folder(account, ask->folder, arena, answer);
	default:
		return refuse(answer, WEB_INVALID, arena, "no such change");
	}
}

void folders_change(struct account *account, const struct folder_change_ask *ask,
	struct arena *arena, struct folders_answer *answer)
{
	pthread_mutex_lock(&account->lock);
	scan(account);
	if (change_folder(account, ask, arena, answer)) {
		scan_own(account);
		list_locked(account, arena, answer);
	}
	pthread_mutex_unlock(&account->lock);
}
