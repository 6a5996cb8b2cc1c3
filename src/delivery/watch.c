/* SPDX-License-Identifier: ISC
 *
 * watch.c - see watch.h. Runs in a thread of its own beside the workers, confined as they are.
 * It decides about no mail itself: a resolver that is not healthy knows so, and whoever looks up a
 * route asks it.
 */
#include "delivery/watch.h"

#include "base/log.h"
#include "base/thread.h"
#include "delivery/own_mx.h"
#include "delivery/sts_refresh.h"
#include <time.h>

enum { TEST_WAIT = 20 * SECOND, REFRESH_EVERY = 2 * MINUTE, STACK = 256 * 1024 };

/* What is watched, and when it is looked at again. */
struct watch {
	struct config *config;
	enum resolver_health health;
	struct deadline test, check, refresh;
};

enum resolver_health watch_resolver(struct resolver *resolver, enum resolver_health before)
{
	enum resolver_health now = resolver_self_test(resolver, deadline_in(TEST_WAIT));

	if (now == before)
		return now;
	if (now == RESOLVER_UNHEALTHY)
		LOG(LOG_ALARM, "resolver-unhealthy",
			log_text("why", "DNSSEC validation doesn't work: wrong clock, old trust "
					"anchor, or a name server that strips signatures"),
			log_text("then", "mail waits until it does"));
	else
		LOG(LOG_INFO, now == RESOLVER_HEALTHY ? "resolver-healthy" : "resolver-untested",
			log_text("was", resolver_health_name(before)));
	return now;
}

/* There are other settings: everything is looked at anew. Takes over `now`. */
static void renew(struct watch *w, struct config *now)
{
	if (now != w->config)
		w->test = w->check = (struct deadline){ 0 };
	config_release(&w->config);
	w->config = now;
}

static void look(struct watch *w)
{
	if (deadline_passed(w->test)) {
		w->health = watch_resolver(w->config->resolver, w->health);
		w->test = deadline_in(w->health == RESOLVER_HEALTHY ? HOUR : MINUTE);
	}
	if (deadline_passed(w->check)) {
		own_mx_check(w->config);
		w->check = deadline_in(HOUR);
	}
	if (deadline_passed(w->refresh)) {
		sts_refresh_due(w->config);
		w->refresh = deadline_in(REFRESH_EVERY);
	}
}

static void *watch(void *delivery)
{
	const struct timespec pause = { .tv_sec = 1 };
	struct watch w = { 0 };

	for (;;) {
		renew(&w, delivery_config(delivery));
		look(&w);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

void watch_start(struct delivery *delivery)
{
	if (!thread_start(watch, delivery, STACK))
		LOG(LOG_WARNING, "no-thread", log_text("what", "watch"));
}
