/* SPDX-License-Identifier: ISC
 *
 * fd.c - descriptors. What arrives over a socket is another role's word at best: counts are
 * bounded, surplus descriptors are closed, a memfd is trusted only after its seals were read.
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALL_SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL };
enum { CHUNK = 4096 };

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool fd_write_all(int fd, struct str bytes)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.at, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes = str_tail(bytes, (size_t)n);
	}
	return true;
}

bool fd_set_nonblocking(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return false;
	return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == 0;
}

union control {
	char bytes[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	struct cmsghdr align;
};

bool fd_send(int socket, struct str bytes, const int *fds, size_t n, int flags)
{
	union control control = { 0 };
	struct iovec piece = { (void *)(uintptr_t)bytes.at, bytes.len };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	ssize_t sent;

	if (n > FD_PASS_MAX) {
		errno = EINVAL;
		return false;
	}
	if (n > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * n);
	}
	do
		sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0 && (size_t)sent != bytes.len)
		errno = EMSGSIZE;
	return sent >= 0 && (size_t)sent == bytes.len;
}

static void take_fds(struct msghdr *message, int *fds, size_t room, size_t *n)
{
	*n = 0;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t came = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < came; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
			if (*n < room)
				fds[(*n)++] = fd;
			else
				close(fd);
		}
	}
}

ssize_t fd_receive(int socket, char *to, size_t room, int *fds, size_t *n, int flags)
{
	union control control = { 0 };
	struct iovec piece = { to, room };
	struct msghdr message = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes };
	size_t wanted = *n;
	ssize_t got;

	do
		got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	*n = 0;
	if (got >= 0)
		take_fds(&message, fds, wanted, n);
	return got;
}

int fd_memfd(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

bool fd_seal(int memfd)
{
	return fcntl(memfd, F_ADD_SEALS, ALL_SEALS) == 0;
}

int fd_memfd_of(const char *name, struct str bytes)
{
	int fd = fd_memfd(name);

	if (fd >= 0 && (!fd_write_all(fd, bytes) || !fd_seal(fd))) {
		int number = errno;
		fd_close(&fd);
		errno = number;
	}
	return fd;
}

bool fd_check_sealed(int memfd, size_t max, size_t *size, struct why *why)
{
	struct stat state;
	int seals = fcntl(memfd, F_GET_SEALS);

	if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS)
		return why_not(why, "the body isn't a sealed memfd");
	if (fstat(memfd, &state) != 0)
		return why_errno(why, "can't ask for the body's size");
	if (state.st_size < 0 || (uint64_t)state.st_size > max)
		return why_not(why, "the body is larger than %zu bytes", max);
	*size = (size_t)state.st_size;
	return true;
}

static bool map(int fd, size_t size, struct mapping *mapping, struct why *why)
{
	if (size == 0)
		return true;
	void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return why_errno(why, "can't map it");
	mapping->bytes = (struct str){ at, size };
	return true;
}

bool fd_map_sealed(int memfd, size_t max, struct mapping *mapping, struct why *why)
{
	size_t size;

	*mapping = (struct mapping){ { "", 0 } };
	return fd_check_sealed(memfd, max, &size, why) && map(memfd, size, mapping, why);
}

bool fd_map_file(int fd, struct mapping *mapping, struct why *why)
{
	struct stat state;

	*mapping = (struct mapping){ { "", 0 } };
	if (fstat(fd, &state) != 0)
		return why_errno(why, "can't ask for its size");
	if (!S_ISREG(state.st_mode))
		return why_not(why, "it is neither a file nor a pipe");
	return map(fd, (size_t)state.st_size, mapping, why);
}

void fd_unmap(struct mapping *mapping)
{
	if (mapping->bytes.len)
		munmap((void *)(uintptr_t)mapping->bytes.at, mapping->bytes.len);
	mapping->bytes = (struct str){ "", 0 };
}

bool fd_read_all(int fd, struct buf *to)
{
	for (;;) {
		size_t left = to->max - to->len;
		char *at = left ? buf_reserve(to, left < CHUNK ? left : CHUNK) : NULL;
		if (!at) {
			errno = EFBIG;
			return false;
		}
		ssize_t n = read(fd, at, to->room - to->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		to->len += (size_t)n;
	}
}

int fd_memfd_of_file(const char *path, size_t max, struct why *why)
{
	scoped(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	/* One more tells the end of a file from the end of the room. */
	scoped(buf_free) struct buf bytes = BUF(max + 1);
	int memfd = -1;

	if (fd < 0)
		why_errno(why, "can't open %s", path);
	else if (!fd_read_all(fd, &bytes))
		why_errno(why, "can't read %s, of which %zu bytes would fit", path, max);
	else if ((memfd = fd_memfd_of("file", buf_str(&bytes))) < 0)
		why_errno(why, "no memory for %s", path);
	return memfd;
}
