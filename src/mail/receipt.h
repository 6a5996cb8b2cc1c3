/* SPDX-License-Identifier: ISC
 *
 * receipt.h - a receipt as bytes: records of what happened to a message, each one line of JSON, and
 * the statements that are signed (doc/receipts.md is the format). A line has one spelling, since
 * its bytes are what is hashed: fields in this order, none that is empty, no blanks.
 * Pure but for the digests.
 */
#ifndef MAIL_RECEIPT_H
#define MAIL_RECEIPT_H

#include "base/buf.h"
#include "base/signature.h"
#include "mail/demands.h"
#include "mail/envelope.h"
#include "mail/evidence.h"

/* RECORD_MAX bounds every record of at most RECORD_RECIPIENTS_MAX recipients and
 * RECORD_ATTEMPTS_MAX attempts, whatever is in it: texts are cut. */
enum {
	RECORD_RECIPIENTS_MAX = 100,
	RECORD_ATTEMPTS_MAX = 64,
	RECORD_SAID_MAX = 1024,
	RECORD_FIELD_MAX = 512,
	RECORD_MAX = 6 * 1024 * 1024,
};

/* What a record is about. */
#define RECORD_KINDS(row)                                                    \
	row(TAKEN, "taken")		/* we took the message, from whom */ \
		row(ATTEMPT, "attempt") /* an attempt to hand it on */       \
		row(MAILBOX, "mailbox") /* into a mailbox here */            \
		row(ENDED, "ended")	/* by the clock, the operator or the sender */

#define RECORD_KIND_ENUM(name, text) RECORD_##name,
enum record_kind { RECORD_KINDS(RECORD_KIND_ENUM) RECORD_KINDS_N };
#undef RECORD_KIND_ENUM

/* A recipient in a record, after it. */
#define RECORD_STATES(row)                                                                    \
	row(QUEUED, "queued") row(DELIVERED, "delivered") row(RELAYED, "relayed")             \
		row(WAITING, "waiting") row(SECOND_LOOK, "second-look") row(FAILED, "failed") \
			row(TAKEN_BACK, "taken-back") /* by its sender, before it left */

#define RECORD_STATE_ENUM(name, text) RECORD_STATE_##name,
enum record_state { RECORD_STATES(RECORD_STATE_ENUM) RECORD_STATES_N };
#undef RECORD_STATE_ENUM

struct record_recipient {
	struct str address;
	enum record_state state;
	demands demands;
	bool unenforced; /* "TLS-Required: No": nor is what its domain publishes */
	enum reason reason, last_reason;
	struct str code, said, host;
	enum transmission transmission;
	bool transmitted;	  /* `transport` says how */
	enum transport transport; /* what the message itself went over */
};

/* What a record begins with. */
struct record_head {
	uint64_t number;
	struct digest previous;
	int64_t time;
	enum record_kind kind;
	struct str message; /* queue id */
};

/* RECORD_TAKEN. */
struct record_taken {
	struct str origin; /* "outside", "account", "page", "here" */
	struct str sender;
	uint64_t size;
	struct str peer, helo, tls_version, cipher; /* empty: plaintext, or made here */
};

/* A record is written piece by piece: head, what is particular to its kind, recipients between
 * begin and end, attempts the same way, end. It has no newline. Whether all of it fitted, `to`
 * says at the end. */
void record_begin(struct buf *to, const struct record_head *head);
void record_taken(struct buf *to, const struct record_taken *taken);
void record_destination(struct buf *to, struct str destination);
void record_recipients_begin(struct buf *to);
void record_recipient(struct buf *to, const struct record_recipient *r);
void record_recipients_end(struct buf *to);
void record_attempts_begin(struct buf *to);
void record_attempt(struct buf *to, const struct evidence *e);
void record_attempts_end(struct buf *to);
void record_end(struct buf *to);

/* The record's own words of a number. */
const char *record_kind_name(enum record_kind kind);
const char *record_state_name(enum record_state state);
const char *transmission_name(enum transmission transmission);

/* Who states something, and when. */
struct statement_by {
	struct str server;
	struct digest key;
	int64_t time;
};

/* "The record of this number had this hash." Number 0, hash digest_none(): before the first. */
bool statement_checkpoint(
	struct buf *to, uint64_t number, const struct digest *hash, const struct statement_by *by);
/* "These are the records of this message": begin, one reference for each, end. `earlier` of them are
 * not listed; of records up to `removed` nothing is kept. */
void statement_message_begin(struct buf *to, struct str message);
void statement_reference(struct buf *to, uint64_t number, const struct digest *hash);
bool statement_message_end(
	struct buf *to, uint64_t earlier, uint64_t removed, const struct statement_by *by);
/* The line behind a statement. */
bool statement_signature(struct buf *to, const struct signature *signature);

/* How a line of each sort begins. No record has one of these anywhere else: quotes inside texts
 * are escaped. */
#define LINE_RECORD	"{\"version\":1,\"record\":"
#define LINE_CHECKPOINT "{\"version\":1,\"checkpoint\":"
#define LINE_MESSAGE	"{\"version\":1,\"message\":\""
#define LINE_SIGNATURE	"{\"signature\":\""

/* Reading, strictly, from the front of *rest, which moves behind it. */
bool line_skip(struct str *rest, const char *text) must_use;
bool line_number(struct str *rest, uint64_t *n) must_use;
bool line_digest(struct str *rest, struct digest *d) must_use;
/* The front of a record's line. */
struct record_link {
	uint64_t number;
	struct digest previous;
};
bool record_read_link(struct str line, struct record_link *link) must_use;

#endif
