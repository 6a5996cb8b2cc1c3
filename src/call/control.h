/* SPDX-License-Identifier: ISC
 *
 * control.h - what passes between siegeld and each role over descriptor 3 (SOCK_SEQPACKET): the
 * settings, files, listeners and rendezvous go down, READY and nothing else goes up. Roles trust
 * siegeld; siegeld trusts a role with a bounded line of text for the log.
 */
#ifndef CALL_CONTROL_H
#define CALL_CONTROL_H

#include "base/fd.h"
#include "base/str.h"
#include "base/why.h"
#include "call/role.h"

enum { CONTROL_FD = 3, CONTROL_NAME_MAX = 200 };

/* On the wire one byte of kind, then the name (or READY's text), with at most one descriptor. */
enum control_kind {
	CONTROL_SETTINGS = 1, /* sealed memfd: the configuration's text; name: its path */
	CONTROL_FILE,	  /* sealed memfd: a file; name: "certificate:0", "key:0", "ca", "anchor" */
	CONTROL_LISTENER, /* a bound, listening socket; name: the listener's, or "ctl"; in a start
			     "once" a connected one, "ctl" */
	CONTROL_EDGE,	  /* one end of a rendezvous; name: the role at the other end */
	CONTROL_START,	  /* all of the start is there; with the role's own directory; name:
			     "root:UID:GID" to chroot there and become that user, or "user";
			     "check" and "once" come without a directory */
	CONTROL_RELOAD,	  /* new SETTINGS and FILEs came before this */
	CONTROL_STOP,	  /* finish what is under way and exit 0 */
	CONTROL_READY,	  /* role -> siegeld: serving; text: what confinement is in force */
};

struct control_message {
	enum control_kind kind;
	char name[CONTROL_NAME_MAX + 1]; /* NUL-terminated by the receiver */
	int fd;				 /* -1 when none came; the receiver's to close */
};

bool control_send(int control, enum control_kind kind, struct str name, int fd) must_use;
/* Block for the next message. False when siegeld is gone (the role then exits). */
bool control_receive(int control, struct control_message *message) must_use;

#endif
