/* SPDX-License-Identifier: ISC
 *
 * confine.c - the system calls and files each role keeps. Runs in every role before its first
 * byte from outside. A list names what the role was seen to need and what the C library may fall
 * back to; what libraries only try out fails with an errno, all else ends the process.
 */
#include "call/confine.h"

#include "base/log.h"
#include "base/must.h"
#include "base/sandbox.h"
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* clang-format off */
#define ALLOW(name)                   { .call = name }
#define REFUSE(name, error)           { .call = name, .action = SANDBOX_REFUSE, .number = error }
#define ALLOW_IF(name, n, is, v)      { .call = name, .test = is, .argument = n, .value = (uint64_t)(v) }
#define REFUSE_IF(name, error, n, is, v) \
	{ .call = name, .action = SANDBOX_REFUSE, .number = error, .test = is, .argument = n, .value = (uint64_t)(v) }

/* What every role needs: to talk on what is open, to wait, to have memory and threads, to end. */
static const struct sandbox_rule every_role[] = {
	ALLOW("read"), ALLOW("write"), ALLOW("readv"), ALLOW("writev"), ALLOW("pread64"), ALLOW("pwrite64"),
	ALLOW("close"), ALLOW("fcntl"), ALLOW("fstat"), ALLOW("newfstatat"), ALLOW("lseek"),
	ALLOW("dup"), ALLOW("ftruncate"), ALLOW("memfd_create"), ALLOW("eventfd2"), ALLOW("pipe2"),
	ALLOW("sendmsg"), ALLOW("recvmsg"), ALLOW("sendto"), ALLOW("recvfrom"), ALLOW("shutdown"),
	ALLOW("getsockopt"), ALLOW("getsockname"), ALLOW("getpeername"),
	ALLOW("poll"), ALLOW("ppoll"), ALLOW("epoll_create1"), ALLOW("epoll_ctl"),
	ALLOW("epoll_wait"), ALLOW("epoll_pwait"), ALLOW("epoll_pwait2"),
	ALLOW_IF("mmap", 2, SANDBOX_LACKS, PROT_EXEC), REFUSE_IF("mmap", EACCES, 2, SANDBOX_HAS, PROT_EXEC),
	ALLOW_IF("mprotect", 2, SANDBOX_LACKS, PROT_EXEC), REFUSE_IF("mprotect", EACCES, 2, SANDBOX_HAS, PROT_EXEC),
	ALLOW("munmap"), ALLOW("mremap"), ALLOW("madvise"), ALLOW("brk"), ALLOW("membarrier"),
	ALLOW("futex"), ALLOW("sched_yield"), ALLOW("sched_getaffinity"), ALLOW("set_robust_list"),
	ALLOW("rseq"), ALLOW("restart_syscall"), ALLOW("getcpu"),
	/* clone3 has its flags in memory, where no filter sees them; without it clone is used. */
	REFUSE("clone3", ENOSYS), ALLOW_IF("clone", 0, SANDBOX_HAS, CLONE_THREAD | CLONE_VM),
	ALLOW("clock_gettime"), ALLOW("clock_getres"), ALLOW("clock_nanosleep"), ALLOW("nanosleep"),
	ALLOW("gettimeofday"), ALLOW("time"), ALLOW("getrandom"), ALLOW("getrusage"), ALLOW("sysinfo"),
	ALLOW("uname"), ALLOW("umask"), ALLOW("getpid"), ALLOW("getppid"), ALLOW("gettid"), ALLOW("getuid"),
	ALLOW("geteuid"), ALLOW("getgid"), ALLOW("getegid"),
	ALLOW("rt_sigaction"), ALLOW("rt_sigprocmask"), ALLOW("rt_sigreturn"), ALLOW("sigaltstack"),
	ALLOW_IF("prctl", 0, SANDBOX_EQUALS, PR_SET_NAME),
	ALLOW_IF("prlimit64", 2, SANDBOX_EQUALS, 0), ALLOW("getrlimit"),
	ALLOW("exit"), ALLOW("exit_group"),
	REFUSE("ioctl", ENOTTY),
};

/* Roles that own no files. */
static const struct sandbox_rule no_files[] = {
	REFUSE("open", EACCES), REFUSE("openat", EACCES), REFUSE("access", EACCES),
	REFUSE("faccessat", EACCES), REFUSE("faccessat2", EACCES), REFUSE("stat", EACCES),
	REFUSE("lstat", EACCES), REFUSE("statx", EACCES), REFUSE("readlink", EACCES),
	REFUSE("readlinkat", EACCES), REFUSE("getcwd", EACCES),
};

