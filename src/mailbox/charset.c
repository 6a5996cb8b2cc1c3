/* SPDX-License-Identifier: ISC
 *
 * charset.c - iconv, with replacement. Runs in the reader on hostile bytes. The C library has its
 * tables in files, which a confined process can't open: those that matter are loaded before, and
 * kept by a converter that is never closed.
 */
#include "mailbox/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

/* What mail is found to be written in; spellings of one set are the C library's to know. */
static const char *const charsets[] = { "US-ASCII", "ISO-8859-1", "ISO-8859-2", "ISO-8859-3",
	"ISO-8859-4", "ISO-8859-5", "ISO-8859-6", "ISO-8859-7", "ISO-8859-8", "ISO-8859-9",
	"ISO-8859-10", "ISO-8859-11", "ISO-8859-13", "ISO-8859-14", "ISO-8859-15", "ISO-8859-16",
	"CP1250", "CP1251", "CP1252", "CP1253", "CP1254", "CP1255", "CP1256", "CP1257", "CP1258",
	"CP874", "TIS-620", "KOI8-R", "KOI8-U", "CP437", "CP850", "CP852", "CP866", "MACINTOSH",
	"GB2312", "GBK", "GB18030", "HZ", "ISO-2022-CN", "BIG5", "BIG5-HKSCS", "EUC-JP",
	"ISO-2022-JP", "ISO-2022-JP-2", "SHIFT_JIS", "CP932", "EUC-KR", "CP949", "ISO-2022-KR",
	"UTF-7", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE" };

enum { PIECE = 4096 };

static iconv_t kept[count_of(charsets)];

void charset_load(void)
{
	for (size_t i = 0; i < count_of(charsets); i++)
		kept[i] = iconv_open("UTF-8", charsets[i]);
}

/* Bytes a character that begins so has, 1 for what can't begin one. */
static size_t character_length(unsigned char first)
{
	return first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
}

/* One character (or malformed byte) of UTF-8 from the front of *rest. */
static bool add_character(struct buf *to, struct str *rest, bool *replaced)
{
	size_t n = character_length((unsigned char)rest->at[0]);
	struct str c = str_head(*rest, n);

	if (c.len < n || !str_is_utf8(c)) {
		*replaced = true;
		*rest = str_tail(*rest, 1);
		return buf_add(to, STR("\xef\xbf\xbd"));
	}
	*rest = str_tail(*rest, n);
	if (n == 2 && (unsigned char)c.at[0] == 0xc2 && (unsigned char)c.at[1] < 0xa0)
		return true; /* C1 */
	return buf_add(to, c);
}

/* UTF-8 that may be malformed, cleaned. */
static bool add_utf8(struct buf *to, struct str text)
{
	bool replaced = false;

	while (text.len && !to->overflowed) {
		unsigned char c = (unsigned char)text.at[0];

		if (c >= 0x80) {
			add_character(to, &text, &replaced);
			continue;
		}
		if (c == '\r' && (text.len == 1 || text.at[1] != '\n'))
			c = '\n';
		if ((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t')
			buf_add_char(to, (char)c);
		text = str_tail(text, 1);
	}
	return !replaced;
}

/* All of it through iconv; bytes it can't read become U+FFFD. */
static bool convert(struct buf *to, struct str bytes, iconv_t converter)
{
	char piece[PIECE], *in = (char *)(uintptr_t)bytes.at;
	size_t left = bytes.len;
	bool good = true;

	while (left && !to->overflowed) {
		char *out = piece;
		size_t room = sizeof piece;
		size_t result = iconv(converter, &in, &left, &out, &room);

		buf_add(to, (struct str){ piece, sizeof piece - room });
		if (result == (size_t)-1 && errno == E2BIG)
			continue;
		if (result == (size_t)-1) {
			good = false;
			buf_add(to, STR("\xef\xbf\xbd"));
			in++;
			left--;
		}
	}
	return good;
}

static bool is_unicode(const char *charset)
{
	struct str name = str_of(charset);

	return str_eq_nocase(name, STR("utf-8")) || str_eq_nocase(name, STR("utf8"));
}

/* A set that isn't named, or that nobody knows: what it mostly turns out to be. */
static const char *guess(struct str bytes)
{
	return str_is_utf8(bytes) ? "UTF-8" : "CP1252";
}

bool charset_add(struct buf *to, struct str bytes, const char *charset)
{
	scoped(buf_free) struct buf converted = BUF(4 * to->max + PIECE);
	bool is_named = charset && !str_eq_nocase(str_of(charset), STR("us-ascii"));
	const char *name = is_named ? charset : guess(bytes);
	iconv_t converter;
	bool good;

	if (is_unicode(name))
		return add_utf8(to, bytes) && (charset || !str_has_8bit(bytes));
	converter = iconv_open("UTF-8", name);
	if (converter == (iconv_t)-1)
		return charset_add(to, bytes, NULL) && !str_has_8bit(bytes);
	good = convert(&converted, bytes, converter);
	iconv_close(converter);
	return add_utf8(to, buf_str(&converted)) && good && is_named;
}
