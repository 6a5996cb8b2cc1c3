/* SPDX-License-Identifier: ISC
 *
 * sql.h - an SQLite connection and its statements. Each statement has a name in its owner's table and
 * is prepared once. Failure is sticky: after a statement failed, the rest runs into the void, and
 * whoever asks at the end whether all was well is told once. Not thread-safe: it has one owner at a
 * time. Uses libsqlite3; whoever calls none of it isn't linked with it.
 */
#ifndef BASE_SQL_H
#define BASE_SQL_H

#include "base/arena.h"
#include "base/log.h"
#include "base/why.h"
#include <sqlite3.h>

/* What an owner asks, and how a failure is told in its log. */
struct sql_statements {
	const char *const *texts; /* of the names */
	size_t n;
	enum log_level level;
	const char *event;
};

struct sql {
	sqlite3 *handle;
	const struct sql_statements *statements;
	sqlite3_stmt **prepared;
	int failure;   /* the first SQLite result code that went wrong; SQLITE_OK if none */
	int wal_pages; /* not yet in the database, where its owner counts them */
};

/* Prepare all statements on an open handle. The SQLite result; *why where it isn't SQLITE_OK. */
int sql_prepare(struct sql *sql, const struct sql_statements *statements, struct why *why) must_use;
/* Close the handle, if it is open, and forget everything. */
void sql_close(struct sql *sql);
/* What "PRAGMA user_version" says; -1: the database can't be read. */
int sql_version(sqlite3 *handle);

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

/* Bind the values, views that must live until the statement is asked again. */
sqlite3_stmt *sql_ask(struct sql *sql, size_t name, const struct value *values, size_t n);
#define SQL_ASK(sql, name, ...)                                   \
	sql_ask(sql, name, (const struct value[]){ __VA_ARGS__ }, \
		sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value))

/* Run a statement to its end; false on failure. */
bool sql_run(struct sql *sql, sqlite3_stmt *statement);
/* The next row; false behind the last one (the statement is reset) or on failure. */
bool row(struct sql *sql, sqlite3_stmt *statement);
/* The number in the first column of the only row that matters; 0 if there is none. */
int64_t row_only_number(struct sql *sql, sqlite3_stmt *statement);
/* Done with a statement before its last row. */
void row_end(sqlite3_stmt *statement);
int64_t row_number(sqlite3_stmt *statement, int column);
/* A view, good until the statement moves on. */
struct str row_text(sqlite3_stmt *statement, int column);
/* The same, copied; {NULL, 0} if the arena is full. */
struct str row_copy(sqlite3_stmt *statement, int column, struct arena *arena);
/* Rows changed by the last statement that ran, and the number of the last row added. */
int64_t sql_changes(const struct sql *sql);
int64_t sql_last_number(const struct sql *sql);

#endif
