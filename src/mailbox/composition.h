/* SPDX-License-Identifier: ISC
 *
 * composition.h - what was composed of a draft to be sent: the very copy that `.Sent` gets, in the
 * draft's own folder of `siegel-drafts`, where it waits for the store to say what was sent. A
 * revision is composed once: later it is these bytes again, or nothing.
 * `own` is the draft's folder, locked as all of it is; -1: it has none. All may block for the disk.
 */
#ifndef MAILBOX_COMPOSITION_H
#define MAILBOX_COMPOSITION_H

#include "base/clock.h"
#include "mailbox/draft_file.h"

struct composition {
	uint64_t revision;
	int64_t time; /* wall ms: the Date of the message */
	char name[DRAFT_NAME_MAX + 1];
};

bool composition_find(int own, uint64_t revision, struct composition *found) must_use;
/* Is any there, or a mark that one was taken back? */
bool composition_any(int own);

/* A file to compose into, to be closed; -1 with errno. */
int composition_begin(int own);
/* What is in that file is kept, and on disk. False with errno. */
bool composition_keep(int own, int file, uint64_t revision, int64_t time) must_use;
/* Is what is in that file the same to a byte as what was kept? */
bool composition_is_same(int own, int file, const struct composition *kept) must_use;
/* That file goes, unless it was kept. */
void composition_end(int own);

/* Remove those of revisions below `below` that were composed before `before_ms`. */
void composition_forget(int own, uint64_t below, int64_t before_ms);

/* Mark that this revision, and any before, is not to be filed whoever asks. False with errno. */
bool composition_take_back(int own, uint64_t revision) must_use;
bool composition_is_taken_back(int own, uint64_t revision) must_use;

#endif
