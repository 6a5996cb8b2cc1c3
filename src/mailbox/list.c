/* SPDX-License-Identifier: ISC
 *
 * list.c - see list.h. Three ways to a page: a folder as it lies there, by an index of its messages
 * in order; a search, which first gathers all it finds (found.h); a conversation. `after` is the last row of
 * the page before, TIME-NUMBER: rows that came or went meanwhile move nothing.
 */
#include "mailbox/list.h"

#include "mailbox/folder_name.h"
#include "mailbox/found.h"
#include "mailbox/query.h"
#include "mailbox/scan.h"

enum { ROUNDS = 4, LISTED_MAX = 10 };

/* A question made ready. */
struct wanted {
	const struct messages_ask *ask;
	struct query query;
	bool searches;
	int64_t folder; /* its number; 0: it isn't there, or all */
	int64_t conversation, time, number;
	int64_t limit;
};

struct str list_conversation(int64_t conversation, struct arena *arena)
{
	return arena_printf(arena, "%016llx", (unsigned long long)conversation);
}

static bool refuse(struct messages_answer *answer, struct arena *arena, const struct why *why)
{
	*answer = (struct messages_answer){ .outcome = WEB_INVALID,
		.text = arena_str(arena, str_of(why->text)) };
	return false;
}

static bool read_after(struct wanted *w)
{
	struct str rest = w->ask->after;
	uint64_t time, number;

	if (!rest.len)
		return true;
	if (!str_hex_to_u64(str_cut(&rest, '-'), &time) || !str_hex_to_u64(rest, &number) ||
		number > INT64_MAX)
		return false;
	w->time = (int64_t)time;
	w->number = (int64_t)number;
	return true;
}

static bool make_ready(struct wanted *w, const struct messages_ask *ask, struct why *why)
{
	uint64_t conversation = 0;

	*w = (struct wanted){ .ask = ask, .time = INT64_MAX, .number = INT64_MAX };
	if (ask->conversation.len)
		w->time = w->number = INT64_MIN;
	w->limit = ask->limit == 0	   ? LIST_DEFAULT
		   : ask->limit > LIST_MAX ? LIST_MAX
					   : (int64_t)ask->limit;
	w->searches = str_trim(ask->query).len || (ask->everywhere && !ask->conversation.len);
	if (!query_parse(&w->query, ask->query, why))
		return false;
	if (!read_after(w))
		return why_not(why, "no page begins there");
	if (ask->conversation.len && !str_hex_to_u64(ask->conversation, &conversation))
		return why_not(why, "no conversation has that name");
	w->conversation = (int64_t)conversation;
	return true;
}

/* --- rows --- */

static void take_people(struct message_summary *m, struct str lines, struct arena *arena)
{
	m->to.at = arena_array(arena, LISTED_MAX, sizeof *m->to.at);
	while (m->to.at && lines.len && m->to.len < LISTED_MAX) {
		struct str name = str_cut(&lines, '\n');

		m->to.at[m->to.len++] = (struct person){ name, str_cut(&lines, '\n') };
	}
}

static void take_row(sqlite3_stmt *s, struct arena *arena, struct message_summary *m)
{
	*m = (struct message_summary){
		.id = row_copy(s, 1, arena),
		.folder = row_copy(s, 2, arena),
		.flags = (uint64_t)row_number(s, 3),
		.time = (uint64_t)row_number(s, 4),
		.size = (uint64_t)row_number(s, 5),
		.from_name = row_copy(s, 6, arena),
		.from_address = row_copy(s, 7, arena),
		.subject = row_copy(s, 9, arena),
		.preview = row_copy(s, 10, arena),
		.attachments = (uint64_t)row_number(s, 11),
		.conversation = list_conversation(row_number(s, 12), arena),
		.queue_id = row_copy(s, 13, arena),
		.sent = row_copy(s, 14, arena),
		.draft = row_copy(s, 15, arena),
	};
	take_people(m, row_copy(s, 8, arena), arena);
}

/* The messages of a page that aren't read yet. */
struct unread {
	int64_t numbers[DIGEST_BATCH];
	size_t n;
};

