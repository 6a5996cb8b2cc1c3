/* SPDX-License-Identifier: ISC
 *
 * columns.h - rows of text set out in aligned columns, for people to read on a terminal.
 */
#ifndef CTL_COLUMNS_H
#define CTL_COLUMNS_H

#include "base/buf.h"

enum { COLUMNS_MAX = 10 };

struct columns {
	size_t n;	  /* columns */
	struct buf cells; /* each ends in NUL */
	size_t widths[COLUMNS_MAX];
	size_t at; /* the column of the next cell */
};

/* Begin with the headings, separated by '|': "ID|TO". */
void columns_begin(struct columns *columns, const char *headings);
/* The next cell, row by row. Control bytes and bytes that are no UTF-8 become '?': what peers
 * sent must not move the operator's cursor. */
void columns_add(struct columns *columns, struct str cell);
void columns_printf(struct columns *columns, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Write it all, each line behind `indent`, and free it. */
void columns_end(struct columns *columns, const char *indent, struct buf *to);

/* One text for a terminal, as in a cell. */
void add_visible(struct buf *to, struct str text);
/* Milliseconds as people say them: "45 s", "12 min", "3 h", "2 d". */
void add_span(struct buf *to, int64_t ms);
/* Bytes as people say them: "812 bytes", "65 MiB", "1.5 GiB". */
void add_size(struct buf *to, uint64_t bytes);

#endif
