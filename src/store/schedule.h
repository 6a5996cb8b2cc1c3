/* SPDX-License-Identifier: ISC
 *
 * schedule.h - which destination is next. The queue itself stays on disk; in memory is one entry
 * per (domain, demands) with something waiting, made at the start by one scan of an index. An
 * entry is ready (in a ring, so that every destination gets its turn), asleep (in a heap, by the
 * time it has something due), or idle (nothing to hand out, or as much in flight as allowed).
 *
 * A destination that is down is known to be so for all of its messages: they wait in common, and
 * when the time has come one job goes out to see.
 *
 * Claims (jobs in the hands of a worker) live here alone. What a batch changed in them can be
 * undone until it is committed.
 */
#ifndef STORE_SCHEDULE_H
#define STORE_SCHEDULE_H

#include "base/str.h"
#include "call/role.h"
#include "mail/demands.h"
#include "mail/reason.h"

struct store;
struct destination;

enum { CLAIM_RECIPIENTS_MAX = 100 };

/* Recipients of one message in the hands of a worker. */
struct claim {
	struct claim *next; /* of the same destination */
	struct worker *worker;
	struct destination *destination;
	int64_t message;
	int64_t recipients[CLAIM_RECIPIENTS_MAX];
	size_t n;
	int64_t taken_at;
	bool taken_now, ended; /* in this batch, not committed yet */
};

/* One connection that asks for work. */
struct worker {
	enum role role;
	struct claim *claim;
	unsigned streak; /* jobs in a row by preference */
};

struct destination {
	struct str name; /* "" for our own mailboxes */
	demands demands;
	int64_t waiting;    /* rows on disk that aren't final */
	int64_t in_hand;    /* of these, in claims */
	unsigned in_flight; /* claims */
	int64_t next_due;   /* nothing unclaimed is due before */
	unsigned failures;  /* times in a row that it was found down */
	int64_t went_down, down_until;
	enum reason reason; /* why it is down */
	struct claim *claims;
	enum { PLACE_IDLE, PLACE_READY, PLACE_ASLEEP } place;
	struct destination *before, *behind; /* in the ring */
	size_t in_heap;
	int64_t wake;
	bool listed_empty;
	struct destination *same_hash;
};

struct ring {
	struct destination *first, *last;
};

struct schedule {
	struct destination **table;
	size_t room, n;
	struct ring ready[2]; /* our mailboxes; elsewhere */
	struct destination **heap;
	size_t heap_n, heap_room;
	/* Claims taken or ended since the last commit, and destinations with nothing left. */
	struct claim **changed;
	size_t changed_n, changed_room;
	struct destination **empty;
	size_t empty_n, empty_room;
	int64_t waiting; /* rows in all */
};

/* Make it from the database. The claims that exist stay. False: the database failed. */
bool schedule_load(struct store *store) must_use;
void schedule_close(struct schedule *schedule);

/* n rows of this destination were added, due at `due`. */
void schedule_added(struct store *store, struct str name, demands wanted, int64_t n, int64_t due);
/* n rows of it became final; the rest may be due at `due` (INT64_MAX: nothing new). */
void schedule_changed(struct store *store, struct destination *d, int64_t ended, int64_t due);
/* NULL if nothing waits for it. */
struct destination *schedule_find(struct schedule *schedule, struct str name, demands wanted);
/* Found down, with the job taken at `taken_at` (several that were under way count once). */
void schedule_down(
	struct store *store, struct destination *d, int64_t taken_at, enum reason reason);
/* Somebody answered there, or the operator wants it tried. */
void schedule_up(struct store *store, struct destination *d);
size_t schedule_count_down(const struct store *store);

/* The destination whose turn it is, or NULL. The caller looks on disk for what is due, claims it
 * or tells schedule_nothing_due when there will be something. */
struct destination *schedule_next(struct store *store, enum role role);
/* May this one hand out something now (the preference of a worker that holds a connection)? */
bool schedule_may(struct store *store, const struct destination *d);
void schedule_nothing_due(struct store *store, struct destination *d, int64_t next_due);
/* Wall clock of the next thing that becomes due by itself; INT64_MAX: nothing. */
int64_t schedule_wake(const struct schedule *schedule);

struct claim *schedule_claim(struct store *store, struct worker *worker, struct destination *d,
	int64_t message, const int64_t *recipients, size_t n);
bool schedule_is_claimed(const struct destination *d, int64_t recipient);
/* The worker reported, gave up, or is gone. Final with the batch. */
void schedule_release(struct store *store, struct claim *claim);
/* The worker asks for something else without having reported: its job is due again at once. */
void schedule_give_back(struct store *store, struct worker *worker);
/* The worker's connection has ended (between batches): what it held is due again at once. */
void schedule_worker_gone(struct store *store, struct worker *worker);
/* Wait before attempt n + 1, after n attempts. */
int64_t schedule_retry_wait(const struct store *store, uint64_t attempts);
/* The batch was committed, or wasn't: then claims are as they were before it. */
void schedule_committed(struct store *store);
void schedule_rolled_back(struct store *store);

#endif
