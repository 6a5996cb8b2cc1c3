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

enum { FRAME_HEADER = 12, FRAME_MAX = 8 * 1024 * 1024 };

enum call_fd { CALL_NO_FD, CALL_FD_IN, CALL_FD_OUT };

#define CALL_ENUM(name, ...) CALL_##name,
enum call { CALLS(CALL_ENUM) CALLS_N };
#undef CALL_ENUM

/* Start a frame: room for the header. The message is packed behind it. */
void frame_begin(struct buf *frame, enum call call);
/* Fill in the length once the message is packed; false if the frame overflowed. */
bool frame_end(struct buf *frame) must_use;
/* Read a header of FRAME_HEADER bytes: which call, how many bytes follow. False: malformed. */
bool frame_header(struct str header, enum call *call, size_t *length) must_use;

#endif
