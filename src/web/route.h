/* SPDX-License-Identifier: ISC
 *
 * route.h - every route there is, as a table: what is asked, by whom, with what, and who answers.
 * doc/api.yaml describes the same routes to people, and a test holds one against the other.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "web/request.h"

enum access {
	OPEN,	/* anybody */
	SESSION /* whose cookie names a session; a change also wants its CSRF token */
};

enum body { NO_BODY, JSON_BODY, FILE_BODY };

/* Which threads answer: those for what takes its time must not keep the others waiting. */
enum pace { QUICK, SLOW };

#define API "/api/v1"

/* clang-format off */
#define ROUTES(row) \
	row("GET",    "/about",                           about,            OPEN,    NO_BODY,   QUICK) \
	row("POST",   "/session",                         session_begin,    OPEN,    JSON_BODY, SLOW) \
	row("GET",    "/session",                         session_show,     SESSION, NO_BODY,   QUICK) \
	row("DELETE", "/session",                         session_end,      SESSION, NO_BODY,   QUICK) \
	row("GET",    "/sessions",                        session_list,     SESSION, NO_BODY,   QUICK) \
	row("DELETE", "/sessions/{session}",              session_end_one,  SESSION, NO_BODY,   QUICK) \
	row("GET",    "/events",                          event_stream,     SESSION, NO_BODY,   QUICK)
/* clang-format on */

struct route {
	const char *method, *path;
	struct reply (*handler)(struct request *r);
	enum access access;
	enum body body;
	enum pace pace;
};

extern const struct route routes[];
extern const size_t routes_n;

enum route_answer { ROUTE_FOUND, ROUTE_UNKNOWN, ROUTE_OTHER_METHOD };

/* The route of a method and a path, percent-encoding undone; `part` gets what stood in the places
 * of the {names}, as views into `path`. */
enum route_answer route_find(
	struct str method, struct str path, const struct route **route, struct str *part);

#define ROUTE_PROTOTYPE(method, path, handler, ...) struct reply route_##handler(struct request *r);
ROUTES(ROUTE_PROTOTYPE)
#undef ROUTE_PROTOTYPE

#endif
