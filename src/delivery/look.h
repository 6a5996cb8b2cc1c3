/* SPDX-License-Identifier: ISC
 *
 * look.h - one look at where mail for a domain would go: the route, what is known of its hosts,
 * and each of their addresses judged by mail/policy, in their order. Whoever delivers and whoever
 * only asks (preflight) look the same way; nothing of a message is said here.
 *
 *	if (look_begin(&look))
 *		while ((peer = look_next(&look)))
 *			... hand mail over, or close it
 *	judgement = look_judgement(&look);
 *	look_end(&look);
 */
#ifndef DELIVERY_LOOK_H
#define DELIVERY_LOOK_H

#include "call/message.h"
#include "delivery/peer.h"
#include "delivery/stored.h"
#include "net/certificate.h"

struct sts_view;

enum {
	ATTEMPTS_MAX = 24, /* addresses asked in one look; beyond that too-many-hosts */
	ATTEMPTS_ROOM = ATTEMPTS_MAX + ROUTE_ADDRESSES_MAX + 2, /* addresses fail in a bunch */
};

/* A host of the route, with all that is known of it before connecting. */
struct look_host {
	const struct route_host *of;
	struct route_facts facts;
	struct str
		basis; /* everything its judgement rests on, for comparing (policy.md section 7) */
};

/* What an address showed, beside the evidence. */
struct sight {
	struct host_facts shown;
	struct certificate certificate;
};

/* The first block is the caller's, all else is for reading. */
struct look {
	struct config *config; /* outlives the look */
	struct str domain;     /* lower-case A-labels, or an address literal */
	demands wanted;
	bool unenforced; /* the message says "TLS-Required: No" */
	bool cold;	 /* second look: fresh DNS */
	struct arena *arena;
	struct deadline until; /* of the whole look */
	int64_t connect_ms;    /* for each address */
	bool hurried;	       /* no host may take more than its share of what is left of `until` */
	/* NULL; or room for ATTEMPTS_ROOM of them, one for each of `attempts`: then every address is
	 * asked and everything about it checked, and look_next finds nothing to use. */
	struct sight *sights;

	const struct route *route;
	const struct sts_view *sts; /* NULL: not looked up */
	struct stored_view stored;  /* where something `pinned` is wanted */
	bool literal;
	struct look_host hosts[ROUTE_HOSTS_MAX]; /* in the order they are asked */
	size_t n_hosts, at;			 /* at: the one to ask next */
	struct attempt attempts[ATTEMPTS_ROOM];
	size_t n_attempts;
	struct judgement shown[ROUTE_HOSTS_MAX]; /* of the hosts asked */
	size_t n_shown;
	bool over; /* there is no host to ask: `end` says why */
	struct judgement end;
	bool permanent; /* `end` needs no second look */
	bool connected; /* TCP stood at least once */
	bool capped;	/* not everything was tried */
	bool sts_asked_again, sts_refetch_failed;
	struct deadline trying; /* no new address is asked after this */
	struct deadline turn;	/* of the host being asked */
};

/* Look the route and the facts up. False: nothing can be asked, look_judgement says why. */
bool look_begin(struct look *look) must_use;
/* The next connection that policy accepts for look->wanted, the caller's to use or close; NULL
 * where no host is left. Its evidence is the last of look->attempts. */
struct peer *look_next(struct look *look) must_use;
/* Before anything of a message is said to what look_next gave: is what is stored of the domain still
 * what it was judged by (policy.md section 7)? If not, its judgement is taken back; close it. */
bool look_still_holds(struct look *look) must_use;
/* The verdict for a recipient from all that was asked (policy.md section 4). */
struct judgement look_judgement(const struct look *look);
/* Give back the route and the policy. */
void look_end(struct look *look);

/* The evidence of a connection kept from an earlier look, and taking that back. */
struct attempt *look_note_kept(struct look *look, const struct peer *peer);
void look_forget_kept(struct look *look);

#endif
