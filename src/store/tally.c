/* SPDX-License-Identifier: ISC
 *
 * tally.c - see tally.h. Runs in the store's thread.
 */
#include "store/tally.h"

#include "base/clock.h"
#include "store/store.h"
#include <string.h>

enum { REFUSED_AT_ONCE = 500, STEPS_MAX = 1000 };

static struct tallied *find(struct tally *tally, const struct tallied *like)
{
	for (size_t i = 0; i < tally->n; i++) {
		struct tallied *t = &tally->at[i];
		if (t->demands == like->demands && t->state == like->state &&
			t->reason == like->reason)
			return t;
	}
	return NULL;
}

static void count(struct store *store, const struct tallied *one)
{
	struct tallied *found = find(&store->tally, one);

	if (found) {
		found->count++;
		return;
	}
	if (store->tally.n == TALLIED_MAX)
		tally_write(store);
	store->tally.at[store->tally.n++] = *one;
}

void tally_ended(struct store *store, const struct destination *destination,
	enum recipient_state state, uint64_t reason)
{
	if (!destination->name.len)
		return;
	count(store, &(struct tallied){ .demands = destination->demands & DEMANDS_ALL,
			     .state = state,
			     .reason = (int64_t)reason,
			     .count = 1 });
	if (state == STATE_FAILED)
		RUN(&store->db, TALLY_REFUSED, as_number(store->now / DAY),
			as_text(destination->name), as_number((int64_t)reason),
			as_number(store->now));
}

void tally_copy(struct tally *to, const struct tally *from)
{
	memcpy(to->at, from->at, from->n * sizeof *from->at);
	to->n = from->n;
}

void tally_write(struct store *store)
{
	for (size_t i = 0; i < store->tally.n; i++) {
		const struct tallied *t = &store->tally.at[i];
		RUN(&store->db, TALLY_ENDED, as_number(store->now / HOUR), as_number(t->demands),
			as_number(t->state), as_number(t->reason), as_number(t->count));
	}
	store->tally.n = 0;
}

bool tally_expire(struct store *store)
{
	int64_t before = store->now - store->settings->keep_receipts;

	RUN(&store->db, TALLY_ENDED_EXPIRE, as_number(before / HOUR));
	RUN(&store->db, TALLY_REFUSED_EXPIRE, as_number(before / DAY), as_number(REFUSED_AT_ONCE));
	return sql_changes(&store->db) == REFUSED_AT_ONCE;
}

/* --- reading --- */

static void read_deliveries(struct store *store, int64_t since, int64_t step, struct arena *arena,
	struct admin_deliveries_answer *answer)
{
	sqlite3_stmt *s = ASK(&store->db, TALLY_DELIVERIES, as_number(since / HOUR),
		as_number(step), as_number(DELIVERIES_LISTED));

	answer->deliveries.at =
		arena_array(arena, DELIVERIES_LISTED, sizeof *answer->deliveries.at);
	while (answer->deliveries.at && row(&store->db, s))
		answer->deliveries.at[answer->deliveries.len++] =
			(struct admin_delivery){ .time = (uint64_t)row_number(s, 0),
				.demands = (uint64_t)row_number(s, 1),
				.state = (uint64_t)row_number(s, 2),
				.reason = (uint64_t)row_number(s, 3),
				.count = (uint64_t)row_number(s, 4) };
	row_end(s);
}

static void read_refused(struct store *store, int64_t since, struct arena *arena,
	struct admin_deliveries_answer *answer)
{
	sqlite3_stmt *s =
		ASK(&store->db, TALLY_DOMAINS, as_number(since / DAY), as_number(REFUSED_LISTED));

	answer->refused.at = arena_array(arena, REFUSED_LISTED, sizeof *answer->refused.at);
	while (answer->refused.at && row(&store->db, s))
		answer->refused.at[answer->refused.len++] =
			(struct admin_destination){ .domain = row_copy(s, 0, arena),
				.reason = (uint64_t)row_number(s, 1),
				.count = (uint64_t)row_number(s, 2),
				.last = (uint64_t)row_number(s, 3) };
	row_end(s);
}

void tally_read(struct store *store, int64_t since, int64_t step, struct arena *arena,
	struct admin_deliveries_answer *answer)
{
	int64_t least = (clock_wall_ms() - since) / STEPS_MAX;

	if (step < least)
		step = least;
	step = step < HOUR ? HOUR : step - step % HOUR;
	read_deliveries(store, since, step, arena, answer);
	read_refused(store, since, arena, answer);
}
