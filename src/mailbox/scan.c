/* SPDX-License-Identifier: ISC
 *
 * scan.c - see scan.h. A directory is taken to be as it was if inode, mtime and ctime are, and if
 * these were not of the moment when it was read: within the same tick of the file system's clock
 * another change would not show. Whatever is in the Maildir may be a person's own doing; no link is
 * followed, and what is no plain file is no message.
 *
 * A file that appears is the one that vanished, if they have one base name: it was moved or
 * flagged, and what is known of it stays. If none vanished it is a copy, which Dovecot makes under
 * the same base name: a message of its own, whose id is BASE~NUMBER, so that what is done to the one
 * is never done to the other. A file that readdir left out because it was renamed
 * meanwhile is not taken for gone before it is looked for by name.
 *
 * What others did is counted as news, for pages to be told of (watch.h); not what this server put there:
 * a delivery, of which the store tells, a draft, a sent message.
 */
#include "mailbox/scan.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "call/message.h"
#include "mailbox/draft.h"
#include "mailbox/file_name.h"
#include "mailbox/folder_name.h"
#include "mailbox/people.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TICK = 1 * SECOND, PART_NAME_MAX = 300, COPIES_MAX = 32 };

/* A folder that is there, or that the index has. */
struct seen {
	struct str name;
	int64_t number;		     /* 0: not in the index */
	int64_t looked[2], looks[2]; /* cur, new: what they looked like, and look like */
	bool there, changed;
};

struct scan {
	struct account *account;
	struct index *index;
	struct arena arena; /* names of folders, for one scan */
	struct arena file;  /* for one file */
	struct seen *folders;
	size_t n;
	int64_t now;
	uint32_t mark;
	bool news;
};

/* --- names to descriptors --- */

static bool terminated(struct str name, char to[PART_NAME_MAX])
{
	if (name.len >= PART_NAME_MAX || memchr(name.at, '\0', name.len))
		return false;
	memcpy(to, name.at, name.len);
	to[name.len] = '\0';
	return true;
}

int scan_open_folder(int account, struct str folder)
{
	char name[PART_NAME_MAX];

	if (!folder.len)
		return folder_open_directory(account, ".");
	if (!terminated(folder, name)) {
		errno = ENOENT;
		return -1;
	}
	return folder_open_directory(account, name);
}

int scan_open_part(int account, struct str folder, bool is_new)
{
	scoped(fd_close) int fd = scan_open_folder(account, folder);

	return fd < 0 ? -1 : folder_open_directory(fd, is_new ? "new" : "cur");
}

int scan_open_file(int account, const struct located *l)
{
	scoped(fd_close) int part = scan_open_part(account, l->folder, l->directory & 1);
	char name[PART_NAME_MAX];
	struct stat status;
	int fd = -1;

	errno = ENOENT;
	if (part >= 0 && terminated(l->name, name))
		fd = openat(part, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
		fd_close(&fd);
		errno = ENOENT;
	}
	return fd;
}

/* --- one message in the index --- */

static bool next_located(
	struct index *index, sqlite3_stmt *s, struct arena *arena, struct located *l)
{
	bool found = row(&index->db, s);

	if (found)
		*l = (struct located){ .number = row_number(s, 0),
			.name = row_copy(s, 1, arena),
			.folder = row_copy(s, 2, arena),
			.directory = (uint32_t)row_number(s, 3),
			.flags = (uint64_t)row_number(s, 4),
			.hash = (uint64_t)row_number(s, 5),
			.conversation = row_number(s, 6),
			.queue_id = row_copy(s, 7, arena),
			.sent = row_copy(s, 8, arena),
			.draft = row_copy(s, 9, arena),
			.size = (uint64_t)row_number(s, 10),
			.time = row_number(s, 11),
			.id = row_copy(s, 12, arena),
			.left_in = row_number(s, 13),
			.left = (uint32_t)row_number(s, 14) };
	return found && l->name.at && l->id.at;
}

static bool take_located(
	struct index *index, sqlite3_stmt *s, struct arena *arena, struct located *l)
{
	bool found = next_located(index, s, arena, l);

	sqlite3_reset(s);
	return found;
}

bool scan_locate(struct account *account, struct str id, struct arena *arena, struct located *l)
{
	sqlite3_stmt *s = INDEX_ASK(account->index, MESSAGE_OF_ID, as_text(id));

	return take_located(account->index, s, arena, l);
}

