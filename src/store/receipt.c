/* SPDX-License-Identifier: ISC
 *
 * receipt.c - see receipt.h. Runs in the store's thread, inside a batch. What is in memory of the
 * chain is only a copy of its end: after anything that was rolled back it is read again, so that
 * no record is built on one that never came to be.
 */
#include "store/receipt.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "store/store.h"

enum {
	REMOVED_AT_ONCE = 200,
	READ_AT_ONCE = 2000,
	READ_BYTES = 1024 * 1024,
	REFERENCES_MAX = RECEIPT_REFERENCES_MAX,
	STATEMENT_MAX = 256 * 1024,
	TEXTS_MAX = 4096,
	TOLD_EVERY = HOUR,
};

bool receipts_open(struct store *store, struct why *why)
{
	struct receipts *r = &store->receipts;
	bool made;

	*r = (struct receipts){
		.line = BUF(RECORD_MAX), .texts = ARENA(TEXTS_MAX), .address = BUF(RECORD_FIELD_MAX)
	};
	if (!signing_key_open("receipt.key", "receipt.pub", &r->key, &made, why))
		return false;
	r->public_key = signing_key_public(r->key);
	if (!made)
		return true;
	/* Earlier files can be checked with the old public key alone. */
	bool any = row_only_number(&store->db, ASK_PLAIN(&store->db, RECEIPT_LAST)) != 0;
	LOG(any ? LOG_ALARM : LOG_INFO, any ? "receipt-key-lost" : "receipt-key-made",
		log_str("new", digest_str(&r->public_key)));
	return true;
}

void receipts_close(struct store *store)
{
	signing_key_free(&store->receipts.key);
	buf_free(&store->receipts.line);
	buf_free(&store->receipts.address);
	arena_free(&store->receipts.texts);
}

void receipts_committed(struct store *store)
{
	if (store->receipts.known)
		store->receipts.committed = store->receipts.last;
}

void receipts_rolled_back(struct store *store)
{
	store->receipts.known = false;
	store->receipts.recipients = 0;
}

/* --- the end of the chain --- */

/* The last record that was removed; number 0 and digest_none(): none was. */
static uint64_t last_removed(struct store *store, struct digest *hash)
{
	sqlite3_stmt *s = ASK_PLAIN(&store->db, RECEIPT_REMOVED);
	uint64_t number = 0;

	*hash = digest_none();
	if (row(&store->db, s) && digest_read(row_text(s, 1), hash))
		number = (uint64_t)row_number(s, 0);
	row_end(s);
	return number;
}

/* The hash of the record with this number, also of the last removed one. */
static bool hash_of(struct store *store, uint64_t number, struct digest *hash)
{
	sqlite3_stmt *s = ASK(&store->db, RECEIPT_TEXT, as_number((int64_t)number));
	bool found = row(&store->db, s);

	if (found)
		*hash = digest_of(row_text(s, 0));
	row_end(s);
	return found || last_removed(store, hash) == number;
}

static void find_end(struct store *store)
{
	struct receipts *r = &store->receipts;

	if (r->known)
		return;
	r->last = (uint64_t)row_only_number(&store->db, ASK_PLAIN(&store->db, RECEIPT_LAST));
	if (!r->last)
		r->last = last_removed(store, &r->hash);
	else if (!hash_of(store, r->last, &r->hash) && store->db.failure == SQLITE_OK)
		store->db.failure = SQLITE_CORRUPT; /* nothing is done without a record of it */
	r->known = store->db.failure == SQLITE_OK;
}

/* --- writing --- */

static void append(struct store *store, int64_t id)
{
	struct receipts *r = &store->receipts;
	struct str line = buf_str(&r->line);

	/* Every text in it was cut, so it fits. */
	must(!r->line.overflowed);
	if (!RUN(&store->db, RECEIPT_ADD, as_number((int64_t)r->last + 1), as_number(id),
		    as_number(store->now), as_text(line)))
		return;
	r->last++;
	r->hash = digest_of(line);
}

static void begin(struct store *store, enum record_kind kind, struct str message)
{
	struct receipts *r = &store->receipts;

	r->kind = kind;
	r->message = message;
	r->taken = NULL;
	r->report = NULL;
	r->destination = NULL;
	r->recipients = 0;
	arena_reset(&r->texts);
}

void receipt_begin_taken(struct store *store, const struct accept_ask *ask, bool from_page)
{
	begin(store, RECORD_TAKEN, ask->id);
	store->receipts.taken = ask;
	store->receipts.from_page = from_page;
}

