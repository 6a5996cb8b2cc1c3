/* SPDX-License-Identifier: ISC
 *
 * conversation.h - which messages belong together, by Message-ID, References and In-Reply-To.
 */
#ifndef MAILBOX_CONVERSATION_H
#define MAILBOX_CONVERSATION_H

#include "mailbox/index.h"

enum {
	CONVERSATION_MAX = 1000, /* messages; what comes then begins another */
	REFERENCES_MAX = 20	 /* of a message that are looked at: its first and its last ones */
};

/* What a message says of itself. */
struct relations {
	int64_t number; /* of its row */
	struct str id;	/* without <>; "" if it has none */
	struct str *at; /* what it refers to, the one it answers last */
	size_t n;
};

/* The conversation the message is in from now on; others may have joined it. *message_id is what its
 * row is to hold. Within a transaction. */
int64_t conversation_join(
	struct index *index, const struct relations *relations, int64_t *message_id);

#endif
