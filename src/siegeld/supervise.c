/* SPDX-License-Identifier: ISC
 *
 * supervise.c - one loop over signals, the roles' control descriptors and the status socket.
 * Runs in siegeld, one thread, for as long as the server lives.
 */
#include "siegeld/supervise.h"

#include "base/log.h"
#include "base/must.h"
#include "call/frame.h"
#include "siegeld/status.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Who is stopped when, and how long after the first STOP patience ends: those whom the world talks
 * to first, the store when nobody asks it any more. A role's own patience with its peers is 20 s. */
static const struct {
	unsigned roles;
	int64_t patience;
} phases[] = {
	{ ROLE_SMTPD | ROLE_WEB, 22 * SECOND },
	{ ROLE_DELIVERY | ROLE_MAILBOX, 45 * SECOND },
	{ ROLE_STORE, 55 * SECOND },
};

struct supervision {
	struct crew *crew;
	int signals;
	bool announced; /* all were ready once */
	bool stopping;
	size_t phase;
	int64_t stop_began;
	int status;
};

static bool in_phase(const struct supervision *s, const struct child *child)
{
	return phases[s->phase].roles & child->role;
}

static void stop_phase(struct supervision *s)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		if (in_phase(s, &s->crew->children[i]))
			child_stop(&s->crew->children[i]);
	}
}

static void stop(struct supervision *s, const char *why)
{
	if (s->stopping)
		return;
	LOG(LOG_INFO, "stopping", log_text("why", why));
	s->stopping = true;
	s->stop_began = clock_monotonic_ms();
	stop_phase(s);
}

static bool phase_is_over(const struct supervision *s)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		if (in_phase(s, &s->crew->children[i]) && s->crew->children[i].pid)
			return false;
	}
	return true;
}

static struct deadline phase_deadline(const struct supervision *s)
{
	return (struct deadline){ s->stop_began + phases[s->phase].patience };
}

/* Move on to the phases that are due. True when all are over. */
static bool advance_stop(struct supervision *s)
{
	while (s->phase < count_of(phases) && phase_is_over(s)) {
		if (++s->phase < count_of(phases))
			stop_phase(s);
	}
	if (s->phase == count_of(phases))
		return true;
	for (size_t i = 0; deadline_passed(phase_deadline(s)) && i < CHILDREN; i++) {
		if (in_phase(s, &s->crew->children[i]))
			child_kill(&s->crew->children[i], "it didn't stop in time");
	}
	return false;
}

static struct child *child_of_pid(struct crew *crew, pid_t pid)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		if (crew->children[i].pid == pid)
			return &crew->children[i];
	}
	return NULL;
}

static void reap(struct supervision *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = child_of_pid(s->crew, pid);
		if (!child)
			continue;
		child_ended(child, status);
		/* Something that a restart won't mend: better to say so and end. */
		if (!s->announced && !child->was_ready && child->ended_by_itself) {
			s->status = 1;
			stop(s, "a role couldn't start");
		}
	}
}

static bool same_listeners(const struct settings *a, const struct settings *b)
{
	if (a->listeners.len != b->listeners.len)
		return false;
	for (size_t i = 0; i < a->listeners.len; i++) {
		const struct listener_settings *x = &a->listeners.at[i], *y = &b->listeners.at[i];
		if (!str_eq(x->name, y->name) || !str_eq(x->address, y->address) ||
			x->port != y->port || x->kind != y->kind)
			return false;
	}
	return true;
}

static void waits_for_restart(const char *option, bool changed)
{
	if (changed)
		LOG(LOG_WARNING, "waits-for-restart", log_text("option", option));
}

/* What is settled at start; a reload takes the rest. */
static void compare(const struct settings *old, const struct settings *new)
{
	waits_for_restart("listener", !same_listeners(old, new));
	waits_for_restart("state_directory", !str_eq(old->state_directory, new->state_directory));
	waits_for_restart("uid_base", old->uid_base != new->uid_base);
	waits_for_restart("mailbox_threads", old->mailbox_threads != new->mailbox_threads);
	waits_for_restart("auth_group", !str_eq(old->auth_group, new->auth_group));
	waits_for_restart("log_level", !str_eq(old->log_level, new->log_level));
}

static void log_lines(const char *event, struct str lines)
{
	while (lines.len)
		LOG(LOG_ALARM, event, log_str("why", str_cut(&lines, '\n')));
}

