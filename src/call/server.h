/* SPDX-License-Identifier: ISC
 *
 * server.h - being asked: the half of a call that answers, in the store and in delivery.
 * Non-blocking, for one thread with epoll.
 * A connection carries one call at a time: it is read until a whole frame is there, answered
 * once, then read again. The peer is another role, possibly taken over by an attacker: what it
 * may ask is the table in calls.def, and anything else closes the connection.
 *
 *	loop: epoll_wait
 *	      rendezvous readable     server_rendezvous -> server_open, watch for EPOLLIN
 *	      ctl listener readable   server_accept_ctl -> server_open(fd, ..., ROLE_CTL)
 *	      connection readable     server_next: SERVER_ASKED -> note the call for this round
 *	      BEGIN, handlers: unpack_*_ask, server_answer_*; COMMIT
 *	      server_send for each; SERVER_WAIT -> watch for EPOLLOUT and call it again
 */
#ifndef CALL_SERVER_H
#define CALL_SERVER_H

#include "base/fd.h"
#include "call/frame.h"
#include "call/message.h"

/* Fields are for reading, but for `owner`. */
struct server_connection {
	int fd;
	enum role by, who; /* who serves here, who asks */
	void *owner;	   /* the server's, for its own bookkeeping */
	struct buf in, out;
	size_t sent;
	int fd_in, fd_out;
	bool asked;	/* a call was yielded and isn't answered yet */
	enum call call; /* which */
};

/* A call that has arrived in full. */
struct server_ask {
	enum call call;
	struct str message; /* packed; good until the answer is sent or the connection closed */
	int fd;		    /* the caller's to close from now on; -1 unless CALL_FD_IN. Its seals
			       are still to be checked (fd_map_sealed). */
};

enum server_result {
	SERVER_ASKED, /* *ask is filled in */
	SERVER_SENT,  /* the answer is out; read again */
	SERVER_WAIT,  /* come back when the descriptor is ready */
	SERVER_CLOSED /* the peer is gone or broke the rules (logged): server_close it */
};

/* Take a connection that came over a rendezvous: a new descriptor, or -1 with errno: EAGAIN when
 * there is none now, 0 when the other side is gone (close the rendezvous then). */
int server_rendezvous(int rendezvous);
/* Accept on the control socket; only root and this process's own user may (SO_PEERCRED), others
 * are closed and logged. -1 when there is none now. */
int server_accept_ctl(int listener);

/* A connection over `fd` (owned, made non-blocking) on which `who` may ask what `by` serves. */
struct server_connection *server_open(int fd, enum role by, enum role who);
void server_close(struct server_connection **connection);

/* Read what is there. SERVER_ASKED at most once until the answer is sent; while a call is being
 * answered (a long poll) SERVER_WAIT says that the peer is still there. */
enum server_result server_next(struct server_connection *connection, struct server_ask *ask);

/* Pack the answer to the call that was yielded; nothing is sent yet. `fd` (taken over, -1 for
 * none) goes with it. False where the answer is larger than a frame: nothing is packed then and
 * the descriptor is closed. */
#define SERVER_ANSWER(name, ask_t, answer_t, ...)                       \
	bool server_answer_##name(struct server_connection *connection, \
		const struct answer_t *answer, int fd) must_use;
CALLS(SERVER_ANSWER)
#undef SERVER_ANSWER

/* Send what was packed: SERVER_SENT, SERVER_WAIT (call again at EPOLLOUT) or SERVER_CLOSED. */
enum server_result server_send(struct server_connection *connection);

#endif
