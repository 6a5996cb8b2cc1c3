/* SPDX-License-Identifier: ISC
 *
 * account.h - an account as it is shown: to people in a few lines, to programs as JSON.
 */
#ifndef CTL_ACCOUNT_H
#define CTL_ACCOUNT_H

#include "ctl/ctl.h"

json_t *account_json(const struct ctl *ctl, const struct user *user);
/* The store's answer about one account: print it, or say why not. */
enum exit_status account_answered(struct ctl *ctl, const struct user_answer *answer,
	void (*print)(struct ctl *ctl, const struct user *user));
/* "en" or "de". False: neither. */
bool language_of(const char *text, uint64_t *language) must_use;
const char *language_name(uint64_t language);
/* The same for people: "English". */
const char *language_word(uint64_t language);
/* The level's name; "?" for a number from a newer store. */
const char *level_text(uint64_t level);
/* How long mail of this account waits, in milliseconds. */
int64_t account_deadline(const struct ctl *ctl, const struct user *user);

#endif
