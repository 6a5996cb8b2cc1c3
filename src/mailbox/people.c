/* SPDX-License-Identifier: ISC
 *
 * people.c - see people.h. One message counts as much as it is recent: one of a month ago is worth
 * half of one of today.
 */
#include "mailbox/people.h"

#include "mailbox/fold.h"
#include "mailbox/query.h"

enum { PERSON_NAME_MAX = 200, PERSON_ADDRESS_MAX = 320, FORGET_MAX = 1000 };

static void name_person(struct index *index, int64_t number, const struct person *person)
{
	scoped(buf_free) struct buf name = BUF(FOLD_GROWS * PERSON_NAME_MAX);
	scoped(buf_free) struct buf address = BUF(FOLD_GROWS * PERSON_ADDRESS_MAX);

	fold_add(&name, person->name);
	fold_add(&address, person->address);
	INDEX_RUN(index, PERSON_WORDS_REMOVE, as_number(number));
	INDEX_RUN(index, PERSON_WORDS_ADD, as_number(number), as_text(buf_str(&name)),
		as_text(buf_str(&address)));
}

static int64_t person_number(struct index *index, const struct person *person)
{
	sqlite3_stmt *s = INDEX_ASK(index, PERSON, as_text(person->address));
	int64_t number = 0;
	bool named = false;

	if (row(&index->db, s)) {
		number = row_number(s, 0);
		named = row_text(s, 1).len > 0;
	}
	sqlite3_reset(s);
	if (!number) {
		INDEX_RUN(index, PERSON_ADD, as_text(person->address), as_text(person->name));
		number = sql_last_number(&index->db);
		name_person(index, number, person);
	} else if (!named && person->name.len) {
		INDEX_RUN(index, PERSON_NAME, as_number(number), as_text(person->name));
		name_person(index, number, person);
	}
	return number;
}

void people_add(struct index *index, int64_t message, const struct person *person)
{
	struct person p = { str_head(person->name, PERSON_NAME_MAX), person->address };

	if (!p.address.len || p.address.len > PERSON_ADDRESS_MAX ||
		str_find(p.address, '@') == p.address.len)
		return;
	if (!str_is_utf8(p.name))
		p.name = STR("");
	int64_t number = person_number(index, &p);
	INDEX_RUN(index, ADDRESSEE_ADD, as_number(message), as_number(number));
}

static void forget_person(struct index *index, int64_t number)
{
	INDEX_RUN(index, PERSONS_REMOVE, as_number(number));
	if (sql_changes(&index->db))
		INDEX_RUN(index, PERSON_WORDS_REMOVE, as_number(number));
}

void people_forget(struct index *index, int64_t message)
{
	int64_t persons[FORGET_MAX];
	size_t n = 0;
	sqlite3_stmt *s = INDEX_ASK(index, ADDRESSEES, as_number(message));

	while (n < FORGET_MAX && row(&index->db, s))
		persons[n++] = row_number(s, 0);
	sqlite3_reset(s);
	if (!n)
		return;
	INDEX_RUN(index, ADDRESSEES_REMOVE, as_number(message));
	for (size_t i = 0; i < n; i++)
		forget_person(index, persons[i]);
}

void people_find(struct index *index, const struct addresses_ask *ask, struct arena *arena,
	struct addresses_answer *answer)
{
	scoped(buf_free) struct buf match = BUF(QUERY_MATCH_MAX);
	uint64_t limit = ask->limit ? ask->limit : PEOPLE_DEFAULT;
	struct value now = as_number(clock_wall_ms());
	bool any = query_words(&match, ask->prefix);
	sqlite3_stmt *s;

	*answer = (struct addresses_answer){ .outcome = WEB_OK };
	if (limit > PEOPLE_MAX)
		limit = PEOPLE_MAX;
	if (!any && str_trim(ask->prefix).len)
		return;
	answer->people.at = arena_array(arena, limit, sizeof *answer->people.at);
	if (!answer->people.at)
		return;
	s = any ? INDEX_ASK(index, PEOPLE_OF, as_text(buf_str(&match)), now,
			  as_number((int64_t)limit))
		: INDEX_ASK(index, PEOPLE, now, as_number((int64_t)limit));
	while (answer->people.len < limit && row(&index->db, s))
		answer->people.at[answer->people.len++] =
			(struct person){ row_copy(s, 0, arena), row_copy(s, 1, arena) };
	sqlite3_reset(s);
	if (index->db.failure != SQLITE_OK)
		answer->outcome = WEB_FAILED;
}
