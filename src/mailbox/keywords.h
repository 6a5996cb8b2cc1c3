/* SPDX-License-Identifier: ISC
 *
 * keywords.h - the letters a..z in a file's name: keywords of mail programs, whose names Dovecot keeps
 * for each folder in `dovecot-keywords`. The same keyword has another letter in another folder.
 */
#ifndef MAILBOX_KEYWORDS_H
#define MAILBOX_KEYWORDS_H

#include "base/clock.h"

enum { KEYWORDS_N = 26, KEYWORDS_WAIT = SECOND / 2 /* for a list that is being changed */ };

/* What keywords of the folder `from` (bits, 1 is `a`; the directory that holds `cur`) are in the folder
 * `to`, where names that it lacks are added; whoever has the folder locked is waited for. *left: those
 * that can't be said there, in letters of `from`. */
uint32_t keywords_carry(
	int from, int to, uint32_t keywords, struct deadline deadline, uint32_t *left);

#endif
