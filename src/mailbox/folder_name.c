/* SPDX-License-Identifier: ISC
 *
 * folder_name.c - see folder_name.h. Names come from people and from whatever lies in the Maildir.
 */
#include "mailbox/folder_name.h"

#include <string.h>

enum { NAME_BYTES_MAX = 255 };

static const struct {
	enum folder_kind kind;
	const char *directory;
} special[] = {
	{ FOLDER_INBOX, "" },
	{ FOLDER_DRAFTS, ".Drafts" },
	{ FOLDER_SENT, ".Sent" },
	{ FOLDER_ARCHIVE, ".Archive" },
	{ FOLDER_JUNK, ".Junk" },
	{ FOLDER_TRASH, ".Trash" },
};

bool folder_name_is_good(struct str directory)
{
	char before = '.';

	if (!directory.len)
		return true;
	if (directory.at[0] != '.' || directory.len > NAME_BYTES_MAX)
		return false;
	for (size_t i = 1; i < directory.len; i++) {
		char c = directory.at[i];

		if (c < ' ' || c > '~' || c == '/' || (c == '.' && before == '.'))
			return false;
		before = c;
	}
	return before != '.';
}

enum folder_kind folder_name_kind(struct str directory)
{
	for (size_t i = 0; i < count_of(special); i++)
		if (str_eq(directory, str_of(special[i].directory)))
			return special[i].kind;
	return FOLDER_OWN;
}

struct str folder_name_of_kind(enum folder_kind kind)
{
	for (size_t i = 0; i < count_of(special); i++)
		if (special[i].kind == kind)
			return str_of(special[i].directory);
	return STR("");
}

/* --- modified UTF-7: runs of '&', UTF-16 in base64 with ',' for '/', and '-' --- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static void add_utf8(struct buf *to, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(to, (char)c);
	} else if (c < 0x800) {
		buf_add_char(to, (char)(0xc0 | c >> 6));
		buf_add_char(to, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_add_char(to, (char)(0xe0 | c >> 12));
		buf_add_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(to, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_char(to, (char)(0xf0 | c >> 18));
		buf_add_char(to, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(to, (char)(0x80 | (c & 0x3f)));
	}
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* One run's base64. */
static bool add_run(struct buf *to, struct str run)
{
	uint32_t bits = 0, high = 0;
	unsigned n = 0;

	for (size_t i = 0; i < run.len; i++) {
		const char *digit = run.at[i] ? strchr(digits, run.at[i]) : NULL;
		if (!digit)
			return false;
		bits = (bits << 6 | (uint32_t)(digit - digits)) & 0x3fffff;
		n += 6;
		if (n < 16)
			continue;
		n -= 16;
		uint32_t unit = bits >> n & 0xffff;
		if (unit >= 0xd800 && unit < 0xdc00 && !high) {
			high = unit;
		} else if (unit >= 0xdc00 && unit < 0xe000 && high) {
			add_utf8(to, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
			high = 0;
		} else if (high || (unit >= 0xd800 && unit < 0xe000) || is_control(unit)) {
			return false;
		} else {
			add_utf8(to, unit);
		}
	}
	return run.len && !high;
}

static bool decode(struct buf *to, struct str name)
{
	while (name.len) {
		struct str plain = str_head(name, str_find(name, '&'));
		buf_add(to, plain);
		name = str_tail(name, plain.len);
		if (!name.len)
			break;
		struct str run = str_head(str_tail(name, 1), str_find(str_tail(name, 1), '-'));
		if (run.len + 1 >= name.len)
			return false; /* no end */
		if (!run.len)
			buf_add_char(to, '&');
		else if (!add_run(to, run))
			return false;
		name = str_tail(name, run.len + 2);
	}
	return !to->overflowed;
}

static uint32_t next_code_point(struct str *rest)
{
	unsigned char first = (unsigned char)rest->at[0];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? first : first & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)rest->at[i] & 0x3f);
	*rest = str_tail(*rest, n);
	return c;
}

struct bits {
	uint32_t at;
	unsigned n;
};

static void add_unit(struct buf *to, struct bits *bits, uint32_t unit)
{
	bits->at = bits->at << 16 | unit;
	for (bits->n += 16; bits->n >= 6; bits->n -= 6)
		buf_add_char(to, digits[bits->at >> (bits->n - 6) & 63]);
	bits->at &= 63;
}

static void encode_run(struct buf *to, struct str run)
{
	struct bits bits = { 0, 0 };

	buf_add_char(to, '&');
	while (run.len) {
		uint32_t c = next_code_point(&run);

		if (c >= 0x10000) {
			add_unit(to, &bits, 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		add_unit(to, &bits, c);
	}
	if (bits.n)
		buf_add_char(to, digits[bits.at << (6 - bits.n) & 63]);
	buf_add_char(to, '-');
}

static void encode(struct buf *to, struct str name)
{
	while (name.len) {
		size_t n = 0;

		while (n < name.len && (unsigned char)name.at[n] >= 0x80)
			n++;
		if (n) {
			encode_run(to, str_head(name, n));
		} else {
			n = 1;
			buf_add(to, name.at[0] == '&' ? STR("&-") : str_head(name, 1));
		}
		name = str_tail(name, n);
	}
}

/* --- */

struct str folder_name_shown(struct str directory, struct arena *arena)
{
	scoped(buf_free) struct buf shown = BUF(4 * NAME_BYTES_MAX);
	struct str name = str_tail(directory, 1);

	if (folder_name_kind(directory) != FOLDER_OWN)
		return STR("");
	if (!decode(&shown, name)) {
		buf_clear(&shown);
		buf_add(&shown, name);
	}
	/* What was a '.' in the directory's name; there is none in modified UTF-7. */
	for (size_t i = 0; i < shown.len; i++)
		if (shown.at[i] == '.')
			shown.at[i] = '/';
	return arena_str(arena, buf_str(&shown));
}

static bool is_reserved(struct str level)
{
	if (str_eq_nocase(level, STR("INBOX")))
		return true;
	for (size_t i = 1; i < count_of(special); i++)
		if (str_eq_nocase(level, str_of(special[i].directory + 1)))
			return true;
	return false;
}

static bool check_level(struct str level, struct why *why)
{
	static const char refused[] = ".%*\\\"~";

	if (!level.len || str_trim(level).len != level.len)
		return why_not(
			why, "a folder's name is neither empty nor begins or ends with a blank");
	for (struct str rest = level; rest.len;) {
		uint32_t c = next_code_point(&rest);

		if (is_control(c))
			return why_not(why, "a control character");
		if (c < 0x80 && strchr(refused, (int)c))
			return why_not(why, "a folder's name has no '%c' in it", (char)c);
	}
	return true;
}

bool folder_name_directory(struct buf *to, struct str typed, struct why *why)
{
	size_t levels = 0;

	if (!typed.len || !str_is_utf8(typed))
		return why_not(why, "no name");
	if (is_reserved(str_head(typed, str_find(typed, '/'))))
		return why_not(why, "that name is taken");
	for (struct str rest = typed; levels == 0 || rest.len; levels++) {
		bool more = str_find(rest, '/') < rest.len;
		struct str level = str_cut(&rest, '/');

		if (!check_level(level, why))
			return false;
		if (more && !rest.len)
			return why_not(why, "nothing behind the last '/'");
		buf_add_char(to, '.');
		encode(to, level);
	}
	if (to->overflowed || to->len > FOLDER_DIRECTORY_MAX || levels > FOLDER_LEVELS_MAX)
		return why_not(why, "the name is too long");
	return true;
}
