/* SPDX-License-Identifier: ISC
 *
 * change.h - that something of an account changed, for pages that wait to be told. One number
 * counts changes since the start; of each account it is kept when what last changed. Noted inside
 * a batch, true with its commit, forgotten with its rollback: nobody hears of what isn't on disk.
 *
 * Numbers begin at the clock, so that after a restart none that was given before looks current.
 */
#ifndef STORE_CHANGE_H
#define STORE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_ask;
struct arena;
struct caller;
struct empty;
struct store;

/* Beside enum change: a session of the account ended. Nobody is told, but who waits is asked for
 * the session again. */
enum { CHANGE_KINDS = 4, CHANGE_SESSION = 1 << CHANGE_KINDS, CHANGE_BITS = CHANGE_KINDS + 1 };
/* Nobody waits longer, in milliseconds. */
enum { CHANGE_WAIT_MOST = 60000 };

/* A caller that waits for a change of an account; part of whoever waits. */
struct change_waiter {
	struct caller *caller;
	int64_t account; /* 0: it doesn't wait */
	struct change_waiter *before, *behind;
	bool is_woken;
	struct change_waiter *woken; /* the next one that is */
};

struct account_changes {
	int64_t account;
	uint64_t last
		[CHANGE_BITS]; /* number of the last change of each kind; 0: none since the start */
	struct change_waiter *waiters;
	struct account_changes *same_hash;
};

struct changes {
	uint64_t first, number; /* at the start; now */
	struct account_changes **table;
	size_t room, n;
	/* Noted in this batch. */
	struct noted_change {
		int64_t account;
		unsigned what;
	} * noted;
	size_t noted_n, noted_room, noted_before; /* before this handler */
	struct change_waiter *woken;
};

void changes_open(struct changes *changes, int64_t now);
void changes_close(struct changes *changes);

/* Something of this account (0: of nobody) changes with this batch: enum change bits. */
void change_note(struct store *store, int64_t account, unsigned what);
/* The mailbox role found that another program changed the mail of this account. */
void change_mail(struct store *store, const struct address_ask *ask, struct arena *arena,
	struct empty *answer);
/* The handler was rolled back, or the batch; or it was committed: numbers move, and who waits for
 * one of these accounts is handed out by changes_next_woken. */
void changes_handler_begin(struct changes *changes);
void changes_handler_rolled_back(struct changes *changes);
void changes_rolled_back(struct changes *changes);
void changes_committed(struct changes *changes);

/* What changed behind the number `seen`, and the number now. All, where `seen` is none of this
 * start's; nothing where it is 0. */
unsigned changes_since(
	const struct changes *changes, int64_t account, uint64_t seen, uint64_t *now);

void change_wait(struct changes *changes, struct caller *caller, struct change_waiter *waiter,
	int64_t account);
/* It doesn't wait any more; whether it did is the same. */
void change_wait_end(struct changes *changes, struct change_waiter *waiter);
/* The next one whose account changed; it still waits. NULL: no more. */
struct change_waiter *changes_next_woken(struct changes *changes);

#endif
