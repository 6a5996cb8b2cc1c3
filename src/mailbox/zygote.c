/* SPDX-License-Identifier: ISC
 *
 * zygote.c - forks readers and ends them. One thread, no files; it never looks at a message, only
 * at whether both sides of a reader's socket are still there. A reader may be in the hands of
 * whoever sent a message: its limits are the kernel's, and it is killed, never asked to end.
 */
#include "mailbox/zygote.h"

#include "base/fd.h"
#include "base/log.h"
#include "call/confine.h"
#include "call/control.h"
#include "mailbox/reader.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What one reader may take. A message is mapped, not copied, and is not counted. */
enum { READER_CPU_S = 20, READER_DESCRIPTORS = 16 };
#ifdef SANITIZED
static const rlim_t reader_memory = RLIM_INFINITY; /* its shadow of the memory would count */
#else
static const rlim_t reader_memory = (rlim_t)384 << 20;
#endif

struct child {
	pid_t pid;
	int pidfd;
	int socket; /* its end: closed when it has ended */
	struct deadline end;
};

struct zygote {
	int control;
	struct child children[ZYGOTE_READERS_MAX];
	size_t n;
};

static bool limit(__rlimit_resource_t what, rlim_t most)
{
	return setrlimit(what, &(struct rlimit){ most, most }) == 0;
}

/* In the new process. Standard error becomes what standard input is: /dev/null for reading. */
static _Noreturn void become_reader(int socket)
{
	bool good = dup2(socket, CONTROL_FD) == CONTROL_FD &&
		    close_range(CONTROL_FD + 1, ~0u, 0) == 0 &&
		    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() != 1 &&
		    limit(RLIMIT_CPU, READER_CPU_S) && limit(RLIMIT_CORE, 0) &&
		    limit(RLIMIT_FSIZE, JOB_BODY_MAX) && limit(RLIMIT_NOFILE, READER_DESCRIPTORS) &&
		    limit(RLIMIT_DATA, reader_memory);

	if (!good) {
		LOG(LOG_ALARM, "no-reader", log_text("why", strerrordesc_np(errno)));
		_exit(1);
	}
#ifndef SANITIZED
	dup2(STDIN_FILENO, STDERR_FILENO);
#endif
	confine_helper(CONFINED_READER);
	reader_serve(CONTROL_FD);
}

static void add_reader(struct zygote *z, int socket)
{
	struct child *child = &z->children[z->n];

	*child =
		(struct child){ .socket = socket, .pidfd = -1, .end = deadline_in(READER_LIFE_MS) };
	child->pid = fork();
	if (child->pid == 0)
		become_reader(socket);
	if (child->pid > 0)
		child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd >= 0) {
		z->n++;
		return;
	}
	LOG(LOG_ALARM, "no-reader", log_text("why", strerrordesc_np(errno)));
	fd_close(&child->socket); /* a reader that nobody can watch ends with the other side */
}

/* Its end is closed last: who sees that knows that nothing of it is left. */
static void end_reader(struct zygote *z, size_t i, bool by_us)
{
	struct child *child = &z->children[i];
	int status = 0;

	if (by_us)
		syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
	waitpid(child->pid, &status, 0);
	if (!by_us && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		LOG(LOG_WARNING, "reader-ended",
			log_u64("signal", WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0),
			log_u64("status", WIFEXITED(status) ? (uint64_t)WEXITSTATUS(status) : 0));
	fd_close(&child->pidfd);
	fd_close(&child->socket);
	*child = z->children[--z->n];
}

static void take_control(struct zygote *z)
{
	char byte;
	int socket = -1;
	size_t n = 1;
	ssize_t got = fd_receive(z->control, &byte, 1, &socket, &n, 0);

	if (got == 0 || (got < 0 && errno != EINTR))
		_exit(0);
	if (got > 0 && n == 1)
		add_reader(z, socket);
}

/* Wait for anything to happen; fills `fds`: control, then a pidfd and a socket for each. */
static void wait_for_any(const struct zygote *z, struct pollfd *fds)
{
	struct deadline first = deadline_never();

	fds[0] = (struct pollfd){ .fd = z->n < ZYGOTE_READERS_MAX ? z->control : -1,
		.events = POLLIN };
	for (size_t i = 0; i < z->n; i++) {
		fds[1 + 2 * i] = (struct pollfd){ .fd = z->children[i].pidfd, .events = POLLIN };
		fds[2 + 2 * i] =
			(struct pollfd){ .fd = z->children[i].socket, .events = POLLRDHUP };
		first = deadline_earlier(first, z->children[i].end);
	}
	while (poll(fds, 1 + 2 * z->n, deadline_poll_ms(first)) < 0) {
		if (errno != EINTR)
			_exit(1);
	}
}

_Noreturn void zygote_serve(int control)
{
	struct zygote z = { .control = control };
	struct pollfd fds[1 + 2 * ZYGOTE_READERS_MAX];

	confine_helper(CONFINED_ZYGOTE);
	for (;;) {
		wait_for_any(&z, fds);
		for (size_t i = z.n; i-- > 0;) { /* from the end: the last takes the place of one */
			bool ended = fds[1 + 2 * i].revents, left = fds[2 + 2 * i].revents;

			if (ended || left || deadline_passed(z.children[i].end))
				end_reader(&z, i, !ended);
		}
		if (fds[0].revents)
			take_control(&z);
	}
}
