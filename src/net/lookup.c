/* SPDX-License-Identifier: ISC
 *
 * lookup.c - see lookup.h. Runs in the thread of whoever looks up.
 */
#include "net/lookup.h"

enum {
	TTL_LEAST = 1 * SECOND, /* answers of TTL 0 still serve those who ask together */
	TTL_MOST = 1 * HOUR,
	NAME_MAX_LEN = 253,
	LABEL_MAX_LEN = 63,
	CNAMES_MAX = 8,
};

struct lookup lookup_in(struct dns_context *context, struct deadline deadline)
{
	return (struct lookup){
		.context = context,
		.deadline = deadline,
		.expires = deadline_in(TTL_MOST),
	};
}

struct deadline lookup_half(const struct lookup *lookup)
{
	int64_t now = clock_monotonic_ms();

	return (struct deadline){ lookup->deadline.at - (lookup->deadline.at - now) / 2 };
}

bool answer_failed(const struct answer *answer)
{
	return answer->kind == ANSWER_FAILED || answer->kind == ANSWER_BOGUS;
}

static void note(struct lookup *lookup, const struct answer *answer)
{
	int64_t ttl = answer->ttl_ms < TTL_LEAST ? TTL_LEAST : answer->ttl_ms;

	if (answer_failed(answer))
		lookup->failed = true;
	else
		lookup->expires = deadline_earlier(lookup->expires, deadline_in(ttl));
}

/* Where a chain ends in a signed "no data", libunbound has followed it already. */
static bool ends_in_a_cname(const struct answer *answer)
{
	return answer->kind == ANSWER_NO_DATA && answer->canonical.len && !answer->validated;
}

struct answer lookup_wait(
	struct lookup *lookup, struct question **q, int type, struct deadline until)
{
	struct answer answer = question_wait(*q, until);

	note(lookup, &answer);
	for (int i = 0; i < CNAMES_MAX && ends_in_a_cname(&answer); i++) {
		struct question *next = question_ask(lookup->context, answer.canonical, type);
		question_end(q);
		*q = next;
		answer = question_wait(*q, until);
		note(lookup, &answer);
		answer.aliased = true;
		answer.validated = false; /* as the CNAME was */
	}
	return answer;
}

bool lookup_can_ask(struct str name)
{
	size_t label = 0;

	if (name.len == 0 || name.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool dot = c == '.' && label > 0;
		if (!dot && !ascii_is_alnum(c) && c != '-' && c != '_')
			return false;
		label = dot ? 0 : label + 1;
		if (label > LABEL_MAX_LEN)
			return false;
	}
	return true;
}
