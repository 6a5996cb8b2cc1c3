/* SPDX-License-Identifier: ISC
 *
 * session.c - one inbound SMTP conversation, from greeting to QUIT. Runs in smtpd, on a thread
 * while the peer talks and parked while it is silent. Every byte read here is hostile. Replies to
 * commands that came together leave together; nothing is promised before the store has it.
 */
#include "smtpd/session.h"

#include "base/log.h"
#include "base/must.h"
#include "smtpd/data.h"
#include "smtpd/limits.h"
#include "smtpd/message.h"
#include "smtpd/verbs.h"
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { WORDS_MAX = 2048, LINGER_MOST = 1 << 20 };

static atomic_uint_fast64_t sessions_begun;

struct session *session_new(struct house *house, struct snapshot *snapshot, enum listener_kind kind,
	const struct peer *peer, struct plain *plain)
{
	struct session *s = must_alloc(sizeof *s);

	s->id = atomic_fetch_add(&sessions_begun, 1) + 1;
	s->house = house;
	s->snapshot = snapshot_hold(snapshot);
	s->settings = snapshot->settings;
	s->kind = kind;
	s->peer = *peer;
	s->neighbour = settings_neighbour(s->settings, str_of(peer->text));
	s->plain = plain;
	s->helo = BUF(ADDRESS_DOMAIN_MAX + 1);
	s->login = BUF(LINE_AUTH);
	s->words = BUF(WORDS_MAX);
	s->whole = deadline_in(s->settings->session_deadline);
	s->command = deadline_in(s->settings->command_deadline);
	transaction_reset(s);
	return s;
}

void session_free(struct session **session)
{
	struct session *s = *session;

	LOG(LOG_DEBUG, "end", log_hex("session", s->id), log_text("peer", s->peer.text));
	transaction_reset(s);
	plain_close(&s->plain);
	secure_close(&s->secure);
	gate_leave(s->house->gate, &s->peer);
	buf_free(&s->helo);
	buf_free(&s->login);
	buf_free(&s->words);
	snapshot_release(&s->snapshot);
	free(s);
	*session = NULL;
}

bool session_is_submission(const struct session *s)
{
	return s->kind == LISTENER_SUBMISSION || s->kind == LISTENER_SUBMISSIONS;
}

struct deadline session_call_deadline(const struct session *s, int64_t ms)
{
	return deadline_earlier(deadline_in(ms), s->whole);
}

struct reply session_refusal(const struct refusal *refusal)
{
	return (struct reply){ .code = refusal->code, .text = str_of(refusal->text) };
}

struct reply session_reply(struct session *s, int code, const char *format, ...)
{
	char text[WORDS_MAX]; /* what is formatted may live in s->words */
	va_list args;

	va_start(args, format);
	int length = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	must(length >= 0);
	buf_clear(&s->words);
	buf_add(&s->words, str_head((struct str){ text, (size_t)length }, WORDS_MAX - 1));
	return (struct reply){ .code = code, .text = buf_str(&s->words) };
}

static void forget_all(struct session *s)
{
	transaction_reset(s);
	s->greeted = s->esmtp = false;
	s->offers = 0;
	s->account = 0;
	s->auth = AUTH_NONE;
	buf_clear(&s->helo);
}

void session_secured(struct session *s, const struct seal *seal)
{
	forget_all(s);
	s->secured = true;
	s->seal = *seal;
}

/* Whoever makes nothing but mistakes, or tries one name after another, has to come again. */
static struct reply counted(struct session *s, enum verb verb, struct reply reply)
{
	if (reply.code >= 500 && reply.code <= 504)
		s->errors++;
	else if (verb == VERB_RCPT && reply.code >= 500)
		s->refused_recipients++;
	if (s->errors > ERRORS_MOST || s->refused_recipients > REFUSED_RCPT_MOST)
		return REPLY_THEN(NEXT_CLOSE, 421, "4.7.0 Too many mistakes");
	return reply;
}

static struct reply take_command(struct session *s, const struct command *command)
{
	struct reply reply = { 0 };

	/* BDAT asks for itself: its octets come whatever we answer. */
	if (command->verb != VERB_BDAT)
		reply = verb_allowed(s, command->verb);
	return reply.code ? reply : verb_run(s, command);
}

