/* SPDX-License-Identifier: ISC
 *
 * resolve.h - where mail for a domain goes: MX, host addresses, and which of the answers are
 * DNSSEC-validated by our own resolver. The process has one resolver with one cache of finished
 * routes; a second look goes past every cache.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/why.h"
#include "mail/policy.h"
#include "mail/tlsa.h"
#include "net/ip.h"

struct str_list {
	const struct str *at;
	size_t len;
};

/* See the settings of the same names. Only read by resolver_new. */
struct resolver_setup {
	struct str anchor; /* trust anchors as in a zone file; empty: nothing is validated */
	struct str_list root_servers, forwarders, stub_zones, local_records, local_zones;
	uint16_t port; /* of the TLSA owner names, "_25._tcp.HOST": the port really used; 0: 25 */
};

struct resolver;

/* A resolver, held once; starts no thread and reads no file. NULL and why: a setting is wrong. */
struct resolver *resolver_new(const struct resolver_setup *setup, struct why *why);
struct resolver *resolver_hold(struct resolver *resolver);
/* The last release ends its threads; no look-up may be under way. */
void resolver_release(struct resolver **resolver);

enum { ROUTE_HOSTS_MAX = 12, ROUTE_ADDRESSES_MAX = 8 };

struct route_host {
	struct str name;	  /* as the MX record says; lower case, no final dot */
	unsigned preference;	  /* 0 for an implicit MX */
	struct route_facts facts; /* address: FOUND, NONE or FAILED */
	struct ip addresses[ROUTE_ADDRESSES_MAX]; /* IPv6 and IPv4 alternating */
	size_t n_addresses;
	bool capped;  /* it has more addresses than that */
	bool no_name; /* ADDRESS_NONE: there is no such name at all */

	/* With facts.tlsa == TLSA_USABLE: the usable records, and the name they were found under
	 * (RFC 7672 2.2.3): the CNAME-expanded host name first, then the original. */
	struct tlsa *tlsa;
	size_t n_tlsa;
	struct str tlsa_base;
};

enum route_kind {
	ROUTE_HOSTS,	 /* there are hosts, or an implicit MX with an address */
	ROUTE_FAILED,	 /* SERVFAIL or timed out; `bogus` tells which kind */
	ROUTE_NULL_MX,	 /* RFC 7505 */
	ROUTE_NO_DOMAIN, /* NXDOMAIN */
	ROUTE_NO_ADDRESS /* neither MX nor address */
};

/* Immutable once given out. */
struct route {
	enum route_kind kind;
	bool validated;		  /* the answer that made it this kind */
	bool bogus;		  /* ROUTE_FAILED: DNSSEC says no */
	bool capped;		  /* more hosts than ROUTE_HOSTS_MAX */
	struct route_host *hosts; /* by preference */
	size_t n_hosts;
	struct str domain; /* as it was asked for: the policy domain, and a name under DANE-TA */
	int64_t made_at;   /* wall clock: how old its facts are */
	struct deadline expires; /* the shortest TTL of its answers */
};

/* Look up the route for `domain` (lower-case A-labels) or take it from the cache; `cold` uses a
 * fresh context that has seen nothing. Blocks until the deadline at most. Never NULL. */
const struct route *resolver_route(
	struct resolver *resolver, struct str domain, bool cold, struct deadline deadline);
/* The TXT records of a name, each with its character-strings joined, in the arena. */
enum txt_kind { TXT_FOUND, TXT_NONE, TXT_FAILED };
struct txt_answer {
	enum txt_kind kind;
	struct str *at;
	size_t len;
};
struct txt_answer resolver_txt(struct resolver *resolver, struct str name, bool cold,
	struct arena *arena, struct deadline deadline);
/* The addresses of a host that is not a mail server (MTA-STS), at most `room` of them; 0: none or
 * the look-up failed. */
size_t resolver_addresses(struct resolver *resolver, struct str name, bool cold, struct ip *to,
	size_t room, struct deadline deadline);

/* The self-test of policy.md section 7: with the anchor `. SOA` validates, with a wrong one it is
 * bogus. Blocks until the deadline at most. What can't be tested (no DNS at all) changes nothing:
 * it breaks no whole resolver, and heals no broken one. Returns the health from now on. */
enum resolver_health {
	RESOLVER_UNTESTED, /* not yet, or there is no anchor of the root */
	RESOLVER_HEALTHY,
	RESOLVER_UNHEALTHY
};
enum resolver_health resolver_self_test(struct resolver *resolver, struct deadline deadline);
enum resolver_health resolver_health(const struct resolver *resolver);
/* "untested", "healthy", "unhealthy". */
const char *resolver_health_name(enum resolver_health health);
/* A resolver with other settings goes on from there, until it has been tested itself. */
void resolver_inherit_health(struct resolver *resolver, const struct resolver *from);

/* The route of an address literal: one host of that name and address. */
const struct route *route_of_literal(struct str literal, const struct ip *ip);
void route_release(const struct route **route);

#endif
