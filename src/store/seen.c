/* SPDX-License-Identifier: ISC
 *
 * seen.c - see seen.h. What a batch wrote and could not commit is lost: the next use notes it anew.
 */
#include "store/seen.h"

int64_t seen_at(const struct seen *seen, int64_t number, int64_t before)
{
	const struct seen_slot *slot = &seen->slots[(uint64_t)number % SEEN_SLOTS];

	return slot->number == number && slot->at > before ? slot->at : before;
}

void seen_note(struct seen *seen, int64_t number, int64_t before, int64_t now, int64_t step)
{
	if (now - seen_at(seen, number, before) >= step)
		seen->slots[(uint64_t)number % SEEN_SLOTS] =
			(struct seen_slot){ .number = number, .at = now };
}

bool seen_next(struct seen *seen, size_t *place, int64_t *number, int64_t *at)
{
	for (; *place < SEEN_SLOTS; ++*place) {
		struct seen_slot *slot = &seen->slots[*place];
		if (!slot->number || slot->written)
			continue;
		slot->written = true;
		*number = slot->number;
		*at = slot->at;
		return true;
	}
	return false;
}
