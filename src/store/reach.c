/* SPDX-License-Identifier: ISC
 *
 * reach.c - see reach.h. Runs in the store's thread.
 */
#include "store/reach.h"

#include "mail/evidence.h"
#include <stdlib.h>

/* A recipient of one of the messages; place 0 is the newest. */
struct written_to {
	struct str address, domain;
	int64_t message;
	size_t place;
};

static int by_address(const void *a, const void *b)
{
	const struct written_to *x = a, *y = b;
	int order = str_compare(x->address, y->address);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

static size_t read_recipients(struct store *store, int64_t account, int64_t since,
	struct arena *arena, struct written_to *at)
{
	sqlite3_stmt *s = ASK(&store->db, REACH_RECIPIENTS, as_number(account), as_number(since),
		as_number(REACH_NEWEST));
	size_t n = 0;

	for (; n < REACH_NEWEST && row(&store->db, s); n++)
		at[n] = (struct written_to){ .address = row_copy(s, 0, arena),
			.domain = row_copy(s, 1, arena),
			.message = row_number(s, 2),
			.place = n };
	row_end(s);
	qsort(at, n, sizeof *at, by_address);
	return n;
}

struct shown {
	bool encrypted, proven, dane;
};

static bool find_shown(struct store *store, const struct written_to *to, struct shown *shown)
{
	sqlite3_stmt *s = ASK(&store->db, REACH_SEEN, as_number(to->message), as_text(to->domain));
	bool found = row(&store->db, s);

	if (found) {
		struct str by = row_text(s, 2);
		bool sealed = transport_of(row_text(s, 0), row_text(s, 1), by) != TRANSPORT_NONE;
		bool dane = str_eq(by, STR("dane"));
		*shown = (struct shown){ .encrypted = sealed,
			.proven =
				sealed && (dane || str_eq(by, STR("sts")) || str_eq(by, STR("ca"))),
			.dane = sealed && dane };
	}
	row_end(s);
	return found;
}

static bool is_stored(struct store *store, struct str domain)
{
	return row_only_number(
		&store->db, ASK(&store->db, STORED_USABLE, as_text(domain), as_number(store->now)));
}

static void count(struct store *store, const struct written_to *at, size_t n,
	struct reach_answer *answer, uint64_t reached[LEVELS_N])
{
	struct shown shown;
	bool known = false;

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && !str_eq(at[i].address, at[i - 1].address))
			known = false;
		if (known || !find_shown(store, &at[i], &shown))
			continue;
		known = true;
		answer->recipients++;
		reached[LEVEL_ENCRYPT] += shown.encrypted;
		reached[LEVEL_SECURE] += shown.proven;
		reached[LEVEL_DANE_ONLY] += shown.dane;
		reached[LEVEL_VERIFY] += is_stored(store, at[i].domain);
	}
}

void reach_show(
	struct store *store, int64_t account, struct arena *arena, struct reach_answer *answer)
{
	struct written_to *at = arena_array(arena, REACH_NEWEST, sizeof *at);
	uint64_t reached[LEVELS_N] = { 0 };

	*answer = (struct reach_answer){ .outcome = WEB_OK,
		.since = (uint64_t)(store->now - REACH_SINCE) };
	answer->levels.at = arena_array(arena, LEVELS_N, sizeof *answer->levels.at);
	if (!at || !answer->levels.at)
		return;
	size_t n = read_recipients(store, account, store->now - REACH_SINCE, arena, at);
	count(store, at, n, answer, reached);
	for (uint64_t level = LEVEL_ENCRYPT; level < LEVELS_N; level++)
		answer->levels.at[answer->levels.len++] =
			(struct reach){ .level = level, .reached = reached[level] };
}

void reach_providers(struct store *store, struct arena *arena, struct certificate_answer *answer)
{
	sqlite3_stmt *s = ASK(
		&store->db, STORED_PROVIDERS, as_number(store->now), as_number(PROVIDERS_LISTED));

	*answer = (struct certificate_answer){ .outcome = WEB_OK };
	answer->certificates.at =
		arena_array(arena, PROVIDERS_LISTED, sizeof *answer->certificates.at);
	while (answer->certificates.at && answer->certificates.len < PROVIDERS_LISTED &&
		row(&store->db, s))
		answer->certificates.at[answer->certificates.len++] =
			(struct certificate_entry){ .entry = (uint64_t)row_number(s, 0),
				.domain = row_copy(s, 1, arena),
				.kind = (uint64_t)row_number(s, 2),
				.note = row_copy(s, 5, arena),
				.added = (uint64_t)row_number(s, 6),
				.expires = (uint64_t)row_number(s, 7) };
	row_end(s);
}
