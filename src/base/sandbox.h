/* SPDX-License-Identifier: ISC
 *
 * sandbox.h - giving up what a process will never need again: privileges by exec, files and
 * network by landlock, system calls by seccomp. Each is for good, for the calling thread and all
 * it makes later. What the kernel doesn't offer is reported, not fatal; the caller decides.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/why.h"

bool sandbox_no_new_privs(struct why *why) must_use;

/* Landlock: no file but those below `directory` (an open directory; -1: none at all), which may
 * be read, written, made, renamed and removed; no TCP unless `connects`; no abstract unix sockets
 * and no signals to others. Returns the ABI version in force, 0 and why if there is none. */
int sandbox_landlock(int directory, bool connects, struct why *why) must_use;

/* What a rule of the list does where it applies. */
enum sandbox_action {
	SANDBOX_ALLOW,
	SANDBOX_REFUSE /* fails with the rule's errno; for what libraries only try */
};

/* How the argument decides whether the rule applies. */
enum sandbox_test { SANDBOX_ANY, SANDBOX_EQUALS, SANDBOX_HAS, SANDBOX_LACKS };

/* One row of a list of system calls. HAS and LACKS look at the bits of `value`. */
struct sandbox_rule {
	const char *call;
	enum sandbox_action action;
	int number; /* errno of SANDBOX_REFUSE */
	enum sandbox_test test;
	unsigned argument;
	uint64_t value;
};

/* Allow what the list allows. Any other call ends the process by SIGSYS, with a line in the log
 * that names it. Calls this architecture lacks are left out. */
bool sandbox_seccomp(const struct sandbox_rule *rules, size_t n, struct why *why) must_use;

#endif
