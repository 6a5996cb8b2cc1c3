/* SPDX-License-Identifier: ISC
 *
 * letter.c - who is told what about a message (policy.md section 4, RFC 3461, RFC 3464). Runs in
 * the store's thread, inside the transaction that made it true. Never an answer to a null
 * reverse-path. Mail of an account is answered into its mailbox; mail from outside by a report to
 * the envelope sender, with the header alone and the demands of the original but
 * REQUIRETLS.
 */
#include "store/letter.h"

#include "base/log.h"
#include "mail/header.h"
#include "store/accept.h"
#include "store/notice.h"

enum { EVIDENCE_MAX = 100, LETTER_ARENA = 64 * 1024 * 1024 };

struct told_message {
	int64_t number, id, account, accepted, size, pieces;
	struct str sender, envid, subject;
	bool requiretls;
	uint64_t ret;
};

/* One recipient of the original, and whether there is news of it. */
struct told_recipient {
	int64_t number;
	enum recipient_state state;
	uint64_t notify;
	bool local, told, relayed;
	enum delayed delayed;
	struct dsn_recipient dsn;
};

struct story {
	struct told_message message;
	struct told_recipient *recipients;
	struct dsn_recipient *shown;
	struct evidence *attempts;
	size_t n, n_shown, n_attempts;
	demands demands; /* of all of them together */
	struct str to;
	enum language language;
};

/* --- what is new --- */

static bool failed_now(const struct told_recipient *r)
{
	return r->state == STATE_FAILED && !r->told;
}

static bool delayed_now(const struct told_recipient *r)
{
	return r->state < STATE_DELIVERED && r->delayed == DELAYED_DUE;
}

/* RFC 3461 5.2.3: we say "delivered" for our own mailboxes, "relayed" for hops without DSN. */
static bool success_now(const struct told_recipient *r)
{
	return r->state == STATE_DELIVERED && !r->told && (r->notify & NOTIFY_SUCCESS) &&
	       (r->local || r->relayed);
}

static bool wants_failures(const struct told_recipient *r)
{
	return r->notify == 0 || (r->notify & NOTIFY_FAILURE);
}

/* May it be named in a report at this moment, and as news? */
static bool is_news(const struct story *story, const struct told_recipient *r)
{
	return (failed_now(r) && wants_failures(r)) || delayed_now(r) ||
	       (success_now(r) && story->message.sender.len);
}

/* --- reading --- */

static bool read_message(
	struct store *store, int64_t number, struct arena *arena, struct told_message *m)
{
	sqlite3_stmt *s = ASK(&store->db, LETTER_MESSAGE, as_number(number));
	bool found = row(&store->db, s);

	if (found)
		*m = (struct told_message){ .number = number,
			.id = row_number(s, 0),
			.account = row_number(s, 1),
			.sender = row_copy(s, 2, arena),
			.accepted = row_number(s, 3),
			.size = row_number(s, 4),
			.pieces = row_number(s, 5),
			.requiretls = row_number(s, 6) != 0,
			.envid = row_copy(s, 7, arena),
			.ret = (uint64_t)row_number(s, 8),
			.subject = row_copy(s, 9, arena) };
	row_end(s);
	return found;
}

static struct told_recipient read_recipient(sqlite3_stmt *s, struct arena *arena)
{
	static const enum dsn_status status[] = { DSN_STATUS_WAITING, DSN_STATUS_WAITING,
		DSN_STATUS_DELIVERED, DSN_STATUS_FAILED };
	struct told_recipient r = { .number = row_number(s, 0),
		.state = (enum recipient_state)(row_number(s, 1) & 3),
		.notify = (uint64_t)row_number(s, 2),
		.local = row_text(s, 3).len == 0,
		.told = row_number(s, 4) != 0,
		.relayed = row_number(s, 5) != 0,
		.delayed = (enum delayed)row_number(s, 6) };

	r.dsn = (struct dsn_recipient){ .address = row_copy(s, 7, arena),
		.status = status[r.state],
		.reason = (enum reason)row_number(s, 8),
		.last_reason = (enum reason)row_number(s, 9),
		.code = row_copy(s, 10, arena),
		.said = row_copy(s, 11, arena),
		.host = row_copy(s, 12, arena),
		.transmission = (enum transmission)row_number(s, 13),
		.demands = (demands)row_number(s, 14) & DEMANDS_ALL,
		.orcpt = row_copy(s, 15, arena),
		.last_attempt = row_number(s, 16),
		.until = row_number(s, 17) };
	if (r.relayed)
		r.dsn.status = DSN_STATUS_RELAYED;
	return r;
}

