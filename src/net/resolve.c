/* SPDX-License-Identifier: ISC
 *
 * resolve.c - from a mail domain to a route: MX records, then the addresses of every host, all
 * asked at once. Runs in delivery's worker threads, which share one context and one cache of
 * finished routes; a second look makes a context of its own and throws it away.
 * A failure is never taken for an absence: SERVFAIL, bogus and time-outs stay apart from "no",
 * and are not cached here.
 */
#include "net/resolve.h"

#include "base/arena.h"
#include "base/must.h"
#include "net/host.h"
#include "net/self_test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CACHE_SLOTS = 4096, /* routes kept; a colliding one takes the place */
	ROUTE_MEMORY = 64 * 1024,
	TXT_MAX = 64 * 1024,
	SMTP_PORT = 25,
	LITERAL_LIFE = 1 * HOUR, /* of what no answer stands behind */
};

/* A route as it lives in the cache. */
struct kept_route {
	struct route route; /* first: what is given out is this */
	atomic_int holders;
	struct arena memory;
};

struct resolver {
	atomic_int holders;
	atomic_int health;
	struct dns_context *shared;
	struct arena memory; /* of `setup` */
	struct resolver_setup setup;
	pthread_mutex_t lock; /* guards the slots */
	struct kept_route *slots[CACHE_SLOTS];
};

static struct str_list copy_list(struct arena *to, struct str_list from)
{
	struct str *copies = arena_array(to, from.len, sizeof *copies);

	must(copies != NULL);
	for (size_t i = 0; i < from.len; i++)
		copies[i] = arena_str(to, from.at[i]);
	return (struct str_list){ copies, from.len };
}

static void copy_setup(struct resolver *resolver, const struct resolver_setup *from)
{
	struct arena *to = &resolver->memory;

	resolver->setup = (struct resolver_setup){
		.anchor = arena_str(to, from->anchor),
		.root_servers = copy_list(to, from->root_servers),
		.forwarders = copy_list(to, from->forwarders),
		.stub_zones = copy_list(to, from->stub_zones),
		.local_records = copy_list(to, from->local_records),
		.local_zones = copy_list(to, from->local_zones),
		.port = from->port ? from->port : SMTP_PORT,
	};
}

struct resolver *resolver_new(const struct resolver_setup *setup, struct why *why)
{
	struct resolver *resolver = must_alloc(sizeof *resolver);

	atomic_init(&resolver->holders, 1);
	atomic_init(&resolver->health, RESOLVER_UNTESTED);
	pthread_mutex_init(&resolver->lock, NULL);
	resolver->memory = ARENA(SIZE_MAX);
	copy_setup(resolver, setup);
	resolver->shared = dns_context_new(&resolver->setup, true, why);
	if (!resolver->shared)
		resolver_release(&resolver);
	return resolver;
}

struct resolver *resolver_hold(struct resolver *resolver)
{
	atomic_fetch_add(&resolver->holders, 1);
	return resolver;
}

void resolver_release(struct resolver **resolver)
{
	struct resolver *r = *resolver;

	*resolver = NULL;
	if (!r || atomic_fetch_sub(&r->holders, 1) != 1)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++) {
		const struct route *route = r->slots[i] ? &r->slots[i]->route : NULL;
		route_release(&route);
	}
	dns_context_free(&r->shared);
	arena_free(&r->memory);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct kept_route *route_new(struct str domain)
{
	struct kept_route *kept = must_alloc(sizeof *kept);

	atomic_init(&kept->holders, 1);
	kept->memory = ARENA(ROUTE_MEMORY);
	kept->route.domain = arena_str(&kept->memory, domain);
	kept->route.made_at = clock_wall_ms();
	kept->route.expires = deadline_in(LITERAL_LIFE);
	return kept;
}

static struct kept_route *kept_of(const struct route *route)
{
	return (struct kept_route *)(uintptr_t)route;
}

void route_release(const struct route **route)
{
	struct kept_route *kept = *route ? kept_of(*route) : NULL;

	*route = NULL;
	if (!kept || atomic_fetch_sub(&kept->holders, 1) != 1)
		return;
	arena_free(&kept->memory);
	free(kept);
}

