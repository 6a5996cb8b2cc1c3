/* SPDX-License-Identifier: ISC
 *
 * index.c - see index.h. Runs in the mailbox role, under the account's lock. The file lies where
 * Dovecot, who may share our user, can write as well: no link is followed to it, and what is in it
 * is no program (trusted_schema). WAL with synchronous=NORMAL: a machine that loses its power loses
 * the last rows and not the database, and delivery's own fsyncs don't wait for ours.
 */
#include "mailbox/index.h"

#include "base/log.h"
#include "base/must.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FILE_NAME "siegel-index"

enum {
	BUSY_MS = 2 * SECOND,
	TRY_AGAIN = MINUTE,
	/* What an index leaves free on the disk for mail. */
	ROOM_FOR_MAIL = 64 * 1024 * 1024,
};

#define INDEX_STATEMENT_SQL(name, sql) sql,
static const char *const texts[] = { INDEX_STATEMENTS(INDEX_STATEMENT_SQL) };
#undef INDEX_STATEMENT_SQL
static const struct sql_statements statements = { texts, INDEX_STATEMENTS_N, LOG_WARNING,
	"index-failed" };

/* Held exclusively: no second process may have it, and no shared memory is needed. */
static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
			      "PRAGMA trusted_schema = OFF;"
			      "PRAGMA cell_size_check = ON;"
			      "PRAGMA secure_delete = FAST;"
			      "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = NORMAL;"
			      "PRAGMA journal_size_limit = 8388608;"
			      "PRAGMA cache_size = -8192;"
			      "PRAGMA temp_store = MEMORY;"; /* no file elsewhere */

struct index *index_new(int folder, const struct folder_path *path)
{
	struct index *index = must_alloc(sizeof *index);
	size_t room = strlen(path->domain) + strlen(path->local) + sizeof FILE_NAME + 2;

	index->folder = folder;
	index->path = must_alloc(room);
	snprintf(index->path, room, "%s/%s/%s", path->domain, path->local, FILE_NAME);
	return index;
}

static void close_handle(struct index *index)
{
	sql_close(&index->db);
	known_free(&index->known);
}

void index_free(struct index **index)
{
	if (!*index)
		return;
	close_handle(*index);
	free((*index)->path);
	free(*index);
	*index = NULL;
}

/* --- opening --- */

static int execute(struct index *index, const char *sql)
{
	return sqlite3_exec(index->db.handle, sql, NULL, NULL, NULL);
}

#define STRING_OF(number)	STRING_OF_VALUE(number)
#define STRING_OF_VALUE(number) #number

/* A new one has no version; SQLITE_MISMATCH: it is another program's. */
static int make_tables(struct index *index)
{
	int version = sql_version(index->db.handle);

	if (version == INDEX_VERSION)
		return SQLITE_OK;
	if (version > 0)
		return SQLITE_MISMATCH;
	return execute(index,
		"BEGIN;" INDEX_TABLES "PRAGMA user_version = " STRING_OF(INDEX_VERSION) ";COMMIT;");
}

static int prepare(struct index *index)
{
	struct why why;
	int code = sql_prepare(&index->db, &statements, &why);

	if (code != SQLITE_OK)
		LOG(LOG_WARNING, "index-statement", log_text("why", why.text));
	return code;
}

/* The files the index has are read once; so is again what could not be read before. */
static int learn_known(struct index *index)
{
	sqlite3_stmt *s = INDEX_ASK_PLAIN(index, KNOWN);

	while (row(&index->db, s))
		known_add(&index->known, (uint64_t)row_number(s, 1), (uint32_t)row_number(s, 2),
			row_number(s, 0));
	INDEX_RUN_PLAIN(index, UNREADABLE_AGAIN);
	return index->db.failure;
}

static int open_at(struct index *index, const char *path)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_NOFOLLOW;
	int code = sqlite3_open_v2(path, &index->db.handle, flags, NULL);

	index->db.failure = SQLITE_OK;
	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(index->db.handle, BUSY_MS);
	if (code == SQLITE_OK)
		code = execute(index, pragmas);
	if (code == SQLITE_OK)
		code = make_tables(index);
	if (code == SQLITE_OK)
		code = prepare(index);
	if (code == SQLITE_OK)
		code = learn_known(index);
	if (code != SQLITE_OK)
		close_handle(index);
	index->db.failure = SQLITE_OK;
	return code;
}

/* Failures that another file wouldn't have. */
static bool is_broken(int code)
{
	static const int broken[] = { SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_MISMATCH, SQLITE_ERROR,
		SQLITE_SCHEMA, SQLITE_CONSTRAINT, SQLITE_FORMAT, SQLITE_EMPTY, SQLITE_TOOBIG };

	for (size_t i = 0; i < count_of(broken); i++)
		if ((code & 0xff) == broken[i])
			return true;
	return false;
}

static void remove_files(const struct index *index)
{
	static const char *const names[] = { FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm",
		FILE_NAME "-journal" };

	for (size_t i = 0; i < count_of(names); i++)
		unlinkat(index->folder, names[i], 0);
}

static void open_in_memory(struct index *index, int code)
{
	LOG(LOG_WARNING, "index-in-memory", log_text("index", index->path),
		log_text("why", sqlite3_errstr(code)));
	index->in_memory = true;
	index->again = deadline_in(TRY_AGAIN);
	code = open_at(index, ":memory:");
	must(code == SQLITE_OK || code == SQLITE_NOMEM);
	must(index->db.handle);
}

static bool has_room(const struct index *index)
{
	struct statvfs disk;

	return fstatvfs(index->folder, &disk) != 0 ||
	       disk.f_bavail >= ROOM_FOR_MAIL / (disk.f_frsize ? disk.f_frsize : 1);
}

static void open_on_disk(struct index *index)
{
	index->in_memory = false;
	int code = has_room(index) ? open_at(index, index->path) : SQLITE_FULL;

	if (is_broken(code)) {
		LOG(LOG_WARNING, "index-made-anew", log_text("index", index->path),
			log_text("why", sqlite3_errstr(code)));
		remove_files(index);
		code = open_at(index, index->path);
	}
	if (code != SQLITE_OK)
		open_in_memory(index, code);
}

void index_ready(struct index *index)
{
	if (index->db.handle && index->in_memory && deadline_passed(index->again))
		close_handle(index);
	if (!index->db.handle)
		open_on_disk(index);
}

void index_recover(struct index *index)
{
	int code = index->db.failure;

	close_handle(index);
	if (is_broken(code)) {
		LOG(LOG_WARNING, "index-made-anew", log_text("index", index->path),
			log_text("why", sqlite3_errstr(code)));
		remove_files(index);
		open_on_disk(index);
	} else {
		open_in_memory(index, code);
	}
}

/* --- transactions --- */

void index_begin(struct index *index)
{
	index->db.failure = SQLITE_OK;
	INDEX_RUN_PLAIN(index, BEGIN);
}

bool index_commit(struct index *index)
{
	return INDEX_RUN_PLAIN(index, COMMIT);
}
