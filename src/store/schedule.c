/* SPDX-License-Identifier: ISC
 *
 * schedule.c - the table of destinations, their turns, and the claims. Runs in the store's
 * thread. Domains are chosen by whoever writes mail, so the table is keyed.
 */
#include "store/schedule.h"

#include "base/must.h"
#include "store/siphash.h"
#include "store/store.h"
#include <stdlib.h>
#include <string.h>

/* --- arrays of pointers that grow --- */

static void grow(void *array, size_t n, size_t *room)
{
	void **at = array;

	if (n < *room)
		return;
	*room = *room ? *room * 2 : 64;
	void *grown = realloc(*at, *room * sizeof(void *));
	must(grown != NULL);
	*at = grown;
}

/* --- the heap of those asleep, by wake --- */

static void heap_put(struct schedule *s, size_t i, struct destination *d)
{
	s->heap[i] = d;
	d->in_heap = i;
}

static void heap_rise(struct schedule *s, size_t i, struct destination *d)
{
	for (; i > 0 && s->heap[(i - 1) / 2]->wake > d->wake; i = (i - 1) / 2)
		heap_put(s, i, s->heap[(i - 1) / 2]);
	heap_put(s, i, d);
}

static void heap_sink(struct schedule *s, size_t i, struct destination *d)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= s->heap_n)
			break;
		if (child + 1 < s->heap_n && s->heap[child + 1]->wake < s->heap[child]->wake)
			child++;
		if (s->heap[child]->wake >= d->wake)
			break;
		heap_put(s, i, s->heap[child]);
		i = child;
	}
	heap_put(s, i, d);
}

static void heap_remove(struct schedule *s, struct destination *d)
{
	size_t i = d->in_heap;
	struct destination *last = s->heap[--s->heap_n];

	if (last == d)
		return;
	if (i > 0 && s->heap[(i - 1) / 2]->wake > last->wake)
		heap_rise(s, i, last);
	else
		heap_sink(s, i, last);
}

static void heap_add(struct schedule *s, struct destination *d)
{
	grow(&s->heap, s->heap_n, &s->heap_room);
	heap_rise(s, s->heap_n++, d);
}

/* --- the rings of those ready --- */

static struct ring *ring_of(struct schedule *s, const struct destination *d)
{
	return &s->ready[d->name.len > 0];
}

static void ring_add(struct ring *ring, struct destination *d)
{
	d->behind = NULL;
	d->before = ring->last;
	if (ring->last)
		ring->last->behind = d;
	else
		ring->first = d;
	ring->last = d;
}

static void ring_remove(struct ring *ring, struct destination *d)
{
	if (d->before)
		d->before->behind = d->behind;
	else
		ring->first = d->behind;
	if (d->behind)
		d->behind->before = d->before;
	else
		ring->last = d->before;
}

/* --- where a destination belongs --- */

static void leave(struct schedule *s, struct destination *d)
{
	if (d->place == PLACE_READY)
		ring_remove(ring_of(s, d), d);
	else if (d->place == PLACE_ASLEEP)
		heap_remove(s, d);
	d->place = PLACE_IDLE;
}

static void enter(struct schedule *s, struct destination *d, int64_t wake, int64_t now)
{
	if (wake <= now && d->place == PLACE_READY)
		return; /* it keeps its turn */
	leave(s, d);
	d->wake = wake;
	d->place = wake <= now ? PLACE_READY : PLACE_ASLEEP;
	if (wake <= now)
		ring_add(ring_of(s, d), d);
	else
		heap_add(s, d);
}

static void list_empty(struct schedule *s, struct destination *d)
{
	if (d->listed_empty)
		return;
	d->listed_empty = true;
	grow(&s->empty, s->empty_n, &s->empty_room);
	s->empty[s->empty_n++] = d;
}

/* As much in flight as allowed; while it is down, one job goes to see. */
static bool is_full(const struct store *store, const struct destination *d)
{
	uint64_t limit = d->failures ? 1 : store->settings->destination_connections;

	return d->name.len && d->in_flight >= limit;
}

bool schedule_may(struct store *store, const struct destination *d)
{
	return d->waiting > d->in_hand && !is_full(store, d) && d->down_until <= store->now;
}

static void settle(struct store *store, struct destination *d)
{
	struct schedule *s = &store->schedule;
	int64_t wake = d->next_due;

	if (d->failures && d->down_until > wake)
		wake = d->down_until;
	if (d->waiting == 0 && d->in_flight == 0) {
		leave(s, d);
		if (d->failures && d->down_until > store->now)
			enter(s, d, d->down_until, store->now);
		else
			list_empty(s, d);
	} else if (d->waiting <= d->in_hand || is_full(store, d)) {
		leave(s, d);
	} else {
		enter(s, d, wake, store->now);
	}
}

/* --- the table --- */

static struct destination **bucket(struct schedule *s, struct str name, demands wanted)
{
	uint64_t hash = siphash_64(name) + wanted * 0x9e3779b97f4a7c15u;