static struct route_host *room_for_hosts(struct kept_route *kept, size_t n)
{
	kept->route.hosts = arena_array(&kept->memory, n, sizeof *kept->route.hosts);
	must(kept->route.hosts != NULL);
	return kept->route.hosts;
}

const struct route *route_of_literal(struct str literal, const struct ip *ip)
{
	struct kept_route *kept = route_new(literal);
	struct route_host *host = room_for_hosts(kept, 1);

	*host = (struct route_host){
		.name = kept->route.domain,
		.facts = { .address = ADDRESS_FOUND, .address_literal = true },
		.addresses = { *ip },
		.n_addresses = 1,
	};
	kept->route.n_hosts = 1;
	return &kept->route;
}

/* An uncompressed name of the wire as text, lower case, without the final dot; "" is the root,
 * or a label holds what no host name does ({NULL, 0}). */
static struct str name_of_wire(struct arena *arena, struct str wire)
{
	scoped(buf_free) struct buf text = BUF(256);

	while (wire.len && wire.at[0]) {
		size_t n = (unsigned char)wire.at[0];
		struct str label = str_head(str_tail(wire, 1), n);
		if (n > 63 || label.len != n)
			return (struct str){ NULL, 0 };
		if (text.len)
			buf_add_char(&text, '.');
		for (size_t i = 0; i < n; i++)
			buf_add_char(&text, label.at[i] == '.' ? '\\' : ascii_lower(label.at[i]));
		wire = str_tail(wire, n + 1);
	}
	/* The root ends it, and nothing stands behind that. */
	return text.overflowed || wire.len != 1 ? (struct str){ NULL, 0 }
						: arena_str(arena, buf_str(&text));
}

struct mx {
	unsigned preference;
	struct str name;
};

static int by_preference(const void *a, const void *b)
{
	const struct mx *one = a, *other = b;

	if (one->preference != other->preference)
		return one->preference < other->preference ? -1 : 1;
	return str_compare(one->name, other->name);
}

enum { MX_RECORDS_MAX = 100 };

/* The MX records of an answer, sorted, each name once; those without a host name fall out. An
 * answer may hold thousands: those behind the hundredth are not looked at, whatever they are. */
static size_t read_mx(const struct answer *answer, struct arena *arena, struct mx *to)
{
	size_t n = 0, unique = 0;

	for (size_t i = 0; i < MX_RECORDS_MAX; i++) {
		struct str data = answer_record(answer, i);
		if (!data.at)
			break;
		if (data.len < 3)
			continue;
		unsigned preference =
			(unsigned)(unsigned char)data.at[0] << 8 | (unsigned char)data.at[1];
		struct str name = name_of_wire(arena, str_tail(data, 2));
		if (lookup_can_ask(name))
			to[n++] = (struct mx){ preference, name };
	}
	qsort(to, n, sizeof *to, by_preference);
	for (size_t i = 0; i < n; i++) {
		bool seen = false;
		for (size_t j = 0; j < unique; j++)
			seen |= str_eq(to[j].name, to[i].name);
		if (!seen)
			to[unique++] = to[i];
	}
	return unique;
}

/* RFC 7505: one MX record whose host is the root. */
static bool is_null_mx(const struct answer *answer)
{
	struct str only = answer_record(answer, 0);

	return only.at && !answer_record(answer, 1).at && only.len == 3 && only.at[2] == 0;
}

static void fail_route(struct route *route, bool bogus)
{
	route->kind = ROUTE_FAILED;
	route->validated = false;
	route->bogus = bogus;
}

/* RFC 5321 5.1: no MX records; the domain is its own host. */
static void implicit_mx(
	struct lookup *lookup, struct kept_route *kept, bool mx_validated, uint16_t port)
{
	struct route *route = &kept->route;
	struct route_host *host = room_for_hosts(kept, 1);

	host->name = kept->route.domain;
	host->facts.mx_validated = mx_validated;
	hosts_look_up(lookup, &kept->memory, port, host, 1);
	route->n_hosts = 1;
	route->validated = mx_validated;
	if (host->facts.address == ADDRESS_FAILED) {
		fail_route(route, host->facts.dns_bogus);
	} else if (host->facts.address == ADDRESS_NONE) {
		route->kind = host->no_name ? ROUTE_NO_DOMAIN : ROUTE_NO_ADDRESS;
		route->validated = mx_validated && host->facts.host_validated;
	}
}

