/* SPDX-License-Identifier: ISC
 *
 * store_running.h - a store as a process of its own, with the loop, asked over real sockets, killed
 * and started again.
 */
#ifndef TEST_STORE_RUNNING_H
#define TEST_STORE_RUNNING_H

#include "store_world.h"

#include "base/must.h"
#include "call/client.h"
#include "store/serve.h"
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* What a test asks the process to be like. */
static int64_t most_pages;

struct running {
	pid_t pid;
	int control;
	struct client *smtpd, *mailbox, *web;
};

static _Noreturn void be_the_store(struct world *w, int control)
{
	struct start start = { .role = ROLE_STORE, .settings = w->settings };
	struct users_file users = { 1, 1 };
	struct store store;
	struct why why;
	char pragma[64];

	must(dup2(control, CONTROL_FD) == CONTROL_FD);
	must(store_open(&store, "store.db", w->settings, &why));
	if (most_pages) {
		snprintf(pragma, sizeof pragma, "PRAGMA max_page_count = %d", (int)most_pages);
		must(sqlite3_exec(store.db.handle, pragma, NULL, NULL, NULL) == SQLITE_OK);
	}
	store_serve(&store, &start, &users, -1);
	_exit(0);
}

static struct client *edge(const struct running *r, const char *name)
{
	struct client *client = client_new(ROLE_STORE);
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_true(control_send(r->control, CONTROL_EDGE, str_of(name), ends[1]));
	close(ends[1]);
	client_set_edge(client, ends[0]);
	return client;
}

static struct running start_store(struct world *w)
{
	struct running r = { 0 };
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	r.pid = fork();
	assert_true(r.pid >= 0);
	if (r.pid == 0)
		be_the_store(w, ends[1]);
	close(ends[1]);
	r.control = ends[0];
	r.smtpd = edge(&r, "smtpd");
	r.mailbox = edge(&r, "mailbox");
	r.web = edge(&r, "web");
	return r;
}

static void kill_store(struct running *r, int signal)
{
	int status;

	if (signal)
		kill(r->pid, signal);
	else
		assert_true(control_send(r->control, CONTROL_STOP, STR(""), -1));
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	if (!signal)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(r->control);
}

/* A world with Ada in it, whose database nobody holds open. */
static struct world *closed_world(const char *more)
{
	struct world *w = world_open_with(more);

	add_account(w, "ada@example.test");
	store_close(&w->store);
	return w;
}

static void forget(struct world *w)
{
	world_reopen(w);
	world_close(w);
}

static struct client_connection *connect_to(struct client *client)
{
	struct why why;
	struct client_connection *c = client_connect(client, deadline_in(20000), &why);

	assert_non_null(c);
	return c;
}

/* The control descriptor has a fixed number: nothing else may be there. */
static void keep_control_free(void)
{
	must(dup2(STDERR_FILENO, CONTROL_FD) == CONTROL_FD);
}

#endif
