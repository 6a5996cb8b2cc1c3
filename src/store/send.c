/* SPDX-License-Identifier: ISC
 *
 * send.c - see send.h. Runs in the store's thread, inside a batch. The web role is believed in
 * nothing but the browser's session: whose addresses these are is worked out as for every
 * submission, and the body is held against what an SMTP client could have handed in.
 *
 * No Received field is added. RFC 5321 4.4 asks it of a server that received the message by SMTP;
 * this one begins here, and where its author sat when writing is nobody's business. The connection
 * is in the receipt.
 */
#include "store/send.h"

#include "base/log.h"
#include "mail/eight_bit.h"
#include "mail/header.h"
#include "mail/plain_text.h"
#include "store/identity.h"
#include <stdlib.h>

enum { SENT_ID_LEAST = 20, SENT_ID_MOST = 40, FACT_MAX = 255 };

bool sent_id_is_fit(struct str sent)
{
	bool fit = sent.len >= SENT_ID_LEAST && sent.len <= SENT_ID_MOST;

	for (size_t i = 0; fit && i < sent.len; i++)
		fit = ascii_is_digit(sent.at[i]) || (sent.at[i] >= 'a' && sent.at[i] <= 'z');
	return fit;
}

static bool say(struct send_answer *answer, enum web_outcome outcome, struct str why)
{
	*answer = (struct send_answer){ .outcome = outcome, .text = why };
	return false;
}

/* --- what the page asks --- */

struct place {
	struct str address;
	size_t at;
};

static int by_address(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = str_compare(x->address, y->address);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Each once, in the order in which they were first named. */
static bool take_recipients(
	struct accept_ask *ask, const struct text *at, size_t n, struct arena *arena)
{
	struct place *sorted = arena_array(arena, n, sizeof *sorted);
	bool *again = arena_array(arena, n, sizeof *again);

	ask->recipients.at = arena_array(arena, n, sizeof *ask->recipients.at);
	if (!sorted || !again || !ask->recipients.at)
		return false;
	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct place){ at[i].text, i };
	qsort(sorted, n, sizeof *sorted, by_address);
	for (size_t i = 1; i < n; i++)
		again[sorted[i].at] = str_eq(sorted[i].address, sorted[i - 1].address);
	for (size_t i = 0; i < n; i++)
		if (!again[i])
			ask->recipients.at[ask->recipients.len++] =
				(struct envelope_recipient){ .address = at[i].text };
	return true;
}

static bool is_fit(
	const struct store *store, const struct send_ask *ask, struct send_answer *answer)
{
	if (!sent_id_is_fit(ask->sent))
		return say(answer, WEB_INVALID, STR("this is no id of a message to send"));
	if (!ask->sender.len)
		return say(answer, WEB_INVALID, STR("it has no sender"));
	if (!ask->recipients.len)
		return say(answer, WEB_INVALID, STR("it has no recipient"));
	if (ask->level >= LEVELS_N)
		return say(answer, WEB_INVALID, STR("there is no such level"));
	if (ask->recipients.len > store->settings->recipients)
		return say(answer, WEB_REFUSED, STR("5.5.3 Too many recipients"));
	return true;
}

static bool size_is_fit(
	const struct store *store, const struct caller *caller, struct send_answer *answer)
{
	struct why why;
	size_t size;

	if (!fd_check_sealed(caller->fd_in, SIZE_MAX, &size, &why))
		return say(answer, WEB_INVALID, STR("the body is not sealed"));
	return size <= store->settings->message_size ||
	       say(answer, WEB_TOO_LARGE, STR("5.3.4 Larger than this server takes"));
}

bool send_begin(struct store *store, struct caller *caller, int64_t account)
{
	const struct send_ask *ask = &caller->ask.send;
	struct send_answer *answer = &caller->answer.send;
	struct taking *taking = &caller->taking;
	uint64_t hold = ask->hold_ms < SEND_HOLD_MOST ? ask->hold_ms : SEND_HOLD_MOST;

	*taking = (struct taking){ .terms = {
					   .from_page = true, .due = store->now + (int64_t)hold } };
	taking->ask = (struct accept_ask){ .account = (uint64_t)account,
		.id = queue_id_text(&caller->arena, store_make_id(store)),
		.sender = ask->sender,
		.ret = RET_ABSENT,
		.peer = str_head(ask->peer, FACT_MAX),
		.tls_version = str_head(ask->tls_version, FACT_MAX),
		.cipher = str_head(ask->cipher, FACT_MAX) };
	if (!is_fit(store, ask, answer) || !size_is_fit(store, caller, answer) ||
		!send_is_new(store, caller))
		return false;
	taking->terms.least = level_demands((enum level)ask->level);
	return take_recipients(
		       &taking->ask, ask->recipients.at, ask->recipients.len, &caller->arena) ||
	       say(answer, WEB_FAILED, STR(""));
}

