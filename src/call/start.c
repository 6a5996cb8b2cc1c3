/* SPDX-License-Identifier: ISC
 *
 * start.c - how a role comes to life: siegeld's words on descriptor 3 down to START, then
 * privileges and confinement, then the words that come while it serves. siegeld is trusted; a
 * role that was started by hand, or without what it needs, says so and ends.
 */
#include "call/start.h"

#include "base/log.h"
#include "base/must.h"
#include "call/confine.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETTINGS_TEXT_MAX = 1024 * 1024, FILE_MAX = 16 * 1024 * 1024, NOBODY = 65534 };

#ifdef SANITIZED
/* A confined role can't be stopped to be searched for leaks; the unit tests search. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static _Noreturn void fail(const char *what, const char *why)
{
	LOG(LOG_ALARM, "start-failed", log_text("what", what), log_text("why", why));
	_exit(1);
}

static _Noreturn void fail_errno(const char *what)
{
	fail(what, strerrordesc_np(errno));
}

void start_forget_files(struct start *start)
{
	for (size_t i = 0; i < start->n_files; i++)
		fd_unmap(&start->files[i].content);
	start->n_files = 0;
}

static void set_log(struct start *start)
{
	enum log_level least = LOG_INFO;

	if (start->once) /* its log is the operator's terminal */
		log_open(role_name(start->role), LOG_ALARM);
	else if (log_level_of(start->settings->log_level, &least))
		log_open(role_name(start->role), least);
}

/* Parse the settings in `memfd`; false leaves the old ones in force. */
static bool take_settings(struct start *start, const char *path, int memfd, struct why *why)
{
	scoped(buf_free) struct buf errors = BUF(16384);
	struct mapping text;

	if (!fd_map_sealed(memfd, SETTINGS_TEXT_MAX, &text, why))
		return false;
	struct settings *settings = settings_parse(text.bytes, path, &errors);
	fd_unmap(&text);
	if (!settings)
		return why_not(why, "%.*s", STR_ARG(buf_str(&errors)));
	start->settings = settings;
	return true;
}

static bool take_file(struct start *start, const char *name, int memfd, struct why *why)
{
	if (start->n_files == START_FILES_MAX)
		return why_not(why, "too many files");
	struct start_file *file = &start->files[start->n_files];
	if (!fd_map_sealed(memfd, FILE_MAX, &file->content, why))
		return false;
	memcpy(file->name, name, strlen(name) + 1);
	start->n_files++;
	return true;
}

static bool take_listener(struct start *start, struct control_message *message, struct why *why)
{
	if (start->n_listeners == START_LISTENERS_MAX)
		return why_not(why, "too many listeners");
	struct start_listener *listener = &start->listeners[start->n_listeners++];
	memcpy(listener->name, message->name, strlen(message->name) + 1);
	listener->fd = message->fd;
	message->fd = -1;
	return true;
}

/* One of the messages that hand something over; true for any other kind too. */
static bool take(struct start *start, struct control_message *message, struct why *why)
{
	switch (message->kind) {
	case CONTROL_SETTINGS:
		return take_settings(start, message->name, message->fd, why);
	case CONTROL_FILE:
		return take_file(start, message->name, message->fd, why);
	case CONTROL_LISTENER:
		return take_listener(start, message, why);
	default:
		return true;
	}
}

/* "root:UID:GID", "user", "check" or "once". */
static bool take_start(struct start *start, struct control_message *message)
{
	struct str rest = str_of(message->name);
	uint64_t uid = 0, gid = 0;

	start->directory = message->fd;
	message->fd = -1;
	start->only_check = str_eq(rest, STR("check"));
	start->once = str_eq(rest, STR("once"));
	if (start->only_check || start->once)
		return true;
	if (str_eq(rest, STR("user")))
		return start->directory >= 0;
	start->is_root = str_eq(str_cut(&rest, ':'), STR("root"));
	if (!str_to_u64(str_cut(&rest, ':'), &uid) || !str_to_u64(rest, &gid))
		return false;
	start->uid = (uint32_t)uid;
	start->gid = (uint32_t)gid;
	return start->is_root && uid > 0 && uid < UINT32_MAX && gid > 0 && gid < UINT32_MAX &&
	       start->directory >= 0;
}

