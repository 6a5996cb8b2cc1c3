/* SPDX-License-Identifier: ISC
 *
 * pool.c - idle connections. A connection is known by everything its judgement rested on: the
 * domain, the demands, host, address and port, what was published or stored about the host (TLSA
 * set, policy, entries), and the configuration with its CA store; it is kept no longer than the
 * facts it was judged by. A peer that says anything while idle (421, or something smuggled in) has
 * ended it.
 */
#include "delivery/pool.h"

#include "base/must.h"
#include "base/thread.h"
#include <stdlib.h>

enum {
	IDLE_MOST = 4 * SECOND, /* most servers wait minutes, but have few places */
	SWEEP = 1 * SECOND,
	MESSAGES_MOST = 200, /* then a new one, so that load spreads over a host's addresses */
};

struct pool {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t filled;
	struct peer *newest;
	size_t n, most;
};

static bool has_address(const struct route_host *host, const struct ip *ip)
{
	for (size_t i = 0; i < host->n_addresses; i++)
		if (ip_eq(&host->addresses[i], ip))
			return true;
	return false;
}

static bool is_named(const struct peer *peer, const struct look_host *hosts, size_t n_hosts)
{
	for (size_t i = 0; i < n_hosts; i++)
		if (str_eq(hosts[i].of->name, peer->host) && str_eq(hosts[i].basis, peer->basis) &&
			has_address(hosts[i].of, &peer->ip))
			return true;
	return false;
}

static bool fits(const struct peer *peer, const struct pool_key *key, const struct look_host *hosts,
	size_t n_hosts)
{
	return peer->wanted == key->wanted && peer->port == key->port &&
	       peer->config == key->config && str_eq(peer->domain, key->domain) &&
	       !deadline_passed(peer->expires) && is_named(peer, hosts, n_hosts);
}

static struct peer *unlink_at(struct pool *pool, struct peer **at)
{
	struct peer *peer = *at;

	*at = peer->next;
	peer->next = NULL;
	pool->n--;
	return peer;
}

struct peer *pool_take(struct pool *pool, const struct pool_key *key, const struct look_host *hosts,
	size_t n_hosts)
{
	for (;;) {
		struct peer *found = NULL;
		pthread_mutex_lock(&pool->lock);
		for (struct peer **at = &pool->newest; *at && !found; at = &(*at)->next)
			if (fits(*at, key, hosts, n_hosts)) {
				found = unlink_at(pool, at);
				break;
			}
		pthread_mutex_unlock(&pool->lock);
		if (!found || !wire_readable(peer_wire(found)))
			return found;
		peer_close(&found);
	}
}

/* The oldest stands last. */
static struct peer *unlink_oldest(struct pool *pool)
{
	struct peer **at = &pool->newest;

	while (*at && (*at)->next)
		at = &(*at)->next;
	return *at ? unlink_at(pool, at) : NULL;
}

void pool_keep(struct pool *pool, struct peer **peer)
{
	struct peer *p = *peer, *surplus = NULL;

	*peer = NULL;
	if (p->messages >= MESSAGES_MOST || deadline_passed(p->expires)) {
		peer_close(&p);
		return;
	}
	p->idle_since = clock_monotonic_ms();
	pthread_mutex_lock(&pool->lock);
	if (!pool->newest)
		pthread_cond_signal(&pool->filled);
	p->next = pool->newest;
	pool->newest = p;
	if (++pool->n > pool->most)
		surplus = unlink_oldest(pool);
	pthread_mutex_unlock(&pool->lock);
	peer_close(&surplus);
}

/* Unlink all that were kept too long; a list. */
static struct peer *take_stale(struct pool *pool)
{
	int64_t now = clock_monotonic_ms();
	struct peer *stale = NULL;

	for (struct peer **at = &pool->newest; *at;) {
		if (now - (*at)->idle_since < IDLE_MOST && !deadline_passed((*at)->expires)) {
			at = &(*at)->next;
			continue;
		}
		struct peer *old = unlink_at(pool, at);
		old->next = stale;
		stale = old;
	}
	return stale;
}

static void close_all(struct peer *list)
{
	while (list) {
		struct peer *next = list->next;
		peer_close(&list);
		list = next;
	}
}

void pool_empty(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	struct peer *all = pool->newest;
	pool->newest = NULL;
	pool->n = 0;
	pthread_mutex_unlock(&pool->lock);
	close_all(all);
}

static _Noreturn void *sweep(void *of)
{
	struct pool *pool = of;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (!pool->newest)
			pthread_cond_wait(&pool->filled, &pool->lock);
		condition_wait(&pool->filled, &pool->lock, deadline_in(SWEEP));
		struct peer *stale = take_stale(pool);
		pthread_mutex_unlock(&pool->lock);
		close_all(stale);
		pthread_mutex_lock(&pool->lock);
	}
}

struct pool *pool_new(size_t most)
{
	struct pool *pool = must_alloc(sizeof *pool);

	pool->most = most;
	pthread_mutex_init(&pool->lock, NULL);
	condition_init(&pool->filled);
	must(thread_start(sweep, pool, 0));
	return pool;
}
