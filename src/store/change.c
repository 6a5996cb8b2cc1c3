/* SPDX-License-Identifier: ISC
 *
 * change.c - see change.h. Runs in the store's thread. There is one entry for each account of which
 * something changed since the start or somebody waits: no more than there are accounts.
 */
#include "store/change.h"

#include "base/must.h"
#include "store/account.h"
#include "store/store.h"
#include <stdlib.h>

void changes_open(struct changes *changes, int64_t now)
{
	/* A thousand commits in a millisecond, for as long as it runs, is more than there can be;
	 * and the numbers are exact in a browser's arithmetic for some hundred years. */
	*changes = (struct changes){ .first = (uint64_t)now << 10 };
	changes->number = changes->first;
}

void changes_close(struct changes *changes)
{
	for (size_t i = 0; i < changes->room; i++)
		for (struct account_changes *a = changes->table[i], *next; a; a = next) {
			next = a->same_hash;
			free(a);
		}
	free(changes->table);
	free(changes->noted);
	*changes = (struct changes){ 0 };
}

/* --- the table --- */

static struct account_changes **bucket(const struct changes *changes, int64_t account)
{
	/* Account numbers are ours and count up. */
	return &changes->table[(uint64_t)account & (changes->room - 1)];
}

static void grow(struct changes *changes)
{
	struct changes larger = { .room = changes->room ? changes->room * 2 : 256 };

	larger.table = must_alloc(larger.room * sizeof *larger.table);
	for (size_t i = 0; i < changes->room; i++)
		for (struct account_changes *a = changes->table[i], *next; a; a = next) {
			next = a->same_hash;
			struct account_changes **to = bucket(&larger, a->account);
			a->same_hash = *to;
			*to = a;
		}
	free(changes->table);
	changes->table = larger.table;
	changes->room = larger.room;
}

static struct account_changes *find(const struct changes *changes, int64_t account)
{
	struct account_changes *a = changes->room ? *bucket(changes, account) : NULL;

	while (a && a->account != account)
		a = a->same_hash;
	return a;
}

static struct account_changes *find_or_make(struct changes *changes, int64_t account)
{
	struct account_changes *a = find(changes, account);

	if (a)
		return a;
	if (changes->n >= changes->room)
		grow(changes);
	struct account_changes **to = bucket(changes, account);
	a = must_alloc(sizeof *a);
	*a = (struct account_changes){ .account = account, .same_hash = *to };
	*to = a;
	changes->n++;
	return a;
}

/* --- what changes --- */

static void make_room(struct changes *changes)
{
	if (changes->noted_n < changes->noted_room)
		return;
	size_t room = changes->noted_room ? changes->noted_room * 2 : 64;
	struct noted_change *grown = realloc(changes->noted, room * sizeof *grown);
	must(grown != NULL);
	changes->noted = grown;
	changes->noted_room = room;
}

void change_note(struct store *store, int64_t account, unsigned what)
{
	struct changes *changes = &store->changes;

	if (!account)
		return;
	make_room(changes);
	changes->noted[changes->noted_n++] = (struct noted_change){ account, what };
}

void change_mail(struct store *store, const struct address_ask *ask, struct arena *arena,
	struct empty *answer)
{
	*answer = (struct empty){ 0 };
	change_note(store, account_find(store, ask->address, arena), CHANGE_MAIL);
}

void changes_handler_begin(struct changes *changes)
{
	changes->noted_before = changes->noted_n;
}

void changes_handler_rolled_back(struct changes *changes)
{
	changes->noted_n = changes->noted_before;
}

void changes_rolled_back(struct changes *changes)
{
	changes->noted_n = changes->noted_before = 0;
}

static void wake(struct changes *changes, struct account_changes *a)
{
	for (struct change_waiter *w = a->waiters; w; w = w->behind) {
		if (w->is_woken)
			continue;
		w->is_woken = true;
		w->woken = changes->woken;
		changes->woken = w;
	}
}

void changes_committed(struct changes *changes)
{
	if (!changes->noted_n)
		return;
	changes->number++;
	for (size_t i = 0; i < changes->noted_n; i++) {
		struct account_changes *a = find_or_make(changes, changes->noted[i].account);
		for (unsigned kind = 0; kind < CHANGE_BITS; kind++)
			if (changes->noted[i].what & 1u << kind)
				a->last[kind] = changes->number;
		wake(changes, a);
	}
	changes->noted_n = changes->noted_before = 0;
}

unsigned changes_since(const struct changes *changes, int64_t account, uint64_t seen, uint64_t *now)
{
	const struct account_changes *a = find(changes, account);
	unsigned what = 0;

	*now = changes->number;
	if (!seen)
		return 0;
	if (seen < changes->first || seen > changes->number)
		return CHANGE_SESSION - 1;
	for (unsigned kind = 0; a && kind < CHANGE_KINDS; kind++)
		if (a->last[kind] > seen)
			what |= 1u << kind;
	return what;
}

/* --- who waits --- */

void change_wait(struct changes *changes, struct caller *caller, struct change_waiter *waiter,
	int64_t account)
{
	struct account_changes *a = find_or_make(changes, account);

	must(account && !waiter->account);
	*waiter = (struct change_waiter){
		.caller = caller, .account = account, .behind = a->waiters
	};
	if (a->waiters)
		a->waiters->before = waiter;
	a->waiters = waiter;
}

static void forget_woken(struct changes *changes, struct change_waiter *waiter)
{
	struct change_waiter **at = &changes->woken;

	while (waiter->is_woken && *at != waiter)
		at = &(*at)->woken;
	if (waiter->is_woken)
		*at = waiter->woken;
	waiter->is_woken = false;
}

void change_wait_end(struct changes *changes, struct change_waiter *waiter)
{
	if (!waiter->account)
		return;
	struct account_changes *a = find(changes, waiter->account);
	must(a != NULL);
	forget_woken(changes, waiter);
	*(waiter->before ? &waiter->before->behind : &a->waiters) = waiter->behind;
	if (waiter->behind)
		waiter->behind->before = waiter->before;
	*waiter = (struct change_waiter){ 0 };
}

struct change_waiter *changes_next_woken(struct changes *changes)
{
	struct change_waiter *waiter = changes->woken;

	if (!waiter)
		return NULL;
	changes->woken = waiter->woken;
	waiter->is_woken = false;
	return waiter;
}
