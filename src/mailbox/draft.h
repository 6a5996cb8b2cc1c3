/* SPDX-License-Identifier: ISC
 *
 * draft.h - what is being written. A draft is a message in `.Drafts` that other mail programs see
 * as such; its id, made by the page, is in the file's name. Attachments wait beside it, in
 * `siegel-drafts/ID`, until the message is composed. A save is on disk when it is answered, and
 * whatever happens in between, the draft as it was saved last is there.
 * All of these may block for the disk. Outcomes are enum web_outcome.
 */
#ifndef MAILBOX_DRAFT_H
#define MAILBOX_DRAFT_H

#include "mailbox/mime.h"

/* Whose drafts, and what may be done. */
struct drafts {
	struct mime *mime;
	int account;	       /* the account's Maildir, open */
	size_t message_max;    /* bytes of a message, all in */
	uint64_t disk_reserve; /* bytes that drafts leave free, for mail and its outcomes */
};

/* References are read from the message in `answered`; -1: it answers none, or that is gone. */
void draft_save(const struct drafts *drafts, const struct draft_save_ask *ask, int answered,
	struct arena *arena, struct draft_answer *answer);
void draft_show(const struct drafts *drafts, struct str draft, struct arena *arena,
	struct draft_answer *answer);
/* `content` is a sealed memfd; it stays the caller's. */
void draft_attach(const struct drafts *drafts, const struct draft_attach_ask *ask, int content,
	struct arena *arena, struct draft_answer *answer);
void draft_detach(const struct drafts *drafts, struct str draft, uint64_t entry,
	struct arena *arena, struct draft_answer *answer);
/* Take over the attachments of the message in `file`. */
void draft_forward(const struct drafts *drafts, struct str draft, int file, struct arena *arena,
	struct draft_answer *answer);
void draft_remove(const struct drafts *drafts, struct str draft, struct done_answer *answer);
/* The finished message as a sealed memfd, without Bcc; -1 where the outcome isn't WEB_OK. Its copy,
 * with Bcc, is kept for draft_sent. One revision is one message: WEB_OLD where it isn't any more. */
int draft_compose(const struct drafts *drafts, const struct compose_ask *ask, struct arena *arena,
	struct composed_answer *answer);
/* The store has sent this revision: its copy into `.Sent`; the draft is kept for an hour, for
 * draft_unsent. *answers is the id of the message it answers or forwards, which the caller flags. */
void draft_sent(const struct drafts *drafts, const struct sending_ask *ask, struct arena *arena,
	struct done_answer *answer, struct str *answers, bool *forwards);
/* The store has taken this revision back: nobody files it any more. Either may be asked twice, and
 * late: a revision that was sent after it is left alone. */
void draft_unsent(const struct drafts *drafts, const struct sending_ask *ask, struct arena *arena,
	struct done_answer *answer);

/* The draft id in a Maildir file's name, with or without flags: of a draft, of what was sent; "". */
struct str draft_of_name(struct str name);
struct str sent_of_name(struct str name);

#endif
