/* SPDX-License-Identifier: ISC
 *
 * alone.c - see alone.h.
 */
#include "ctl/alone.h"
#include "base/fd.h"
#include "call/control.h"
#include "call/launch.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 1024 * 1024, FILE_MAX = 16 * 1024 * 1024, DESCRIPTORS = 1024 };

/* Where the roles' programs are: beside this one, or where `make install` puts them. */
static bool find_programs(char *to, size_t room, struct why *why)
{
	char own[4096], path[4096 + 64];
	static const char *const places[] = { "", "/../sbin" };
	ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);

	if (n <= 0)
		return why_errno(why, "can't find our own program");
	own[n] = '\0';
	*strrchr(own, '/') = '\0';
	for (size_t i = 0; i < count_of(places); i++) {
		snprintf(to, room, "%s%s", own, places[i]);
		launch_path(to, ROLE_DELIVERY, path, sizeof path);
		if (access(path, X_OK) == 0)
			return true;
	}
	return why_not(why, "there is no server to ask, and no siegel-delivery beside %s", own);
}

static bool send_text(const struct alone *alone, const char *path, struct why *why)
{
	scoped(fd_close) int text = fd_memfd_of_file(path, TEXT_MAX, why);

	if (text < 0)
		return false;
	return control_send(alone->control, CONTROL_SETTINGS,
		       str_head(str_of(path), CONTROL_NAME_MAX), text) ||
	       why_errno(why, "siegel-delivery");
}

static bool send_file(const struct alone *alone, const char *name, struct str path, struct why *why)
{
	scoped(buf_free) struct buf text = BUF(4096);

	if (!path.len)
		return true;
	if (!buf_add(&text, path) || !buf_add_char(&text, '\0'))
		return why_not(why, "%s: that is no path", name);
	scoped(fd_close) int file = fd_memfd_of_file(text.at, FILE_MAX, why);
	if (file < 0)
		return false;
	return control_send(alone->control, CONTROL_FILE, str_of(name), file) ||
	       why_errno(why, "siegel-delivery");
}

/* All that siegeld would hand over, and the other end of `ends`. */
static bool hand_over(const struct alone *alone, const char *path, const struct settings *settings,
	int end, struct why *why)
{
	if (!send_text(alone, path, why) || !send_file(alone, "ca", settings->ca_file, why) ||
		!send_file(alone, "anchor", settings->trust_anchor_file, why))
		return false;
	return (control_send(alone->control, CONTROL_LISTENER, STR("ctl"), end) &&
		       control_send(alone->control, CONTROL_START, STR("once"), -1)) ||
	       why_errno(why, "siegel-delivery");
}

struct client *alone_start(
	struct alone *alone, const char *path, const struct settings *settings, struct why *why)
{
	char programs[4096 + 32];
	int ends[2];

	if (!find_programs(programs, sizeof programs, why))
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		why_errno(why, "siegel-delivery");
		return NULL;
	}
	alone->pid = launch(programs, ROLE_DELIVERY, DESCRIPTORS, &alone->control);
	bool good = alone->pid ? hand_over(alone, path, settings, ends[1], why)
			       : why_errno(why, "can't start siegel-delivery");
	fd_close(&ends[1]);
	if (good)
		return client_over(ROLE_DELIVERY, ends[0]);
	fd_close(&ends[0]);
	alone_end(alone);
	return NULL;
}

void alone_end(struct alone *alone)
{
	if (!alone->pid)
		return;
	fd_close(&alone->control);
	kill(alone->pid, SIGKILL);
	waitpid(alone->pid, NULL, 0);
	alone->pid = 0;
}
