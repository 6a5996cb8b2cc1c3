/* SPDX-License-Identifier: ISC
 *
 * control.c - messages on the control descriptor: one datagram each. Used by siegeld and by every
 * role; what a role says is cut to its bound and only ever logged.
 */
#include "call/control.h"

#include <errno.h>
#include <string.h>

bool control_send(int control, enum control_kind kind, struct str name, int fd)
{
	char datagram[1 + CONTROL_NAME_MAX];

	if (name.len > CONTROL_NAME_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	datagram[0] = (char)kind;
	if (name.len)
		memcpy(datagram + 1, name.at, name.len);
	return fd_send(control, (struct str){ datagram, 1 + name.len }, &fd, fd >= 0, 0);
}

bool control_receive(int control, struct control_message *message)
{
	char datagram[1 + CONTROL_NAME_MAX];
	size_t n = 1;

	message->fd = -1;
	ssize_t got = fd_receive(control, datagram, sizeof datagram, &message->fd, &n, 0);
	if (got <= 0) {
		fd_close(&message->fd);
		return false;
	}
	message->kind = (enum control_kind)datagram[0];
	memcpy(message->name, datagram + 1, (size_t)got - 1);
	message->name[got - 1] = '\0';
	return true;
}
