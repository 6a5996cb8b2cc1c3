/* SPDX-License-Identifier: ISC
 *
 * fold.h - words as they are searched for: what is put into the index and what is typed goes through the
 * same fold, so that "gross" finds "Groß". What is shown is never folded.
 */
#ifndef MAILBOX_FOLD_H
#define MAILBOX_FOLD_H

#include "base/buf.h"

/* So many bytes become of one at most; so many marks may be on a letter, the rest is dropped. */
enum { FOLD_GROWS = 16, FOLD_MARKS_MAX = 30 };

/* Append `text` in Unicode's compatibility composition and without case; the index's tokenizer does
 * away with accents afterwards. What is no UTF-8 is appended as it is. False: it doesn't fit. */
bool fold_add(struct buf *to, struct str text);

#endif
