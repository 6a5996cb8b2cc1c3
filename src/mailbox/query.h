/* SPDX-License-Identifier: ISC
 *
 * query.h - what somebody typed into the search field: words, "phrases", from: to: subject:
 * has:attachment is:unread is:read is:starred before:YYYY-MM-DD after:YYYY-MM-DD. All of it must
 * hold; a word stands for all that begin with it. Days are those of UTC.
 */
#ifndef MAILBOX_QUERY_H
#define MAILBOX_QUERY_H

#include "base/buf.h"
#include "base/why.h"
#include "mailbox/fold.h"

enum { QUERY_MAX = 1000, QUERY_WORDS_MAX = 32, QUERY_MATCH_MAX = FOLD_GROWS * QUERY_MAX };

struct query {
	struct buf match;     /* for FTS5; empty: no words are asked for */
	int64_t from, before; /* time, ms */
	uint64_t mask, flags; /* enum message_flag: what they must be where the mask is */
	uint64_t attachments; /* at least */
	size_t words;
};

/* False and why, in words for whoever typed it. *query is to be freed in either case. */
bool query_parse(struct query *query, struct str typed, struct why *why) must_use;
void query_free(struct query *query);
/* Words alone, each of which must begin a word, in any column. False: there is none. */
bool query_words(struct buf *match, struct str typed);

#endif