/* What is asked of a row's conversation when the statement is done with. */
struct place {
	int64_t conversation, folder;
};

/* A page that is being made, the account's lock held. */
struct page {
	struct index *index;
	struct wanted *wanted;
	struct arena *arena;
	struct messages_answer *answer;
	struct place *places;
	struct unread *unread;
	int64_t time, number; /* of its last row */
};

/* False: the page was full, and there is more behind it. */
static bool add_row(struct page *p, sqlite3_stmt *s)
{
	size_t n = p->answer->messages.len;

	if ((int64_t)n == p->wanted->limit) {
		p->answer->next = arena_printf(p->arena, "%llx-%llx", (unsigned long long)p->time,
			(unsigned long long)p->number);
		return false;
	}
	p->time = row_number(s, 4);
	p->number = row_number(s, 0);
	if (row_number(s, 16) == DIGEST_DUE && p->unread->n < DIGEST_BATCH)
		p->unread->numbers[p->unread->n++] = p->number;
	p->places[n] = (struct place){ row_number(s, 12), row_number(s, 17) };
	take_row(s, p->arena, &p->answer->messages.at[n]);
	p->answer->messages.len++;
	return true;
}

static void add_rows(struct page *p, sqlite3_stmt *s)
{
	while (row(&p->index->db, s) && add_row(p, s))
		;
	sqlite3_reset(s);
}

static void count_conversations(struct page *p)
{
	for (size_t i = 0; i < p->answer->messages.len; i++) {
		struct message_summary *m = &p->answer->messages.at[i];
		sqlite3_stmt *s = INDEX_ASK(p->index, CONVERSATION_COUNT,
			as_number(p->places[i].folder), as_number(p->places[i].conversation));

		if (row(&p->index->db, s)) {
			m->count = (uint64_t)row_number(s, 0);
			m->unseen = (uint64_t)row_number(s, 1);
		}
		sqlite3_reset(s);
	}
}

static void count(struct page *p, sqlite3_stmt *s)
{
	if (row(&p->index->db, s)) {
		p->answer->total = (uint64_t)row_number(s, 0);
		p->answer->unseen = (uint64_t)row_number(s, 1);
	}
	sqlite3_reset(s);
}

/* --- the three ways --- */

static void list_one_conversation(struct page *p)
{
	const struct wanted *w = p->wanted;

	count(p, INDEX_ASK(p->index, CONVERSATION_COUNT, as_number(w->folder),
			 as_number(w->conversation)));
	add_rows(p, INDEX_ASK(p->index, LIST_CONVERSATION, as_number(w->folder),
			    as_number(w->conversation), as_number(w->time), as_number(w->number),
			    as_number(w->limit + 1)));
}

static void list_folder(struct page *p)
{
	const struct wanted *w = p->wanted;
	bool collapse = w->ask->collapse;
	enum index_statement counts = collapse ? INDEX_LIST_COUNT_CONVERSATIONS : INDEX_LIST_COUNT;
	enum index_statement rows = collapse ? INDEX_LIST_CONVERSATIONS : INDEX_LIST;
	const struct value values[] = { as_number(w->folder), as_number(w->time),
		as_number(w->number), as_number(w->limit + 1) };

	count(p, sql_ask(&p->index->db, counts, values, 1));
	add_rows(p, sql_ask(&p->index->db, rows, values, count_of(values)));
}

static void find(struct page *p, struct found *found)
{
	const struct wanted *w = p->wanted;
	const struct query *q = &w->query;
	const struct value values[] = { as_number(w->folder),
		as_number((int64_t)w->ask->everywhere), as_number(q->from), as_number(q->before),
		as_number((int64_t)q->mask), as_number((int64_t)q->flags),
		as_number((int64_t)q->attachments), as_text(buf_str(&q->match)) };
	sqlite3_stmt *s = q->match.len ? sql_ask(&p->index->db, INDEX_FIND_WORDS, values, 8)
				       : sql_ask(&p->index->db, INDEX_FIND, values, 7);

	while (row(&p->index->db, s) &&
		found_add(found, (struct found_message){ row_number(s, 0), row_number(s, 1),
					 row_number(s, 2), !(row_number(s, 3) & MESSAGE_SEEN) }))
		;
	sqlite3_reset(s);
	/* Nothing that is typed should get here; if it does, the index isn't to blame. */
	if ((p->index->db.failure & 0xff) == SQLITE_ERROR)
		p->index->db.failure = SQLITE_OK;
}

