/* SPDX-License-Identifier: ISC
 *
 * database.h - the one SQLite connection of the store. Every statement has a name in
 * statements.def and is prepared once. Failure is sticky: after a statement failed, the rest of
 * the handler runs into the void and asks once, at its end, whether all was well.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/arena.h"
#include "base/why.h"
#include "store/statements.def"
#include <sqlite3.h>

#define STATEMENT_ENUM(name, sql) STATEMENT_##name,
enum statement { STATEMENTS(STATEMENT_ENUM) STATEMENTS_N };
#undef STATEMENT_ENUM

struct database {
	sqlite3 *handle;
	sqlite3_stmt *prepared[STATEMENTS_N];
	int failure;   /* the first SQLite result code that went wrong; SQLITE_OK if none */
	int wal_pages; /* in the WAL, to be brought into the database by a checkpoint */
};

/* Open or create the database at `path`, migrate it, prepare all statements. False and why. */
bool database_open(struct database *db, const char *path, struct why *why) must_use;
void database_close(struct database *db);

/* Bring the schema up to this program's version (schema.c). A newer one is refused. */
bool schema_migrate(sqlite3 *handle, struct why *why) must_use;
/* No further than to a version; for tests of migrations. */
bool schema_migrate_to(sqlite3 *handle, int version, struct why *why) must_use;

struct value {
	struct str text;
	int64_t number;
	enum { VALUE_NUMBER, VALUE_TEXT, VALUE_BLOB } kind;
};

static inline struct value as_number(int64_t n)
{
	return (struct value){ .number = n, .kind = VALUE_NUMBER };
}

static inline struct value as_text(struct str s)
{
	return (struct value){ .text = s, .kind = VALUE_TEXT };
}

static inline struct value as_blob(struct str s)
{
	return (struct value){ .text = s, .kind = VALUE_BLOB };
}

/* Bind the values (views that must live until the statement is asked again) and:
 * ASK: return the statement for row(); RUN: run it to its end, false on failure. _PLAIN: without values. */
#define ASK(db, name, ...)                                                        \
	database_ask(db, STATEMENT_##name, (const struct value[]){ __VA_ARGS__ }, \
		sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value))
#define RUN(db, name, ...)  database_run(db, ASK(db, name, __VA_ARGS__))
#define ASK_PLAIN(db, name) database_ask(db, STATEMENT_##name, NULL, 0)
#define RUN_PLAIN(db, name) database_run(db, ASK_PLAIN(db, name))

sqlite3_stmt *database_ask(
	struct database *db, enum statement name, const struct value *values, size_t n);
bool database_run(struct database *db, sqlite3_stmt *statement);
/* The next row; false behind the last one (the statement is reset) or on failure. */
bool row(struct database *db, sqlite3_stmt *statement);
/* The number in the first column of the only row that matters; 0 if there is none. */
int64_t row_only_number(struct database *db, sqlite3_stmt *statement);
/* Done with a statement before its last row. */
void row_end(sqlite3_stmt *statement);
int64_t row_number(sqlite3_stmt *statement, int column);
/* A view, good until the statement moves on. */
struct str row_text(sqlite3_stmt *statement, int column);
/* The same, copied; {NULL, 0} if the arena is full. */
struct str row_copy(sqlite3_stmt *statement, int column, struct arena *arena);
/* Rows changed by the last statement that ran. */
int64_t database_changes(const struct database *db);

/* One transaction for a batch, one savepoint for each handler in it. commit is false if anything
 * failed; the transaction is rolled back then. savepoint_end rolls a failed handler back, clears
 * the failure and returns false; if the whole transaction is lost, `failure` stays. */
void database_begin(struct database *db);
bool database_commit(struct database *db) must_use;
void database_rollback(struct database *db);
void savepoint_begin(struct database *db);
bool savepoint_end(struct database *db) must_use;
enum { DATABASE_PAGE = 4096, DATABASE_WAL_PAGES = 4000 };
/* Bring the WAL into the database, between transactions: to be done when it has
 * DATABASE_WAL_PAGES. `cut`: give its space back to the disk as well. */
void database_checkpoint(struct database *db, bool cut);
/* Was it the disk (or a limit on pages) that is full? */
bool database_is_full(int failure);

#endif