	return &s->table[(hash ^ hash >> 32) & (s->room - 1)];
}

static void table_grow(struct schedule *s)
{
	struct schedule larger = { .room = s->room ? s->room * 2 : 256 };

	larger.table = must_alloc(larger.room * sizeof *larger.table);
	for (size_t i = 0; i < s->room; i++)
		for (struct destination *d = s->table[i], *next; d; d = next) {
			next = d->same_hash;
			struct destination **to = bucket(&larger, d->name, d->demands);
			d->same_hash = *to;
			*to = d;
		}
	free(s->table);
	s->table = larger.table;
	s->room = larger.room;
}

struct destination *schedule_find(struct schedule *s, struct str name, demands wanted)
{
	struct destination *d = s->room ? *bucket(s, name, wanted) : NULL;

	while (d && !(d->demands == wanted && str_eq(d->name, name)))
		d = d->same_hash;
	return d;
}

static struct destination *find_or_make(struct schedule *s, struct str name, demands wanted)
{
	struct destination *d = schedule_find(s, name, wanted);

	if (d)
		return d;
	if (s->n >= s->room)
		table_grow(s);
	char *copy = must_alloc(sizeof *d + name.len);
	d = (struct destination *)(void *)copy;
	if (name.len)
		memcpy(copy + sizeof *d, name.at, name.len);
	*d = (struct destination){
		.name = { copy + sizeof *d, name.len }, .demands = wanted, .next_due = INT64_MAX
	};
	struct destination **to = bucket(s, name, wanted);
	d->same_hash = *to;
	*to = d;
	s->n++;
	return d;
}

static void unmake(struct schedule *s, struct destination *d)
{
	struct destination **at = bucket(s, d->name, d->demands);

	while (*at != d)
		at = &(*at)->same_hash;
	*at = d->same_hash;
	leave(s, d);
	s->n--;
	free(d);
}

static void each(struct store *store, void (*visit)(struct store *, struct destination *))
{
	struct schedule *s = &store->schedule;

	for (size_t i = 0; i < s->room; i++)
		for (struct destination *d = s->table[i], *next; d; d = next) {
			next = d->same_hash;
			visit(store, d);
		}
}

static void count_from_zero(struct store *store, struct destination *d)
{
	(void)store;
	d->waiting = 0;
	d->next_due = INT64_MAX;
}

bool schedule_load(struct store *store)
{
	struct schedule *s = &store->schedule;
	sqlite3_stmt *rows = ASK_PLAIN(&store->db, SCHEDULE);

	s->waiting = 0;
	each(store, count_from_zero);
	while (row(&store->db, rows)) {
		struct destination *d =
			find_or_make(s, row_text(rows, 0), (demands)row_number(rows, 1));
		d->waiting = row_number(rows, 2);
		d->next_due = row_number(rows, 3);
		s->waiting += d->waiting;
	}
	each(store, settle);
	return store->db.failure == SQLITE_OK;
}

static void free_destination(struct destination *d)
{
	for (struct claim *claim = d->claims, *next; claim; claim = next) {
		next = claim->next;
		free(claim);
	}
	free(d);
}

void schedule_close(struct schedule *s)
{
	for (size_t i = 0; i < s->room; i++)
		for (struct destination *d = s->table[i], *next; d; d = next) {
			next = d->same_hash;
			free_destination(d);
		}
	free(s->table);
	free(s->heap);
	free(s->changed);
	free(s->empty);
	*s = (struct schedule){ 0 };
}

/* --- what becomes of rows --- */

void schedule_added(struct store *store, struct str name, demands wanted, int64_t n, int64_t due)
{
	struct destination *d = find_or_make(&store->schedule, name, wanted);

	d->waiting += n;
	store->schedule.waiting += n;
	if (due < d->next_due)
		d->next_due = due;
	settle(store, d);
}

void schedule_changed(struct store *store, struct destination *d, int64_t ended, int64_t due)
{
	d->waiting -= ended;
	store->schedule.waiting -= ended;
	must(d->waiting >= 0);
	if (due < d->next_due)
		d->next_due = due;
	settle(store, d);
}

int64_t schedule_retry_wait(const struct store *store, uint64_t attempts)
{
	const struct spans *retries = &store->settings->retries;
	uint64_t i = attempts ? attempts - 1 : 0;

	if (!retries->len)
		return 30 * MINUTE;
	return retries->at[i < retries->len ? i : retries->len - 1];
}

void schedule_down(struct store *store, struct destination *d, int64_t taken_at, enum reason reason)
{
	d->reason = reason;
	if (d->failures && taken_at < d->went_down)
		return;
	d->failures++;
	d->went_down = store->now;
	d->down_until = store->now + schedule_retry_wait(store, d->failures);
	settle(store, d);
}

