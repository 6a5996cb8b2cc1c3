/* SPDX-License-Identifier: ISC
 *
 * stored.h - what the operator has stored of recipient domains' certificates (policy.md section 7).
 */
#ifndef STORE_STORED_H
#define STORE_STORED_H

#include "store/store.h"

enum { STORED_LISTED = 100, STORED_OF_DOMAIN = 16 };

/* For delivery. Reading alone: as committed, by the clock of now. */
void stored_entries(
	struct store *store, struct str domain, struct arena *arena, struct stored_answer *answer);
void stored_generation(struct store *store, struct generation_answer *answer);

/* For the operator. An entry that is there already gets the new note and date; a date
 * that has passed retires it. The answer has the
 * entries listed, added, or removed. */
void stored_list(struct store *store, const struct certificate_list_ask *ask, struct arena *arena,
	struct certificate_answer *answer);
void stored_add(struct store *store, const struct certificate_add_ask *ask, struct arena *arena,
	struct certificate_answer *answer);
void stored_remove(struct store *store, const struct certificate_remove_ask *ask,
	struct arena *arena, struct certificate_answer *answer);

/* Once a day: a line in the log for each entry that passes its date within a fortnight, or has. */
void stored_warn(struct store *store);

#endif
