/* SPDX-License-Identifier: ISC
 *
 * notice.c - the table of notices. Claimed senders and HELO names are a stranger's bytes and are
 * cut; whoever shows them escapes them.
 */
#include "store/notice.h"

#include "base/clock.h"
#include "store/session.h"

enum { FIELD_MAX = 255 };

static void add(struct store *store, int64_t account, enum notice_kind kind, int64_t id,
	struct str subject, struct str who, struct str peer, struct str helo, enum reason reason)
{
	RUN(&store->db, NOTICE_ADD, as_number(account), as_number(store->now), as_number(kind),
		as_number(id), as_text(str_head(subject, FIELD_MAX)),
		as_text(str_head(who, FIELD_MAX)), as_text(str_head(peer, FIELD_MAX)),
		as_text(str_head(helo, FIELD_MAX)), as_number(reason));
	change_note(store, account, CHANGE_NOTICES);
}

void notice_not_sent(struct store *store, int64_t account, int64_t id, struct str subject,
	const struct dsn_recipient *r)
{
	add(store, account, NOTICE_NOT_SENT, id, subject, r->address, r->host, STR(""), r->reason);
}

void notice_turned_away(struct store *store, int64_t account, enum notice_kind kind, struct str who,
	struct str peer, struct str helo)
{
	RUN(&store->db, NOTICE_COUNT, as_number(account), as_number(kind),
		as_number(store->now - HOUR), as_text(str_head(who, FIELD_MAX)),
		as_text(str_head(peer, FIELD_MAX)));
	if (sql_changes(&store->db) != 0)
		change_note(store, account, CHANGE_NOTICES);
	else
		add(store, account, kind, 0, STR(""), who, peer, helo, REASON_NONE);
}

static struct notice read_notice(sqlite3_stmt *s, struct arena *arena)
{
	int64_t id = row_number(s, 2);

	return (struct notice){ .time = (uint64_t)row_number(s, 0),
		.kind = (uint64_t)row_number(s, 1),
		.id = id ? queue_id_text(arena, id) : STR(""),
		.subject = row_copy(s, 3, arena),
		.who = row_copy(s, 4, arena),
		.peer = row_copy(s, 5, arena),
		.reason = (uint64_t)row_number(s, 6),
		.count = (uint64_t)row_number(s, 7) };
}

void notice_list(
	struct store *store, int64_t account, struct arena *arena, struct notices_answer *answer)
{
	sqlite3_stmt *s = ASK(&store->db, NOTICES, as_number(account), as_number(NOTICES_LISTED));

	answer->notices.at = arena_array(arena, NOTICES_LISTED, sizeof *answer->notices.at);
	if (!answer->notices.at)
		return;
	while (answer->notices.len < NOTICES_LISTED && row(&store->db, s))
		answer->notices.at[answer->notices.len++] = read_notice(s, arena);
	row_end(s);
}

void notice_list_own(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct notices_answer *answer)
{
	struct session_account who;

	*answer = (struct notices_answer){ .outcome = WEB_NO_SESSION };
	if (!session_account(store, ask->token, arena, &who))
		return;
	answer->outcome = WEB_OK;
	notice_list(store, who.account, arena, answer);
}
