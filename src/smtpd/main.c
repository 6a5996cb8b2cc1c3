/* SPDX-License-Identifier: ISC
 *
 * main.c - siegel-smtpd: who sends us mail talks to this process. It has listening sockets, keys
 * and a way to ask the store; no files, no database, no connections of its own making.
 */
#include "base/log.h"
#include "call/start.h"
#include "smtpd/serve.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct str numbered(const struct start *start, const char *what, size_t i)
{
	char name[32];

	snprintf(name, sizeof name, "%s:%zu", what, i);
	return start_file(start, name);
}

/* Name the pairs that can't be used. */
static void complain(const struct settings *settings, const struct str *chains,
	const struct str *keys, size_t n, const struct why *all)
{
	size_t bad = 0;

	for (size_t i = 0; i < n && i < START_FILES_MAX; i++) {
		struct why why;
		struct tls_server *tls = tls_server_new(&chains[i], &keys[i], 1, &why);
		if (!tls) {
			LOG(LOG_ALARM, "no-certificate",
				log_str("certificate", settings->certificate.at[i]),
				log_str("key", settings->key.at[i]), log_text("why", why.text));
			bad++;
		}
		tls_server_free(&tls);
	}
	if (!bad)
		LOG(LOG_ALARM, "no-certificate", log_text("why", all->text));
}

/* Settings and certificates as they are now; NULL and a line in the log if they can't be used. */
static struct snapshot *take_snapshot(struct start *start)
{
	struct str chains[START_FILES_MAX], keys[START_FILES_MAX];
	size_t n = start->settings->certificate.len;
	struct tls_server *tls = NULL;
	struct why why = { "too many certificates" };

	for (size_t i = 0; i < n && i < START_FILES_MAX; i++) {
		chains[i] = numbered(start, "certificate", i);
		keys[i] = numbered(start, "key", i);
	}
	if (n > 0 && n <= START_FILES_MAX)
		tls = tls_server_new(chains, keys, n, &why);
	if (n > 0 && !tls)
		complain(start->settings, chains, keys, n, &why);
	start_forget_files(start);
	if (n > 0 && !tls)
		return NULL;
	return snapshot_new(start->settings, tls);
}

static struct smtpd *open_smtpd(struct start *start)
{
	struct snapshot *snapshot = take_snapshot(start);

	if (!snapshot)
		exit(1);
	/* Many threads, little memory each: a heap per thread would cost more than it saves. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	struct smtpd *smtpd = smtpd_new(snapshot);
	for (size_t i = 0; i < start->settings->listeners.len; i++) {
		const struct listener_settings *listener = &start->settings->listeners.at[i];
		int fd = start_listener(start, listener->name);
		if (fd >= 0)
			smtpd_listen(smtpd, listener->kind, listener->name, fd);
	}
	return smtpd;
}

static void reload(struct smtpd *smtpd, struct start *start)
{
	struct snapshot *snapshot = take_snapshot(start);

	if (!snapshot)
		return; /* the old one goes on serving */
	smtpd_reload(smtpd, snapshot);
	LOG(LOG_INFO, "reloaded", log_u64("certificates", start->settings->certificate.len));
}

int main(void)
{
	struct start start;

	start_open(&start, ROLE_SMTPD);
	struct smtpd *smtpd = open_smtpd(&start);
	start_drop(&start);
	start_confine(&start);
	smtpd_serve(smtpd);
	start_ready(&start);
	for (;;) {
		struct start_event event = start_next(&start);
		switch (event.kind) {
		case START_EDGE:
			client_set_edge(smtpd_store(smtpd), event.fd);
			break;
		case START_RELOAD:
			reload(smtpd, &start);
			break;
		case START_STOP:
			/* Sessions that are running still must not see the libraries taken down. */
			if (!smtpd_stop(smtpd))
				_exit(0);
			return 0;
		case START_GONE:
			_exit(1); /* for the same reason */
		}
	}
}
