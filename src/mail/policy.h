/* SPDX-License-Identifier: ISC
 *
 * policy.h - the one pure module that decides what "only over TLS" means for a host (policy.md
 * sections 2 and 3). Facts go in, a plan comes out before connecting and a judgement after.
 * No sockets, no clock, no memory. Delivery, preflight, letters and tests all ask here.
 *
 * Every fact begins at a zero value "not looked up" or "not checked". Where it matters, that is a
 * fault on our side: nothing is accepted and nothing refused by it. Where it does not matter
 * (policy_needs_*, struct plan), any value gives the same verdict.
 */
#ifndef MAIL_POLICY_H
#define MAIL_POLICY_H

#include "mail/demands.h"
#include "mail/reason.h"

/* In this order the worst wins: refused > unknown > accepted. Numbers are stored on disk. */
enum verdict { VERDICT_ACCEPTED, VERDICT_UNKNOWN, VERDICT_REFUSED };
/* "accepted", "unknown", "refused"; takes any verdict. */
const char *verdict_name(enum verdict verdict);

struct judgement {
	enum verdict verdict;
	enum reason reason; /* REASON_NONE when accepted */
};

/* What DNS and policy look-ups showed about a host before connecting. */
struct route_facts {
	bool mx_validated;   /* the MX answer, or its signed absence, is DNSSEC-validated */
	bool host_validated; /* an address or CNAME answer of the host is */
	enum {
		ADDRESS_FOUND,
		ADDRESS_NONE,
		ADDRESS_FORBIDDEN,
		ADDRESS_NO_ROUTE,
		ADDRESS_FAILED
	} address;
	bool dns_bogus; /* with ADDRESS_FAILED or TLSA_FAILED: bogus rather than unreachable */
	enum {
		TLSA_NOT_LOOKED_UP,
		TLSA_NONE,     /* validated denial, or the answers aren't validated */
		TLSA_UNUSABLE, /* validated, no usable record */
		TLSA_USABLE,
		TLSA_FAILED, /* SERVFAIL, bogus, timed out */
	} tlsa;
	enum { STS_NOT_LOOKED_UP, STS_ABSENT, STS_IN_FORCE, STS_UNKNOWN } sts;
	enum { PIN_NOT_LOOKED_UP, PIN_NONE, PIN_EXPIRED, PIN_STORED } pin;
	bool address_literal;
	bool resolver_unhealthy;
	bool unenforced; /* the message says "TLS-Required: No" (RFC 8689 4.2): without demands, what
			    the domain publishes by DANE and MTA-STS counts as absent */
};

/* How the conversation up to TLS went (policy.md section 3, second block). */
enum hello {
	HELLO_NOT_CONNECTED = 0,
	HELLO_CONNECT_REFUSED,
	HELLO_CONNECT_TIMEOUT,
	HELLO_LOST,		/* EOF, reset or time-out before TLS */
	HELLO_GREETING_REFUSED, /* 4xx, 421, 5xx */
	HELLO_EHLO_REFUSED,	/* EHLO 4xx, or EHLO and HELO both refused */
	HELLO_NO_STARTTLS,	/* EHLO lists none, or only HELO is taken */
	HELLO_STARTTLS_5XX,
	HELLO_STARTTLS_4XX,
	HELLO_STARTTLS_ODD,	/* any other answer to STARTTLS */
	HELLO_INJECTED,		/* plaintext bytes behind the 220 */
	HELLO_NOT_TLS,		/* the first record after 220 is no valid TLS record */
	HELLO_TLS_INCOMPATIBLE, /* handshake_failure, protocol_version, insufficient_security, ... */
	HELLO_TLS_ALERT,	/* any other alert or local protocol error */
	HELLO_TLS_LOST,		/* EOF, reset or time-out in the handshake */
	HELLO_SECURED_EHLO_REFUSED, /* 4xx/5xx to EHLO after TLS */
	HELLO_SECURED,		    /* TLS stands and EHLO was taken in it */
	HELLO_LOCAL_FAULT,
};

/* What the host showed in TLS. All false or zero where it wasn't checked. */
struct host_facts {
	enum hello hello;
	enum { DANE_NOT_CHECKED, DANE_MATCHES, DANE_FAILS } dane;
	enum { STS_NOT_CHECKED, STS_HOLDS, STS_FAILS } sts;
	bool sts_refetch_failed;
	enum reason sts_fault; /* why STS fails; REASON_NONE if it holds or wasn't checked */
	bool ca_proves;	       /* certificate valid for the host name against the CA store */
	enum reason certificate_fault; /* why ca_proves is false; REASON_NONE if not checked */
	enum { PIN_NOT_CHECKED, PIN_MATCHES, PIN_FAILS } pin;
	bool requiretls_announced;
};

/* What to do with a host, worked out from what is known before connecting. */
struct plan {
	bool connect;		 /* false: `before` is final for this look */
	struct judgement before; /* meaningful when !connect */
	bool plaintext_allowed;	 /* a conversation without TLS may carry the message */
	bool check_dane, check_sts, check_ca, check_pin;
};

/* Permission to send in plaintext. Only policy_permit_plaintext makes one; send_plain asks for
 * it by value, so that a message with demands can't reach it. */
struct plaintext_permit {
	uint32_t seal;
};

/* Which look-ups can still matter for this set, from what is known of the host so far: nothing is
 * looked up that can't. TLSA once the addresses are known; STS once TLSA is; stored entries at once. */
bool policy_needs_tlsa(const struct route_facts *route) must_use;
bool policy_needs_sts(demands wanted, const struct route_facts *route) must_use;
bool policy_needs_pin(demands wanted) must_use;

/* What must be checked before connecting, for the effective set of demands. */
struct plan policy_plan(demands wanted, const struct route_facts *route);

/* The verdict for a host from everything it showed. For {} a host without TLS is ACCEPTED with
 * the reason it had none, when policy allows plaintext: the caller then needs a permit. */
struct judgement policy_judge(
	demands wanted, const struct route_facts *route, const struct host_facts *host);

/* What the connection has shown to hold (policy.md section 2), as a set: worked out from the proofs
 * alone, whatever was wanted. What is sent over it is compared with this once more. Empty unless
 * TLS stands. */
demands policy_proofs(const struct route_facts *route, const struct host_facts *host) must_use;

/* How the server was authenticated, for evidence: "dane", "sts", "ca", or "". "pin" where only a
 * stored entry matched. */
const char *policy_proven_by(
	const struct route_facts *route, const struct host_facts *host) must_use;

/* True and a permit where the empty set, the route and what the host showed allow plaintext. */
bool policy_permit_plaintext(demands wanted, const struct route_facts *route,
	const struct host_facts *host, struct plaintext_permit *permit) must_use;
/* True if the permit came from policy_permit_plaintext. */
bool policy_permit_holds(struct plaintext_permit permit) must_use;
/* True where plaintext needs a new connection (the handshake failed on this one). */
bool policy_plaintext_needs_new_connection(enum hello hello);

/* The verdict for a recipient from its hosts' (policy.md section 4): one accepted wins, all
 * refused is refused, anything else unknown. `capped`: not all hosts were tried. n == 0: unknown. */
struct judgement policy_join_hosts(const struct judgement *hosts, size_t n, bool capped);

/* A refusal that rests on local facts alone needs no second look. */
bool policy_needs_second_look(struct judgement refused);

#endif
