/* SPDX-License-Identifier: ISC
 *
 * peer.c - the conversation with another mail server up to TLS. Runs in worker threads. Every
 * byte of the other side is hostile, and before TLS anybody on the way may have written it: what
 * was learnt in plaintext is forgotten, what lies behind the 220 ends the session.
 */
#include "delivery/peer.h"

#include "base/must.h"
#include <stdlib.h>

enum { PEER_MEMORY = 16 * 1024 };

struct peer *peer_new(int fd)
{
	struct peer *peer = must_alloc(sizeof *peer);

	peer->plain = plain_of(fd);
	peer->memory = ARENA(PEER_MEMORY);
	return peer;
}

struct wire *peer_wire(struct peer *peer)
{
	must(peer->plain || peer->secure);
	return peer->secure ? &peer->secure->wire : &peer->plain->wire;
}

static void say_goodbye(struct wire *wire)
{
	struct deadline now = deadline_in(0);

	if (!wire->broken && wire->out.len == 0 &&
		wire_add(wire, STR("QUIT\r\n"), now) == WIRE_OK && wire_flush(wire, now) != WIRE_OK)
		wire->broken = true;
}

void peer_close(struct peer **peer)
{
	struct peer *p = *peer;

	if (!p)
		return;
	if (p->plain || p->secure)
		say_goodbye(peer_wire(p));
	plain_close(&p->plain);
	secure_close(&p->secure);
	config_release(&p->config);
	arena_free(&p->memory);
	free(p);
	*peer = NULL;
}

enum heard hear(struct wire *wire, struct remote_reply *reply, struct deadline deadline)
{
	struct str line;

	remote_reply_begin(reply);
	for (;;) {
		enum wire_result result = wire_read_line(wire, REPLY_LINE_MAX, deadline, &line);
		if (result == WIRE_TIMEOUT)
			return HEARD_TIMEOUT;
		if (result == WIRE_LONG || result == WIRE_BARE)
			return HEARD_NONSENSE;
		if (result != WIRE_OK)
			return HEARD_EOF;
		switch (remote_reply_line(reply, line)) {
		case REPLY_COMPLETE:
			return HEARD;
		case REPLY_MALFORMED:
			return HEARD_NONSENSE;
		case REPLY_MORE:
			break;
		}
	}
}

/* Say one command and hear the answer. */
static enum heard ask(struct wire *wire, struct str verb, struct str argument,
	struct remote_reply *reply, struct deadline deadline)
{
	struct str pieces[] = { verb, argument.len ? STR(" ") : STR(""), argument, STR("\r\n") };
	enum wire_result result = WIRE_OK;

	for (size_t i = 0; i < count_of(pieces) && result == WIRE_OK; i++)
		result = wire_add(wire, pieces[i], deadline);
	if (result == WIRE_OK)
		result = wire_flush(wire, deadline);
	if (result == WIRE_TIMEOUT)
		return HEARD_TIMEOUT;
	if (result != WIRE_OK)
		return HEARD_EOF;
	return hear(wire, reply, deadline);
}

static int class_of(const struct remote_reply *reply)
{
	return reply->code / 100;
}

static enum hello greeting(struct peer *peer, struct remote_reply *reply, struct deadline deadline)
{
	if (hear(&peer->plain->wire, reply, deadline) != HEARD)
		return HELLO_LOST;
	return class_of(reply) == 2 ? HELLO_SECURED : HELLO_GREETING_REFUSED;
}

/* RFC 5321 3.2: EHLO, and HELO where that isn't known. HELLO_SECURED: go on. */
static enum hello ehlo(
	struct peer *peer, const struct peer_terms *terms, struct remote_reply *reply)
{
	struct wire *wire = peer_wire(peer);

