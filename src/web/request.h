/* SPDX-License-Identifier: ISC
 *
 * request.h - one request and the reply to it. A handler turns the one into the other: it asks the
 * other roles and never touches a socket, so it may block, in a thread of web/work.h.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include "web/json.h"
#include "web/limits.h"
#include "web/web.h"
#include <jansson.h>

struct stream;

/* A file in memory that goes out as it is. */
struct handout {
	int fd; /* -1: none; else the reply's to close */
	uint64_t size;
	const char *type;
	struct str name;    /* in the arena; "" for no Content-Disposition */
	bool shown;	    /* by the browser; else it is saved */
	const char *policy; /* Content-Security-Policy */
};

struct reply {
	unsigned status; /* HTTP's */
	json_t *json;	 /* the reply's to release; NULL: none */
	char *text;	 /* the same, written; NULL: not yet */
	struct handout handout;
	struct stream *stream; /* events; NULL: none */
	struct str cookie;     /* Set-Cookie; "" for none */
	uint64_t retry_after;  /* seconds; 0: not said */
};

struct route;
struct page;

enum { ROUTE_PARTS = 2 };

/* How far a request has come (serve.c). */
enum phase {
	PHASE_HEADERS,	 /* they are there */
	PHASE_ADMITTING, /* a thread asks whether its session is one */
	PHASE_BODY,	 /* its body comes in */
	PHASE_ANSWERING, /* a thread works the reply out */
	PHASE_REPLY,	 /* the reply is there */
	PHASE_SENDING	 /* and on its way */
};

struct request {
	struct task task;
	struct web *web;
	const struct settings *settings;
	struct MHD_Connection *connection;
	struct visit *visit;
	enum phase phase;
	bool body_begun;
	const struct page *page; /* a static page: the reply; NULL: none */
	const struct route *route;
	bool tls;	  /* the browser speaks HTTPS, with us or with a proxy of ours */
	struct peer peer; /* the browser's address, as far as it is known */
	struct str part[ROUTE_PARTS]; /* of the path, where the route has {names} */
	struct str token;	      /* of the session, "" without one */
	struct str csrf;	      /* what the request brings along */
	struct str agent;
	struct str type;     /* Content-Type, without parameters */
	struct buf text;     /* a JSON body */
	int file;	     /* a body of bytes: a memfd, or -1 */
	uint64_t size;	     /* of the body so far */
	uint64_t account;    /* whose session it is; 0: not known yet, or nobody's */
	struct share *share; /* NULL: not admitted yet */
	uint64_t held;	     /* bytes of it */
	json_t *json;	     /* the JSON body, read */
	struct arena arena;
	struct why why;
	struct reply reply;
};

/* What a query has under this name, "" where there is none. */
struct str request_query(const struct request *r, const char *name);
/* A number of it; `otherwise` where there is none, and `most` where it is more. */
uint64_t request_query_number(
	const struct request *r, const char *name, uint64_t otherwise, uint64_t most);
/* A header; "" where there is none. The first of its name, or the last. */
struct str request_header(const struct request *r, const char *name);
struct str request_last_header(const struct request *r, const char *name);

/* The JSON body as a struct; `present` as in json_read. False: r->reply says what is wrong. */
bool request_read(
	struct request *r, const struct json_shape *shape, void *to, uint32_t *present) must_use;

struct reply reply_json(json_t *json);
struct reply reply_shape(const struct json_shape *shape, const void *from);
struct reply reply_empty(void); /* {} */
/* An error of our own: its word, and a detail that is no translation of it. */
struct reply reply_error(unsigned status, const char *word, const char *detail);
/* What a call's outcome (enum web_outcome, not WEB_OK) means to a browser. */
struct reply reply_outcome(uint64_t outcome, struct str detail);
/* Too much of this account (or address) is under way; `text` says what to do. */
struct reply reply_too_much(const char *text);
void reply_free(struct reply *reply);

/* n bytes more that are held for the request, of what its account may hold. False: too many. */
bool request_holds(struct request *r, uint64_t n) must_use;

/* What came of a call: false makes r->reply the answer to it. */
bool request_answered(struct request *r, uint64_t outcome, struct str text) must_use;
bool request_unanswered(struct request *r, const char *call) must_use;

/* Ask `whom` (store, mailbox) a call that the session pays for; true if the outcome is WEB_OK. */
#define ASK(r, whom, name, ask, answer) ASK_FD(r, whom, name, ask, -1, answer, NULL)
#define ASK_FD(r, whom, name, ask, fd_in, answer, fd_out)                        \
	(call_##name((r)->web->whom, ask, fd_in, &(r)->arena, answer, fd_out,    \
		 deadline_in(CALL_PATIENCE), &(r)->why)                          \
			? request_answered(r, (answer)->outcome, (answer)->text) \
			: request_unanswered(r, #name))

#endif
