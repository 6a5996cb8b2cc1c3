/* SPDX-License-Identifier: ISC
 *
 * why.h - why the world failed us, in one line for a log or an operator. A function that can
 * fail returns false and fills one; the caller decides whether to retry. Long texts are cut:
 * this is for people, no decision is ever made from it.
 */
#ifndef BASE_WHY_H
#define BASE_WHY_H

#include "base/str.h"

struct why {
	char text[256];
};

/* Fill *why (may be NULL) and return false, so that one can `return why_not(why, ...)`. */
bool why_not(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with ": " and the text of errno behind it. */
bool why_errno(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
