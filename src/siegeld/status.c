/* SPDX-License-Identifier: ISC
 *
 * status.c - how things are, as JSON. Runs in siegeld, which reads nothing from who asks: the
 * text is small enough for a socket's buffer and is sent in one go or not at all.
 */
#include "siegeld/status.h"

#include "base/fd.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static json_t *time_of(const struct child *child)
{
	scoped(buf_free) struct buf text = BUF(64);

	if (child->ready)
		clock_add_iso8601(&text, child->since);
	return json_stringn(buf_str(&text).at, text.len);
}

static json_t *describe(const struct child *child)
{
	return json_pack("{s:s, s:I, s:b, s:o, s:I, s:s, s:s}", "name", role_name(child->role),
		"pid", (json_int_t)child->pid, "ready", child->ready, "up_since", time_of(child),
		"restarts", (json_int_t)child->restarts, "last_exit", child->last_exit,
		"confinement", child->confinement);
}

static char *compose(const struct crew *crew)
{
	struct str state = crew->inputs->settings->state_directory;
	json_t *roles = json_array();
	bool ready = true;

	for (size_t i = 0; i < CHILDREN; i++) {
		json_array_append_new(roles, describe(&crew->children[i]));
		ready = ready && crew->children[i].ready;
	}
	json_t *all = json_pack("{s:I, s:b, s:s%, s:o}", "pid", (json_int_t)getpid(), "ready",
		ready, "state_directory", state.at, state.len, "roles", roles);
	char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	json_decref(all);
	return text;
}

void status_answer(const struct crew *crew)
{
	scoped(fd_close) int fd =
		accept4(crew->ports.status, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char *text = fd >= 0 ? compose(crew) : NULL;

	if (text)
		send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	free(text);
}
