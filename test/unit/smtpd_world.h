/* SPDX-License-Identifier: ISC
 *
 * smtpd_world.h - what a session needs to be spoken to without a server: settings, and a store
 * that answers from a short list and remembers what it was given. For tests of smtpd.
 *
 * Known: ada@example.test (account 7, password "geheim"), her alias ada@secure.example.test,
 * and any address outside.
 */
#ifndef SMTPD_WORLD_H
#define SMTPD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtpd/session.h"
#include "smtpd/verbs.h"

enum { ADA = 7 };

static struct {
	bool unreachable, alias_inactive;
	enum login_outcome login;
	enum accept_outcome accept;
	unsigned dies; /* so many calls of accept fail */
	unsigned accepts, recipients, senders, logins;
	/* Of the last accept: */
	char id[32], sender[300], recipient[300], body[8192], tls[16];
	size_t n_recipients, size;
	uint64_t account, secured, notify, requiretls;
} store;

static struct domain_settings world_domains[] = { { { "example.test", 12 },
	{ "secure.example.test", 19 } } };
static struct settings world_settings;
static struct snapshot world_snapshot;
static struct house world_house;

static inline void keep(char *to, size_t room, struct str from)
{
	assert_true(from.len < room);
	if (from.len)
		memcpy(to, from.at, from.len);
	to[from.len] = '\0';
}

static inline bool in_domain(struct str address, const char *domain)
{
	return str_eq_nocase(address_domain_part(address), str_of(domain));
}

bool call_login(struct client *client, const struct login_ask *ask, int fd_in, struct arena *arena,
	struct login_answer *answer, int *fd_out, struct deadline deadline, struct why *why)
{
	(void)client, (void)fd_in, (void)fd_out, (void)deadline;
	store.logins++;
	answer->outcome = store.login;
	if (store.login == LOGIN_OK && (!str_eq(ask->user, STR("ada@example.test")) ||
					       !str_eq(ask->password, STR("geheim"))))
		answer->outcome = LOGIN_BAD;
	answer->account = answer->outcome == LOGIN_OK ? ADA : 0;
	answer->address = arena_str(arena, STR("ada@example.test"));
	return !store.unreachable || why_not(why, "no store");
}

bool call_sender(struct client *client, const struct sender_ask *ask, int fd_in,
	struct arena *arena, struct sender_answer *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	(void)client, (void)fd_in, (void)arena, (void)fd_out, (void)deadline;
	store.senders++;
	answer->outcome = SENDER_NOT_OWNED;
	if (ask->account == ADA && str_eq(ask->address, STR("ada@example.test")))
		answer->outcome = SENDER_OWNED;
	if (ask->account == ADA && str_eq(ask->address, STR("ada@secure.example.test")))
		answer->outcome = store.alias_inactive ? SENDER_ALIAS_INACTIVE : SENDER_OWNED;
	return !store.unreachable || why_not(why, "no store");
}

bool call_recipient(struct client *client, const struct recipient_ask *ask, int fd_in,
	struct arena *arena, struct recipient_answer *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	(void)client, (void)fd_in, (void)arena, (void)fd_out, (void)deadline;
	store.recipients++;
	if (in_domain(ask->address, "secure.example.test"))
		answer->outcome = !ask->secured ? RECIPIENT_PLAINTEXT_REFUSED
				  : str_starts(ask->address, STR("ada")) ? RECIPIENT_ALIAS
									 : RECIPIENT_UNKNOWN;
	else if (in_domain(ask->address, "example.test"))
		answer->outcome = str_starts(ask->address, STR("nobody")) ? RECIPIENT_UNKNOWN
									  : RECIPIENT_LOCAL;
	else
		answer->outcome = ask->account ? RECIPIENT_REMOTE : RECIPIENT_RELAY_DENIED;
	return !store.unreachable || why_not(why, "no store");
}

static inline void keep_body(int fd)
{
	struct mapping body;
	struct why why;

	assert_true(fd_map_sealed(fd, 64 << 20, &body, &why));
	keep(store.body, sizeof store.body, str_head(body.bytes, sizeof store.body - 1));
	assert_int_equal(store.size, body.bytes.len);
	fd_unmap(&body);
}

bool call_accept(struct client *client, const struct accept_ask *ask, int fd_in,
	struct arena *arena, struct accept_answer *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	(void)client, (void)fd_out, (void)deadline;
	store.accepts++;
	store.size = ask->size;
	store.account = ask->account;
	store.requiretls = ask->requiretls;
	store.n_recipients = ask->recipients.len;
	store.notify = ask->recipients.at[0].notify;
	keep(store.id, sizeof store.id, ask->id);
	keep(store.sender, sizeof store.sender, ask->sender);
	keep(store.recipient, sizeof store.recipient, ask->recipients.at[0].address);
	keep(store.tls, sizeof store.tls, ask->tls_version);
	keep_body(fd_in);
	answer->outcome = store.accept;
	answer->code = 550;
	answer->text = arena_str(arena, STR("5.7.1 Not\r\nlike this"));
	if (store.dies && store.dies--)
		return why_not(why, "no store");
	return !store.unreachable || why_not(why, "no store");
}

static inline int world_begin(void **state)
{
	(void)state;
	memset(&store, 0, sizeof store);
	world_settings = (struct settings){ .host_name = STR("mx.example.test"),
		.help_url = STR("https://example.test/why"),
		.message_size = 100000,
		.bytes_in_flight = 1 << 20,
		.recipients = 100,
		.command_deadline = 300 * SECOND,
		.session_deadline = 7200 * SECOND,
		.from_rule = true,
		.domains = { world_domains, 1 } };
	world_snapshot = (struct snapshot){ .settings = &world_settings };
	atomic_init(&world_snapshot.holders, 1);
	world_house = (struct house){ .gate = gate_new() };
	return 0;
}

static inline int world_end(void **state)
{
	(void)state;
	assert_int_equal(gate_sessions(world_house.gate), 0);
	/* What a message took of the bytes in flight has come back. */
	assert_true(gate_take_bytes(world_house.gate, 1, 1));
	gate_free(&world_house.gate);
	return 0;
}

/* A session over `plain` (or without a connection), which has yet to greet. */
static inline struct session *world_session(enum listener_kind kind, struct plain *plain)
{
	struct peer peer = { .text = "192.0.2.1" };

	assert_int_equal(gate_enter(world_house.gate, &peer, 100000, 100000), GATE_OPEN);
	return session_new(&world_house, &world_snapshot, kind, &peer, plain);
}

static inline void world_seal(struct session *s)
{
	struct seal seal = { .version = STR("TLSv1.3"), .cipher = STR("TLS_AES_128_GCM_SHA256") };

	session_secured(s, &seal);
}

#endif
