/* SPDX-License-Identifier: ISC
 *
 * frame.h - a call on the wire between roles: twelve bytes of header, then the packed message.
 * At most one descriptor travels with a frame, attached to its first byte.
 */
#ifndef CALL_FRAME_H
#define CALL_FRAME_H

#include "base/buf.h"
#include "call/calls.def"
#include "call/role.h"
#include <sys/types.h>

enum { FRAME_HEADER = 12, FRAME_MAX = 8 * 1024 * 1024 };

enum call_fd { CALL_NO_FD, CALL_FD_IN, CALL_FD_OUT };

#define CALL_ENUM(name, ...) CALL_##name,
enum call { CALLS(CALL_ENUM) CALLS_N };
#undef CALL_ENUM

/* What calls.def says of a call. */
struct call_rule {
	const char *name;
	enum role by; /* who serves it */
	unsigned who; /* roles that may ask it */
	enum call_fd fds;
};

extern const struct call_rule call_rules[CALLS_N];

/* Is there a call that `by` serves and `who` may ask? */
bool calls_between(enum role by, enum role who);

/* Start a frame: room for the header. The message is packed behind it. */
void frame_begin(struct buf *frame, enum call call);
/* Fill in the length once the message is packed; false if the frame overflowed. */
bool frame_end(struct buf *frame) must_use;
/* Read a header of FRAME_HEADER bytes: which call, how many bytes follow. False: malformed. */
bool frame_header(struct str header, enum call *call, size_t *length) must_use;

/* Send what a stream socket takes of rest, with `fd` (or -1) attached to its first byte. Returns
 * sendmsg's result; `flags` as there. */
ssize_t frame_send(int socket, struct str rest, int fd, int flags);

#endif
