/* SPDX-License-Identifier: ISC
 *
 * turned_away.c - see turned_away.h (policy.md section 6). An attempt at an alias nobody has is
 * recorded for nobody (account 0), so that neither the answer nor its time tells the two apart.
 */
#include "store/turned_away.h"

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
	if (tell)
		letter_turned_away(store, account, alias->canonical, ask->peer, ask->helo);
}
