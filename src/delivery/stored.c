/* SPDX-License-Identifier: ISC
 *
 * stored.c - see stored.h. Runs in worker threads and in those of preflight. Nothing is remembered
 * here: the store answers in a fraction of a millisecond, and what is not remembered is not stale.
 */
#include "delivery/stored.h"

enum { STATE_ARENA = 4096 };

static bool take(const struct stored_answer *answer, struct arena *arena, struct stored_view *view)
{
	view->entries = arena_array(arena, answer->entries.len + 1, sizeof *view->entries);
	if (!view->entries)
		return false;
	for (size_t i = 0; i < answer->entries.len; i++) {
		const struct stored_item *item = &answer->entries.at[i];

		if (item->kind < STORED_KINDS_N)
			view->entries[view->n++] =
				(struct stored_entry){ (enum stored_kind)item->kind, item->value,
					item->names };
	}
	return true;
}

bool stored_find(struct client *store, struct str domain, struct arena *arena,
	struct stored_view *view, struct deadline deadline, struct why *why)
{
	struct stored_answer answer;

	*view = (struct stored_view){ 0 };
	if (!call_stored(store, &(struct stored_ask){ .domain = domain }, -1, arena, &answer, NULL,
		    deadline, why))
		return false;
	view->expired = (size_t)answer.expired;
	view->state.generation = answer.generation;
	view->state.until =
		answer.until && answer.until < INT64_MAX ? (int64_t)answer.until : INT64_MAX;
	return take(&answer, arena, view) || why_not(why, "too much is stored for this domain");
}

unsigned stored_pin(const struct stored_view *view)
{
	return view->n ? PIN_STORED : view->expired ? PIN_EXPIRED : PIN_NONE;
}

bool stored_still(
	struct client *store, struct stored_state state, struct deadline deadline, struct why *why)
{
	scoped(arena_free) struct arena arena = ARENA(STATE_ARENA);
	struct generation_answer now;

	if (clock_wall_ms() >= state.until)
		return why_not(why, "a stored certificate has passed its date");
	if (!call_stored_generation(
		    store, &(struct empty){ 0 }, -1, &arena, &now, NULL, deadline, why))
		return false;
	return now.generation == state.generation ||
	       why_not(why, "what is stored of certificates has changed");
}