/* Roles that own files: the kernel's landlock says which. */
static const struct sandbox_rule own_files[] = {
	ALLOW("open"), ALLOW("openat"), ALLOW("access"), ALLOW("faccessat"), ALLOW("faccessat2"),
	ALLOW("stat"), ALLOW("lstat"), ALLOW("statx"), ALLOW("readlink"), ALLOW("readlinkat"),
	ALLOW("getcwd"), ALLOW("statfs"), ALLOW("fstatfs"), ALLOW("getdents64"), ALLOW("fadvise64"),
	ALLOW("mkdir"), ALLOW("mkdirat"), ALLOW("rmdir"), ALLOW("unlink"), ALLOW("unlinkat"),
	ALLOW("rename"), ALLOW("renameat"), ALLOW("renameat2"), ALLOW("link"), ALLOW("linkat"),
	ALLOW("fsync"), ALLOW("fdatasync"), ALLOW("sync_file_range"), ALLOW("fallocate"), ALLOW("truncate"),
	ALLOW("chmod"), ALLOW("fchmod"), ALLOW("fchmodat"), ALLOW("fchown"), ALLOW("flock"), ALLOW("utimensat"),
	ALLOW("sendfile"), ALLOW("copy_file_range"),
};

static const struct sandbox_rule answers_peers[] = {
	ALLOW("accept"), ALLOW("accept4"), ALLOW("setsockopt"), ALLOW("dup3"),
	ALLOW_IF("socketpair", 0, SANDBOX_EQUALS, AF_UNIX),
};

static const struct sandbox_rule asks_store[] = {
	ALLOW_IF("socketpair", 0, SANDBOX_EQUALS, AF_UNIX),
};

/* What other programs do in the Maildirs. */
static const struct sandbox_rule watches_files[] = {
	ALLOW("inotify_init1"), ALLOW("inotify_add_watch"), ALLOW("inotify_rm_watch"),
};

/* The pages: connections come in and none goes out; a file in memory is handed down whole. */
static const struct sandbox_rule answers_browsers[] = {
	ALLOW("accept4"), ALLOW("setsockopt"), ALLOW("sendfile"), ALLOW("fadvise64"),
	ALLOW_IF("socketpair", 0, SANDBOX_EQUALS, AF_UNIX),
};

/* On the one listener that siegeld handed over: nobody may listen(2). */
static const struct sandbox_rule answers_calls[] = {
	ALLOW("accept4"),
};

/* Outbound mail and the resolver. libunbound binds UDP ports. */
static const struct sandbox_rule asks_peers[] = {
	ALLOW_IF("socket", 0, SANDBOX_EQUALS, AF_INET), ALLOW_IF("socket", 0, SANDBOX_EQUALS, AF_INET6),
	REFUSE_IF("socket", EAFNOSUPPORT, 0, SANDBOX_EQUALS, AF_UNIX),
	REFUSE_IF("socket", EAFNOSUPPORT, 0, SANDBOX_EQUALS, AF_NETLINK),
	ALLOW_IF("socketpair", 0, SANDBOX_EQUALS, AF_UNIX),
	ALLOW("connect"), ALLOW("bind"), ALLOW("setsockopt"), ALLOW("sendmmsg"), ALLOW("recvmmsg"),
	ALLOW("select"), ALLOW("pselect6"), ALLOW("pipe"),
};

/* Bytes in, bytes out, memory. No thread, no file, nobody to talk to but who is connected. */
static const struct sandbox_rule reader[] = {
	ALLOW("read"), ALLOW("write"), ALLOW("pread64"), ALLOW("lseek"), ALLOW("close"), ALLOW("recvmsg"),
	ALLOW("fstat"), ALLOW("newfstatat"), ALLOW("fcntl"),
	ALLOW_IF("mmap", 2, SANDBOX_LACKS, PROT_EXEC), REFUSE_IF("mmap", EACCES, 2, SANDBOX_HAS, PROT_EXEC),
	ALLOW_IF("mprotect", 2, SANDBOX_LACKS, PROT_EXEC), REFUSE_IF("mprotect", EACCES, 2, SANDBOX_HAS, PROT_EXEC),
	ALLOW("munmap"), ALLOW("mremap"), ALLOW("madvise"), ALLOW("brk"),
	ALLOW("futex"), ALLOW("restart_syscall"), ALLOW("sched_yield"),
	ALLOW("clock_gettime"), ALLOW("gettimeofday"), ALLOW("time"), ALLOW("getrandom"),
	ALLOW("getpid"), ALLOW("gettid"),
	ALLOW("rt_sigaction"), ALLOW("rt_sigprocmask"), ALLOW("rt_sigreturn"), ALLOW("sigaltstack"),
	ALLOW("exit"), ALLOW("exit_group"),
	REFUSE("ioctl", ENOTTY),
};

/* What it takes to fork readers, bound and confine them, wait for them and end them. */
static const struct sandbox_rule zygote[] = {
	ALLOW("sendmsg"), ALLOW("poll"), ALLOW("ppoll"), ALLOW("dup2"), ALLOW("dup3"), ALLOW("close_range"),
	REFUSE("clone3", ENOSYS), ALLOW("clone"), ALLOW("fork"), ALLOW("set_robust_list"), ALLOW("rseq"),
	ALLOW("wait4"), ALLOW("pidfd_open"), ALLOW("pidfd_send_signal"), ALLOW("getppid"),
	ALLOW("prctl"), ALLOW("seccomp"), ALLOW("setrlimit"), ALLOW("prlimit64"), ALLOW("getrlimit"),
	ALLOW("tgkill"), /* a child to itself; its own filter says so */
};

