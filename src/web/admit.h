/* SPDX-License-Identifier: ISC
 *
 * admit.h - who is let in: what a request's headers alone are refused for, and whether the session
 * it names is one.
 */
#ifndef WEB_ADMIT_H
#define WEB_ADMIT_H

#include "web/request.h"

/* Is the name in a Host header one of ours? An address is: only a name can be made to point
 * somewhere else (DNS rebinding). */
bool admit_host(const struct settings *settings, struct str host);

/* Look at the headers of a request whose route is known, and take token and the like from them.
 * False: r->reply says why not. Never blocks. */
bool admit_headers(struct request *r) must_use;

/* The session is one, what changes something comes from a page of ours (its CSRF token is the
 * session's), and its account hasn't too much under way; r->account and r->share are there.
 * False: r->reply says why not. Blocks. */
bool admit_session(struct request *r) must_use;
/* Nobody is logged in yet: the address hasn't too much under way; r->share is there. */
bool admit_address(struct request *r) must_use;

/* The name of the session's cookie: over TLS one that no other origin of the domain can set. */
const char *admit_cookie(bool tls);

#endif