void receipt_begin_report(struct store *store, enum record_kind kind, const struct work_ask *ask)
{
	begin(store, kind, ask->id);
	store->receipts.report = ask;
}

void receipt_begin_ended(struct store *store, int64_t message)
{
	begin(store, RECORD_ENDED, STR(""));
	int64_t id = row_only_number(&store->db, ASK(&store->db, MESSAGE_ID, as_number(message)));
	store->receipts.message = queue_id_text(&store->receipts.texts, id);
}

static struct str origin_of(const struct accept_ask *ask, bool from_page)
{
	if (from_page)
		return STR("page");
	if (!ask->peer.len && !ask->account)
		return STR("here");
	return ask->account ? STR("account") : STR("outside");
}

static void write_head(struct store *store)
{
	struct receipts *r = &store->receipts;
	struct record_head head = { .number = r->last + 1,
		.previous = r->hash,
		.time = store->now,
		.kind = r->kind,
		.message = r->message };

	buf_clear(&r->line);
	record_begin(&r->line, &head);
	if (r->taken)
		record_taken(&r->line,
			&(struct record_taken){ .origin = origin_of(r->taken, r->from_page),
				.sender = r->taken->sender,
				.size = r->taken->size,
				.peer = r->taken->peer,
				.helo = r->taken->helo,
				.tls_version = r->taken->tls_version,
				.cipher = r->taken->cipher });
	if (r->destination)
		record_destination(&r->line, r->destination->name);
	record_recipients_begin(&r->line);
}

bool receipt_attempt_is_sane(const struct attempt *a)
{
	return a->reason <= UINT32_MAX && reason_is_known((uint32_t)a->reason) &&
	       a->verdict <= VERDICT_REFUSED;
}

static int64_t sane_time(const struct store *store, uint64_t time)
{
	bool sane = time <= INT64_MAX && (int64_t)time <= store->now + DAY &&
		    (int64_t)time >= store->now - 30 * (int64_t)DAY;

	return sane ? (int64_t)time : store->now;
}

static void write_attempts(struct store *store)
{
	struct receipts *r = &store->receipts;
	size_t n = r->report->attempts.len;

	if (n > RECORD_ATTEMPTS_MAX)
		n = RECORD_ATTEMPTS_MAX;
	record_attempts_begin(&r->line);
	for (size_t i = 0; i < n; i++) {
		const struct attempt *a = &r->report->attempts.at[i];
		struct evidence e = { .time = sane_time(store, a->time),
			.host = a->host,
			.address = a->address,
			.port = a->port,
			.verdict = (enum verdict)a->verdict,
			.reason = (enum reason)a->reason,
			.tls_version = a->tls_version,
			.cipher = a->cipher,
			.group = a->group,
			.certificate = a->certificate,
			.key = a->key,
			.proven_by = a->proven_by,
			.said = a->said };
		if (receipt_attempt_is_sane(a))
			record_attempt(&r->line, &e);
	}
	record_attempts_end(&r->line);
}

void receipt_finish(struct store *store)
{
	struct receipts *r = &store->receipts;
	int64_t id;

	if (!r->recipients)
		return;
	record_recipients_end(&r->line);
	if (r->kind == RECORD_ATTEMPT && r->report)
		write_attempts(store);
	record_end(&r->line);
	r->recipients = 0;
	if (queue_id_parse(r->message, &id))
		append(store, id);
}

/* The attempt that carried the message for a recipient, or NULL: at its host the last one that was
 * in order. */
static const struct attempt *carried_by(
	const struct work_ask *report, const struct record_recipient *recipient)
{
	for (size_t i = report->attempts.len; i > 0; i--) {
		const struct attempt *a = &report->attempts.at[i - 1];
		if (a->verdict == VERDICT_ACCEPTED && str_eq(a->host, recipient->host))
			return a;
	}
	return NULL;
}

static bool was_sent(const struct record_recipient *r)
{
	return r->state == RECORD_STATE_DELIVERED || r->state == RECORD_STATE_RELAYED ||
	       (r->transmission != TRANSMISSION_NO_CONNECTION &&
		       r->transmission != TRANSMISSION_NOTHING);
}

static void add_transport(const struct work_ask *report, struct record_recipient *recipient)
{
	const struct attempt *a = carried_by(report, recipient);

	recipient->transmitted = a && was_sent(recipient);
	if (recipient->transmitted && recipient->transmission != TRANSMISSION_PLAIN)
		recipient->transport = transport_of(a->tls_version, a->cipher, a->proven_by);
}

