/* SPDX-License-Identifier: ISC
 *
 * dsn_letter.c - the letter as a person reads it. Runs in the store, inside the transaction that
 * ends a recipient. What it claims comes from evidence alone: "nothing went out in the clear"
 * stands there only where TLS was demanded for every recipient, and what was transmitted is said
 * as delivery recorded it. Remote text is cleaned, bounded and indented.
 */
#include "mail/dsn_letter.h"

#include "base/clock.h"
#include "base/must.h"
#include "mail/plain_text.h"

enum {
	SAID_SHOWN_MAX = 600,
	SUBJECT_SHOWN_MAX = 300,
	ADDRESS_SHOWN_MAX = 400,
	ATTEMPTS_SHOWN = 12
};

static const char *const words[DSN_WORDS_N][LANGUAGES_N] = {
#define DSN_WORD_ROW(name, en, de) [WORD_##name] = { [LANGUAGE_EN] = en, [LANGUAGE_DE] = de },
	DSN_WORDS(DSN_WORD_ROW)
#undef DSN_WORD_ROW
};

const char *dsn_word(enum dsn_word word, enum language language)
{
	must((unsigned)word < DSN_WORDS_N && (unsigned)language < LANGUAGES_N);
	return words[word][language];
}

/* What is being written, in which language. */
struct letter {
	struct buf *to;
	const struct dsn *d;
	struct str subject;
	enum language language;
};

static const char *say(const struct letter *l, enum dsn_word word)
{
	return dsn_word(word, l->language);
}

static void blank_line(const struct letter *l)
{
	buf_add(l->to, STR("\r\n"));
}

static void paragraph(const struct letter *l, enum dsn_word word)
{
	plain_text_wrap(l->to, STR(""), str_of(say(l, word)));
}

static size_t count_status(const struct dsn *d, enum dsn_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_recipients; i++)
		n += d->recipients[i].status == status;
	return n;
}

static bool is_sealed(const struct dsn_recipient *r)
{
	return r->demands & DEMAND_TLS && r->transmission != TRANSMISSION_PLAIN;
}

static bool all_sealed(const struct dsn *d)
{
	for (size_t i = 0; i < d->n_recipients; i++) {
		if (!is_sealed(&d->recipients[i]))
			return false;
	}
	return d->n_recipients != 0;
}

static bool was_sent(const struct dsn_recipient *r)
{
	return r->transmission != TRANSMISSION_NO_CONNECTION &&
	       r->transmission != TRANSMISSION_NOTHING;
}

static bool is_unsure(const struct dsn_recipient *r)
{
	return r->status == DSN_STATUS_FAILED && r->transmission == TRANSMISSION_UNSURE;
}

/* "Not sent" is for what never left; the rest was sent sealed and not accepted. */
static bool none_was_sent(const struct dsn *d)
{
	for (size_t i = 0; i < d->n_recipients; i++) {
		const struct dsn_recipient *r = &d->recipients[i];
		if (r->status == DSN_STATUS_FAILED && (was_sent(r) || !is_sealed(r)))
			return false;
	}
	return true;
}

static bool all_failed_are_unsure(const struct dsn *d)
{
	for (size_t i = 0; i < d->n_recipients; i++) {
		if (d->recipients[i].status == DSN_STATUS_FAILED && !is_unsure(&d->recipients[i]))
			return false;
	}
	return true;
}

enum dsn_word dsn_subject_word(const struct dsn *d)
{
	switch (d->kind) {
	case DSN_FAILED:
		if (all_failed_are_unsure(d))
			return WORD_SUBJECT_UNSURE;
		return none_was_sent(d) ? WORD_SUBJECT_NOT_SENT : WORD_SUBJECT_NOT_DELIVERED;
	case DSN_DELAYED:
		return all_sealed(d) ? WORD_SUBJECT_DELAYED_SEALED : WORD_SUBJECT_DELAYED;
	case DSN_SUCCESS:
		return count_status(d, DSN_STATUS_DELIVERED) ? WORD_SUBJECT_SUCCESS
							     : WORD_SUBJECT_RELAYED;
	case DSN_MAIL_TURNED_AWAY:
		return WORD_SUBJECT_MAIL_TURNED_AWAY;
	case DSN_REPORT_TURNED_AWAY:
		break;
	}
	return WORD_SUBJECT_TURNED_AWAY;
}

