/* SPDX-License-Identifier: ISC
 *
 * people.h - whom one has written to: completion of addresses from the mail in Sent.
 */
#ifndef MAILBOX_PEOPLE_H
#define MAILBOX_PEOPLE_H

#include "call/message.h"
#include "mailbox/index.h"

enum { PEOPLE_MAX = 50, PEOPLE_DEFAULT = 8 };

/* A message of number `message` in Sent went to `person`; nothing where the address is none. */
void people_add(struct index *index, int64_t message, const struct person *person);
/* The message is gone from Sent. */
void people_forget(struct index *index, int64_t message);
/* Those whose name or address has a word that begins with what was typed, or all; first who was
 * written to often and lately. With the account's lock held. */
void people_find(struct index *index, const struct addresses_ask *ask, struct arena *arena,
	struct addresses_answer *answer);

#endif
