/* SPDX-License-Identifier: ISC
 *
 * dsn.c - the delivery report as a MIME message: header, the letter (dsn_letter.c), the status for
 * programs (RFC 3464; RFC 6533 where an address is not ASCII), the original. Runs in the store.
 * Remote texts are reduced to clean, bounded, folded field bodies; the original is copied as it
 * is or encoded, and the boundary is checked against all of it.
 */
#include "mail/dsn.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/must.h"
#include "mail/command.h"
#include "mail/compose.h"
#include "mail/dsn_letter.h"
#include "mail/eight_bit.h"
#include "mail/header.h"
#include "mail/plain_text.h"
#include "mail/quoted_printable.h"
#include "mail/reply.h"
#include <string.h>

enum {
	SUBJECT_MAX = 200,
	FIELD_TEXT_MAX = 1000,
	FIELD_COLUMNS = 76,
	HEADERS_MAX = 65536,
	WORD_BYTES = 39, /* of an encoded word: 75 characters with what is around it */
};

/* Room for the letter or for the status part, before either is encoded. */
static size_t text_max(const struct dsn *d)
{
	return (DSN_TEXT_MAX + d->n_recipients * DSN_RECIPIENT_MAX) / 4;
}

/* "7.10" of "5.7.10". */
static struct str without_class(struct str code)
{
	(void)str_cut(&code, '.');
	return code;
}

bool dsn_status_code(struct buf *to, const struct dsn_recipient *r)
{
	static const char class[] = { [DSN_STATUS_FAILED] = '5',
		[DSN_STATUS_WAITING] = '4',
		[DSN_STATUS_DELIVERED] = '2',
		[DSN_STATUS_RELAYED] = '2' };
	bool delivered = r->status == DSN_STATUS_DELIVERED || r->status == DSN_STATUS_RELAYED;
	bool theirs = delivered || r->reason == REASON_REMOTE_REPLY;
	struct str code = delivered ? STR("0.0") : str_of(reason_code(r->reason));

	if (theirs && enhanced_code_is_valid(r->code))
		code = without_class(r->code);
	buf_add_char(to, class[r->status]);
	buf_add_char(to, '.');
	return buf_add(to, code);
}

/* A field body: clean text, folded at blanks, or hard where there are none for too long. */
static void put_folded(struct buf *to, size_t column, struct str text)
{
	size_t name = column;

	while (text.len) {
		size_t n = str_find(text, ' ');
		if (n == 0) {
			text = str_tail(text, 1);
			continue;
		}
		if (n > FIELD_TEXT_MAX / 2)
			n = FIELD_TEXT_MAX / 2;
		if (column > name && column + n > FIELD_COLUMNS) {
			buf_add(to, STR("\r\n "));
			column = 1;
			name = 0;
		} else {
			buf_add_char(to, ' ');
			column++;
		}
		buf_add(to, str_head(text, n));
		text = str_tail(text, n);
		column += n;
	}
	buf_add(to, STR("\r\n"));
}

/* "Name: type; text" in ASCII. */
static void put_field(struct buf *to, const char *name, const char *type, struct str text)
{
	scoped(buf_free) struct buf body = BUF(2 * FIELD_TEXT_MAX);

	if (type)
		buf_printf(&body, "%s; ", type);
	plain_text_add_ascii(&body, text, FIELD_TEXT_MAX);
	buf_printf(to, "%s:", name);
	put_folded(to, strlen(name) + 1, buf_str(&body));
}

static void put_time_field(struct buf *to, const char *name, int64_t time)
{
	if (time == 0)
		return;
	buf_printf(to, "%s: ", name);
	clock_add_rfc5322(to, time);
	buf_add(to, STR("\r\n"));
}

/* "Name: type; address": ASCII, or UTF-8 where the report is a global one. Never folded, so that
 * no blank gets into it; blanks that an address has by itself stand in its quotes. */
static void put_address_field(struct buf *to, const char *name, struct str address, bool global)
{
	bool utf8 = global && str_has_8bit(address);

	buf_printf(to, "%s: %s; ", name, utf8 ? "utf-8" : "rfc822");
	if (utf8)
		plain_text_add(to, address, 2 * ADDRESS_MAX);
	else
		plain_text_add_ascii(to, address, 2 * ADDRESS_MAX);
	buf_add(to, STR("\r\n"));
}