bool scan_locate_number(
	struct account *account, int64_t number, struct arena *arena, struct located *l)
{
	sqlite3_stmt *s = INDEX_ASK(account->index, MESSAGE_OF_NUMBER, as_number(number));

	return take_located(account->index, s, arena, l);
}

int scan_open(struct account *account, struct str id, struct arena *arena, struct located *l)
{
	int fd = -1;

	pthread_mutex_lock(&account->lock);
	for (int i = 0; fd < 0 && i < 3; i++) {
		scan(account);
		if (!scan_locate(account, id, arena, l))
			break;
		fd = scan_open_file(account->folder, l);
	}
	pthread_mutex_unlock(&account->lock);
	return fd;
}

/* --- a file --- */

static void put_message(struct scan *s, const struct seen *folder, uint32_t directory,
	struct str name, const struct stat *status, struct str id)
{
	struct index *index = s->index;
	int64_t ms = status->st_mtim.tv_sec * SECOND + status->st_mtim.tv_nsec / 1000000;
	uint64_t hash = known_hash(name);
	struct str sent = STR(""), draft = STR("");

	if (folder_name_kind(folder->name) == FOLDER_SENT)
		sent = sent_of_name(name);
	if (folder_name_kind(folder->name) == FOLDER_DRAFTS)
		draft = draft_of_name(name);
	INDEX_RUN(index, MESSAGE_ADD, as_text(id), as_text(name), as_number((int64_t)hash),
		as_number(folder->number), as_number(directory),
		as_number((int64_t)file_name_flags(name)), as_number(ms),
		as_number(status->st_size), as_number((int64_t)(known_hash(id) >> 1)),
		as_text(file_name_queue_id(name)), as_text(sent), as_text(draft));
	if (index->db.failure == SQLITE_OK)
		known_add(&index->known, hash, directory, sql_last_number(&index->db))->mark =
			s->mark;
	if (!sent.len && !draft.len && !(directory & 1 && file_name_queue_id(name).len))
		s->news = true;
}

static void move_message(struct scan *s, const struct seen *folder, uint32_t directory,
	struct str name, const struct located *was)
{
	struct index *index = s->index;
	uint64_t hash = known_hash(name);
	enum folder_kind kind = folder_name_kind(folder->name);
	enum folder_kind before = folder_name_kind(was->folder);

	INDEX_RUN(index, MESSAGE_IS_AT, as_number(was->number), as_text(name),
		as_number((int64_t)hash), as_number(folder->number), as_number(directory),
		as_number((int64_t)file_name_flags(name)),
		as_text(kind == FOLDER_SENT ? sent_of_name(name) : STR("")),
		as_text(kind == FOLDER_DRAFTS ? draft_of_name(name) : STR("")));
	if (folder->number != was->directory / 2 || file_name_flags(name) != was->flags)
		s->news = true;
	/* Only what lies in Sent says whom one has written to. */
	if ((kind == FOLDER_SENT) != (before == FOLDER_SENT))
		INDEX_RUN(index, MESSAGE_READ_AGAIN, as_number(was->number));
	known_remove(&index->known, was->hash, was->directory);
	if (index->db.failure == SQLITE_OK)
		known_add(&index->known, hash, directory, was->number)->mark = s->mark;
}

static bool is_where_it_was(struct scan *s, const struct located *was)
{
	scoped(fd_close) int fd = scan_open_file(s->account->folder, was);

	return fd >= 0;
}

/* Messages of one base name; and those of others whose ids look like it. */
struct copies {
	struct located at[COPIES_MAX];
	size_t n;
};

static void find_copies(struct scan *s, struct str base, struct copies *c)
{
	sqlite3_stmt *of_base = INDEX_ASK(s->index, MESSAGES_OF_BASE, as_text(base));

	c->n = 0;
	while (c->n < COPIES_MAX && next_located(s->index, of_base, &s->file, &c->at[c->n]))
		c->n++;
	row_end(of_base);
}

static const struct located *vanished_of(struct scan *s, const struct copies *c, struct str base)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(file_name_id(c->at[i].name, &s->file), base) &&
			!is_where_it_was(s, &c->at[i]))
			return &c->at[i];
	return NULL;
}

static bool has_id(const struct copies *c, struct str id)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(c->at[i].id, id))
			return true;
	return false;
}

