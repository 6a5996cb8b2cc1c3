/* SPDX-License-Identifier: ISC
 *
 * turned_away.c - see turned_away.h (policy.md section 6). An attempt at an alias nobody has is
 * recorded for nobody (account 0), so that neither the answer nor its time tells the two apart.
 */
#include "store/turned_away.h"

#include "base/clock.h"
#include "store/account.h"
#include "store/choice.h"
#include "store/identity.h"
#include "store/letter.h"
#include "store/notice.h"

static bool within_bounds(struct store *store)
{
	struct turned_away *t = &store->turned_away;

	if (store->now - t->window >= TURNED_AWAY_WINDOW || store->now < t->window)
		*t = (struct turned_away){ .window = store->now };
	return t->n < TURNED_AWAY_MAX && ++t->n;
}

static bool told_lately(struct store *store, int64_t account)
{
	return row_only_number(&store->db, ASK(&store->db, NOTICE_SINCE, as_number(account),
						   as_number(NOTICE_REPORT_TURNED_AWAY),
						   as_number(store->now - TURNED_AWAY_LETTER)));
}

void turned_away_record(
	struct store *store, const struct identity *alias, const struct recipient_ask *ask)
{
	int64_t account = alias->kind == IDENTITY_ALIAS ? alias->account : 0;
	enum notice_kind kind = ask->sender.len ? NOTICE_TURNED_AWAY : NOTICE_REPORT_TURNED_AWAY;

	store->figures[FIGURE_TURNED_AWAY]++;
	if (!within_bounds(store))
		return;
	bool tell = kind == NOTICE_REPORT_TURNED_AWAY && account && !told_lately(store, account);
	notice_turned_away(store, account, kind, ask->sender, ask->peer, ask->helo);
	RUN(&store->db, TURNED_AWAY_DUE, as_number(account),
		as_number(store->now + TURNED_AWAY_GATHER), as_number(TURNED_AWAY_DAILY));
	if (tell)
		letter_turned_away(store, account, alias->canonical, ask->peer, ask->helo);
}

/* --- the daily letter --- */

enum { LETTERS_AT_ONCE = 20, LIST_ARENA = 1024 * 1024 };

struct due {
	int64_t account, since;
};

/* A notice grows for an hour after it was made (notice.c). */
static bool next_due(struct store *store, struct due *due)
{
	sqlite3_stmt *s = ASK(&store->db, TURNED_AWAY_NEXT, as_number(store->now));
	bool found = row(&store->db, s);

	if (found)
		*due = (struct due){ row_number(s, 0), row_number(s, 1) - HOUR };
	row_end(s);
	return found;
}

static size_t read_list(struct store *store, const struct due *due, struct arena *arena,
	struct dsn_turned_away list[TURNED_AWAY_LISTED])
{
	sqlite3_stmt *s = ASK(&store->db, TURNED_AWAY_NEW, as_number(due->account),
		as_number(due->since), as_number(TURNED_AWAY_LISTED));
	size_t n = 0;

	while (n < TURNED_AWAY_LISTED && row(&store->db, s))
		list[n++] = (struct dsn_turned_away){ .who = row_copy(s, 0, arena),
			.peer = row_copy(s, 1, arena),
			.helo = row_copy(s, 2, arena),
			.count = (uint64_t)row_number(s, 3),
			.first = row_number(s, 4) };
	row_end(s);
	return n;
}

static void write_letter(struct store *store, const struct due *due)
{
	scoped(arena_free) struct arena arena = ARENA(LIST_ARENA);
	struct dsn_turned_away list[TURNED_AWAY_LISTED];
	struct user user;

	if (!account_read(store, due->account, &arena, &user) ||
		!str_eq(preference_of(store, due->account, PREFERENCE_NOTICES, &arena), STR("on")))
		return;
	uint64_t count = (uint64_t)row_only_number(&store->db,
		ASK(&store->db, TURNED_AWAY_COUNT, as_number(due->account), as_number(due->since)));
	if (count)
		letter_mail_turned_away(store, due->account, user.alias, list,
			read_list(store, due, &arena, list), count);
}

void turned_away_tell(struct store *store)
{
	struct due due;

	for (int n = 0; n < LETTERS_AT_ONCE && next_due(store, &due); n++) {
		write_letter(store, &due);
		RUN(&store->db, TURNED_AWAY_TOLD, as_number(due.account), as_number(due.since));
		RUN(&store->db, TURNED_AWAY_DONE, as_number(due.account), as_number(store->now));
	}
}
