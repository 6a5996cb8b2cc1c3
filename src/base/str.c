/* SPDX-License-Identifier: ISC
 *
 * str.c - views of bytes. Every length here may come from a peer; no function reads past it.
 */
#include "base/str.h"

#include <string.h>

struct str str_of(const char *text)
{
	return (struct str){ text ? text : "", text ? strlen(text) : 0 };
}

char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool ascii_is_alpha(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

bool ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || ascii_is_alpha(c);
}

int ascii_hex_value(char c)
{
	c = ascii_lower(c);
	if (ascii_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	}
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return str_eq(str_head(s, prefix.len), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
	return str_eq_nocase(str_head(s, prefix.len), prefix);
}

bool str_ends_nocase(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq_nocase(str_tail(s, s.len - suffix.len), suffix);
}

int str_compare(struct str a, struct str b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.at, b.at, shorter) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

size_t str_find(struct str s, char c)
{
	const char *found = s.len ? memchr(s.at, c, s.len) : NULL;

	return found ? (size_t)(found - s.at) : s.len;
}

size_t str_find_last(struct str s, char c)
{
	const char *found = s.len ? memrchr(s.at, c, s.len) : NULL;

	return found ? (size_t)(found - s.at) : s.len;
}

size_t str_find_str(struct str s, struct str needle)
{
	if (needle.len == 0 || s.len == 0)
		return needle.len == 0 ? 0 : s.len;
	const char *found = memmem(s.at, s.len, needle.at, needle.len);
	return found ? (size_t)(found - s.at) : s.len;
}

struct str str_head(struct str s, size_t n)
{
	return (struct str){ s.at, n < s.len ? n : s.len };
}

struct str str_tail(struct str s, size_t n)
{
	size_t skip = n < s.len ? n : s.len;

	return (struct str){ s.at + skip, s.len - skip };
}

struct str str_head_utf8(struct str s, size_t n)
{
	/* What isn't UTF-8 may have no beginning of a character anywhere. */
	for (size_t i = n; i < s.len && i > 0 && i + 4 > n; i--)
		if (((unsigned char)s.at[i] & 0xc0) != 0x80)
			return str_head(s, i);
	return str_head(s, n);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.len && is_blank(s.at[0]))
		s = str_tail(s, 1);
	while (s.len && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

struct str str_cut(struct str *rest, char c)
{
	size_t at = str_find(*rest, c);
	struct str before = str_head(*rest, at);

	*rest = str_tail(*rest, at + (at < rest->len));
	return before;
}

bool str_to_u64(struct str s, uint64_t *number)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.at[i]) || __builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, (uint64_t)(s.at[i] - '0'), &n))
			return false;
	}
	*number = n;
	return true;
}

bool str_hex_to_u64(struct str s, uint64_t *number)
{
	static const struct str digits = { "0123456789abcdef", 16 };
	uint64_t n = 0;

	if (s.len == 0 || s.len > 16)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		size_t value = str_find(digits, s.at[i]);
		if (value == digits.len)
			return false;
		n = n << 4 | value;
	}
	*number = n;
	return true;
}

uint64_t str_hash_nocase(struct str s)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.len; i++) {
		hash ^= (unsigned char)ascii_lower(s.at[i]);
		hash *= 0x100000001b3u;
	}
	return hash;
}

bool str_has_8bit(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.at[i] >= 0x80)
			return true;
	}
	return false;
}

/* Length of the well-formed sequence at p, or 0 (Unicode 15, table 3-7). */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first, last, second_low, second_high;
		size_t length;
	} forms[] = {
		{ 0x00, 0x7f, 0x00, 0x00, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < count_of(forms); i++) {
		if (p[0] < forms[i].first || p[0] > forms[i].last)
			continue;
		if (left < forms[i].length)
			return 0;
		if (forms[i].length > 1 &&
			(p[1] < forms[i].second_low || p[1] > forms[i].second_high))
			return 0;
		for (size_t j = 2; j < forms[i].length; j++) {
			if (p[j] < 0x80 || p[j] > 0xbf)
				return 0;
		}
		return forms[i].length;
	}
	return 0;
}

bool str_is_utf8(struct str s)
{
	for (size_t i = 0; i < s.len;) {
		size_t step = utf8_sequence((const unsigned char *)s.at + i, s.len - i);
		if (step == 0)
			return false;
		i += step;
	}
	return true;
}
