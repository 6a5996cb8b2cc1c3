/* SPDX-License-Identifier: ISC
 *
 * question.h - one question to libunbound and its answer, for code that waits. A context is a
 * resolver with a cache; the process has a long-lived one whose answers are fetched by a thread
 * of its own, and short-lived cold ones whose only user fetches the answers itself.
 * Answers are hostile bytes in a validated envelope: `validated` vouches for who said it, never
 * for what it says.
 */
#ifndef NET_QUESTION_H
#define NET_QUESTION_H

#include "net/resolve.h"

struct ub_result;
struct dns_context;

/* A context as the setup wants it. Without `shared` it belongs to one thread. */
struct dns_context *dns_context_new(
	const struct resolver_setup *setup, bool shared, struct why *why);
void dns_context_free(struct dns_context **context);

enum answer_kind {
	ANSWER_DATA,
	ANSWER_NO_DATA,
	ANSWER_NO_NAME, /* NXDOMAIN */
	ANSWER_FAILED,	/* SERVFAIL and its like, timed out, fault on our side */
	ANSWER_BOGUS,
};

enum {
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_DNAME = 39,
	TYPE_TLSA = 52
};

struct question;

/* Ask, without waiting. Always gives a question, even if it has failed already. */
struct question *question_ask(struct dns_context *context, struct str name, int type);

struct answer {
	enum answer_kind kind;
	bool validated; /* and every CNAME on the way to it */
	bool aliased;	/* CNAMEs led to it */
	int64_t ttl_ms;
	struct str canonical; /* where they led; empty: nowhere else */
	const struct ub_result *result;
};

/* Wait for the answer. What it points to lives until question_end. */
struct answer question_wait(struct question *question, struct deadline deadline);
/* The data of the nth record, or an empty view behind the last. */
struct str answer_record(const struct answer *answer, size_t n);
/* Done with it, answered or not. */
void question_end(struct question **question);

#endif