/* --- the body --- */

static bool refuse(struct accept_answer *answer, const char *why)
{
	*answer = (struct accept_answer){
		.outcome = ACCEPT_REFUSED, .code = 550, .text = str_of(why)
	};
	return false;
}

static bool any_8bit(const struct accept_ask *ask)
{
	bool any = str_has_8bit(ask->sender);

	for (size_t i = 0; !any && i < ask->recipients.len; i++)
		any = str_has_8bit(ask->recipients.at[i].address);
	return any;
}

bool send_read_body(struct caller *caller, struct str body)
{
	struct accept_ask *ask = &caller->taking.ask;
	struct header header;

	if (!eight_bit_is_fit(body) || !str_ends_nocase(body, STR("\r\n")))
		return refuse(&caller->taking.answer,
			"5.6.0 It is not in lines of at most 998 octets that end in CRLF");
	if (!header_scan(str_head(body, HEADER_SECTION_MAX), &caller->arena, &header))
		return refuse(&caller->taking.answer, "5.6.0 The header can't be read");
	const struct header_field *subject = header_find(&header, HEADER_SUBJECT);
	ask->subject = subject ? str_head(str_trim(subject->value), SENT_SUBJECT_MAX) : STR("");
	ask->subject = arena_str(&caller->arena, ask->subject);
	ask->size = body.len;
	ask->body_kind = str_has_8bit(body) ? BODY_8BITMIME : BODY_7BIT;
	ask->smtputf8 = any_8bit(ask) || str_has_8bit(header.section);
	return true;
}

/* --- once --- */

struct sent_row {
	int64_t message, revision, held_until;
	bool undone;
};

static bool find_sent(struct store *store, int64_t account, struct str sent, struct sent_row *found)
{
	sqlite3_stmt *s = ASK(&store->db, SENT_FIND, as_number(account), as_text(sent));

	if (!row(&store->db, s))
		return false;
	*found = (struct sent_row){ row_number(s, 0), row_number(s, 1), row_number(s, 2),
		row_number(s, 3) != 0 };
	row_end(s);
	return true;
}

static void tell_sent(const struct sent_row *sent, struct arena *arena, struct send_answer *answer)
{
	*answer = (struct send_answer){ .outcome = WEB_OK,
		.id = queue_id_text(arena, sent->message),
		.held_until = (uint64_t)sent->held_until,
		.revision = (uint64_t)sent->revision };
}

bool send_is_new(struct store *store, struct caller *caller)
{
	const struct send_ask *ask = &caller->ask.send;
	struct sent_row sent;

	if (!find_sent(store, (int64_t)caller->taking.ask.account, ask->sent, &sent))
		return true;
	if (sent.undone && ask->revision > (uint64_t)sent.revision)
		return true;
	caller->taking.repeated = true;
	if (sent.undone)
		return say(&caller->answer.send, WEB_TOO_LATE, STR("it was taken back"));
	if (ask->revision > (uint64_t)sent.revision)
		return say(&caller->answer.send, WEB_TOO_LATE,
			STR("it was sent already, before it was changed"));
	tell_sent(&sent, &caller->arena, &caller->answer.send);
	return false;
}

void send_record(struct store *store, const struct caller *caller)
{
	const struct accept_ask *taken = &caller->taking.ask;
	const struct send_ask *ask = &caller->ask.send;
	scoped(buf_free) struct buf subject = BUF(4 * SENT_SUBJECT_MAX);
	int64_t id;

	plain_text_add(&subject, ask->subject, SENT_SUBJECT_MAX);
	if (!queue_id_parse(taken->id, &id))
		return;
	RUN(&store->db, SENT_ADD, as_number((int64_t)taken->account), as_text(ask->sent),
		as_number(id), as_number((int64_t)(ask->revision & INT64_MAX)),
		as_text(ask->sender), as_text(buf_str(&subject)), as_number(store->now),
		as_number(caller->taking.terms.due));
	change_note(store, (int64_t)taken->account, CHANGE_SENT);
	LOG(LOG_INFO, "accepted", log_str("mail", taken->id), log_str("peer", taken->peer),
		log_str("from", taken->sender), log_str("to", taken->recipients.at[0].address),
		log_u64("recipients", taken->recipients.len), log_u64("size", taken->size),
		log_str("tls", taken->tls_version), log_str("cipher", taken->cipher));
}

/* --- the answer --- */

/* Which recipient it is that isn't there: the page has several. */
static struct str name_recipient(struct store *store, struct caller *caller)
{
	const struct accept_ask *ask = &caller->taking.ask;