/* Original-Recipient is the ORCPT parameter with its xtext decoded (RFC 3464 2.3.1); a value that
 * doesn't decode to something printable is left out. */
static void put_orcpt(struct buf *to, struct str orcpt, bool global)
{
	scoped(buf_free) struct buf decoded = BUF(FIELD_TEXT_MAX);
	struct str address = orcpt, type = str_cut(&address, ';');

	if (type.len == 0 || type.len > 32 || str_has_8bit(type) || address.len == 0)
		return;
	bool utf8 = str_eq_nocase(type, STR("utf-8"));
	if (!utf8 && !xtext_decode(&decoded, address))
		return;
	if (utf8 && !buf_add(&decoded, address))
		return;
	buf_add(to, STR("Original-Recipient: "));
	plain_text_add_ascii(to, type, 32);
	buf_add(to, STR("; "));
	if (global)
		plain_text_add(to, buf_str(&decoded), FIELD_TEXT_MAX / 2);
	else
		plain_text_add_ascii(to, buf_str(&decoded), FIELD_TEXT_MAX / 2);
	buf_add(to, STR("\r\n"));
}

static void put_envid(struct buf *to, struct str envid)
{
	scoped(buf_free) struct buf decoded = BUF(FIELD_TEXT_MAX);

	if (envid.len && xtext_decode(&decoded, envid) && decoded.len)
		put_field(to, "Original-Envelope-Id", NULL, buf_str(&decoded));
}

static void put_diagnostic(struct buf *to, const struct dsn_recipient *r)
{
	bool remote = r->said.len != 0;

	if (!remote && r->reason == REASON_NONE)
		return;
	put_field(to, "Diagnostic-Code", remote ? "smtp" : "x-siegel",
		remote ? r->said : str_of(reason_text(r->reason, LANGUAGE_EN)));
}

static void put_recipient(struct buf *to, const struct dsn_recipient *r, bool global)
{
	static const char *const actions[] = { [DSN_STATUS_FAILED] = "failed",
		[DSN_STATUS_WAITING] = "delayed",
		[DSN_STATUS_DELIVERED] = "delivered",
		[DSN_STATUS_RELAYED] = "relayed" };

	put_orcpt(to, r->orcpt, global);
	put_address_field(to, "Final-Recipient", r->address, global);
	buf_printf(to, "Action: %s\r\nStatus: ", actions[r->status]);
	dsn_status_code(to, r);
	buf_add(to, STR("\r\n"));
	if (r->host.len)
		put_field(to, "Remote-MTA", "dns", r->host);
	put_diagnostic(to, r);
	put_time_field(to, "Last-Attempt-Date", r->last_attempt);
	if (r->status == DSN_STATUS_WAITING)
		put_time_field(to, "Will-Retry-Until", r->until);
	if (r->reason != REASON_NONE)
		buf_printf(to, "X-Siegel-Reason: %s\r\n", reason_id(r->reason));
	if (r->reason == REASON_EXPIRED && r->last_reason != REASON_NONE)
		buf_printf(to, "X-Siegel-Last-Reason: %s\r\n", reason_id(r->last_reason));
}

static bool is_global(const struct dsn *d)
{
	for (size_t i = 0; i < d->n_recipients; i++) {
		if (str_has_8bit(d->recipients[i].address) || str_has_8bit(d->recipients[i].orcpt))
			return true;
	}
	return false;
}

static void put_status(struct buf *to, const struct dsn *d, bool global)
{
	size_t fresh = 0;

	put_envid(to, d->envid);
	put_field(to, "Reporting-MTA", "dns", d->reporting_mta);
	put_time_field(to, "Arrival-Date", d->arrival);
	if (d->queue_id.len)
		put_field(to, "X-Siegel-Queue-Id", NULL, d->queue_id);
	for (size_t i = 0; i < d->n_recipients; i++)
		fresh += !d->recipients[i].reported_before;
	for (size_t i = 0; i < d->n_recipients; i++) {
		if (fresh && d->recipients[i].reported_before)
			continue;
		buf_add(to, STR("\r\n"));
		put_recipient(to, &d->recipients[i], global);
	}
}

/* The header fields of the original with their CRLFs, as much of them as is wanted here. */
static struct str original_headers(struct str original)
{
	size_t end = str_find_str(original, STR("\r\n\r\n"));
	struct str headers = str_head(original, end < original.len ? end + 2 : original.len);

