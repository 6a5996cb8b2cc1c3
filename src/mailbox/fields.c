/* SPDX-License-Identifier: ISC
 *
 * fields.c - see fields.h. Pure.
 */
#include "mailbox/fields.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Length of the line at the front with its end, and of what continues it. */
static size_t folded_length(struct str s)
{
	size_t n = 0;

	do
		n += str_find(str_tail(s, n), '\n') + 1;
	while (n < s.len && is_blank(s.at[n]));
	return n < s.len ? n : s.len;
}

bool fields_next(struct str *rest, struct field *field)
{
	size_t colon;

	*field = (struct field){ 0 };
	if (str_starts(*rest, STR("\n")) || str_starts(*rest, STR("\r\n"))) {
		*rest = str_tail(*rest, rest->at[0] == '\r' ? 2 : 1);
		return false;
	}
	if (!rest->len)
		return false;
	field->whole = str_head(*rest, folded_length(*rest));
	*rest = str_tail(*rest, field->whole.len);
	colon = str_find(field->whole, ':');
	if (colon == field->whole.len || str_find(str_head(field->whole, colon), '\n') < colon)
		return true;
	field->name = str_trim(str_head(field->whole, colon));
	field->value = str_tail(field->whole, colon + 1);
	return true;
}
