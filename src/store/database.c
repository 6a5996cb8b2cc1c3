/* SPDX-License-Identifier: ISC
 *
 * database.c - SQLite as the store uses it: WAL with synchronous=FULL, so that a COMMIT that came
 * back is on disk; 4 KiB pages, so that a message of 4 KiB takes one overflow page; the file held
 * exclusively, so that no second store can open it and no shared memory is needed.
 * Runs in the store's one thread.
 */
#include "store/database.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include <string.h>

#define STATEMENT_SQL(name, sql) sql,
static const char *const texts[] = { STATEMENTS(STATEMENT_SQL) };
#undef STATEMENT_SQL
static const struct sql_statements statements = { texts, STATEMENTS_N, LOG_ALARM,
	"database-failed" };

enum { BUSY_MS = 10 * SECOND };

/* The loop asks for a checkpoint every 16 MiB, after the answers are out: the same leaf and index
 * pages are then written once for some thousand messages. The WAL is cut back to 64 MiB after a
 * batch that made it longer. */
static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
			      "PRAGMA page_size = 4096;"
			      "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL;"
			      "PRAGMA wal_autocheckpoint = 0;"
			      "PRAGMA journal_size_limit = 67108864;"
			      "PRAGMA cache_size = -16384;"
			      "PRAGMA temp_store = MEMORY;"
			      "PRAGMA trusted_schema = OFF;"
			      "PRAGMA foreign_keys = OFF;";

static bool execute(struct sql *db, const char *sql, struct why *why)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	return why_not(why, "database: %s", sqlite3_errmsg(db->handle));
}

static int count_wal(void *argument, sqlite3 *handle, const char *name, int pages)
{
	struct sql *db = argument;

	(void)handle;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

bool database_open(struct sql *db, const char *path, struct why *why)
{
	*db = (struct sql){ 0 };
	/* The page copies a savepoint keeps stay in memory. One thread, so no mutexes. */
	sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	int opened = sqlite3_open_v2(path, &db->handle, flags, NULL);
	/* After a kill -9 of everything the store before us may take a moment to be gone. */
	if (db->handle)
		sqlite3_busy_timeout(db->handle, BUSY_MS);
	if (opened != SQLITE_OK)
		why_not(why, "can't open %s: %s", path, sqlite3_errmsg(db->handle));
	else if (execute(db, pragmas, why) && schema_migrate(db->handle, why) &&
		 sql_prepare(db, &statements, why) == SQLITE_OK) {
		sqlite3_wal_hook(db->handle, count_wal, db);
		return true;
	}
	sql_close(db);
	return false;
}

void database_begin(struct sql *db)
{
	db->failure = SQLITE_OK;
	RUN_PLAIN(db, BEGIN);
}

bool database_commit(struct sql *db)
{
	if (RUN_PLAIN(db, COMMIT))
		return true;
	database_rollback(db);
	return false;
}

void database_rollback(struct sql *db)
{
	for (size_t i = 0; i < STATEMENTS_N; i++)
		sqlite3_reset(db->prepared[i]);
	if (!sqlite3_get_autocommit(db->handle)) {
		sqlite3_stmt *s = db->prepared[STATEMENT_ROLLBACK];
		sqlite3_step(s);
		sqlite3_reset(s);
	}
}

void savepoint_begin(struct sql *db)
{
	RUN_PLAIN(db, SAVEPOINT);
}

bool savepoint_end(struct sql *db)
{
	if (RUN_PLAIN(db, RELEASE))
		return true;
	/* Some failures (disk full, I/O) make SQLite roll back all; the batch is lost then. */
	if (sqlite3_get_autocommit(db->handle))
		return false;
	db->failure = SQLITE_OK;
	if (RUN_PLAIN(db, ROLLBACK_TO))
		RUN_PLAIN(db, RELEASE);
	return false;
}

void database_checkpoint(struct sql *db, bool cut)
{
	int mode = cut ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;

	if (sqlite3_wal_checkpoint_v2(db->handle, NULL, mode, NULL, NULL) == SQLITE_OK)
		db->wal_pages = 0;
	else
		LOG(LOG_WARNING, "checkpoint-failed",
			log_text("error", sqlite3_errmsg(db->handle)));
}

bool database_is_full(int failure)
{
	return (failure & 0xff) == SQLITE_FULL;
}
