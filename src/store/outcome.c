/* SPDX-License-Identifier: ISC
 *
 * outcome.c - policy.md section 4 on disk: what is refused gets one second look, what is unknown
 * waits until its deadline, what is final stays final. Runs in the store's thread, inside a
 * batch. A report is another role's word: numbers are checked against the tables, texts are cut.
 */
#include "store/outcome.h"

#include "base/log.h"
#include "mail/policy.h"
#include "store/tally.h"

enum { SAID_MAX = 2048, NAME_MAX_LENGTH = 255, ATTEMPTS_MAX = 64 };

struct open_recipient {
	int64_t number;
	enum recipient_state state;
	struct destination *destination;
	int64_t attempts, deadline;
	int64_t mailbox;    /* the account whose it is; 0: it is elsewhere */
	struct str address; /* until the next one is found */
};

/* A letter looks these numbers up in tables. */

static bool is_reason(uint64_t number)
{
	return number <= UINT32_MAX && reason_is_known((uint32_t)number);
}

static bool is_sane(const struct recipient_outcome *o)
{
	return is_reason(o->reason) && o->transmission <= TRANSMISSION_PLAIN;
}

static bool is_local(const struct open_recipient *r)
{
	return r->destination->name.len == 0;
}

static bool find_open(struct store *store, int64_t number, struct open_recipient *r)
{
	sqlite3_stmt *s = ASK(&store->db, RECIPIENT_OPEN, as_number(number));

	if (!row(&store->db, s))
		return false;
	buf_clear(&store->receipts.address);
	buf_add(&store->receipts.address, str_head(row_text(s, 5), RECORD_FIELD_MAX));
	*r = (struct open_recipient){ .number = number,
		.state = (enum recipient_state)row_number(s, 0),
		.destination =
			schedule_find(&store->schedule, row_text(s, 1), (demands)row_number(s, 2)),
		.attempts = row_number(s, 3),
		.deadline = row_number(s, 4),
		.mailbox = row_number(s, 6),
		.address = buf_str(&store->receipts.address) };
	row_end(s);
	return r->destination != NULL;
}

/* What became of it, for the receipt. */
static void record(struct store *store, const struct open_recipient *r, enum record_state state,
	enum reason last, const struct recipient_outcome *o)
{
	receipt_recipient(store, r->destination,
		&(struct record_recipient){ .address = r->address,
			.state = state,
			.demands = r->destination->demands & DEMANDS_ALL,
			.unenforced = r->destination->demands == UNENFORCED,
			.reason = (enum reason)o->reason,
			.last_reason = last,
			.code = o->code,
			.said = o->said,
			.host = o->host,
			.transmission = (enum transmission)o->transmission });
}

static enum record_state ended_as(enum recipient_state state, const struct recipient_outcome *o)
{
	if (state != STATE_DELIVERED)
		return RECORD_STATE_FAILED;
	return o->result == RESULT_RELAYED ? RECORD_STATE_RELAYED : RECORD_STATE_DELIVERED;
}

/* `attempts`: 1 if an attempt ended it, 0 if the clock or the operator did. */
static void end(struct store *store, const struct open_recipient *r, enum recipient_state state,
	enum reason last, const struct recipient_outcome *o, int attempts)
{
	RUN(&store->db, RECIPIENT_END, as_number(r->number), as_number(state),
		as_number(o->result == RESULT_RELAYED), as_number((int64_t)o->reason),
		as_number(last), as_text(str_head(o->code, NAME_MAX_LENGTH)),
		as_text(str_head(o->said, SAID_MAX)), as_text(str_head(o->host, NAME_MAX_LENGTH)),
		as_number((int64_t)o->transmission), as_number(store->now), as_number(attempts));
	record(store, r, ended_as(state, o), last, o);
	if (store->db.failure != SQLITE_OK)
		return;
	store->figures[state == STATE_DELIVERED ? FIGURE_DELIVERED : FIGURE_FAILED]++;
	tally_ended(store, r->destination, state, o->reason);
	if (state == STATE_DELIVERED)
		change_note(store, r->mailbox, CHANGE_MAIL);
	schedule_changed(store, r->destination, 1, INT64_MAX);
	store_touch(store, recipient_message(r->number));
}

