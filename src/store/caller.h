/* SPDX-License-Identifier: ISC
 *
 * caller.h - one connection of another role, and the call it is in. A call is unpacked once and
 * kept until its answer is sent, so that it can be run again where a batch failed.
 */
#ifndef STORE_CALLER_H
#define STORE_CALLER_H

#include "call/server.h"
#include "store/accept.h"
#include "store/login.h"
#include "store/schedule.h"

#define CALL_ASK(name, ask_t, answer_t, ...)	struct ask_t name;
#define CALL_ANSWER(name, ask_t, answer_t, ...) struct answer_t name;
union call_ask {
	STORE_CALLS(CALL_ASK)
};
union call_answer {
	STORE_CALLS(CALL_ANSWER)
};
#undef CALL_ASK
#undef CALL_ANSWER

enum caller_state {
	CALLER_LISTENS,	 /* nothing asked */
	CALLER_ASKED,	 /* in this round */
	CALLER_WAITS,	 /* `work`: nothing is due for it yet */
	CALLER_WATCHES,	 /* `change_wait`: nothing has changed yet */
	CALLER_STAGES,	 /* `accept`: its body is being written in slices */
	CALLER_LOGS_IN,	 /* the threads have its password: calls_decided goes on */
	CALLER_ANSWERED, /* the answer may go out once the batch is committed */
	CALLER_FAILED	 /* no answer can be given: the connection is closed */
};

/* A message that is being taken, by SMTP or from a page. */
struct taking {
	struct accept_ask ask;
	struct accept_terms terms;
	struct accept_answer answer;
	bool repeated; /* a page's that was sent before: answer.send says what became of it */
};

/* A large body on its way to disk. */
struct staging {
	struct mapping body;
	int64_t message, written, pieces;
	int64_t committed; /* of `written` */
};

struct caller {
	enum caller_state state;
	struct server_connection *connection;
	struct worker worker;
	struct arena arena;
	enum call call;
	union call_ask ask;
	union call_answer answer;
	int fd_in, fd_out;
	struct deadline until;	      /* CALLER_WAITS, CALLER_WATCHES */
	struct login_decided decided; /* what came of CALLER_LOGS_IN */
	struct change_waiter waiter;  /* CALLER_WATCHES */
	struct taking taking;
	struct staging staging;
	bool sending; /* waits for EPOLLOUT */
	struct caller_list *list;
	struct caller *before, *behind;
};

struct caller_list {
	struct caller *first, *last;
};

struct caller *caller_open(int fd, enum role who);
/* Close and free; it must hold no claim. */
void caller_close(struct caller *caller);
/* Take over a call that arrived: unpack it. False: malformed; close the caller. */
bool caller_asks(struct caller *caller, const struct server_ask *ask) must_use;
/* Pack and send the answer. */
enum server_result caller_answer(struct caller *caller);
/* The answer is out: ready for the next call. */
void caller_done(struct caller *caller);
/* Into a list (at its end), out of the one it was in. NULL: into none. */
void caller_move(struct caller *caller, struct caller_list *list);

#endif
