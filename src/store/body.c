/* SPDX-License-Identifier: ISC
 *
 * body.c - bodies in pieces. A piece of up to 8 KiB takes one overflow page and its rest in the
 * leaf. Runs in the store's thread, inside a batch.
 */
#include "store/body.h"

#include "base/must.h"
#include "store/store.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

void body_cache_open(struct body_cache *cache)
{
	struct rlimit limit = { .rlim_cur = 0 };

	*cache = (struct body_cache){ .room = BODY_CACHE_SLOTS };
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < BODY_CACHE_SLOTS)
		cache->room = (int64_t)(limit.rlim_cur / 4) + 1;
	for (size_t i = 0; i < BODY_CACHE_SLOTS; i++)
		cache->slots[i].fd = -1;
}

void body_cache_close(struct body_cache *cache)
{
	for (size_t i = 0; i < BODY_CACHE_SLOTS; i++)
		fd_close(&cache->slots[i].fd);
}

static struct body_cached *slot_of(struct body_cache *cache, int64_t message)
{
	return &cache->slots[message % cache->room];
}

static void forget(struct body_cache *cache, struct body_cached *slot)
{
	if (slot->fd < 0)
		return;
	fd_close(&slot->fd);
	cache->bytes -= slot->size;
	slot->message = 0;
}

static void cache_remove(struct body_cache *cache, int64_t message)
{
	struct body_cached *slot = slot_of(cache, message);

	if (slot->message == message)
		forget(cache, slot);
}

void body_cache_add(struct body_cache *cache, int64_t message, int fd, size_t size)
{
	struct body_cached *slot = slot_of(cache, message);

	if (size > BODY_CACHE_BYTES / 2)
		return;
	forget(cache, slot);
	if (cache->oldest < message - cache->room)
		cache->oldest = message - cache->room;
	for (; cache->bytes + size > BODY_CACHE_BYTES && cache->oldest < message; cache->oldest++)
		cache_remove(cache, cache->oldest);
	slot->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (slot->fd < 0)
		return;
	slot->message = message;
	slot->size = size;
	cache->bytes += size;
}

int64_t body_pieces(size_t size)
{
	return size ? (int64_t)((size - 1) / BODY_PIECE + 1) : 0;
}

static int64_t piece_number(int64_t message, int64_t place)
{
	return message * PIECES_MAX + place;
}

void body_write(struct store *store, int64_t message, struct str bytes, int64_t first, int64_t n)
{
	for (int64_t i = first; i < first + n; i++) {
		struct str piece = str_head(str_tail(bytes, (size_t)i * BODY_PIECE), BODY_PIECE);
		RUN(&store->db, BODY_ADD, as_number(piece_number(message, i)), as_blob(piece));
	}
}

static int read_back(struct store *store, int64_t message, int64_t pieces)
{
	int fd = fd_memfd("body");
	sqlite3_stmt *s = ASK(&store->db, BODY_READ, as_number(piece_number(message, 0)),
		as_number(piece_number(message, pieces)));
	bool good = fd >= 0;
	int64_t found = 0;

	for (; good && row(&store->db, s); found++)
		good = fd_write_all(fd, row_text(s, 0));
	row_end(s);
	if (!good || found != pieces || !fd_seal(fd))
		fd_close(&fd);
	return fd;
}

int body_open(struct store *store, int64_t message, int64_t pieces)
{
	struct body_cached *slot = slot_of(&store->cache, message);

	if (slot->fd >= 0 && slot->message == message)
		return fcntl(slot->fd, F_DUPFD_CLOEXEC, 0);
	return read_back(store, message, pieces);
}

void body_remove(struct store *store, int64_t message, int64_t pieces)
{
	cache_remove(&store->cache, message);
	if (pieces == 1)
		RUN(&store->db, BODY_REMOVE, as_number(piece_number(message, 0)));
	else if (pieces > 1)
		RUN(&store->db, LEFTOVER_ADD, as_number(message));
}

static int64_t remove_pieces(struct store *store, int64_t message, int64_t n)
{
	RUN(&store->db, BODY_REMOVE_SOME, as_number(piece_number(message, 0)),
		as_number(piece_number(message + 1, 0)), as_number(n));
	return sql_changes(&store->db);
}

bool body_remove_leftovers(struct store *store, int64_t n)
{
	int64_t message;

	while (n > 0 &&
		(message = row_only_number(&store->db, ASK_PLAIN(&store->db, LEFTOVER_FIRST)))) {
		int64_t removed = remove_pieces(store, message, n);
		if (removed == 0)
			RUN(&store->db, LEFTOVER_REMOVE, as_number(message));
		n -= removed > 0 ? removed : 1;
	}
	return n <= 0;
}