/* Where there are too many copies, one that doesn't go along when the file is moved. */
static struct str free_id(struct scan *s, const struct copies *c, struct str base, struct str name,
	uint32_t directory)
{
	struct str id = base;

	if (c->n == COPIES_MAX)
		return arena_printf(
			&s->file, "~%016llx~%u", (unsigned long long)known_hash(name), directory);
	for (unsigned n = 2; has_id(c, id); n++)
		id = arena_printf(&s->file, "%.*s~%u", STR_ARG(base), n);
	return id;
}

static void take_file(
	struct scan *s, const struct seen *folder, uint32_t directory, int part, const char *entry)
{
	struct str name = str_of(entry);
	struct known_file *known = known_find(&s->index->known, known_hash(name), directory);
	const struct located *was;
	struct copies copies;
	struct stat status;

	if (known) {
		known->mark = s->mark;
		return;
	}
	if (fstatat(part, entry, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
		return;
	arena_reset(&s->file);
	struct str base = file_name_id(name, &s->file);
	if (!base.at)
		return;
	find_copies(s, base, &copies);
	was = vanished_of(s, &copies, base);
	if (was)
		move_message(s, folder, directory, name, was);
	else
		put_message(s, folder, directory, name, &status,
			free_id(s, &copies, base, name, directory));
}

/* --- a directory --- */

/* What it looks like, as a number that is never 0; 0: it isn't there, or changed just now. */
static int64_t look_of(const struct scan *s, int folder, const char *part)
{
	struct stat status;
	struct buf text = BUF(256);

	if (fstatat(folder, part, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode))
		return 0;
	if (status.st_mtim.tv_sec * SECOND + status.st_mtim.tv_nsec / 1000000 > s->now - TICK ||
		status.st_ctim.tv_sec * SECOND + status.st_ctim.tv_nsec / 1000000 > s->now - TICK)
		return 0;
	buf_printf(&text, "%ju %ju %jd.%09ld %jd.%09ld", (uintmax_t)status.st_dev,
		(uintmax_t)status.st_ino, (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
		(intmax_t)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
	int64_t look = (int64_t)(known_hash(buf_str(&text)) >> 1) | 1;
	buf_free(&text);
	return look;
}

static void read_part(struct scan *s, const struct seen *folder, bool is_new)
{
	uint32_t directory = (uint32_t)folder->number * 2 + is_new;
	int fd = scan_open_part(s->account->folder, folder->name, is_new);
	DIR *part = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!part) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(part)))
		if (entry->d_name[0] != '.' &&
			(entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN))
			take_file(s, folder, directory, fd, entry->d_name);
	closedir(part);
}

/* --- folders --- */

static struct seen *folder_of(struct scan *s, struct str name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->folders[i].name, name))
			return &s->folders[i];
	if (s->n == FOLDERS_MAX)
		return NULL;
	name = arena_str(&s->arena, name);
	if (!name.at)
		return NULL;
	s->folders[s->n] = (struct seen){ .name = name };
	return &s->folders[s->n++];
}

static void see_folder(struct scan *s, struct str name)
{
	scoped(fd_close) int fd = -1;
	struct seen *folder;
	struct stat status;

	if (!folder_name_is_good(name))
		return;
	fd = scan_open_folder(s->account->folder, name);
	if (fd < 0 || fstatat(fd, "cur", &status, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISDIR(status.st_mode) || !(folder = folder_of(s, name)))
		return;
	folder->there = true;
	folder->looks[0] = look_of(s, fd, "cur");
	folder->looks[1] = look_of(s, fd, "new");
	for (int i = 0; i < 2; i++)
		folder->changed |= !folder->looks[i] || folder->looks[i] != folder->looked[i];
}

static void see_folders(struct scan *s)
{
	scoped(folder_close_list) DIR *account = folder_list(s->account->folder, ".");
	struct dirent *entry;

	if (!account)
		return;
	see_folder(s, STR(""));
	while ((entry = readdir(account)))
		if (entry->d_name[0] == '.' && entry->d_name[1] && entry->d_name[1] != '.')
			see_folder(s, str_of(entry->d_name));
}

static void recall_folders(struct scan *s)
{
	sqlite3_stmt *known = INDEX_ASK_PLAIN(s->index, FOLDERS);
	struct seen *folder;

	while (row(&s->index->db, known)) {
		folder = folder_of(s, row_text(known, 1));
		if (!folder)
			continue;
		folder->number = row_number(known, 0);
		folder->looked[0] = row_number(known, 2);
		folder->looked[1] = row_number(known, 3);
	}
}

/* --- what is gone --- */

static void forget_message(struct scan *s, const struct located *l)
{
	struct index *index = s->index;

	INDEX_RUN(index, WORDS_REMOVE, as_number(l->number));
	people_forget(index, l->number);
	INDEX_RUN(index, SUMMARY_REMOVE, as_number(l->number));
	INDEX_RUN(index, MESSAGE_REMOVE, as_number(l->number));
	INDEX_RUN(index, REFERENCES_REMOVE, as_number(l->conversation));
}

/* For each folder's number: was it read now, so that a file that was not seen is gone? */
static bool *folders_read(const struct scan *s, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < s->n; i++)
		if ((size_t)s->folders[i].number >= *n)
			*n = (size_t)s->folders[i].number + 1;
	bool *read = must_alloc(*n + 1);
	for (size_t i = 0; i < s->n; i++)
		read[s->folders[i].number] = s->folders[i].changed || !s->folders[i].there;
	return read;
}