static void explicit_mx(
	struct lookup *lookup, struct kept_route *kept, const struct answer *answer, uint16_t port)
{
	struct route *route = &kept->route;
	struct mx mx[MX_RECORDS_MAX];
	size_t found = read_mx(answer, &kept->memory, mx);
	size_t n = found < ROUTE_HOSTS_MAX ? found : ROUTE_HOSTS_MAX;

	if (!n) { /* none of them names a host */
		route->kind = ROUTE_NO_ADDRESS;
		route->validated = answer->validated;
		return;
	}
	struct route_host *hosts = room_for_hosts(kept, n);
	for (size_t i = 0; i < n; i++) {
		hosts[i].name = mx[i].name;
		hosts[i].preference = mx[i].preference;
		hosts[i].facts.mx_validated = answer->validated;
	}
	hosts_look_up(lookup, &kept->memory, port, hosts, n);
	route->n_hosts = n;
	route->validated = answer->validated;
	route->capped = found > n || answer_record(answer, MX_RECORDS_MAX).at;
}

static void look_up_route(struct lookup *lookup, struct kept_route *kept, uint16_t port)
{
	struct route *route = &kept->route;
	struct question *q = question_ask(lookup->context, route->domain, TYPE_MX);
	struct answer answer = lookup_wait(lookup, &q, TYPE_MX, lookup->deadline);

	if (answer_failed(&answer)) {
		fail_route(route, answer.kind == ANSWER_BOGUS);
	} else if (answer.kind == ANSWER_NO_NAME) {
		route->kind = ROUTE_NO_DOMAIN;
		route->validated = answer.validated;
	} else if (answer.kind == ANSWER_NO_DATA) {
		implicit_mx(lookup, kept, answer.validated, port);
	} else if (is_null_mx(&answer)) {
		route->kind = ROUTE_NULL_MX;
		route->validated = answer.validated;
	} else {
		explicit_mx(lookup, kept, &answer, port);
	}
	question_end(&q);
}

static struct kept_route **slot_of(struct resolver *resolver, struct str domain)
{
	return &resolver->slots[str_hash_nocase(domain) % CACHE_SLOTS];
}

static const struct route *from_cache(struct resolver *resolver, struct str domain)
{
	const struct route *found = NULL;

	pthread_mutex_lock(&resolver->lock);
	struct kept_route *kept = *slot_of(resolver, domain);
	if (kept && str_eq(kept->route.domain, domain) && !deadline_passed(kept->route.expires)) {
		atomic_fetch_add(&kept->holders, 1);
		found = &kept->route;
	}
	pthread_mutex_unlock(&resolver->lock);
	return found;
}

static void to_cache(struct resolver *resolver, struct kept_route *kept)
{
	atomic_fetch_add(&kept->holders, 1);
	pthread_mutex_lock(&resolver->lock);
	struct kept_route **slot = slot_of(resolver, kept->route.domain);
	const struct route *old = *slot ? &(*slot)->route : NULL;
	*slot = kept;
	pthread_mutex_unlock(&resolver->lock);
	route_release(&old);
}

/* What a look-up asks: the shared context, or a cold one of its own; NULL if none can be made. */
static struct dns_context *context_for(struct resolver *resolver, bool cold)
{
	return cold ? dns_context_new(&resolver->setup, false, NULL) : resolver->shared;
}

static void done_with(struct resolver *resolver, struct dns_context **context)
{
	if (*context != resolver->shared)
		dns_context_free(context);
}

/* Returns whether what was found may be kept. */
static bool find_route(
	struct resolver *resolver, struct kept_route *kept, bool cold, struct deadline deadline)
{
	struct dns_context *context = context_for(resolver, cold);
	struct lookup lookup = lookup_in(context, deadline);

	if (!context) {
		fail_route(&kept->route, false);
		return false;
	}
	look_up_route(&lookup, kept, resolver->setup.port);
	done_with(resolver, &context);
	kept->route.expires = lookup.expires;
	return !lookup.failed;
}

const struct route *resolver_route(
	struct resolver *resolver, struct str domain, bool cold, struct deadline deadline)
{
	const struct route *cached = cold ? NULL : from_cache(resolver, domain);

