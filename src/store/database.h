/* SPDX-License-Identifier: ISC
 *
 * database.h - the one SQLite connection of the store. Every statement has a name in
 * statements.def (base/sql.h); a handler asks once, at its end, whether all was well.
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/sql.h"
#include "store/statements.def"

#define STATEMENT_ENUM(name, sql) STATEMENT_##name,
enum statement { STATEMENTS(STATEMENT_ENUM) STATEMENTS_N };
#undef STATEMENT_ENUM

/* Open or create the database at `path`, migrate it, prepare all statements; sql_close closes it.
 * False and why. */
bool database_open(struct sql *db, const char *path, struct why *why) must_use;

/* Bring the schema up to this program's version (schema.c). A newer one is refused. */
bool schema_migrate(sqlite3 *handle, struct why *why) must_use;
/* No further than to a version; for tests of migrations. */
bool schema_migrate_to(sqlite3 *handle, int version, struct why *why) must_use;

/* ASK: return the statement for row(); RUN: run it to its end, false on failure. _PLAIN: without
 * values. */
#define ASK(db, name, ...)  SQL_ASK(db, STATEMENT_##name, __VA_ARGS__)
#define RUN(db, name, ...)  sql_run(db, ASK(db, name, __VA_ARGS__))
#define ASK_PLAIN(db, name) sql_ask(db, STATEMENT_##name, NULL, 0)
#define RUN_PLAIN(db, name) sql_run(db, ASK_PLAIN(db, name))

/* One transaction for a batch, one savepoint for each handler in it. commit is false if anything
 * failed; the transaction is rolled back then. savepoint_end rolls a failed handler back, clears
 * the failure and returns false; if the whole transaction is lost, `failure` stays. */
void database_begin(struct sql *db);
bool database_commit(struct sql *db) must_use;
void database_rollback(struct sql *db);
void savepoint_begin(struct sql *db);
bool savepoint_end(struct sql *db) must_use;
enum { DATABASE_PAGE = 4096, DATABASE_WAL_PAGES = 4000 };
/* Bring the WAL into the database, between transactions: to be done when it has
 * DATABASE_WAL_PAGES. `cut`: give its space back to the disk as well. */
void database_checkpoint(struct sql *db, bool cut);
/* Was it the disk (or a limit on pages) that is full? */
bool database_is_full(int failure);

#endif
