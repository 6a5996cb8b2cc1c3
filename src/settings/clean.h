/* SPDX-License-Identifier: ISC
 *
 * clean.h - the text of a configuration as libconfuse may safely see it.
 */
#ifndef SETTINGS_CLEAN_H
#define SETTINGS_CLEAN_H

#include "base/buf.h"
#include "settings/mistakes.h"

/* Copy `text` to *to line by line: comments and semicolons become blanks, "${" loses its meaning inside double
 * quotes. Mistakes: NUL bytes, "${" outside quotes, strings and comments that don't end. False
 * when there was one; the text is not to be parsed then. */
bool settings_clean(struct str text, struct mistakes *mistakes, struct buf *to) must_use;

#endif