void schedule_up(struct store *store, struct destination *d)
{
	if (!d->failures)
		return;
	d->failures = 0;
	d->down_until = 0;
	settle(store, d);
}

size_t schedule_count_down(const struct store *store)
{
	const struct schedule *s = &store->schedule;
	size_t n = 0;

	for (size_t i = 0; i < s->room; i++)
		for (const struct destination *d = s->table[i]; d; d = d->same_hash)
			n += d->failures > 0;
	return n;
}

/* --- whose turn it is --- */

static void wake_up(struct store *store)
{
	struct schedule *s = &store->schedule;

	while (s->heap_n && s->heap[0]->wake <= store->now) {
		struct destination *d = s->heap[0];
		leave(s, d);
		settle(store, d);
	}
}

struct destination *schedule_next(struct store *store, enum role role)
{
	wake_up(store);
	return store->schedule.ready[role == ROLE_DELIVERY].first;
}

void schedule_nothing_due(struct store *store, struct destination *d, int64_t next_due)
{
	d->next_due = next_due;
	leave(&store->schedule, d);
	if (next_due < INT64_MAX)
		settle(store, d);
}

int64_t schedule_wake(const struct schedule *s)
{
	return s->heap_n ? s->heap[0]->wake : INT64_MAX;
}

/* --- claims --- */

static void note_change(struct schedule *s, struct claim *claim)
{
	grow(&s->changed, s->changed_n, &s->changed_room);
	s->changed[s->changed_n++] = claim;
}

struct claim *schedule_claim(struct store *store, struct worker *worker, struct destination *d,
	int64_t message, const int64_t *recipients, size_t n)
{
	struct claim *claim = must_alloc(sizeof *claim);

	must(!worker->claim && n && n <= CLAIM_RECIPIENTS_MAX);
	*claim = (struct claim){ .next = d->claims,
		.worker = worker,
		.destination = d,
		.message = message,
		.n = n,
		.taken_at = store->now,
		.taken_now = true };
	memcpy(claim->recipients, recipients, n * sizeof *recipients);
	d->claims = claim;
	d->in_flight++;
	d->in_hand += (int64_t)n;
	worker->claim = claim;
	note_change(&store->schedule, claim);
	leave(&store->schedule, d); /* to the end of the ring */
	settle(store, d);
	return claim;
}

bool schedule_is_claimed(const struct destination *d, int64_t recipient)
{
	int64_t message = recipient_message(recipient);

	for (const struct claim *claim = d->claims; claim; claim = claim->next)
		for (size_t i = 0; !claim->ended && claim->message == message && i < claim->n; i++)
			if (claim->recipients[i] == recipient)
				return true;
	return false;
}

static void hold(struct claim *claim, int sign)
{
	claim->destination->in_flight += (unsigned)sign;
	claim->destination->in_hand += sign * (int64_t)claim->n;
}

void schedule_release(struct store *store, struct claim *claim)
{
	if (!claim->taken_now)
		note_change(&store->schedule, claim);
	claim->ended = true;
	hold(claim, -1);
	claim->worker->claim = NULL;
	settle(store, claim->destination);
}

static void remove_claim(struct claim *claim)
{
	struct claim **at = &claim->destination->claims;

	while (*at != claim)
		at = &(*at)->next;
	*at = claim->next;
	free(claim);
}

static void free_empty(struct store *store)
{
	struct schedule *s = &store->schedule;

	for (size_t i = 0; i < s->empty_n; i++) {
		struct destination *d = s->empty[i];
		d->listed_empty = false;
		if (d->waiting == 0 && !d->claims && d->place == PLACE_IDLE)
			unmake(s, d);
	}
	s->empty_n = 0;
}

void schedule_give_back(struct store *store, struct worker *worker)
{
	worker->claim->destination->next_due = 0;
	schedule_release(store, worker->claim);
}

void schedule_worker_gone(struct store *store, struct worker *worker)
{
	if (!worker->claim)
		return;
	must(store->schedule.changed_n == 0);
	schedule_give_back(store, worker);
	schedule_committed(store);
}

void schedule_committed(struct store *store)
{
	struct schedule *s = &store->schedule;

	for (size_t i = 0; i < s->changed_n; i++) {
		s->changed[i]->taken_now = false;
		if (s->changed[i]->ended)
			remove_claim(s->changed[i]);
	}
	s->changed_n = 0;
	free_empty(store);
}

void schedule_rolled_back(struct store *store)
{
	struct schedule *s = &store->schedule;

	/* The last first: a worker may have ended one claim and then taken another. */
	for (size_t i = s->changed_n; i-- > 0;) {
		struct claim *claim = s->changed[i];
		if (claim->taken_now) {
			if (!claim->ended) {
				claim->worker->claim = NULL;
				hold(claim, -1);
			}
			remove_claim(claim);
		} else if (claim->ended) {
			claim->ended = false;
			claim->worker->claim = claim;
			hold(claim, 1);
		}
	}
	s->changed_n = 0;
}
