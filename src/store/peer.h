/* SPDX-License-Identifier: ISC
 *
 * peer.h - one connection of another role, and the call it is in. A call is unpacked once and
 * kept until its answer is sent, so that it can be run again where a batch failed.
 */
#ifndef STORE_PEER_H
#define STORE_PEER_H

#include "call/server.h"
#include "store/schedule.h"

#define CALL_ASK(name, ask_t, answer_t, ...)	struct ask_t name;
#define CALL_ANSWER(name, ask_t, answer_t, ...) struct answer_t name;
union call_ask {
	CALLS(CALL_ASK)
};
union call_answer {
	CALLS(CALL_ANSWER)
};
#undef CALL_ASK
#undef CALL_ANSWER

enum peer_state {
	PEER_LISTENS,  /* nothing asked */
	PEER_ASKED,    /* in this round */
	PEER_WAITS,    /* `work`: nothing is due for it yet */
	PEER_STAGES,   /* `accept`: its body is being written in slices */
	PEER_LOGS_IN,  /* the threads have its password */
	PEER_ANSWERED, /* the answer may go out once the batch is committed */
	PEER_FAILED    /* no answer can be given: the connection is closed */
};

/* A large body on its way to disk. */
struct staging {
	struct mapping body;
	int64_t message, written, pieces;
	int64_t committed; /* of `written` */
};

struct peer {
	enum peer_state state;
	struct server_connection *connection;
	struct worker worker;
	struct arena arena;
	enum call call;
	union call_ask ask;
	union call_answer answer;
	int fd_in, fd_out;
	struct deadline until; /* PEER_WAITS */
	struct staging staging;
	bool sending; /* waits for EPOLLOUT */
	struct peer_list *list;
	struct peer *before, *behind;
};

struct peer_list {
	struct peer *first, *last;
};

struct peer *peer_open(int fd, enum role who);
/* Close and free; it must hold no claim. */
void peer_close(struct peer *peer);
/* Take over a call that arrived: unpack it. False: malformed; close the peer. */
bool peer_asks(struct peer *peer, const struct server_ask *ask) must_use;
/* Pack and send the answer. */
enum server_result peer_answer(struct peer *peer);
/* The answer is out: ready for the next call. */
void peer_done(struct peer *peer);
/* Into a list (at its end), out of the one it was in. NULL: into none. */
void peer_move(struct peer *peer, struct peer_list *list);

#endif