static void forget_file(struct scan *s, struct known_file *file)
{
	struct located l = { 0 };

	arena_reset(&s->file);
	if (scan_locate_number(s->account, file->number, &s->file, &l) && is_where_it_was(s, &l))
		return;
	l.number = file->number;
	s->news = s->news || !l.draft.len;
	forget_message(s, &l);
	file->number = -1;
}

static void forget_vanished(struct scan *s)
{
	struct known *known = &s->index->known;
	size_t n;
	bool *read = folders_read(s, &n);

	for (size_t i = 0; i < known->room && s->index->db.failure == SQLITE_OK; i++) {
		struct known_file *file = &known->at[i];

		if (file->number > 0 && file->mark != s->mark &&
			(file->directory / 2 >= n || read[file->directory / 2]))
			forget_file(s, file);
	}
	free(read);
}

/* --- */

static void read_folder(struct scan *s, struct seen *folder)
{
	if (!folder->number) {
		INDEX_RUN(s->index, FOLDER_ADD, as_text(folder->name));
		folder->number = sql_last_number(&s->index->db);
		/* The special ones are made as they are needed, and listed always. */
		s->news = s->news || folder_name_kind(folder->name) == FOLDER_OWN;
	}
	read_part(s, folder, true); /* files go from new to cur: so none is missed */
	read_part(s, folder, false);
	INDEX_RUN(s->index, FOLDER_SEEN, as_number(folder->number), as_number(folder->looks[0]),
		as_number(folder->looks[1]));
}

static bool compare(struct scan *s)
{
	index_begin(s->index);
	s->mark = ++s->index->mark;
	for (size_t i = 0; i < s->n; i++)
		if (s->folders[i].changed)
			read_folder(s, &s->folders[i]);
	forget_vanished(s);
	for (size_t i = 0; i < s->n; i++)
		if (!s->folders[i].there) {
			INDEX_RUN(s->index, FOLDER_REMOVE, as_number(s->folders[i].number));
			s->news = true;
		}
	return index_commit(s->index);
}

static bool is_unchanged(const struct scan *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->folders[i].changed || !s->folders[i].there)
			return false;
	return true;
}

static bool scan_once(struct account *account)
{
	struct scan s = { .account = account,
		.index = account->index,
		.arena = ARENA(FOLDERS_MAX * 512),
		.file = ARENA(64 * 1024),
		.now = clock_wall_ms() };
	bool good;

	s.folders = must_alloc(FOLDERS_MAX * sizeof *s.folders);
	recall_folders(&s);
	see_folders(&s);
	good = s.index->db.failure == SQLITE_OK && (is_unchanged(&s) || compare(&s));
	s.index->news += good && s.news;
	free(s.folders);
	arena_free(&s.arena);
	arena_free(&s.file);
	return good;
}

void scan(struct account *account)
{
	index_ready(account->index);
	/* Twice: the index may have been broken, and the one made anew may find no room. */
	for (int i = 0; i < 2; i++) {
		if (scan_once(account))
			return;
		index_recover(account->index);
	}
	if (!scan_once(account))
		LOG(LOG_ALARM, "index-lost", log_text("index", account->index->path));
}

void scan_own(struct account *account)
{
	uint64_t news = account->index->news;

	scan(account);
	account->index->news = news;
}
