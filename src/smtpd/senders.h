/* SPDX-License-Identifier: ISC
 *
 * senders.h - who may send as whom (policy.md sections 6 and 7): nobody outside as us but a listed
 * neighbour, nobody logged in as somebody else.
 */
#ifndef SMTPD_SENDERS_H
#define SMTPD_SENDERS_H

#include "mail/header.h"
#include "smtpd/session.h"

/* The envelope sender at MAIL; `written` as address_text writes it. code 0: it may. */
struct reply senders_of_envelope(
	struct session *s, const struct address *sender, struct str written);
/* The header behind DATA, for an answer that says why; the store reads it again. code 0: it may. */
struct reply senders_of_header(struct session *s, const struct header *header);

#endif
