/* SPDX-License-Identifier: ISC
 *
 * message.c - from octets of a hostile peer to a sealed memfd and the store's promise. The header
 * section is collected (up to HEADER_SECTION_MAX) before a single byte is passed on, because what
 * it says decides whether and as what the message is taken. A fault doesn't end the reading: the
 * peer has to hear why. Nothing is promised before call_accept says that it is on disk.
 */
#include "smtpd/message.h"

#include "base/log.h"
#include "base/must.h"
#include "mail/header.h"
#include "mail/received.h"
#include "smtpd/limits.h"
#include "smtpd/queue_id.h"
#include "smtpd/senders.h"
#include <stdlib.h>
#include <string.h>

struct message {
	struct lines lines;
	char id[QUEUE_ID_LEN + 1];
	struct buf head; /* the header section, and the text that came in one piece with it */
	bool opened;	 /* the section is complete and judged */
	struct header header;
	struct reply refused;
	struct buf pending; /* not yet in the memfd */
	int memfd;	    /* -1 until there is enough to write */
	uint64_t seen;	    /* octets of text received */
	uint64_t size;	    /* octets written, those of our own fields among them */
	uint64_t held;	    /* taken from bytes_in_flight */
};

void message_begin(struct session *s)
{
	struct message *m = must_alloc(sizeof *m);

	m->head = BUF(HEADER_SECTION_MAX + BODY_STEP);
	m->pending = BUF(2 * BODY_WRITE);
	m->memfd = -1;
	queue_id_new(m->id);
	s->tx.message = m;
}

void message_free(struct session *s, struct message **message)
{
	struct message *m = *message;

	if (!m)
		return;
	gate_give_bytes(s->house->gate, m->held);
	fd_close(&m->memfd);
	buf_free(&m->head);
	buf_free(&m->pending);
	free(m);
	*message = NULL;
}

struct reply message_refused(const struct session *s)
{
	return s->tx.message->refused;
}

bool message_is_hopeless(const struct session *s)
{
	const struct message *m = s->tx.message;

	return m->refused.code && m->seen > s->settings->message_size + DISCARD_MAX;
}

/* The first reason stays. Its text must outlive what comes before the reply is said. */
static void refuse(struct session *s, struct reply reply)
{
	struct message *m = s->tx.message;

	if (m->refused.code)
		return;
	m->refused = reply;
	m->refused.text = arena_str(&s->tx.arena, reply.text);
	if (!m->refused.text.at)
		m->refused.text = STR("5.6.0 The message can't be taken");
}

static void write_out(struct session *s, struct str bytes)
{
	struct message *m = s->tx.message;

	if (m->memfd < 0)
		m->memfd = fd_memfd("message");
	if (m->memfd < 0 || !fd_write_all(m->memfd, bytes))
		refuse(s, REPLY(452, "4.3.1 No room for this message now"));
}

static void put(struct session *s, struct str bytes)
{
	struct message *m = s->tx.message;

	m->size += bytes.len;
	if (m->pending.len && m->pending.len + bytes.len > BODY_WRITE) {
		write_out(s, buf_str(&m->pending));
		buf_clear(&m->pending);
	}
	if (bytes.len > BODY_WRITE)
		write_out(s, bytes);
	else
		must(buf_add(&m->pending, bytes));
}

static void put_received(struct session *s)
{
	scoped(buf_free) struct buf field = BUF(8192);
	const struct transaction *tx = &s->tx;
	struct received received = { .helo = buf_str(&s->helo),
		.peer = str_of(s->peer.text),
		.by = s->settings->host_name,
		.id = str_of(tx->message->id),
		.for_address = tx->n == 1 ? tx->recipients[0].address : STR(""),
		.esmtp = s->esmtp,
		.utf8 = tx->mail.smtputf8,
		.authenticated = s->account != 0,
		.tls_version = s->secured ? s->seal.version : STR(""),
		.cipher = s->secured ? s->seal.cipher : STR(""),
		.time = clock_wall_ms() };

	must(received_write(&field, &received));
	put(s, buf_str(&field));
}

/* RFC 6409 8: what a mail program left out. */
static void put_missing(struct session *s)
{
	scoped(buf_free) struct buf fields = BUF(4096);
	const struct message *m = s->tx.message;

	if (m->header.count[HEADER_DATE] == 0) {
		buf_add(&fields, STR("Date: "));
		clock_add_rfc5322(&fields, clock_wall_ms());
		buf_add(&fields, STR("\r\n"));
	}
	if (m->header.count[HEADER_MESSAGE_ID] == 0)
		buf_printf(&fields, "Message-ID: <%s@%.*s>\r\n", m->id,
			STR_ARG(s->settings->host_name));
	put(s, buf_str(&fields));
}

