/* SPDX-License-Identifier: ISC
 *
 * client.h - asking the store. A blocking call on a connection taken from a pool; any thread may
 * ask. Where the store went away in the middle, the call fails and nothing is repeated here: the
 * caller knows whether asking twice is harmless (accept: the queue id makes it so).
 */
#ifndef CALL_CLIENT_H
#define CALL_CLIENT_H

#include "base/clock.h"
#include "base/fd.h"
#include "call/frame.h"
#include "call/message.h"

struct store_client;
struct store_connection;

/* A client whose connections are made over a rendezvous (see edge_fd in client.c); it has no
 * rendezvous yet, so that calls wait for one until their deadline. Roles never free theirs. */
struct store_client *store_client_new(void);
/* Give it the rendezvous with a (new) store; takes ownership. Connections to the old one are
 * closed as they come back. Called by the control thread. */
void store_client_set_edge(struct store_client *client, int rendezvous);
/* A client with one fixed connection to the store's unix socket at `path` (the command line). */
struct store_client *store_client_at(const char *path, struct why *why);
/* Close its idle connections and free it; nobody may be asking. NULL is fine. */
void store_client_free(struct store_client **client);

/* A connection of one's own, for `work`: what was claimed on it ends with it. NULL and why.
 * Waits for a rendezvous until the deadline. */
struct store_connection *store_connect(
	struct store_client *client, struct deadline deadline, struct why *why);
void store_disconnect(struct store_connection **connection);

/* The two forms of every call: over any pooled connection, or over one's own (`_on`).
 * fd_in: the descriptor that goes along, or -1; it stays open here. *fd_out: the descriptor that
 * came back, or -1; the caller's to close; may be NULL for calls without one.
 * Strings of *answer live in `arena`. False and why: the world failed; on `_on` the connection is
 * broken then and must be disconnected. */
#define CALL_PROTOTYPE(name, ask_t, answer_t, who, fds)                                     \
	bool call_##name(struct store_client *client, const struct ask_t *ask, int fd_in,   \
		struct arena *arena, struct answer_t *answer, int *fd_out,                  \
		struct deadline deadline, struct why *why) must_use;                        \
	bool call_##name##_on(struct store_connection *connection, const struct ask_t *ask, \
		int fd_in, struct arena *arena, struct answer_t *answer, int *fd_out,       \
		struct deadline deadline, struct why *why) must_use;
CALLS(CALL_PROTOTYPE)
#undef CALL_PROTOTYPE

#endif