void receipt_recipient(struct store *store, const struct destination *destination,
	const struct record_recipient *recipient)
{
	struct receipts *r = &store->receipts;
	struct record_recipient shown = *recipient;

	find_end(store);
	if (!r->known)
		return;
	if (r->recipients &&
		(r->recipients == RECORD_RECIPIENTS_MAX || r->destination != destination))
		receipt_finish(store);
	if (!r->recipients) {
		r->destination = destination;
		write_head(store);
	}
	if (r->kind == RECORD_ATTEMPT && r->report)
		add_transport(r->report, &shown);
	record_recipient(&r->line, &shown);
	r->recipients++;
}

bool receipt_exists(struct store *store, int64_t id)
{
	return row_only_number(&store->db, ASK(&store->db, RECEIPT_OF_ID, as_number(id))) != 0;
}

/* --- reading --- */

/* The first record that is no older: times grow with numbers, as far as the clock never went back. */
static uint64_t find_since(struct store *store, uint64_t first, uint64_t last, int64_t since)
{
	while (first <= last) {
		uint64_t middle = first + (last - first) / 2;
		int64_t time = row_only_number(
			&store->db, ASK(&store->db, RECEIPT_TIME, as_number((int64_t)middle)));
		if (time >= since)
			last = middle - 1;
		else
			first = middle + 1;
	}
	return first;
}

static void add_records(
	struct store *store, sqlite3_stmt *s, struct arena *arena, struct receipt_answer *answer)
{
	size_t bytes = 0;

	answer->records.at = arena_array(arena, READ_AT_ONCE, sizeof *answer->records.at);
	if (!answer->records.at)
		return;
	while (answer->records.len < READ_AT_ONCE && bytes < READ_BYTES && row(&store->db, s)) {
		struct receipt_record *record = &answer->records.at[answer->records.len];
		record->record = (uint64_t)row_number(s, 0);
		record->text = row_copy(s, 1, arena);
		if (!record->text.at)
			break;
		bytes += record->text.len;
		answer->records.len++;
	}
	row_end(s);
}

void receipt_read(struct store *store, const struct receipt_ask *ask, struct arena *arena,
	struct receipt_answer *answer)
{
	struct digest hash;
	uint64_t first = last_removed(store, &hash) + 1,
		 from = ask->from > first ? ask->from : first;
	int64_t id;

	*answer = (struct receipt_answer){ .outcome = CTL_OK };
	find_end(store);
	answer->last = store->receipts.last;
	if (ask->since && ask->since <= INT64_MAX)
		from = find_since(store, from, answer->last, (int64_t)ask->since);
	answer->first = from;
	if (from > INT64_MAX)
		return;
	if (!ask->id.len) {
		add_records(
			store, ASK(&store->db, RECEIPTS, as_number((int64_t)from)), arena, answer);
		return;
	}
	if (!queue_id_parse(ask->id, &id) || !receipt_exists(store, id)) {
		*answer = (struct receipt_answer){ .outcome = CTL_NOT_FOUND,
			.text = STR("there is no receipt of such a message") };
		return;
	}
	add_records(store, ASK(&store->db, RECEIPTS_OF_ID, as_number(id), as_number((int64_t)from)),
		arena, answer);
}

/* --- signing --- */

static struct statement_by by_us(const struct store *store)
{
	return (struct statement_by){ .server = store->settings->host_name,
		.key = store->receipts.public_key,
		.time = store->now };
}

static bool sign(struct store *store, struct str statement, struct signature *signature)
{
	if (signing_key_sign(store->receipts.key, statement, signature))
		return true;
	LOG(LOG_ALARM, "receipt-not-signed", log_u64("bytes", statement.len));
	return false;
}

struct reference {
	uint64_t number;
	struct digest hash;
};

/* The newest references of a message come first from disk, and last in the statement. */
static bool write_references(
	struct store *store, int64_t id, uint64_t until, struct arena *arena, struct buf *to)
{
	struct reference *at = arena_array(arena, REFERENCES_MAX, sizeof *at);
	size_t n = 0;

	if (!at)
		return false;
	sqlite3_stmt *s = ASK(&store->db, RECEIPTS_OF_ID_BACKWARDS, as_number(id),
		as_number((int64_t)until), as_number(REFERENCES_MAX));
	while (n < REFERENCES_MAX && row(&store->db, s))
		at[n++] =
			(struct reference){ (uint64_t)row_number(s, 0), digest_of(row_text(s, 1)) };
	row_end(s);
	for (size_t i = n; i > 0; i--)
		statement_reference(to, at[i - 1].number, &at[i - 1].hash);
	return n > 0;
}

static bool state_message(
	struct store *store, struct str text, uint64_t until, struct arena *arena, struct buf *to)
{
	struct digest hash;
	struct statement_by by = by_us(store);
	int64_t id;