struct reply session_command(struct session *s, struct str line)
{
	struct command command;

	if (s->auth != AUTH_NONE)
		return counted(s, VERB_AUTH, auth_continue(s, line));
	struct refusal refusal = command_parse(line, &command);
	struct reply reply = refusal.code ? session_refusal(&refusal) : take_command(s, &command);
	if (refusal.code && command.verb == VERB_BDAT)
		reply.next = NEXT_CLOSE;
	return counted(s, command.verb, reply);
}

static struct wire *wire_of(struct session *s)
{
	return s->secure ? &s->secure->wire : &s->plain->wire;
}

/* How long we try to say something. Last words get their moment behind the deadline. */
static struct deadline to_say(const struct session *s)
{
	struct deadline deadline =
		deadline_earlier(deadline_in(s->settings->command_deadline), s->whole);

	return deadline_passed(deadline) ? deadline_in(GOODBYE_MS) : deadline;
}

static bool say(struct session *s, const struct reply *reply)
{
	scoped(buf_free) struct buf bytes = BUF(2 * WORDS_MAX + 512);

	reply_write(&bytes, reply);
	return wire_add(wire_of(s), buf_str(&bytes), to_say(s)) == WIRE_OK;
}

static bool flush(struct session *s)
{
	return wire_flush(wire_of(s), to_say(s)) == WIRE_OK;
}

static bool shake_hands(struct session *s)
{
	struct why why;
	struct seal seal;
	scoped(arena_free) struct arena arena = ARENA(4096);
	struct deadline deadline = deadline_earlier(deadline_in(HANDSHAKE_MS), s->whole);

	s->secure = secure_accept(&s->plain, s->snapshot->tls, deadline, &why);
	if (!s->secure) {
		LOG(LOG_INFO, "tls-failed", log_hex("session", s->id),
			log_text("peer", s->peer.text), log_text("why", why.text));
		return false;
	}
	secure_seal(s->secure, &arena, &seal);
	seal.certificate = seal.key = STR("");
	session_secured(s, &seal);
	LOG(LOG_DEBUG, "tls", log_hex("session", s->id), log_str("version", seal.version),
		log_str("cipher", seal.cipher), log_str("group", seal.group));
	return true;
}

