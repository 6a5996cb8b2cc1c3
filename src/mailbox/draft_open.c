/* SPDX-License-Identifier: ISC
 *
 * draft_open.c - see draft_open.h.
 */
#include "mailbox/draft_open.h"

#include "mail/compose.h"
#include "mailbox/folder.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum web_outcome draft_failed(struct why *why, const char *doing)
{
	bool full = errno == ENOSPC || errno == EDQUOT;

	why_errno(why, "%s", doing);
	return full ? WEB_FULL : WEB_FAILED;
}

static enum web_outcome read_found(
	struct open_draft *open, struct str id, struct arena *arena, struct why *why)
{
	struct mapping file;
	bool good;

	if (!draft_file_map(open->place.folder, open->place.name, &file))
		return draft_failed(why, "the draft");
	good = draft_file_read(file.bytes, arena, &open->draft);
	fd_unmap(&file);
	if (!good || !str_eq(open->draft.state.draft, id)) {
		why_not(why, "the draft's file makes no sense");
		return WEB_FAILED;
	}
	return staging_list(open->own, arena, &open->draft.state) ? WEB_OK : WEB_FAILED;
}

int draft_box(const struct drafts *drafts, const char *name)
{
	int box = folder_open_directory(drafts->account, name);

	if (box >= 0 || errno != ENOENT || !folder_make(drafts->account, name))
		return box;
	return folder_open_directory(drafts->account, name);
}

enum web_outcome draft_open(const struct drafts *drafts, struct str id, struct arena *arena,
	struct open_draft *open, struct why *why)
{
	*open = (struct open_draft){ .staging = -1, .own = -1, .box = -1, .place.folder = -1 };
	if (!draft_is_id(id)) {
		why_not(why, "no draft is called that");
		return WEB_INVALID;
	}
	open->staging = staging_lock(drafts->account);
	open->box = draft_box(drafts, ".Drafts");
	if (open->staging < 0 || open->box < 0)
		return draft_failed(why, "the folder of drafts");
	open->own = staging_open(open->staging, id, false);
	if (open->own < 0 && errno != ENOENT)
		return draft_failed(why, "the draft's folder");
	open->found = draft_file_find(open->box, DRAFT_FILE, id, &open->place);
	return open->found ? read_found(open, id, arena, why) : WEB_OK;
}

void draft_close(struct open_draft *open)
{
	draft_place_close(&open->place);
	fd_close(&open->box);
	fd_close(&open->own);
	fd_close(&open->staging);
}

bool draft_make_own(struct open_draft *open, struct str id)
{
	if (open->own < 0)
		open->own = staging_open(open->staging, id, true);
	return open->own >= 0;
}

bool draft_is_sent(const struct open_draft *open, struct str id, struct draft_name *name)
{
	scoped(folder_close_list) DIR *entries = folder_list(open->own, ".");

	for (struct dirent *e; entries && (e = readdir(entries));) {
		if (draft_name_read(e->d_name, id, name))
			return true;
	}
	return false;
}

enum web_outcome draft_put_away(struct open_draft *open, struct str id, struct why *why)
{
	const struct draft_place *place = &open->place;
	bool good = draft_make_own(open, id) &&
		    draft_file_remove(open->box, DRAFT_FILE, id, place->name) &&
		    renameat(place->folder, place->name, open->own, place->name) == 0 &&
		    fsync(open->own) == 0 && fsync(place->folder) == 0;

	return good ? WEB_OK : draft_failed(why, "the draft of what was sent");
}

bool draft_has_room(const struct drafts *drafts, uint64_t bytes)
{
	struct statvfs disk;

	if (fstatvfs(drafts->account, &disk) != 0)
		return true; /* writing it will tell */
	uint64_t available = (uint64_t)disk.f_bavail * disk.f_frsize;
	errno = ENOSPC;
	return available >= drafts->disk_reserve && available - drafts->disk_reserve >= bytes;
}

bool draft_has_copy(const struct drafts *drafts, struct str id)
{
	scoped(draft_place_close) struct draft_place place = { .folder = -1 };
	scoped(fd_close) int box = folder_open_directory(drafts->account, ".Sent");

	return box >= 0 && draft_file_find(box, SENT_FILE, id, &place);
}

uint64_t draft_message_size(const struct draft_answer *state, uint64_t more)
{
	uint64_t bytes = more, lines = 0;

	for (size_t i = 0; i < state->attachments.len; i++)
		bytes += state->attachments.at[i].size;
	lines = bytes / COMPOSE_LINE + state->attachments.len + 1;
	return lines * (COMPOSE_LINE / 3 * 4 + 2) + state->body.len +
	       (state->attachments.len + 1) * 1024;
}
