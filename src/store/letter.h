/* SPDX-License-Identifier: ISC
 *
 * letter.h - what the sender is told: one letter per message and moment, or a notice where no
 * letter may be sent. Composed by mail/dsn.h and queued in the transaction that ends the
 * recipient, so that it exists exactly once.
 */
#ifndef STORE_LETTER_H
#define STORE_LETTER_H

#include "mail/dsn.h"
#include "store/store.h"

/* A larger original is enclosed as its header alone. */
enum { LETTER_ORIGINAL_MAX = 10 * 1024 * 1024 };

/* Tell what is new about this message: failures, delays, successes that were asked for. Marks
 * them as told. Database failures are sticky. */
void letter_tell(struct store *store, int64_t message);
/* Tell the owner of an account that a report to the alias was turned away in plaintext. */
void letter_turned_away(
	struct store *store, int64_t account, struct str alias, struct str peer, struct str helo);

/* Tell the owner of an account what was turned away from the alias: `count` attempts in all. */
void letter_mail_turned_away(struct store *store, int64_t account, struct str alias,
	const struct dsn_turned_away *list, size_t n, uint64_t count);

#endif