static bool stays(const struct session *s, enum header_id id)
{
	if (id == HEADER_SIEGEL_TRANSPORT)
		return false;
	return !s->account || (id != HEADER_BCC && id != HEADER_RESENT_BCC);
}

static void put_header(struct session *s)
{
	const struct header *header = &s->tx.message->header;

	put_received(s);
	for (size_t i = 0; i < header->n; i++) {
		if (stays(s, header->fields[i].id))
			put(s, header->fields[i].whole);
	}
	if (s->account)
		put_missing(s);
	put(s, STR("\r\n"));
	put(s, header->body);
}

/* The section is complete: judge it, and pass it on rewritten. */
static void open_message(struct session *s)
{
	struct message *m = s->tx.message;

	m->opened = true;
	if (!header_scan(buf_str(&m->head), &s->tx.arena, &m->header)) {
		refuse(s, session_reply(
				  s, 550, "5.6.0 The header can't be read: %s", m->header.fault));
		return;
	}
	if (m->header.count[HEADER_RECEIVED] >= RECEIVED_MOST)
		refuse(s, REPLY(554, "5.4.6 Too many hops, this mail is in a loop"));
	if (!m->refused.code) {
		struct reply reply = senders_of_header(s, &m->header);
		if (reply.code)
			refuse(s, reply);
	}
	if (!m->refused.code)
		put_header(s);
}

/* Does the section end in what has been collected, of which the first `old` bytes are known? */
static bool section_ends(const struct buf *head, size_t old)
{
	struct str all = buf_str(head), fresh = str_tail(all, old > 3 ? old - 3 : 0);

	if (str_starts(all, STR("\r\n")))
		return true;
	return str_find_str(fresh, STR("\r\n\r\n")) < fresh.len;
}

static void collect_head(struct session *s, struct str run)
{
	struct message *m = s->tx.message;
	size_t old = m->head.len;

	if (!buf_add(&m->head, run) ||
		(m->head.len > HEADER_SECTION_MAX && !section_ends(&m->head, old)))
		refuse(s, REPLY(552, "5.3.4 The header section is too large"));
	else if (section_ends(&m->head, old))
		open_message(s);
}

/* Room for `more` octets within what may be held at once. */
static bool hold(struct session *s, size_t more)
{
	struct message *m = s->tx.message;
	uint64_t needed = m->seen + more;

	if (needed <= m->held)
		return true;
	uint64_t step = needed - m->held > BODY_STEP ? needed - m->held : BODY_STEP;
	if (!gate_take_bytes(s->house->gate, step, s->settings->bytes_in_flight))
		return false;
	m->held += step;
	return true;
}

static void add(struct session *s, struct str run)
{
	struct message *m = s->tx.message;

	if (run.len == 0)
		return;
	if (!m->refused.code && m->seen + run.len > s->settings->message_size)
		refuse(s, REPLY(552, "5.3.4 Larger than this server takes"));
	if (!m->refused.code && m->lines.too_long)
		refuse(s,
			REPLY(550, "5.6.0 A line is longer than 998 octets (RFC 5321 4.5.3.1.6)"));
	if (!m->refused.code && !hold(s, run.len))
		refuse(s, REPLY(452, "4.3.1 Too much mail at once, try again"));
	m->seen += run.len;
	if (m->refused.code)
		return;
	if (m->opened)
		put(s, run);
	else
		collect_head(s, run);
}

enum lines_step message_take(struct session *s, bool dots, struct str *seen)
{
	struct message *m = s->tx.message;

	while (seen->len) {
		struct str run;
		size_t used;
		enum lines_step step = lines_next(&m->lines, dots, *seen, &run, &used);
		if (step == LINES_BARE)
			return step;
		add(s, run);
		*seen = str_tail(*seen, used);
		if (step == LINES_END)
			return step;
	}
	return LINES_MORE;
}

static void fill_ask(struct session *s, struct accept_ask *ask)
{
	const struct transaction *tx = &s->tx;
	const struct message *m = tx->message;
	const struct header_field *subject = header_find(&m->header, HEADER_SUBJECT);

	*ask = (struct accept_ask){ .id = str_of(m->id),
		.account = s->account,
		.sender = tx->sender,
		.recipients = { tx->recipients, tx->n },
		.body_kind = tx->mail.body,
		.smtputf8 = tx->mail.smtputf8,
		.requiretls = tx->mail.requiretls,
		.envid = tx->mail.envid,
		.ret = tx->mail.ret,
		.peer = str_of(s->peer.text),
		.helo = buf_str(&s->helo),
		.tls_version = s->secured ? s->seal.version : STR(""),
		.cipher = s->secured ? s->seal.cipher : STR(""),
		.subject = subject ? str_head(str_trim(subject->value), SUBJECT_MAX) : STR(""),
		.size = m->size };
}

