/* SPDX-License-Identifier: ISC
 *
 * worker.h - the threads that claim jobs and deliver them. One slow destination holds one of
 * them; there are always more, up to delivery_connections, made when there is work.
 */
#ifndef DELIVERY_WORKER_H
#define DELIVERY_WORKER_H

#include "call/client.h"
#include "delivery/config.h"

struct delivery;

/* Takes the configuration over. Starts no thread. */
struct delivery *delivery_new(struct client *client, struct config *config);
/* Start working. */
void delivery_serve(struct delivery *delivery);
/* Work with this from the next job on. Takes it over. */
void delivery_reconfigure(struct delivery *delivery, struct config *config);
/* What it works with now, held once for the caller. Any thread. */
struct config *delivery_config(struct delivery *delivery);
/* Take no new job; wait until those under way are done, at most until `busy`, and where a peer
 * may already have the message, at most until `committing`. */
void delivery_stop(struct delivery *delivery, struct deadline busy, struct deadline committing);

#endif