static bool read_recipients(
	struct store *store, int64_t number, struct arena *arena, struct story *story)
{
	int64_t from = recipient_number(number, 0), to = recipient_number(number + 1, 0);
	size_t room = (size_t)row_only_number(
		&store->db, ASK(&store->db, RECIPIENT_COUNT, as_number(from), as_number(to)));

	story->recipients = arena_array(arena, room, sizeof *story->recipients);
	story->shown = arena_array(arena, room, sizeof *story->shown);
	if (!story->recipients || !story->shown)
		return false;
	sqlite3_stmt *s = ASK(&store->db, LETTER_RECIPIENTS, as_number(from), as_number(to));
	while (story->n < room && row(&store->db, s)) {
		struct told_recipient r = read_recipient(s, arena);
		story->demands |= r.dsn.demands;
		story->recipients[story->n++] = r;
	}
	row_end(s);
	return true;
}

static void read_attempts(struct store *store, struct arena *arena, struct story *story)
{
	story->attempts = arena_array(arena, EVIDENCE_MAX, sizeof *story->attempts);
	if (!story->attempts)
		return;
	sqlite3_stmt *s = ASK(&store->db, EVIDENCE_OF, as_number(story->message.number));
	while (story->n_attempts < EVIDENCE_MAX && row(&store->db, s))
		story->attempts[story->n_attempts++] = (struct evidence){
			.time = row_number(s, 0),
			.host = row_copy(s, 1, arena),
			.address = row_copy(s, 2, arena),
			.verdict = (enum verdict)row_number(s, 3),
			.reason = (enum reason)row_number(s, 4),
			.tls_version = row_copy(s, 5, arena),
			.cipher = row_copy(s, 6, arena),
			.said = row_copy(s, 7, arena),
			.port = (uint64_t)row_number(s, 8),
			.group = row_copy(s, 9, arena),
			.certificate = row_copy(s, 10, arena),
			.key = row_copy(s, 11, arena),
			.proven_by = row_copy(s, 12, arena),
		};
	row_end(s);
}

/* --- to whom --- */

static bool read_account(
	struct store *store, int64_t account, struct arena *arena, struct story *story)
{
	sqlite3_stmt *s = ASK(&store->db, ACCOUNT_OF_NUMBER, as_number(account));
	bool found = row(&store->db, s);

	if (found) {
		story->to = row_copy(s, 0, arena);
		story->language = (enum language)row_number(s, 1);
	}
	row_end(s);
	return found;
}

static bool find_reader(struct store *store, struct arena *arena, struct story *story)
{
	if (story->message.account)
		return read_account(store, story->message.account, arena, story);
	story->to = story->message.sender;
	story->language = LANGUAGE_EN;
	return true;
}

/* --- writing --- */

/* Where a letter goes: to the account itself, or where mail to that address goes. */
struct goal {
	struct str address;
	struct identity who;
	demands demands;
	bool requiretls; /* said where it is announced */
};

static bool leaves_us(const struct goal *goal)
{
	return goal->who.kind == IDENTITY_REMOTE;
}

static bool find_goal(
	struct store *store, const struct story *story, struct arena *arena, struct goal *goal)
{
	*goal = (struct goal){ .address = story->to,
		.who = { .kind = IDENTITY_ACCOUNT, .account = story->message.account },
		/* A report is not dropped because a hop lacks REQUIRETLS (RFC 8689 5). */
		.demands = story->demands & ~(demands)DEMAND_REQUIRETLS,
		.requiretls = story->message.requiretls };
	if (!story->message.account)
		goal->who = identity_of(store, story->to, arena);
	return goal->who.kind == IDENTITY_REMOTE || goal->who.kind == IDENTITY_ACCOUNT ||
	       goal->who.kind == IDENTITY_ALIAS;
}

/* The recipient it is about above all: the first that is news, one that failed if there is one. */
static const struct dsn_recipient *foremost(const struct dsn *dsn)
{
	const struct dsn_recipient *found = NULL;

	for (size_t i = 0; i < dsn->n_recipients; i++) {
		const struct dsn_recipient *r = &dsn->recipients[i];
		if (!r->reported_before && r->status == DSN_STATUS_FAILED)
			return r;
		if (!r->reported_before && !found)
			found = r;
	}
	return found;
}

