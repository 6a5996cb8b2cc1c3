/* SPDX-License-Identifier: ISC
 *
 * folders.h - an account's folders for the pages: which there are, and making, renaming and removing
 * one's own. What was in a folder that is removed lies in the trash.
 */
#ifndef MAILBOX_FOLDERS_H
#define MAILBOX_FOLDERS_H

#include "call/message.h"
#include "mailbox/account.h"

/* Both without the account's lock. The special ones come first, in the order of enum folder_kind,
 * whether they are there already or not; then one's own by name. */
void folders_list(struct account *account, struct arena *arena, struct folders_answer *answer);
/* The answer is the new list, or an outcome with its reason. */
void folders_change(struct account *account, const struct folder_change_ask *ask,
	struct arena *arena, struct folders_answer *answer);

#endif
