/* SPDX-License-Identifier: ISC
 *
 * change.c - see change.h. Flags are in a file's name, so every change but erasing is one rename,
 * after which the file is in the one place or the other whatever happens. Dovecot or another thread
 * may rename it first; then it is looked for again. Nothing is ever renamed over another file.
 *
 * Keywords are letters whose meaning each folder has a list of: they go along by name (keywords.h). What the other
 * folder has no room for, or where its list is being changed for too long, stays behind in the index, and is
 * there again when the message comes back: that must never hinder a move.
 */
#include "mailbox/change.h"

#include "base/fd.h"
#include "base/log.h"
#include "mailbox/file_name.h"
#include "mailbox/folder_name.h"
#include "mailbox/keywords.h"
#include "mailbox/scan.h"
#include "mailbox/subscriptions.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 3, FLAGS_ALL = 63 };

/* What is done to each. */
struct changing {
	struct account *account;
	const struct messages_change_ask *ask;
	struct arena *arena;
	int target;		  /* `cur` of the folder they are moved to, or -1 */
	int folder;		  /* that folder */
	int64_t number;		  /* its number in the index; 0: it isn't there yet */
	struct deadline keywords; /* so long a folder's list is waited for */
};

static enum web_outcome outcome_of_errno(void)
{
	return errno == ENOSPC || errno == EDQUOT ? WEB_FULL : WEB_FAILED;
}

static const char *terminated(struct str name, char to[FILE_NAME_MAX + 1])
{
	size_t n = name.len < FILE_NAME_MAX ? name.len : FILE_NAME_MAX;

	memcpy(to, name.at, n);
	to[n] = '\0';
	return to;
}

