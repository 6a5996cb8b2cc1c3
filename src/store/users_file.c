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

/* What no password has as its hash: a mail program comes in by application passwords alone. */
static const char no_password[] = "*";

static void add_user(const struct users_file *file, const struct settings *settings,
	struct str address, struct str hash, struct buf *lines)
{
	size_t at = str_find_last(address, '@');
	struct str local = str_head(address, at), domain = str_tail(address, at + 1);

	buf_printf(lines, "%.*s:{CRYPT}%.*s:%u:%u::%.*s/mail/%.*s/%.*s::\n", STR_ARG(address),
		STR_ARG(hash), (unsigned)file->uid, (unsigned)file->gid,
		STR_ARG(settings->state_directory), STR_ARG(domain), STR_ARG(local));
}

/* Found by the password's own digest, since one account has many. */
static void add_app_password(struct str address, struct str digest, struct buf *lines)
{
	buf_printf(lines, "%.*s/%.*s:{SHA256.HEX}%.*s::::::\n", STR_ARG(address), STR_ARG(digest),
		STR_ARG(digest));
}

/* Dovecot takes a file with the size and the second of the one it has read for that one, whatever is
 * in it: of two changes within a second it would never see the other. */
static bool make_later(int fd, const char *path)
{
	struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { 0 } };
	struct stat before, now;

	if (stat(path, &before) != 0)
		return errno == ENOENT;
	if (fstat(fd, &now) != 0)
		return false;
	times[1].tv_sec = before.st_mtim.tv_sec + 1;
	return now.st_mtim.tv_sec > before.st_mtim.tv_sec || futimens(fd, times) == 0;
}

static bool replace(const char *path, struct str lines, struct why *why)
{
	static const char new_path[] = "auth/new";
	scoped(fd_close) int fd =
		open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd < 0)
		return why_errno(why, "can't write auth/new");
	if (fchmod(fd, 0640) != 0 || !fd_write_all(fd, lines) || !make_later(fd, path) ||
		fsync(fd) != 0)
		return why_errno(why, "can't write auth/new");
	if (rename(new_path, path) != 0)
		return why_errno(why, "can't rename auth/new");
	return true;
}

static bool write_users(const struct users_file *file, struct store *store, struct why *why)
{
	scoped(buf_free) struct buf lines = BUF(LINES_MAX);
	sqlite3_stmt *s = ASK_PLAIN(&store->db, ACCOUNT_HASHES);

	while (row(&store->db, s)) {
		bool second_factor = row_number(s, 2) != 0;
		add_user(file, store->settings, row_text(s, 0),
			second_factor ? str_of(no_password) : row_text(s, 1), &lines);
	}
	if (store->db.failure != SQLITE_OK || lines.overflowed)
		return why_not(why, "can't read the accounts");
	return replace("auth/users", buf_str(&lines), why);
}

static bool write_app_passwords(struct store *store, struct why *why)
{
	scoped(buf_free) struct buf lines = BUF(LINES_MAX);
	sqlite3_stmt *s = ASK_PLAIN(&store->db, APP_PASSWORD_HASHES);

	while (row(&store->db, s))
		add_app_password(row_text(s, 0), row_text(s, 1), &lines);
	if (store->db.failure != SQLITE_OK || lines.overflowed)
		return why_not(why, "can't read the application passwords");
	return replace("auth/app-passwords", buf_str(&lines), why);
}

bool users_file_write(const struct users_file *file, struct store *store, struct why *why)
{
	if (mkdir("auth", 0750) != 0 && errno != EEXIST)
		return why_errno(why, "can't make the folder auth");
	return write_users(file, store, why) && write_app_passwords(store, why);
}
