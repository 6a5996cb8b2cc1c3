/* SPDX-License-Identifier: ISC
 *
 * calls_page.h - the calls of the pages that take more than a function of (ask, answer), and the
 * two things that all of them need: whose session it is, and an answer that says only what came
 * of it.
 */
#ifndef STORE_CALLS_PAGE_H
#define STORE_CALLS_PAGE_H

#include "store/caller.h"
#include "store/store.h"

bool is_for_pages(enum call call);
/* An answer that says no more than what came of it: all of theirs begin so. */
void answer_page(struct caller *caller, enum web_outcome outcome, struct str text);
/* Whose session it is; 0: nobody's, and the caller is told so. `seen`: it counts as use. */
int64_t account_of(struct store *store, struct caller *caller, struct str token, bool seen);

void do_send(struct store *store, struct caller *caller);
void do_send_undo(struct store *store, struct caller *caller);
void do_reach(struct store *store, struct caller *caller);
void do_providers(struct store *store, struct caller *caller);
/* CALLER_WATCHES where nothing has changed yet: calls_look_again goes on. */
void do_change_wait(struct store *store, struct caller *caller);

#endif
