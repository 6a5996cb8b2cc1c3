/* SPDX-License-Identifier: ISC
 *
 * arrival.c - see arrival.h. Runs in the store's thread. Who is asking has a session of the account;
 * which ids belong to it is not believed but looked up.
 */
#include "store/arrival.h"

#include "store/identity.h"

/* --- whose it is --- */

static bool is_of(struct store *store, int64_t account, struct str address, struct arena *arena)
{
	return identity_of(store, address, arena).account == account;
}

/* The first of the account's addresses among those the statement yields; "" if there is none. */
static struct str first_own(
	struct store *store, int64_t account, sqlite3_stmt *s, struct arena *arena)
{
	struct str found = STR("");

	while (!found.len && row(&store->db, s))
		if (is_of(store, account, row_text(s, 0), arena))
			found = row_copy(s, 0, arena);
	row_end(s);
	return found;
}

static struct str addressed_to(
	struct store *store, int64_t account, int64_t id, struct arena *arena)
{
	return first_own(store, account,
		ASK(&store->db, ARRIVAL_ADDRESSES, as_number(id), as_number(ARRIVAL_ADDRESSES_MAX)),
		arena);
}

static bool addressed_to_nobody_else(
	struct store *store, int64_t account, int64_t id, struct arena *arena)
{
	sqlite3_stmt *s = ASK(
		&store->db, RECEIPT_ADDRESSES, as_number(id), as_number(ARRIVAL_ADDRESSES_MAX + 1));
	bool own = true;
	int n = 0;

	for (; own && row(&store->db, s); n++)
		own = is_of(store, account, row_text(s, 0), arena);
	row_end(s);
	return own && n > 0 && n <= ARRIVAL_ADDRESSES_MAX;
}

static bool sent_by(struct store *store, int64_t account, int64_t id)
{
	sqlite3_stmt *s = ASK(&store->db, MESSAGE_OF_ID, as_number(id));
	bool own = row(&store->db, s) && row_number(s, 1) == account;

	row_end(s);
	return own;
}

/* --- how it came --- */

static enum arrival_origin origin_of(struct str word)
{
	static const struct {
		const char *word;
		enum arrival_origin origin;
	} words[] = {
		{ "outside", ARRIVAL_OUTSIDE },
		{ "account", ARRIVAL_ACCOUNT },
		{ "page", ARRIVAL_ACCOUNT },
		{ "here", ARRIVAL_LETTER },
	};

	for (size_t i = 0; i < count_of(words); i++)
		if (str_eq(word, str_of(words[i].word)))
			return words[i].origin;
	return ARRIVAL_UNKNOWN;
}

static bool read_arrival(
	struct store *store, int64_t id, struct arena *arena, struct arrival *arrival)
{
	sqlite3_stmt *s = ASK(&store->db, ARRIVAL, as_number(id));

	if (!row(&store->db, s))
		return false;
	arrival->time = (uint64_t)row_number(s, 0);
	arrival->origin = origin_of(row_text(s, 1));
	arrival->sender = row_copy(s, 2, arena);
	arrival->peer = row_copy(s, 3, arena);
	arrival->helo = row_copy(s, 4, arena);
	arrival->tls_version = row_copy(s, 5, arena);
	arrival->cipher = row_copy(s, 6, arena);
	row_end(s);
	return true;
}

static bool is_anothers(
	struct store *store, int64_t account, const struct arrival *arrival, struct arena *arena)
{
	return arrival->origin == ARRIVAL_ACCOUNT && !is_of(store, account, arrival->sender, arena);
}

static struct str sent_under(struct store *store, int64_t account, int64_t id, struct arena *arena)
{
	sqlite3_stmt *s = ASK(&store->db, SENT_OF_MESSAGE, as_number(id), as_number(account));
	struct str sent = row(&store->db, s) ? row_copy(s, 0, arena) : STR("");

	row_end(s);
	return sent;
}

static void add_letter(struct store *store, int64_t account, int64_t id, struct arena *arena,
	struct arrival *arrival)
{
	sqlite3_stmt *s = ASK(&store->db, LETTER_OF, as_number(id));

	if (!row(&store->db, s))
		return;
	int64_t about = row_number(s, 0);
	arrival->letter = (uint64_t)row_number(s, 1);
	arrival->failed = row_copy(s, 2, arena);
	arrival->reason = (uint64_t)row_number(s, 3);
	row_end(s);
	if (!about)
		return;
	arrival->about_id = queue_id_text(arena, about);
	arrival->about = sent_under(store, account, about, arena);
}

