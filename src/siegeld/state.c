/* SPDX-License-Identifier: ISC
 *
 * state.c - folders and owners. Runs in siegeld before the roles start, as root where there is
 * one. Folders below a role's own are the role's to change, so every step goes from an open
 * directory to a name in it and follows no link.
 */
#include "siegeld/state.h"

#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const enum role child_roles[CHILDREN] = { ROLE_STORE, ROLE_SMTPD, ROLE_DELIVERY, ROLE_MAILBOX,
	ROLE_WEB };

static const struct {
	const char *folder;
	mode_t mode;
	bool owned; /* by the role; else by root */
} folders[CHILDREN] = {
	{ "store", 0711, true },
	{ "empty", 0711, false },
	{ "empty", 0711, false },
	{ "mail", 0700, true },
	{ "empty", 0711, false },
};

size_t child_index(enum role role)
{
	size_t i = 0;

	while (child_roles[i] != role)
		i++;
	return i;
}

static void find_user(struct state *state, size_t i, struct buf *errors)
{
	char name[32];

	snprintf(name, sizeof name, "siegel-%s", role_name(child_roles[i]));
	const struct passwd *user = getpwnam(name);
	if (!user || user->pw_uid == 0 || user->pw_gid == 0) {
		buf_printf(errors,
			"there is no user %s (not root, with a group of its own) to run a role as; "
			"make one, or set uid_base\n",
			name);
		return;
	}
	state->uid[i] = user->pw_uid;
	state->gid[i] = user->pw_gid;
}

static void find_users(struct state *state, const struct settings *settings, struct buf *errors)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		if (!state->is_root) {
			state->uid[i] = getuid();
			state->gid[i] = getgid();
		} else if (settings->uid_base) {
			state->uid[i] = (uid_t)(settings->uid_base + i + 1);
			state->gid[i] = state->uid[i];
		} else {
			find_user(state, i, errors);
		}
	}
}

static char *directory_of(const struct settings *settings)
{
	return strndup(settings->state_directory.at, settings->state_directory.len);
}

/* Who can write it can put anything in a role's place. */
static bool is_ours_alone(int directory)
{
	struct stat now;

	return fstat(directory, &now) == 0 && now.st_uid == geteuid() &&
	       !(now.st_mode & (S_IWGRP | S_IWOTH));
}

static void check_directory(struct state *state, const char *path, struct buf *errors)
{
	state->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->directory < 0)
		buf_printf(errors, "state_directory: %s: %s\n", path, strerrordesc_np(errno));
	else if (faccessat(state->directory, ".", W_OK | X_OK, AT_EACCESS) != 0)
		buf_printf(errors, "state_directory: %s can't be written by us: %s\n", path,
			strerrordesc_np(errno));
	else if (state->is_root && !is_ours_alone(state->directory))
		buf_printf(errors,
			"state_directory: %s belongs to another user or can be written by others; "
			"for a server started as root it must be root's alone\n",
			path);
}

bool state_check(struct state *state, const struct settings *settings, struct buf *errors)
{
	size_t before = errors->len;
	char *path = directory_of(settings);

	*state =
		(struct state){ .is_root = geteuid() == 0, .directory = -1, .run = -1, .lock = -1 };
	for (size_t i = 0; i < CHILDREN; i++)
		state->own[i] = -1;
	find_users(state, settings, errors);
	check_directory(state, path, errors);
	free(path);
	return errors->len == before;
}