static enum dsn_word head_word(const struct dsn *d)
{
	bool partly = count_status(d, DSN_STATUS_FAILED) != d->n_recipients;

	switch (dsn_subject_word(d)) {
	case WORD_SUBJECT_NOT_SENT:
		return partly ? WORD_HEAD_NOT_SENT_PARTLY : WORD_HEAD_NOT_SENT;
	case WORD_SUBJECT_NOT_DELIVERED:
		return partly ? WORD_HEAD_NOT_DELIVERED_PARTLY : WORD_HEAD_NOT_DELIVERED;
	case WORD_SUBJECT_UNSURE:
		return WORD_HEAD_UNSURE;
	case WORD_SUBJECT_DELAYED_SEALED:
		return WORD_HEAD_DELAYED_SEALED;
	case WORD_SUBJECT_DELAYED:
		return WORD_HEAD_DELAYED;
	case WORD_SUBJECT_SUCCESS:
		return WORD_HEAD_SUCCESS;
	case WORD_SUBJECT_RELAYED:
		return WORD_HEAD_RELAYED;
	default:
		return WORD_HEAD_TURNED_AWAY;
	}
}

/* "23.11.2026, 17:22 UTC" or "23 Nov 2026, 17:22 UTC". */
static void put_time(struct buf *to, int64_t time, enum language language)
{
	scoped(buf_free) struct buf text = BUF(64);

	if (language == LANGUAGE_DE) {
		clock_add_iso8601(&text, time); /* 2026-11-23T17:22:00Z */
		struct str s = buf_str(&text), year = str_cut(&s, '-'), month = str_cut(&s, '-'),
			   day = str_cut(&s, 'T');
		buf_printf(to, "%.*s.%.*s.%.*s, %.*s UTC", STR_ARG(day), STR_ARG(month),
			STR_ARG(year), STR_ARG(str_head(s, 5)));
	} else {
		clock_add_rfc5322(&text, time); /* Mon, 23 Nov 2026 17:22:00 +0000 */
		struct str s = str_tail(buf_str(&text), 5), day = str_cut(&s, ' '),
			   month = str_cut(&s, ' '), year = str_cut(&s, ' ');
		buf_printf(to, "%.*s %.*s %.*s, %.*s UTC", STR_ARG(day), STR_ARG(month),
			STR_ARG(year), STR_ARG(str_head(s, 5)));
	}
}

/* "    label  text", wrapped. */
static void labelled(const struct letter *l, enum dsn_word label, struct str text, size_t max)
{
	scoped(buf_free) struct buf first = BUF(256);
	scoped(buf_free) struct buf clean = BUF(4 * max + 16);

	buf_printf(&first, "    %s ", say(l, label));
	plain_text_add(&clean, text, max);
	plain_text_wrap(l->to, buf_str(&first), buf_str(&clean));
}

static void labelled_time(const struct letter *l, enum dsn_word label, int64_t time)
{
	scoped(buf_free) struct buf text = BUF(64);

	put_time(&text, time, l->language);
	labelled(l, label, buf_str(&text), 64);
}

/* Which message this is about. */
static void write_about(const struct letter *l)
{
	if (l->subject.len)
		labelled(l, WORD_LABEL_SUBJECT, l->subject, SUBJECT_SHOWN_MAX);
	if (l->d->arrival)
		labelled_time(l, WORD_LABEL_TAKEN, l->d->arrival);
	if (l->subject.len || l->d->arrival)
		blank_line(l);
}

static void write_said(const struct letter *l, struct str said)
{
	scoped(buf_free) struct buf text = BUF(4096);
	scoped(buf_free) struct buf clean = BUF(4 * SAID_SHOWN_MAX);

	if (said.len == 0)
		return;
	plain_text_add(&clean, said, SAID_SHOWN_MAX);
	buf_printf(&text, "%s \"%.*s\"", say(l, WORD_HOST_SAID), STR_ARG(buf_str(&clean)));
	plain_text_wrap(l->to, STR("      "), buf_str(&text));
}

