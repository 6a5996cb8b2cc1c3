/* SPDX-License-Identifier: ISC
 *
 * test_confine.c - each role, confined, is made to try what it must not do. Every try runs in a
 * process of its own, since there is no way back.
 */
#include "base/fd.h"
#include "base/log.h"
#include "call/confine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { STORE = 1, SMTPD = 2, DELIVERY = 4, MAILBOX = 8, ALL = 15 };
static const enum role roles[] = { ROLE_STORE, ROLE_SMTPD, ROLE_DELIVERY, ROLE_MAILBOX };

static char own[] = "/tmp/test_confine.XXXXXX";

/* Each try returns true if it got what it wanted. */
static bool try_nothing(void)
{
	return true;
}

static bool try_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return false;
}

static bool try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool try_tcp(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool try_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0;
}

static bool try_listen(void)
{
	scoped(fd_close) int fd = dup(STDERR_FILENO);

	return listen(fd, 1) == 0 || errno == ENOTSOCK;
}

static bool try_own_file(void)
{
	int fd = open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 &&
	       rename("file", "other") == 0 && unlink("other") == 0;
}

static bool try_foreign_file(void)
{
	return open("../test_confine.foreign", O_CREAT | O_RDWR | O_CLOEXEC, 0600) >= 0;
}

static bool try_kill_parent(void)
{
	return kill(getppid(), 0) == 0;
}

static bool try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool try_setuid(void)
{
	return setuid(getuid()) == 0;
}

static void *run(void *argument)
{
	return argument;
}

static bool try_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool try_memfd(void)
{
	scoped(fd_close) int fd = fd_memfd_of("body", STR("x"));
	struct mapping mapping;

	return fd >= 0 && fd_map_sealed(fd, 1, &mapping, NULL);
}

static bool try_watch(void)
{
	scoped(fd_close) int notify = inotify_init1(IN_CLOEXEC);

	return notify >= 0 && inotify_add_watch(notify, ".", IN_CREATE) >= 0;
}

static bool try_socketpair(void)
{
	int ends[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
}

static bool succeeds(enum role role, bool (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		scoped(buf_free) struct buf report = BUF(1000);
		int null = open("/dev/null", O_WRONLY);
		int directory = open(own, O_RDONLY | O_DIRECTORY);
		if (chdir(own) != 0)
			_exit(3);
		dup2(null, STDERR_FILENO);
		confine(role, directory, &report);
		/* What isn't in force can't be tested: that is a failure, not a pass. */
		if (str_find_str(buf_str(&report), STR("=no")) < report.len)
			_exit(2);
		_exit(attempt() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGSYS);
	else
		assert_true(WEXITSTATUS(status) < 2);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const struct row {
	const char *what;
	bool (*attempt)(void);
	unsigned allowed;
} rows[] = {
	{ "nothing", try_nothing, ALL },
	{ "threads", try_thread, ALL },
	{ "bodies in memory", try_memfd, ALL },
	{ "another program", try_exec, 0 },
	{ "another process", try_fork, 0 },
	{ "a socket to the world", try_tcp, DELIVERY },
	{ "a unix socket", try_unix_socket, 0 },
	{ "a netlink socket", try_netlink, 0 },
	{ "a connection to the store", try_socketpair, SMTPD | DELIVERY | MAILBOX },
	{ "a listening socket", try_listen, 0 },
	{ "its own file", try_own_file, STORE | MAILBOX },
	{ "a look-out for others' files", try_watch, MAILBOX },
	{ "somebody else's file", try_foreign_file, 0 },
	{ "a signal to another", try_kill_parent, 0 },
	{ "tracing", try_ptrace, 0 },
	{ "another user", try_setuid, 0 },
};

static void each_role_can_do_its_work_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		for (size_t j = 0; j < count_of(roles); j++) {
			bool may = rows[i].allowed & (1u << j);
			if (succeeds(roles[j], rows[i].attempt) != may)
				fail_msg("%s %s get %s", role_name(roles[j]),
					may ? "should" : "shouldn't", rows[i].what);
		}
	}
}

/* --- what reads for a role ------------------------------------------------------------------- */

static bool helper_succeeds(enum confined_helper helper, bool (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		if (chdir(own) != 0)
			_exit(3);
		dup2(null, STDERR_FILENO);
		confine_helper(CONFINED_ZYGOTE);
		if (helper == CONFINED_READER)
			confine_helper(CONFINED_READER);
		_exit(attempt() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGSYS);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool try_any_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool try_memory(void)
{
	char *memory = malloc(8 << 20);
	bool got = memory != NULL;

	free(memory);
	return got;
}

/* A sanitizer reads files when it has something to say. */
#ifdef SANITIZED
enum { READS_FILES = true };
#else
enum { READS_FILES = false };
#endif

static void what_reads_for_a_role_can_do_less_than_any(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		bool (*attempt)(void);
		bool zygote, reader;
	} tries[] = {
		{ "nothing", try_nothing, true, true },
		{ "memory", try_memory, true, true },
		{ "another process", try_fork, true, false },
		{ "another program", try_exec, false, false },
		{ "a socket to the world", try_tcp, false, false },
		{ "a unix socket", try_unix_socket, false, false },
		{ "a connection of its own", try_socketpair, false, false },
		{ "a new file", try_own_file, false, false },
		{ "any file", try_any_file, READS_FILES, READS_FILES },
		{ "a signal to another", try_kill_parent, false, false },
		{ "tracing", try_ptrace, false, false },
		{ "another user", try_setuid, false, false },
	};

	for (size_t i = 0; i < count_of(tries); i++) {
		if (helper_succeeds(CONFINED_ZYGOTE, tries[i].attempt) != tries[i].zygote)
			fail_msg("zygote: %s", tries[i].what);
		if (helper_succeeds(CONFINED_READER, tries[i].attempt) != tries[i].reader)
			fail_msg("reader: %s", tries[i].what);
	}
}

static int make_own(void **state)
{
	(void)state;
	return mkdtemp(own) ? 0 : -1;
}

static int remove_own(void **state)
{
	(void)state;
	unlink("/tmp/test_confine.foreign");
	return rmdir(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_role_can_do_its_work_and_nothing_else),
		cmocka_unit_test(what_reads_for_a_role_can_do_less_than_any),
	};

	log_open("test", LOG_ALARM + 1);
	return cmocka_run_group_tests(tests, make_own, remove_own);
}
