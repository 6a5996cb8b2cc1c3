/* SPDX-License-Identifier: ISC
 *
 * listing.c - see listing.h. Runs in the store's thread, inside a batch. Listings are bounded:
 * who wants more asks again behind the last id.
 */
#include "store/listing.h"

static void say(struct queue_answer *answer, enum ctl_outcome outcome, struct str why)
{
	*answer = (struct queue_answer){ .outcome = outcome, .text = why };
}

static struct queue_item read_item(sqlite3_stmt *s, struct arena *arena)
{
	return (struct queue_item){ .id = queue_id_text(arena, row_number(s, 0)),
		.sender = row_copy(s, 1, arena),
		.recipient = row_copy(s, 2, arena),
		.destination = row_copy(s, 3, arena),
		.subject = row_copy(s, 4, arena),
		.state = (uint64_t)row_number(s, 5),
		.demands = (uint64_t)row_number(s, 6) & DEMANDS_ALL,
		.size = (uint64_t)row_number(s, 7),
		.accepted = (uint64_t)row_number(s, 8),
		.next_attempt = (uint64_t)row_number(s, 9),
		.attempts = (uint64_t)row_number(s, 10),
		.deadline = (uint64_t)row_number(s, 11),
		.reason = (uint64_t)row_number(s, 12),
		.said = row_copy(s, 13, arena) };
}

static void read_items(struct store *store, sqlite3_stmt *s, size_t limit, struct arena *arena,
	struct queue_answer *answer)
{
	answer->items.at = arena_array(arena, limit, sizeof *answer->items.at);
	if (!answer->items.at)
		return;
	while (answer->items.len < limit && row(&store->db, s))
		answer->items.at[answer->items.len++] = read_item(s, arena);
	row_end(s);
}

static struct attempt read_attempt(sqlite3_stmt *s, struct arena *arena)
{
	return (struct attempt){ .time = (uint64_t)row_number(s, 0),
		.host = row_copy(s, 1, arena),
		.address = row_copy(s, 2, arena),
		.verdict = (uint64_t)row_number(s, 3),
		.reason = (uint64_t)row_number(s, 4),
		.tls_version = row_copy(s, 5, arena),
		.cipher = row_copy(s, 6, arena),
		.said = row_copy(s, 7, arena),
		.port = (uint64_t)row_number(s, 8),
		.group = row_copy(s, 9, arena),
		.certificate = row_copy(s, 10, arena),
		.key = row_copy(s, 11, arena),
		.proven_by = row_copy(s, 12, arena) };
}

static void read_attempts(
	struct store *store, int64_t message, struct arena *arena, struct queue_answer *answer)
{
	answer->attempts.at = arena_array(arena, LISTED_ATTEMPTS_MAX, sizeof *answer->attempts.at);
	if (!answer->attempts.at)
		return;
	sqlite3_stmt *s = ASK(&store->db, EVIDENCE_OF, as_number(message));
	while (answer->attempts.len < LISTED_ATTEMPTS_MAX && row(&store->db, s))
		answer->attempts.at[answer->attempts.len++] = read_attempt(s, arena);
	row_end(s);
}

/* The next page begins behind the last id, so a message isn't cut in two unless it fills a page
 * of its own. */
static void end_with_a_message(struct queue_answer *answer)
{
	const struct queue_item *at = answer->items.at;
	size_t n = answer->items.len;

	while (n > 1 && str_eq(at[n - 1].id, at[n - 2].id))
		n--;
	if (n > 1)
		answer->items.len = n - 1;
}

void listing_queue(struct store *store, const struct queue_ask *ask, struct arena *arena,
	struct queue_answer *answer)
{
	size_t limit = ask->limit && ask->limit < LISTED_MAX ? (size_t)ask->limit : LISTED_MAX;
	int64_t after = 0;

	say(answer, CTL_OK, STR(""));
	if (ask->id.len) {
		int64_t message = store_find_message(store, ask->id);
		if (!message) {
			say(answer, CTL_NOT_FOUND, STR("there is no such message"));
			return;
		}
		read_items(store,
			ASK(&store->db, QUEUE_MESSAGE, as_number(message),
				as_number(recipient_number(message, 0)),
				as_number(recipient_number(message + 1, 0))),
			LISTED_MAX, arena, answer);
		read_attempts(store, message, arena, answer);
		return;
	}
	if (ask->after.len && !queue_id_parse(ask->after, &after)) {
		say(answer, CTL_INVALID, STR("\"after\" is no queue id"));
		return;
	}
	read_items(store, ASK(&store->db, QUEUE, as_number(after), as_number((int64_t)limit)),
		limit, arena, answer);
	if (answer->items.len == limit)
		end_with_a_message(answer);
}

