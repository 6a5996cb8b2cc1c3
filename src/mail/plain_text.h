/* SPDX-License-Identifier: ISC
 *
 * plain_text.h - hostile bytes as text that can stand in a letter: no control characters, no
 * malformed UTF-8, nothing that turns the direction of writing, bounded, wrapped.
 */
#ifndef MAIL_PLAIN_TEXT_H
#define MAIL_PLAIN_TEXT_H

#include "base/buf.h"

/* Add `text` with every control character (line ends included) as a space and every malformed
 * byte as U+FFFD; cut between characters after at most `max` bytes, with an ellipsis. */
bool plain_text_add(struct buf *to, struct str text, size_t max);
/* The same in pure ASCII: anything else becomes '?'. Runs of blanks become one. */
bool plain_text_add_ascii(struct buf *to, struct str text, size_t max);
/* Add one paragraph of clean text in lines of at most 72 columns, CRLF at the end of each, the
 * first line behind `first`, the others behind as many blanks as `first` has columns. */
bool plain_text_wrap(struct buf *to, struct str first, struct str text);
/* Characters, not bytes, of well-formed UTF-8. */
size_t plain_text_columns(struct str text);

#endif
