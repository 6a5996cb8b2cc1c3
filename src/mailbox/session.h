/* SPDX-License-Identifier: ISC
 *
 * session.h - whose mailbox a browser's session may see. The store knows; what it said is good for
 * a moment, so that a page of many questions asks it once. A session that was ended is felt here
 * SESSION_KEPT later at the latest.
 */
#ifndef MAILBOX_SESSION_H
#define MAILBOX_SESSION_H

#include "call/client.h"

enum {
	SESSION_KEPT = 3 * SECOND,
	SESSIONS_KEPT = 1024, /* of them at once; more ask the store more often */
	SESSION_TOKEN_MAX = 256,
	SESSION_WAIT = 10 * SECOND /* for the store */
};

struct sessions;
struct sessions *sessions_new(struct client *store);
void sessions_free(struct sessions **sessions);

/* WEB_OK, and *mailbox is the account's canonical address, in `arena`; or what the store said of
 * the token. `idle`: nobody is at work, a page asks on its own, and the session may become idle.
 * Any thread; may block for SESSION_WAIT. */
enum web_outcome session_mailbox(struct sessions *sessions, struct str token, bool idle,
	struct arena *arena, struct str *mailbox);

#endif
