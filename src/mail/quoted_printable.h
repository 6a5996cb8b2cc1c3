/* SPDX-License-Identifier: ISC
 *
 * quoted_printable.h - RFC 2045 6.7: text whose bytes or lines don't fit as they are.
 */
#ifndef MAIL_QUOTED_PRINTABLE_H
#define MAIL_QUOTED_PRINTABLE_H

#include "base/buf.h"

/* Add text in lines of at most 76 characters. CRLF stays a line end; everything else that isn't
 * plain is encoded. Where the text doesn't end a line, neither does what is added. */
bool quoted_printable_encode(struct buf *to, struct str text);
/* The reverse, for lines that end in LF or CRLF; line ends become LF. What is malformed stays. */
bool quoted_printable_decode(struct buf *to, struct str encoded);

#endif
