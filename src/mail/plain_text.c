/* SPDX-License-Identifier: ISC
 *
 * plain_text.c - cleaning and wrapping. Used wherever remote text meets a person's eyes.
 */
#include "mail/plain_text.h"

enum { COLUMNS = 72, UNBROKEN_MAX = 320 };

static const struct str ellipsis = { "\xe2\x80\xa6", 3 };
static const struct str replacement = { "\xef\xbf\xbd", 3 };

/* Length of the well-formed character at the front, 0 if there is none. */
static size_t character(struct str s)
{
	for (size_t n = 1; n <= 4 && n <= s.len; n++) {
		if (str_is_utf8(str_head(s, n)))
			return n;
	}
	return 0;
}

/* C0, DEL, C1; line and paragraph separators; marks and overrides of the writing direction. */
static bool is_control(struct str c)
{
	unsigned char b[3] = { 0 };

	for (size_t i = 0; i < c.len && i < 3; i++)
		b[i] = (unsigned char)c.at[i];
	if (c.len == 1)
		return b[0] < 0x20 || b[0] == 0x7f;
	if (c.len == 2)
		return (b[0] == 0xc2 && b[1] < 0xa0) || (b[0] == 0xd8 && b[1] == 0x9c);
	if (c.len != 3)
		return false;
	if (b[0] == 0xe2 && b[1] == 0x80)
		return b[2] == 0x8e || b[2] == 0x8f || (b[2] >= 0xa8 && b[2] <= 0xae);
	return (b[0] == 0xe2 && b[1] == 0x81 && b[2] >= 0xa6 && b[2] <= 0xa9) ||
	       (b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf);
}

bool plain_text_add(struct buf *to, struct str text, size_t max)
{
	size_t start = to->len, cut = to->len;

	while (text.len && !to->overflowed) {
		size_t n = character(text);
		struct str piece = n == 0 ? replacement : str_head(text, n);
		if (is_control(piece))
			piece = STR(" ");
		text = str_tail(text, n ? n : 1);
		if (to->len - start + piece.len > max) {
			to->len = cut;
			return buf_add(to, max < ellipsis.len ? STR("") : ellipsis);
		}
		buf_add(to, piece);
		if (to->len - start + ellipsis.len <= max)
			cut = to->len;
	}
	return !to->overflowed;
}

bool plain_text_add_ascii(struct buf *to, struct str text, size_t max)
{
	bool blank = false;

	for (size_t i = 0, added = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (c <= ' ' || c == 0x7f) {
			blank = added != 0;
			continue;
		}
		if (added + blank + 3 >= max)
			return buf_add(to, STR("..."));
		if (blank)
			buf_add_char(to, ' ');
		buf_add_char(to, c < 0x80 ? (char)c : '?');
		added += 1u + blank;
		blank = false;
	}
	return !to->overflowed;
}

size_t plain_text_columns(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += ((unsigned char)text.at[i] & 0xc0) != 0x80;
	return n;
}

/* The next word; one that never ends is broken, between characters. */
static struct str next_word(struct str *rest)
{
	while (rest->len && rest->at[0] == ' ')
		*rest = str_tail(*rest, 1);
	size_t n = str_find(*rest, ' ');
	struct str word = str_head_utf8(str_head(*rest, n), UNBROKEN_MAX);
	*rest = str_tail(*rest, word.len);
	return word;
}

bool plain_text_wrap(struct buf *to, struct str first, struct str text)
{
	size_t indent = plain_text_columns(first), column = indent;
	struct str word = next_word(&text);

	buf_add(to, first);
	for (bool begun = false; word.len; word = next_word(&text), begun = true) {
		size_t width = plain_text_columns(word);
		if (begun && column + 1 + width > COLUMNS) {
			buf_add(to, STR("\r\n"));
			for (column = 0; column < indent; column++)
				buf_add_char(to, ' ');
		} else if (begun) {
			buf_add_char(to, ' ');
			column++;
		}
		buf_add(to, word);
		column += width;
	}
	return buf_add(to, STR("\r\n"));
}