	if (headers.len <= HEADERS_MAX)
		return headers;
	headers = str_head(headers, HEADERS_MAX);
	return str_head(headers, str_find_last(headers, '\n') + 1);
}

/* An enclosed part: its type, its encoding, its bytes. */
struct part {
	const char *type, *encoding;
	struct buf encoded; /* where bytes had to change */
	struct str bytes;
};

static struct part headers_part(const struct dsn *d)
{
	struct part part = { "text/rfc822-headers", "7bit", BUF(4 * HEADERS_MAX),
		original_headers(d->original) };

	if (eight_bit_is_fit(part.bytes) && !str_has_8bit(part.bytes))
		return part;
	if (eight_bit_is_fit(part.bytes) && str_is_utf8(part.bytes) && !d->seven_bit) {
		part.type = "message/global-headers";
		part.encoding = "8bit";
		return part;
	}
	part.encoding = "quoted-printable";
	quoted_printable_encode(&part.encoded, part.bytes);
	part.bytes = buf_str(&part.encoded);
	return part;
}

/* message/rfc822 may not be encoded (RFC 2046 5.2.1), so what fits no 8bit body comes as headers. */
static struct part original_part(const struct dsn *d)
{
	if (d->headers_only || !eight_bit_is_fit(d->original) ||
		(d->seven_bit && str_has_8bit(d->original)))
		return headers_part(d);
	bool utf8_headers = str_has_8bit(original_headers(d->original));
	return (struct part){ utf8_headers ? "message/global" : "message/rfc822",
		str_has_8bit(d->original) ? "8bit" : "7bit", BUF(1), d->original };
}

static void free_part(struct part *part)
{
	buf_free(&part->encoded);
}

/* Letters and digits of the seed, which is ours but costs nothing to check; a boundary has at most
 * 70 characters (RFC 2046 5.1.1). */
static void put_seed(struct buf *to, struct str seed)
{
	seed = str_head(seed, 48);
	for (size_t i = 0; i < seed.len; i++) {
		char c = seed.at[i];
		buf_add_char(to, ascii_is_alnum(c) || c == '.' ? c : '-');
	}
}

/* A boundary that occurs in none of the parts. With its seed the first one nearly always will do. */
static void choose_boundary(struct buf *to, const struct dsn *d, const struct str *parts, size_t n)
{
	for (unsigned attempt = 0;; attempt++) {
		size_t i = 0;
		buf_clear(to);
		buf_printf(to, "=_siegel_%u_", attempt);
		put_seed(to, d->id_seed);
		while (i < n && str_find_str(parts[i], buf_str(to)) == parts[i].len)
			i++;
		if (i == n)
			return;
	}
}

/* RFC 2047, where the text can't stand in a header field as it is. */
static void put_subject(struct buf *to, struct str text)
{
	buf_add(to, STR("Subject:"));
	if (!str_has_8bit(text) && str_find_str(text, STR("=?")) == text.len) {
		put_folded(to, 8, text);
		return;
	}
	for (bool first = true; text.len; first = false) {
		struct str word = str_head_utf8(text, WORD_BYTES);
		buf_add(to, first ? STR(" =?utf-8?B?") : STR("\r\n =?utf-8?B?"));
		base64_encode(to, word);
		buf_add(to, STR("?="));
		text = str_tail(text, word.len);
	}
	buf_add(to, STR("\r\n"));
}

static void put_address(struct buf *to, struct str address)
{
	buf_add_char(to, '<');
	plain_text_add(to, address, 2 * ADDRESS_MAX);
	buf_add(to, STR(">\r\n"));
}

