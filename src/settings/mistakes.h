/* SPDX-License-Identifier: ISC
 *
 * mistakes.h - the lines a wrong configuration is answered with:
 * "path:line: what is wrong; what would be right".
 */
#ifndef SETTINGS_MISTAKES_H
#define SETTINGS_MISTAKES_H

#include "base/buf.h"

struct mistakes {
	const char *path;
	struct buf *lines;
	size_t n;
};

/* Add one line. Line 0: the file as a whole, shown as line 1. */
void mistake(struct mistakes *mistakes, size_t line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
