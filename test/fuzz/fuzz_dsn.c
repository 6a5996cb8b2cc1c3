/* SPDX-License-Identifier: ISC
 *
 * fuzz_dsn.c - whatever stands in a message, an address or a server's answer, the letter keeps its
 * form: one header, three parts, short lines, no control characters outside the original.
 */
#include "mail/dsn.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next piece of the input, up to a NUL. */
static struct str piece(struct str *rest)
{
	return str_cut(rest, '\0');
}

static void check_lines(struct str text)
{
	while (text.len) {
		struct str line = str_cut(&text, '\n');
		must(line.len && line.len <= 999 && line.at[line.len - 1] == '\r');
		for (size_t i = 0; i + 1 < line.len; i++)
			must(line.at[i] == '\t' ||
				((unsigned char)line.at[i] >= 0x20 && line.at[i] != 0x7f));
	}
}

static size_t count(struct str text, struct str needle)
{
	size_t n = 0;

	for (size_t at; (at = str_find_str(text, needle)) < text.len; n++)
		text = str_tail(text, at + needle.len);
	return n;
}

/* Fields called `name` in a part: a line that quoted-printable only breaks begins none. */
static size_t count_fields(struct str part, struct str name)
{
	scoped(buf_free) struct buf text = BUF(16 << 20), start = BUF(100);
	struct str soft = STR("=\r\n");

	if (str_find_str(part, STR("quoted-printable\r\n")) == part.len)
		soft = str_tail(soft, soft.len);
	for (size_t at; soft.len && (at = str_find_str(part, soft)) < part.len;) {
		buf_add(&text, str_head(part, at));
		part = str_tail(part, at + soft.len);
	}
	buf_add(&text, part);
	buf_printf(&start, "\r\n%.*s:", STR_ARG(name));
	return count(buf_str(&text), buf_str(&start));
}

static void check(struct str letter, bool seven_bit)
{
	struct str header = str_head(letter, str_find_str(letter, STR("\r\n\r\n")) + 2);
	struct str boundary = str_tail(header, str_find_str(header, STR("\r\n\tboundary=\"")) + 13);

	check_lines(header);
	boundary = str_cut(&boundary, '"');
	must(boundary.len && boundary.len <= 70);
	must(!seven_bit || !str_has_8bit(str_tail(letter, header.len)));
	must(count(header, STR("\r\nSubject:")) == 1 && count(header, STR("\r\nTo:")) == 1);
	struct str rest = str_tail(letter, header.len), parts[4];
	/* Three parts and the end. */
	must(count(rest, boundary) == 4);
	for (size_t i = 0; i < count_of(parts); i++) {
		size_t at = str_find_str(rest, boundary);
		parts[i] = str_head(rest, at);
		rest = str_tail(rest, at + boundary.len);
	}
	must(str_eq(rest, STR("--\r\n")));
	/* Each ends in the two hyphens of the next delimiter. */
	check_lines(str_head(parts[1], parts[1].len - 2));
	check_lines(str_head(parts[2], parts[2].len - 2));
	must(str_is_utf8(parts[1]));
	must(count_fields(parts[2], STR("Reporting-MTA")) == 1);
	must(count_fields(parts[2], STR("Action")) == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_free) struct buf letter = BUF(16 << 20);
	struct str rest = { (const char *)data, size };
	unsigned choice = size ? data[0] : 0;
	struct dsn_recipient recipients[2] = { { 0 } };
	struct evidence attempt = { .time = 1795454523000, .verdict = choice % 3 };
	struct dsn d = { .kind = DSN_FAILED + choice % 3,
		.language = choice & 1 ? LANGUAGE_DE : LANGUAGE_EN,
		.now = 1795454523000,
		.arrival = choice & 2 ? 1795454523000 : 0,
		.headers_only = choice & 4,
		.seven_bit = choice & 8,
		.recipients = recipients,
		.n_recipients = 2,
		.attempts = &attempt,
		.n_attempts = 1 };

	if (size)
		rest = str_tail(rest, 1);
	d.reporting_mta = piece(&rest), d.to = piece(&rest), d.id_seed = piece(&rest);
	d.subject = piece(&rest), d.message_id = piece(&rest), d.envid = piece(&rest);
	d.help_url = piece(&rest), d.queue_id = piece(&rest);
	for (size_t i = 0; i < 2; i++) {
		struct dsn_recipient *r = &recipients[i];
		r->status = (choice >> 3) % 4, r->reason = choice % REASONS_N;
		r->last_reason = (choice >> 1) % REASONS_N;
		r->demands = i ? DEMAND_TLS : choice >> 7, r->transmission = choice % 5;
		r->address = piece(&rest), r->code = piece(&rest), r->said = piece(&rest);
		r->host = piece(&rest), r->orcpt = piece(&rest);
	}
	attempt.reason = recipients[0].reason, attempt.host = piece(&rest);
	attempt.address = piece(&rest), attempt.tls_version = piece(&rest);
	attempt.cipher = piece(&rest), attempt.said = piece(&rest);
	d.original = rest;
	if (dsn_write(&letter, &d))
		check(buf_str(&letter), d.seven_bit);
	return 0;
}
