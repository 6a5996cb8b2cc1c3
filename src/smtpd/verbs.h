/* SPDX-License-Identifier: ISC
 *
 * verbs.h - the handlers of the verbs. Each turns words into a reply and writes to no connection.
 * What may be said when is not theirs to judge: verbs.c has the table.
 */
#ifndef SMTPD_VERBS_H
#define SMTPD_VERBS_H

#include "smtpd/session.h"

/* May this verb be said now? code 0: it may. */
struct reply verb_allowed(const struct session *s, enum verb verb);
/* Carry out an allowed command. */
struct reply verb_run(struct session *s, const struct command *command);

struct reply do_auth(struct session *s, struct str argument);
struct reply auth_continue(struct session *s, struct str line);
struct reply do_mail(struct session *s, struct str argument);
struct reply do_rcpt(struct session *s, struct str argument);
struct reply do_data(struct session *s, struct str argument);
struct reply do_bdat(struct session *s, struct str argument);

#endif
