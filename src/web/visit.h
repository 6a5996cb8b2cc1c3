/* SPDX-License-Identifier: ISC
 *
 * visit.h - the connections there are, and until when each has to have got on. libmicrohttpd
 * closes those that are silent; here those end that say a byte now and then.
 */
#ifndef WEB_VISIT_H
#define WEB_VISIT_H

#include "base/clock.h"
#include "net/gate.h"

struct visits;

/* One connection. Its socket belongs to libmicrohttpd. */
struct visit {
	struct visit *next, **self;
	struct visits *visits;
	int fd;
	struct peer peer;
	struct peer client; /* whom it serves now: the peer, or for whom a proxy asks */
	bool counted;	    /* by the gate */
	struct deadline until;
};

struct visits *visits_new(struct gate *gate);
/* Begin to watch. */
void visits_serve(struct visits *visits);

/* A connection has come; one too many is shut at once. NULL: no memory, and it is shut. */
struct visit *visit_begin(struct visits *visits, int fd, const struct peer *peer, uint64_t most,
	uint64_t most_of_peer);
/* By then it has to have got on, or it is shut. */
void visit_until(struct visit *visit, struct deadline until);
/* It serves this client from now on; NULL: the peer itself. */
void visit_serves(struct visit *visit, const struct peer *client);
/* Its socket is about to be closed. NULL is fine. */
void visit_end(struct visit *visit);

#endif