	if (!queue_id_parse(text, &id))
		return false;
	statement_message_begin(to, text);
	if (!write_references(store, id, until, arena, to))
		return false;
	int64_t n = row_only_number(&store->db,
		ASK(&store->db, RECEIPT_COUNT, as_number(id), as_number((int64_t)until)));
	return statement_message_end(to, n > REFERENCES_MAX ? (uint64_t)n - REFERENCES_MAX : 0,
		last_removed(store, &hash), &by);
}

static bool state_checkpoint(struct store *store, uint64_t number, struct buf *to)
{
	struct statement_by by = by_us(store);
	struct digest hash;

	return hash_of(store, number, &hash) && statement_checkpoint(to, number, &hash, &by);
}

/* What was signed when the records up to this one were removed, if it was with this key. */
static bool state_removal(struct store *store, uint64_t number, struct arena *arena,
	struct receipt_sign_answer *answer)
{
	sqlite3_stmt *s = ASK_PLAIN(&store->db, RECEIPT_REMOVED);
	bool found = row(&store->db, s) && (uint64_t)row_number(s, 0) == number;

	if (found) {
		answer->statement = row_copy(s, 2, arena);
		answer->signature = row_copy(s, 3, arena);
	}
	row_end(s);
	return found && signature_holds(digest_str(&store->receipts.public_key), answer->statement,
				answer->signature);
}

void receipt_sign(struct store *store, const struct receipt_sign_ask *ask, struct arena *arena,
	struct receipt_sign_answer *answer)
{
	scoped(buf_free) struct buf statement = BUF(STATEMENT_MAX);
	struct signature signature;

	*answer = (struct receipt_sign_answer){ .outcome = CTL_NOT_FOUND };
	if (ask->record > INT64_MAX)
		return;
	if (!ask->id.len && state_removal(store, ask->record, arena, answer)) {
		answer->outcome = CTL_OK;
		return;
	}
	bool stated = ask->id.len ? state_message(store, ask->id, ask->record, arena, &statement)
				  : state_checkpoint(store, ask->record, &statement);
	if (!stated || !sign(store, buf_str(&statement), &signature)) {
		answer->text = STR("there is no such record");
		return;
	}
	*answer = (struct receipt_sign_answer){ .outcome = CTL_OK,
		.statement = arena_str(arena, buf_str(&statement)),
		.signature = arena_str(arena, signature_str(&signature)) };
}

/* --- removing --- */

/* The last of the oldest records that have all had their time; 0: none. */
static uint64_t find_last_old(struct store *store, struct digest *hash)
{
	int64_t before = store->now - store->settings->keep_receipts;
	sqlite3_stmt *s = ASK(&store->db, RECEIPTS_OLDEST, as_number(REMOVED_AT_ONCE));
	uint64_t last = 0;

	while (row(&store->db, s) && row_number(s, 1) < before)
		last = (uint64_t)row_number(s, 0);
	row_end(s);
	return last && hash_of(store, last, hash) ? last : 0;
}

bool receipt_remove_some(struct store *store)
{
	scoped(buf_free) struct buf statement = BUF(STATEMENT_MAX);
	struct statement_by by = by_us(store);
	struct signature signature;
	struct digest hash;
	uint64_t last;

	find_end(store); /* where all are removed, the end of the chain is the last of them */
	if (!store->receipts.known || !(last = find_last_old(store, &hash)))
		return false;
	if (!statement_checkpoint(&statement, last, &hash, &by) ||
		!sign(store, buf_str(&statement), &signature))
		return false;
	RUN(&store->db, RECEIPT_REMOVED_SET, as_number((int64_t)last), as_text(digest_str(&hash)),
		as_text(buf_str(&statement)), as_text(signature_str(&signature)));
	RUN(&store->db, RECEIPTS_REMOVE, as_number((int64_t)last));
	return sql_changes(&store->db) == REMOVED_AT_ONCE;
}

/* --- the log --- */

void receipt_tell_log(struct store *store)
{
	struct receipts *r = &store->receipts;
	scoped(buf_free) struct buf statement = BUF(STATEMENT_MAX);
	struct signature signature;

	if (r->committed == r->told || store->now < r->told_at + TOLD_EVERY)
		return;
	if (!state_checkpoint(store, r->committed, &statement) ||
		!sign(store, buf_str(&statement), &signature))
		return;
	r->told = r->committed;
	r->told_at = store->now;
	LOG(LOG_INFO, "receipts", log_u64("last", r->told),
		log_str("statement", buf_str(&statement)),
		log_str("signature", signature_str(&signature)));
}
