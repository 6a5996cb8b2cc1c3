/* SPDX-License-Identifier: ISC
 *
 * worker.h - the threads that deliver: each asks the store for a job, delivers it, and tells the
 * outcome when asking for the next.
 */
#ifndef MAILBOX_WORKER_H
#define MAILBOX_WORKER_H

#include "call/client.h"
#include "call/start.h"

struct mailbox;

/* Threads are started by mailbox_serve; `client` lives as long as the process. */
struct mailbox *mailbox_open(struct client *client, const struct settings *settings);
/* Start the threads. The working directory holds the domains. */
void mailbox_serve(struct mailbox *mailbox);
/* Take no new job; returns when what was under way is delivered and told, or at the deadline. */
void mailbox_stop(struct mailbox *mailbox, struct deadline deadline);

#endif
