/* SPDX-License-Identifier: ISC
 *
 * main.c - siegel-delivery: mail going out. Owns the resolver and every connection to another
 * mail server; reads no file, and hears nobody but the questions of the operator and the web role. Started by siegeld.
 */
#include "base/log.h"
#include "call/start.h"
#include "delivery/answer.h"
#include "delivery/sts.h"
#include "delivery/watch.h"
#include "delivery/worker.h"
#include <unistd.h>

enum { STOP_BUSY = 5 * SECOND, STOP_COMMITTING = 20 * SECOND };

/* Who is asked, and what is remembered, whatever the settings say. */
struct standing {
	struct client *store;
	struct sts_cache *sts;
};

static struct config *config_of(struct start *start, const struct standing *standing)
{
	struct why why;
	struct config *config = config_new(
		start->settings, start_file(start, "anchor"), start_file(start, "ca"), &why);

	start_forget_files(start);
	if (!config) {
		LOG(LOG_ALARM, "bad-settings", log_text("why", why.text));
		return NULL;
	}
	config->store = standing->store;
	config->sts = standing->sts;
	return config;
}

static void reload(struct start *start, const struct standing *standing, struct delivery *delivery,
	struct replies *replies)
{
	struct config *config = config_of(start, standing);

	if (!config)
		return;
	delivery_reconfigure(delivery, config);
	replies_reconfigure(replies);
}

/* For siegel(1) where no server runs: one look, and no store to ask. */
static _Noreturn void answer_once(struct start *start)
{
	const struct standing standing = { NULL, sts_cache_new(NULL) };
	struct config *config = config_of(start, &standing);

	if (!config)
		_exit(1);
	struct delivery *delivery = delivery_new(NULL, config);
	const struct answering how = replies_answering(replies_new(delivery));
	start_drop(start);
	start_confine(start);
	answers_serve_one(&how, ROLE_CTL, start_listener(start, STR("ctl")));
	_exit(0);
}

int main(void)
{
	struct start start;

	start_open(&start, ROLE_DELIVERY);
	if (start.once)
		answer_once(&start);
	struct client *client = client_new(ROLE_STORE);
	const struct standing standing = { client, sts_cache_new(client) };
	struct config *config = config_of(&start, &standing);
	if (!config)
		return 1;
	struct delivery *delivery = delivery_new(client, config);
	start_drop(&start);
	start_confine(&start);
	delivery_serve(delivery);
	struct replies *replies = replies_new(delivery);
	const struct answering how = replies_answering(replies);
	struct answers *answers = answers_serve(&how, start_listener(&start, STR("ctl")));
	watch_start(delivery);
	start_ready(&start);
	for (;;) {
		struct start_event event = start_next(&start);

		if (event.kind == START_EDGE && event.peer == ROLE_STORE)
			client_set_edge(client, event.fd);
		else if (event.kind == START_EDGE)
			answers_set_edge(answers, event.peer, event.fd);
		else if (event.kind == START_RELOAD)
			reload(&start, &standing, delivery, replies);
		else if (event.kind == START_STOP)
			delivery_stop(
				delivery, deadline_in(STOP_BUSY), deadline_in(STOP_COMMITTING));
		if (event.kind == START_STOP || event.kind == START_GONE)
			_exit(0);
	}
}