static enum dsn_word transmission_word(enum transmission transmission)
{
	switch (transmission) {
	case TRANSMISSION_NO_CONNECTION:
		return WORD_SENT_NO_CONNECTION;
	case TRANSMISSION_NOTHING:
		return WORD_SENT_NOTHING;
	case TRANSMISSION_UNSURE:
		return WORD_SENT_UNSURE;
	default:
		return WORD_SENT_SEALED;
	}
}

/* Why one recipient failed or waits, and what was transmitted. */
static void write_why(const struct letter *l, const struct dsn_recipient *r)
{
	scoped(buf_free) struct buf text = BUF(4096);

	if (r->reason != REASON_NONE)
		buf_printf(
			&text, "%s%s. ", say(l, WORD_BECAUSE), reason_text(r->reason, l->language));
	if (r->reason == REASON_EXPIRED && r->last_reason != REASON_NONE)
		buf_printf(&text, "%s%s. ", say(l, WORD_LAST_TIME),
			reason_text(r->last_reason, l->language));
	if (is_sealed(r))
		buf_printf(&text, "%s ", say(l, transmission_word(r->transmission)));
	if (r->status == DSN_STATUS_WAITING && r->until) {
		buf_add(&text, str_of(say(l, WORD_UNTIL)));
		put_time(&text, r->until, l->language);
		buf_add_char(&text, '.');
	}
	if (text.len)
		plain_text_wrap(l->to, STR("      "), buf_str(&text));
	/* The server's own words where they are the reason; otherwise they follow further down. */
	if (r->reason == REASON_REMOTE_REPLY || r->last_reason == REASON_REMOTE_REPLY)
		write_said(l, r->said);
}

/* --- how it travelled --- */

static enum dsn_word proof_word(struct str proven_by)
{
	static const struct {
		const char *proven_by;
		enum dsn_word word;
	} proofs[] = {
		{ "dane", WORD_PROVEN_DANE },
		{ "sts", WORD_PROVEN_STS },
		{ "ca", WORD_PROVEN_CA },
		{ "pin", WORD_PROVEN_PIN },
	};

	for (size_t i = 0; i < count_of(proofs); i++)
		if (str_eq(proven_by, str_of(proofs[i].proven_by)))
			return proofs[i].word;
	return WORD_NOT_PROVEN;
}

/* "Sealed with TLSv1.3 TLS_AES_256_GCM_SHA384, X25519. The server was proven by ..." */
static void add_seal(struct buf *to, const struct letter *l, const struct evidence *e)
{
	buf_printf(to, "%s ", say(l, WORD_SEALED_WITH));
	plain_text_add(to, e->tls_version, 32);
	buf_add_char(to, ' ');
	plain_text_add(to, e->cipher, 64);
	if (e->group.len)
		buf_add(to, STR(", "));
	plain_text_add(to, e->group, 64);
	buf_printf(to, ". %s", say(l, proof_word(e->proven_by)));
}

/* The last attempt that was in order at the server that took it for this recipient, or NULL. */
static const struct evidence *carried_by(const struct dsn *d, const struct dsn_recipient *r)
{
	for (size_t i = d->n_attempts; r->host.len && i > 0; i--) {
		const struct evidence *e = &d->attempts[i - 1];
		if (e->verdict == VERDICT_ACCEPTED && str_eq(e->host, r->host))
			return e;
	}
	return NULL;
}

/* A success report says how the message travelled. */
static void write_carrier(const struct letter *l, const struct dsn_recipient *r)
{
	const struct evidence *e = carried_by(l->d, r);
	scoped(buf_free) struct buf text = BUF(4096);

	if (l->d->kind != DSN_SUCCESS || !e)
		return;
	buf_printf(&text, "%s ", say(l, WORD_TAKEN_BY));
	plain_text_add(&text, e->host, 255);
	buf_add(&text, STR(" ["));
	plain_text_add(&text, e->address, 64);
	buf_add(&text, STR("]. "));
	enum transport transport = transport_of(e->tls_version, e->cipher, e->proven_by);
	if (transport == TRANSPORT_NONE || r->transmission == TRANSMISSION_PLAIN) {
		buf_add(&text, str_of(say(l, WORD_NOT_SEALED)));
	} else {
		add_seal(&text, l, e);
		buf_printf(&text, " %s",
			say(l, transport == TRANSPORT_QUALIFIED ? WORD_TRANSPORT_QUALIFIED
								: WORD_TRANSPORT_MANDATORY));
	}
	plain_text_wrap(l->to, STR("      "), buf_str(&text));
}

