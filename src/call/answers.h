/* SPDX-License-Identifier: ISC
 *
 * answers.h - being asked what takes a while: delivery and the mailbox role answer with it. One
 * thread with epoll hears the questions and sends the answers; each question is worked out by a
 * thread, of which there are only so many; what comes meanwhile waits its turn, and not for long.
 */
#ifndef CALL_ANSWERS_H
#define CALL_ANSWERS_H

#include "base/clock.h"
#include "call/server.h"

/* The calls that are answered this way; every answer has an `outcome`. */
#define ANSWERED_CALLS(row) MAILBOX_CALLS(row) DELIVERY_CALLS(row)

#define CALL_ASK(name, ask_t, answer_t, ...)	struct ask_t name;
#define CALL_ANSWER(name, ask_t, answer_t, ...) struct answer_t name;
union call_ask {
	ANSWERED_CALLS(CALL_ASK)
};
union call_answer {
	ANSWERED_CALLS(CALL_ANSWER)
};
#undef CALL_ASK
#undef CALL_ANSWER

/* A question in the hands of a thread. */
struct question {
	enum call call;
	enum role who;
	union call_ask ask;	  /* strings live in the question */
	union call_answer answer; /* its texts live in `arena`, or for ever */
	struct arena *arena;
	int fd_in;  /* what came along, or -1; closed when the answer is there */
	int fd_out; /* what goes with the answer, or -1; taken over */
};

/* How a role answers. */
struct answering {
	enum role by;
	/* Fill in the answer. Any thread; it may block. */
	void (*work)(void *context, struct question *question);
	void *context;
	size_t at_once; /* so many threads */
	int64_t wait;	/* for one of them, ms; whoever waited longer is told `busy` */
	uint64_t busy;	/* an outcome */
	size_t stack;	/* of a thread */
	size_t arena;	/* the most an answer may take */
};

struct answers;

/* Answer whoever connects to the listening socket `ctl` (root and our own user may; -1: there is
 * none) and whoever comes over a rendezvous, in threads of its own, from now on. */
struct answers *answers_serve(const struct answering *how, int ctl);
/* A rendezvous with another role's (new) process; taken over. */
void answers_set_edge(struct answers *answers, enum role who, int rendezvous);
/* Wait until what was asked is answered, or for the deadline. */
void answers_stop(struct answers *answers, struct deadline deadline);
/* Answer `who` over the connected socket `fd`, taken over, until the other side is gone. */
void answers_serve_one(const struct answering *how, enum role who, int fd);

#endif
