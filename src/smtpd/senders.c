/* SPDX-License-Identifier: ISC
 *
 * senders.c - the rules about sender addresses. Runs in smtpd on claims of peers: from outside
 * they are compared with the domains of the settings, from an account the store says what is
 * owned. A From field that could be read in two ways is refused at submission, since the rule a
 * mail travels under depends on it.
 */
#include "smtpd/senders.h"

#include "base/log.h"
#include "smtpd/limits.h"
#include <string.h>

static bool is_secure(const struct session *s, const struct address *address)
{
	bool secure = false;

	return settings_domain(s->settings, address->domain, &secure) >= 0 && secure;
}

/* Ask the store; `refusal` is for an address that isn't the account's. */
static struct reply owned(struct session *s, struct str written, struct reply refusal)
{
	scoped(arena_free) struct arena arena = ARENA(4096);
	struct sender_ask ask = { .account = s->account, .address = written };
	struct sender_answer answer = { 0 };
	struct why why;

	if (!call_sender(s->house->store, &ask, -1, &arena, &answer, NULL,
		    session_call_deadline(s, CALL_MS), &why)) {
		LOG(LOG_WARNING, "store-unreachable", log_hex("session", s->id),
			log_text("why", why.text));
		return REPLY(451, "4.3.0 The sender can't be checked now");
	}
	switch ((enum sender_outcome)answer.outcome) {
	case SENDER_OWNED:
		return (struct reply){ 0 };
	case SENDER_ALIAS_INACTIVE:
		return REPLY(550, "5.7.1 This alias is not switched on");
	default:
		return refusal;
	}
}

/* What a neighbour says here crosses no network in clear. */
static bool is_sealed(const struct session *s)
{
	return s->secured || s->neighbour == NEIGHBOUR_HERE;
}

struct reply senders_of_envelope(
	struct session *s, const struct address *sender, struct str written)
{
	if (address_is_null(sender))
		return (struct reply){ 0 };
	if (s->account)
		return owned(s, written, REPLY(553, "5.7.1 This sender address is not yours"));
	if (!is_secure(s, sender))
		return (struct reply){ 0 };
	if (!s->neighbour)
		return REPLY(550, "5.7.1 Only our own users send from this domain, logged in");
	if (!is_sealed(s))
		return REPLY(530, "5.7.0 Say STARTTLS first, to send from this domain");
	return (struct reply){ 0 };
}

/* A field without its blanks and folding, in lower case. */
static void squeeze(struct buf *to, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (!strchr(" \t\r\n", value.at[i]))
			buf_add_char(to, ascii_lower(value.at[i]));
	}
}

/* The domain in front of *rest, behind an '@', if it is written in U-labels; else empty. */
static struct str next_u_domain(struct str *rest)
{
	size_t n = 0;

	str_cut(rest, '@');
	while (n < rest->len && !strchr("<>()[],;:\\\"@", rest->at[n]))
		n++;
	struct str domain = str_head(*rest, n);
	*rest = str_tail(*rest, n);
	return str_has_8bit(domain) ? domain : STR("");
}

/* An international domain has two spellings. More of them in one field than anybody means are ours
 * until the contrary is shown, so that looking has an end. */
static bool names_secure_u_domain(const struct session *s, struct str text)
{
	scoped(arena_free) struct arena arena = ARENA(4096);
	unsigned n = 0;
	bool secure;

	while (text.len) {
		struct str domain = next_u_domain(&text), in_a_labels;
		arena_reset(&arena);
		if (!domain.len)
			continue;
		if (++n > U_DOMAINS_MAX)
			return true;
		if (address_domain(domain, &arena, &in_a_labels) &&
			settings_domain(s->settings, in_a_labels, &secure) >= 0 && secure)
			return true;
	}
	return false;
}

static bool names_secure_domain(const struct session *s, struct str value)
{
	scoped(buf_free) struct buf text = BUF(HEADER_SECTION_MAX);

	squeeze(&text, value);
	for (size_t i = 0; i < s->settings->domains.len; i++) {
		struct str secure = s->settings->domains.at[i].secure;
		if (secure.len && str_find_str(buf_str(&text), secure) < text.len)
			return true;
	}
	return names_secure_u_domain(s, buf_str(&text));
}

/* Where nobody can say for sure which addresses a field has, a mail program may show ours. */
static bool may_be_read_as_ours(const struct session *s, const struct header *header)
{
	for (size_t i = 0; i < header->n; i++) {
		const struct header_field *field = &header->fields[i];
		bool sender = field->id == HEADER_FROM || field->id == HEADER_SENDER ||
			      field->id == HEADER_RESENT_FROM || field->id == HEADER_RESENT_SENDER;
		if (sender && names_secure_domain(s, field->value))
			return true;
	}
	return false;
}

static struct reply from_outside(struct session *s, const struct header *header,
	enum senders_reading reading, const struct senders *senders)
{
	bool ours = reading == SENDERS_UNCLEAR && may_be_read_as_ours(s, header);

	for (size_t i = 0; i < senders->n; i++)
		ours |= is_secure(s, &senders->at[i]);
	if (ours && s->settings->from_rule)
		return REPLY(550, "5.7.1 Only our own users send From this domain, logged in");
	return (struct reply){ 0 };
}

/* A listed neighbour may send as our people, but then it must be clear as whom. */
static struct reply from_neighbour(struct session *s, const struct header *header,
	enum senders_reading reading, const struct senders *senders)
{
	bool ours = false;

	if (reading == SENDERS_UNCLEAR && may_be_read_as_ours(s, header))
		return session_reply(s, 550, "5.6.0 The From field is not clear: %s",
			senders->why ? senders->why : "malformed");
	for (size_t i = 0; i < senders->n; i++)
		ours |= is_secure(s, &senders->at[i]);
	if (ours && !is_sealed(s))
		return REPLY(550, "5.7.10 Mail from this domain is taken over TLS only");
	return (struct reply){ 0 };
}

static bool seen_before(const struct senders *senders, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(senders->at[i].local, senders->at[n].local) &&
			str_eq(senders->at[i].domain, senders->at[n].domain))
			return true;
	}
	return false;
}

static struct reply from_account(struct session *s, const struct senders *senders)
{
	struct reply foreign = REPLY(550, "5.7.1 The From address is not yours");
	size_t asked = 0;

	for (size_t i = 0; i < senders->n; i++) {
		struct str written = address_text(&s->tx.arena, &senders->at[i]);
		if (seen_before(senders, i) || str_eq(written, s->tx.sender))
			continue;
		if (!written.at || ++asked > HEADER_SENDERS_ASKED)
			return REPLY(550, "5.7.1 Too many senders in the header");
		struct reply reply = owned(s, written, foreign);
		if (reply.code)
			return reply;
	}
	return (struct reply){ 0 };
}

struct reply senders_of_header(struct session *s, const struct header *header)
{
	struct senders list, *senders = &list;
	enum senders_reading reading = header_senders(header, &s->tx.arena, senders);

	if (!s->account && s->neighbour)
		return from_neighbour(s, header, reading, senders);
	if (!s->account)
		return from_outside(s, header, reading, senders);
	if (reading == SENDERS_UNCLEAR)
		return session_reply(s, 550, "5.6.0 The From field is not clear: %s",
			senders->why ? senders->why : "malformed");
	if (reading == SENDERS_MISSING)
		return REPLY(550, "5.6.0 There is no From field");
	return from_account(s, senders);
}
