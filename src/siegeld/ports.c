/* SPDX-License-Identifier: ISC
 *
 * ports.c - binding. Runs in siegeld before the roles start. Where a port is in use the message
 * names it, since that is the mistake everybody makes first.
 */
#include "siegeld/ports.h"

#include "base/fd.h"
#include "base/must.h"
#include "call/control.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, BIND_PATIENCE = 2 * SECOND, BIND_PAUSE = 50 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool to_address(const struct listener_settings *l, union address *address, socklen_t *length)
{
	char text[INET6_ADDRSTRLEN] = "";

	*address = (union address){ 0 };
	if (l->address.len >= sizeof text)
		return false;
	memcpy(text, l->address.at, l->address.len);
	if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons(l->port);
		*length = sizeof address->v4;
		return true;
	}
	address->v6.sin6_family = AF_INET6;
	address->v6.sin6_port = htons(l->port);
	*length = sizeof address->v6;
	return inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1;
}

/* A siegeld that was killed may leave roles that hold the port for a moment longer. */
static bool bind_patiently(int fd, const struct sockaddr *address, socklen_t length)
{
	struct deadline deadline = deadline_in(BIND_PATIENCE);

	while (bind(fd, address, length) != 0) {
		if (errno != EADDRINUSE || deadline_passed(deadline))
			return false;
		poll(NULL, 0, BIND_PAUSE);
	}
	return true;
}

static int listen_at(const union address *address, socklen_t length)
{
	int family = address->any.sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		(family != AF_INET6 ||
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
		bind_patiently(fd, &address->any, length) && listen(fd, BACKLOG) == 0)
		return fd;
	int number = errno;
	fd_close(&fd);
	errno = number;
	return -1;
}

static void open_listener(struct port *port, const struct listener_settings *l, struct buf *errors)
{
	union address address;
	socklen_t length;
	const char *what = NULL;

	port->fd = -1;
	port->role = listener_is_web(l) ? ROLE_WEB : ROLE_SMTPD;
	port->name = strndup(l->name.at, l->name.len);
	must(port->name != NULL);
	if (l->name.len > CONTROL_NAME_MAX)
		what = "the name is too long";
	else if (!to_address(l, &address, &length))
		what = "that is no IP address";
	else if ((port->fd = listen_at(&address, length)) < 0)
		what = errno == EADDRINUSE ? "another program listens there"
					   : strerrordesc_np(errno);
	if (what)
		buf_printf(errors, "listener \"%.40s\": can't listen at %.*s port %u: %s\n",
			port->name, STR_ARG(l->address), l->port, what);
}

static bool socket_path(const struct settings *settings, const char *name, struct sockaddr_un *to)
{
	struct str state = settings->state_directory;
	int n = snprintf(to->sun_path, sizeof to->sun_path, "%.*s/run/%s", STR_ARG(state), name);

	to->sun_family = AF_UNIX;
	return n > 0 && (size_t)n < sizeof to->sun_path;
}

static int listen_unix(const struct settings *settings, const char *name, struct buf *errors)
{
	struct sockaddr_un address = { 0 };
	int fd = -1;

	if (!socket_path(settings, name, &address)) {
		buf_printf(errors,
			"state_directory: %.*s is too long; a socket below it may have a path of "
			"%zu bytes\n",
			STR_ARG(settings->state_directory), sizeof address.sun_path - 1);
		return -1;
	}
	unlink(address.sun_path);
	mode_t mask = umask(0177);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
		listen(fd, BACKLOG) != 0) {
		buf_printf(errors, "can't listen at %s: %s\n", address.sun_path,
			strerrordesc_np(errno));
		fd_close(&fd);
	}
	umask(mask);
	return fd;
}

bool ports_open(struct ports *ports, const struct settings *settings, struct buf *errors)
{
	size_t before = errors->len;

	*ports = (struct ports){ .n_listeners = settings->listeners.len };
	ports->listeners = must_alloc((ports->n_listeners + 1) * sizeof *ports->listeners);
	for (size_t i = 0; i < ports->n_listeners; i++)
		open_listener(&ports->listeners[i], &settings->listeners.at[i], errors);
	ports->store = listen_unix(settings, "store.sock", errors);
	ports->delivery = listen_unix(settings, "delivery.sock", errors);
	ports->status = listen_unix(settings, "siegeld.sock", errors);
	return errors->len == before;
}

void ports_unlink(const struct settings *settings)
{
	static const char *const names[] = { "store.sock", "delivery.sock", "siegeld.sock" };
	struct sockaddr_un address;

	for (size_t i = 0; i < count_of(names); i++) {
		if (socket_path(settings, names[i], &address))
			unlink(address.sun_path);
	}
}
