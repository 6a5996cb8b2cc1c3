/* SPDX-License-Identifier: ISC
 *
 * header_decode.c - encoded words (RFC 2047) for people's eyes: subjects in listings and letters.
 * Nothing is ever decided from the result. Character sets are the few that carry Western mail;
 * a word in another one is shown as it came. Control characters never come out.
 */
#include "mail/header.h"

#include "mail/command.h"
#include "mail/plain_text.h"

enum { WORD_MAX = 2048 };

enum charset {
	CHARSET_UTF8,
	CHARSET_LATIN1,
	CHARSET_LATIN9,
	CHARSET_WINDOWS_1252,
	CHARSET_UNKNOWN
};

static const struct {
	const char *name;
	enum charset charset;
} charsets[] = {
	{ "utf-8", CHARSET_UTF8 },
	{ "utf8", CHARSET_UTF8 },
	{ "us-ascii", CHARSET_UTF8 },
	{ "iso-8859-1", CHARSET_LATIN1 },
	{ "iso-8859-15", CHARSET_LATIN9 },
	{ "windows-1252", CHARSET_WINDOWS_1252 },
	{ "cp1252", CHARSET_WINDOWS_1252 },
};

static enum charset charset_of(struct str name)
{
	/* RFC 2231 5: a language may follow behind '*'. */
	name = str_head(name, str_find(name, '*'));
	for (size_t i = 0; i < count_of(charsets); i++) {
		if (str_eq_nocase(name, str_of(charsets[i].name)))
			return charsets[i].charset;
	}
	return CHARSET_UNKNOWN;
}

static void put_code_point(struct buf *to, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(to, (char)c);
	} else if (c < 0x800) {
		buf_add_char(to, (char)(0xc0 | c >> 6));
		buf_add_char(to, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_char(to, (char)(0xe0 | c >> 12));
		buf_add_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(to, (char)(0x80 | (c & 0x3f)));
	}
}

static uint32_t from_windows_1252(unsigned char c)
{
	static const uint16_t high[32] = { 0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020,
		0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd,
		0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161,
		0x203a, 0x0153, 0xfffd, 0x017e, 0x0178 };

	return c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c;
}

static uint32_t from_latin9(unsigned char c)
{
	static const struct {
		unsigned char byte;
		uint16_t code_point;
	} changes[] = { { 0xa4, 0x20ac }, { 0xa6, 0x0160 }, { 0xa8, 0x0161 }, { 0xb4, 0x017d },
		{ 0xb8, 0x017e }, { 0xbc, 0x0152 }, { 0xbd, 0x0153 }, { 0xbe, 0x0178 } };

	for (size_t i = 0; i < count_of(changes); i++) {
		if (changes[i].byte == c)
			return changes[i].code_point;
	}
	return c;
}

static void put_bytes(struct buf *to, struct str bytes, enum charset charset)
{
	if (charset == CHARSET_UTF8) {
		buf_add(to, bytes);
		return;
	}
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.at[i];
		put_code_point(to, charset == CHARSET_WINDOWS_1252 ? from_windows_1252(c)
				   : charset == CHARSET_LATIN9	   ? from_latin9(c)
								   : c);
	}
}

/* RFC 2047 4.2 */
static bool decode_q(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c == '_') {
			c = ' ';
		} else if (c == '=') {
			int high = i + 2 < text.len ? ascii_hex_value(text.at[i + 1]) : -1;
			int low = i + 2 < text.len ? ascii_hex_value(text.at[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		buf_add_char(to, c);
	}
	return !to->overflowed;
}

/* Decode "=?charset?encoding?text?=" from the front of *rest and move behind it. */
static bool take_encoded_word(struct str *rest, struct buf *to)
{
	scoped(buf_free) struct buf bytes = BUF(WORD_MAX);
	struct str s = *rest;

	if (!str_starts(s, STR("=?")))
		return false;
	s = str_tail(s, 2);
	struct str charset = str_cut(&s, '?'), encoding = str_cut(&s, '?');
	/* No further than a word may reach: many beginnings with no end would each look to the end. */
	struct str within = str_head(s, WORD_MAX + 2);
	size_t end = str_find_str(within, STR("?="));
	struct str text = str_head(within, end);
	if (end == within.len || charset_of(charset) == CHARSET_UNKNOWN ||
		str_find(text, ' ') < text.len || str_find(text, '?') < text.len)
		return false;
	bool decoded = str_eq_nocase(encoding, STR("B"))   ? base64_decode(&bytes, text)
		       : str_eq_nocase(encoding, STR("Q")) ? decode_q(&bytes, text)
							   : false;
	if (!decoded)
		return false;
	put_bytes(to, buf_str(&bytes), charset_of(charset));
	*rest = str_tail(s, end + 2);
	return true;
}

static size_t blanks(struct str s)
{
	size_t n = 0;

	while (n < s.len && (s.at[n] == ' ' || s.at[n] == '\t'))
		n++;
	return n;
}

/* Everything decoded; blanks between two encoded words are not part of the text (RFC 2047 6.2). */
static void decode_all(struct buf *to, struct str rest)
{
	bool after_word = false;

	while (rest.len) {
		size_t gap = blanks(rest);
		struct str behind = str_tail(rest, gap);
		if (gap && after_word && take_encoded_word(&behind, to)) {
			rest = behind;
			continue;
		}
		if (!gap && take_encoded_word(&rest, to)) {
			after_word = true;
			continue;
		}
		after_word = false;
		buf_add_char(to, rest.at[0]);
		rest = str_tail(rest, 1);
	}
}

struct str header_decode(struct str value, struct arena *arena, size_t max)
{
	scoped(buf_free) struct buf unfolded = BUF(HEADER_SECTION_MAX);
	scoped(buf_free) struct buf decoded = BUF(3 * HEADER_SECTION_MAX);
	scoped(buf_free) struct buf cleaned = BUF(max);

	/* Beyond this nobody would read it anyway. */
	value = str_trim(str_head(value, HEADER_SECTION_MAX));
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] != '\r' && value.at[i] != '\n')
			buf_add_char(&unfolded, value.at[i]);
	}
	decode_all(&decoded, buf_str(&unfolded));
	plain_text_add(&cleaned, str_trim(buf_str(&decoded)), max);
	struct str text = arena_str(arena, buf_str(&cleaned));
	return text.at ? text : STR("");
}