static void put_header(struct buf *to, const struct dsn *d, struct str subject)
{
	struct str id = str_trim(d->message_id);

	buf_add(to, STR("From: Mail Delivery System <MAILER-DAEMON@"));
	plain_text_add_ascii(to, d->reporting_mta, ADDRESS_DOMAIN_MAX);
	buf_add(to, STR(">\r\nTo: "));
	put_address(to, d->to);
	put_subject(to, subject);
	put_time_field(to, "Date", d->now);
	buf_add(to, STR("Message-ID: <"));
	put_seed(to, d->id_seed);
	buf_add_char(to, '@');
	plain_text_add_ascii(to, d->reporting_mta, ADDRESS_DOMAIN_MAX);
	buf_add(to, STR(">\r\n"));
	if (compose_is_message_id(id))
		buf_printf(
			to, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n", STR_ARG(id), STR_ARG(id));
	/* RFC 3834 5: a list made by the clock is no answer to anything. */
	buf_printf(to, "Auto-Submitted: %s\r\nMIME-Version: 1.0\r\n",
		d->kind == DSN_MAIL_TURNED_AWAY ? "auto-generated" : "auto-replied");
	buf_printf(
		to, "Content-Language: %s\r\n", d->language == LANGUAGE_DE ? "de, en" : "en, de");
}

static void put_part(struct buf *to, struct str boundary, const char *description, const char *type,
	const char *encoding, struct str bytes)
{
	buf_printf(to, "\r\n--%.*s\r\n", STR_ARG(boundary));
	buf_printf(to, "Content-Description: %s\r\nContent-Type: %s\r\n", description, type);
	buf_printf(to, "Content-Transfer-Encoding: %s\r\n\r\n", encoding);
	buf_add(to, bytes);
}

/* How a text of ours travels; it is encoded in its place if it has to be. */
static const char *encode_own(const struct dsn *d, struct buf *text)
{
	scoped(buf_free) struct buf encoded = BUF(4 * text->max);

	if (!str_has_8bit(buf_str(text)))
		return "7bit";
	if (!d->seven_bit)
		return "8bit";
	quoted_printable_encode(&encoded, buf_str(text));
	struct buf before = *text;
	*text = encoded;
	encoded = before;
	return "quoted-printable";
}

static void put_report(struct buf *to, const struct dsn *d, struct buf *letter)
{
	scoped(buf_free) struct buf status = BUF(text_max(d));
	scoped(buf_free) struct buf boundary = BUF(128);
	scoped(free_part) struct part original = original_part(d);
	bool global = is_global(d);

	put_status(&status, d, global);
	const char *letter_encoding = encode_own(d, letter);
	const char *status_encoding = encode_own(d, &status);
	struct str parts[] = { buf_str(letter), buf_str(&status), original.bytes };
	choose_boundary(&boundary, d, parts, count_of(parts));
	struct str b = buf_str(&boundary);
	buf_printf(to,
		"Content-Type: multipart/report; "
		"report-type=%s;\r\n\tboundary=\"%.*s\"\r\n"
		"Content-Transfer-Encoding: %s\r\n\r\n"
		"This is a delivery report in MIME format.\r\n",
		global ? "global-delivery-status" : "delivery-status", STR_ARG(b),
		d->seven_bit ? "7bit" : "8bit");
	put_part(to, b, "Notification", "text/plain; charset=utf-8", letter_encoding,
		buf_str(letter));
	put_part(to, b, "Delivery report",
		global ? "message/global-delivery-status" : "message/delivery-status",
		status_encoding, buf_str(&status));
	put_part(to, b, "Undelivered message", original.type, original.encoding, original.bytes);
	buf_printf(to, "\r\n--%.*s--\r\n", STR_ARG(b));
	to->overflowed = to->overflowed || status.overflowed || original.encoded.overflowed;
}

/* About no message of the reader's: a letter and nothing else. */
static bool is_plain(const struct dsn *d)
{
	return d->kind == DSN_REPORT_TURNED_AWAY || d->kind == DSN_MAIL_TURNED_AWAY;
}

bool dsn_write(struct buf *to, const struct dsn *d)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	scoped(buf_free) struct buf subject = BUF(4096);
	scoped(buf_free) struct buf letter = BUF(text_max(d));
	struct str original = header_decode(d->subject, &arena, SUBJECT_MAX);

	must((unsigned)d->language < LANGUAGES_N && d->now);
	buf_add(&subject, str_of(dsn_word(dsn_subject_word(d), d->language)));
	if (original.len && !is_plain(d))
		buf_printf(&subject, ": %.*s", STR_ARG(original));
	dsn_letter_write(&letter, d, original);
	put_header(to, d, buf_str(&subject));
	if (is_plain(d)) {
		buf_add(to, STR("Content-Type: text/plain; charset=utf-8\r\n"
				"Content-Transfer-Encoding: 8bit\r\n\r\n"));
		buf_add(to, buf_str(&letter));
	} else {
		put_report(to, d, &letter);
	}
	return !to->overflowed && !letter.overflowed && !subject.overflowed;
}
