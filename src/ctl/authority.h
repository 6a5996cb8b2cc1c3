/* SPDX-License-Identifier: ISC
 *
 * authority.h - certificates of authorities in PEM, as an operator hands them over.
 */
#ifndef CTL_AUTHORITY_H
#define CTL_AUTHORITY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/why.h"

/* Append the certificates of a PEM text to `to` as they are stored: each in one form, nothing else
 * of the text (above all no key). False and why: there is none, one can't be read, is no CA, or
 * has expired; `to` may hold some then. */
bool authority_read(struct str text, struct buf *to, struct why *why) must_use;

struct authority {
	struct str subject; /* of the first, RFC 2253 */
	size_t n;	    /* how many there are */
	int64_t not_after;  /* when the first of all expires, wall clock; 0: there is none */
};
/* What a stored PEM text holds; the subject in `arena`. */
struct authority authority_of(struct str pem, struct arena *arena);

#endif
