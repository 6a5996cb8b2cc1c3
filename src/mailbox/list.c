/* SPDX-License-Identifier: ISC
 *
 * list.c - see list.h. Three ways to a page: a folder as it lies there, by an index of its messages
 * in order; a search, which first gathers all it finds; a conversation. `after` is the last row of
 * the page before, TIME-NUMBER: rows that came or went meanwhile move nothing.
 */
#include "mailbox/list.h"

#include "mailbox/folder_name.h"
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
		.id = index_column_copy(s, 1, arena),
		.folder = index_column_copy(s, 2, arena),
		.flags = (uint64_t)index_column(s, 3),
		.time = (uint64_t)index_column(s, 4),
		.size = (uint64_t)index_column(s, 5),
		.from_name = index_column_copy(s, 6, arena),
		.from_address = index_column_copy(s, 7, arena),
		.subject = index_column_copy(s, 9, arena),
		.preview = index_column_copy(s, 10, arena),
		.attachments = (uint64_t)index_column(s, 11),
		.conversation = list_conversation(index_column(s, 12), arena),
		.queue_id = index_column_copy(s, 13, arena),
		.sent = index_column_copy(s, 14, arena),
		.draft = index_column_copy(s, 15, arena),
	};
	take_people(m, index_column_copy(s, 8, arena), arena);
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

static void take_rows(struct index *index, sqlite3_stmt *s, const struct wanted *w,
	struct arena *arena, struct messages_answer *answer, struct place *places,
	struct unread *unread)
{
	int64_t time = 0, number = 0;

	while ((int64_t)answer->messages.len < w->limit && index_row(index, s)) {
		time = index_column(s, 4);
		number = index_column(s, 0);
		if (index_column(s, 16) == DIGEST_DUE && unread->n < DIGEST_BATCH)
			unread->numbers[unread->n++] = number;
		places[answer->messages.len] =
			(struct place){ index_column(s, 12), index_column(s, 17) };
		take_row(s, arena, &answer->messages.at[answer->messages.len++]);
	}
	if ((int64_t)answer->messages.len == w->limit && index_row(index, s))
		answer->next = arena_printf(
			arena, "%llx-%llx", (unsigned long long)time, (unsigned long long)number);
	sqlite3_reset(s);
}

static void count_conversations(
	struct index *index, struct messages_answer *answer, const struct place *places)
{
	for (size_t i = 0; i < answer->messages.len; i++) {
		struct message_summary *m = &answer->messages.at[i];
		sqlite3_stmt *s = INDEX_ASK(index, CONVERSATION_COUNT,
			index_number(places[i].folder), index_number(places[i].conversation));

		if (index_row(index, s)) {
			m->count = (uint64_t)index_column(s, 0);
			m->unseen = (uint64_t)index_column(s, 1);
		}
		sqlite3_reset(s);
	}
}

static void count(struct index *index, sqlite3_stmt *s, struct messages_answer *answer)
{
	if (index_row(index, s)) {
		answer->total = (uint64_t)index_column(s, 0);
		answer->unseen = (uint64_t)index_column(s, 1);
	}
	sqlite3_reset(s);
}

/* --- the three ways --- */

static sqlite3_stmt *list_conversation_rows(
	struct index *index, const struct wanted *w, struct messages_answer *answer)
{
	count(index,
		INDEX_ASK(index, CONVERSATION_COUNT, index_number(w->folder),
			index_number(w->conversation)),
		answer);
	return INDEX_ASK(index, LIST_CONVERSATION, index_number(w->folder),
		index_number(w->conversation), index_number(w->time), index_number(w->number),
		index_number(w->limit + 1));
}

static sqlite3_stmt *list_folder_rows(
	struct index *index, const struct wanted *w, struct messages_answer *answer)
{
	bool collapse = w->ask->collapse;
	enum index_statement counts = collapse ? INDEX_LIST_COUNT_CONVERSATIONS : INDEX_LIST_COUNT;
	const struct index_value values[] = { index_number(w->folder), index_number(w->time),
		index_number(w->number), index_number(w->limit + 1) };

	count(index, index_ask(index, counts, values, 1), answer);
	return index_ask(
		index, collapse ? INDEX_LIST_CONVERSATIONS : INDEX_LIST, values, count_of(values));
}

static void find(struct index *index, const struct wanted *w)
{
	const struct query *q = &w->query;
	const struct index_value values[] = { index_number(w->folder),
		index_number((int64_t)w->ask->everywhere), index_number(q->from),
		index_number(q->before), index_number((int64_t)q->mask),
		index_number((int64_t)q->flags), index_number((int64_t)q->attachments),
		index_text(buf_str(&q->match)) };

	INDEX_RUN_PLAIN(index, FOUND_CLEAR);
	if (q->match.len)
		index_run(index, index_ask(index, INDEX_FIND_WORDS, values, 8));
	else
		index_run(index, index_ask(index, INDEX_FIND, values, 7));
	/* Nothing that is typed should get here; if it does, the index isn't to blame. */
	if ((index->failure & 0xff) == SQLITE_ERROR)
		index->failure = SQLITE_OK;
}

static sqlite3_stmt *list_found_rows(
	struct index *index, const struct wanted *w, struct messages_answer *answer)
{
	bool collapse = w->ask->collapse;
	const struct index_value values[] = { index_number(w->time), index_number(w->number),
		index_number(w->limit + 1) };

	find(index, w);
	count(index,
		collapse ? INDEX_ASK_PLAIN(index, FOUND_COUNT_CONVERSATIONS)
			 : INDEX_ASK_PLAIN(index, FOUND_COUNT),
		answer);
	return index_ask(index, collapse ? INDEX_FOUND_CONVERSATIONS : INDEX_FOUND, values,
		count_of(values));
}

/* With the account's lock held. False: the index failed. */
static bool list_once(struct index *index, struct wanted *w, struct arena *arena,
	struct messages_answer *answer, struct unread *unread)
{
	struct place *places = arena_array(arena, (size_t)w->limit, sizeof *places);
	sqlite3_stmt *s;

	*answer = (struct messages_answer){ .outcome = WEB_OK };
	unread->n = 0;
	answer->messages.at = arena_array(arena, (size_t)w->limit, sizeof *answer->messages.at);
	if (!places || !answer->messages.at) {
		answer->outcome = WEB_FAILED;
		return true;
	}
	w->folder = index_only_number(
		index, INDEX_ASK(index, FOLDER_OF_NAME, index_text(w->ask->folder)));
	if (!w->folder && !w->ask->everywhere && !w->conversation)
		answer->outcome = WEB_NOT_FOUND;
	if (w->ask->conversation.len)
		s = list_conversation_rows(index, w, answer);
	else if (w->searches)
		s = list_found_rows(index, w, answer);
	else
		s = list_folder_rows(index, w, answer);
	take_rows(index, s, w, arena, answer, places, unread);
	count_conversations(index, answer, places);
	INDEX_RUN_PLAIN(index, FOUND_CLEAR);
	return index->failure == SQLITE_OK;
}

static void list_locked(struct account *account, struct wanted *w, struct arena *arena,
	struct messages_answer *answer, struct unread *unread)
{
	pthread_mutex_lock(&account->lock);
	index_ready(account->index);
	for (int i = 0; i < 2; i++) {
		if (list_once(account->index, w, arena, answer, unread))
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
