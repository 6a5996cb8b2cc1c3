/* SPDX-License-Identifier: ISC
 *
 * fd.h - descriptors: scoped closing, passing them over unix sockets, and message bodies as
 * sealed memfds whose seals and size the receiver checks before mapping them.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/why.h"
#include <sys/types.h>

enum { FD_PASS_MAX = 4 };

/* Close *fd unless it is negative, and set it to -1. For scoped(fd_close). */
void fd_close(int *fd);
/* Write all of it; false with errno. Blocks. */
bool fd_write_all(int fd, struct str bytes) must_use;
/* Add everything up to the end to the buffer; false with errno, EFBIG when that fills it. Blocks. */
bool fd_read_all(int fd, struct buf *to) must_use;
bool fd_set_nonblocking(int fd, bool on) must_use;

/* Send one datagram (SOCK_SEQPACKET) with at most FD_PASS_MAX descriptors; they stay open here. */
bool fd_send(int socket, struct str bytes, const int *fds, size_t n, int flags) must_use;
/* Receive one datagram or what is there of a stream, up to `room` bytes, with up to *n
 * descriptors (close-on-exec; more than *n are closed). Returns recvmsg's result; *n is what came. */
ssize_t fd_receive(int socket, char *to, size_t room, int *fds, size_t *n, int flags);

/* A new memfd, close-on-exec, sealing allowed; -1 with errno. */
int fd_memfd(const char *name);
/* A sealed memfd with these bytes; -1 with errno. */
int fd_memfd_of(const char *name, struct str bytes);
/* Add the seals write, grow, shrink and seal. */
bool fd_seal(int memfd) must_use;

/* A read-only mapping. */
struct mapping {
	struct str bytes;
};

/* Check that `memfd` carries all four seals and at most `max` bytes; *size is how many. It can be
 * read (pread) from then on and won't change. */
bool fd_check_sealed(int memfd, size_t max, size_t *size, struct why *why) must_use;
/* The same, and map it. */
bool fd_map_sealed(int memfd, size_t max, struct mapping *mapping, struct why *why) must_use;
/* Map any regular file. Whoever shortens it meanwhile ends this process. */
bool fd_map_file(int fd, struct mapping *mapping, struct why *why) must_use;
void fd_unmap(struct mapping *mapping);
/* Read a whole file of at most `max` bytes into a sealed memfd; -1 and why. */
int fd_memfd_of_file(const char *path, size_t max, struct why *why);

#endif
