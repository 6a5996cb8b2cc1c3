/* SPDX-License-Identifier: ISC
 *
 * store.h - what the store's one thread has in memory between two batches. The database is the
 * truth; all of this can be made again from it.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "call/message.h"
#include "settings/settings.h"
#include "store/body.h"
#include "store/change.h"
#include "store/database.h"
#include "store/familiar.h"
#include "store/receipt.h"
#include "store/schedule.h"
#include "store/seen.h"
#include "store/tally.h"
#include "store/throttle.h"
#include "store/turned_away.h"

/* What `siegel status` shows beside what is counted on the spot. Since the start of the store. */
#define FIGURES(row)                                                                              \
	row(ACCEPTED, "accepted") row(DELIVERED, "delivered") row(FAILED, "failed")               \
		row(SECOND_LOOKS, "second_looks") row(RETRIES, "retries") row(LETTERS, "letters") \
			row(TURNED_AWAY, "turned_away") row(BATCHES, "batches")                   \
				row(COMMITS_FAILED, "commits_failed")

#define FIGURE_ENUM(name, text) FIGURE_##name,
enum figure_number { FIGURES(FIGURE_ENUM) FIGURES_N };
#undef FIGURE_ENUM

/* recipient.delayed on disk. */
enum delayed { DELAYED_NO, DELAYED_DUE, DELAYED_TOLD };

struct store {
	struct sql db;
	const struct settings *settings;
	int64_t now;	 /* wall clock of this batch */
	int64_t started; /* wall clock */
	int64_t last_message;
	struct schedule schedule;
	struct body_cache cache;
	struct turned_away turned_away;
	struct receipts receipts;
	struct changes changes;
	struct tally tally, tally_before; /* of this batch; before this handler */
	struct throttle throttle;	  /* of wrong passwords and codes */
	struct familiar familiar;
	struct seen sessions_seen, app_passwords_seen;
	int64_t sessions_tidied;
	uint64_t figures[FIGURES_N];
	/* Messages that had a recipient change in this transaction: settled at its end. */
	struct {
		int64_t *at;
		size_t n, room;
	} touched;
	int64_t stored_warned; /* when stored_warn last looked; 0: not yet */
	uint64_t disk_free;    /* as of this batch; 0: not asked yet */
	char small[65536];     /* a body that isn't worth mapping, for one handler */
	bool accounts_changed; /* in this batch */
	bool users_due;	       /* and committed: auth/users is to be written */
	int64_t disk_told;     /* when an alarm last said so; 0: not yet */
	bool short_of_disk;    /* mail was refused for it: give back what the WAL holds */
	bool stale;	       /* the schedule no longer mirrors the database: load it again */
};

/* Open the database below the working directory and make the memory from it. `path` may be
 * ":memory:" in tests. False and why. */
bool store_open(struct store *store, const char *path, const struct settings *settings,
	struct why *why) must_use;
void store_close(struct store *store);

/* One transaction. store_commit settles what was touched, then commits; false: all of it is
 * rolled back, also in memory. */
void store_begin(struct store *store);
bool store_commit(struct store *store) must_use;
/* One handler in it. false: what the handler wrote is rolled back, the rest of the batch stands
 * unless store->db.failure is set. */
void store_handler_begin(struct store *store);
bool store_handler_end(struct store *store) must_use;

/* Remember that a recipient of this message changed. */
void store_touch(struct store *store, int64_t message);
/* A number for a new message; never given twice. */
int64_t store_next_message(struct store *store);
/* A queue id for a message of our own (a letter), made as smtpd makes them: 44 bits of
 * milliseconds, 20 of chance. */
int64_t store_make_id(struct store *store);
/* What is still to be had on disk, in bytes: free pages of the database included, what the next
 * checkpoint will take left out. */
uint64_t store_disk_free(struct store *store);

/* Queue ids: 16 lower-case hex digits outside, 64 bits inside. */
bool queue_id_parse(struct str text, int64_t *id) must_use;
struct str queue_id_text(struct arena *arena, int64_t id);
/* The number of the message with this queue id; 0: there is none. */
int64_t store_find_message(struct store *store, struct str id);

/* Beside the set of demands in a recipient's row, where the set is empty and the message says
 * "TLS-Required: No": such mail is under another rule, and waits and travels apart. On disk. */
enum { UNENFORCED = 0x100 };

/* The keys of a message's rows (schema.c). */
enum { RECIPIENTS_MAX = 16384, PIECES_MAX = 65536 };
static inline int64_t recipient_number(int64_t message, int64_t place)
{
	return message * RECIPIENTS_MAX + place;
}
static inline int64_t recipient_message(int64_t recipient)
{
	return recipient / RECIPIENTS_MAX;
}

#endif
