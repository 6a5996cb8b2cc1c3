/* SPDX-License-Identifier: ISC
 *
 * index.h - what is known of an account's messages without opening them: an SQLite database in the
 * account's folder, `siegel-index`, one connection. It is a cache and never the truth: where it is
 * missing, of another version or broken it is made anew from the Maildir; where it can't be
 * written (a full or read-only disk) it lives in memory, and the disk is tried again later.
 * Guarded by the account's lock. Failure is sticky (base/sql.h), and index_commit says so once.
 */
#ifndef MAILBOX_INDEX_H
#define MAILBOX_INDEX_H

#include "base/clock.h"
#include "base/sql.h"
#include "mailbox/folder.h"
#include "mailbox/index_statements.def"
#include "mailbox/known.h"

#define INDEX_STATEMENT_ENUM(name, sql) INDEX_##name,
enum index_statement { INDEX_STATEMENTS(INDEX_STATEMENT_ENUM) INDEX_STATEMENTS_N };
#undef INDEX_STATEMENT_ENUM

/* How far the index is with a message. */
enum digest_state { DIGEST_DUE, DIGEST_DONE, DIGEST_UNREADABLE };

struct index {
	int folder; /* the account's, not ours */
	char *path; /* of the database, from the working directory */
	struct sql db;
	bool in_memory;
	struct deadline again; /* in memory: when the disk is tried again */
	struct known known;
	uint32_t mark; /* of the last look at the folders */
	uint64_t news; /* how often a look found what others did (scan.c) */
};

/* Nothing is opened yet. The working directory holds the domains. */
struct index *index_new(int folder, const struct folder_path *path);
void index_free(struct index **index);

/* Have it open, on disk or in memory, ready for statements. */
void index_ready(struct index *index);
/* After a failure: have it open again, made anew if it was broken, in memory if it was the disk. */
void index_recover(struct index *index);

/* ASK: return the statement for row(); RUN: run it to its end, false on failure. _PLAIN: without
 * values. */
#define INDEX_ASK(index, name, ...)  SQL_ASK(&(index)->db, INDEX_##name, __VA_ARGS__)
#define INDEX_RUN(index, name, ...)  sql_run(&(index)->db, INDEX_ASK(index, name, __VA_ARGS__))
#define INDEX_ASK_PLAIN(index, name) sql_ask(&(index)->db, INDEX_##name, NULL, 0)
#define INDEX_RUN_PLAIN(index, name) sql_run(&(index)->db, INDEX_ASK_PLAIN(index, name))

void index_begin(struct index *index);
/* False: something failed, nothing of it was kept, and index_recover is next. */
bool index_commit(struct index *index) must_use;

#endif
