/* SPDX-License-Identifier: ISC
 *
 * draft.h - what an undone message becomes again.
 */
#ifndef WEB_DRAFT_H
#define WEB_DRAFT_H

#include "web/request.h"

/* Ids of drafts are made by pages: 20 to 40 letters and digits. */
bool draft_names_one(struct str id);
/* What the store has under this id; false: nothing, or it can't say. r->reply is left alone. */
bool draft_find_sent(struct request *r, struct str draft, struct sent_item *item) must_use;
/* The store has sent this revision, or taken it back: the mailbox role follows, though it may take a
 * while where that is being started again. WEB_BUSY: not yet, and whoever asks again will have it
 * done; WEB_TOO_LATE: the other was decided since. */
enum web_outcome draft_settle(
	struct request *r, struct str draft, uint64_t revision, bool sent) must_use;
/* The draft as it is saved. */
struct reply draft_reply(struct request *r, struct str draft);

#endif
