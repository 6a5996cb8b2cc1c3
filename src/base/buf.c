/* SPDX-License-Identifier: ISC
 *
 * buf.c - growing buffers with a maximum. Growth doubles, so adding is linear in all.
 */
#include "base/buf.h"

#include "base/must.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->overflowed || n > b->max - b->len) {
		b->overflowed = true;
		return NULL;
	}
	if (n > b->room - b->len || !b->at) {
		size_t room = b->room ? b->room : 64;
		while (room < b->len + n)
			room *= 2;
		if (room > b->max)
			room = b->max;
		char *grown = realloc(b->at, room);
		must(grown != NULL);
		b->at = grown;
		b->room = room;
	}
	return b->at + b->len;
}

bool buf_add(struct buf *b, struct str piece)
{
	if (piece.len == 0)
		return !b->overflowed;
	char *to = buf_reserve(b, piece.len);
	if (!to)
		return false;
	memcpy(to, piece.at, piece.len);
	b->len += piece.len;
	return true;
}

bool buf_add_char(struct buf *b, char c)
{
	return buf_add(b, (struct str){ &c, 1 });
}

bool buf_add_u64(struct buf *b, uint64_t number)
{
	char digits[20];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + number % 10);
	while (number /= 10);
	return buf_add(b, (struct str){ digits + i, sizeof digits - i });
}

bool buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int needed = vsnprintf(NULL, 0, format, args);
	va_end(args);
	must(needed >= 0);
	/* One byte more for vsnprintf's NUL, which isn't counted. */
	char *to = buf_reserve(b, (size_t)needed + 1);
	if (to) {
		vsnprintf(to, (size_t)needed + 1, format, again);
		b->len += (size_t)needed;
	}
	va_end(again);
	return to != NULL;
}

void buf_consume(struct buf *b, size_t n)
{
	must(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->at, b->at + n, b->len);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->overflowed = false;
}

void buf_free(struct buf *b)
{
	free(b->at);
	*b = BUF(b->max);
}

struct str buf_str(const struct buf *b)
{
	return (struct str){ b->at ? b->at : "", b->len };
}
