/* SPDX-License-Identifier: ISC
 *
 * found.c - see found.h.
 */
#include "mailbox/found.h"

#include "base/must.h"
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 256 };

bool found_add(struct found *f, struct found_message message)
{
	if (f->n == FOUND_MAX)
		return false;
	if (f->n == f->room) {
		size_t room = f->room ? 2 * f->room : ROOM_FIRST;
		struct found_message *at = must_alloc(room * sizeof *at);

		if (f->n)
			memcpy(at, f->at, f->n * sizeof *at);
		free(f->at);
		f->at = at;
		f->room = room;
	}
	f->at[f->n++] = message;
	f->unseen += message.unseen;
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct found_message *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? 1 : -1;
	return (x->number < y->number) - (x->number > y->number);
}

static int by_conversation(const void *a, const void *b)
{
	const struct found_message *x = a, *y = b;

	if (x->conversation != y->conversation)
		return x->conversation < y->conversation ? -1 : 1;
	return newest_first(a, b);
}

void found_arrange(struct found *f, bool collapse)
{
	size_t kept = 0;

	if (!f->n)
		return;
	if (collapse) {
		qsort(f->at, f->n, sizeof *f->at, by_conversation);
		for (size_t i = 0; i < f->n; i++)
			if (!i || f->at[i].conversation != f->at[kept - 1].conversation)
				f->at[kept++] = f->at[i];
		f->n = kept;
	}
	qsort(f->at, f->n, sizeof *f->at, newest_first);
}

void found_free(struct found *f)
{
	free(f->at);
	*f = (struct found){ 0 };
}
