/* SPDX-License-Identifier: ISC
 *
 * launch.c - see launch.h. The new process has nothing of its parent's but what it is handed.
 */
#include "call/launch.h"

#include "base/fd.h"
#include "base/log.h"
#include "call/control.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 + 32 };

void launch_path(const char *programs, enum role role, char *to, size_t room)
{
	snprintf(to, room, "%s/siegel-%s", programs, role_name(role));
}

/* A role's environment is empty, but for what a sanitizer wants to be told. */
static char *const *environment(void)
{
	static const char *const kept[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS" };
	static char *list[count_of(kept) + 1];
	size_t n = 0;

	for (size_t i = 0; i < count_of(kept); i++) {
		const char *value = getenv(kept[i]);
		if (value && asprintf(&list[n], "%s=%s", kept[i], value) > 0)
			n++;
	}
	list[n] = NULL;
	return list;
}

/* In the new process: become the role's program, with descriptors 0 to 2 and the control. */
static _Noreturn void become_program(
	const char *programs, enum role role, uint64_t descriptors, int control, pid_t parent)
{
	char path[PATH_ROOM];
	struct rlimit limit = { descriptors, descriptors };
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	launch_path(programs, role, path, sizeof path);
	sigemptyset(&none);
	bool good = null >= 0 && dup2(null, STDIN_FILENO) == STDIN_FILENO &&
		    dup2(control, CONTROL_FD) == CONTROL_FD &&
		    (control != CONTROL_FD || fcntl(CONTROL_FD, F_SETFD, 0) == 0) &&
		    close_range(CONTROL_FD + 1, ~0u, 0) == 0 &&
		    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent &&
		    sigprocmask(SIG_SETMASK, &none, NULL) == 0 &&
		    setrlimit(RLIMIT_NOFILE, &limit) == 0;
	if (good)
		execve(path, (char *const[]){ path, NULL }, environment());
	LOG(LOG_ALARM, "exec-failed", log_text("program", path),
		log_text("why", strerrordesc_np(errno)));
	_exit(1);
}

pid_t launch(const char *programs, enum role role, uint64_t descriptors, int *control)
{
	int ends[2];
	pid_t parent = getpid();

	*control = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return 0;
	pid_t pid = fork();
	if (pid == 0)
		become_program(programs, role, descriptors, ends[1], parent);
	int number = errno;
	fd_close(&ends[1]);
	if (pid < 0 || !fd_set_nonblocking(ends[0], true))
		fd_close(&ends[0]);
	*control = ends[0];
	errno = number;
	return pid < 0 ? 0 : pid;
}