/* For who reads it in a mailbox here. */
static void remember(struct store *store, const struct dsn *dsn)
{
	const struct dsn_recipient *first = foremost(dsn);
	int64_t id, about = 0;

	if (!queue_id_parse(dsn->id_seed, &id) ||
		(dsn->queue_id.len && !queue_id_parse(dsn->queue_id, &about)))
		return;
	RUN(&store->db, LETTER_ADD, as_number(id), as_number(store->now), as_number(about),
		as_number(dsn->kind), as_text(first ? first->address : STR("")),
		as_number(first ? first->reason : REASON_NONE));
}

/* As any message, but from nobody, and it may take its time whatever it demands. */
static void queue(
	struct store *store, const struct dsn *dsn, const struct goal *goal, struct str letter)
{
	struct envelope_recipient to = { .address = goal->address, .notify = NOTIFY_NEVER };
	struct identity who = goal->who;
	struct accept_ask ask = { .id = dsn->id_seed,
		.recipients = { &to, 1 },
		.body_kind = leaves_us(goal) ? BODY_7BIT : BODY_8BITMIME,
		.smtputf8 = str_has_8bit(goal->address),
		.requiretls = goal->requiretls,
		.ret = RET_ABSENT,
		.subject = dsn->subject,
		.size = letter.len };
	struct accept_plan plan = { .demands = goal->demands,
		.deadline = store->settings->deadline_opportunistic,
		.recipients = &who };
	scoped(fd_close) int fd = fd_memfd_of("letter", letter);

	if (accept_write(store, &ask, &plan, letter, fd, 0))
		store->figures[FIGURE_LETTERS]++;
}

static void dispatch(
	struct store *store, struct dsn *dsn, const struct goal *goal, struct arena *arena)
{
	scoped(buf_free) struct buf letter =
		BUF(dsn->original.len + DSN_TEXT_MAX + dsn->n_recipients * DSN_RECIPIENT_MAX);

	dsn->reporting_mta = store->settings->host_name;
	dsn->help_url = store->settings->help_url;
	dsn->now = store->now;
	dsn->id_seed = queue_id_text(arena, store_make_id(store));
	dsn->to = goal->address;
	dsn->seven_bit = leaves_us(goal);
	if (!dsn_write(&letter, dsn)) {
		LOG(LOG_ALARM, "letter-too-large", log_str("mail", dsn->queue_id));
		return;
	}
	queue(store, dsn, goal, buf_str(&letter));
	if (!leaves_us(goal))
		remember(store, dsn);
	LOG(LOG_INFO, "letter", log_str("mail", dsn->queue_id), log_str("letter", dsn->id_seed),
		log_str("to", goal->address));
}

/* RFC 3461 4.3: where nothing failed, the header is enough. */
static bool headers_only(const struct told_message *m, enum dsn_kind kind)
{
	return kind != DSN_FAILED || !m->account || m->ret == RET_HDRS || m->requiretls ||
	       m->size > LETTER_ORIGINAL_MAX;
}

/* The original's own Message-ID, so that mail programs show the letter beside it. */
static struct str find_message_id(struct str original, struct arena *arena)
{
	struct header header;
	const struct header_field *field;

	if (!header_scan(original, arena, &header))
		return STR("");
	field = header_find(&header, HEADER_MESSAGE_ID);
	return field ? str_trim(field->value) : STR("");
}

static void compose(
	struct store *store, struct story *story, enum dsn_kind kind, struct arena *arena)
{
	const struct told_message *m = &story->message;
	struct mapping original = { { "", 0 } };
	struct goal goal;

	if (!find_reader(store, arena, story) || !find_goal(store, story, arena, &goal)) {
		LOG(LOG_WARNING, "letter-without-reader",
			log_str("mail", queue_id_text(arena, m->id)));
		return;
	}
	read_attempts(store, arena, story);
	scoped(fd_close) int fd = body_open(store, m->number, m->pieces);
	if (fd >= 0 && !fd_map_sealed(fd, SIZE_MAX, &original, NULL))
		original.bytes = STR("");
	struct dsn dsn = { .kind = kind,
		.language = story->language,
		.queue_id = queue_id_text(arena, m->id),
		.arrival = m->accepted,
		.subject = m->subject,
		.message_id = find_message_id(original.bytes, arena),
		.envid = m->envid,
		.recipients = story->shown,
		.n_recipients = story->n_shown,
		.attempts = story->attempts,
		.n_attempts = story->n_attempts,
		.original = original.bytes,
		.headers_only = headers_only(m, kind) };
	dispatch(store, &dsn, &goal, arena);
	fd_unmap(&original);
}

