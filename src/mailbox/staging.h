/* SPDX-License-Identifier: ISC
 *
 * staging.h - `siegel-drafts` in an account's Maildir, which mail programs don't show: the
 * attachments of each draft, one file each, and for an hour what was sent, should it be taken
 * back. One lock is for all drafts of an account.
 */
#ifndef MAILBOX_STAGING_H
#define MAILBOX_STAGING_H

#include "base/clock.h"
#include "base/fd.h"
#include "call/message.h"

enum { STAGING_ATTACHMENTS_MAX = 100 };

/* The folder, locked until it is closed; -1 with errno. Blocks for others. */
int staging_lock(int account);
/* The draft's own folder in it, made where `make` says so; -1 with errno. */
int staging_open(int staging, struct str draft, bool make);

/* The draft's attachments in their order, in the arena. `own` is the draft's folder; -1: none. */
bool staging_list(int own, struct arena *arena, struct draft_answer *answer) must_use;
/* Write one as a new file; on disk when this returns. False with errno. */
bool staging_add(int own, struct str name, struct str type, struct str content) must_use;
/* An attachment's file, to be read from *start on; -1 with errno. */
int staging_content(int own, const struct attachment *attachment, off_t *start);
bool staging_remove(int own, uint64_t entry) must_use;
/* The draft's folder with all that is in it. */
void staging_clear(int staging, struct str draft);
/* Clear each draft's folder that was last changed before `wall_ms` where `drafts` (the folder) has no
 * draft for it any more. */
void staging_sweep(int staging, int drafts, int64_t wall_ms);

#endif
