/* SPDX-License-Identifier: ISC
 *
 * frame.c - the header of a call: a mark that both sides are the same make, which call, how long
 * the message is. Both ends run on one machine from one build, but either may have been taken
 * over, so a header is believed only within the table and FRAME_MAX.
 */
#include "call/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define BY_STORE(name, ask_t, answer_t, who, fds)    { #name, ROLE_STORE, (unsigned)(who), fds },
#define BY_MAILBOX(name, ask_t, answer_t, who, fds)  { #name, ROLE_MAILBOX, (unsigned)(who), fds },
#define BY_DELIVERY(name, ask_t, answer_t, who, fds) { #name, ROLE_DELIVERY, (unsigned)(who), fds },
const struct call_rule call_rules[CALLS_N] = { STORE_CALLS(BY_STORE) MAILBOX_CALLS(BY_MAILBOX)
		DELIVERY_CALLS(BY_DELIVERY) };

bool calls_between(enum role by, enum role who)
{
	for (size_t i = 0; i < CALLS_N; i++) {
		if (call_rules[i].by == by && call_rules[i].who & who)
			return true;
	}
	return false;
}

static const char mark[4] = { 'S', 'g', 'l', '1' };

static void put_u32(char *to, uint32_t number)
{
	for (size_t i = 0; i < 4; i++)
		to[i] = (char)(number >> (8 * i));
}

static uint32_t get_u32(const char *from)
{
	uint32_t number = 0;

	for (size_t i = 0; i < 4; i++)
		number |= (uint32_t)(unsigned char)from[i] << (8 * i);
	return number;
}

void frame_begin(struct buf *frame, enum call call)
{
	char header[FRAME_HEADER] = { 0 };

	buf_clear(frame);
	memcpy(header, mark, sizeof mark);
	put_u32(header + 4, (uint32_t)call);
	buf_add(frame, (struct str){ header, sizeof header });
}

bool frame_end(struct buf *frame)
{
	if (frame->overflowed || frame->len < FRAME_HEADER || frame->len - FRAME_HEADER > FRAME_MAX)
		return false;
	put_u32(frame->at + 8, (uint32_t)(frame->len - FRAME_HEADER));
	return true;
}

bool frame_header(struct str header, enum call *call, size_t *length)
{
	if (header.len < FRAME_HEADER || memcmp(header.at, mark, sizeof mark) != 0)
		return false;
	uint32_t number = get_u32(header.at + 4);
	*length = get_u32(header.at + 8);
	if (number >= CALLS_N || *length > FRAME_MAX)
		return false;
	*call = (enum call)number;
	return true;
}

ssize_t frame_send(int socket, struct str rest, int fd, int flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec piece = { (void *)(uintptr_t)rest.at, rest.len };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof control.bytes;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	do
		sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}
