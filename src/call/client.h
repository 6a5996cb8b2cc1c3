/* SPDX-License-Identifier: ISC
 *
 * client.h - asking the store or delivery. A blocking call on a connection taken from a pool; any
 * thread may ask. Where the other side went away in the middle, the call fails and nothing is
 * repeated here: the caller knows whether asking twice is harmless (accept: the queue id makes it
 * so). A client asks one role; a call that another one serves is a bug.
 */
#ifndef CALL_CLIENT_H
#define CALL_CLIENT_H

#include "base/clock.h"
#include "base/fd.h"
#include "call/frame.h"
#include "call/message.h"

struct client;
struct client_connection;

/* A client of the role `of`, whose connections are made over a rendezvous (see edge_fd in
 * client.c); it has no rendezvous yet, so that calls wait for one until their deadline. Roles never
 * free theirs. */
struct client *client_new(enum role of);
/* Give it the rendezvous with the role's (new) process; takes ownership. Connections to the old one
 * are closed as they come back. Called by the control thread. */
void client_set_edge(struct client *client, int rendezvous);
/* A client with one fixed connection to the role's unix socket at `path` (the command line). */
struct client *client_at(enum role of, const char *path, struct why *why);
/* A client with one connection, the socket `fd`, and no way to another. Takes it over. */
struct client *client_over(enum role of, int fd);
/* Close its idle connections and free it; nobody may be asking. NULL is fine. */
void client_free(struct client **client);

/* A connection of one's own, for `work`: what was claimed on it ends with it. NULL and why.
 * Waits for a rendezvous until the deadline. */
struct client_connection *client_connect(
	struct client *client, struct deadline deadline, struct why *why);
void client_disconnect(struct client_connection **connection);

/* The two forms of every call: over any pooled connection, or over one's own (`_on`).
 * fd_in: the descriptor that goes along, or -1; it stays open here. *fd_out: the descriptor that
 * came back, or -1; the caller's to close; may be NULL for calls without one.
 * Strings of *answer live in `arena`. False and why: the world failed; on `_on` the connection is
 * broken then and must be disconnected. */
#define CALL_PROTOTYPE(name, ask_t, answer_t, who, fds)                                      \
	bool call_##name(struct client *client, const struct ask_t *ask, int fd_in,          \
		struct arena *arena, struct answer_t *answer, int *fd_out,                   \
		struct deadline deadline, struct why *why) must_use;                         \
	bool call_##name##_on(struct client_connection *connection, const struct ask_t *ask, \
		int fd_in, struct arena *arena, struct answer_t *answer, int *fd_out,        \
		struct deadline deadline, struct why *why) must_use;
CALLS(CALL_PROTOTYPE)
#undef CALL_PROTOTYPE

#endif
