/* SPDX-License-Identifier: ISC
 *
 * transaction.c - MAIL, RCPT, DATA to another server. Runs in worker threads. Replies are
 * hostile; addresses and parameters were checked when the message was accepted, and a line break
 * in one of them would be a bug of ours that must not reach the wire.
 *
 * Commands go out in groups where the peer has PIPELINING (RFC 2920): all up to DATA in one
 * write, the body in another. BDAT is used for BINARYMIME alone (RFC 3030): for anything else it
 * saves nothing and many servers have met it less often than DATA.
 * A message declared 8-bit, and 8-bit, meets a peer without 8BITMIME: it fails with 5.6.3 (RFC 6152 3). It is
 * not converted, which would break its signatures, and not sent as it is, which that RFC forbids.
 */
#include "delivery/transaction.h"

#include "base/must.h"
#include <stdio.h>
#include <string.h>

/* RFC 5321 4.5.3.2. */
enum {
	MAIL_WAIT = 5 * MINUTE,
	DATA_WAIT = 2 * MINUTE,
	BLOCK_WAIT = 3 * MINUTE,
	END_WAIT = 10 * MINUTE,
	WHOLE_WAIT = 60 * MINUTE, /* ours: a peer that drips replies gives up a worker after this */
	PARTING_WAIT = 1 * SECOND, /* ours: for a reply sent before the peer hung up on us */
};

enum { COMMAND_MAX = 2048, GROUP_MAX = 100, BLOCK = 64 * 1024, SAID_MAX = 1000 };

/* A transaction under way. */
struct exchange {
	struct wire *wire;
	struct peer *peer;
	struct mail *mail;
	struct transaction *left;
	struct remote_reply reply;
	struct deadline whole;
	bool sealed;
	bool broken; /* nothing more is to be heard */
	bool open;   /* MAIL was taken and the transaction not ended */
	size_t offered;
};

static struct deadline within(const struct exchange *x, int64_t ms)
{
	return deadline_earlier(x->whole, deadline_in(ms));
}

static struct str kept(const struct exchange *x, struct str text)
{
	return text.len ? arena_str(x->mail->arena, str_head(text, SAID_MAX)) : STR("");
}

static enum transmission transmission(const struct exchange *x, enum transmission sealed)
{
	return x->sealed || !x->left->began ? sealed : TRANSMISSION_PLAIN;
}

/* Record what a reply means for one addressee (RFC 5321 4.2.1). */
static void settle_by_reply(struct exchange *x, struct addressee *a, enum transmission sent)
{
	bool final = x->reply.code / 100 == 5;

	a->settled = final;
	a->heard = true;
	a->outcome = (struct recipient_outcome){
		.recipient = a->recipient->recipient,
		.result = final ? RESULT_FAILED : RESULT_LATER,
		.reason = REASON_REMOTE_REPLY,
		.code = kept(x, str_of(x->reply.enhanced)),
		.said = kept(x, buf_str(&x->reply.said)),
		.host = x->mail->host,
		.transmission = transmission(x, sent),
	};
}

/* For a reason of ours, with a code where the table has none. */
static void settle_by_reason(struct exchange *x, struct addressee *a, enum result result,
	enum reason reason, struct str code, enum transmission sent)
{
	a->settled = result != RESULT_LATER;
	a->heard = true;
	a->outcome = (struct recipient_outcome){
		.recipient = a->recipient->recipient,
		.result = result,
		.reason = reason,
		.code = code,
		.said = STR(""),
		.host = x->mail->host,
		.transmission = transmission(x, sent),
	};
}

static void settle_open(struct exchange *x, enum result result, enum reason reason, struct str code,
	enum transmission sent)
{
	for (size_t i = 0; i < x->mail->n; i++)
		if (!x->mail->addressees[i].settled)
			settle_by_reason(x, &x->mail->addressees[i], result, reason, code, sent);
}

static void lose(struct exchange *x, bool nonsense)
{
	x->broken = true;
	peer_wire(x->peer)->broken |= nonsense;
}

