/* SPDX-License-Identifier: ISC
 *
 * quoted_printable.c - see quoted_printable.h.
 */
#include "mail/quoted_printable.h"

enum { COLUMNS = 75 }; /* and the '=' of a soft line break */

bool quoted_printable_encode(struct buf *to, struct str s)
{
	size_t column = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		bool line_end = c == '\r' && i + 1 < s.len && s.at[i + 1] == '\n';
		if (line_end) {
			buf_add(to, STR("\r\n"));
			column = 0;
			i++;
			continue;
		}
		bool before_end = i + 1 == s.len || s.at[i + 1] == '\r' || s.at[i + 1] == '\n';
		bool plain = (c > ' ' && c < 0x7f && c != '=') ||
			     ((c == ' ' || c == '\t') && !before_end);
		if (column + (plain ? 1 : 3) > COLUMNS) {
			buf_add(to, STR("=\r\n"));
			column = 0;
		}
		if (plain)
			buf_add_char(to, (char)c);
		else
			buf_printf(to, "=%02X", (unsigned)c);
		column += plain ? 1 : 3;
	}
	return !to->overflowed;
}

/* A '=' at the front of *rest and what belongs to it. */
static void take_encoded(struct buf *to, struct str *rest)
{
	struct str s = str_tail(*rest, 1);
	int high = s.len > 1 ? ascii_hex_value(s.at[0]) : -1,
	    low = s.len > 1 ? ascii_hex_value(s.at[1]) : -1;

	if (str_starts(s, STR("\n")) || str_starts(s, STR("\r\n")) || !s.len) {
		*rest = str_tail(s, s.len && s.at[0] == '\r' ? 2 : 1);
	} else if (high >= 0 && low >= 0) {
		buf_add_char(to, (char)(high * 16 + low));
		*rest = str_tail(s, 2);
	} else {
		buf_add_char(to, '=');
		*rest = s;
	}
}

bool quoted_printable_decode(struct buf *to, struct str rest)
{
	while (rest.len && !to->overflowed) {
		if (rest.at[0] == '=') {
			take_encoded(to, &rest);
			continue;
		}
		if (!str_starts(rest, STR("\r\n")))
			buf_add_char(to, rest.at[0]);
		rest = str_tail(rest, 1);
	}
	return !to->overflowed;
}