static void again(struct store *store, const struct open_recipient *r, enum recipient_state state,
	int64_t wait, const struct recipient_outcome *o)
{
	RUN(&store->db, RECIPIENT_AGAIN, as_number(r->number), as_number(state),
		as_number(store->now + wait), as_number((int64_t)o->reason),
		as_text(str_head(o->code, NAME_MAX_LENGTH)), as_text(str_head(o->said, SAID_MAX)),
		as_text(str_head(o->host, NAME_MAX_LENGTH)), as_number((int64_t)o->transmission),
		as_number(store->now));
	record(store, r,
		state == STATE_SECOND_LOOK ? RECORD_STATE_SECOND_LOOK : RECORD_STATE_WAITING,
		REASON_NONE, o);
	if (store->db.failure != SQLITE_OK)
		return;
	store->figures[state == STATE_SECOND_LOOK ? FIGURE_SECOND_LOOKS : FIGURE_RETRIES]++;
	schedule_changed(store, r->destination, 0, store->now + wait);
}

/* Unknown: it waits, unless its time is over; then this attempt was the one more it had. */
static void later(
	struct store *store, const struct open_recipient *r, const struct recipient_outcome *o)
{
	struct recipient_outcome last = *o;

	if (store->now < r->deadline) {
		again(store, r, STATE_WAITING,
			schedule_retry_wait(store, (uint64_t)r->attempts + 1), o);
		return;
	}
	last.reason = r->deadline ? REASON_EXPIRED : REASON_DROPPED_BY_OPERATOR;
	end(store, r, STATE_FAILED, (enum reason)o->reason, &last, 1);
}

static void refused(
	struct store *store, const struct open_recipient *r, const struct recipient_outcome *o)
{
	struct judgement verdict = { VERDICT_REFUSED, (enum reason)o->reason };

	if (r->state == STATE_SECOND_LOOK || !policy_needs_second_look(verdict))
		end(store, r, STATE_FAILED, REASON_NONE, o, 1);
	else
		again(store, r, STATE_SECOND_LOOK, store->settings->second_look, o);
}

static void apply(
	struct store *store, const struct open_recipient *r, const struct recipient_outcome *o)
{
	switch (o->result) {
	case RESULT_DELIVERED:
	case RESULT_RELAYED:
		end(store, r, STATE_DELIVERED, REASON_NONE, o, 1);
		break;
	case RESULT_REFUSED:
		refused(store, r, o);
		break;
	case RESULT_FAILED:
		end(store, r, STATE_FAILED, REASON_NONE, o, 1);
		break;
	default:
		later(store, r, o);
	}
}

/* Everything this role may report about, that nobody else has in hand. */
static bool may_report(const struct worker *worker, const struct open_recipient *r)
{
	return is_local(r) == (worker->role == ROLE_MAILBOX) &&
	       !schedule_is_claimed(r->destination, r->number);
}

static bool is_reported(const struct work_ask *ask, int64_t recipient)
{
	for (size_t i = 0; i < ask->outcomes.len; i++)
		if ((int64_t)ask->outcomes.at[i].recipient == recipient)
			return true;
	return false;
}

/* A recipient the worker forgot must not come back at once, for ever. */
static size_t report_forgotten(
	struct store *store, const struct claim *held, const struct work_ask *ask)
{
	const struct recipient_outcome fault = { .result = RESULT_LATER,
		.reason = REASON_LOCAL_FAULT };
	struct open_recipient r;
	size_t n = 0;

	for (size_t i = 0; i < held->n; i++) {
		if (is_reported(ask, held->recipients[i]) ||
			!find_open(store, held->recipients[i], &r))
			continue;
		later(store, &r, &fault);
		n++;
	}
	return n;
}

static void add_evidence(struct store *store, int64_t message, const struct destination *d,
	const struct work_ask *ask)
{
	for (size_t i = 0; i < ask->attempts.len && i < ATTEMPTS_MAX; i++) {
		const struct attempt *a = &ask->attempts.at[i];
		if (!receipt_attempt_is_sane(a))
			continue;
		RUN(&store->db, EVIDENCE_ADD, as_number(message), as_text(d->name),
			as_number(d->demands), as_number((int64_t)a->time),
			as_text(str_head(a->host, NAME_MAX_LENGTH)),
			as_text(str_head(a->address, NAME_MAX_LENGTH)), as_number((int64_t)a->port),
			as_number((int64_t)a->verdict), as_number((int64_t)a->reason),
			as_text(str_head(a->tls_version, NAME_MAX_LENGTH)),
			as_text(str_head(a->cipher, NAME_MAX_LENGTH)),
			as_text(str_head(a->group, NAME_MAX_LENGTH)),
			as_text(str_head(a->certificate, NAME_MAX_LENGTH)),
			as_text(str_head(a->key, NAME_MAX_LENGTH)),
			as_text(str_head(a->proven_by, NAME_MAX_LENGTH)),
			as_text(str_head(a->said, SAID_MAX)));
	}
}

