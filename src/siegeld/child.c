/* SPDX-License-Identifier: ISC
 *
 * child.c - starting a role, handing over, hearing that it is ready, noting its end. Runs in
 * siegeld's only thread. A role may be in an attacker's hands: all that is taken from it is one
 * line of text, and a role that doesn't read what it is sent is killed rather than waited for.
 */
#include "siegeld/child.h"

#include "base/log.h"
#include "base/must.h"
#include "call/launch.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEALTHY = 60 * SECOND, LONGEST_WAIT = 30, DEAF = SECOND };

bool child_find_programs(struct crew *crew, struct buf *errors)
{
	char path[sizeof crew->programs + 32];
	size_t before = errors->len;
	ssize_t n = readlink("/proc/self/exe", crew->programs, sizeof crew->programs - 1);

	if (n <= 0) {
		buf_printf(errors, "can't find our own program: %s\n", strerrordesc_np(errno));
		return false;
	}
	crew->programs[n] = '\0';
	*strrchr(crew->programs, '/') = '\0';
	for (size_t i = 0; i < CHILDREN; i++) {
		launch_path(crew->programs, child_roles[i], path, sizeof path);
		if (access(path, X_OK) != 0)
			buf_printf(errors, "%s: %s\n", path, strerrordesc_np(errno));
	}
	return errors->len == before;
}

static void start_program(struct crew *crew, struct child *child)
{
	child->pid = launch(crew->programs, child->role, crew->descriptors, &child->control);
}

static bool send_inputs(const struct inputs *inputs, const struct child *child)
{
	bool good = control_send(child->control, CONTROL_SETTINGS,
		str_head(str_of(inputs->path), CONTROL_NAME_MAX), inputs->text);

	for (size_t i = 0; good && i < inputs->n_files; i++) {
		const struct input_file *file = &inputs->files[i];
		if (file->roles & child->role)
			good = control_send(
				child->control, CONTROL_FILE, str_of(file->name), file->memfd);
	}
	return good;
}

static bool send_listeners(const struct ports *ports, const struct child *child)
{
	bool good = true;

	if (child->role == ROLE_STORE)
		return control_send(child->control, CONTROL_LISTENER, STR("ctl"), ports->store);
	if (child->role == ROLE_DELIVERY)
		return control_send(child->control, CONTROL_LISTENER, STR("ctl"), ports->delivery);
	for (size_t i = 0; good && i < ports->n_listeners; i++) {
		const struct port *port = &ports->listeners[i];
		if (port->role == child->role)
			good = control_send(
				child->control, CONTROL_LISTENER, str_of(port->name), port->fd);
	}
	return good;
}

static bool send_start(const struct state *state, const struct child *child)
{
	size_t i = child_index(child->role);
	char text[64] = "user";

	if (state->is_root)
		snprintf(text, sizeof text, "root:%u:%u", state->uid[i], state->gid[i]);
	return control_send(child->control, CONTROL_START, str_of(text), state->own[i]);
}

void child_start(struct crew *crew, struct child *child)
{
	child->started = clock_monotonic_ms();
	child->ready = false;
	child->confinement[0] = '\0';
	child->restart_at = child->deaf = deadline_never();
	start_program(crew, child);
	if (child->pid == 0) {
		LOG(LOG_ALARM, "fork-failed", log_text("name", role_name(child->role)),
			log_text("why", strerrordesc_np(errno)));
		child->restart_at = deadline_in(SECOND);
		return;
	}
	if (!send_inputs(crew->inputs, child) || !send_listeners(&crew->ports, child) ||
		!send_start(&crew->state, child))
		child_kill(child, "it doesn't take what it is sent");
}