static void reload(struct supervision *s)
{
	struct crew *crew = s->crew;
	scoped(buf_free) struct buf errors = BUF(65536);
	struct inputs *inputs = inputs_read(crew->inputs->path, &errors);

	if (errors.len) {
		log_lines("reload-failed", buf_str(&errors));
		inputs_free(&inputs);
		return;
	}
	compare(crew->inputs->settings, inputs->settings);
	inputs_free(&crew->inputs);
	crew->inputs = inputs;
	for (size_t i = 0; i < CHILDREN; i++)
		child_reload(crew, &crew->children[i]);
	LOG(LOG_INFO, "reloaded", log_text("path", inputs->path));
}

static void take_signals(struct supervision *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			reap(s);
		else if (info.ssi_signo == SIGHUP && !s->stopping)
			reload(s);
		else if (info.ssi_signo == SIGTERM)
			stop(s, "SIGTERM");
		else if (info.ssi_signo == SIGINT)
			stop(s, "SIGINT");
	}
}

/* Tell a service manager that waits for it (sd_notify(3): a datagram to $NOTIFY_SOCKET). */
static void notify_manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;

	if (length < 2 || length >= sizeof address.sun_path)
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	scoped(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
		LOG(LOG_WARNING, "not-notified", log_text("why", strerrordesc_np(errno)));
}

static void announce(struct supervision *s)
{
	if (s->announced)
		return;
	for (size_t i = 0; i < CHILDREN; i++) {
		if (!s->crew->children[i].ready)
			return;
	}
	s->announced = true;
	LOG(LOG_INFO, "ready", log_u64("pid", (uint64_t)getpid()),
		log_u64("listeners", s->crew->ports.n_listeners));
	notify_manager();
}

static void became_ready(struct supervision *s, struct child *child)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		struct child *other = &s->crew->children[i];
		if (calls_between(child->role, other->role))
			child_link(child, other);
		if (calls_between(other->role, child->role))
			child_link(other, child);
	}
	if (s->stopping)
		child_stop(child);
	announce(s);
}

static struct deadline next_deadline(const struct supervision *s)
{
	struct deadline next = deadline_never();

	if (s->stopping)
		next = deadline_passed(phase_deadline(s)) ? deadline_in(SECOND) : phase_deadline(s);
	for (size_t i = 0; i < CHILDREN; i++) {
		const struct child *child = &s->crew->children[i];
		if (child->pid)
			next = deadline_earlier(next, child->deaf);
		else if (!s->stopping)
			next = deadline_earlier(next, child->restart_at);
	}
	return next;
}

static void do_what_is_due(struct supervision *s)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		struct child *child = &s->crew->children[i];
		child_kill_deaf(child);
		if (!s->stopping && child->pid == 0 && deadline_passed(child->restart_at))
			child_start(s->crew, child);
	}
}

static void wait_for_something(struct supervision *s)
{
	struct crew *crew = s->crew;
	struct pollfd polled[CHILDREN + 2];

	for (size_t i = 0; i < CHILDREN; i++)
		polled[i] = (struct pollfd){ .fd = crew->children[i].control, .events = POLLIN };
	polled[CHILDREN] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	polled[CHILDREN + 1] = (struct pollfd){ .fd = crew->ports.status, .events = POLLIN };
	if (poll(polled, count_of(polled), deadline_poll_ms(next_deadline(s))) <= 0)
		return;
	for (size_t i = 0; i < CHILDREN; i++) {
		if (polled[i].revents && child_hear(&crew->children[i]))
			became_ready(s, &crew->children[i]);
	}
	if (polled[CHILDREN].revents)
		take_signals(s);
	if (polled[CHILDREN + 1].revents)
		status_answer(crew);
}

static int watch_signals(void)
{
	static const int watched[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < count_of(watched); i++)
		sigaddset(&set, watched[i]);
	must(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	must(fd >= 0);
	return fd;
}

int supervise(struct crew *crew)
{
	struct supervision s = { .crew = crew, .signals = watch_signals() };

	for (size_t i = 0; i < CHILDREN; i++) {
		crew->children[i] = (struct child){ .role = child_roles[i], .control = -1 };
		child_start(crew, &crew->children[i]);
	}
	while (!s.stopping || !advance_stop(&s)) {
		wait_for_something(&s);
		do_what_is_due(&s);
	}
	LOG(LOG_INFO, "stopped", log_u64("status", (uint64_t)s.status));
	fd_close(&s.signals);
	return s.status;
}
