/* SPDX-License-Identifier: ISC
 *
 * change.h - flags, moving and erasing, of many messages at once. What is erased is gone, wherever
 * it lay: the pages ask first, and else move to the trash.
 */
#ifndef MAILBOX_CHANGE_H
#define MAILBOX_CHANGE_H

#include "call/message.h"
#include "mailbox/account.h"

enum { CHANGE_IDS_MAX = 1000 };

/* Without the account's lock. Each message has an outcome of its own, with the folder and flags it
 * had before; the answer as a whole is WEB_OK where the question made sense. */
void change(struct account *account, const struct messages_change_ask *ask, struct arena *arena,
	struct messages_change_answer *answer);
/* Add flags to one message, if it is there. */
void change_flags(struct account *account, struct str id, uint64_t add, struct arena *arena);

#endif