/* Hear one reply. False: the connection is lost. */
static bool next_reply(struct exchange *x, int64_t wait)
{
	if (x->broken)
		return false;
	enum heard heard = hear(x->wire, &x->reply, within(x, wait));
	if (heard != HEARD) {
		lose(x, heard == HEARD_NONSENSE);
		return false;
	}
	x->left->silent &= x->reply.code == 421;
	if (x->reply.code == 421) /* RFC 5321 3.8: it closes after this */
		x->broken = true;
	return true;
}

static bool heard_2xx(const struct exchange *x)
{
	return x->reply.code / 100 == 2;
}

static bool command_is_clean(struct str command)
{
	return !memchr(command.at, '\r', command.len) && !memchr(command.at, '\n', command.len) &&
	       !memchr(command.at, 0, command.len);
}

static void say(struct exchange *x, const struct buf *command)
{
	must(!command->overflowed && command_is_clean(buf_str(command)));
	if (x->broken)
		return;
	if (wire_add(x->wire, buf_str(command), within(x, MAIL_WAIT)) != WIRE_OK ||
		wire_add(x->wire, STR("\r\n"), within(x, MAIL_WAIT)) != WIRE_OK)
		lose(x, false);
}

static void flush(struct exchange *x)
{
	if (!x->broken && wire_flush(x->wire, within(x, MAIL_WAIT)) != WIRE_OK)
		lose(x, false);
}

static bool offers(const struct exchange *x, enum extension extension)
{
	return x->peer->extensions.set & extension;
}

static struct str header_of(struct str body)
{
	return str_head(body, str_find_str(body, STR("\r\n\r\n")));
}

/* RFC 6531 3.2: an address or the header can't do without. */
static bool needs_smtputf8(const struct mail *mail)
{
	if (str_has_8bit(mail->job->sender))
		return true;
	for (size_t i = 0; i < mail->n; i++)
		if (!mail->addressees[i].settled &&
			str_has_8bit(mail->addressees[i].recipient->address))
			return true;
	return mail->job->smtputf8 && str_has_8bit(header_of(mail->body));
}

/* What this peer can't take at all. REASON_NONE: it can. */
static enum reason obstacle(const struct exchange *x, struct str *code)
{
	const struct job *job = x->mail->job;
	uint64_t most = x->peer->extensions.size_max;

	*code = STR("");
	if (offers(x, EXTENSION_SIZE) && most && x->mail->body.len > most)
		return REASON_TOO_BIG;
	if (!offers(x, EXTENSION_SMTPUTF8) && needs_smtputf8(x->mail))
		return REASON_SMTPUTF8_UNSUPPORTED;
	*code = STR("5.6.3");
	if (job->body_kind == BODY_BINARYMIME &&
		!(offers(x, EXTENSION_BINARYMIME) && offers(x, EXTENSION_CHUNKING)))
		return REASON_REMOTE_REPLY;
	if (!offers(x, EXTENSION_8BITMIME) && job->body_kind == BODY_8BITMIME &&
		str_has_8bit(x->mail->body))
		return REASON_REMOTE_REPLY;
	return REASON_NONE;
}

/* RFC 3461 4: xtext is passed on as it came. */
static void add_mail(const struct exchange *x, struct buf *to)
{
	const struct job *job = x->mail->job;

	buf_printf(to, "MAIL FROM:<%.*s>", STR_ARG(job->sender));
	if (offers(x, EXTENSION_SIZE))
		buf_printf(to, " SIZE=%zu", x->mail->body.len);
	if (job->body_kind == BODY_BINARYMIME)
		buf_add(to, STR(" BODY=BINARYMIME"));
	else if (job->body_kind == BODY_8BITMIME && offers(x, EXTENSION_8BITMIME))
		buf_add(to, STR(" BODY=8BITMIME"));
	if (offers(x, EXTENSION_SMTPUTF8) && (job->smtputf8 || needs_smtputf8(x->mail)))
		buf_add(to, STR(" SMTPUTF8"));
	if (job->requiretls && x->sealed && offers(x, EXTENSION_REQUIRETLS))
		buf_add(to, STR(" REQUIRETLS"));
	if (!offers(x, EXTENSION_DSN))
		return;
	if (job->ret != RET_ABSENT)
		buf_add(to, job->ret == RET_FULL ? STR(" RET=FULL") : STR(" RET=HDRS"));
	if (job->envid.len)
		buf_printf(to, " ENVID=%.*s", STR_ARG(job->envid));
}