	for (size_t i = 0; i < ask->recipients.len; i++) {
		struct str address = ask->recipients.at[i].address;
		enum identity_kind kind = identity_of(store, address, &caller->arena).kind;
		if (kind != IDENTITY_REMOTE && kind != IDENTITY_ACCOUNT && kind != IDENTITY_ALIAS)
			return arena_printf(&caller->arena, "%.*s: %.*s",
				STR_ARG(caller->taking.answer.text),
				STR_ARG(str_head(address, FACT_MAX)));
	}
	return caller->taking.answer.text;
}

void send_finish(struct store *store, struct caller *caller)
{
	static const enum web_outcome outcomes[] = { [ACCEPT_TAKEN] = WEB_OK,
		[ACCEPT_REFUSED] = WEB_REFUSED,
		[ACCEPT_FULL] = WEB_FULL,
		[ACCEPT_FAILED] = WEB_FAILED };
	const struct taking *taking = &caller->taking;
	struct send_answer *answer = &caller->answer.send;

	if (taking->repeated)
		return;
	say(answer, outcomes[taking->answer.outcome], taking->answer.text);
	answer->code = taking->answer.code;
	if (answer->outcome == WEB_REFUSED)
		answer->text = name_recipient(store, caller);
	if (answer->outcome != WEB_OK)
		return;
	answer->id = taking->ask.id;
	answer->held_until = (uint64_t)taking->terms.due;
	answer->revision = caller->ask.send.revision;
}

/* --- taking it back --- */

/* Nobody has had anything of it in hand. */
static bool is_untouched(struct store *store, int64_t message)
{
	sqlite3_stmt *s = ASK(&store->db, RECIPIENTS_OF, as_number(recipient_number(message, 0)),
		as_number(recipient_number(message + 1, 0)));
	bool untouched = true;

	while (untouched && row(&store->db, s)) {
		const struct destination *d =
			schedule_find(&store->schedule, row_text(s, 2), (demands)row_number(s, 3));
		untouched = d && row_number(s, 4) == STATE_WAITING && row_number(s, 5) == 0 &&
			    !schedule_is_claimed(d, row_number(s, 0));
	}
	row_end(s);
	return untouched;
}

static void take_back_recipients(struct store *store, int64_t message)
{
	sqlite3_stmt *s = ASK(&store->db, RECIPIENTS_OF, as_number(recipient_number(message, 0)),
		as_number(recipient_number(message + 1, 0)));

	receipt_begin_ended(store, message);
	while (row(&store->db, s)) {
		struct destination *d =
			schedule_find(&store->schedule, row_text(s, 2), (demands)row_number(s, 3));
		receipt_recipient(store, NULL,
			&(struct record_recipient){ .address = row_text(s, 1),
				.state = RECORD_STATE_TAKEN_BACK,
				.demands = (demands)row_number(s, 3) & DEMANDS_ALL,
				.unenforced = row_number(s, 3) == UNENFORCED });
		if (d)
			schedule_changed(store, d, 1, INT64_MAX);
	}
	receipt_finish(store);
}

static void take_back(struct store *store, int64_t message)
{
	int64_t from = recipient_number(message, 0), to = recipient_number(message + 1, 0);
	sqlite3_stmt *s = ASK(&store->db, MESSAGE_END_FACTS, as_number(message));
	int64_t pieces = row(&store->db, s) ? row_number(s, 1) : 0;

	row_end(s);
	take_back_recipients(store, message);
	RUN(&store->db, RECIPIENTS_REMOVE, as_number(from), as_number(to));
	RUN(&store->db, MESSAGE_REMOVE, as_number(message));
	body_remove(store, message, pieces);
}

void send_undo(struct store *store, int64_t account, const struct sent_ask *ask,
	struct arena *arena, struct send_answer *answer)
{
	struct sent_row sent;

	if (ask->sent.len != 1 || !find_sent(store, account, ask->sent.at[0].text, &sent)) {
		say(answer, WEB_NOT_FOUND, STR("nothing was sent under this id"));
		return;
	}
	tell_sent(&sent, arena, answer);
	if (sent.undone)
		return;
	int64_t message = row_only_number(
		&store->db, ASK(&store->db, MESSAGE_OF_ID, as_number(sent.message)));
	if (!message || store->now >= sent.held_until || !is_untouched(store, message)) {
		say(answer, WEB_TOO_LATE, STR("it has left"));
		return;
	}
	take_back(store, message);
	RUN(&store->db, SENT_UNDO, as_number(account), as_text(ask->sent.at[0].text));
	change_note(store, account, CHANGE_SENT);
	LOG(LOG_INFO, "taken-back", log_str("mail", answer->id));
}
