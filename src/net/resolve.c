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
#include "net/question.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CACHE_SLOTS = 4096,	/* routes kept; a colliding one takes the place */
	TTL_LEAST = 1 * SECOND, /* routes of TTL 0 still serve those who ask together */
	TTL_MOST = 1 * HOUR,
	ROUTE_MEMORY = 64 * 1024,
	NAME_MAX_LEN = 253,
	CNAMES_MAX = 8,
};

/* A route as it lives in the cache. */
struct kept_route {
	struct route route; /* first: what is given out is this */
	atomic_int holders;
	struct str domain;
	struct arena memory;
};

struct resolver {
	atomic_int holders;
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
	};
}

struct resolver *resolver_new(const struct resolver_setup *setup, struct why *why)
{
	struct resolver *resolver = must_alloc(sizeof *resolver);

	atomic_init(&resolver->holders, 1);
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
	kept->domain = arena_str(&kept->memory, domain);
	kept->route.expires = deadline_in(TTL_MOST);
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
		.name = kept->domain,
		.facts = { .address = ADDRESS_FOUND, .address_literal = true },
		.addresses = { *ip },
		.n_addresses = 1,
	};
	kept->route.n_hosts = 1;
	return &kept->route;
}

/* The route lives no longer than this answer. */
static void note_ttl(struct route *route, const struct answer *answer)
{
	int64_t ttl = answer->ttl_ms < TTL_LEAST ? TTL_LEAST : answer->ttl_ms;

	route->expires = deadline_earlier(route->expires, deadline_in(ttl));
}

/* A name a question can be asked about: hosts of mail have letters, digits, hyphens; some write
 * underscores. Everything else has no address by definition (RFC 5321 2.3.5). */
