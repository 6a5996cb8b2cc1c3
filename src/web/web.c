/* SPDX-License-Identifier: ISC
 *
 * web.c - what the role is made of, before it serves and when its settings change.
 */
#include "web/web.h"

#include "base/log.h"
#include "base/must.h"
#include "web/events.h"
#include "web/limits.h"
#include "web/pairs.h"
#include "web/share.h"
#include "web/visit.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static struct str numbered(const struct start *start, const char *what, size_t i)
{
	char name[32];

	snprintf(name, sizeof name, "%s:%zu", what, i);
	return start_file(start, name);
}

/* The certificates as they are now; false and a line in the log if they can't be used. */
static bool read_pairs(struct start *start, struct pairs **pairs)
{
	struct str chains[START_FILES_MAX], keys[START_FILES_MAX];
	bool speaks_tls = settings_listens(start->settings, LISTENER_WEB);
	size_t n = speaks_tls ? start->settings->certificate.len : 0, bad = 0;
	struct why why;

	for (size_t i = 0; i < n && i < START_FILES_MAX; i++) {
		chains[i] = numbered(start, "certificate", i);
		keys[i] = numbered(start, "key", i);
	}
	*pairs = NULL;
	if (n > 0 && n <= START_FILES_MAX)
		*pairs = pairs_new(chains, keys, n, &bad, &why);
	start_forget_files(start);
	if (n > 0 && !*pairs)
		LOG(LOG_ALARM, "no-certificate",
			log_str("certificate", start->settings->certificate.at[bad]),
			log_str("key", start->settings->key.at[bad]), log_text("why", why.text));
	return n == 0 || *pairs;
}

struct web *web_open(struct start *start)
{
	struct web *web = must_alloc(sizeof *web);
	struct pairs *pairs;

	if (!read_pairs(start, &pairs))
		exit(1);
	pairs_use(pairs);
	/* Many threads, little memory each: a heap per thread would cost more than it saves. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	web->settings = start->settings;
	web->store = client_new(ROLE_STORE);
	web->mailbox = client_new(ROLE_MAILBOX);
	web->delivery = client_new(ROLE_DELIVERY);
	web->gate = gate_new();
	web->shares = shares_new();
	web->quick = workers_new(QUICK_THREADS, THREADS_OF_ONE, WAITING_MAX, WORKER_STACK);
	web->slow = workers_new(SLOW_THREADS, THREADS_OF_ONE, WAITING_MAX, WORKER_STACK);
	web->streams = streams_new();
	web->visits = visits_new(web->gate);
	return web;
}

void web_reload(struct web *web, struct start *start)
{
	struct pairs *pairs;

	if (!read_pairs(start, &pairs))
		return; /* the old ones go on serving */
	pairs_use(pairs);
	web->settings = start->settings;
	LOG(LOG_INFO, "reloaded", log_u64("certificates", start->settings->certificate.len));
}

void web_edge(struct web *web, enum role with, int fd)
{
	if (with == ROLE_STORE)
		client_set_edge(web->store, fd);
	else if (with == ROLE_MAILBOX)
		client_set_edge(web->mailbox, fd);
	else if (with == ROLE_DELIVERY)
		client_set_edge(web->delivery, fd);
	else
		fd_close(&fd);
}
