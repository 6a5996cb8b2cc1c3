/* SPDX-License-Identifier: ISC
 *
 * wire.h - bytes on a connection, plaintext or TLS, read and written by straight-line code with
 * deadlines. `struct plain` and `struct secure` are two types on purpose: what must be sealed
 * takes a `struct secure *`, and only secure_accept and secure_connect make one. `struct wire`
 * is what they share: buffered input, buffered output, lines.
 * Runs in smtpd and delivery. Every byte read is hostile.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"

struct ssl_st;

/* Owned by its connection. Fields are for net/ alone, but for reading `fd` and for `broken`. */
struct wire {
	int fd;		    /* non-blocking */
	struct ssl_st *ssl; /* NULL: plaintext */
	struct buf in, out;
	size_t taken;  /* bytes of `in` already given away as lines */
	bool held;     /* OpenSSL may hold a whole record: no event tells of it */
	bool asked;    /* we have spoken and not read since: the peer has to think first */
	bool skipping; /* inside a line that is too long, whose last byte seen is `skipped` */
	char skipped;
	bool broken; /* nothing more can be said on it, not even a goodbye */
};

struct plain {
	struct wire wire;
};

enum wire_result {
	WIRE_OK,
	WIRE_EOF,     /* the peer closed (TLS: with or without close_notify) */
	WIRE_TIMEOUT, /* the deadline passed */
	WIRE_ERROR,   /* reset, TLS alert, ... */
	WIRE_LONG,    /* the line is longer than max; the connection is still in step */
	WIRE_BARE,    /* a CR or LF that isn't CRLF; what follows can't be trusted */
};

/* A plaintext connection over a connected stream socket; takes ownership and makes it
 * non-blocking. */
struct plain *plain_of(int fd);
void plain_close(struct plain **plain);

/* Read one line ended by CRLF, without it, of at most `max` bytes. The view is good until the
 * next read. A longer line is skipped to its end: WIRE_LONG. Where the deadline comes first
 * (WIRE_TIMEOUT), the next call goes on skipping. */
enum wire_result wire_read_line(
	struct wire *wire, size_t max, struct deadline deadline, struct str *line) must_use;
/* Read at least one byte into the buffer. */
enum wire_result wire_fill(struct wire *wire, struct deadline deadline) must_use;
/* What is buffered and not yet taken; wire_take removes n bytes from its front. */
struct str wire_buffered(const struct wire *wire);
void wire_take(struct wire *wire, size_t n);
/* Append to the output; flushes by itself when much has gathered. */
enum wire_result wire_add(struct wire *wire, struct str bytes, struct deadline deadline) must_use;
enum wire_result wire_flush(struct wire *wire, struct deadline deadline) must_use;
/* Write all at once, past the output buffer (which must be empty): message bodies. */
enum wire_result wire_write(struct wire *wire, struct str bytes, struct deadline deadline) must_use;
/* Wait until a socket is ready for `events` of poll(2), or has failed; for net/ alone. */
enum wire_result wire_wait(int fd, short events, struct deadline deadline) must_use;
/* True if the peer has sent something (in our buffer, in OpenSSL's, or in the kernel's) or
 * closed. Doesn't block. */
bool wire_readable(struct wire *wire);
/* Give back the memory of empty buffers while a session is parked. False if it must not be: the
 * peer's words are here already, and nothing to poll for will tell of them. Read on. */
bool wire_rest(struct wire *wire) must_use;

#endif
