/* SPDX-License-Identifier: ISC
 *
 * eight_bit.h - whether bytes can travel as an 8bit body (RFC 2045 2.8, RFC 6152).
 */
#ifndef MAIL_EIGHT_BIT_H
#define MAIL_EIGHT_BIT_H

#include "base/str.h"

/* Lines of at most 998 octets with CRLF between them; no NUL, no CR or LF of its own. */
bool eight_bit_is_fit(struct str s) must_use;

#endif