static void write_recipients(const struct letter *l, enum dsn_word head, enum dsn_status status)
{
	if (count_status(l->d, status) == 0)
		return;
	buf_printf(l->to, "%s\r\n\r\n", say(l, head));
	for (size_t i = 0; i < l->d->n_recipients; i++) {
		const struct dsn_recipient *r = &l->d->recipients[i];
		if (r->status != status)
			continue;
		buf_add(l->to, STR("    "));
		plain_text_add(l->to, r->address, ADDRESS_SHOWN_MAX);
		blank_line(l);
		if (status == DSN_STATUS_FAILED || status == DSN_STATUS_WAITING) {
			write_why(l, r);
			blank_line(l);
		} else {
			write_carrier(l, r);
		}
	}
	if (status == DSN_STATUS_DELIVERED || status == DSN_STATUS_RELAYED)
		blank_line(l);
}

/* What a person can do about a reason, as a set. */
enum advice {
	ASK_PROVIDER = 1,
	NORMAL_ADDRESS = 2,
	CHECK_ADDRESS = 4,
	SMALLER = 8,
	LATER = 16,
	OPERATOR = 32,
	RULE = 64,
	ASK_RECIPIENT = 128,
	OTHER_WAY = 256,
};

static const struct {
	enum advice advice;
	enum dsn_word word;
} advices[] = {
	{ ASK_RECIPIENT, WORD_DO_ASK_RECIPIENT },
	{ CHECK_ADDRESS, WORD_DO_CHECK_ADDRESS },
	{ ASK_PROVIDER, WORD_DO_ASK_PROVIDER },
	{ RULE, WORD_DO_RULE },
	{ NORMAL_ADDRESS, WORD_DO_NORMAL_ADDRESS },
	{ SMALLER, WORD_DO_SMALLER },
	{ OPERATOR, WORD_DO_OPERATOR },
	{ LATER, WORD_DO_LATER },
	{ OTHER_WAY, WORD_DO_OTHER_WAY },
};

static unsigned advice_for_reason(enum reason reason)
{
	switch (reason) {
	case REASON_STARTTLS_NOT_SUPPORTED:
	case REASON_PROTOCOL_VERSION:
	case REASON_NOT_TLS:
	case REASON_RESPONSE_INJECTION:
	case REASON_TLS_NOT_AVAILABLE_NOW:
	case REASON_CERTIFICATE_HOST_MISMATCH:
	case REASON_CERTIFICATE_EXPIRED:
	case REASON_CERTIFICATE_NOT_TRUSTED:
	case REASON_TLSA_INVALID:
	case REASON_STS_MX_NOT_LISTED:
	case REASON_VALIDATION_FAILURE:
		return ASK_PROVIDER | NORMAL_ADDRESS | OTHER_WAY;
	case REASON_DANE_REQUIRED:
	case REASON_AUTHENTICATION_UNAVAILABLE:
	case REASON_NO_STORED_CERTIFICATE:
	case REASON_STORED_CERTIFICATE_EXPIRED:
	case REASON_STORED_CERTIFICATE_MISMATCH:
	case REASON_ADDRESS_LITERAL:
	case REASON_REQUIRETLS_UNSUPPORTED:
		return RULE | NORMAL_ADDRESS | OTHER_WAY;
	case REASON_NULL_MX:
	case REASON_DOMAIN_NOT_FOUND:
	case REASON_NO_ADDRESS:
	case REASON_NO_SUCH_MAILBOX:
	case REASON_REMOTE_REPLY:
		return CHECK_ADDRESS | OTHER_WAY;
	case REASON_TOO_BIG:
		return SMALLER | OTHER_WAY;
	case REASON_LOCAL_FAULT:
	case REASON_RESOLVER_UNHEALTHY:
	case REASON_MAIL_LOOP:
	case REASON_DROPPED_BY_OPERATOR:
		return OPERATOR | OTHER_WAY;
	default:
		return LATER | OTHER_WAY;
	}
}

