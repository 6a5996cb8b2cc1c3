/* SPDX-License-Identifier: ISC
 *
 * charset.h - text in any character set as UTF-8.
 */
#ifndef MAILBOX_CHARSET_H
#define MAILBOX_CHARSET_H

#include "base/buf.h"

/* Load the character sets mail is written in, while files can be opened; others are unknown. */
void charset_load(void);

/* Add `bytes` as UTF-8, with U+FFFD for what is malformed and without control characters but \n
 * and \t; line ends become \n. A `charset` of NULL, or one that is unknown, is UTF-8 where that
 * fits and else windows-1252. Cut between characters where the buffer is full (`overflowed`).
 * False: something was replaced or guessed. */
bool charset_add(struct buf *to, struct str bytes, const char *charset);

#endif
