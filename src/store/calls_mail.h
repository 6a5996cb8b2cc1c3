/* SPDX-License-Identifier: ISC
 *
 * calls_mail.h - the calls of those that carry mail: smtpd, delivery and the mailbox role. Each
 * leaves in the caller its answer, or a state that says what it waits for.
 */
#ifndef STORE_CALLS_MAIL_H
#define STORE_CALLS_MAIL_H

#include "store/caller.h"
#include "store/store.h"

void do_sender(struct store *store, struct caller *caller);
/* A plaintext attempt at a secure address is recorded, which takes a batch. False: there is none. */
bool do_recipient(struct store *store, struct caller *caller, bool batch);
void do_accept(struct store *store, struct caller *caller);
void do_work(struct store *store, struct caller *caller);

/* Take the message in caller->taking and answer; CALLER_STAGES where its body takes longer. */
void take(struct store *store, struct caller *caller);

#endif
