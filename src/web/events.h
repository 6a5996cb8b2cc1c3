/* SPDX-License-Identifier: ISC
 *
 * events.h - streams of server-sent events: that something of the account changed, as soon as the
 * store says so. What it is now, the page asks.
 */
#ifndef WEB_EVENTS_H
#define WEB_EVENTS_H

#include "base/str.h"
#include <microhttpd.h>

struct streams;
struct stream;

struct streams *streams_new(void);
/* End them all: the server stops. */
void streams_end(struct streams *streams);

/* The response that carries the stream, which belongs to it from now on; NULL: no memory. */
struct MHD_Response *events_response(struct stream *stream);
/* Nobody will ever hear it. NULL is fine. */
void events_drop(struct stream *stream);

#endif
