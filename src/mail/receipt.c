/* SPDX-License-Identifier: ISC
 *
 * receipt.c - see receipt.h. The writer is the store's, inside a batch. Texts are other people's:
 * they are cut, and escaped so that the line stays one line of ASCII and UTF-8.
 */
#include "mail/receipt.h"

#include "base/clock.h"
#include "base/must.h"

static const char *const kinds[RECORD_KINDS_N] = {
#define RECORD_KIND_NAME(name, text) text,
	RECORD_KINDS(RECORD_KIND_NAME)
#undef RECORD_KIND_NAME
};

static const char *const states[RECORD_STATES_N] = {
#define RECORD_STATE_NAME(name, text) text,
	RECORD_STATES(RECORD_STATE_NAME)
#undef RECORD_STATE_NAME
};

static const char *const transmissions[] = {
	[TRANSMISSION_NO_CONNECTION] = "no-connection",
	[TRANSMISSION_NOTHING] = "nothing",
	[TRANSMISSION_SEALED] = "sealed",
	[TRANSMISSION_UNSURE] = "sealed-unsure",
	[TRANSMISSION_PLAIN] = "plain",
};

const char *record_kind_name(enum record_kind kind)
{
	must((unsigned)kind < RECORD_KINDS_N);
	return kinds[kind];
}

const char *record_state_name(enum record_state state)
{
	must((unsigned)state < RECORD_STATES_N);
	return states[state];
}

const char *transmission_name(enum transmission transmission)
{
	must((unsigned)transmission < count_of(transmissions));
	return transmissions[transmission];
}

/* --- one line of JSON --- */

static bool is_first(const struct buf *to)
{
	char last = to->len ? to->at[to->len - 1] : '{';

	return last == '{' || last == '[';
}

static void between(struct buf *to)
{
	if (!is_first(to))
		buf_add_char(to, ',');
}

static void name(struct buf *to, const char *text)
{
	buf_add(to, is_first(to) ? STR("\"") : STR(",\""));
	buf_add(to, str_of(text));
	buf_add(to, STR("\":"));
}

/* A control character: below U+0020, U+007F, or U+0080 to U+009F (C2 80 to C2 9F). */
static size_t control_at(struct str text, size_t i, unsigned *number)
{
	unsigned char c = (unsigned char)text.at[i];
	unsigned char next = i + 1 < text.len ? (unsigned char)text.at[i + 1] : 0;

	*number = c == 0xc2 ? next : c;
	if (c == 0xc2 && next >= 0x80 && next < 0xa0)
		return 2;
	return c < ' ' || c == 0x7f;
}

/* JSON wants UTF-8. Bytes that are none are written as the characters of those numbers, and control
 * characters never as themselves. */
static void escaped(struct buf *to, struct str text)
{
	bool utf8 = str_is_utf8(text);
	unsigned number;

	for (size_t i = 0, n; i < text.len; i += n) {
		char c = text.at[i];

		n = utf8 ? control_at(text, i, &number) : 0;
		if (!utf8 && ((unsigned char)c >= 0x80 || (unsigned char)c < ' ' || c == 0x7f)) {
			number = (unsigned char)c;
			n = 1;
		}
		if (n)
			buf_printf(to, "\\u%04x", number);
		else if (c == '"' || c == '\\')
			buf_printf(to, "\\%c", c);
		else
			buf_add_char(to, c);
		n += !n;
	}
}

static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
			return false;
	}
	return true;
}

static void quoted(struct buf *to, struct str text)
{
	buf_add_char(to, '"');
	if (is_plain(text))
		buf_add(to, text);
	else
		escaped(to, text);
	buf_add_char(to, '"');
}

static void field(struct buf *to, const char *what, struct str text, size_t max)
{
	if (!text.len)
		return;
	name(to, what);
	quoted(to, str_head_utf8(text, max));
}

