/* SPDX-License-Identifier: ISC
 *
 * serve.h - siegel-smtpd as a whole: listeners, sessions, settings.
 */
#ifndef SMTPD_SERVE_H
#define SMTPD_SERVE_H

#include "call/client.h"
#include "smtpd/snapshot.h"

struct smtpd;

struct smtpd *smtpd_new(struct snapshot *snapshot);
/* A listening socket of the settings' listener `name`; taken over. Before smtpd_serve. */
void smtpd_listen(struct smtpd *smtpd, enum listener_kind kind, struct str name, int fd);
struct client *smtpd_store(struct smtpd *smtpd);
/* Start the serving thread. */
void smtpd_serve(struct smtpd *smtpd);
/* New sessions get this snapshot, which is taken over. */
void smtpd_reload(struct smtpd *smtpd, struct snapshot *snapshot);
/* Close the listeners, dismiss who is silent, let running transactions end; blocks until then,
 * at most STOP_MS. False: some are running still. */
bool smtpd_stop(struct smtpd *smtpd) must_use;

#endif