	if (cached)
		return cached;
	struct kept_route *kept = route_new(domain);
	if (!lookup_can_ask(domain)) {
		kept->route.kind = ROUTE_NO_DOMAIN;
		kept->route.validated = true; /* no answer could say otherwise */
		return &kept->route;
	}
	if (find_route(resolver, kept, cold, deadline))
		to_cache(resolver, kept);
	return &kept->route;
}

/* RFC 1035 3.3.14: one or more character-strings; joined. False: the record is malformed. */
static bool join_strings(struct str data, struct buf *to)
{
	bool any = data.len > 0;

	while (data.len) {
		size_t n = (unsigned char)data.at[0];
		if (n > data.len - 1)
			return false;
		buf_add(to, str_head(str_tail(data, 1), n));
		data = str_tail(data, n + 1);
	}
	return any && !to->overflowed;
}

/* False: no room for them all. */
static bool read_txt(const struct answer *answer, struct arena *arena, struct txt_answer *to)
{
	size_t n = 0;

	while (answer_record(answer, n).at)
		n++;
	to->at = arena_array(arena, n, sizeof *to->at);
	if (!to->at)
		return false;
	for (size_t i = 0; i < n; i++) {
		scoped(buf_free) struct buf text = BUF(TXT_MAX);
		if (!join_strings(answer_record(answer, i), &text))
			continue;
		struct str *copy = &to->at[to->len++];
		*copy = arena_str(arena, buf_str(&text));
		if (!copy->at)
			return false;
	}
	return true;
}

static struct txt_answer take_txt(const struct answer *answer, struct arena *arena)
{
	struct txt_answer txt = { 0 };

	if (answer_failed(answer))
		return (struct txt_answer){ .kind = TXT_FAILED };
	if (answer->kind != ANSWER_DATA)
		return (struct txt_answer){ .kind = TXT_NONE };
	if (!read_txt(answer, arena, &txt))
		return (struct txt_answer){ .kind = TXT_FAILED };
	txt.kind = txt.len ? TXT_FOUND : TXT_NONE;
	return txt;
}

struct txt_answer resolver_txt(struct resolver *resolver, struct str name, bool cold,
	struct arena *arena, struct deadline deadline)
{
	if (!lookup_can_ask(name))
		return (struct txt_answer){ .kind = TXT_NONE };
	struct dns_context *context = context_for(resolver, cold);
	if (!context)
		return (struct txt_answer){ .kind = TXT_FAILED };
	struct lookup lookup = lookup_in(context, deadline);
	struct question *q = question_ask(context, name, TYPE_TXT);
	struct answer answer = lookup_wait(&lookup, &q, TYPE_TXT, deadline);
	struct txt_answer txt = take_txt(&answer, arena);
	question_end(&q);
	done_with(resolver, &context);
	return txt;
}

size_t resolver_addresses(struct resolver *resolver, struct str name, bool cold, struct ip *to,
	size_t room, struct deadline deadline)
{
	struct route_host host = { .name = name };

	if (!lookup_can_ask(name))
		return 0;
	struct dns_context *context = context_for(resolver, cold);
	if (!context)
		return 0;
	struct lookup lookup = lookup_in(context, deadline);
	host_find_addresses(&lookup, &host);
	done_with(resolver, &context);
	size_t n = host.n_addresses < room ? host.n_addresses : room;
	for (size_t i = 0; i < n; i++)
		to[i] = host.addresses[i];
	return n;
}

enum resolver_health resolver_self_test(struct resolver *resolver, struct deadline deadline)
{
	enum resolver_health found = self_test(&resolver->setup, deadline);

	if (found != RESOLVER_UNTESTED || !self_test_applies(&resolver->setup))
		atomic_store(&resolver->health, found);
	return resolver_health(resolver);
}

enum resolver_health resolver_health(const struct resolver *resolver)
{
	return (enum resolver_health)atomic_load(&resolver->health);
}

const char *resolver_health_name(enum resolver_health health)
{
	static const char *const names[] = {
		[RESOLVER_UNTESTED] = "untested",
		[RESOLVER_HEALTHY] = "healthy",
		[RESOLVER_UNHEALTHY] = "unhealthy",
	};

	must((unsigned)health < count_of(names));
	return names[health];
}

void resolver_inherit_health(struct resolver *resolver, const struct resolver *from)
{
	if (self_test_applies(&resolver->setup))
		atomic_store(&resolver->health, resolver_health(from));
}
