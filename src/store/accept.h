/* SPDX-License-Identifier: ISC
 *
 * accept.h - taking a message: who may send it, what every hop of it must prove, and the rows.
 */
#ifndef STORE_ACCEPT_H
#define STORE_ACCEPT_H

#include "store/identity.h"

/* How a message comes to us, which no other role may say. */
struct accept_terms {
	bool from_page; /* by somebody with a browser session: it crossed no network on its way */
	int64_t due;	/* it doesn't leave before; 0: at once */
	demands least;	/* what its author was shown, whatever was set since */
};

/* Whether and how a message is to be taken, worked out before anything is written. */
struct accept_plan {
	struct accept_terms terms;
	demands demands;	     /* the senders' and the message's */
	enum neighbour neighbour;    /* who handed it over, where nobody was logged in */
	bool alias;		     /* a secure address of ours sends it */
	bool unenforced;	     /* "TLS-Required: No", where it counts (RFC 8689 4.2) */
	int64_t deadline;	     /* of the account's alias; 0: the default */
	struct identity *recipients; /* one for each of the envelope */
};

/* What every hop of the planned message to this recipient must prove. */
demands accept_demands(
	const struct store *store, const struct accept_plan *plan, const struct identity *who);
/* May this account send as this address? Joins to the plan what follows; false: *answer says why
 * not. */
bool accept_sender(struct store *store, uint64_t account, struct str sender, struct arena *arena,
	struct accept_plan *plan, struct accept_answer *answer) must_use;

/* Read from the message itself what it says of its senders, and "TLS-Required: No", into *ask: what
 * smtpd says of them is not believed. False: it can't be read in one way, which for an account's
 * mail, and for a header that is none, is a refusal: *answer. The texts live in `arena`. */
bool accept_read_header(struct accept_ask *ask, struct str body, struct arena *arena,
	struct accept_answer *answer) must_use;
/* Is the message fit to be taken? Fills *plan; or *answer, returning false, if it isn't or has been
 * taken before (ACCEPT_TAKEN: an answer that was lost). Reads the database only. */
bool accept_check(struct store *store, const struct accept_ask *ask,
	const struct accept_terms *terms, struct arena *arena, struct accept_plan *plan,
	struct accept_answer *answer) must_use;
/* Is there room for so many bytes above the reserve? The disk is asked once a batch, and what the
 * batch takes is deducted. False: *answer is ACCEPT_FULL. */
bool accept_has_room(struct store *store, uint64_t size, struct accept_answer *answer) must_use;
/* Write message, body and recipients as planned; nothing is asked any more (our own letters come in
 * here). `staged`: the number under which the body was written before, or 0. `fd`: the body's
 * memfd, kept for whoever delivers it, or -1. False: it has no queue id, or the database failed. */
bool accept_write(struct store *store, const struct accept_ask *ask, const struct accept_plan *plan,
	struct str body, int fd, int64_t staged) must_use;
/* Check, and write. Database failures are sticky; accept_failed says what to answer. */
void accept_on(struct store *store, const struct accept_ask *ask, const struct accept_terms *terms,
	struct str body, int fd, int64_t staged, struct arena *arena, struct accept_answer *answer);
/* The same for what came by SMTP. */
void accept_message(struct store *store, const struct accept_ask *ask, struct str body, int fd,
	int64_t staged, struct arena *arena, struct accept_answer *answer);
/* What to answer when the database failed. */
void accept_failed(int failure, struct accept_answer *answer);

#endif
