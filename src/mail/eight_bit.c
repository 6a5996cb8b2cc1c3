/* SPDX-License-Identifier: ISC
 *
 * eight_bit.c - see eight_bit.h. Pure; the bytes are anybody's. What passes here can't end a DATA
 * section early at a server that takes a bare LF for the end of a line.
 */
#include "mail/eight_bit.h"

enum { LINE_MAX_OCTETS = 998 };

bool eight_bit_is_fit(struct str s)
{
	if (str_find(s, '\0') < s.len)
		return false;
	while (s.len) {
		size_t end = str_find(s, '\n');
		struct str line = str_head(s, end);
		if (end < s.len && (end == 0 || s.at[end - 1] != '\r'))
			return false;
		line.len -= end < s.len;
		if (str_find(line, '\r') < line.len || line.len > LINE_MAX_OCTETS)
			return false;
		s = str_tail(s, end + (end < s.len));
	}
	return true;
}
