/* SPDX-License-Identifier: ISC
 *
 * index.h - what is known of an account's messages without opening them: an SQLite database in the
 * account's folder, `siegel-index`, one connection. It is a cache and never the truth: where it is
 * missing, of another version or broken it is made anew from the Maildir; where it can't be
 * written (a full or read-only disk) it lives in memory, and the disk is tried again later.
 * Guarded by the account's lock. Failure is sticky, as in the store's database.h: after a statement
 * failed the rest runs into the void, and index_commit says so once.
 */
#ifndef MAILBOX_INDEX_H
#define MAILBOX_INDEX_H

#include "base/arena.h"
#include "base/clock.h"
#include "mailbox/folder.h"
#include "mailbox/index_statements.def"
#include "mailbox/known.h"
#include <sqlite3.h>

#define INDEX_STATEMENT_ENUM(name, sql) INDEX_##name,
enum index_statement { INDEX_STATEMENTS(INDEX_STATEMENT_ENUM) INDEX_STATEMENTS_N };
#undef INDEX_STATEMENT_ENUM

/* How far the index is with a message. */
enum digest_state { DIGEST_DUE, DIGEST_DONE, DIGEST_UNREADABLE };

struct index {
	int folder; /* the account's, not ours */
	char *path; /* of the database, from the working directory */
	sqlite3 *handle;
	sqlite3_stmt *prepared[INDEX_STATEMENTS_N];
	int failure; /* the first SQLite result that went wrong */
	bool in_memory;
	struct deadline again; /* in memory: when the disk is tried again */
	struct known known;
	uint32_t mark; /* of the last look at the folders */
};

/* Nothing is opened yet. The working directory holds the domains. */
struct index *index_new(int folder, const struct folder_path *path);
void index_free(struct index **index);

/* Have it open, on disk or in memory, ready for statements. */
void index_ready(struct index *index);
/* After a failure: have it open again, made anew if it was broken, in memory if it was the disk. */
void index_recover(struct index *index);

struct index_value {
	struct str text;
	int64_t number;
	bool is_number;
};

static inline struct index_value index_number(int64_t n)
{
	return (struct index_value){ .number = n, .is_number = true };
}

static inline struct index_value index_text(struct str s)
{
	return (struct index_value){ .text = s };
}

/* Bind the values (views that must live until the statement is asked again) and: ASK: return the
 * statement for index_row; RUN: run it to its end. _PLAIN: without values. */
#define INDEX_ASK(index, name, ...)                                                 \
	index_ask(index, INDEX_##name, (const struct index_value[]){ __VA_ARGS__ }, \
		sizeof((const struct index_value[]){ __VA_ARGS__ }) / sizeof(struct index_value))
#define INDEX_RUN(index, name, ...)  index_run(index, INDEX_ASK(index, name, __VA_ARGS__))
#define INDEX_ASK_PLAIN(index, name) index_ask(index, INDEX_##name, NULL, 0)
#define INDEX_RUN_PLAIN(index, name) index_run(index, INDEX_ASK_PLAIN(index, name))

sqlite3_stmt *index_ask(
	struct index *index, enum index_statement name, const struct index_value *values, size_t n);
bool index_run(struct index *index, sqlite3_stmt *statement);
/* The next row; false behind the last one (the statement is reset) or on failure. */
bool index_row(struct index *index, sqlite3_stmt *statement);
/* The first column of the only row that matters; 0 if there is none. */
int64_t index_only_number(struct index *index, sqlite3_stmt *statement);
/* Of the row a statement is at; text is a view until it moves on, or a copy. */
int64_t index_column(sqlite3_stmt *statement, int column);
struct str index_column_text(sqlite3_stmt *statement, int column);
struct str index_column_copy(sqlite3_stmt *statement, int column, struct arena *arena);
/* Rows changed by the last statement, and the number of the last row added. */
int64_t index_changes(const struct index *index);
int64_t index_last_number(const struct index *index);

void index_begin(struct index *index);
/* False: something failed, nothing of it was kept, and index_recover is next. */
bool index_commit(struct index *index) must_use;

#endif
