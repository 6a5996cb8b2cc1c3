/* SPDX-License-Identifier: ISC
 *
 * draft_sent.c - what was sent is filed in `.Sent`, or becomes a draft again. Runs in the mailbox
 * role, in any thread. The store has decided; whoever says so may be late, and may say it twice.
 *
 * Sent: the copy goes to `.Sent` first, then the draft to its folder in `siegel-drafts`, where it can
 * be had back for an hour; a later revision stays a draft, as it was not sent. Taken back: first that
 * is marked, so that no filing that is late can undo it; then the draft comes back, then the copy
 * goes. A crash leaves the steps that were made, and all of them may be made again.
 */
#include "mailbox/composition.h"
#include "mailbox/draft.h"
#include "mailbox/draft_open.h"
#include "mailbox/folder.h"
#include <stdio.h>
#include <unistd.h>

/* --- sent ------------------------------------------------------------------------------------ */

/* A copy that is there is of what was taken back: the store sends nothing else anew. */
static enum web_outcome put_sent(int box, bool replaces, const struct open_draft *open,
	struct str id, const struct composition *c, struct why *why)
{
	scoped(fd_close) int cur = folder_open_directory(box, "cur");
	char name[DRAFT_NAME_MAX + 1];

	sent_file_name(name, id, c->revision, c->time);
	bool good = cur >= 0 && (!replaces || draft_file_remove(box, SENT_FILE, id, "")) &&
		    renameat(open->own, c->name, cur, name) == 0 && fsync(cur) == 0 &&
		    fsync(open->own) == 0;
	return good ? WEB_OK : draft_failed(why, "the copy of what was sent");
}

static enum web_outcome file_copy(const struct drafts *drafts, const struct open_draft *open,
	const struct sending_ask *ask, struct why *why)
{
	scoped(fd_close) int box = draft_box(drafts, ".Sent");
	scoped(draft_place_close) struct draft_place copy = { .folder = -1 };
	struct draft_name kept;
	struct composition c;

	if (box < 0)
		return draft_failed(why, "the folder of what was sent");
	bool is_there = draft_file_find(box, SENT_FILE, ask->draft, &copy);
	if (is_there && copy.revision >= ask->revision)
		return WEB_OK; /* before */
	if (composition_find(open->own, ask->revision, &c))
		return put_sent(box, is_there, open, ask->draft, &c, why);
	if (draft_is_sent(open, ask->draft, &kept) && kept.revision >= ask->revision)
		return WEB_OK; /* and removed since by whoever owns it */
	why_not(why, "its copy is not here");
	return WEB_NOT_FOUND;
}

static enum web_outcome make_sent(const struct drafts *drafts, const struct sending_ask *ask,
	struct arena *arena, struct open_draft *open, struct why *why)
{
	enum web_outcome outcome = draft_open(drafts, ask->draft, arena, open, why);

	if (outcome == WEB_OK && composition_is_taken_back(open->own, ask->revision)) {
		why_not(why, "it was taken back");
		outcome = WEB_TOO_LATE;
	}
	if (outcome == WEB_OK)
		outcome = file_copy(drafts, open, ask, why);
	if (outcome == WEB_OK && open->found && open->place.revision <= ask->revision)
		outcome = draft_put_away(open, ask->draft, why);
	if (outcome == WEB_OK)
		composition_forget(open->own, ask->revision + 1, INT64_MAX);
	return outcome;
}

void draft_sent(const struct drafts *drafts, const struct sending_ask *ask, struct arena *arena,
	struct done_answer *answer, struct str *answers, bool *forwards)
{
	struct why why = { "" };
	scoped(draft_close) struct open_draft open;

	*answer = (struct done_answer){ .outcome = make_sent(drafts, ask, arena, &open, &why) };
	if (answer->outcome != WEB_OK)
		answer->text = arena_printf(arena, "%s", why.text);
	*answers = answer->outcome == WEB_OK ? open.draft.state.answers : STR("");
	*forwards = open.draft.state.forwards;
}

/* --- taken back ------------------------------------------------------------------------------ */

/* The draft back where it was. */
static enum web_outcome restore(struct open_draft *open, const char *name, struct why *why)
{
	scoped(fd_close) int cur = folder_open_directory(open->box, "cur");
	bool good = cur >= 0 && renameat(open->own, name, cur, name) == 0 && fsync(cur) == 0 &&
		    fsync(open->own) == 0;

	return good ? WEB_OK : draft_failed(why, "the draft");
}

static enum web_outcome restore_unsent(
	struct open_draft *open, const struct sending_ask *ask, struct why *why)
{
	struct draft_name kept;

	if (!draft_make_own(open, ask->draft) || !composition_take_back(open->own, ask->revision))
		return draft_failed(why, "the mark of what was taken back");
	if (!draft_is_sent(open, ask->draft, &kept))
		return open->found ? WEB_OK : WEB_NOT_FOUND;
	if (kept.revision > ask->revision) {
		why_not(why, "it was sent again since");
		return WEB_TOO_LATE;
	}
	return restore(open, kept.text, why);
}

static enum web_outcome remove_copy(
	const struct drafts *drafts, const struct sending_ask *ask, struct why *why)
{
	scoped(fd_close) int box = folder_open_directory(drafts->account, ".Sent");
	scoped(draft_place_close) struct draft_place copy = { .folder = -1 };

	if (box < 0 || !draft_file_find(box, SENT_FILE, ask->draft, &copy) ||
		copy.revision > ask->revision || draft_file_remove(box, SENT_FILE, ask->draft, ""))
		return WEB_OK;
	return draft_failed(why, "the copy of what was sent");
}

void draft_unsent(const struct drafts *drafts, const struct sending_ask *ask, struct arena *arena,
	struct done_answer *answer)
{
	struct why why = { "" };
	scoped(draft_close) struct open_draft open;
	enum web_outcome outcome = draft_open(drafts, ask->draft, arena, &open, &why);

	if (outcome == WEB_OK)
		outcome = restore_unsent(&open, ask, &why);
	if (outcome == WEB_OK)
		outcome = remove_copy(drafts, ask, &why);
	if (outcome == WEB_OK)
		composition_forget(open.own, ask->revision + 1, INT64_MAX);
	*answer = (struct done_answer){ .outcome = outcome };
	answer->text = arena_printf(arena, "%s", why.text);
}
