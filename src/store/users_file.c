/* SPDX-License-Identifier: ISC
 *
 * users_file.c - see users_file.h. Runs in the store's thread after the commit that changed
 * accounts; names and hashes were checked when they came in (account.c), so none holds a colon
 * or an end of line.
 */
#include "store/users_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The mailbox is the fourth role that siegeld starts (setting uid_base). */
enum { MAILBOX_PLACE = 4, LINES_MAX = 64 * 1024 * 1024 };

void users_file_open(struct users_file *file, const struct settings *settings, bool is_root)
{
	const struct passwd *user;

	*file = (struct users_file){ getuid(), getgid() };
	if (is_root && settings->uid_base) {
		file->uid = (uid_t)(settings->uid_base + MAILBOX_PLACE);
		file->gid = (gid_t)file->uid;
	} else if (is_root && (user = getpwnam("siegel-mailbox"))) {
		file->uid = user->pw_uid;
		file->gid = user->pw_gid;
	}
}

static void add_line(const struct users_file *file, const struct settings *settings,
	struct str address, struct str hash, struct buf *lines)
{
	size_t at = str_find_last(address, '@');
	struct str local = str_head(address, at), domain = str_tail(address, at + 1);

	buf_printf(lines, "%.*s:{CRYPT}%.*s:%u:%u::%.*s/mail/%.*s/%.*s::\n", STR_ARG(address),
		STR_ARG(hash), (unsigned)file->uid, (unsigned)file->gid,
		STR_ARG(settings->state_directory), STR_ARG(domain), STR_ARG(local));
}

static bool replace(struct str lines, struct why *why)
{
	scoped(fd_close) int fd =
		open("auth/users.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd < 0)
		return why_errno(why, "can't write auth/users.new");
	if (fchmod(fd, 0640) != 0 || !fd_write_all(fd, lines) || fsync(fd) != 0)
		return why_errno(why, "can't write auth/users.new");
	if (rename("auth/users.new", "auth/users") != 0)
		return why_errno(why, "can't rename auth/users.new");
	return true;
}

bool users_file_write(const struct users_file *file, struct store *store, struct why *why)
{
	scoped(buf_free) struct buf lines = BUF(LINES_MAX);
	sqlite3_stmt *s = ASK_PLAIN(&store->db, ACCOUNT_HASHES);

	if (mkdir("auth", 0750) != 0 && errno != EEXIST)
		return why_errno(why, "can't make the folder auth");
	while (row(&store->db, s))
		add_line(file, store->settings, row_text(s, 0), row_text(s, 1), &lines);
	if (store->db.failure != SQLITE_OK || lines.overflowed)
		return why_not(why, "can't read the accounts");
	return replace(buf_str(&lines), why);
}