static bool is_behind(const struct found_message *m, const struct wanted *w)
{
	return m->time < w->time || (m->time == w->time && m->number < w->number);
}

static void list_found(struct page *p)
{
	struct found found = { 0 };
	bool more = true;

	find(p, &found);
	found_arrange(&found, p->wanted->ask->collapse);
	p->answer->total = found.n;
	p->answer->unseen = found.unseen;
	for (size_t i = 0; i < found.n && more; i++) {
		if (!is_behind(&found.at[i], p->wanted))
			continue;
		sqlite3_stmt *s =
			INDEX_ASK(p->index, SUMMARY_OF_NUMBER, as_number(found.at[i].number));
		more = row(&p->index->db, s) && add_row(p, s);
		sqlite3_reset(s);
	}
	found_free(&found);
}

/* False: the index failed. */
static bool list_once(struct page *p)
{
	struct wanted *w = p->wanted;

	*p->answer = (struct messages_answer){ .outcome = WEB_OK };
	p->unread->n = 0;
	p->places = arena_array(p->arena, (size_t)w->limit, sizeof *p->places);
	p->answer->messages.at =
		arena_array(p->arena, (size_t)w->limit, sizeof *p->answer->messages.at);
	if (!p->places || !p->answer->messages.at) {
		p->answer->outcome = WEB_FAILED;
		return true;
	}
	w->folder = row_only_number(
		&p->index->db, INDEX_ASK(p->index, FOLDER_OF_NAME, as_text(w->ask->folder)));
	if (!w->folder && !w->ask->everywhere && !w->ask->conversation.len)
		p->answer->outcome = WEB_NOT_FOUND;
	if (w->ask->conversation.len)
		list_one_conversation(p);
	else if (w->searches)
		list_found(p);
	else
		list_folder(p);
	count_conversations(p);
	return p->index->db.failure == SQLITE_OK;
}

static void list_locked(struct account *account, struct wanted *w, struct arena *arena,
	struct messages_answer *answer, struct unread *unread)
{
	struct page page = { .index = account->index,
		.wanted = w,
		.arena = arena,
		.answer = answer,
		.unread = unread };

	pthread_mutex_lock(&account->lock);
	index_ready(account->index);
	for (int i = 0; i < 2; i++) {
		if (list_once(&page))
			break;
		*answer = (struct messages_answer){ .outcome = WEB_FAILED };
		index_recover(account->index);
		scan(account);
	}
	pthread_mutex_unlock(&account->lock);
}

static void look_at_folders(struct account *account)
{
	pthread_mutex_lock(&account->lock);
	scan(account);
	pthread_mutex_unlock(&account->lock);
}

/* A special folder that nobody needed yet is empty. */
static void forgive_special(const struct messages_ask *ask, struct messages_answer *answer)
{
	if (answer->outcome == WEB_NOT_FOUND && folder_name_kind(ask->folder) != FOLDER_OWN)
		*answer = (struct messages_answer){ .outcome = WEB_OK };
}

void list(struct digests *digests, struct account *account, const struct messages_ask *ask,
	struct arena *arena, struct messages_answer *answer)
{
	struct wanted w;
	struct unread unread = { .n = 0 };
	struct why why;

	if (!make_ready(&w, ask, &why)) {
		refuse(answer, arena, &why);
	} else {
		look_at_folders(account);
		digests_read(digests, account,
			deadline_in(w.query.match.len ? LIST_SEARCH_WAIT : LIST_WAIT));
		/* Reading a message may show that its row belongs to another conversation's. */
		for (int i = 0; i < ROUNDS; i++) {
			list_locked(account, &w, arena, answer, &unread);
			if (!unread.n)
				break;
			digests_read_some(digests, account, unread.numbers, unread.n);
		}
		forgive_special(ask, answer);
	}
	query_free(&w.query);
}
