/* SPDX-License-Identifier: ISC
 *
 * ledger.c - deliveries in hand, by message and recipient. A list: it has as many entries as
 * there are workers, and a few more after a store went away.
 */
#include "delivery/ledger.h"

#include "base/clock.h"
#include "base/must.h"
#include <pthread.h>
#include <stdlib.h>

enum {
	REMEMBERED = 10 * MINUTE, /* a new store has handed out everything again by then */
	TEXTS_MAX = 1024 * 1024,
};

struct ledger_entry {
	struct ledger_entry *next;
	struct arena memory;
	struct str id;
	uint64_t *recipients;
	size_t n;
	struct recipient_outcome *sent;
	size_t n_sent;
	bool done;
	bool closed; /* nobody's any more, kept until `until` */
	struct deadline until;
};

struct ledger {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	struct ledger_entry *entries;
};

struct ledger *ledger_new(void)
{
	struct ledger *ledger = must_alloc(sizeof *ledger);

	pthread_mutex_init(&ledger->lock, NULL);
	pthread_cond_init(&ledger->changed, NULL);
	return ledger;
}

static void entry_free(struct ledger_entry *entry)
{
	arena_free(&entry->memory);
	free(entry);
}

/* Called with the lock held. */
static void drop_old(struct ledger *ledger)
{
	for (struct ledger_entry **at = &ledger->entries; *at;) {
		struct ledger_entry *entry = *at;
		if (entry->closed && deadline_passed(entry->until)) {
			*at = entry->next;
			entry_free(entry);
		} else {
			at = &entry->next;
		}
	}
}

static bool has_recipient(const struct ledger_entry *entry, const struct job *job)
{
	for (size_t i = 0; i < entry->n; i++)
		for (size_t j = 0; j < job->recipients.len; j++)
			if (entry->recipients[i] == job->recipients.at[j].recipient)
				return true;
	return false;
}

static bool is_being_sent(const struct ledger *ledger, const struct job *job)
{
	for (const struct ledger_entry *e = ledger->entries; e; e = e->next)
		if (!e->done && str_eq(e->id, job->id) && has_recipient(e, job))
			return true;
	return false;
}

static struct ledger_entry *entry_new(const struct job *job)
{
	struct ledger_entry *entry = must_alloc(sizeof *entry);

	entry->memory = ARENA(SIZE_MAX);
	entry->id = arena_str(&entry->memory, job->id);
	entry->n = job->recipients.len;
	entry->recipients = arena_array(&entry->memory, entry->n, sizeof *entry->recipients);
	entry->sent = arena_array(&entry->memory, entry->n, sizeof *entry->sent);
	must(entry->recipients && entry->sent);
	for (size_t i = 0; i < entry->n; i++)
		entry->recipients[i] = job->recipients.at[i].recipient;
	return entry;
}

struct ledger_entry *ledger_open(struct ledger *ledger, const struct job *job)
{
	struct ledger_entry *entry = entry_new(job);

	pthread_mutex_lock(&ledger->lock);
	drop_old(ledger);
	while (is_being_sent(ledger, job))
		pthread_cond_wait(&ledger->changed, &ledger->lock);
	entry->next = ledger->entries;
	ledger->entries = entry;
	pthread_mutex_unlock(&ledger->lock);
	return entry;
}

static struct recipient_outcome copy_outcome(struct arena *to, const struct recipient_outcome *from)
{
	struct recipient_outcome copy = *from;

	copy.code = arena_str(to, from->code);
	copy.said = arena_str(to, from->said);
	copy.host = arena_str(to, from->host);
	return copy;
}

static const struct recipient_outcome *find_sent(
	const struct ledger_entry *entry, uint64_t recipient)
{
	for (size_t i = 0; i < entry->n_sent; i++)
		if (entry->sent[i].recipient == recipient)
			return &entry->sent[i];
	return NULL;
}

bool ledger_was_sent(struct ledger *ledger, const struct job *job, uint64_t recipient,
	struct arena *arena, struct recipient_outcome *outcome)
{
	const struct recipient_outcome *found = NULL;

	pthread_mutex_lock(&ledger->lock);
	for (const struct ledger_entry *e = ledger->entries; e && !found; e = e->next)
		if (e->done && str_eq(e->id, job->id))
			found = find_sent(e, recipient);
	if (found)
		*outcome = copy_outcome(arena, found);
	pthread_mutex_unlock(&ledger->lock);
	return found != NULL;
}

void ledger_done(struct ledger *ledger, struct ledger_entry *entry, const struct work_ask *report)
{
	pthread_mutex_lock(&ledger->lock);
	entry->memory.max = entry->memory.used + TEXTS_MAX;
	for (size_t i = 0; i < report->outcomes.len && entry->n_sent < entry->n; i++) {
		const struct recipient_outcome *o = &report->outcomes.at[i];
		if (o->result == RESULT_DELIVERED || o->result == RESULT_RELAYED)
			entry->sent[entry->n_sent++] = copy_outcome(&entry->memory, o);
	}
	entry->done = true;
	pthread_cond_broadcast(&ledger->changed);
	pthread_mutex_unlock(&ledger->lock);
}

void ledger_close(struct ledger *ledger, struct ledger_entry **entry, bool told)
{
	struct ledger_entry *e = *entry;

	if (!e)
		return;
	*entry = NULL;
	pthread_mutex_lock(&ledger->lock);
	e->done = true;
	e->closed = true;
	e->until = told || !e->n_sent ? deadline_in(-1) : deadline_in(REMEMBERED);
	drop_old(ledger);
	pthread_cond_broadcast(&ledger->changed);
	pthread_mutex_unlock(&ledger->lock);
}
