/* SPDX-License-Identifier: ISC
 *
 * send.h - a reply as libmicrohttpd sends it, with the headers that keep a browser from doing
 * anything with it but what it is for.
 */
#ifndef WEB_SEND_H
#define WEB_SEND_H

#include "web/pages.h"
#include "web/request.h"
#include <microhttpd.h>

/* What our own pages may do: nothing but scripts, styles and images of this origin. */
#define PAGE_POLICY                                                                       \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
	"connect-src 'self'; frame-src 'self'; font-src 'self'; form-action 'self'; "     \
	"base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
/* What answers of the API, and files, may do: nothing. */
#define NOTHING_POLICY "default-src 'none'; frame-ancestors 'none'; sandbox"

/* Queue r->reply, which is used up. */
enum MHD_Result send_reply(struct request *r);
/* Queue a static page; `etag`: the one the browser has, "" for none. */
enum MHD_Result send_page(struct MHD_Connection *connection, bool tls, const struct page *page);

#endif
