/* SPDX-License-Identifier: ISC
 *
 * share.h - what one account has under way of what all share: requests, and bytes that are held for
 * them. Before anybody is logged in it is an address that is counted. So nobody, with however many
 * sessions and connections, takes what the others need.
 */
#ifndef WEB_SHARE_H
#define WEB_SHARE_H

#include "net/listen.h"

struct shares;
struct share; /* there is one of each owner, as long as something is under way */

/* Never freed but in tests, when nothing is under way. */
struct shares *shares_new(void);
void shares_free(struct shares **shares);

/* One request more of this account, or of this address where the account is 0; share_end ends it.
 * NULL: it has `most` already. Any thread, as all of these. */
struct share *share_begin(
	struct shares *shares, uint64_t account, const struct peer *peer, uint64_t most) must_use;
/* It is over, and gives the bytes back that were taken for it. NULL is fine. */
void share_end(struct share *share, uint64_t bytes);
/* n bytes more for it, unless its owner would have more than `most`. */
bool share_take(struct share *share, uint64_t n, uint64_t most) must_use;

#endif
