/* SPDX-License-Identifier: ISC
 *
 * mail.c - MAIL and RCPT: the envelope. Runs in smtpd on words of a hostile peer. Who a recipient
 * is, and whether this channel may carry mail to it, the store answers.
 */
#include "smtpd/verbs.h"

#include "base/log.h"
#include "smtpd/limits.h"
#include "smtpd/message.h"
#include "smtpd/senders.h"
#include <stdlib.h>
#include <string.h>

void transaction_reset(struct session *s)
{
	struct transaction *tx = &s->tx;

	message_free(s, &tx->message);
	arena_free(&tx->arena);
	*tx = (struct transaction){ .arena = ARENA(TRANSACTION_MAX) };
}

static struct reply refused(struct session *s, const char *what, struct str who, struct reply reply)
{
	LOG(LOG_INFO, "refused", log_hex("session", s->id), log_text("peer", s->peer.text),
		log_text("at", what), log_str("address", who),
		log_u64("code", (uint64_t)reply.code), log_str("reply", reply.text));
	return reply;
}

static struct reply open_transaction(struct session *s)
{
	struct transaction *tx = &s->tx;

	tx->sender = address_is_null(&tx->mail.sender) ? STR("")
						       : address_text(&tx->arena, &tx->mail.sender);
	if (!tx->sender.at)
		return REPLY(452, "4.3.1 Out of memory for this transaction");
	if (tx->mail.size > s->settings->message_size)
		return REPLY(552, "5.3.4 Larger than this server takes");
	return senders_of_envelope(s, &tx->mail.sender, tx->sender);
}

struct reply do_mail(struct session *s, struct str argument)
{
	struct transaction *tx = &s->tx;

	transaction_reset(s);
	struct refusal refusal = command_mail(argument, s->offers, &tx->arena, &tx->mail);
	struct reply reply = refusal.code ? session_refusal(&refusal) : open_transaction(s);
	if (reply.code) {
		refused(s, "MAIL", argument, reply);
		transaction_reset(s);
		return reply;
	}
	/* The envid of command_mail may point into the line. */
	tx->mail.envid = arena_str(&tx->arena, tx->mail.envid);
	tx->open = true;
	return REPLY(250, "2.1.0 Sender taken");
}

static bool is_taken_already(const struct transaction *tx, struct str address)
{
	for (size_t i = 0; i < tx->n; i++) {
		if (str_eq(tx->recipients[i].address, address))
			return true;
	}
	return false;
}

static struct envelope_recipient *one_more(struct transaction *tx)
{
	if (tx->n == tx->room) {
		size_t room = tx->room ? tx->room * 2 : 4;
		struct envelope_recipient *grown = arena_array(&tx->arena, room, sizeof *grown);
		if (!grown)
			return NULL;
		if (tx->n)
			memcpy(grown, tx->recipients, tx->n * sizeof *grown);
		tx->recipients = grown;
		tx->room = room;
	}
	return &tx->recipients[tx->n++];
}

static struct reply add_recipient(
	struct session *s, const struct rcpt_command *rcpt, struct str address)
{
	struct transaction *tx = &s->tx;

	if (is_taken_already(tx, address))
		return REPLY(250, "2.1.5 Taken already");
	struct str orcpt = arena_str(&tx->arena, rcpt->orcpt);
	struct envelope_recipient *recipient = orcpt.at ? one_more(tx) : NULL;
	if (!recipient)
		return REPLY(452, "4.5.3 Too many recipients");
	*recipient = (struct envelope_recipient){
		.address = address, .notify = rcpt->notify, .orcpt = orcpt
	};
	return REPLY(250, "2.1.5 Recipient taken");
}

static struct reply plaintext_refused(struct session *s)
{
	const struct str help = s->settings->help_url;

	return session_reply(s, 550, "5.7.10 This domain takes mail over TLS only%s%.*s",
		help.len ? "; see " : "", STR_ARG(help));
}

static struct reply ask_for(struct session *s, const struct rcpt_command *rcpt, struct str address)
{
	scoped(arena_free) struct arena arena = ARENA(4096);
	struct recipient_ask ask = { .address = address,
		.account = s->account,
		.secured = s->secured,
		.peer = str_of(s->peer.text),
		.helo = buf_str(&s->helo),
		.sender = s->tx.sender };
	struct recipient_answer answer = { 0 };
	struct why why;

	if (!call_recipient(s->house->store, &ask, -1, &arena, &answer, NULL,
		    session_call_deadline(s, CALL_MS), &why)) {
		LOG(LOG_WARNING, "store-unreachable", log_hex("session", s->id),
			log_text("why", why.text));
		return REPLY(451, "4.3.0 The recipient can't be checked now");
	}
	switch ((enum recipient_outcome_kind)answer.outcome) {
	case RECIPIENT_LOCAL:
	case RECIPIENT_ALIAS:
	case RECIPIENT_REMOTE:
		return add_recipient(s, rcpt, address);
	case RECIPIENT_RELAY_DENIED:
		return REPLY(550, "5.7.1 Mail for that domain is not taken here");
	case RECIPIENT_PLAINTEXT_REFUSED:
		return plaintext_refused(s);
	case RECIPIENT_UNKNOWN:
		return REPLY(550, "5.1.1 Nobody of that name here");
	}
	return REPLY(451, "4.3.0 The recipient can't be checked now");
}

/* The recipient as written for the store; <Postmaster> is the one of our first domain. */
static struct str recipient_text(struct session *s, const struct rcpt_command *rcpt)
{
	const struct settings *settings = s->settings;
	struct address address = rcpt->recipient;

	if (address.domain.len == 0)
		address.domain =
			settings->domains.len ? settings->domains.at[0].name : settings->host_name;
	return address_text(&s->tx.arena, &address);
}

struct reply do_rcpt(struct session *s, struct str argument)
{
	struct transaction *tx = &s->tx;
	struct rcpt_command rcpt = { 0 };

	if (tx->n >= s->settings->recipients)
		return REPLY(452, "4.5.3 Too many recipients");
	struct refusal refusal =
		command_rcpt(argument, s->offers, tx->mail.smtputf8, &tx->arena, &rcpt);
	if (refusal.code)
		return refused(s, "RCPT", argument, session_refusal(&refusal));
	struct str address = recipient_text(s, &rcpt);
	if (!address.at)
		return REPLY(452, "4.5.3 Too many recipients");
	struct reply reply = ask_for(s, &rcpt, address);
	return reply.code >= 400 ? refused(s, "RCPT", address, reply) : reply;
}
