/* SPDX-License-Identifier: ISC
 *
 * snapshot.h - settings and certificates as one immutable, counted thing. A reload swaps the
 * pointer; sessions keep what they began with until they end.
 */
#ifndef SMTPD_SNAPSHOT_H
#define SMTPD_SNAPSHOT_H

#include "net/secure.h"
#include "settings/settings.h"
#include <stdatomic.h>

struct snapshot {
	const struct settings *settings; /* not owned: call/start.h never frees one */
	struct tls_server *tls;		 /* NULL: no certificate, no TLS */
	atomic_uint holders;
};

/* Takes over `tls`. The maker holds it. */
struct snapshot *snapshot_new(const struct settings *settings, struct tls_server *tls);
struct snapshot *snapshot_hold(struct snapshot *snapshot);
void snapshot_release(struct snapshot **snapshot);

#endif
