/* SPDX-License-Identifier: ISC
 *
 * draft_open.h - one draft in hand, while no other of the account's is: what draft.c, draft_send.c
 * and draft_sent.c begin with.
 */
#ifndef MAILBOX_DRAFT_OPEN_H
#define MAILBOX_DRAFT_OPEN_H

#include "mailbox/draft.h"
#include "mailbox/draft_file.h"
#include "mailbox/staging.h"

enum { DRAFT_BODY_MAX = 1024 * 1024, DRAFT_PEOPLE_MAX = 500 };

/* Begin with scoped(draft_close). */
struct open_draft {
	int staging; /* locked */
	int own;     /* the draft's folder there; -1: it has none */
	int box;     /* .Drafts */
	bool found;
	struct draft_place place;
	struct draft draft; /* where it was found */
};

/* Lock, look for the draft, read it and the list of its attachments. WEB_OK where that worked,
 * whether it was found or not; *why otherwise. */
enum web_outcome draft_open(const struct drafts *drafts, struct str id, struct arena *arena,
	struct open_draft *open, struct why *why);
void draft_close(struct open_draft *open);
/* `.Drafts` or `.Sent`, made if need be; -1 with errno. */
int draft_box(const struct drafts *drafts, const char *name);
/* The draft's own folder, made if need be; false with errno. */
bool draft_make_own(struct open_draft *open, struct str id) must_use;

/* Was it sent and not taken back? Then its file is in its own folder, and found there. */
bool draft_is_sent(const struct open_draft *open, struct str id, struct draft_name *name);
/* Out of the drafts, to where draft_is_sent finds it; it was found. */
enum web_outcome draft_put_away(struct open_draft *open, struct str id, struct why *why);
/* Is what was made of it among what was sent, however long ago? */
bool draft_has_copy(const struct drafts *drafts, struct str id);
/* Bytes of the message, about: all attachments in base64, `more` bytes beside them, and text. */
uint64_t draft_message_size(const struct draft_answer *state, uint64_t more);
/* Is there room for so much more on disk, the reserve left alone? False with errno. */
bool draft_has_room(const struct drafts *drafts, uint64_t bytes) must_use;
/* What errno means to the page, with the text. */
enum web_outcome draft_failed(struct why *why, const char *doing);

#endif