static struct reply taken(struct session *s, const struct accept_ask *ask)
{
	LOG(LOG_INFO, "accepted", log_hex("session", s->id), log_str("mail", ask->id),
		log_text("peer", s->peer.text), log_str("from", ask->sender),
		log_str("to", ask->recipients.at[0].address),
		log_u64("recipients", ask->recipients.len), log_u64("size", ask->size),
		log_str("tls", ask->tls_version), log_str("cipher", ask->cipher),
		log_u64("requiretls", ask->requiretls));
	return session_reply(s, 250, "2.0.0 Taken as %.*s", STR_ARG(ask->id));
}

/* The store's own words, kept to one line of ASCII. */
static struct reply store_refused(struct session *s, const struct accept_answer *answer)
{
	int code = answer->code >= 400 && answer->code <= 599 ? (int)answer->code : 554;
	struct reply reply = session_reply(s, code, "%.*s", STR_ARG(str_head(answer->text, 400)));

	if (reply.text.len == 0)
		return session_reply(s, code, "%c.7.0 Refused", code / 100 + '0');
	for (size_t i = 0; i < s->words.len; i++) {
		if (s->words.at[i] < ' ' || s->words.at[i] > '~')
			s->words.at[i] = ' ';
	}
	return reply;
}

/* Twice, should the store go away in the middle: it knows the id of what it took, and a peer that
 * heard 451 would send the mail again. */
static bool call_twice(struct session *s, const struct accept_ask *ask, struct arena *arena,
	struct accept_answer *answer)
{
	struct deadline deadline = session_call_deadline(s, CALL_ACCEPT_MS);
	struct why why;

	for (int i = 0; i < 2; i++) {
		if (call_accept(s->house->store, ask, s->tx.message->memfd, arena, answer, NULL,
			    deadline, &why))
			return true;
		LOG(LOG_WARNING, "store-unreachable", log_hex("session", s->id),
			log_str("mail", ask->id), log_text("why", why.text));
	}
	return false;
}

static struct reply ask_store(struct session *s, const struct accept_ask *ask)
{
	scoped(arena_free) struct arena arena = ARENA(4096);
	struct accept_answer answer = { 0 };

	if (!call_twice(s, ask, &arena, &answer))
		return REPLY(451, "4.3.0 The mail can't be stored now");
	switch ((enum accept_outcome)answer.outcome) {
	case ACCEPT_TAKEN:
		return taken(s, ask);
	case ACCEPT_REFUSED:
		return store_refused(s, &answer);
	case ACCEPT_FULL:
		return REPLY(452, "4.3.1 No room for this mail now");
	default:
		return REPLY(451, "4.3.0 The mail can't be stored now");
	}
}

/* A message's last line may come without CRLF in BDAT, but can't go on like that in DATA; and a
 * message may have no body, not even an empty line. */
static void round_off(struct session *s)
{
	struct message *m = s->tx.message;

	if (m->lines.at != LINE_START)
		add(s, STR("\r\n"));
	if (!m->opened && !m->refused.code)
		open_message(s);
	if (m->refused.code)
		return;
	write_out(s, buf_str(&m->pending));
	buf_clear(&m->pending);
	if (!m->refused.code && !fd_seal(m->memfd))
		refuse(s, REPLY(452, "4.3.1 No room for this message now"));
}

static struct reply finish(struct session *s)
{
	struct message *m = s->tx.message;
	struct accept_ask ask;

	if (m->lines.at == LINE_CR)
		return REPLY_THEN(NEXT_CLOSE, 521, "5.5.2 A CR without LF is not taken");
	round_off(s);
	if (m->refused.code)
		return m->refused;
	fill_ask(s, &ask);
	return ask_store(s, &ask);
}

struct reply message_end(struct session *s)
{
	struct reply reply = finish(s);
	enum next next = reply.next;

	if (reply.code >= 400) {
		LOG(LOG_INFO, "refused", log_hex("session", s->id), log_text("peer", s->peer.text),
			log_text("at", "DATA"), log_text("mail", s->tx.message->id),
			log_str("from", s->tx.sender), log_u64("code", (uint64_t)reply.code),
			log_str("reply", reply.text));
		/* Its text may live in the transaction. */
		reply = session_reply(s, reply.code, "%.*s", STR_ARG(reply.text));
		reply.next = next;
	}
	transaction_reset(s);
	return reply;
}
