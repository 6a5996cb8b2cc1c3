/* SPDX-License-Identifier: ISC
 *
 * html.c - a scanner of tags. Runs in the reader on hostile bytes. It looks at each byte once: a
 * comment, quote or element without an end goes on to the end of the text.
 */
#include "mailbox/html.h"

#include <string.h>

enum { NAME_MAX_LEN = 16, ENTITY_MAX = 10 };

/* What an element does to the text around it. */
enum effect { NONE, SPACE, LINE, PARAGRAPH, ITEM, SKIP };

static const struct element {
	const char *name;
	enum effect effect;
} elements[] = {
	{ "address", LINE },
	{ "article", PARAGRAPH },
	{ "blockquote", PARAGRAPH },
	{ "br", LINE },
	{ "center", LINE },
	{ "dd", LINE },
	{ "div", LINE },
	{ "dl", PARAGRAPH },
	{ "dt", LINE },
	{ "footer", PARAGRAPH },
	{ "h1", PARAGRAPH },
	{ "h2", PARAGRAPH },
	{ "h3", PARAGRAPH },
	{ "h4", PARAGRAPH },
	{ "h5", PARAGRAPH },
	{ "h6", PARAGRAPH },
	{ "header", PARAGRAPH },
	{ "hr", PARAGRAPH },
	{ "li", ITEM },
	{ "object", SKIP },
	{ "ol", PARAGRAPH },
	{ "p", PARAGRAPH },
	{ "pre", PARAGRAPH },
	{ "script", SKIP },
	{ "section", PARAGRAPH },
	{ "select", SKIP },
	{ "style", SKIP },
	{ "svg", SKIP },
	{ "table", PARAGRAPH },
	{ "td", SPACE },
	{ "template", SKIP },
	{ "th", SPACE },
	{ "title", SKIP },
	{ "tr", LINE },
	{ "ul", PARAGRAPH },
};

static const struct entity {
	const char *name, *text;
} entities[] = {
	{ "amp", "&" },
	{ "apos", "'" },
	{ "auml", "\xc3\xa4" },
	{ "Auml", "\xc3\x84" },
	{ "bdquo", "\xe2\x80\x9e" },
	{ "bull", "\xe2\x80\xa2" },
	{ "copy", "\xc2\xa9" },
	{ "eacute", "\xc3\xa9" },
	{ "egrave", "\xc3\xa8" },
	{ "euro", "\xe2\x82\xac" },
	{ "gt", ">" },
	{ "hellip", "\xe2\x80\xa6" },
	{ "laquo", "\xc2\xab" },
	{ "ldquo", "\xe2\x80\x9c" },
	{ "lsquo", "\xe2\x80\x98" },
	{ "lt", "<" },
	{ "mdash", "\xe2\x80\x94" },
	{ "middot", "\xc2\xb7" },
	{ "nbsp", " " },
	{ "ndash", "\xe2\x80\x93" },
	{ "ouml", "\xc3\xb6" },
	{ "Ouml", "\xc3\x96" },
	{ "quot", "\"" },
	{ "raquo", "\xc2\xbb" },
	{ "rdquo", "\xe2\x80\x9d" },
	{ "reg", "\xc2\xae" },
	{ "rsquo", "\xe2\x80\x99" },
	{ "shy", "" },
	{ "szlig", "\xc3\x9f" },
	{ "trade", "\xe2\x84\xa2" },
	{ "uuml", "\xc3\xbc" },
	{ "Uuml", "\xc3\x9c" },
	{ "zwnj", "" },
};

struct tag {
	struct str name;       /* empty for a comment and the like */
	struct str attributes; /* between the name and the '>' */
	bool closes;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Up to and with `end`, or all. */
static void skip_behind(struct str *rest, struct str end)
{
	size_t at = str_find_str(*rest, end);

	*rest = str_tail(*rest, at + end.len);
}

/* Length of the attributes: up to a '>' that isn't within quotes behind a '='. */
static size_t attributes_length(struct str s)
{
	char quote = 0, before = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (quote) {
			quote = c == quote ? 0 : quote;
			continue;
		}
		if (c == '>')
			return i;
		if ((c == '"' || c == '\'') && before == '=')
			quote = c;
		if (!is_blank(c))
			before = c;
	}
	return s.len;
}