static struct arrival find_arrival(
	struct store *store, int64_t account, struct str text, struct arena *arena)
{
	const struct arrival unknown = { .id = text, .origin = ARRIVAL_UNKNOWN };
	struct arrival arrival = unknown;
	int64_t id;

	if (!queue_id_parse(text, &id) || !read_arrival(store, id, arena, &arrival))
		return unknown;
	arrival.recipient = addressed_to(store, account, id, arena);
	if (!arrival.recipient.len)
		return unknown;
	if (is_anothers(store, account, &arrival, arena))
		arrival.peer = arrival.helo = STR("");
	if (arrival.origin == ARRIVAL_LETTER)
		add_letter(store, account, id, arena, &arrival);
	return arrival;
}

void arrivals(struct store *store, int64_t account, const struct arrivals_ask *ask,
	struct arena *arena, struct arrivals_answer *answer)
{
	size_t n = ask->ids.len < ARRIVALS_MAX ? ask->ids.len : ARRIVALS_MAX;

	*answer = (struct arrivals_answer){ .outcome = WEB_OK };
	answer->arrivals.at = arena_array(arena, n, sizeof *answer->arrivals.at);
	for (size_t i = 0; answer->arrivals.at && i < n; i++)
		answer->arrivals.at[answer->arrivals.len++] =
			find_arrival(store, account, ask->ids.at[i].text, arena);
}

/* --- receipts --- */

static bool say(struct receipt_own_answer *answer, enum web_outcome outcome, const char *why)
{
	*answer = (struct receipt_own_answer){ .outcome = outcome, .text = str_of(why) };
	return false;
}

static bool may_have(struct store *store, int64_t account, int64_t id, struct arena *arena,
	struct receipt_own_answer *answer)
{
	struct arrival arrival = { 0 };

	if (sent_by(store, account, id))
		return true;
	if (!read_arrival(store, id, arena, &arrival) ||
		!addressed_to(store, account, id, arena).len)
		return say(answer, WEB_NOT_FOUND, "there is no receipt of such a message");
	if (is_anothers(store, account, &arrival, arena) ||
		!addressed_to_nobody_else(store, account, id, arena))
		return say(answer, WEB_NOT_ALLOWED, "its receipt tells of other people");
	return true;
}

/* Which message is meant: by the page's id, or by its queue id. */
static bool find_id(struct store *store, int64_t account, const struct receipt_own_ask *ask,
	int64_t *id, struct receipt_own_answer *answer)
{
	if (!ask->sent.len)
		return queue_id_parse(ask->id, id) ||
		       say(answer, WEB_NOT_FOUND, "there is no receipt of such a message");
	sqlite3_stmt *s = ASK(&store->db, SENT_FIND, as_number(account), as_text(ask->sent));
	bool found = row(&store->db, s);
	if (found)
		*id = row_number(s, 0);
	row_end(s);
	return found || say(answer, WEB_NOT_FOUND, "nothing was sent under this id");
}

static void add_receipt(
	struct store *store, int64_t id, struct arena *arena, struct receipt_own_answer *answer)
{
	struct receipt_ask ask = { .id = queue_id_text(arena, id) };
	struct receipt_answer read;
	struct receipt_sign_answer signature;
	int64_t all = row_only_number(
		&store->db, ASK(&store->db, RECEIPT_COUNT, as_number(id), as_number(INT64_MAX)));

	receipt_read(store, &ask, arena, &read);
	if (read.outcome != CTL_OK || !read.records.len) {
		say(answer, WEB_NOT_FOUND, "there is no receipt of such a message");
		return;
	}
	if ((int64_t)read.records.len < all || all > RECEIPT_REFERENCES_MAX) {
		say(answer, WEB_TOO_LARGE, "it is too long for a page; the operator can export it");
		return;
	}
	struct receipt_sign_ask state = { .id = ask.id,
		.record = read.records.at[read.records.len - 1].record };
	receipt_sign(store, &state, arena, &signature);
	if (signature.outcome != CTL_OK) {
		say(answer, WEB_FAILED, "it could not be signed");
		return;
	}
	*answer = (struct receipt_own_answer){ .outcome = WEB_OK,
		.statement = signature.statement,
		.signature = signature.signature,
		.public_key = arena_str(arena, digest_str(&store->receipts.public_key)) };
	answer->records.at = read.records.at;
	answer->records.len = read.records.len;
}

void receipt_own(struct store *store, int64_t account, const struct receipt_own_ask *ask,
	struct arena *arena, struct receipt_own_answer *answer)
{
	int64_t id;

	if (!find_id(store, account, ask, &id, answer))
		return;
	if (ask->sent.len || may_have(store, account, id, arena, answer))
		add_receipt(store, id, arena, answer);
}
