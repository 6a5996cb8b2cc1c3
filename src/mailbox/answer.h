/* SPDX-License-Identifier: ISC
 *
 * answer.h - the mailbox role asked by the pages: MAILBOX_CALLS of calls.def.
 */
#ifndef MAILBOX_ANSWER_H
#define MAILBOX_ANSWER_H

#include "call/answers.h"
#include "call/client.h"
#include "mailbox/mime.h"

enum {
	MAILBOX_ANSWERS_MAX = 16, /* at once: threads, each with at most one reader of MIME */
	MAILBOX_ANSWERS_WAIT = 20 * SECOND /* of a question in the queue */
};

/* What the answers come from. The working directory, open as `root`, holds the domains. */
struct postroom;
struct postroom *postroom_new(struct client *store, struct mime *mime, int root,
	uint64_t message_max, uint64_t disk_reserve);
/* Start the thread that reads messages for the index. */
void postroom_serve(struct postroom *postroom);
/* Nobody may be answered, and it doesn't serve. */
void postroom_free(struct postroom **postroom);
/* How to answer; good as long as the postroom lives. */
struct answering postroom_answering(struct postroom *postroom);

#endif