/* The range of recipient numbers a change is about. */
static bool find_range(struct store *store, const struct queue_change_ask *ask, int64_t range[2],
	struct queue_answer *answer)
{
	say(answer, CTL_OK, STR(""));
	range[0] = 0;
	range[1] = INT64_MAX;
	if (!ask->id.len)
		return true;
	int64_t message = store_find_message(store, ask->id);
	if (!message) {
		say(answer, CTL_NOT_FOUND, STR("there is no such message"));
		return false;
	}
	range[0] = recipient_number(message, 0);
	range[1] = recipient_number(message + 1, 0);
	return true;
}

static void answer_changed(const struct store *store, const char *what, struct arena *arena,
	struct queue_answer *answer)
{
	int64_t n = sql_changes(&store->db);

	if (n == 0)
		say(answer, CTL_NOT_FOUND, STR("nothing of it waits"));
	else
		answer->text = arena_printf(
			arena, "%lld recipient%s %s", (long long)n, n == 1 ? " is" : "s are", what);
}

static void wake_destinations(struct store *store, const int64_t range[2])
{
	sqlite3_stmt *s =
		ASK(&store->db, DESTINATIONS_OF, as_number(range[0]), as_number(range[1]));

	while (row(&store->db, s)) {
		struct destination *d =
			schedule_find(&store->schedule, row_text(s, 0), (demands)row_number(s, 1));
		if (!d)
			continue;
		schedule_up(store, d);
		schedule_changed(store, d, 0, store->now);
	}
}

void listing_retry(struct store *store, const struct queue_change_ask *ask, struct arena *arena,
	struct queue_answer *answer)
{
	int64_t range[2];

	if (!find_range(store, ask, range, answer))
		return;
	RUN(&store->db, QUEUE_RETRY, as_number(range[0]), as_number(range[1]),
		as_text(ask->recipient), as_number(store->now));
	answer_changed(store, "due now", arena, answer);
	wake_destinations(store, range);
}

void listing_drop(struct store *store, const struct queue_change_ask *ask, struct arena *arena,
	struct queue_answer *answer)
{
	int64_t range[2];

	if (!find_range(store, ask, range, answer))
		return;
	RUN(&store->db, QUEUE_DROP, as_number(range[0]), as_number(range[1]),
		as_text(ask->recipient));
	answer_changed(store, "dropped; the sender is told", arena, answer);
}

static void figure(struct status_answer *answer, const char *name, int64_t value)
{
	answer->figures.at[answer->figures.len++] =
		(struct figure){ .name = str_of(name), .value = (uint64_t)value };
}

void listing_status(struct store *store, struct arena *arena, struct status_answer *answer)
{
	static const char *const names[] = {
#define FIGURE_NAME(name, text) text,
		FIGURES(FIGURE_NAME)
#undef FIGURE_NAME
	};
	enum { COUNTED_HERE = 8 };

	*answer = (struct status_answer){ 0 };
	answer->figures.at =
		arena_array(arena, FIGURES_N + COUNTED_HERE, sizeof *answer->figures.at);
	if (!answer->figures.at)
		return;
	figure(answer, "started", store->started);
	figure(answer, "accounts",
		row_only_number(&store->db, ASK_PLAIN(&store->db, ACCOUNT_COUNT)));
	figure(answer, "queued", store->schedule.waiting);
	figure(answer, "destinations", (int64_t)store->schedule.n);
	figure(answer, "destinations_down", (int64_t)schedule_count_down(store));
	figure(answer, "disk_free", (int64_t)store_disk_free(store));
	figure(answer, "disk_reserve", (int64_t)store->settings->disk_reserve);
	figure(answer, "database_size",
		row_only_number(&store->db, ASK_PLAIN(&store->db, PAGE_COUNT)) * DATABASE_PAGE);
	for (size_t i = 0; i < FIGURES_N; i++)
		figure(answer, names[i], (int64_t)store->figures[i]);
}