static void number(struct buf *to, const char *what, uint64_t n)
{
	name(to, what);
	buf_add_u64(to, n);
}

static void time_field(struct buf *to, const char *what, int64_t time)
{
	name(to, what);
	buf_add_char(to, '"');
	clock_add_iso8601(to, time);
	buf_add_char(to, '"');
}

static void reason_field(struct buf *to, const char *what, enum reason reason)
{
	if (reason != REASON_NONE)
		field(to, what, str_of(reason_id(reason)), RECORD_FIELD_MAX);
}

static void demands_field(struct buf *to, demands set)
{
	name(to, "demands");
	buf_add_char(to, '[');
	for (size_t i = 0; i < DEMAND_NAMES_N; i++)
		if (set & demand_names[i].demand) {
			between(to);
			quoted(to, str_of(demand_names[i].name));
		}
	buf_add_char(to, ']');
}

static void digest_field(struct buf *to, const char *what, const struct digest *d)
{
	field(to, what, digest_str(d), DIGEST_HEX);
}

/* --- records --- */

void record_begin(struct buf *to, const struct record_head *head)
{
	buf_add(to, STR(LINE_RECORD));
	buf_add_u64(to, head->number);
	digest_field(to, "previous", &head->previous);
	time_field(to, "time", head->time);
	field(to, "kind", str_of(record_kind_name(head->kind)), RECORD_FIELD_MAX);
	field(to, "message", head->message, RECORD_FIELD_MAX);
}

void record_taken(struct buf *to, const struct record_taken *taken)
{
	enum transport transport = transport_of(taken->tls_version, taken->cipher, STR(""));

	field(to, "origin", taken->origin, RECORD_FIELD_MAX);
	field(to, "sender", taken->sender, RECORD_FIELD_MAX);
	number(to, "size", taken->size);
	field(to, "peer", taken->peer, RECORD_FIELD_MAX);
	field(to, "helo", taken->helo, RECORD_FIELD_MAX);
	field(to, "tls_version", taken->tls_version, RECORD_FIELD_MAX);
	field(to, "cipher", taken->cipher, RECORD_FIELD_MAX);
	if (taken->peer.len)
		field(to, "transport", str_of(transport_name(transport)), RECORD_FIELD_MAX);
}

void record_destination(struct buf *to, struct str destination)
{
	field(to, "destination", destination, RECORD_FIELD_MAX);
}

static void list_begin(struct buf *to, const char *what)
{
	name(to, what);
	buf_add_char(to, '[');
}

void record_recipients_begin(struct buf *to)
{
	list_begin(to, "recipients");
}

void record_recipient(struct buf *to, const struct record_recipient *r)
{
	between(to);
	buf_add_char(to, '{');
	field(to, "address", r->address, RECORD_FIELD_MAX);
	field(to, "state", str_of(record_state_name(r->state)), RECORD_FIELD_MAX);
	demands_field(to, r->demands);
	if (r->unenforced)
		field(to, "tls_required", STR("no"), RECORD_FIELD_MAX);
	reason_field(to, "reason", r->reason);
	reason_field(to, "last_reason", r->last_reason);
	field(to, "host", r->host, RECORD_FIELD_MAX);
	field(to, "code", r->code, RECORD_FIELD_MAX);
	field(to, "said", r->said, RECORD_SAID_MAX);
	if (r->state == RECORD_STATE_FAILED || r->state == RECORD_STATE_WAITING ||
		r->state == RECORD_STATE_SECOND_LOOK)
		field(to, "transmission", str_of(transmission_name(r->transmission)),
			RECORD_FIELD_MAX);
	if (r->transmitted)
		field(to, "transport", str_of(transport_name(r->transport)), RECORD_FIELD_MAX);
	buf_add_char(to, '}');
}

void record_recipients_end(struct buf *to)
{
	buf_add_char(to, ']');
}

void record_attempts_begin(struct buf *to)
{
	list_begin(to, "attempts");
}

