/* SPDX-License-Identifier: ISC
 *
 * fuzz_query.c - whatever is typed into the search field is a question that FTS5 understands, in
 * which all words are quoted; and a text that says just what was typed is found by it, if there are words in that. The first
 * byte chooses whether it is searched for in messages or among the people one wrote to.
 *
 * `make fuzz-proof` builds it with PLANTED_BUG: a buffer that a long question for messages with
 * attachments runs over. The fuzzer has to find that.
 */
#include "mailbox/query.h"

#include "base/log.h"
#include "base/must.h"
#include "mailbox/fold.h"
#include "mailbox/index.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { NUMBER = 1 };

static struct index *the_index;

/* An index with one message, which was read. It lies in a folder of its own, which is removed. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct folder_path path = { ".", "." };
	char folder[] = "/tmp/siegel-fuzz-XXXXXX";
	struct value nothing = as_text(STR("")), one = as_number(1);

	(void)argc, (void)argv;
	log_open("fuzz", LOG_ALARM);
	the_index = index_new(-1, &path);
	free(the_index->path);
	the_index->path = strdup("siegel-index");
	int back = open(".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	must(back >= 0 && mkdtemp(folder) && chdir(folder) == 0);
	index_ready(the_index);
	must(!the_index->in_memory);
	INDEX_RUN(the_index, FOLDER_ADD, nothing);
	INDEX_RUN(the_index, MESSAGE_ADD, nothing, nothing, one, one, one, as_number(0), one, one,
		one, nothing, nothing, nothing);
	INDEX_RUN(the_index, PERSON_ADD, as_text(STR("a@b")), nothing);
	INDEX_RUN(the_index, ADDRESSEE_ADD, one, one);
	must(the_index->db.failure == SQLITE_OK);
	must(unlink("siegel-index") == 0 && unlink("siegel-index-wal") == 0);
	must(fchdir(back) == 0 && rmdir(folder) == 0 && close(back) == 0);
	return 0;
}

/* Behind the quoted pieces nothing is left but what joins them. */
static void check_quoted(struct str match)
{
	static const char *const between[] = { "", " ", " * ", " *",
		"sender : ", "recipients : ", "subject : ", "files : " };

	while (match.len) {
		struct str outside = str_cut(&match, '"');
		bool known = false;

		for (size_t i = 0; i < count_of(between); i++) {
			struct str rest = outside;

			if (str_starts(rest, str_of(between[i])))
				rest = str_tail(rest, strlen(between[i]));
			for (size_t j = 4; j < count_of(between); j++)
				known |= str_eq(rest, str_of(between[j]));
			known |= rest.len == 0;
		}
		must(known);
		str_cut(&match, '"');
	}
}

/* Is there a word in it, whatever the tokenizer makes of what isn't ASCII? */
static bool has_word(struct str match)
{
	while (match.len) {
		str_cut(&match, '"');
		struct str quoted = str_cut(&match, '"');
		for (size_t i = 0; i < quoted.len; i++)
			if (ascii_is_alnum(quoted.at[i]))
				return true;
	}
	return false;
}

static void put_words(struct str text)
{
	scoped(buf_free) struct buf folded = BUF(FOLD_GROWS * text.len + 1);
	must(fold_add(&folded, text));
	struct value words = as_text(buf_str(&folded)), number = as_number(NUMBER);

	INDEX_RUN(the_index, WORDS_ADD, number, words, words, words, words, words);
	INDEX_RUN(the_index, PERSON_WORDS_ADD, number, words, words);
}

static bool finds_message(struct str match)
{
	sqlite3_stmt *s = INDEX_ASK(the_index, FIND_WORDS, as_number(1), as_number(1),
		as_number(INT64_MIN), as_number(INT64_MAX), as_number(0), as_number(0),
		as_number(0), as_text(match));

	return row_only_number(&the_index->db, s) == NUMBER;
}

static bool finds_person(struct str match)
{
	sqlite3_stmt *s =
		INDEX_ASK(the_index, PEOPLE_OF, as_text(match), as_number(0), as_number(10));
	bool found = row(&the_index->db, s);

	sqlite3_reset(s);
	return found;
}

static void check_question(const struct query *q)
{
	must(!q->match.overflowed && q->match.len <= QUERY_MATCH_MAX);
	must((q->flags & ~q->mask) == 0 && q->words <= QUERY_WORDS_MAX);
	must(q->from == INT64_MIN || q->from % DAY == 0);
	must(q->before == INT64_MAX || q->before % DAY == 0);
	check_quoted(buf_str(&q->match));
#ifdef PLANTED_BUG
	if (q->attachments && q->match.len) {
		char small[24];
		memcpy(small, q->match.at, q->match.len);
		must(small[0] == q->match.at[0]);
	}
#endif
}

static void ask_for_messages(struct str typed)
{
	struct query query;
	struct why why;

	if (query_parse(&query, typed, &why)) {
		check_question(&query);
		if (query.match.len)
			must(finds_message(buf_str(&query.match)) ||
				!has_word(buf_str(&query.match)));
	}
	query_free(&query);
}

static void ask_for_people(struct str typed)
{
	scoped(buf_free) struct buf match = BUF(QUERY_MATCH_MAX);

	if (!query_words(&match, typed))
		return;
	check_quoted(buf_str(&match));
	must(finds_person(buf_str(&match)) || !has_word(buf_str(&match)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str typed = str_tail((struct str){ (const char *)data, size }, 1);

	index_begin(the_index);
	put_words(typed);
	if (size && (data[0] & 1))
		ask_for_people(typed);
	else
		ask_for_messages(typed);
	must(the_index->db.failure == SQLITE_OK);
	INDEX_RUN_PLAIN(the_index, ROLLBACK);
	return 0;
}
