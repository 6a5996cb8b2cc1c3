/* SPDX-License-Identifier: ISC
 *
 * send.h - sending from a page: taken as any submission of the account (take.h), once for each of
 * the page's ids, held for some seconds, and taken back while it is.
 */
#ifndef STORE_SEND_H
#define STORE_SEND_H

#include "store/caller.h"
#include "store/store.h"

enum { SEND_HOLD_MOST = 60000, SENT_SUBJECT_MAX = 998 };

/* Is this an id that a page makes: 20 to 40 of a-z and 0-9? */
bool sent_id_is_fit(struct str sent) must_use;

/* The account wants to send: describe the message in caller->taking. False: it can't be, or was sent
 * before; the call is answered. */
bool send_begin(struct store *store, struct caller *caller, int64_t account) must_use;
/* What follows from the body. False: taking.answer refuses it. */
bool send_read_body(struct caller *caller, struct str body) must_use;
/* Was nothing sent under this id yet? False: caller->answer.send says what was, and `repeated` is
 * set. Asked again when a large body is on disk: another one may have been faster. */
bool send_is_new(struct store *store, struct caller *caller) must_use;
/* It was taken: that belongs to the same transaction. */
void send_record(struct store *store, const struct caller *caller);
/* Answer the call by what became of it. */
void send_finish(struct store *store, struct caller *caller);

/* Take it back, if nothing of it has been in anybody's hand. */
void send_undo(struct store *store, int64_t account, const struct sent_ask *ask,
	struct arena *arena, struct send_answer *answer);

#endif
