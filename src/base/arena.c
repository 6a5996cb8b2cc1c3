/* SPDX-License-Identifier: ISC
 *
 * arena.c - a list of blocks, the newest first. The first block is small, since most
 * transactions are; later ones double up to 64 KiB, larger pieces get a block of their own.
 */
#include "base/arena.h"

#include "base/must.h"
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 65536 };

struct arena_block {
	struct arena_block *older;
	size_t room, used;
	alignas(max_align_t) char bytes[];
};

static void grow(struct arena *a, size_t size)
{
	size_t room = a->blocks ? a->blocks->room * 2 : FIRST_BLOCK;

	if (room > LARGEST_BLOCK)
		room = LARGEST_BLOCK;
	if (room < size)
		room = size;
	struct arena_block *block = malloc(sizeof *block + room);
	must(block != NULL);
	*block = (struct arena_block){ .older = a->blocks, .room = room };
	a->blocks = block;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);

	if (aligned < size || aligned > a->max - a->used)
		return NULL;
	if (!a->blocks || aligned > a->blocks->room - a->blocks->used)
		grow(a, aligned);
	char *piece = a->blocks->bytes + a->blocks->used;
	a->blocks->used += aligned;
	a->used += aligned;
	memset(piece, 0, aligned);
	return piece;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t all;

	return __builtin_mul_overflow(n, size, &all) ? NULL : arena_alloc(a, all);
}

struct str arena_str(struct arena *a, struct str s)
{
	char *copy = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;

	if (!copy)
		return (struct str){ NULL, 0 };
	if (s.len)
		memcpy(copy, s.at, s.len);
	return (struct str){ copy, s.len };
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int needed = vsnprintf(NULL, 0, format, args);
	va_end(args);
	must(needed >= 0);
	char *to = arena_alloc(a, (size_t)needed + 1);
	if (to)
		vsnprintf(to, (size_t)needed + 1, format, again);
	va_end(again);
	return (struct str){ to, to ? (size_t)needed : 0 };
}

void arena_reset(struct arena *a)
{
	while (a->blocks && a->blocks->older) {
		struct arena_block *older = a->blocks->older;
		free(a->blocks);
		a->blocks = older;
	}
	if (a->blocks)
		a->blocks->used = 0;
	a->used = 0;
}

void arena_free(struct arena *a)
{
	arena_reset(a);
	free(a->blocks);
	a->blocks = NULL;
}
