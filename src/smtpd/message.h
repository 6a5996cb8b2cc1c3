/* SPDX-License-Identifier: ISC
 *
 * message.h - the message behind DATA or BDAT on its way into a sealed memfd: its header section
 * is held back, judged and rewritten, all else is passed on as it comes.
 */
#ifndef SMTPD_MESSAGE_H
#define SMTPD_MESSAGE_H

#include "smtpd/lines.h"
#include "smtpd/session.h"

/* Begin the message of the open transaction. */
void message_begin(struct session *s);
/* Take octets from the front of *seen until it is empty or LINES_END or LINES_BARE is reached.
 * What a refused message still brings is only counted. */
enum lines_step message_take(struct session *s, bool dots, struct str *seen) must_use;
/* Why it can't be taken any more, or code 0. */
struct reply message_refused(const struct session *s);
/* So much was read behind a refusal that the peer won't be listened to any longer. */
bool message_is_hopeless(const struct session *s) must_use;
/* All is there: hand it to the store. The transaction ends here, whatever the reply. */
struct reply message_end(struct session *s);
void message_free(struct session *s, struct message **message);

#endif