#ifdef SANITIZED
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

/* What the sanitizers' own runtime does, mostly when it has found something. */
static const struct sandbox_rule sanitizer[] = {
	ALLOW("openat"), ALLOW("open"), ALLOW("readlink"), ALLOW("readlinkat"), ALLOW("stat"),
	ALLOW("access"), ALLOW("getcwd"), ALLOW("sched_getparam"), ALLOW("prctl"), ALLOW("prlimit64"),
	ALLOW("getdents64"), ALLOW("pipe"), ALLOW("tgkill"), ALLOW("msync"), ALLOW("mincore"),
	ALLOW("nanosleep"), ALLOW("getppid"), ALLOW("gettid"), ALLOW("getrusage"),
};
/* clang-format on */

/* A role's lists, and whether it has files and the network. */
static const struct confinement {
	enum role role;
	bool files, connects;
	struct part {
		const struct sandbox_rule *at;
		size_t n;
	} parts[2]; /* what it asks, what it answers */
} confinements[] = {
	{ ROLE_SMTPD, false, false, { { answers_peers, count_of(answers_peers) } } },
	{ ROLE_STORE, true, false, { { answers_calls, count_of(answers_calls) } } },
	{ ROLE_DELIVERY, false, true,
		{ { asks_peers, count_of(asks_peers) },
			{ answers_calls, count_of(answers_calls) } } },
	{ ROLE_WEB, false, false, { { answers_browsers, count_of(answers_browsers) } } },
	{ ROLE_MAILBOX, true, false,
		{ { asks_store, count_of(asks_store) },
			{ watches_files, count_of(watches_files) } } },
};

enum { RULES_MAX = 256 };

struct list {
	struct sandbox_rule rules[RULES_MAX];
	size_t n;
};

static void append(struct list *list, const struct sandbox_rule *rules, size_t n)
{
	must(list->n + n <= RULES_MAX);
	for (size_t i = 0; i < n; i++)
		list->rules[list->n++] = rules[i];
}

/* An empty list, but for what a process may always do: end itself, or be searched for mistakes. */
static void begin(struct list *list)
{
	const struct sandbox_rule to_itself = {
		.call = "tgkill", .test = SANDBOX_EQUALS, .value = (uint64_t)getpid()
	};

	list->n = 0;
	if (sanitized)
		append(list, sanitizer, count_of(sanitizer));
	else
		append(list, &to_itself, 1);
}

static void gather(struct list *list, const struct confinement *c)
{
	begin(list);
	if (!sanitized && !c->files)
		append(list, no_files, count_of(no_files));
	append(list, every_role, count_of(every_role));
	if (c->files)
		append(list, own_files, count_of(own_files));
	for (size_t i = 0; i < count_of(c->parts); i++)
		append(list, c->parts[i].at, c->parts[i].n);
}

static void missing(struct buf *report, const char *what, const struct why *why)
{
	LOG(LOG_WARNING, "not-confined", log_text("what", what), log_text("why", why->text));
	buf_printf(report, " %s=no", what);
}

static const struct confinement *confinement_of(enum role role)
{
	size_t i = 0;

	while (i < count_of(confinements) && confinements[i].role != role)
		i++;
	must(i < count_of(confinements));
	return &confinements[i];
}

void confine(enum role role, int directory, struct buf *report)
{
	static struct list list;
	const struct confinement *c = confinement_of(role);
	struct why why;

	if (sandbox_no_new_privs(&why))
		buf_add(report, STR(" no_new_privs"));
	else
		missing(report, "no_new_privs", &why);
	int abi = sandbox_landlock(c->files ? directory : -1, c->connects, &why);
	if (abi > 0)
		buf_printf(report, " landlock=%d", abi);
	else
		missing(report, "landlock", &why);
	gather(&list, c);
	if (sandbox_seccomp(list.rules, list.n, &why))
		buf_printf(report, " seccomp=%zu", list.n);
	else
		missing(report, "seccomp", &why);
}

static void gather_helper(struct list *list, enum confined_helper helper)
{
	begin(list);
	if (!sanitized)
		append(list, no_files, count_of(no_files));
	append(list, reader, count_of(reader));
	if (helper == CONFINED_ZYGOTE)
		append(list, zygote, count_of(zygote));
}

void confine_helper(enum confined_helper helper)
{
	static struct list list;
	scoped(buf_free) struct buf report = BUF(256);
	struct why why;

	if (helper == CONFINED_ZYGOTE && !sandbox_no_new_privs(&why))
		missing(&report, "no_new_privs", &why);
	if (helper == CONFINED_ZYGOTE && sandbox_landlock(-1, false, &why) == 0)
		missing(&report, "landlock", &why);
	gather_helper(&list, helper);
	if (!sandbox_seccomp(list.rules, list.n, &why))
		missing(&report, "seccomp", &why);
}
