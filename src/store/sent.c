/* SPDX-License-Identifier: ISC
 *
 * sent.c - see sent.h. Runs in the store's thread. What a message went over is told from the
 * evidence of the attempt that carried it, for each recipient its own.
 */
#include "store/sent.h"

#include "mail/evidence.h"
#include "store/send.h"

/* --- one recipient --- */

struct carried_by {
	int64_t message;
	struct str destination;
	int64_t demands; /* as in the row */
	int64_t until;	 /* what was reported later carried others */
	bool local;
};

static bool was_sent(const struct sent_recipient *r, enum transmission transmission)
{
	return r->state == STATE_DELIVERED ||
	       (transmission != TRANSMISSION_NO_CONNECTION && transmission != TRANSMISSION_NOTHING);
}

/* The last attempt at the recipient's host that was in order when its outcome was reported. */
static void add_transport(struct store *store, const struct carried_by *by,
	enum transmission transmission, struct arena *arena, struct sent_recipient *r)
{
	if (by->local || !was_sent(r, transmission))
		return;
	sqlite3_stmt *s =
		ASK(&store->db, SENT_CARRIED, as_number(by->message), as_text(by->destination),
			as_number(by->demands), as_text(r->host), as_number(by->until));
	if (row(&store->db, s)) {
		r->transmitted = 1;
		r->time = (uint64_t)row_number(s, 0);
		if (transmission != TRANSMISSION_PLAIN) {
			r->tls_version = row_copy(s, 1, arena);
			r->cipher = row_copy(s, 2, arena);
			r->proven_by = row_copy(s, 3, arena);
		}
		r->transport = transport_of(r->tls_version, r->cipher, r->proven_by);
	}
	row_end(s);
}

static struct sent_recipient read_recipient(
	struct store *store, sqlite3_stmt *s, struct arena *arena)
{
	struct carried_by by = { .message = recipient_message(row_number(s, 0)),
		.destination = row_text(s, 15),
		.demands = row_number(s, 3),
		.until = row_number(s, 6),
		.local = row_text(s, 15).len == 0 };
	struct sent_recipient r = { .address = row_copy(s, 1, arena),
		.state = (uint64_t)row_number(s, 2),
		.demands = (uint64_t)row_number(s, 3) & DEMANDS_ALL,
		.host = row_copy(s, 4, arena),
		.time = (uint64_t)row_number(s, 6),
		.attempts = (uint64_t)row_number(s, 7),
		.next_attempt = (uint64_t)row_number(s, 8),
		.deadline = (uint64_t)row_number(s, 9),
		.reason = (uint64_t)row_number(s, 10),
		.last_reason = (uint64_t)row_number(s, 11),
		.code = row_copy(s, 12, arena),
		.said = row_copy(s, 13, arena),
		.told = (uint64_t)row_number(s, 14) };

	add_transport(store, &by, (enum transmission)row_number(s, 5), arena, &r);
	return r;
}

/* --- one message --- */

static void read_recipients(
	struct store *store, int64_t id, size_t room, struct arena *arena, struct sent_item *item)
{
	size_t n = (size_t)row_only_number(
		&store->db, ASK(&store->db, SENT_RECIPIENTS_N, as_number(id)));

	n = n < room ? n : room;
	item->recipients.at = arena_array(arena, n, sizeof *item->recipients.at);
	if (!item->recipients.at)
		return;
	sqlite3_stmt *s = ASK(&store->db, SENT_RECIPIENTS, as_number(id), as_number((int64_t)n));
	while (item->recipients.len < n && row(&store->db, s))
		item->recipients.at[item->recipients.len++] = read_recipient(store, s, arena);
	row_end(s);
}

struct list {
	struct sent_answer *answer;
	int64_t ids[SENT_LISTED];
	size_t room; /* for recipients, of all */
};

static void add_item(struct list *list, sqlite3_stmt *s, struct arena *arena)
{
	struct sent_answer *answer = list->answer;

	list->ids[answer->items.len] = row_number(s, 1);
	answer->items.at[answer->items.len++] = (struct sent_item){ .sent = row_copy(s, 0, arena),
		.id = queue_id_text(arena, row_number(s, 1)),
		.sender = row_copy(s, 2, arena),
		.subject = row_copy(s, 3, arena),
		.accepted = (uint64_t)row_number(s, 4),
		.held_until = (uint64_t)row_number(s, 5),
		.undone = (uint64_t)row_number(s, 6),
		.revision = (uint64_t)row_number(s, 7) };
}

static void add_named(struct store *store, int64_t account, const struct sent_ask *ask,
	struct arena *arena, struct list *list)
{
	for (size_t i = 0; i < ask->sent.len && i < SENT_LISTED; i++) {
		sqlite3_stmt *s = ASK(
			&store->db, SENT_ONE, as_number(account), as_text(ask->sent.at[i].text));
		if (row(&store->db, s))
			add_item(list, s, arena);
		row_end(s);
	}
}

static void add_newest(struct store *store, int64_t account, uint64_t limit, struct arena *arena,
	struct list *list)
{
	int64_t n = limit && limit < SENT_LISTED ? (int64_t)limit : SENT_LISTED;
	sqlite3_stmt *s = ASK(&store->db, SENT_NEWEST, as_number(account), as_number(n));

	while (list->answer->items.len < SENT_LISTED && row(&store->db, s))
		add_item(list, s, arena);
	row_end(s);
}

void sent_show(struct store *store, int64_t account, const struct sent_ask *ask,
	struct arena *arena, struct sent_answer *answer)
{
	struct list list = { .answer = answer, .room = SENT_RECIPIENTS_LISTED };

	*answer = (struct sent_answer){ .outcome = WEB_OK };
	answer->items.at = arena_array(arena, SENT_LISTED, sizeof *answer->items.at);
	if (!answer->items.at)
		return;
	if (ask->sent.len)
		add_named(store, account, ask, arena, &list);
	else
		add_newest(store, account, ask->limit, arena, &list);
	for (size_t i = 0; i < answer->items.len; i++) {
		struct sent_item *item = &answer->items.at[i];
		read_recipients(store, list.ids[i], list.room, arena, item);
		list.room -= item->recipients.len;
	}
	if (ask->sent.len && !answer->items.len)
		*answer = (struct sent_answer){ .outcome = WEB_NOT_FOUND,
			.text = STR("nothing was sent under this id") };
}
