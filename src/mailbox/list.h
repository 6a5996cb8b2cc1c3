/* SPDX-License-Identifier: ISC
 *
 * list.h - the messages of a folder, of a search, or of a conversation, a page at a time.
 */
#ifndef MAILBOX_LIST_H
#define MAILBOX_LIST_H

#include "mailbox/digest.h"

enum {
	LIST_DEFAULT = 50,
	LIST_MAX = 200,
	/* Messages that aren't read yet are, for so long; then the answer is what can be said without. A page
	 * has its own rows read in any case, and one batch holds them where they are the newest: it is no use
	 * to wait while somebody else reads the account. A search waits for what it can't find before. */
	LIST_WAIT = 20,
	LIST_SEARCH_WAIT = 3 * SECOND
};

/* Fill *answer, its texts in `arena`. A list of all folders leaves out what was thrown away (Trash,
 * Junk), unless one looks there; so do conversations. Newest first, a conversation oldest first. */
void list(struct digests *digests, struct account *account, const struct messages_ask *ask,
	struct arena *arena, struct messages_answer *answer);

/* A conversation's name outside. */
struct str list_conversation(int64_t conversation, struct arena *arena);

#endif
