/* SPDX-License-Identifier: ISC
 *
 * folder.c - the directories of an account. Runs in the mailbox role, confined to STATE/mail,
 * whose user Dovecot may share: whatever is there may be a person's own doing (a symbolic link,
 * a file where a directory should be), so that every step is opened without following links.
 */
#include "mailbox/folder.h"
#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_plain(unsigned char c)
{
	return c > ' ' && c != 0x7f && !strchr("/%\"'\\", c);
}

static bool add_local(struct buf *to, struct str local)
{
	for (size_t i = 0; i < local.len; i++) {
		unsigned char c = (unsigned char)ascii_lower(local.at[i]);

		if (is_plain(c) && (c != '.' || i))
			buf_add_char(to, (char)c);
		else
			buf_printf(to, "%%%02X", c);
	}
	return local.len && !to->overflowed;
}

static bool add_domain(struct buf *to, struct str domain)
{
	for (size_t i = 0; i < domain.len; i++) {
		char c = ascii_lower(domain.at[i]);

		if (!ascii_is_alnum(c) && c != '-' && (c != '.' || !i || domain.at[i - 1] == '.'))
			return false;
		buf_add_char(to, c);
	}
	return domain.len && !to->overflowed;
}

static void terminate(char *to, const struct buf *from)
{
	memcpy(to, from->at, from->len);
	to[from->len] = '\0';
}

bool folder_path(struct str mailbox, struct folder_path *path, struct why *why)
{
	scoped(buf_free) struct buf domain = BUF(FOLDER_NAME_MAX), local = BUF(FOLDER_NAME_MAX);
	size_t at = str_find_last(mailbox, '@');

	if (!add_local(&local, str_head(mailbox, at)) ||
		!add_domain(&domain, str_tail(mailbox, at + 1)))
		return why_not(why, "no folder can be named for \"%.*s\"",
			STR_ARG(str_head(mailbox, 100)));
	terminate(path->domain, &domain);
	terminate(path->local, &local);
	return true;
}

int folder_open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

DIR *folder_list(int parent, const char *name)
{
	int fd = parent < 0 ? -1 : folder_open_directory(parent, name);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !entries)
		close(fd);
	return entries;
}

void folder_close_list(DIR **entries)
{
	if (*entries)
		closedir(*entries);
}

/* Open a directory, made first if need be; the new entry reaches the disk. */
static int make_directory(int parent, const char *name)
{
	int fd = folder_open_directory(parent, name);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
		return -1;
	return fsync(parent) == 0 ? folder_open_directory(parent, name) : -1;
}

/* `new` comes last: where it is, everything is. */
static bool make_maildir(int folder)
{
	static const char *const parts[] = { "cur", "tmp", "new" };

	for (size_t i = 0; i < count_of(parts); i++) {
		scoped(fd_close) int part = make_directory(folder, parts[i]);

		if (part < 0)
			return false;
	}
	return true;
}

/* An empty file, or one with `text`, unless it is there. */
static bool make_file(int folder, const char *name, struct str text)
{
	scoped(fd_close) int fd =
		openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST;
	return fd_write_all(fd, text) && fsync(fd) == 0;
}

bool folder_make(int folder, const char *name)
{
	scoped(fd_close) int sub = make_directory(folder, name);

	return sub >= 0 && make_file(sub, "maildirfolder", STR("")) && make_maildir(sub);
}

static bool prepare(int folder)
{
	return folder_make(folder, ".Sent") && folder_make(folder, ".Drafts") &&
	       make_file(folder, "subscriptions", STR("Drafts\nSent\n")) && make_maildir(folder);
}

int folder_open(int root, const struct folder_path *path)
{
	scoped(fd_close) int domain = make_directory(root, path->domain);
	int folder = domain < 0 ? -1 : make_directory(domain, path->local);
	struct stat status;
	bool ready;

	if (folder < 0)
		return -1;
	ready = fstatat(folder, "new", &status, AT_SYMLINK_NOFOLLOW) == 0 || prepare(folder);
	if (!ready)
		fd_close(&folder);
	return folder;
}