/* Did the peer say more, rather than leave? */
static bool said_more(const struct wire *wire)
{
	char more;

	return wire_buffered(wire).len || recv(wire->fd, &more, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* What stands behind STARTTLS in the clear could be taken for something said inside TLS. */
static bool start_tls(struct session *s, const struct reply *go_ahead)
{
	struct reply injected =
		REPLY_THEN(NEXT_CLOSE, 554, "5.5.1 Nothing may stand behind STARTTLS");

	if (said_more(wire_of(s))) {
		LOG(LOG_WARNING, "injection", log_hex("session", s->id),
			log_text("peer", s->peer.text));
		s->cut_short = true;
		return say(s, &injected) && false;
	}
	return say(s, go_ahead) && flush(s) && shake_hands(s);
}

/* Say it and do what it means. False: the session is over. */
static bool carry_out(struct session *s, struct reply reply)
{
	switch (reply.next) {
	case NEXT_TLS:
		return start_tls(s, &reply);
	case NEXT_DATA:
		if (!say(s, &reply) || !flush(s))
			return false;
		reply = data_receive(s, wire_of(s));
		break;
	case NEXT_CHUNK:
		reply = chunk_receive(s, wire_of(s));
		break;
	default:
		break;
	}
	bool said = reply.code && say(s, &reply);
	s->command = deadline_in(s->settings->command_deadline);
	s->cut_short = reply.next == NEXT_CLOSE && reply.code >= 400;
	return said && reply.next != NEXT_CLOSE;
}

/* The last words are lost if the connection is closed over unread input: read on for a moment. */
static void linger(struct session *s)
{
	struct wire *wire = wire_of(s);
	struct pollfd poll_fd = { .fd = wire->fd, .events = POLLIN };
	struct deadline deadline = deadline_in(2 * SECOND);
	char waste[4096];
	size_t read = 0;

	shutdown(wire->fd, SHUT_WR);
	while (read < LINGER_MOST && poll(&poll_fd, 1, deadline_poll_ms(deadline)) > 0) {
		ssize_t n = recv(wire->fd, waste, sizeof waste, MSG_DONTWAIT);
		if (n <= 0)
			break;
		read += (size_t)n;
	}
}

static enum session_result end(struct session *s)
{
	if (!s->plain && !s->secure)
		return SESSION_ENDED;
	if (!wire_of(s)->broken && flush(s) && s->cut_short && wire_readable(wire_of(s)))
		linger(s);
	return SESSION_ENDED;
}

static bool begin(struct session *s)
{
	s->begun = true;
	LOG(LOG_DEBUG, "connect", log_hex("session", s->id), log_text("peer", s->peer.text));
	if (s->kind == LISTENER_SUBMISSIONS && (!s->snapshot->tls || !shake_hands(s)))
		return false;
	struct reply greeting =
		session_reply(s, 220, "%.*s ESMTP Siegel", STR_ARG(s->settings->host_name));
	return carry_out(s, greeting);
}

static size_t longest_line(const struct session *s)
{
	return session_is_submission(s) && s->secured ? LINE_AUTH : LINE_COMMAND;
}

/* The next line; what we have to say leaves first, unless there is more to answer to. */
static enum wire_result next_line(struct session *s, struct str *line)
{
	struct wire *wire = wire_of(s);
	struct str seen = wire_buffered(wire);
	struct deadline patience = deadline_in(PATIENCE_MS);

	if (str_find(seen, '\n') == seen.len && !flush(s))
		return WIRE_ERROR;
	if (atomic_load_explicit(&s->house->crowded, memory_order_relaxed) && !wire_readable(wire))
		return WIRE_TIMEOUT;
	enum wire_result result = wire_read_line(wire, longest_line(s),
		deadline_earlier(patience, deadline_earlier(s->command, s->whole)), line);
	if (result == WIRE_OK && line->len > LINE_COMMAND && s->auth == AUTH_NONE &&
		!str_starts_nocase(*line, STR("AUTH ")))
		return WIRE_LONG;
	return result;
}

static struct reply no_line(struct session *s, enum wire_result result)
{
	switch (result) {
	case WIRE_TIMEOUT:
		return REPLY_THEN(NEXT_CLOSE, 421, "4.4.2 That took too long");
	case WIRE_LONG:
		s->auth = AUTH_NONE;
		return counted(s, VERB_UNKNOWN, REPLY(500, "5.5.2 The line is too long"));
	case WIRE_BARE:
		return REPLY_THEN(NEXT_CLOSE, 521, "5.5.2 A CR or LF on its own is not taken");
	default:
		return (struct reply){ .next = NEXT_CLOSE };
	}
}

/* Stopping: nobody begins anything new. */
static bool is_let_go(const struct session *s)
{
	return atomic_load_explicit(&s->house->stopping, memory_order_relaxed) && !s->tx.open;
}

enum session_result session_run(struct session *s)
{
	struct str line;

	if (!s->begun && !begin(s))
		return end(s);
	for (;;) {
		if (is_let_go(s))
			return session_dismiss(s, REPLY(421, "4.3.2 Closing for now")), end(s);
		enum wire_result result = next_line(s, &line);
		if (result == WIRE_TIMEOUT && !deadline_passed(session_patience(s))) {
			if (wire_rest(wire_of(s)))
				return SESSION_PARKED;
			continue;
		}
		struct reply reply =
			result == WIRE_OK ? session_command(s, line) : no_line(s, result);
		if (!carry_out(s, reply))
			return end(s);
	}
}

struct deadline session_patience(const struct session *s)
{
	return deadline_earlier(s->command, s->whole);
}

void session_dismiss(struct session *s, struct reply reply)
{
	scoped(buf_free) struct buf bytes = BUF(WORDS_MAX);
	const struct deadline at_once = { 0 };

	/* Before the handshake of implicit TLS there is nothing that could be said. */
	if (!s->begun && s->kind == LISTENER_SUBMISSIONS)
		return;
	reply_write(&bytes, &reply);
	if (wire_add(wire_of(s), buf_str(&bytes), at_once) != WIRE_OK ||
		wire_flush(wire_of(s), at_once) != WIRE_OK)
		wire_of(s)->broken = true;
}
