/* SPDX-License-Identifier: ISC
 *
 * settle.c - see settle.h. Runs in the store's thread, inside a batch, so that a failure and its
 * letter are one transaction.
 */
#include "store/settle.h"

#include "store/letter.h"
#include "store/outcome.h"
#include <stdlib.h>

enum { EVENTS_AT_ONCE = 100, LOOK_AGAIN = 10000, ONE_MORE_ATTEMPT = 60000 };

/* --- the clock --- */

struct event {
	int64_t recipient, deadline, tried;
	enum reason reason;
	struct destination *destination;
};

static bool next_event(struct store *store, struct event *event)
{
	sqlite3_stmt *s = ASK(&store->db, EVENT_DUE, as_number(store->now));

	if (!row(&store->db, s))
		return false;
	*event = (struct event){ .recipient = row_number(s, 0),
		.deadline = row_number(s, 1),
		.tried = row_number(s, 2),
		.reason = (enum reason)row_number(s, 3),
		.destination = schedule_find(
			&store->schedule, row_text(s, 4), (demands)row_number(s, 5)) };
	row_end(s);
	return true;
}

static void put_off(struct store *store, const struct event *event, int64_t wait)
{
	RUN(&store->db, EVENT_AT, as_number(event->recipient), as_number(store->now + wait));
}

static void say_delayed(struct store *store, const struct event *event)
{
	RUN(&store->db, RECIPIENT_DELAYED, as_number(event->recipient));
	store_touch(store, recipient_message(event->recipient));
}

/* Its time is over. If nothing was tried since we are running, it has one more attempt. */
static void expire(struct store *store, const struct event *event)
{
	const struct destination *d = event->destination;
	bool down = d && d->failures;

	if (event->tried >= store->started || down) {
		enum reason last = event->tried || !down ? event->reason : d->reason;
		outcome_fail(store, event->recipient, REASON_EXPIRED, last);
		return;
	}
	RUN(&store->db, RECIPIENT_NOW, as_number(event->recipient), as_number(store->now));
	if (d)
		schedule_changed(store, event->destination, 0, store->now);
	put_off(store, event, ONE_MORE_ATTEMPT);
}

static void handle(struct store *store, const struct event *event)
{
	if (event->destination && schedule_is_claimed(event->destination, event->recipient))
		put_off(store, event, LOOK_AGAIN);
	else if (event->deadline == 0)
		outcome_fail(store, event->recipient, REASON_DROPPED_BY_OPERATOR, event->reason);
	else if (event->deadline <= store->now)
		expire(store, event);
	else
		say_delayed(store, event);
}

bool settle_clock(struct store *store)
{
	struct event event;
	int n = 0;

	for (; n < EVENTS_AT_ONCE && next_event(store, &event); n++)
		handle(store, &event);
	return n == EVENTS_AT_ONCE;
}

/* --- messages that changed --- */

static bool still_waits(struct store *store, int64_t message)
{
	return row_only_number(&store->db,
		ASK(&store->db, RECIPIENT_WAITING, as_number(recipient_number(message, 0)),
			as_number(recipient_number(message + 1, 0))));
}

/* An account may look up what became of its mail for as long as there are receipts of it. */
static int64_t remember_own(const struct settings *settings)
{
	return settings->keep_receipts > settings->keep_notices ? settings->keep_receipts
								: settings->keep_notices;
}

static void end_message(struct store *store, int64_t message)
{
	sqlite3_stmt *s = ASK(&store->db, MESSAGE_END_FACTS, as_number(message));

	if (!row(&store->db, s))
		return;
	int64_t account = row_number(s, 0), pieces = row_number(s, 1);
	row_end(s);
	int64_t keep = account ? remember_own(store->settings) : REMEMBER_OUTSIDE;
	RUN(&store->db, MESSAGE_END, as_number(message), as_number(store->now + keep));
	body_remove(store, message, pieces);
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

bool settle_touched(struct store *store)
{
	int64_t *at = store->touched.at;
	size_t n = store->touched.n;

	store->touched.n = 0;
	if (n > 1)
		qsort(at, n, sizeof *at, by_number);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && at[i] == at[i - 1])
			continue;
		letter_tell(store, at[i]);
		if (!still_waits(store, at[i]))
			end_message(store, at[i]);
	}
	return store->db.failure == SQLITE_OK;
}