static void learn_about(
	struct store *store, struct destination *d, int64_t taken_at, const struct work_ask *ask)
{
	enum reason why = REASON_CONNECTION_TIMEOUT;

	if (d->name.len == 0)
		return;
	if (ask->outcomes.len && is_reason(ask->outcomes.at[0].reason))
		why = (enum reason)ask->outcomes.at[0].reason;
	if (ask->destination_down)
		schedule_down(store, d, taken_at, why);
	else
		schedule_up(store, d);
}

/* Apply what may be applied; returns to how many recipients. */
static size_t apply_all(struct store *store, struct worker *worker, int64_t message,
	const struct work_ask *ask, struct destination **destination)
{
	struct open_recipient r;
	size_t applied = 0;

	for (size_t i = 0; i < ask->outcomes.len; i++) {
		const struct recipient_outcome *o = &ask->outcomes.at[i];
		if (recipient_message((int64_t)o->recipient) != message || !is_sane(o) ||
			!find_open(store, (int64_t)o->recipient, &r) || !may_report(worker, &r))
			continue;
		*destination = r.destination;
		apply(store, &r, o);
		applied++;
	}
	return applied;
}

/* The message of this queue id and the account that sent it; 0: there is none. */
static int64_t find_message(struct store *store, struct str text, int64_t *sent_by)
{
	int64_t id, number = 0;

	*sent_by = 0;
	if (!queue_id_parse(text, &id))
		return 0;
	sqlite3_stmt *s = ASK(&store->db, MESSAGE_OF_ID, as_number(id));
	if (row(&store->db, s)) {
		number = row_number(s, 0);
		*sent_by = row_number(s, 1);
	}
	row_end(s);
	return number;
}

void outcome_report(struct store *store, struct worker *worker, const struct work_ask *ask)
{
	struct claim *held = worker->claim;
	struct destination *destination = held ? held->destination : NULL;
	int64_t sent_by, message = find_message(store, ask->id, &sent_by),
			 taken_at = held ? held->taken_at : store->now;
	size_t applied = 0;

	if (held)
		schedule_release(store, held);
	receipt_begin_report(
		store, worker->role == ROLE_MAILBOX ? RECORD_MAILBOX : RECORD_ATTEMPT, ask);
	if (message)
		applied = apply_all(store, worker, message, ask, &destination);
	if (held && held->message == message)
		applied += report_forgotten(store, held, ask);
	receipt_finish(store);
	if (applied)
		change_note(store, sent_by, CHANGE_SENT);
	/* What it held and didn't decide is due again. */
	if (held && applied < held->n)
		schedule_changed(store, held->destination, 0, 0);
	if (!destination)
		return;
	if (message)
		add_evidence(store, message, destination, ask);
	learn_about(store, destination, taken_at, ask);
}

void outcome_fail(struct store *store, int64_t recipient, enum reason why, enum reason last)
{
	struct open_recipient r;
	struct recipient_outcome o = { .result = RESULT_FAILED, .reason = why };

	if (!find_open(store, recipient, &r))
		return;
	/* What the last attempt heard stays part of the story. */
	sqlite3_stmt *s = ASK(&store->db, RECIPIENT_SAID, as_number(recipient));
	scoped(arena_free) struct arena arena = ARENA(65536);
	if (row(&store->db, s)) {
		o.code = row_copy(s, 0, &arena);
		o.said = row_copy(s, 1, &arena);
		o.host = row_copy(s, 2, &arena);
		o.transmission = (uint64_t)row_number(s, 3);
	}
	row_end(s);
	receipt_begin_ended(store, recipient_message(recipient));
	end(store, &r, STATE_FAILED, last, &o, 0);
	receipt_finish(store);
	change_note(store,
		row_only_number(&store->db, ASK(&store->db, MESSAGE_END_FACTS,
						    as_number(recipient_message(recipient)))),
		CHANGE_SENT);
}