void record_attempt(struct buf *to, const struct evidence *e)
{
	between(to);
	buf_add_char(to, '{');
	time_field(to, "time", e->time);
	field(to, "host", e->host, RECORD_FIELD_MAX);
	field(to, "address", e->address, RECORD_FIELD_MAX);
	if (e->port)
		number(to, "port", e->port);
	field(to, "verdict", str_of(verdict_name(e->verdict)), RECORD_FIELD_MAX);
	reason_field(to, "reason", e->reason);
	field(to, "tls_version", e->tls_version, RECORD_FIELD_MAX);
	field(to, "cipher", e->cipher, RECORD_FIELD_MAX);
	field(to, "group", e->group, RECORD_FIELD_MAX);
	field(to, "certificate", e->certificate, RECORD_FIELD_MAX);
	field(to, "key", e->key, RECORD_FIELD_MAX);
	field(to, "proven_by", e->proven_by, RECORD_FIELD_MAX);
	field(to, "said", e->said, RECORD_SAID_MAX);
	buf_add_char(to, '}');
}

void record_attempts_end(struct buf *to)
{
	buf_add_char(to, ']');
}

void record_end(struct buf *to)
{
	buf_add_char(to, '}');
}

/* --- statements --- */

static bool signed_by(struct buf *to, const struct statement_by *by)
{
	field(to, "server", by->server, RECORD_FIELD_MAX);
	digest_field(to, "key", &by->key);
	time_field(to, "time", by->time);
	buf_add_char(to, '}');
	return !to->overflowed;
}

bool statement_checkpoint(
	struct buf *to, uint64_t record, const struct digest *hash, const struct statement_by *by)
{
	buf_add(to, STR(LINE_CHECKPOINT));
	buf_add_u64(to, record);
	digest_field(to, "hash", hash);
	return signed_by(to, by);
}

void statement_message_begin(struct buf *to, struct str message)
{
	buf_add(to, STR(LINE_MESSAGE));
	buf_add(to, message);
	buf_add_char(to, '"');
	list_begin(to, "records");
}

void statement_reference(struct buf *to, uint64_t record, const struct digest *hash)
{
	between(to);
	buf_printf(to, "{\"record\":%llu,\"hash\":\"%.*s\"}", (unsigned long long)record,
		STR_ARG(digest_str(hash)));
}

bool statement_message_end(
	struct buf *to, uint64_t earlier, uint64_t removed, const struct statement_by *by)
{
	buf_add_char(to, ']');
	number(to, "earlier", earlier);
	number(to, "removed", removed);
	return signed_by(to, by);
}

bool statement_signature(struct buf *to, const struct signature *signature)
{
	return buf_printf(to, LINE_SIGNATURE "%.*s\"}", STR_ARG(signature_str(signature)));
}

/* --- reading --- */

bool line_skip(struct str *rest, const char *text)
{
	if (!str_starts(*rest, str_of(text)))
		return false;
	*rest = str_tail(*rest, str_of(text).len);
	return true;
}

bool line_number(struct str *rest, uint64_t *n)
{
	size_t digits = 0;

	while (digits < rest->len && ascii_is_digit(rest->at[digits]))
		digits++;
	if (!str_to_u64(str_head(*rest, digits), n))
		return false;
	*rest = str_tail(*rest, digits);
	return true;
}

bool line_digest(struct str *rest, struct digest *d)
{
	if (!digest_read(str_head(*rest, DIGEST_HEX), d))
		return false;
	*rest = str_tail(*rest, DIGEST_HEX);
	return true;
}

bool record_read_link(struct str line, struct record_link *link)
{
	return line_skip(&line, LINE_RECORD) && line_number(&line, &link->number) &&
	       line_skip(&line, ",\"previous\":\"") && line_digest(&line, &link->previous) &&
	       line_skip(&line, "\",");
}
