/* SPDX-License-Identifier: ISC
 *
 * data.c - DATA and BDAT: reading a message off the connection. A peer that sends slowly is
 * waited for block by block, so that one octet a minute holds nobody; one that sends what can't
 * be taken is read on until it can hear why, within DISCARD_MAX.
 */
#include "smtpd/data.h"

#include "smtpd/limits.h"
#include "smtpd/message.h"
#include "smtpd/verbs.h"

struct reply do_data(struct session *s, struct str argument)
{
	(void)argument;
	message_begin(s);
	return REPLY_THEN(NEXT_DATA, 354, "Send it, and a line with a dot behind it");
}

/* The octets come whatever we think of them (RFC 3030 2): without a size we would take them for
 * commands, so that is the end. */
struct reply do_bdat(struct session *s, struct str argument)
{
	struct transaction *tx = &s->tx;
	struct refusal refusal = command_bdat(argument, &tx->chunk, &tx->chunk_last);

	if (refusal.code) {
		struct reply reply = session_refusal(&refusal);
		reply.next = NEXT_CLOSE;
		return reply;
	}
	if (tx->chunk > s->settings->message_size + DISCARD_MAX)
		return REPLY_THEN(NEXT_CLOSE, 552, "5.3.4 Larger than this server takes");
	tx->chunk_refused = verb_allowed(s, VERB_BDAT);
	if (!tx->chunk_refused.code && !tx->message)
		message_begin(s);
	return (struct reply){ .next = NEXT_CHUNK };
}

struct reply chunk_end(struct session *s)
{
	struct transaction *tx = &s->tx;

	if (tx->chunk_refused.code)
		return tx->chunk_refused;
	if (tx->chunk_last || message_refused(s).code)
		return message_end(s);
	return REPLY(250, "2.0.0 Go on");
}

static struct reply bare(struct session *s)
{
	transaction_reset(s);
	return REPLY_THEN(NEXT_CLOSE, 521, "5.5.2 A CR or LF on its own is not taken");
}

static struct reply too_much(struct session *s)
{
	transaction_reset(s);
	return REPLY_THEN(NEXT_CLOSE, 552, "5.3.4 Larger than this server takes");
}

static struct reply no_more(enum wire_result result)
{
	if (result == WIRE_TIMEOUT)
		return REPLY_THEN(NEXT_CLOSE, 421, "4.4.2 That took too long");
	return (struct reply){ .next = NEXT_CLOSE };
}

/* How fast the peer is: TEXT_BLOCK octets within a command deadline, and faster while others wait
 * for the thread it holds. */
struct pace {
	int64_t since;
	size_t came;
};

static bool is_too_slow(const struct session *s, const struct pace *pace)
{
	bool crowded = atomic_load_explicit(&s->house->crowded, memory_order_relaxed);
	int64_t allowed = s->settings->command_deadline;

	if (crowded && allowed > CROWDED_MS)
		allowed = CROWDED_MS;
	return clock_monotonic_ms() - pace->since >= allowed || deadline_passed(s->whole);
}

/* Have something buffered. */
static enum wire_result more(struct session *s, struct wire *wire, struct pace *pace)
{
	enum wire_result result = WIRE_OK;

	if (pace->came >= TEXT_BLOCK || pace->since == 0)
		*pace = (struct pace){ .since = clock_monotonic_ms() };
	if (wire_buffered(wire).len)
		return WIRE_OK;
	do {
		if (is_too_slow(s, pace))
			return WIRE_TIMEOUT;
		result = wire_fill(wire, deadline_in(LOOK_UP_MS));
	} while (result == WIRE_TIMEOUT);
	return result;
}

static void take(struct wire *wire, size_t n, struct pace *pace)
{
	wire_take(wire, n);
	pace->came += n;
}

struct reply data_receive(struct session *s, struct wire *wire)
{
	struct pace pace = { 0 };

	for (;;) {
		enum wire_result result = more(s, wire, &pace);
		if (result != WIRE_OK)
			return no_more(result);
		struct str seen = wire_buffered(wire), rest = seen;
		enum lines_step step = message_take(s, true, &rest);
		take(wire, seen.len - rest.len, &pace);
		if (step == LINES_BARE)
			return bare(s);
		if (step == LINES_END)
			return message_end(s);
		if (message_is_hopeless(s))
			return too_much(s);
	}
}

struct reply chunk_receive(struct session *s, struct wire *wire)
{
	struct transaction *tx = &s->tx;
	struct pace pace = { 0 };

	while (tx->chunk) {
		enum wire_result result = more(s, wire, &pace);
		if (result != WIRE_OK)
			return no_more(result);
		struct str seen = str_head(wire_buffered(wire), tx->chunk), rest = seen;
		if (!tx->chunk_refused.code && message_take(s, false, &rest) == LINES_BARE)
			return bare(s);
		take(wire, seen.len, &pace);
		tx->chunk -= seen.len;
	}
	return chunk_end(s);
}
