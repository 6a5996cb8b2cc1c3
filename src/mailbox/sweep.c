/* SPDX-License-Identifier: ISC
 *
 * sweep.c - unfinished files and marks of deliveries (maildir.c) that a crash left in tmp. Runs in
 * a thread of its own when the mailbox role starts; where Dovecot reads the same Maildirs it does
 * this too. Links are not followed.
 */
#include "mailbox/sweep.h"
#include "base/clock.h"
#include "base/fd.h"
#include "mailbox/folder.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whose entries are looked at. */
enum depth { ROOT, DOMAIN, ACCOUNT, TMP };

static uint64_t remove_old(int folder, const char *name, int64_t wall_ms)
{
	struct stat status;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode) ||
		(int64_t)status.st_mtim.tv_sec * SECOND >= wall_ms)
		return 0;
	return unlinkat(folder, name, 0) == 0;
}

static uint64_t sweep_folder(int parent, const char *name, enum depth depth, int64_t wall_ms)
{
	int fd = folder_open_directory(parent, name);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t n = 0;

	if (!folder) {
		fd_close(&fd);
		return 0;
	}
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		if (depth == TMP)
			n += remove_old(fd, entry->d_name, wall_ms);
		else if (depth != ACCOUNT || str_eq(str_of(entry->d_name), STR("tmp")))
			n += sweep_folder(fd, entry->d_name, depth + 1, wall_ms);
	}
	closedir(folder);
	return n;
}

uint64_t sweep(int root, int64_t wall_ms)
{
	return sweep_folder(root, ".", ROOT, wall_ms);
}
