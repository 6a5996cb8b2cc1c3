/* SPDX-License-Identifier: ISC
 *
 * verbs.c - which verb may be said when, as a table, and the verbs that are a few words each.
 * Runs in smtpd, on words of a hostile peer. Every need a verb has stands in its row; the order
 * in which needs are looked at, and what is answered, stands in one list.
 */
#include "smtpd/verbs.h"

#include "smtpd/limits.h"

enum need {
	ANY = 0,
	GREETED = 1,	/* EHLO or HELO first */
	SEALED = 2,	/* inside TLS, where the listener wants it */
	LOGGED_IN = 4,	/* AUTH first, where the listener wants it */
	NO_MAIL = 8,	/* no transaction open */
	MAIL_OPEN = 16, /* MAIL first */
	NO_CHUNK = 32,	/* no BDAT yet in this transaction */
	RECIPIENT = 64, /* RCPT first */
};

static struct reply do_ehlo(struct session *s, struct str argument);
static struct reply do_helo(struct session *s, struct str argument);
static struct reply do_starttls(struct session *s, struct str argument);
static struct reply do_rset(struct session *s, struct str argument);
static struct reply do_noop(struct session *s, struct str argument);
static struct reply do_quit(struct session *s, struct str argument);
static struct reply do_vrfy(struct session *s, struct str argument);
static struct reply do_expn(struct session *s, struct str argument);
static struct reply do_help(struct session *s, struct str argument);

struct verb_row {
	unsigned needs;
	struct reply (*run)(struct session *s, struct str argument);
};

static const struct verb_row verbs[VERBS_N] = {
	[VERB_EHLO] = { ANY, do_ehlo },
	[VERB_HELO] = { ANY, do_helo },
	[VERB_STARTTLS] = { GREETED, do_starttls },
	[VERB_AUTH] = { GREETED | NO_MAIL, do_auth },
	[VERB_MAIL] = { GREETED | SEALED | LOGGED_IN | NO_MAIL, do_mail },
	[VERB_RCPT] = { GREETED | SEALED | LOGGED_IN | MAIL_OPEN | NO_CHUNK, do_rcpt },
	[VERB_DATA] = { GREETED | SEALED | LOGGED_IN | MAIL_OPEN | NO_CHUNK | RECIPIENT, do_data },
	/* Asks verb_allowed itself, since its octets have to be read whatever the answer. */
	[VERB_BDAT] = { GREETED | SEALED | LOGGED_IN | MAIL_OPEN | RECIPIENT, do_bdat },
	[VERB_RSET] = { ANY, do_rset },
	[VERB_NOOP] = { ANY, do_noop },
	[VERB_QUIT] = { ANY, do_quit },
	[VERB_VRFY] = { SEALED | LOGGED_IN, do_vrfy },
	[VERB_EXPN] = { ANY, do_expn },
	[VERB_HELP] = { ANY, do_help },
};

static bool is_met(const struct session *s, enum need need)
{
	switch (need) {
	case GREETED:
		return s->greeted;
	case SEALED:
		return s->secured || s->kind == LISTENER_MX;
	case LOGGED_IN:
		return s->account != 0 || !session_is_submission(s);
	case NO_MAIL:
		return !s->tx.open;
	case MAIL_OPEN:
		return s->tx.open;
	case NO_CHUNK:
		return s->tx.message == NULL;
	case RECIPIENT:
		return s->tx.n > 0;
	default:
		return true;
	}
}

struct reply verb_allowed(const struct session *s, enum verb verb)
{
	static const struct {
		enum need need;
		int code;
		const char *text;
	} needs[] = {
		{ GREETED, 503, "5.5.1 Say EHLO first" },
		{ SEALED, 530, "5.7.0 Say STARTTLS first" },
		{ LOGGED_IN, 530, "5.7.0 Say AUTH first" },
		{ NO_MAIL, 503, "5.5.1 Not inside a transaction" },
		{ MAIL_OPEN, 503, "5.5.1 Say MAIL first" },
		{ NO_CHUNK, 503, "5.5.1 Only BDAT may follow BDAT" },
		{ RECIPIENT, 554, "5.5.1 No valid recipients" },
	};