static unsigned advice_for(const struct dsn_recipient *r)
{
	enum reason reason = r->reason == REASON_EXPIRED ? r->last_reason : r->reason;
	unsigned set = advice_for_reason(reason);

	if (!is_sealed(r))
		set &= ~(unsigned)(NORMAL_ADDRESS | RULE);
	/* Sealed mail that merely waited: from the normal address it would wait just as long. */
	if (is_unsure(r))
		set = ASK_RECIPIENT | OTHER_WAY;
	return set;
}

static void write_advice(const struct letter *l)
{
	unsigned set = 0;

	for (size_t i = 0; i < l->d->n_recipients; i++) {
		if (l->d->recipients[i].status == DSN_STATUS_FAILED)
			set |= advice_for(&l->d->recipients[i]);
	}
	if (l->d->kind != DSN_FAILED || set == 0)
		return;
	buf_printf(l->to, "%s\r\n\r\n", say(l, WORD_CAN_DO));
	for (size_t i = 0; i < count_of(advices); i++) {
		if (set & advices[i].advice)
			plain_text_wrap(l->to, STR("  - "), str_of(say(l, advices[i].word)));
	}
	blank_line(l);
}

static void write_help(const struct letter *l)
{
	if (l->d->help_url.len == 0)
		return;
	buf_printf(l->to, "%s ", say(l, WORD_MORE_HELP));
	plain_text_add_ascii(l->to, l->d->help_url, 500);
	buf_add(l->to, STR("\r\n\r\n"));
}

static void labelled_peer(const struct letter *l, struct str helo, struct str peer)
{
	scoped(buf_free) struct buf text = BUF(2048);

	plain_text_add(&text, helo, 255);
	buf_add(&text, STR(" ["));
	plain_text_add(&text, peer, 64);
	buf_add(&text, STR("]"));
	labelled(l, WORD_LABEL_PEER, buf_str(&text), 400);
}

static void labelled_count(const struct letter *l, enum dsn_word label, uint64_t count)
{
	scoped(buf_free) struct buf text = BUF(32);

	buf_add_u64(&text, count);
	labelled(l, label, buf_str(&text), 32);
}

static void write_mail_turned_away(const struct letter *l)
{
	uint64_t more = l->d->turned_away.count;

	paragraph(l, WORD_HEAD_MAIL_TURNED_AWAY);
	blank_line(l);
	labelled(l, WORD_LABEL_ALIAS, l->d->turned_away.alias, ADDRESS_SHOWN_MAX);
	labelled_count(l, WORD_LABEL_ATTEMPTS, l->d->turned_away.count);
	blank_line(l);
	for (size_t i = 0; i < l->d->turned_away.n; i++) {
		const struct dsn_turned_away *one = &l->d->turned_away.list[i];
		labelled(l, WORD_LABEL_FROM, one->who, ADDRESS_SHOWN_MAX);
		labelled_peer(l, one->helo, one->peer);
		labelled_time(l, WORD_LABEL_FIRST, one->first);
		if (one->count > 1)
			labelled_count(l, WORD_LABEL_ATTEMPTS, one->count);
		blank_line(l);
		more -= one->count < more ? one->count : more;
	}
	if (more)
		paragraph(l, WORD_MAIL_TURNED_AWAY_MORE);
	paragraph(l, WORD_MAIL_TURNED_AWAY_CLAIMED);
	paragraph(l, WORD_MAIL_TURNED_AWAY_ADVICE);
	blank_line(l);
	paragraph(l, WORD_MAIL_TURNED_AWAY_OFTEN);
	blank_line(l);
	write_help(l);
}

static void write_turned_away(const struct letter *l)
{
	paragraph(l, WORD_HEAD_TURNED_AWAY);
	blank_line(l);
	labelled_time(l, WORD_LABEL_TIME, l->d->turned_away.time);
	labelled(l, WORD_LABEL_ALIAS, l->d->turned_away.alias, ADDRESS_SHOWN_MAX);
	labelled_peer(l, l->d->turned_away.helo, l->d->turned_away.peer);
	blank_line(l);
	paragraph(l, WORD_TURNED_AWAY_MEANING);
	blank_line(l);
	write_help(l);
}

