/* SPDX-License-Identifier: ISC
 *
 * web.h - what all requests share: whom they ask, how many there may be, under which names we are
 * known.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "call/client.h"
#include "call/start.h"
#include "net/gate.h"
#include "web/work.h"
#include <stdatomic.h>

struct web {
	_Atomic(const struct settings *) settings; /* replaced by a reload, never freed */
	struct client *store, *mailbox, *delivery;
	struct gate *gate; /* connections, and bytes of bodies on their way in */
	struct shares *shares;
	struct workers *quick, *slow;
	struct streams *streams;
	struct visits *visits;
	struct pairs *pairs;
	atomic_size_t under_way; /* requests that are being answered */
	atomic_bool stopping;
};

/* Everything but the threads. Exits where the certificates can't be used. */
struct web *web_open(struct start *start);
/* Serve the listeners of kinds web and web-plain; with none of them, nothing. */
void web_serve(struct web *web, const struct start *start);
/* New settings and certificates for what begins from now on. */
void web_reload(struct web *web, struct start *start);
/* Take no connection any more, and wait for the answers under way. */
void web_stop(struct web *web);
/* A rendezvous with the role `with`; takes it over. */
void web_edge(struct web *web, enum role with, int fd);

#endif
