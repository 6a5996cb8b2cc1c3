/* SPDX-License-Identifier: ISC
 *
 * receipt.h - the chain of records: one for each thing that happens to a message, numbered without
 * a gap, each holding the SHA-256 of the one before, written in the transaction that makes it true.
 * Records outlive the queue's rows by keep_receipts. Signed is what is stated about the chain (its
 * end, a message's records), when somebody asks and when records are removed: an Ed25519 signature for each
 * record would cost the store's one thread half as much again as the message itself, and prove no
 * more, since each record is bound to every later statement.
 */
#ifndef STORE_RECEIPT_H
#define STORE_RECEIPT_H

#include "base/arena.h"
#include "base/signature.h"
#include "call/message.h"
#include "mail/receipt.h"

struct store;
struct destination;

/* A signed statement about one message lists so many of its records, the newest. */
enum { RECEIPT_REFERENCES_MAX = 1000 };

struct receipts {
	struct signing_key *key;
	struct digest public_key;
	/* The end of the chain; read from disk where it isn't known, as after any failure. */
	bool known;
	uint64_t last;
	struct digest hash;
	/* The record in the making. */
	struct buf line;
	struct arena texts;
	struct buf address; /* of the recipient in hand, cut */
	struct str message;
	enum record_kind kind;
	const struct accept_ask *taken;
	bool from_page;
	const struct work_ask *report;
	const struct destination *destination;
	size_t recipients; /* in it so far */
	/* The end as of the last commit; what of it was last told to the log, and when. */
	uint64_t committed;
	uint64_t told;
	int64_t told_at;
};

/* Open the installation's key in the working directory; a first start makes one. False and why. */
bool receipts_open(struct store *store, struct why *why) must_use;
void receipts_close(struct store *store);
void receipts_committed(struct store *store);
/* Something was rolled back: what is in memory of the chain may not be on disk. */
void receipts_rolled_back(struct store *store);

/* Begin a record of a message with this queue id: of its being taken, by SMTP or from a page; of a worker's report; of what
 * nobody reported. Texts live until receipt_finish. */
void receipt_begin_taken(struct store *store, const struct accept_ask *ask, bool from_page);
void receipt_begin_report(struct store *store, enum record_kind kind, const struct work_ask *ask);
void receipt_begin_ended(struct store *store, int64_t message);
/* One recipient of it, at the destination. `host` said what it says in this attempt. */
void receipt_recipient(struct store *store, const struct destination *destination,
	const struct record_recipient *recipient);
/* Are the numbers of an attempt, another role's word, within our tables? Others are left out. */
bool receipt_attempt_is_sane(const struct attempt *attempt) must_use;
/* Write it, if there was a recipient. Database failures are sticky. */
void receipt_finish(struct store *store);

/* Is there a record of a message with this id? */
bool receipt_exists(struct store *store, int64_t id);

/* What the operator asks (messages.def): records, and a signed statement about them. */
void receipt_read(struct store *store, const struct receipt_ask *ask, struct arena *arena,
	struct receipt_answer *answer);
void receipt_sign(struct store *store, const struct receipt_sign_ask *ask, struct arena *arena,
	struct receipt_sign_answer *answer);

/* Remove some that have had their time, behind a signed checkpoint. True: there may be more. */
bool receipt_remove_some(struct store *store);
/* Tell the log the end of the chain, signed, once an hour where it has grown: a log kept elsewhere
 * shows a chain that was cut or written anew. Of what isn't committed yet nothing is said. */
void receipt_tell_log(struct store *store);

#endif