/* Not over another; where the file system can't say so in one step, after a look. */
static bool rename_only(int from, const char *name, int to, const char *new_name)
{
	struct stat status;

	if (from == to && strcmp(name, new_name) == 0)
		return true;
	if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (fstatat(to, new_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return false;
	}
	return renameat(from, name, to, new_name) == 0;
}

/* The keywords it has there; *left: and those it left behind. */
static uint32_t keywords_there(const struct changing *c, const struct located *l, uint32_t *left)
{
	scoped(fd_close) int from = scan_open_folder(c->account->folder, l->folder);
	uint32_t here = file_name_keywords(l->name), there = 0;

	*left = here;
	if (here && from >= 0)
		there = keywords_carry(from, c->folder, here, c->keywords, left);
	return l->left_in && l->left_in == c->number ? there | l->left : there;
}

static void remember_left(const struct changing *c, const struct located *l, uint32_t left)
{
	if (left || l->left_in)
		INDEX_RUN(c->account->index, MESSAGE_LEFT, as_number(l->number),
			as_number(left ? l->directory / 2 : 0), as_number(left));
}

/* One rename to what it is to be; false with errno. */
static bool rename_message(const struct changing *c, const struct located *l)
{
	scoped(fd_close) int part = scan_open_part(c->account->folder, l->folder, l->directory & 1);
	scoped(fd_close) int cur = -1;
	scoped(buf_free) struct buf name = BUF(2 * FILE_NAME_MAX);
	char before[FILE_NAME_MAX + 1], after[FILE_NAME_MAX + 1];
	uint64_t flags = (l->flags | (c->ask->add & FLAGS_ALL)) & ~c->ask->remove;
	bool moves = c->target >= 0 && !str_eq(l->folder, c->ask->folder);
	uint32_t keywords = file_name_keywords(l->name), left = 0;
	int to = c->target;

	if (part < 0)
		return false;
	if (!moves && flags == l->flags)
		return faccessat(part, terminated(l->name, before), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (moves) {
		keywords = keywords_there(c, l, &left);
	} else {
		cur = scan_open_part(c->account->folder, l->folder, false);
		to = cur;
	}
	if (!file_name_with(&name, l->name, flags, keywords)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (to < 0 || !rename_only(part, terminated(l->name, before), to,
			      terminated(buf_str(&name), after)))
		return false;
	if (moves)
		remember_left(c, l, left);
	return true;
}

static bool erase_message(const struct changing *c, const struct located *l)
{
	scoped(fd_close) int part = scan_open_part(c->account->folder, l->folder, l->directory & 1);
	char name[FILE_NAME_MAX + 1];

	return part >= 0 && unlinkat(part, terminated(l->name, name), 0) == 0;
}

static void change_one(const struct changing *c, struct str id, struct message_changed *changed)
{
	struct located l;

	*changed = (struct message_changed){ .id = id, .outcome = WEB_NOT_FOUND };
	for (int i = 0; i < TRIES; i++) {
		if (!scan_locate(c->account, id, c->arena, &l))
			return;
		changed->folder_before = l.folder;
		changed->flags_before = l.flags;
		if (c->ask->erase ? erase_message(c, &l) : rename_message(c, &l)) {
			changed->outcome = WEB_OK;
			return;
		}
		if (errno == EEXIST) {
			changed->outcome = WEB_EXISTS;
			return;
		}
		if (errno != ENOENT) {
			changed->outcome = outcome_of_errno();
			return;
		}
		scan(c->account);
	}
}

static bool is_sane(const struct messages_change_ask *ask)
{
	return ask->ids.len <= CHANGE_IDS_MAX && !(ask->add & ~(uint64_t)FLAGS_ALL) &&
	       !(ask->remove & ~(uint64_t)FLAGS_ALL) &&
	       !(ask->erase && (ask->move || ask->add || ask->remove)) &&
	       (!ask->move || folder_name_is_good(ask->folder));
}

/* The folder they go to; a special one is made when it is first needed. */
static enum web_outcome open_target(struct changing *c)
{
	char name[FILE_NAME_MAX + 1];

	if (!c->ask->move)
		return WEB_OK;
	c->target = scan_open_part(c->account->folder, c->ask->folder, false);
	if (c->target < 0 && folder_name_kind(c->ask->folder) != FOLDER_OWN) {
		if (!folder_make(c->account->folder, terminated(c->ask->folder, name)))
			return outcome_of_errno();
		subscriptions_add(c->account->folder, c->ask->folder);
		c->target = scan_open_part(c->account->folder, c->ask->folder, false);
	}
	c->folder = scan_open_folder(c->account->folder, c->ask->folder);
	return c->target >= 0 && c->folder >= 0 ? WEB_OK : WEB_NOT_FOUND;
}

static void change_all(struct changing *c, struct messages_change_answer *answer)
{
	scan(c->account);
	if (c->target >= 0)
		c->number = row_only_number(&c->account->index->db,
			INDEX_ASK(c->account->index, FOLDER_OF_NAME, as_text(c->ask->folder)));
	for (size_t i = 0; i < c->ask->ids.len; i++)
		change_one(c, c->ask->ids.at[i].text, &answer->changed.at[answer->changed.len++]);
	/* What was moved is to be found after a crash in the new place or in the old one. */
	if (c->target >= 0 && fsync(c->target) != 0)
		LOG(LOG_WARNING, "not-synced", log_text("why", strerrordesc_np(errno)));
	scan_own(c->account);
}

void change(struct account *account, const struct messages_change_ask *ask, struct arena *arena,
	struct messages_change_answer *answer)
{
	struct changing c = { account, ask, arena, -1, -1, 0, deadline_in(KEYWORDS_WAIT) };

	*answer = (struct messages_change_answer){ .outcome = WEB_INVALID };
	if (!is_sane(ask))
		return;
	answer->changed.at = arena_array(arena, ask->ids.len + 1, sizeof *answer->changed.at);
	if (!answer->changed.at)
		return;
	pthread_mutex_lock(&account->lock);
	answer->outcome = open_target(&c);
	if (answer->outcome == WEB_OK)
		change_all(&c, answer);
	pthread_mutex_unlock(&account->lock);
	fd_close(&c.target);
	fd_close(&c.folder);
}

void change_flags(struct account *account, struct str id, uint64_t add, struct arena *arena)
{
	struct text one = { id };
	const struct messages_change_ask ask = { .ids = { &one, 1 }, .add = add };
	struct messages_change_answer answer;

	change(account, &ask, arena, &answer);
}
