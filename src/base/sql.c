/* SPDX-License-Identifier: ISC
 *
 * sql.c - see sql.h. Used by the store for its database and by the mailbox role for its indexes, which
 * differ in what they ask, in their pragmas and in what a failure means.
 */
#include "base/sql.h"

#include "base/must.h"
#include <stdlib.h>

int sql_prepare(struct sql *sql, const struct sql_statements *statements, struct why *why)
{
	int code = SQLITE_OK;

	sql->statements = statements;
	sql->prepared = must_alloc(statements->n * sizeof(sqlite3_stmt *));
	for (size_t i = 0; i < statements->n && code == SQLITE_OK; i++) {
		code = sqlite3_prepare_v3(sql->handle, statements->texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &sql->prepared[i], NULL);
		if (code != SQLITE_OK)
			why_not(why, "database: %s in %s", sqlite3_errmsg(sql->handle),
				statements->texts[i]);
	}
	return code;
}

void sql_close(struct sql *sql)
{
	for (size_t i = 0; sql->prepared && i < sql->statements->n; i++)
		sqlite3_finalize(sql->prepared[i]);
	free(sql->prepared);
	sqlite3_close(sql->handle);
	*sql = (struct sql){ 0 };
}

int sql_version(sqlite3 *handle)
{
	sqlite3_stmt *s = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &s, NULL) == SQLITE_OK &&
		sqlite3_step(s) == SQLITE_ROW)
		version = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return version;
}

static int bind(sqlite3_stmt *s, int place, const struct value *v)
{
	const char *at = v->text.at ? v->text.at : "";

	switch (v->kind) {
	case VALUE_NUMBER:
		return sqlite3_bind_int64(s, place, v->number);
	case VALUE_TEXT:
		return sqlite3_bind_text(s, place, at, (int)v->text.len, SQLITE_STATIC);
	case VALUE_BLOB:
		return sqlite3_bind_blob64(s, place, at, v->text.len, SQLITE_STATIC);
	}
	must(false);
}

sqlite3_stmt *sql_ask(struct sql *sql, size_t name, const struct value *values, size_t n)
{
	sqlite3_stmt *s = sql->prepared[name];

	sqlite3_reset(s);
	must((size_t)sqlite3_bind_parameter_count(s) == n);
	for (size_t i = 0; i < n; i++)
		must(bind(s, (int)i + 1, &values[i]) == SQLITE_OK);
	return s;
}

static void failed(struct sql *sql, int code, const char *doing)
{
	const char *path = sqlite3_db_filename(sql->handle, NULL);

	LOG(sql->statements->level, sql->statements->event, log_text("file", path ? path : ""),
		log_text("doing", doing), log_text("error", sqlite3_errmsg(sql->handle)),
		log_u64("code", (uint64_t)code));
	if (sql->failure == SQLITE_OK)
		sql->failure = code;
}

bool row(struct sql *sql, sqlite3_stmt *s)
{
	int code = sql->failure == SQLITE_OK ? sqlite3_step(s) : SQLITE_DONE;

	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		failed(sql, code, sqlite3_sql(s));
	sqlite3_reset(s);
	return false;
}

void row_end(sqlite3_stmt *s)
{
	sqlite3_reset(s);
}

bool sql_run(struct sql *sql, sqlite3_stmt *s)
{
	while (row(sql, s))
		;
	return sql->failure == SQLITE_OK;
}

int64_t row_only_number(struct sql *sql, sqlite3_stmt *s)
{
	int64_t number = row(sql, s) ? row_number(s, 0) : 0;

	row_end(s);
	return number;
}

int64_t row_number(sqlite3_stmt *s, int column)
{
	return sqlite3_column_int64(s, column);
}

struct str row_text(sqlite3_stmt *s, int column)
{
	const void *at = sqlite3_column_blob(s, column);

	return at ? (struct str){ at, (size_t)sqlite3_column_bytes(s, column) } : STR("");
}

struct str row_copy(sqlite3_stmt *s, int column, struct arena *arena)
{
	return arena_str(arena, row_text(s, column));
}

int64_t sql_changes(const struct sql *sql)
{
	return sqlite3_changes64(sql->handle);
}

int64_t sql_last_number(const struct sql *sql)
{
	return sqlite3_last_insert_rowid(sql->handle);
}
