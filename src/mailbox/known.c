/* SPDX-License-Identifier: ISC
 *
 * known.c - see known.h. Open addressing, at most half full. Two names of one hash in a directory
 * would be taken for one; whoever can choose names there for 2^32 files has only their own mail to
 * hide from themselves.
 */
#include "mailbox/known.h"

#include "base/must.h"
#include <stdlib.h>

enum { ROOM_LEAST = 64, GIVEN_UP = -1 };

uint64_t known_hash(struct str name)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.at[i]) * 1099511628211u;
	return hash ^ hash >> 32;
}

static size_t place(const struct known *k, uint64_t hash, uint32_t directory)
{
	return (size_t)(hash + directory * UINT64_C(0x9e3779b97f4a7c15)) & (k->room - 1);
}

struct known_file *known_find(const struct known *k, uint64_t hash, uint32_t directory)
{
	if (!k->room)
		return NULL;
	for (size_t i = place(k, hash, directory); k->at[i].number; i = (i + 1) & (k->room - 1)) {
		struct known_file *file = &k->at[i];

		if (file->number > 0 && file->hash == hash && file->directory == directory)
			return file;
	}
	return NULL;
}

static struct known_file *put(struct known *k, struct known_file file)
{
	size_t i = place(k, file.hash, file.directory);

	while (k->at[i].number)
		i = (i + 1) & (k->room - 1);
	k->at[i] = file;
	k->used++;
	return &k->at[i];
}

static void grow(struct known *k)
{
	struct known old = *k;

	k->room = old.room ? old.room * 2 : ROOM_LEAST;
	k->used = 0;
	k->at = must_alloc(k->room * sizeof *k->at);
	for (size_t i = 0; i < old.room; i++)
		if (old.at[i].number > 0)
			put(k, old.at[i]);
	free(old.at);
}

struct known_file *known_add(struct known *k, uint64_t hash, uint32_t directory, int64_t number)
{
	must(number > 0);
	if (2 * (k->used + 1) > k->room)
		grow(k);
	return put(k, (struct known_file){ hash, number, directory, 0 });
}

void known_remove(struct known *k, uint64_t hash, uint32_t directory)
{
	struct known_file *file = known_find(k, hash, directory);

	if (file)
		file->number = GIVEN_UP;
}

void known_free(struct known *k)
{
	free(k->at);
	*k = (struct known){ 0 };
}