static bool is_control(int fd)
{
	int type = 0;
	socklen_t length = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

/* siegeld says when to stop; a Ctrl-C or a service manager's signal to all is for siegeld. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT, SIGTERM };

	for (size_t i = 0; i < count_of(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

void start_open(struct start *start, enum role role)
{
	struct control_message message = { .fd = -1 };
	struct why why = { "" };

	*start = (struct start){ .role = role, .directory = -1, .confinement = BUF(256) };
	log_open(role_name(role), LOG_INFO);
	if (!is_control(CONTROL_FD) || fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) != 0)
		fail("control", "this program is started by siegeld, not by hand");
	ignore_signals();
	umask(027);
	do {
		if (!control_receive(CONTROL_FD, &message))
			_exit(1);
		if (!take(start, &message, &why))
			fail(message.name, why.text);
		if (message.kind == CONTROL_START && !take_start(start, &message))
			fail("control", "START makes no sense");
		fd_close(&message.fd);
	} while (message.kind != CONTROL_START);
	if (!start->settings)
		fail("control", "START came without settings");
	set_log(start);
}

static void change_user(const struct start *start)
{
	if (setgroups(0, NULL) != 0 || setresgid(start->gid, start->gid, start->gid) != 0 ||
		setresuid(start->uid, start->uid, start->uid) != 0)
		fail_errno("privileges");
	if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)
		fail("privileges", "they came back");
	/* The change of user took this off. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		fail_errno("death signal");
}

static void become(struct start *start)
{
	if (chroot(".") != 0 || chdir("/") != 0)
		fail_errno("chroot");
	change_user(start);
	buf_printf(&start->confinement, "uid=%u chroot", start->uid);
}

/* Nobody has made a directory or a user for it: it is whoever asks, but never root. */
static void become_anybody(struct start *start)
{
	start->uid = start->gid = NOBODY;
	if (geteuid() == 0)
		change_user(start);
}

void start_drop(struct start *start)
{
	if (start->only_check)
		_exit(0);
	if (start->once) {
		become_anybody(start);
		return;
	}
	if (fchdir(start->directory) != 0)
		fail_errno("directory");
	if (start->is_root)
		become(start);
	else
		buf_printf(&start->confinement, "uid=%u (siegeld's own)", (unsigned)getuid());
}

void start_confine(struct start *start)
{
	confine(start->role, start->directory, &start->confinement);
	fd_close(&start->directory);
}

void start_ready(struct start *start)
{
	struct str text = str_head(buf_str(&start->confinement), CONTROL_NAME_MAX);

	if (!control_send(CONTROL_FD, CONTROL_READY, text, -1))
		_exit(1);
}

static enum role role_of(const char *name)
{
	static const enum role roles[] = { ROLE_STORE, ROLE_SMTPD, ROLE_DELIVERY, ROLE_MAILBOX,
		ROLE_WEB };

	for (size_t i = 0; i < count_of(roles); i++) {
		if (str_eq(str_of(name), str_of(role_name(roles[i]))))
			return roles[i];
	}
	return ROLE_CTL;
}

/* A reload has begun with this message: take all up to RELOAD. False: it is not to be used. */
static bool take_reload(struct start *start, struct control_message *message, bool *gone)
{
	struct why why = { "" };
	bool good = true;

	start_forget_files(start);
	*gone = false;
	while (message->kind != CONTROL_RELOAD) {
		if (good && !take(start, message, &why)) {
			LOG(LOG_ALARM, "reload-failed", log_text("what", message->name),
				log_text("why", why.text));
			good = false;
		}
		fd_close(&message->fd);
		if (!control_receive(CONTROL_FD, message)) {
			*gone = true;
			return false;
		}
	}
	return good;
}

struct start_event start_next(struct start *start)
{
	struct control_message message;
	bool gone = false;

	while (!gone && control_receive(CONTROL_FD, &message)) {
		switch (message.kind) {
		case CONTROL_EDGE:
			return (struct start_event){ START_EDGE, role_of(message.name),
				message.fd };
		case CONTROL_STOP:
			fd_close(&message.fd);
			return (struct start_event){ START_STOP, ROLE_CTL, -1 };
		case CONTROL_SETTINGS:
		case CONTROL_FILE:
		case CONTROL_RELOAD:
			if (take_reload(start, &message, &gone))
				return (struct start_event){ START_RELOAD, ROLE_CTL, -1 };
			break;
		default:
			fd_close(&message.fd);
		}
	}
	return (struct start_event){ START_GONE, ROLE_CTL, -1 };
}

struct str start_file(const struct start *start, const char *name)
{
	for (size_t i = 0; i < start->n_files; i++) {
		if (str_eq(str_of(start->files[i].name), str_of(name)))
			return start->files[i].content.bytes;
	}
	return (struct str){ "", 0 };
}

int start_listener(const struct start *start, struct str name)
{
	for (size_t i = 0; i < start->n_listeners; i++) {
		if (str_eq(str_of(start->listeners[i].name), name))
			return start->listeners[i].fd;
	}
	return -1;
}
