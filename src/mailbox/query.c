/* SPDX-License-Identifier: ISC
 *
 * query.c - see query.h. Whatever is typed becomes values that are bound, and one of them is an
 * expression of FTS5 in which every word is quoted: nothing in it can be read as its syntax. Side by
 * side they must all hold; with AND between them one that is no word (a dash) would never hold.
 */
#include "mailbox/query.h"

#include "call/message.h"
#include <string.h>

enum part { PART_COLUMN, PART_FLAG_SET, PART_FLAG_CLEAR, PART_ATTACHMENT, PART_BEFORE, PART_AFTER };

/* `value`: the whole of what follows, or NULL for anything. */
static const struct {
	const char *name, *value;
	enum part part;
	const char *column;
	uint64_t flag;
} parts[] = {
	{ "from:", NULL, PART_COLUMN, "sender", 0 },
	{ "to:", NULL, PART_COLUMN, "recipients", 0 },
	{ "subject:", NULL, PART_COLUMN, "subject", 0 },
	{ "filename:", NULL, PART_COLUMN, "files", 0 },
	{ "has:", "attachment", PART_ATTACHMENT, NULL, 0 },
	{ "is:", "unread", PART_FLAG_CLEAR, NULL, MESSAGE_SEEN },
	{ "is:", "read", PART_FLAG_SET, NULL, MESSAGE_SEEN },
	{ "is:", "starred", PART_FLAG_SET, NULL, MESSAGE_FLAGGED },
	{ "is:", "answered", PART_FLAG_SET, NULL, MESSAGE_ANSWERED },
	{ "before:", NULL, PART_BEFORE, NULL, 0 },
	{ "after:", NULL, PART_AFTER, NULL, 0 },
};

/* Does the tokenizer find anything in it? Beyond ASCII it is asked and not foretold. */
static bool has_words(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (ascii_is_alnum(text.at[i]) || (unsigned char)text.at[i] >= 0x80)
			return true;
	return false;
}

/* "word"* or "a phrase", in a column or any. */
static void add_words(struct buf *match, const char *column, struct str typed, bool phrase)
{
	scoped(buf_free) struct buf folded = BUF(QUERY_MATCH_MAX);
	struct str text;

	match->overflowed |= !fold_add(&folded, typed);
	text = buf_str(&folded);
	if (!has_words(text))
		return;
	if (match->len)
		buf_add_char(match, ' ');
	if (column)
		buf_printf(match, "%s : ", column);
	buf_add_char(match, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"')
			buf_add_char(match, '"');
		buf_add_char(match, text.at[i] ? text.at[i] : ' ');
	}
	buf_add(match, phrase ? STR("\"") : STR("\" *"));
}

/* Cut the next piece off: up to a blank, or in quotes. */
static struct str cut_value(struct str *rest, bool *quoted)
{
	size_t n = 0;

	*quoted = rest->len && rest->at[0] == '"';
	if (*quoted) {
		*rest = str_tail(*rest, 1);
		return str_cut(rest, '"');
	}
	while (n < rest->len && !strchr(" \t\r\n", rest->at[n]))
		n++;
	struct str value = str_head(*rest, n);
	*rest = str_tail(*rest, n);
	return value;
}

static bool two_digits(struct str text, size_t at, uint64_t least, uint64_t most, uint64_t *number)
{
	return str_to_u64(str_head(str_tail(text, at), 2), number) && *number >= least &&
	       *number <= most;
}

/* Midnight of YYYY-MM-DD in UTC; days counted from 1 March of year 0, so that leap days are last. */
static bool midnight(struct str text, int64_t *ms)
{
	uint64_t year, month, day;

	if (text.len != 10 || text.at[4] != '-' || text.at[7] != '-' ||
		!str_to_u64(str_head(text, 4), &year) || !two_digits(text, 5, 1, 12, &month) ||
		!two_digits(text, 8, 1, 31, &day))
		return false;
	uint64_t y = month < 3 ? year + 399 : year + 400, m = (month + 9) % 12;
	int64_t days = (int64_t)(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1);
	*ms = (days - 146097 - 719468) * 86400000;
	return true;
}

static bool apply(struct query *q, size_t part, struct str value, bool quoted, struct why *why)
{
	switch (parts[part].part) {
	case PART_COLUMN:
		add_words(&q->match, parts[part].column, value, quoted);
		return true;
	case PART_ATTACHMENT:
		q->attachments = 1;
		return true;
	case PART_FLAG_SET:
		q->mask |= parts[part].flag;
		q->flags |= parts[part].flag;
		return true;
	case PART_FLAG_CLEAR:
		q->mask |= parts[part].flag;
		q->flags &= ~parts[part].flag;
		return true;
	case PART_BEFORE:
		return midnight(value, &q->before) || why_not(why, "before:YYYY-MM-DD");
	case PART_AFTER:
		return midnight(value, &q->from) || why_not(why, "after:YYYY-MM-DD");
	}
	return true;
}

/* Which part of the table the front of *rest is; moves behind its name. count_of(parts): none. */
static size_t cut_part(struct str *rest)
{
	size_t i;

	for (i = 0; i < count_of(parts); i++) {
		struct str name = str_of(parts[i].name), value = str_tail(*rest, name.len);
		bool quoted;

		if (!str_starts_nocase(*rest, name))
			continue;
		struct str behind = value;
		if (parts[i].value &&
			!str_eq_nocase(cut_value(&behind, &quoted), str_of(parts[i].value)))
			continue;
		*rest = value;
		break;
	}
	return i;
}

bool query_parse(struct query *q, struct str typed, struct why *why)
{
	struct str rest = str_trim(typed);

	*q = (struct query){
		.match = BUF(QUERY_MATCH_MAX), .from = INT64_MIN, .before = INT64_MAX
	};
	if (typed.len > QUERY_MAX || !str_is_utf8(typed))
		return why_not(why, "that is too long to be searched for");
	for (; rest.len; rest = str_trim(rest)) {
		bool quoted;
		size_t part = cut_part(&rest);
		struct str value = cut_value(&rest, &quoted);

		if (++q->words > QUERY_WORDS_MAX)
			return why_not(why, "so many words can't be searched for");
		if (part == count_of(parts))
			add_words(&q->match, NULL, value, quoted);
		else if (!apply(q, part, value, quoted, why))
			return false;
	}
	return !q->match.overflowed || why_not(why, "that is too long to be searched for");
}

void query_free(struct query *q)
{
	buf_free(&q->match);
}

bool query_words(struct buf *match, struct str typed)
{
	struct str rest = str_trim(typed);
	bool quoted;

	if (typed.len > QUERY_MAX || !str_is_utf8(typed))
		return false;
	for (size_t n = 0; rest.len && n < QUERY_WORDS_MAX; n++, rest = str_trim(rest))
		add_words(match, NULL, cut_value(&rest, &quoted), false);
	return match->len > 0 && !match->overflowed;
}
