/* SPDX-License-Identifier: ISC
 *
 * peer.h - one connection to another mail server, from the greeting to the point where a
 * transaction may begin: greeting, EHLO, STARTTLS, EHLO. How far it came is a fact for policy
 * (enum hello); nothing of a message is said here.
 */
#ifndef DELIVERY_PEER_H
#define DELIVERY_PEER_H

#include "base/arena.h"
#include "delivery/config.h"
#include "mail/reply.h"

/* One of `plain` and `secure` stands, the other is NULL; both are NULL once it is closed. */
struct peer {
	struct plain *plain;
	struct secure *secure;
	struct plaintext_permit permit; /* with `plain` */
	struct extensions extensions;
	bool dirty; /* a transaction was left open: RSET first */

	/* For which mail it may be used again (policy.md section 7). Views into `memory`. */
	struct str domain, host;
	struct str basis; /* all that its judgement rests on */
	struct ip ip;
	uint16_t port;
	demands wanted;
	struct config *config; /* held */
	struct deadline expires;
	int64_t idle_since;
	unsigned messages;
	struct judgement judgement; /* as it was judged, and by what proof; for the evidence */
	const char *proven_by;
	struct seal seal;
	struct arena memory;
	struct peer *next; /* in the pool */
};

/* Nothing of RFC 5321's reply, and no more than its bounds, was heard. */
enum heard { HEARD, HEARD_NONSENSE, HEARD_EOF, HEARD_TIMEOUT };

/* Read one whole reply. */
enum heard hear(struct wire *wire, struct remote_reply *reply, struct deadline deadline) must_use;

struct wire *peer_wire(struct peer *peer);

struct peer_terms {
	struct str our_name;
	const struct tls_client *tls;
	struct secure_target target;
	struct deadline deadline; /* for all up to the end of TLS */
};

/* Talk to a just connected peer until TLS stands or can't (host->hello says what happened).
 * `reply` is what the peer said last. Where plaintext may still be possible on this connection,
 * peer->plain stands and the extensions are those of plaintext. */
void peer_greet(struct peer *peer, const struct peer_terms *terms, struct host_facts *host,
	struct remote_reply *reply, struct why *why);
/* Greeting and EHLO alone, on a new connection after TLS failed on another. Plaintext follows,
 * so the caller has a permit. HELLO_NO_STARTTLS: it stands; anything else: it doesn't. */
enum hello peer_greet_plain(
	struct peer *peer, const struct peer_terms *terms, struct remote_reply *reply);

/* A peer over a connected socket. Everything but the socket is filled in by the caller. */
struct peer *peer_new(int fd);
/* Say QUIT if anything can still be said (without waiting for the answer), close, free. */
void peer_close(struct peer **peer);

#endif
