/* SPDX-License-Identifier: ISC
 *
 * sandbox.c - confinement by the kernel. Runs once in each role, as its only thread. A filter
 * that is wrong would end the role at some later moment, so the call that did it is written to
 * the log before the process ends: SIGSYS is trapped for that one line.
 */
#include "base/sandbox.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool sandbox_no_new_privs(struct why *why)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return why_errno(why, "no_new_privs");
	return true;
}

/* The header at hand may be older than the kernel: what it lacks is written here, by the numbers
 * of the kernel's documentation (userspace-api/landlock). */
struct ruleset {
	uint64_t files, network, scope;
};

#define FILES_V1    ((UINT64_C(1) << 13) - 1)
#define FILES_REFER (UINT64_C(1) << 13)
#define FILES_TRUNC (UINT64_C(1) << 14)
#define FILES_IOCTL (UINT64_C(1) << 15)
#define NETWORK_TCP (UINT64_C(3))
#define SCOPE_ALL   (UINT64_C(3))
#define OWN_FILES                                                              \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |          \
		LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |  \
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
		LANDLOCK_ACCESS_FS_REMOVE_DIR | FILES_REFER | FILES_TRUNC)

static size_t ruleset_for(int abi, bool connects, struct ruleset *rules)
{
	*rules = (struct ruleset){ .files = FILES_V1 };
	if (abi >= 2)
		rules->files |= FILES_REFER;
	if (abi >= 3)
		rules->files |= FILES_TRUNC;
	if (abi >= 4 && !connects)
		rules->network = NETWORK_TCP;
	if (abi >= 5)
		rules->files |= FILES_IOCTL;
	if (abi >= 6)
		rules->scope = SCOPE_ALL;
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static bool allow_below(int ruleset, int directory, uint64_t access)
{
	struct landlock_path_beneath_attr below = {
		.allowed_access = access,
		.parent_fd = directory,
	};

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;
}

#ifdef SANITIZED
/* A sanitizer reads /proc and the program itself when it has something to say. */
static bool allow_sanitizer(int ruleset)
{
	scoped(fd_close) int root = open("/", O_PATH | O_CLOEXEC);

	return allow_below(ruleset, root,
		LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
			LANDLOCK_ACCESS_FS_EXECUTE);
}
#else
static bool allow_sanitizer(int ruleset)
{
	(void)ruleset;
	return true;
}
#endif

int sandbox_landlock(int directory, bool connects, struct why *why)
{
	struct ruleset rules;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 0)
		return why_errno(why, "landlock");
	/* The first version can't allow a rename from one directory to another. */
	if (abi < 2 && directory >= 0)
		return why_not(why, "landlock: version 1 can't allow renames");
	size_t size = ruleset_for((int)abi, connects, &rules);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (ruleset < 0)
		return why_errno(why, "landlock");
	bool good = (directory < 0 || allow_below(ruleset, directory, OWN_FILES & rules.files)) &&
		    allow_sanitizer(ruleset) &&
		    syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	if (!good)
		why_errno(why, "landlock");
	close(ruleset);
	return good ? (int)abi : 0;
}

enum { CALLS_MAX = 512 };

/* Names by number, gathered while looking them up is still allowed. */
static const char *call_names[CALLS_MAX];

static void name_calls(void)
{
	for (int i = 0; i < CALLS_MAX; i++) {
		if (!call_names[i])
			call_names[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
	}
}

/* Runs wherever the forbidden call was made: nothing here may allocate or lock. */
static void forbidden(int signal_number, siginfo_t *info, void *context)
{
	int call = info->si_syscall;
	const char *name =
		call >= 0 && call < CALLS_MAX && call_names[call] ? call_names[call] : "?";
	char line[128] = "level=alarm event=forbidden-call call=";

	(void)context;
	strncat(line, name, 64);
	strncat(line, "\n", 2);
	ssize_t written = write(STDERR_FILENO, line, strlen(line));
	(void)written;
	raise(signal_number);
	_exit(128 + signal_number);
}

static bool watch_forbidden(void)
{
	struct sigaction action = { .sa_sigaction = forbidden,
		.sa_flags = (int)(SA_SIGINFO | SA_NODEFER | SA_RESETHAND) };

	name_calls();
	return sigaction(SIGSYS, &action, NULL) == 0;
}

static struct scmp_arg_cmp compare(const struct sandbox_rule *rule)
{
	switch (rule->test) {
	case SANDBOX_HAS:
		return SCMP_CMP64(rule->argument, SCMP_CMP_MASKED_EQ, rule->value, rule->value);
	case SANDBOX_LACKS:
		return SCMP_CMP64(rule->argument, SCMP_CMP_MASKED_EQ, rule->value, 0);
	default:
		return SCMP_CMP64(rule->argument, SCMP_CMP_EQ, rule->value, 0);
	}
}

static int add_rule(scmp_filter_ctx filter, const struct sandbox_rule *rule)
{
	uint32_t action = rule->action == SANDBOX_ALLOW ? SCMP_ACT_ALLOW
							: SCMP_ACT_ERRNO((uint32_t)rule->number);
	int call = seccomp_syscall_resolve_name(rule->call);
	struct scmp_arg_cmp argument = compare(rule);

	if (call == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(filter, action, call, rule->test != SANDBOX_ANY, &argument);
}

bool sandbox_seccomp(const struct sandbox_rule *rules, size_t n, struct why *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	const char *doing = "the filter";
	int result = filter ? 0 : -ENOMEM;

	for (size_t i = 0; result == 0 && i < n; i++) {
		doing = rules[i].call;
		result = add_rule(filter, &rules[i]);
	}
	if (result == 0) {
		doing = "the filter";
		result = watch_forbidden() ? seccomp_load(filter) : -errno;
	}
	if (result != 0)
		why_not(why, "seccomp: %s: %s", doing, strerrordesc_np(-result));
	seccomp_release(filter);
	return result == 0;
}
