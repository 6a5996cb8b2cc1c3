/* SPDX-License-Identifier: ISC
 *
 * snapshot.c - counting who still uses a snapshot. Any thread.
 */
#include "smtpd/snapshot.h"

#include "base/must.h"
#include <stdlib.h>

struct snapshot *snapshot_new(const struct settings *settings, struct tls_server *tls)
{
	struct snapshot *snapshot = must_alloc(sizeof *snapshot);

	snapshot->settings = settings;
	snapshot->tls = tls;
	atomic_init(&snapshot->holders, 1);
	return snapshot;
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
	atomic_fetch_add(&snapshot->holders, 1);
	return snapshot;
}

void snapshot_release(struct snapshot **snapshot)
{
	if (*snapshot && atomic_fetch_sub(&(*snapshot)->holders, 1) == 1) {
		tls_server_free(&(*snapshot)->tls);
		free(*snapshot);
	}
	*snapshot = NULL;
}
