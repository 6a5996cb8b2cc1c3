/* SPDX-License-Identifier: ISC
 *
 * password.h - a new password, from a terminal or a line of input, as the hash that is stored.
 */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include "base/buf.h"
#include "base/why.h"
#include "ctl/command.h"

enum { PASSWORD_MAX = 512 };

/* Ask on the terminal, twice and without echo; or, where `from_input` or the input is no
 * terminal, read one line of it. EXIT_USAGE and why: it is none, or the two differ; EXIT_FAULT and
 * why: nothing can be read. The caller wipes the buffer (password_wipe). */
enum exit_status password_read(
	bool from_input, const char *whose, struct buf *password, struct why *why) must_use;
/* Overwrite and free. */
void password_wipe(struct buf *password);
/* The crypt(5) hash (yescrypt) of a password, behind `to`. */
bool password_hash(struct str password, struct buf *to, struct why *why) must_use;
/* Is this a hash that logins can be checked against? */
bool password_is_hash(struct str hash, struct why *why) must_use;

#endif