static void write_in_language(const struct letter *l)
{
	const struct dsn *d = l->d;

	if (d->kind == DSN_REPORT_TURNED_AWAY) {
		write_turned_away(l);
		return;
	}
	if (d->kind == DSN_MAIL_TURNED_AWAY) {
		write_mail_turned_away(l);
		return;
	}
	paragraph(l, head_word(d));
	if (d->kind != DSN_SUCCESS && all_sealed(d))
		paragraph(l, WORD_NOTHING_IN_CLEAR);
	blank_line(l);
	write_about(l);
	write_recipients(
		l, none_was_sent(d) ? WORD_LIST_NOT_SENT : WORD_LIST_FAILED, DSN_STATUS_FAILED);
	write_recipients(l, WORD_LIST_WAITING, DSN_STATUS_WAITING);
	write_recipients(l, WORD_LIST_DELIVERED, DSN_STATUS_DELIVERED);
	write_recipients(l, WORD_LIST_RELAYED, DSN_STATUS_RELAYED);
	write_advice(l);
	if (d->kind == DSN_FAILED && !d->headers_only && d->original.len) {
		paragraph(l, WORD_NOT_LOST);
		blank_line(l);
	}
	write_help(l);
}

static void write_rule(const struct letter *l, const char *title)
{
	buf_printf(l->to, "-----  %s  ", title);
	for (size_t i = plain_text_columns(str_of(title)) + 9; i < 68; i++)
		buf_add_char(l->to, '-');
	buf_add(l->to, STR("\r\n\r\n"));
}

static void write_judgement(const struct letter *l, const struct evidence *a)
{
	scoped(buf_free) struct buf text = BUF(1024);

	if (a->verdict == VERDICT_ACCEPTED && a->reason == REASON_NONE) {
		buf_add(&text, str_of(say(l, WORD_TRIED_FINE)));
	} else {
		buf_add(&text, str_of(say(l, a->verdict == VERDICT_UNKNOWN ? WORD_TRIED_UNKNOWN
									   : WORD_TRIED_REFUSED)));
		buf_printf(&text, "%s (%s).", reason_text(a->reason, l->language),
			reason_id(a->reason));
	}
	plain_text_wrap(l->to, STR("      "), buf_str(&text));
}

static void write_attempt(const struct letter *l, const struct evidence *a)
{
	scoped(buf_free) struct buf when = BUF(64);
	scoped(buf_free) struct buf sealed = BUF(1024);

	clock_add_iso8601(&when, a->time);
	buf_printf(l->to, "    %.*s  ", STR_ARG(buf_str(&when)));
	plain_text_add(l->to, a->host, 255);
	if (a->address.len) {
		buf_add(l->to, STR(" ["));
		plain_text_add(l->to, a->address, 64);
		buf_add(l->to, STR("]"));
	}
	blank_line(l);
	write_judgement(l, a);
	if (a->tls_version.len) {
		add_seal(&sealed, l, a);
		plain_text_wrap(l->to, STR("      "), buf_str(&sealed));
	}
	write_said(l, a->said);
}

/* The record of what was tried, once, in the account's language: names, numbers and quotations. */
static void write_attempts(const struct letter *l)
{
	size_t n = l->d->n_attempts, first = n > ATTEMPTS_SHOWN ? n - ATTEMPTS_SHOWN : 0;

	if (n == 0)
		return;
	write_rule(l, say(l, WORD_TRIED));
	if (first)
		buf_printf(l->to, "    %zu %s\r\n", first, say(l, WORD_TRIED_EARLIER));
	for (size_t i = first; i < n; i++)
		write_attempt(l, &l->d->attempts[i]);
	blank_line(l);
}

void dsn_letter_write(struct buf *to, const struct dsn *d, struct str subject)
{
	struct letter own = { to, d, subject, d->language };
	struct letter other = own;

	other.language = d->language == LANGUAGE_DE ? LANGUAGE_EN : LANGUAGE_DE;
	write_in_language(&own);
	write_rule(&other, say(&other, WORD_LANGUAGE_NAME));
	write_in_language(&other);
	write_attempts(&own);
}
