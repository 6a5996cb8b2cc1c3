/* SPDX-License-Identifier: ISC
 *
 * postroom_world.h - a mailbox role that is asked by the pages, for tests: Maildirs in a directory
 * of their own, a store that knows two sessions ("ada", "bob"), and every call as a function. What
 * it found is said again as one line of text, so that a test reads like a transcript.
 */
#ifndef POSTROOM_WORLD_H
#define POSTROOM_WORLD_H

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "mailbox/answer.h"
#include "mailbox/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HOME "example.org/ada/"

static struct postroom *room;
static struct mime *mime;
static struct arena memory = { .max = 256 * 1024 * 1024 };
static char world_directory[] = "/tmp/test_postroom.XXXXXX";
static unsigned store_asked;
static bool session_ended; /* everybody's */

/* The store. */
bool call_session_show(struct client *client, const struct token_ask *ask, int fd_in,
	struct arena *arena, struct session_answer *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	(void)client;
	(void)fd_in;
	(void)fd_out;
	(void)deadline;
	(void)why;
	store_asked++;
	*answer = (struct session_answer){ .outcome = WEB_NO_SESSION };
	if (!session_ended && (str_eq(ask->token, STR("ada")) || str_eq(ask->token, STR("bob"))))
		*answer = (struct session_answer){ .outcome = WEB_OK,
			.mailbox = arena_printf(arena, "%.*s@example.org", STR_ARG(ask->token)) };
	return true;
}

bool call_session_peek(struct client *client, const struct token_ask *ask, int fd_in,
	struct arena *arena, struct session_answer *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	return call_session_show(client, ask, fd_in, arena, answer, fd_out, deadline, why);
}

/* Told by a thread that these tests don't start. */
bool call_mail_changed(struct client *client, const struct address_ask *ask, int fd_in,
	struct arena *arena, struct empty *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	(void)client;
	(void)ask;
	(void)fd_in;
	(void)arena;
	(void)answer;
	(void)fd_out;
	(void)deadline;
	(void)why;
	return false;
}

#define POST_CALL(name, ask_t, answer_t, ...)                                        \
	__attribute__((unused)) static struct answer_t post_##name(struct ask_t ask) \
	{                                                                            \
		struct question q = { .call = CALL_##name,                           \
			.who = ROLE_WEB,                                             \
			.arena = &memory,                                            \
			.fd_in = -1,                                                 \
			.fd_out = -1 };                                              \
		struct answering how = postroom_answering(room);                     \
		if (!ask.token.len)                                                  \
			ask.token = STR("ada");                                      \
		q.ask.name = ask;                                                    \
		how.work(how.context, &q);                                           \
		fd_close(&q.fd_out);                                                 \
		return q.answer.name;                                                \
	}
MAILBOX_CALLS(POST_CALL)
#undef POST_CALL

#define POST(name, ...) post_##name((struct name##_ask){ __VA_ARGS__ })

static void open_room(void)
{
	int root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(root >= 0);
	room = postroom_new(NULL, mime, root, 1000000, 0);
}

/* As after a restart of the role. */
__attribute__((unused)) static void reopen_room(void)
{
	postroom_free(&room);
	open_room();
}

static int begin_world(void **state)
{
	(void)state;
	log_open("test", LOG_ALARM + 1);
	mime_prepare();
	mime = mime_start();
	return mkdtemp(world_directory) && chdir(world_directory) == 0 ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int end_world(void **state)
{
	(void)state;
	return chdir("/") == 0 ? nftw(world_directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) : -1;
}

static int begin_test(void **state)
{
	(void)state;
	open_room();
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	postroom_free(&room);
	arena_free(&memory);
	nftw("example.org", remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* --- Maildirs as other programs make them --- */

__attribute__((unused)) static void make_folder(const char *folder)
{
	static const char *const parts[] = { "", "/cur", "/new", "/tmp" };

	mkdir("example.org", 0700);
	mkdir(HOME, 0700);
	for (size_t i = 0; i < count_of(parts); i++) {
		struct str path = arena_printf(&memory, HOME "%s%s", folder, parts[i]);
		assert_true(mkdir(path.at, 0700) == 0 || errno == EEXIST);
	}
}

/* A file in a folder, of so many seconds since 1970. */
static void put(const char *path, time_t time, const char *text)
{
	struct str whole = arena_printf(&memory, HOME "%s", path);
	const struct timespec times[] = { { .tv_sec = time }, { .tv_sec = time } };
	scoped(fd_close) int fd = open(whole.at, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_true(fd_write_all(fd, str_of(text)));
	assert_int_equal(futimens(fd, times), 0);
}

__attribute__((unused)) static void put_mail(const char *path, time_t time, const char *from,
	const char *subject, const char *id, const char *references)
{
	struct str text = arena_printf(&memory,
		"From: %s\nTo: Ada <ada@example.org>\nSubject: %s\nMessage-ID: <%s>\n"
		"References: %s\n\nThis is the text of %s.\n",
		from, subject, id, references, subject);

	put(path, time, text.at);
}

__attribute__((unused)) static bool is_file(const char *path)
{
	struct str whole = arena_printf(&memory, HOME "%s", path);
	struct stat status;

	return lstat(whole.at, &status) == 0 && S_ISREG(status.st_mode);
}

__attribute__((unused)) static void move_file(const char *from, const char *to)
{
	struct str a = arena_printf(&memory, HOME "%s", from);
	struct str b = arena_printf(&memory, HOME "%s", to);

	assert_int_equal(rename(a.at, b.at), 0);
}

/* --- transcripts --- */

/* The subjects of a page, newest first: "three two one"; flags as letters behind a '/'. */
__attribute__((unused)) static const char *subjects(const struct messages_answer *answer)
{
	struct buf text = BUF(100000);

	if (answer->outcome != WEB_OK)
		buf_printf(&text, "outcome %llu", (unsigned long long)answer->outcome);
	for (size_t i = 0; i < answer->messages.len; i++) {
		const struct message_summary *m = &answer->messages.at[i];

		buf_printf(&text, "%s%.*s%s", i ? " " : "", STR_ARG(m->subject),
			m->flags & MESSAGE_FLAGGED ? "/F" : "");
		buf_printf(&text, "%s", m->flags & MESSAGE_SEEN ? "/S" : "");
	}
	struct str copy = arena_str(&memory, buf_str(&text));
	buf_free(&text);
	return copy.at;
}

__attribute__((unused)) static const char *listed(struct messages_ask ask)
{
	struct messages_answer answer = post_messages(ask);

	return subjects(&answer);
}

#define LISTED(...) listed((struct messages_ask){ __VA_ARGS__ })

#endif