/* A tag from the front of *rest, which begins with '<'; false where that is just a character. */
static bool take_tag(struct str *rest, struct tag *tag)
{
	struct str s = str_tail(*rest, 1);
	size_t n = 0;

	*tag = (struct tag){ 0 };
	if (s.len && (s.at[0] == '!' || s.at[0] == '?')) {
		bool comment = str_starts(s, STR("!--"));

		skip_behind(&s, comment ? STR("-->") : STR(">"));
		*rest = s;
		return true;
	}
	tag->closes = s.len && s.at[0] == '/';
	s = str_tail(s, tag->closes);
	if (!s.len || !ascii_is_alpha(s.at[0]))
		return false;
	while (n < s.len && !is_blank(s.at[n]) && s.at[n] != '>' && s.at[n] != '/')
		n++;
	tag->name = str_head(s, n);
	s = str_tail(s, n);
	n = attributes_length(s);
	tag->attributes = str_head(s, n);
	*rest = str_tail(s, n + 1);
	return true;
}

static enum effect effect_of(struct str name)
{
	if (name.len > NAME_MAX_LEN)
		return NONE;
	for (size_t i = 0; i < count_of(elements); i++) {
		if (str_eq_nocase(name, str_of(elements[i].name)))
			return elements[i].effect;
	}
	return NONE;
}

/* To behind the element's closing tag; without one to the end. */
static void skip_element(struct str *rest, struct str name)
{
	while (rest->len) {
		struct tag tag;

		*rest = str_tail(*rest, str_find(*rest, '<'));
		if (rest->len > 1 && rest->at[1] == '/' && take_tag(rest, &tag)) {
			if (str_eq_nocase(tag.name, name))
				return;
			continue;
		}
		*rest = str_tail(*rest, 1);
	}
}

/* Text as it grows: blanks and line ends are owed until something follows them. */
struct text {
	struct buf *to;
	unsigned lines;
	bool blank, begun;
};

static void add_text(struct text *t, struct str piece)
{
	if (!piece.len)
		return;
	for (; t->begun && t->lines; t->lines--)
		buf_add_char(t->to, '\n');
	if (t->blank && t->begun && t->to->len && t->to->at[t->to->len - 1] != '\n')
		buf_add_char(t->to, ' ');
	t->lines = 0;
	t->blank = false;
	t->begun = true;
	buf_add(t->to, piece);
}

static void owe_lines(struct text *t, unsigned lines)
{
	if (t->lines < lines)
		t->lines = lines;
	t->blank = false;
}

static void add_code_point(struct text *t, uint64_t c)
{
	char bytes[4];
	size_t n = 0;

	if (c < ' ' || c == 0x7f || (c >= 0x80 && c < 0xa0) || (c >= 0xd800 && c < 0xe000) ||
		c > 0x10ffff) {
		t->blank = true;
		return;
	}
	if (c < 0x80) {
		bytes[n++] = (char)c;
	} else {
		int shift = c < 0x800 ? 6 : c < 0x10000 ? 12 : 18;

		bytes[n++] = (char)((shift == 6 ? 0xc0 : shift == 12 ? 0xe0 : 0xf0) | c >> shift);
		for (shift -= 6; shift >= 0; shift -= 6)
			bytes[n++] = (char)(0x80 | (c >> shift & 0x3f));
	}
	add_text(t, (struct str){ bytes, n });
}

static bool numeric_entity(struct str digits, uint64_t *c)
{
	bool is_hex = digits.len && (digits.at[0] == 'x' || digits.at[0] == 'X');
	char lower[ENTITY_MAX];
	struct str number = { lower, 0 };

	digits = str_tail(digits, is_hex);
	for (; number.len < digits.len && number.len < sizeof lower; number.len++)
		lower[number.len] = ascii_lower(digits.at[number.len]);
	return is_hex ? str_hex_to_u64(number, c) : str_to_u64(number, c);
}

/* An entity from the front of *rest, which begins with '&'. */
static void take_entity(struct text *t, struct str *rest)
{
	struct str within = str_head(str_tail(*rest, 1), ENTITY_MAX);
	size_t n = str_find(within, ';');
	struct str name = str_head(within, n);
	uint64_t c;

	if (n < within.len && n > 1 && name.at[0] == '#' && numeric_entity(str_tail(name, 1), &c)) {
		add_code_point(t, c);
		*rest = str_tail(*rest, n + 2);
		return;
	}
	for (size_t i = 0; n < within.len && i < count_of(entities); i++) {
		if (str_eq(name, str_of(entities[i].name))) {
			if (str_eq(name, STR("nbsp")))
				t->blank = true;
			else
				add_text(t, str_of(entities[i].text));
			*rest = str_tail(*rest, n + 2);
			return;
		}
	}
	add_text(t, STR("&"));
	*rest = str_tail(*rest, 1);
}

static void take_effect(struct text *t, const struct tag *tag, struct str *rest)
{
	switch (effect_of(tag->name)) {
	case SKIP:
		if (!tag->closes)
			skip_element(rest, tag->name);
		break;
	case SPACE:
		t->blank = true;
		break;
	case LINE:
		owe_lines(
			t, t->lines && !tag->closes && str_eq_nocase(tag->name, STR("br")) ? 2 : 1);
		break;
	case PARAGRAPH:
		owe_lines(t, 2);
		break;
	case ITEM:
		owe_lines(t, 1);
		if (!tag->closes)
			add_text(t, STR("- "));
		break;
	case NONE:
		break;
	}
}

