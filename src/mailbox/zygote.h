/* SPDX-License-Identifier: ISC
 *
 * zygote.h - the process that makes readers. A role with threads can't fork safely, so one is
 * forked before there are any, confined to forking, and asked over a socket.
 */
#ifndef MAILBOX_ZYGOTE_H
#define MAILBOX_ZYGOTE_H

enum { ZYGOTE_READERS_MAX = 16, READER_LIFE_MS = 120 * 1000 };

/* Never returns. Each datagram on `control` brings the reader's end of a socket: a reader is
 * forked that serves it (reader_serve). It is ended when the other end is closed, or is too old;
 * that other end is closed when it has ended. Beyond ZYGOTE_READERS_MAX one waits. Ends when
 * `control` does. */
_Noreturn void zygote_serve(int control);

#endif