static bool is_host_name(struct str name)
{
	if (name.len == 0 || name.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool dot = c == '.' && i > 0 && name.at[i - 1] != '.';
		if (!dot && !ascii_is_alnum(c) && c != '-' && c != '_')
			return false;
	}
	return true;
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
	return text.overflowed ? (struct str){ NULL, 0 } : arena_str(arena, buf_str(&text));
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

/* The MX records of an answer, sorted, each name once; those without a host name fall out. */
static size_t read_mx(const struct answer *answer, struct arena *arena, struct mx *to)
{
	size_t n = 0, unique = 0;

	for (size_t i = 0; n < MX_RECORDS_MAX; i++) {
		struct str data = answer_record(answer, i);
		if (!data.at)
			break;
		if (data.len < 3)
			continue;
		unsigned preference =
			(unsigned)(unsigned char)data.at[0] << 8 | (unsigned char)data.at[1];
		struct str name = name_of_wire(arena, str_tail(data, 2));
		if (is_host_name(name))
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

/* Both families of one host, asked. */
struct host_questions {
	struct question *v6, *v4;
};

/* One family's answer, CNAMEs that libunbound didn't follow (those of local records) followed. */
static struct answer wait_family(
	struct dns_context *context, struct question **q, int type, struct deadline deadline)
{
	struct answer answer = question_wait(*q, deadline);
	bool validated = answer.validated;

	for (int i = 0; i < CNAMES_MAX && answer.kind == ANSWER_NO_DATA && answer.canonical.len;
		i++) {
		struct question *next = question_ask(context, answer.canonical, type);
		question_end(q);
		*q = next;
		answer = question_wait(*q, deadline);
		validated &= answer.validated;
	}
	answer.validated = validated;
	return answer;
}

static bool failed(const struct answer *answer)
{
	return answer->kind == ANSWER_FAILED || answer->kind == ANSWER_BOGUS;
}

/* IPv6 and IPv4 in turns. */
static void add_addresses(struct route_host *host, const struct answer *v6, const struct answer *v4)
{
	for (size_t i = 0;; i++) {
		struct str six = v6->kind == ANSWER_DATA ? answer_record(v6, i) : STR("");
		struct str four = v4->kind == ANSWER_DATA ? answer_record(v4, i) : STR("");
		struct str both[] = { six, four };
		if (!six.len && !four.len)
			return;
		for (size_t j = 0; j < 2; j++) {
			if (!both[j].len)
				continue;
			if (host->n_addresses == ROUTE_ADDRESSES_MAX)
				host->capped = true;
			else if (ip_of_record(both[j], &host->addresses[host->n_addresses]))
				host->n_addresses++;
		}
	}
}

/* policy.md section 3: one family failing, go on with the other, whose validation counts. No
 * address is only believed of a host if both families said so. */
static void judge_addresses(
	struct route_host *host, const struct answer *v6, const struct answer *v4)
{
	bool any_failed = failed(v6) || failed(v4);

	add_addresses(host, v6, v4);
	if (host->n_addresses) {
		host->facts.address = ADDRESS_FOUND;
		host->facts.host_validated = (v6->kind == ANSWER_DATA && v6->validated) ||
					     (v4->kind == ANSWER_DATA && v4->validated);
	} else if (any_failed) {
		host->facts.address = ADDRESS_FAILED;
		host->facts.dns_bogus = v6->kind == ANSWER_BOGUS || v4->kind == ANSWER_BOGUS;
	} else {
		host->facts.address = ADDRESS_NONE;
		host->facts.host_validated = v6->validated && v4->validated;
	}
}

static void ask_host(
	struct dns_context *context, const struct route_host *host, struct host_questions *q)
{
	q->v6 = question_ask(context, host->name, TYPE_AAAA);
	q->v4 = question_ask(context, host->name, TYPE_A);
}

/* Returns whether both families failed or were missing because the name doesn't exist. */
static bool take_host(struct dns_context *context, struct route *route, struct route_host *host,
	struct host_questions *q, struct deadline deadline)
{
	struct answer v6 = wait_family(context, &q->v6, TYPE_AAAA, deadline);
	struct answer v4 = wait_family(context, &q->v4, TYPE_A, deadline);

	judge_addresses(host, &v6, &v4);
	if (!failed(&v6))
		note_ttl(route, &v6);
	if (!failed(&v4))
		note_ttl(route, &v4);
	bool no_name = v6.kind == ANSWER_NO_NAME && v4.kind == ANSWER_NO_NAME;
	question_end(&q->v6);
	question_end(&q->v4);
	return no_name;
}

static void fail_route(struct route *route, bool bogus)
{
	route->kind = ROUTE_FAILED;
	route->bogus = bogus;
}

/* RFC 5321 5.1: no MX records; the domain is its own host. */
static void implicit_mx(struct dns_context *context, struct kept_route *kept, bool mx_validated,
	struct deadline deadline)
{
	struct route *route = &kept->route;
	struct route_host *host = room_for_hosts(kept, 1);
	struct host_questions q;

	host->name = kept->domain;
	host->facts.mx_validated = mx_validated;
	ask_host(context, host, &q);
	bool no_name = take_host(context, route, host, &q, deadline);
	route->n_hosts = 1;
	if (host->facts.address == ADDRESS_FAILED) {
		fail_route(route, host->facts.dns_bogus);
	} else if (host->facts.address == ADDRESS_NONE) {
		route->kind = no_name ? ROUTE_NO_DOMAIN : ROUTE_NO_ADDRESS;
		route->validated = mx_validated && host->facts.host_validated;
	}
}

static void explicit_mx(struct dns_context *context, struct kept_route *kept,
	const struct answer *answer, struct deadline deadline)
{
	struct route *route = &kept->route;
	struct mx mx[MX_RECORDS_MAX];
	struct host_questions q[ROUTE_HOSTS_MAX];
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
		ask_host(context, &hosts[i], &q[i]);
	}
	for (size_t i = 0; i < n; i++)
		take_host(context, route, &hosts[i], &q[i], deadline);
	route->n_hosts = n;
	route->capped = found > n;
}

/* The MX answer; a CNAME of local records is followed, as libunbound does with others. */
static void look_up(struct dns_context *context, struct kept_route *kept, struct deadline deadline)
{
	struct route *route = &kept->route;
	struct question *q = question_ask(context, kept->domain, TYPE_MX);
	struct answer answer = wait_family(context, &q, TYPE_MX, deadline);

	if (!failed(&answer))
		note_ttl(route, &answer);
	if (failed(&answer)) {
		fail_route(route, answer.kind == ANSWER_BOGUS);
	} else if (answer.kind == ANSWER_NO_NAME) {
		route->kind = ROUTE_NO_DOMAIN;
		route->validated = answer.validated;
	} else if (answer.kind == ANSWER_NO_DATA) {
		implicit_mx(context, kept, answer.validated, deadline);
	} else if (is_null_mx(&answer)) {
		route->kind = ROUTE_NULL_MX;
		route->validated = answer.validated;
	} else {
		explicit_mx(context, kept, &answer, deadline);
	}
	question_end(&q);
}

static bool host_failed(const struct route *route)
{
	for (size_t i = 0; i < route->n_hosts; i++)
		if (route->hosts[i].facts.address == ADDRESS_FAILED)
			return true;
	return false;
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
	if (kept && str_eq(kept->domain, domain) && !deadline_passed(kept->route.expires)) {
		atomic_fetch_add(&kept->holders, 1);
		found = &kept->route;
	}
	pthread_mutex_unlock(&resolver->lock);
	return found;
}

static void to_cache(struct resolver *resolver, struct kept_route *kept)
{
	if (kept->route.kind == ROUTE_FAILED || host_failed(&kept->route))
		return;
	atomic_fetch_add(&kept->holders, 1);
	pthread_mutex_lock(&resolver->lock);
	struct kept_route **slot = slot_of(resolver, kept->domain);
	const struct route *old = *slot ? &(*slot)->route : NULL;
	*slot = kept;
	pthread_mutex_unlock(&resolver->lock);
	route_release(&old);
}

static void look_up_cold(
	struct resolver *resolver, struct kept_route *kept, struct deadline deadline)
{
	struct dns_context *context = dns_context_new(&resolver->setup, false, NULL);

	if (!context) {
		fail_route(&kept->route, false);
		return;
	}
	look_up(context, kept, deadline);
	dns_context_free(&context);
}

const struct route *resolver_route(
	struct resolver *resolver, struct str domain, bool cold, struct deadline deadline)
{
	const struct route *cached = cold ? NULL : from_cache(resolver, domain);

	if (cached)
		return cached;
	struct kept_route *kept = route_new(domain);
	if (!is_host_name(domain)) {
		kept->route.kind = ROUTE_NO_DOMAIN;
		kept->route.validated = true; /* no answer could say otherwise */
		return &kept->route;
	}
	if (cold)
		look_up_cold(resolver, kept, deadline);
	else
		look_up(resolver->shared, kept, deadline);
	to_cache(resolver, kept);
	return &kept->route;
}