static void add_notify(struct buf *to, uint64_t notify)
{
	static const struct {
		uint64_t bit;
		const char *word;
	} words[] = {
		{ NOTIFY_NEVER, "NEVER" },
		{ NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" },
		{ NOTIFY_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < count_of(words); i++) {
		if (!(notify & words[i].bit))
			continue;
		buf_printf(to, "%s%s", before, words[i].word);
		before = ",";
	}
}

static void add_rcpt(const struct exchange *x, const struct job_recipient *r, struct buf *to)
{
	buf_printf(to, "RCPT TO:<%.*s>", STR_ARG(r->address));
	if (!offers(x, EXTENSION_DSN))
		return;
	add_notify(to, r->notify);
	if (r->orcpt.len)
		buf_printf(to, " ORCPT=%.*s", STR_ARG(r->orcpt));
}

/* The commands of a transaction up to DATA, in order. */
struct step {
	enum { STEP_RSET, STEP_MAIL, STEP_RCPT, STEP_DATA } kind;
	struct addressee *addressee; /* STEP_RCPT */
};

static bool by_bdat(const struct exchange *x)
{
	return x->mail->job->body_kind == BODY_BINARYMIME;
}

static struct step *steps_of(struct exchange *x, size_t *n)
{
	struct mail *mail = x->mail;
	struct step *steps = arena_array(mail->arena, mail->n + 3, sizeof *steps);

	must(steps != NULL);
	*n = 0;
	if (x->peer->dirty)
		steps[(*n)++].kind = STEP_RSET;
	steps[(*n)++].kind = STEP_MAIL;
	for (size_t i = 0; i < mail->n; i++)
		if (!mail->addressees[i].settled)
			steps[(*n)++] = (struct step){ STEP_RCPT, &mail->addressees[i] };
	if (!by_bdat(x))
		steps[(*n)++].kind = STEP_DATA;
	return steps;
}

static void say_step(struct exchange *x, const struct step *step)
{
	scoped(buf_free) struct buf command = BUF(COMMAND_MAX);

	switch (step->kind) {
	case STEP_RSET:
		buf_add(&command, STR("RSET"));
		break;
	case STEP_MAIL:
		add_mail(x, &command);
		x->left->began = true;
		break;
	case STEP_RCPT:
		add_rcpt(x, step->addressee->recipient, &command);
		break;
	case STEP_DATA:
		buf_add(&command, STR("DATA"));
		break;
	}
	say(x, &command);
}

static void hear_mail(struct exchange *x)
{
	x->open = heard_2xx(x);
	for (size_t i = 0; !x->open && i < x->mail->n; i++)
		if (!x->mail->addressees[i].settled)
			settle_by_reply(x, &x->mail->addressees[i], TRANSMISSION_NOTHING);
}

/* What a server says to RCPT after it refused MAIL tells nothing new. */
static void hear_rcpt(struct exchange *x, struct addressee *a)
{
	if (!x->open)
		return;
	a->offered = heard_2xx(x);
	if (a->offered)
		x->offered++;
	else
		settle_by_reply(x, a, TRANSMISSION_NOTHING);
}

static void settle_offered(struct exchange *x, enum transmission sent)
{
	for (size_t i = 0; i < x->mail->n; i++)
		if (x->mail->addressees[i].offered)
			settle_by_reply(x, &x->mail->addressees[i], sent);
}

/* A 354 although nobody was taken (RFC 2920 3.1): an empty message ends it. */
static void end_empty(struct exchange *x)
{
	if (wire_add(x->wire, STR(".\r\n"), within(x, BLOCK_WAIT)) != WIRE_OK)
		lose(x, false);
	flush(x);
	next_reply(x, END_WAIT);
}

/* True if the body is to follow. */
static bool hear_data(struct exchange *x)
{
	bool go_on = x->reply.code / 100 == 3;

	if (go_on && x->offered && x->open)
		return true;
	if (go_on)
		end_empty(x);
	else if (heard_2xx(x)) /* no answer to DATA */
		lose(x, true);
	else if (x->offered)
		settle_offered(x, TRANSMISSION_NOTHING);
	return false;
}

static bool hear_step(struct exchange *x, const struct step *step)
{
	if (!next_reply(x, step->kind == STEP_DATA ? DATA_WAIT : MAIL_WAIT))
		return false;
	if (step->kind == STEP_MAIL)
		hear_mail(x);
	else if (step->kind == STEP_RCPT)
		hear_rcpt(x, step->addressee);
	return step->kind == STEP_DATA && hear_data(x);
}

/* Without PIPELINING a step can be spared once it is known to be in vain. */
static bool in_vain(const struct exchange *x, const struct step *step)
{
	return (step->kind == STEP_RCPT && !x->open) || (step->kind == STEP_DATA && !x->offered);
}

/* All steps, a group at a time. True if the body is to follow. */
static bool converse(struct exchange *x)
{
	size_t n, group = offers(x, EXTENSION_PIPELINING) ? GROUP_MAX : 1;
	struct step *steps = steps_of(x, &n);
	bool body = false;

	for (size_t done = 0; done < n && !x->broken;) {
		size_t last = done + group < n ? done + group : n;
		if (group == 1 && in_vain(x, &steps[done])) {
			done++;
			continue;
		}
		for (size_t i = done; i < last; i++)
			say_step(x, &steps[i]);
		flush(x);
		for (; done < last && !x->broken; done++)
			body = hear_step(x, &steps[done]);
	}
	return by_bdat(x) ? x->open && x->offered > 0 && !x->broken : body;
}

/* RFC 5321 4.5.2: where the next line begins with a dot that must be doubled; text.len if none.
 * `text` begins at the start of a line. */
static size_t next_dot(struct str text)
{
	if (text.len && text.at[0] == '.')
		return 0;
	size_t at = str_find_str(text, STR("\n."));
	return at == text.len ? at : at + 1;
}

static bool write_part(struct exchange *x, struct str part)
{
	while (part.len) {
		struct str block = str_head(part, BLOCK);
		if (wire_add(x->wire, block, within(x, BLOCK_WAIT)) != WIRE_OK)
			return false;
		part = str_tail(part, block.len);
	}
	return true;
}

static bool ends_line(struct str text)
{
	return text.len == 0 ||
	       (text.len >= 2 && text.at[text.len - 2] == '\r' && text.at[text.len - 1] == '\n');
}

static bool write_stuffed(struct exchange *x, struct str rest)
{
	bool whole_lines = ends_line(rest);

	while (rest.len) {
		size_t dot = next_dot(rest);
		if (!write_part(x, str_head(rest, dot)))
			return false;
		if (dot == rest.len)
			break;
		/* The dot twice, then on from behind it: the next one is looked for from there. */
		size_t line = dot + 1 + str_find(str_tail(rest, dot + 1), '\n') + 1;
		if (!write_part(x, STR(".")) ||
			!write_part(x, str_head(str_tail(rest, dot), line - dot)))
			return false;
		rest = str_tail(rest, line);
	}
	return write_part(x, whole_lines ? STR(".\r\n") : STR("\r\n.\r\n"));
}

static bool write_chunk(struct exchange *x)
{
	char command[64];
	int n = snprintf(command, sizeof command, "BDAT %zu LAST\r\n", x->mail->body.len);

	return write_part(x, (struct str){ command, (size_t)n }) && write_part(x, x->mail->body);
}

/* From here on the peer may have the whole message before we know: a stop waits for the report. */
static void count_in(struct mail *mail)
{
	if (!mail->counted && mail->committing)
		atomic_fetch_add(mail->committing, 1);
	mail->counted = true;
}

static void settle_taken(struct exchange *x)
{
	bool dsn = offers(x, EXTENSION_DSN);

	for (size_t i = 0; i < x->mail->n; i++) {
		struct addressee *a = &x->mail->addressees[i];
		if (!a->offered)
			continue;
		settle_by_reply(x, a, TRANSMISSION_SEALED);
		a->settled = true;
		a->outcome.result = dsn ? RESULT_DELIVERED : RESULT_RELAYED;
		a->outcome.reason = REASON_NONE;
	}
}

/* Where the peer may have the message, no other host is asked now: it would get a duplicate. */
static void lose_offered(struct exchange *x, enum transmission sent)
{
	for (size_t i = 0; i < x->mail->n; i++) {
		struct addressee *a = &x->mail->addressees[i];
		if (!a->offered)
			continue;
		settle_by_reason(x, a, RESULT_LATER, REASON_CONNECTION_LOST, STR(""), sent);
		a->settled = sent == TRANSMISSION_UNSURE;
	}
}

/* The peer hung up while we wrote; it may have said why. */
static void hear_parting(struct exchange *x)
{
	x->whole = deadline_earlier(x->whole, deadline_in(PARTING_WAIT));
	if (next_reply(x, PARTING_WAIT) && x->reply.code >= 400)
		settle_offered(x, TRANSMISSION_SEALED);
	else
		lose_offered(x, TRANSMISSION_SEALED);
	lose(x, true);
}

static void send_body(struct exchange *x)
{
	count_in(x->mail);
	bool written = by_bdat(x) ? write_chunk(x) : write_stuffed(x, x->mail->body);
	if (!written || wire_flush(x->wire, within(x, BLOCK_WAIT)) != WIRE_OK) {
		hear_parting(x);
		return;
	}
	x->open = false;
	if (!next_reply(x, END_WAIT) || x->reply.code / 100 == 3) {
		lose_offered(x, TRANSMISSION_UNSURE);
		lose(x, true);
	} else if (heard_2xx(x)) {
		settle_taken(x);
	} else {
		settle_offered(x, TRANSMISSION_SEALED);
	}
}

/* What the connection's loss leaves without a word. */
static void settle_rest(struct exchange *x)
{
	for (size_t i = 0; i < x->mail->n; i++) {
		struct addressee *a = &x->mail->addressees[i];
		if (!a->settled && !a->heard && x->broken && x->left->began)
			settle_by_reason(x, a, RESULT_LATER, REASON_CONNECTION_LOST, STR(""),
				TRANSMISSION_NOTHING);
	}
}

static void run(struct exchange *x)
{
	struct str code;
	enum reason cannot = obstacle(x, &code);

	if (cannot != REASON_NONE) {
		settle_open(x, RESULT_FAILED, cannot, code, TRANSMISSION_NOTHING);
		return;
	}
	if (converse(x))
		send_body(x);
	settle_rest(x);
}

static struct transaction transact(
	struct wire *wire, struct peer *peer, struct mail *mail, bool sealed)
{
	struct transaction left = { .silent = true, .said = STR("") };
	struct exchange x = {
		.wire = wire,
		.peer = peer,
		.mail = mail,
		.left = &left,
		.whole = deadline_in(WHOLE_WAIT),
		.sealed = sealed,
	};

	for (size_t i = 0; i < mail->n; i++)
		mail->addressees[i].offered = false;
	run(&x);
	peer->dirty = x.open;
	peer->messages++;
	left.reusable = !x.broken;
	left.silent &= x.broken; /* or nothing was said to it */
	left.said = kept(&x, buf_str(&x.reply.said));
	remote_reply_free(&x.reply);
	return left;
}

/* RFC 8689 4.2.1: REQUIRETLS is passed on or the message isn't sent; only a report may go without
 * where it isn't announced (5). */
static bool keeps_requiretls(const struct peer *peer, const struct job *job)
{
	bool demanded = job->demands & DEMAND_REQUIRETLS;

	if (!demanded)
		return !job->requiretls || job->sender.len == 0;
	return job->requiretls && peer->extensions.set & EXTENSION_REQUIRETLS;
}

struct transaction send_message(struct secure *secure, struct peer *peer, struct mail *mail)
{
	must((mail->job->demands & ~(uint64_t)secure->proved) == 0);
	must(peer->secure == secure);
	must(keeps_requiretls(peer, mail->job));
	return transact(&secure->wire, peer, mail, true);
}

struct transaction send_plain(
	struct plain *plain, struct plaintext_permit permit, struct peer *peer, struct mail *mail)
{
	must(policy_permit_holds(permit) && mail->job->demands == 0);
	must(peer->plain == plain && !peer->secure && !mail->job->requiretls);
	return transact(&plain->wire, peer, mail, false);
}