/* Open a folder of `in`, made if it is missing. */
static int open_folder(int in, const char *name, mode_t mode, struct buf *errors)
{
	if (mkdirat(in, name, mode) != 0 && errno != EEXIST) {
		buf_printf(errors, "can't make the folder %s in the state directory: %s\n", name,
			strerrordesc_np(errno));
		return -1;
	}
	int fd = openat(in, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		buf_printf(errors, "can't open the folder %s in the state directory: %s\n", name,
			strerrordesc_np(errno));
	return fd;
}

/* Give an open folder its owner and mode. One that is neither new nor its owner's is refused:
 * what is in it would be out of the role's reach. */
static void own_folder(
	int fd, const char *name, uid_t uid, gid_t gid, mode_t mode, struct buf *errors)
{
	struct stat now;

	if (fd < 0)
		return;
	if (fstat(fd, &now) != 0 || (now.st_uid != uid && now.st_uid != geteuid())) {
		buf_printf(errors,
			"the folder %s in the state directory belongs to user %u, but its role is "
			"to run as user %u; give it and all in it to that user, or use another "
			"state_directory\n",
			name, (unsigned)now.st_uid, (unsigned)uid);
		return;
	}
	if ((geteuid() == 0 && fchown(fd, uid, gid) != 0) || fchmod(fd, mode) != 0)
		buf_printf(errors, "can't give the folder %s its owner and mode: %s\n", name,
			strerrordesc_np(errno));
}

static bool find_group(struct str setting, gid_t *gid)
{
	uint64_t number;
	char *name = strndup(setting.at, setting.len);
	const struct group *group = getgrnam(name);

	free(name);
	if (group)
		*gid = group->gr_gid;
	else if (str_to_u64(setting, &number) && number < UINT32_MAX)
		*gid = (gid_t)number;
	else
		return false;
	return true;
}

/* store/auth: the password file for Dovecot; its files take the folder's group. */
static void open_auth(struct state *state, const struct settings *settings, struct buf *errors)
{
	size_t store = child_index(ROLE_STORE);
	gid_t gid = state->gid[store];

	if (state->own[store] < 0)
		return;
	if (settings->auth_group.len && !find_group(settings->auth_group, &gid)) {
		buf_printf(errors, "auth_group: there is no group %.*s\n",
			STR_ARG(settings->auth_group));
		return;
	}
	scoped(fd_close) int auth = open_folder(state->own[store], "auth", 0750, errors);
	if (state->is_root || gid == state->gid[store])
		own_folder(auth, "store/auth", state->uid[store], gid, 02750, errors);
	else if (auth >= 0 && (fchown(auth, (uid_t)-1, gid) != 0 || fchmod(auth, 02750) != 0))
		buf_printf(errors, "auth_group: %s\n", strerrordesc_np(errno));
}

static void lock(struct state *state, struct buf *errors)
{
	char text[16] = "";

	if (state->run < 0)
		return;
	state->lock =
		openat(state->run, "siegeld.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (state->lock < 0) {
		buf_printf(errors, "run/siegeld.lock: %s\n", strerrordesc_np(errno));
	} else if (flock(state->lock, LOCK_EX | LOCK_NB) != 0) {
		ssize_t n = pread(state->lock, text, sizeof text - 1, 0);
		buf_printf(errors, "siegeld is already running here as pid %s\n",
			n > 0 ? text : "unknown");
	} else {
		int n = snprintf(text, sizeof text, "%d", (int)getpid());
		if (ftruncate(state->lock, 0) != 0 || pwrite(state->lock, text, (size_t)n, 0) != n)
			buf_printf(errors, "run/siegeld.lock: %s\n", strerrordesc_np(errno));
	}
}

bool state_open(struct state *state, const struct settings *settings, struct buf *errors)
{
	size_t before = errors->len;

	state->run = open_folder(state->directory, "run", 0755, errors);
	lock(state, errors);
	if (errors->len > before)
		return false;
	own_folder(state->run, "run", geteuid(), getegid(), 0755, errors);
	for (size_t i = 0; i < CHILDREN; i++) {
		const char *name = folders[i].folder;
		bool owned = folders[i].owned;
		state->own[i] = open_folder(state->directory, name, folders[i].mode, errors);
		own_folder(state->own[i], name, owned ? state->uid[i] : geteuid(),
			owned ? state->gid[i] : getegid(), folders[i].mode, errors);
	}
	open_auth(state, settings, errors);
	return errors->len == before;
}
