/* SPDX-License-Identifier: ISC
 *
 * columns.c - text for a terminal. Much of it came from peers: remote replies, addresses,
 * subjects. Pure.
 */
#include "ctl/columns.h"
#include "base/clock.h"
#include "mail/plain_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CELLS_MAX = 64 * 1024 * 1024, GAP = 2 };

void add_visible(struct buf *to, struct str text)
{
	bool utf8 = str_is_utf8(text);

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		/* U+0080 to U+009F are control characters too: C2 80 to C2 9F. */
		bool control =
			c < ' ' || c == 0x7f ||
			(c == 0xc2 && i + 1 < text.len && (unsigned char)text.at[i + 1] < 0xa0);

		if (control && c == 0xc2)
			i++;
		buf_add_char(to, control || (!utf8 && c >= 0x80) ? '?' : (char)c);
	}
}

void columns_add(struct columns *c, struct str cell)
{
	size_t begin = c->cells.len, columns;

	add_visible(&c->cells, cell);
	columns = plain_text_columns(str_tail(buf_str(&c->cells), begin));
	if (columns > c->widths[c->at])
		c->widths[c->at] = columns;
	buf_add_char(&c->cells, '\0');
	c->at = (c->at + 1) % c->n;
}

void columns_printf(struct columns *c, const char *format, ...)
{
	char text[1000];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	columns_add(c, str_of(text));
}

void columns_begin(struct columns *c, const char *headings)
{
	struct str rest = str_of(headings);

	*c = (struct columns){ .n = 1, .cells = BUF(CELLS_MAX) };
	for (size_t i = 0; i < rest.len; i++)
		c->n += rest.at[i] == '|';
	while (rest.len)
		columns_add(c, str_cut(&rest, '|'));
}

void columns_end(struct columns *c, const char *indent, struct buf *to)
{
	struct str rest = buf_str(&c->cells);
	size_t column = 0;

	while (rest.len) {
		struct str cell = str_cut(&rest, '\0');
		size_t used = plain_text_columns(cell);

		if (!column)
			buf_add(to, str_of(indent));
		buf_add(to, cell);
		column = (column + 1) % c->n;
		for (; column && used < c->widths[column - 1] + GAP; used++)
			buf_add_char(to, ' ');
		if (column)
			continue;
		while (to->len && to->at[to->len - 1] == ' ')
			to->len--;
		buf_add_char(to, '\n');
	}
	buf_free(&c->cells);
}

void add_span(struct buf *to, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (ms < 2 * MINUTE)
		buf_printf(to, "%lld s", (long long)(ms / SECOND));
	else if (ms < 2 * HOUR)
		buf_printf(to, "%lld min", (long long)(ms / MINUTE));
	else if (ms < 2LL * DAY)
		buf_printf(to, "%lld h", (long long)(ms / HOUR));
	else
		buf_printf(to, "%lld d", (long long)(ms / DAY));
}

void add_size(struct buf *to, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		buf_printf(to, "%llu bytes", (unsigned long long)bytes);
		return;
	}
	for (; size >= 1023.5 && unit + 1 < count_of(units); unit++)
		size /= 1024;
	buf_printf(to, "%.*f %s", size < 9.95 ? 1 : 0, size, units[unit]);
}
