/* SPDX-License-Identifier: ISC
 *
 * session.h - one inbound SMTP conversation. session_run carries it on over its connection;
 * session_command is the same conversation without one: words go in, a reply comes out, which is
 * how the tests speak to it.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "base/arena.h"
#include "call/client.h"
#include "mail/command.h"
#include "net/gate.h"
#include "net/listen.h"
#include "net/secure.h"
#include "smtpd/reply.h"
#include "smtpd/snapshot.h"
#include <stdatomic.h>

/* What sessions share; outlives them all. */
struct house {
	struct gate *gate;
	struct client *store;
	atomic_bool stopping;
	atomic_bool crowded; /* somebody waits for a thread: who is silent gives his back at once */
};

struct message;

/* From an accepted MAIL to the reply behind the message, RSET, or whatever else ends it. */
struct transaction {
	struct arena arena; /* all strings of the transaction */
	bool open;
	struct mail_command mail;
	struct str sender; /* as written; "" for <> */
	struct envelope_recipient *recipients;
	size_t n, room;
	struct message *message; /* NULL until DATA or BDAT */
	/* BDAT: what is to be read now. */
	uint64_t chunk;
	bool chunk_last;
	struct reply chunk_refused; /* read it and say this; code 0: take it */
};

struct session {
	uint64_t id;
	struct house *house;
	struct snapshot *snapshot;
	const struct settings *settings; /* snapshot's */
	enum listener_kind kind;
	struct peer peer;
	enum neighbour neighbour; /* listed: it may send as our people, and relay */
	struct plain *plain;	  /* the connection is one of these two */
	struct secure *secure;

	bool begun;	  /* greeted by us */
	bool cut_short;	  /* we end it, while the peer may still be talking */
	bool greeted;	  /* EHLO or HELO was taken */
	bool esmtp;	  /* it was EHLO */
	bool secured;	  /* inside TLS; `seal` says how */
	struct seal seal; /* version and cipher, static */
	unsigned offers;  /* enum offer bits of the last EHLO */
	struct buf helo;
	uint64_t account; /* 0: not logged in */
	struct buf login; /* AUTH LOGIN: the name, until the password comes */
	enum { AUTH_NONE, AUTH_PLAIN, AUTH_LOGIN_NAME, AUTH_LOGIN_PASSWORD } auth;
	unsigned errors, refused_recipients, failed_logins;
	struct transaction tx;
	struct buf words; /* the text of the last reply, where it isn't static */

	struct deadline whole, command; /* of the session, of the command awaited */

	/* For serve.c alone: the list it is in, and since when. */
	struct session *next, *previous;
	int64_t queued_at;
	bool watched;
};

/* A session on a connection (taken over), already let in by the gate. Holds `snapshot`. */
struct session *session_new(struct house *house, struct snapshot *snapshot, enum listener_kind kind,
	const struct peer *peer, struct plain *plain);
/* Ends it: the connection, the transaction, the place in the gate. */
void session_free(struct session **session);

enum session_result {
	SESSION_ENDED,
	SESSION_PARKED, /* the peer is silent: run it again when there is something to read */
};

/* Carry the conversation on until it ends or falls silent. Blocks. */
enum session_result session_run(struct session *s);
/* Say a last word, for a session nobody runs (a parked one). Never blocks. */
void session_dismiss(struct session *s, struct reply reply);
/* When a parked session has to be dismissed at the latest. */
struct deadline session_patience(const struct session *s);

/* Take one line without its CRLF, a command or the next step of AUTH. */
struct reply session_command(struct session *s, struct str line);
/* The state after a handshake: as in the beginning, but sealed (RFC 3207 4.2). */
void session_secured(struct session *s, const struct seal *seal);

/* For handlers. */
void transaction_reset(struct session *s);
struct deadline session_call_deadline(const struct session *s, int64_t ms);
bool session_is_submission(const struct session *s);
/* A reply with a text made for it. */
struct reply session_reply(struct session *s, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same from a refusal of the grammar. */
struct reply session_refusal(const struct refusal *refusal);

#endif
