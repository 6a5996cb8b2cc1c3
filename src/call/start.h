/* SPDX-License-Identifier: ISC
 *
 * start.h - the first screen of every role: open, drop privileges, confine, serve.
 *
 *	int main(void)
 *	{
 *		struct start start;
 *
 *		start_open(&start, ROLE_SMTPD);
 *		struct smtpd *smtpd = smtpd_open(&start);
 *		start_drop(&start);
 *		start_confine(&start);
 *		smtpd_serve(smtpd);
 *		start_ready(&start);
 *		for (;;) {
 *			struct start_event event = start_next(&start);
 *			...
 *		}
 *	}
 *
 * What can't be done here ends the process with a line in the log; siegeld starts it again.
 * No thread may exist before start_confine: landlock and seccomp bind the thread that asks and
 * the ones it makes later.
 */
#ifndef CALL_START_H
#define CALL_START_H

#include "call/control.h"
#include "settings/settings.h"

enum { START_FILES_MAX = 64, START_LISTENERS_MAX = 64 };

struct start_file {
	char name[CONTROL_NAME_MAX + 1];
	struct mapping content;
};

struct start_listener {
	char name[CONTROL_NAME_MAX + 1];
	int fd; /* bound, listening, close-on-exec, blocking */
};

/* What siegeld handed over. Fields are for reading. */
struct start {
	enum role role;
	const struct settings *settings; /* replaced by a reload; older ones are never freed,
					    since sessions may be reading them */
	struct start_file files[START_FILES_MAX];
	size_t n_files;
	struct start_listener listeners[START_LISTENERS_MAX];
	size_t n_listeners;
	bool only_check; /* nothing is to be served: start_drop ends the process */
	bool once; /* started by siegel(1) for itself: answer it over the listener "ctl", which is
			    a connected socket, and end */
	bool is_root; /* started as root: uid, gid and chroot apply */
	uint32_t uid, gid;
	int directory; /* of the role's own directory, until start_drop */
	struct buf confinement;
};

/* Take the control descriptor and read it up to START; open the log. Nothing is dropped yet,
 * the working directory is still siegeld's. Files made from here on aren't for others (umask).
 * Exits where siegeld is gone or talks nonsense. */
void start_open(struct start *start, enum role role);

/* Go to the role's own directory (but once) and, if root, make it the root directory, then become the
 * role's user for good. From here on every path is relative to the working directory: the store
 * finds STATE/store there, the mailbox STATE/mail, the others an empty directory.
 * Where siegeld only wanted to know whether the role can use its settings and files, it can:
 * exits with 0. */
void start_drop(struct start *start);

/* no_new_privs, landlock and the role's seccomp list (confine.c). What the kernel doesn't offer
 * is logged and reported in READY, not fatal. */
void start_confine(struct start *start);

/* Tell siegeld that the role serves. */
void start_ready(struct start *start);

enum start_event_kind {
	START_EDGE,   /* `fd` is a new rendezvous with `peer`, the receiver's to own: clients give
			 it to client_set_edge, the store watches it (server_rendezvous) */
	START_RELOAD, /* start->settings and the files are new; listeners stay what they were */
	START_STOP,   /* take nothing new, finish what is under way, exit 0 */
	START_GONE    /* siegeld is gone: exit at once */
};

struct start_event {
	enum start_event_kind kind;
	enum role peer;
	int fd;
};

/* Block for the next event. CONTROL_FD is readable when one is due or beginning to arrive; an
 * event that comes in several messages is waited for (siegeld sends them in one go). Edges only
 * ever come this way, after start_ready. A reload that can't be parsed is logged and skipped. */
struct start_event start_next(struct start *start);

/* The content of a file by name ("certificate:0", "key:0", "ca", "anchor"), empty if siegeld
 * sent none. The view is good until the next start_next or start_forget_files. */
struct str start_file(const struct start *start, const char *name);
/* Unmap the files, keys among them, once they have been used. */
void start_forget_files(struct start *start);
/* The listening socket of a name, or -1. */
int start_listener(const struct start *start, struct str name);

#endif