/* --- deciding --- */

static void mark_told(struct store *store, const struct told_recipient *r)
{
	if (delayed_now(r))
		RUN(&store->db, RECIPIENT_DELAY_TOLD, as_number(r->number));
	else if (failed_now(r) || success_now(r))
		RUN(&store->db, RECIPIENT_TOLD, as_number(r->number));
}

/* No letter may go out, so the account finds it in its notices. */
static void leave_notice(
	struct store *store, const struct told_message *m, const struct told_recipient *r)
{
	if (m->account)
		notice_not_sent(store, m->account, m->id, m->subject, &r->dsn);
}

/* The recipients as the letter shows them. Who asked for no reports isn't named as news, and not
 * at all if it failed. */
static void show(struct story *story)
{
	for (size_t i = 0; i < story->n; i++) {
		const struct told_recipient *r = &story->recipients[i];
		if (failed_now(r) && !wants_failures(r))
			continue;
		struct dsn_recipient *shown = &story->shown[story->n_shown++];
		*shown = r->dsn;
		shown->reported_before = !is_news(story, r);
	}
}

static bool any(const struct story *story, bool (*test)(const struct told_recipient *))
{
	for (size_t i = 0; i < story->n; i++)
		if (test(&story->recipients[i]) && is_news(story, &story->recipients[i]))
			return true;
	return false;
}

static void tell(struct store *store, struct story *story, struct arena *arena)
{
	const struct told_message *m = &story->message;

	for (size_t i = 0; i < story->n; i++) {
		const struct told_recipient *r = &story->recipients[i];
		if (failed_now(r) && (!m->sender.len || !wants_failures(r)))
			leave_notice(store, m, r);
	}
	if (m->sender.len) {
		show(story);
		if (any(story, failed_now))
			compose(store, story, DSN_FAILED, arena);
		else if (any(story, delayed_now))
			compose(store, story, DSN_DELAYED, arena);
		else if (any(story, success_now))
			compose(store, story, DSN_SUCCESS, arena);
	}
	for (size_t i = 0; i < story->n; i++)
		mark_told(store, &story->recipients[i]);
}

static bool is_there_news(struct store *store, int64_t message)
{
	return row_only_number(
		&store->db, ASK(&store->db, RECIPIENT_NEWS, as_number(recipient_number(message, 0)),
				    as_number(recipient_number(message + 1, 0))));
}

void letter_tell(struct store *store, int64_t message)
{
	scoped(arena_free) struct arena arena = ARENA(LETTER_ARENA);
	struct story story = { 0 };

	if (!is_there_news(store, message) ||
		!read_message(store, message, &arena, &story.message) ||
		!read_recipients(store, message, &arena, &story))
		return;
	tell(store, &story, &arena);
}

/* A letter about no message of the account's. */
static void write_to_account(struct store *store, int64_t account, struct dsn dsn)
{
	scoped(arena_free) struct arena arena = ARENA(LETTER_ARENA);
	struct story story = { .message.account = account };
	struct goal goal;

	if (!find_reader(store, &arena, &story) || !find_goal(store, &story, &arena, &goal))
		return;
	dsn.language = story.language;
	dispatch(store, &dsn, &goal, &arena);
}

void letter_turned_away(
	struct store *store, int64_t account, struct str alias, struct str peer, struct str helo)
{
	write_to_account(store, account,
		(struct dsn){ .kind = DSN_REPORT_TURNED_AWAY,
			.turned_away = {
				.time = store->now, .peer = peer, .helo = helo, .alias = alias } });
}

void letter_mail_turned_away(struct store *store, int64_t account, struct str alias,
	const struct dsn_turned_away *list, size_t n, uint64_t count)
{
	write_to_account(store, account,
		(struct dsn){ .kind = DSN_MAIL_TURNED_AWAY,
			.turned_away = { .alias = alias, .list = list, .n = n, .count = count } });
}
