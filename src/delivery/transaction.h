/* SPDX-License-Identifier: ISC
 *
 * transaction.h - one mail transaction with another server: MAIL, RCPT, DATA, and what became of
 * each recipient. The promise of the product is in the two prototypes: mail with demands needs a
 * `struct secure` that has proved them, and plaintext needs policy's permit.
 */
#ifndef DELIVERY_TRANSACTION_H
#define DELIVERY_TRANSACTION_H

#include "call/message.h"
#include "delivery/peer.h"

/* One recipient on its way through the hosts. */
struct addressee {
	const struct job_recipient *recipient;
	bool settled; /* no other host is asked in this job */
	bool known;   /* sent earlier, as the ledger says */
	bool heard;   /* `outcome` holds a reply of a host over an accepted channel */
	bool offered; /* in this transaction: the peer took the RCPT */
	struct recipient_outcome outcome;
};

/* A message with its addressees, for one transaction after another until all are settled. */
struct mail {
	const struct job *job;
	struct str body;
	struct addressee *addressees;
	size_t n;
	struct arena *arena; /* of the outcomes' texts */
	struct str host;     /* who is being talked to */
	atomic_int
		*committing; /* counts messages whose end was sent and whose outcome isn't told */
	bool counted;	     /* this one is among them */
};

/* What the transaction left behind. */
struct transaction {
	bool reusable;	 /* the connection is in step */
	bool silent;	 /* nothing was answered, or 421: a kept connection that had died */
	bool began;	 /* MAIL was said */
	struct str said; /* the last reply, in mail->arena */
};

/* Send `mail` to those not yet settled. The connection must have proved the job's demands. */
struct transaction send_message(struct secure *secure, struct peer *peer, struct mail *mail);
/* The same in plaintext, for mail without demands. */
struct transaction send_plain(
	struct plain *plain, struct plaintext_permit permit, struct peer *peer, struct mail *mail);

#endif
