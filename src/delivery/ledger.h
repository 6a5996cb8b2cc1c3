/* SPDX-License-Identifier: ISC
 *
 * ledger.h - what this process is sending, or has sent without the store having confirmed that
 * it knows. A store that was restarted hands out again what was in our hands; without this, two
 * workers would send one message.
 */
#ifndef DELIVERY_LEDGER_H
#define DELIVERY_LEDGER_H

#include "base/arena.h"
#include "call/message.h"

struct ledger;
struct ledger_entry;

struct ledger *ledger_new(void);
/* Open an entry for a job, after waiting until no other worker is sending to one of its
 * recipients. */
struct ledger_entry *ledger_open(struct ledger *ledger, const struct job *job);
/* True if the message was sent to this recipient already; *outcome is what to report then, its
 * texts in `arena`. */
bool ledger_was_sent(struct ledger *ledger, const struct job *job, uint64_t recipient,
	struct arena *arena, struct recipient_outcome *outcome);
/* The job is done: remember to whom it was sent. */
void ledger_done(struct ledger *ledger, struct ledger_entry *entry, const struct work_ask *report);
/* Done with *entry (may be NULL). `told`: the store that handed the job out has confirmed the
 * report; otherwise what was sent is remembered for a while. */
void ledger_close(struct ledger *ledger, struct ledger_entry **entry, bool told);

#endif