bool child_check(struct crew *crew, enum role role)
{
	struct child child = { .role = role, .control = -1 };
	int status = 0;

	start_program(crew, &child);
	if (child.pid == 0)
		return false;
	bool sent = send_inputs(crew->inputs, &child) &&
		    control_send(child.control, CONTROL_START, STR("check"), -1);
	if (!sent)
		child_kill(&child, "it doesn't take what it is sent");
	bool ended = waitpid(child.pid, &status, 0) == child.pid;
	fd_close(&child.control);
	return sent && ended && status == 0;
}

void child_reload(struct crew *crew, struct child *child)
{
	if (child->control < 0)
		return;
	if (!send_inputs(crew->inputs, child) ||
		!control_send(child->control, CONTROL_RELOAD, STR(""), -1))
		child_kill(child, "it doesn't take what it is sent");
}

void child_stop(struct child *child)
{
	if (child->control >= 0 && !control_send(child->control, CONTROL_STOP, STR(""), -1))
		child_kill(child, "it doesn't take what it is sent");
}

void child_kill(struct child *child, const char *why)
{
	if (child->pid == 0)
		return;
	LOG(LOG_ALARM, "killing", log_text("name", role_name(child->role)),
		log_u64("pid", (uint64_t)child->pid), log_text("why", why));
	kill(child->pid, SIGKILL);
}

void child_kill_deaf(struct child *child)
{
	if (child->pid == 0 || !deadline_passed(child->deaf))
		return;
	child_kill(child, "it closed its control descriptor");
	child->deaf = deadline_never();
}

static void describe(struct child *child, int status)
{
	if (WIFSIGNALED(status))
		snprintf(child->last_exit, sizeof child->last_exit, "signal %d (%s)",
			WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
	else
		snprintf(child->last_exit, sizeof child->last_exit, "exit status %d",
			WEXITSTATUS(status));
}

/* At once after a minute of health, then 1 s, 2 s, 4 s ... */
static int64_t next_wait(struct child *child)
{
	if (child->ready && clock_monotonic_ms() - child->started >= HEALTHY)
		child->failures = 0;
	unsigned failures = child->failures++;
	if (failures == 0)
		return 0;
	int64_t seconds = failures > 5 ? LONGEST_WAIT : INT64_C(1) << (failures - 1);
	return (seconds < LONGEST_WAIT ? seconds : LONGEST_WAIT) * SECOND;
}

void child_ended(struct child *child, int status)
{
	describe(child, status);
	child->ended_by_itself = WIFEXITED(status);
	int64_t wait = next_wait(child);
	LOG(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? LOG_INFO : LOG_ALARM, "ended",
		log_text("name", role_name(child->role)), log_u64("pid", (uint64_t)child->pid),
		log_text("how", child->last_exit));
	fd_close(&child->control);
	child->pid = 0;
	child->ready = false;
	child->restart_at = deadline_in(wait);
	child->restarts++;
}

bool child_hear(struct child *child)
{
	struct control_message message;

	if (!control_receive(child->control, &message)) {
		fd_close(&child->control);
		child->deaf = deadline_in(DEAF);
		return false;
	}
	fd_close(&message.fd);
	if (message.kind != CONTROL_READY || child->ready)
		return false;
	child->ready = child->was_ready = true;
	child->since = clock_wall_ms();
	memcpy(child->confinement, message.name, sizeof child->confinement);
	LOG(LOG_INFO, "started", log_text("name", role_name(child->role)),
		log_u64("pid", (uint64_t)child->pid), log_text("confined", child->confinement));
	return true;
}

void child_link(struct child *server, struct child *client)
{
	int ends[2];

	if (!server->ready || !client->ready)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		LOG(LOG_ALARM, "rendezvous-failed", log_text("why", strerrordesc_np(errno)));
		return;
	}
	if (!control_send(server->control, CONTROL_EDGE, str_of(role_name(client->role)), ends[0]))
		child_kill(server, "it doesn't take what it is sent");
	if (!control_send(client->control, CONTROL_EDGE, str_of(role_name(server->role)), ends[1]))
		child_kill(client, "it doesn't take what it is sent");
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}