	for (size_t i = 0; i < count_of(needs); i++) {
		if ((verbs[verb].needs & needs[i].need) && !is_met(s, needs[i].need))
			return (struct reply){ .code = needs[i].code,
				.text = str_of(needs[i].text) };
	}
	return (struct reply){ 0 };
}

struct reply verb_run(struct session *s, const struct command *command)
{
	return verbs[command->verb].run(s, command->argument);
}

static struct refusal greet(struct session *s, struct str argument, bool esmtp)
{
	struct str name;
	struct refusal refusal = command_hello(argument, &name);

	if (refusal.code)
		return refusal;
	transaction_reset(s);
	buf_clear(&s->helo);
	buf_add(&s->helo, name);
	s->greeted = true;
	s->esmtp = esmtp;
	s->offers = 0;
	return refusal;
}

static struct reply do_helo(struct session *s, struct str argument)
{
	struct refusal refusal = greet(s, argument, false);

	if (refusal.code)
		return session_refusal(&refusal);
	return session_reply(s, 250, "%.*s", STR_ARG(s->settings->host_name));
}

static struct reply do_ehlo(struct session *s, struct str argument)
{
	struct refusal refusal = greet(s, argument, true);
	struct buf *words = &s->words;

	if (refusal.code)
		return session_refusal(&refusal);
	s->offers = OFFER_SIZE | OFFER_8BITMIME | OFFER_SMTPUTF8 | OFFER_DSN;
	buf_clear(words);
	buf_add(words, s->settings->host_name);
	buf_add(words, STR("\nPIPELINING\nSIZE "));
	buf_add_u64(words, s->settings->message_size);
	buf_add(words, STR("\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nDSN\nCHUNKING"));
	if (!s->secured && s->snapshot->tls)
		buf_add(words, STR("\nSTARTTLS"));
	/* RFC 8689 4.2: what is taken with it goes into our own mailboxes, or on by delivery, which
	 * demands it of the next hop. */
	if (s->secured) {
		s->offers |= OFFER_REQUIRETLS;
		buf_add(words, STR("\nREQUIRETLS"));
	}
	if (s->secured && session_is_submission(s)) {
		s->offers |= OFFER_AUTH;
		buf_add(words, STR("\nAUTH PLAIN LOGIN"));
	}
	return (struct reply){ 250, buf_str(words), NEXT_COMMAND };
}

static struct reply do_starttls(struct session *s, struct str argument)
{
	(void)argument;
	if (s->secured)
		return REPLY(503, "5.5.1 This is TLS already");
	if (!s->snapshot->tls)
		return REPLY(454, "4.7.0 TLS is not available");
	return REPLY_THEN(NEXT_TLS, 220, "2.0.0 Go ahead");
}

static struct reply do_rset(struct session *s, struct str argument)
{
	(void)argument;
	transaction_reset(s);
	return REPLY(250, "2.0.0 Forgotten");
}

static struct reply do_noop(struct session *s, struct str argument)
{
	(void)s, (void)argument;
	return REPLY(250, "2.0.0 Well");
}

static struct reply do_quit(struct session *s, struct str argument)
{
	(void)s, (void)argument;
	return REPLY_THEN(NEXT_CLOSE, 221, "2.0.0 Goodbye");
}

/* RFC 5321 3.5.3: a server that won't say. */
static struct reply do_vrfy(struct session *s, struct str argument)
{
	(void)s, (void)argument;
	return REPLY(252, "2.5.0 Try RCPT and see");
}

static struct reply do_expn(struct session *s, struct str argument)
{
	(void)s, (void)argument;
	return REPLY(502, "5.5.1 Lists are not expanded");
}

static struct reply do_help(struct session *s, struct str argument)
{
	(void)argument;
	if (s->settings->help_url.len)
		return session_reply(s, 214, "2.0.0 See %.*s", STR_ARG(s->settings->help_url));
	return REPLY(214, "2.0.0 See RFC 5321");
}