	peer->extensions = (struct extensions){ 0 };
	enum heard heard = ask(wire, STR("EHLO"), terms->our_name, reply, terms->deadline);
	if (heard == HEARD && class_of(reply) == 2) {
		remote_reply_extensions(reply, &peer->extensions);
		return HELLO_SECURED;
	}
	if (heard == HEARD && class_of(reply) == 5)
		heard = ask(wire, STR("HELO"), terms->our_name, reply, terms->deadline);
	if (heard != HEARD)
		return heard == HEARD_NONSENSE ? HELLO_EHLO_REFUSED : HELLO_LOST;
	return class_of(reply) == 2 ? HELLO_SECURED : HELLO_EHLO_REFUSED;
}

/* RFC 3207. HELLO_SECURED: 220, and nothing behind it. */
static enum hello starttls(
	struct peer *peer, const struct peer_terms *terms, struct remote_reply *reply)
{
	struct wire *wire = &peer->plain->wire;

	if (!(peer->extensions.set & EXTENSION_STARTTLS))
		return HELLO_NO_STARTTLS;
	enum heard heard = ask(wire, STR("STARTTLS"), STR(""), reply, terms->deadline);
	if (heard == HEARD_NONSENSE)
		return HELLO_STARTTLS_ODD;
	if (heard != HEARD)
		return HELLO_LOST;
	if (class_of(reply) == 5)
		return HELLO_STARTTLS_5XX;
	if (class_of(reply) == 4)
		return HELLO_STARTTLS_4XX;
	if (reply->code != 220)
		return HELLO_STARTTLS_ODD;
	return wire_buffered(wire).len ? HELLO_INJECTED : HELLO_SECURED;
}

/* EHLO again; what was said before TLS is forgotten. Here HELO is no way out. */
static enum hello ehlo_secured(
	struct peer *peer, const struct peer_terms *terms, struct remote_reply *reply)
{
	peer->extensions = (struct extensions){ 0 };
	enum heard heard =
		ask(&peer->secure->wire, STR("EHLO"), terms->our_name, reply, terms->deadline);
	if (heard == HEARD_EOF || heard == HEARD_TIMEOUT)
		return HELLO_TLS_LOST;
	if (heard != HEARD || class_of(reply) != 2)
		return HELLO_SECURED_EHLO_REFUSED;
	remote_reply_extensions(reply, &peer->extensions);
	return HELLO_SECURED;
}

static void drop(struct peer *peer)
{
	plain_close(&peer->plain);
	secure_close(&peer->secure);
}

/* The steps that leave the connection in step, so that plaintext or QUIT may follow. */
static bool still_stands(enum hello hello)
{
	return hello == HELLO_NO_STARTTLS || hello == HELLO_STARTTLS_4XX ||
	       hello == HELLO_STARTTLS_5XX || hello == HELLO_SECURED;
}

void peer_greet(struct peer *peer, const struct peer_terms *terms, struct host_facts *host,
	struct remote_reply *reply, struct why *why)
{
	host->hello = greeting(peer, reply, terms->deadline);
	if (host->hello == HELLO_SECURED)
		host->hello = ehlo(peer, terms, reply);
	if (host->hello == HELLO_SECURED)
		host->hello = starttls(peer, terms, reply);
	if (host->hello == HELLO_SECURED) {
		peer->secure = secure_connect(
			&peer->plain, terms->tls, &terms->target, terms->deadline, host, why);
		remote_reply_begin(reply);
	}
	if (host->hello == HELLO_SECURED) {
		secure_seal(peer->secure, &peer->memory, &peer->seal);
		host->hello = ehlo_secured(peer, terms, reply);
		host->requiretls_announced = peer->extensions.set & EXTENSION_REQUIRETLS;
	}
	if (!still_stands(host->hello))
		drop(peer);
}

enum hello peer_greet_plain(
	struct peer *peer, const struct peer_terms *terms, struct remote_reply *reply)
{
	enum hello hello = greeting(peer, reply, terms->deadline);

	if (hello == HELLO_SECURED)
		hello = ehlo(peer, terms, reply);
	if (hello == HELLO_SECURED)
		return HELLO_NO_STARTTLS;
	drop(peer);
	return hello;
}