void html_to_text(struct buf *to, struct str html)
{
	struct text t = { .to = to };

	while (html.len && !to->overflowed) {
		struct tag tag;
		size_t n = 0;

		if (html.at[0] == '<' && take_tag(&html, &tag)) {
			take_effect(&t, &tag, &html);
			continue;
		}
		if (html.at[0] == '&') {
			take_entity(&t, &html);
			continue;
		}
		if (is_blank(html.at[0])) {
			t.blank = true;
			html = str_tail(html, 1);
			continue;
		}
		do
			n++;
		while (n < html.len && !is_blank(html.at[n]) && html.at[n] != '<' &&
			html.at[n] != '&');
		add_text(&t, str_head(html, n));
		html = str_tail(html, n);
	}
}

/* Index of the first of `needles` (in lower case), whatever case it has in s; s.len: none. */
static bool has_any(struct str s, const char *const *needles, size_t n)
{
	for (size_t i = 0; i < s.len; i++) {
		for (size_t j = 0; j < n; j++) {
			if (ascii_lower(s.at[i]) == needles[j][0] &&
				str_starts_nocase(str_tail(s, i), str_of(needles[j])))
				return true;
		}
	}
	return false;
}

bool html_is_remote(struct str html)
{
	static const char *const places[] = { "http:", "https:", "\"//", "'//", "=//", "(//",
		"ftp:" };

	while (html.len) {
		struct tag tag;
		struct str inside;

		html = str_tail(html, str_find(html, '<'));
		if (!html.len || !take_tag(&html, &tag)) {
			html = str_tail(html, 1);
			continue;
		}
		inside = tag.attributes;
		if (str_eq_nocase(tag.name, STR("a")) || str_eq_nocase(tag.name, STR("area")) ||
			str_eq_nocase(tag.name, STR("html")) ||
			str_eq_nocase(tag.name, STR("form")))
			continue;
		if (str_eq_nocase(tag.name, STR("style")) && !tag.closes) {
			const char *begin = html.at;

			skip_element(&html, tag.name);
			inside = (struct str){ begin, (size_t)(html.at - begin) };
		}
		if (has_any(inside, places, count_of(places)))
			return true;
	}
	return false;
}

bool html_has_colours(struct str html)
{
	static const char *const words[] = { "color", "background" };

	return has_any(html, words, count_of(words));
}

/* A reference's own characters: up to what ends it in an attribute or in a style. */
static size_t reference_length(struct str s)
{
	size_t n = 0;

	while (n < s.len && !is_blank(s.at[n]) && !strchr("\"'()<>&;,\\", s.at[n]))
		n++;
	return n;
}

static struct str percent_decode(struct str s, char *room, size_t room_len)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < room_len; i++) {
		int high = i + 2 < s.len ? ascii_hex_value(s.at[i + 1]) : -1;
		int low = i + 2 < s.len ? ascii_hex_value(s.at[i + 2]) : -1;

		if (s.at[i] == '%' && high >= 0 && low >= 0) {
			room[n++] = (char)(high * 16 + low);
			i += 2;
		} else {
			room[n++] = s.at[i];
		}
	}
	return (struct str){ room, n };
}

struct str html_next_cid(struct str *rest, char *room, size_t room_len, struct str *id)
{
	struct str all = *rest;

	*id = STR("");
	for (size_t i = 1; i + 4 < all.len; i++) {
		struct str behind = str_tail(all, i);
		size_t n;

		if (ascii_lower(all.at[i]) != 'c' || !str_starts_nocase(behind, STR("cid:")) ||
			ascii_is_alnum(all.at[i - 1]))
			continue;
		behind = str_tail(behind, 4);
		n = reference_length(behind);
		if (n == 0)
			continue;
		*id = percent_decode(str_head(behind, n), room, room_len);
		*rest = str_tail(behind, n);
		return str_head(all, i);
	}
	*rest = STR("");
	return all;
}

/* The name of an element stands right behind its '<', and nothing else makes one. */
static bool asks_for_names(struct str tag)
{
	static const char *const names[] = { "<link", "<meta", "<iframe", "<frame", "<object",
		"<embed" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (str_starts_nocase(tag, str_of(names[i])))
			return true;
	return false;
}

void html_unlink(struct buf *html)
{
	for (size_t at = 0; at < html->len; at++)
		if (html->at[at] == '<' &&
			asks_for_names((struct str){ html->at + at, html->len - at }))
			html->at[at + 1] = 'x';
}
