/* SPDX-License-Identifier: ISC
 *
 * fold.c - see fold.h. The text is anybody's, valid UTF-8 and at most as long as its buffer. The full fold of
 * case makes "ss" of "ß" and "ẞ"; the compatibility composition makes one of full width and ordinary letters,
 * of ligatures and what they stand for, of a letter with its accent and the letter that has it.
 * Turkish dotless i counts as i: whoever has no such key finds it all the same.
 */
#include "mailbox/fold.h"

#include <glib.h>

/* What Unicode's fold leaves, in two bytes of UTF-8. */
static const struct {
	char from[3];
	const char *to;
} also[] = {
	{ "\xc4\xb1", "i" }, /* dotless i */
	{ "\xc2\xad", "" },  /* a soft hyphen divides no word */
};

static size_t find_also(struct str at)
{
	size_t i = 0;

	while (i < count_of(also) && !str_starts(at, str_of(also[i].from)))
		i++;
	return i;
}

static void add_rest(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		size_t n = find_also(str_tail(text, i));

		if (n == count_of(also)) {
			buf_add_char(to, text.at[i]);
			continue;
		}
		buf_add(to, str_of(also[n].to));
		i++;
	}
}

/* Without what no script has: more marks on a letter. To put marks in order takes the square of their number. */
static void add_sane(struct buf *to, struct str text)
{
	unsigned marks = 0;

	for (size_t i = 0, n; i < text.len; i += n) {
		const char *at = text.at + i;

		n = (size_t)(g_utf8_next_char(at) - at);
		marks = g_unichar_ismark(g_utf8_get_char(at)) ? marks + 1 : 0;
		if (marks <= FOLD_MARKS_MAX)
			buf_add(to, (struct str){ at, n });
	}
}

/* Text without NUL, at which the library would stop. */
static void add_folded(struct buf *to, struct str text)
{
	scoped(buf_free) struct buf sane = BUF(text.len);
	char *composed = NULL;

	add_sane(&sane, text);
	composed =
		g_utf8_normalize(sane.at ? sane.at : "", (gssize)sane.len, G_NORMALIZE_ALL_COMPOSE);
	char *folded = composed ? g_utf8_casefold(composed, -1) : NULL;
	/* A fold may leave a letter and its accent apart, as that of "İ" does. */
	char *again = folded ? g_utf8_normalize(folded, -1, G_NORMALIZE_ALL_COMPOSE) : NULL;

	if (again)
		add_rest(to, str_of(again));
	else
		buf_add(to, text);
	g_free(again);
	g_free(folded);
	g_free(composed);
}

bool fold_add(struct buf *to, struct str text)
{
	/* The tokenizer folds ASCII. */
	if (!str_has_8bit(text) || !str_is_utf8(text))
		return buf_add(to, text);
	while (text.len) {
		add_folded(to, str_cut(&text, '\0'));
		if (text.len)
			buf_add_char(to, ' ');
	}
	return !to->overflowed;
}
