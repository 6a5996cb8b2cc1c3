/* SPDX-License-Identifier: ISC
 *
 * store.c - opening the store, and what a batch is: one transaction on disk, and the same
 * all-or-nothing for what is in memory.
 */
#include "store/store.h"

#include "base/clock.h"
#include "base/must.h"
#include "store/settle.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>

bool store_open(
	struct store *store, const char *path, const struct settings *settings, struct why *why)
{
	memset(store, 0, sizeof *store);
	store->settings = settings;
	store->now = store->started = clock_wall_ms();
	body_cache_open(&store->cache);
	changes_open(&store->changes, store->now);
	if (!database_open(&store->db, path, why))
		return false;
	if (!receipts_open(store, why)) {
		store_close(store);
		return false;
	}
	/* What was being staged when we stopped belongs to nobody now. */
	if (RUN_PLAIN(&store->db, LEFTOVER_ORPHANED) && schedule_load(store)) {
		store->last_message =
			row_only_number(&store->db, ASK_PLAIN(&store->db, MESSAGE_LAST));
		if (store->db.failure == SQLITE_OK)
			return true;
	}
	why_not(why, "can't read the queue: %s", sqlite3_errmsg(store->db.handle));
	store_close(store);
	return false;
}

void store_close(struct store *store)
{
	sql_close(&store->db);
	schedule_close(&store->schedule);
	body_cache_close(&store->cache);
	receipts_close(store);
	changes_close(&store->changes);
	free(store->touched.at);
	store->touched.at = NULL;
}

void store_begin(struct store *store)
{
	store->now = clock_wall_ms();
	store->touched.n = 0;
	store->disk_free = 0;
	database_begin(&store->db);
}

static void undo(struct store *store)
{
	int failure = store->db.failure;

	store->figures[FIGURE_COMMITS_FAILED]++;
	database_rollback(&store->db);
	schedule_rolled_back(store);
	receipts_rolled_back(store);
	changes_rolled_back(&store->changes);
	store->tally.n = 0;
	store->accounts_changed = false;
	store->db.failure = SQLITE_OK;
	store->stale = !schedule_load(store);
	store->db.failure = failure;
}

bool store_commit(struct store *store)
{
	if (store->stale)
		store->stale = !schedule_load(store);
	if (store->db.failure == SQLITE_OK && settle_touched(store))
		tally_write(store);
	if (store->db.failure == SQLITE_OK && database_commit(&store->db)) {
		store->figures[FIGURE_BATCHES]++;
		schedule_committed(store);
		receipts_committed(store);
		changes_committed(&store->changes);
		store->users_due |= store->accounts_changed;
		store->accounts_changed = false;
		return true;
	}
	undo(store);
	return false;
}

void store_handler_begin(struct store *store)
{
	savepoint_begin(&store->db);
	changes_handler_begin(&store->changes);
	tally_copy(&store->tally_before, &store->tally);
}

bool store_handler_end(struct store *store)
{
	if (savepoint_end(&store->db))
		return true;
	/* It may have changed the schedule and the end of the chain before it failed. */
	store->stale = true;
	receipts_rolled_back(store);
	changes_handler_rolled_back(&store->changes);
	tally_copy(&store->tally, &store->tally_before);
	return false;
}

void store_touch(struct store *store, int64_t message)
{
	if (store->touched.n && store->touched.at[store->touched.n - 1] == message)
		return;
	if (store->touched.n == store->touched.room) {
		size_t room = store->touched.room ? store->touched.room * 2 : 64;
		int64_t *grown = realloc(store->touched.at, room * sizeof *grown);
		must(grown != NULL);
		store->touched.at = grown;
		store->touched.room = room;
	}
	store->touched.at[store->touched.n++] = message;
}

int64_t store_next_message(struct store *store)
{
	return ++store->last_message;
}

int64_t store_make_id(struct store *store)
{
	for (;;) {
		uint32_t random;
		must(getrandom(&random, sizeof random, 0) == sizeof random);
		int64_t id = clock_wall_ms() << 20 | (random & 0xfffff);
		if (!row_only_number(&store->db, ASK(&store->db, MESSAGE_OF_ID, as_number(id))) &&
			!receipt_exists(store, id))
			return id;
	}
}

uint64_t store_disk_free(struct store *store)
{
	struct statvfs disk;
	int64_t pages = row_only_number(&store->db, ASK_PLAIN(&store->db, FREE_PAGES));

	if (statvfs(".", &disk) != 0)
		return 0;
	uint64_t free = (uint64_t)disk.f_bavail * disk.f_frsize + (uint64_t)pages * DATABASE_PAGE;
	uint64_t taken = (uint64_t)store->db.wal_pages * DATABASE_PAGE;
	return free > taken ? free - taken : 0;
}

bool queue_id_parse(struct str text, int64_t *id)
{
	uint64_t n;

	if (text.len != 16 || !str_hex_to_u64(text, &n))
		return false;
	*id = (int64_t)n;
	return true;
}

int64_t store_find_message(struct store *store, struct str id)
{
	int64_t number;

	if (!queue_id_parse(id, &number))
		return 0;
	return row_only_number(&store->db, ASK(&store->db, MESSAGE_OF_ID, as_number(number)));
}

struct str queue_id_text(struct arena *arena, int64_t id)
{
	return arena_printf(arena, "%016llx", (unsigned long long)id);
}
