/* SPDX-License-Identifier: ISC
 *
 * lines.c - lines in large buffers: memchr finds the ends, and whole runs of lines without a dot
 * in front go on as one piece. State is kept only for where one buffer ends and the next begins.
 */
#include "smtpd/lines.h"

#include "smtpd/limits.h"

/* From `i`, inside a line, to behind its CR or the end. False: an LF stands alone. */
static bool within(struct lines *lines, struct str seen, size_t *i)
{
	struct str rest = str_tail(seen, *i);
	size_t end = str_find(rest, '\r');

	if (str_find(str_head(rest, end), '\n') < end)
		return false;
	lines->length += end;
	lines->too_long |= lines->length > LINE_TEXT;
	if (end < rest.len) {
		lines->at = LINE_CR;
		end++;
	}
	*i += end;
	return true;
}

/* Behind a dot that was taken off: text, or the CR that may end the message. */
static enum lines_step behind_dot(struct lines *lines, char c, size_t *used)
{
	if (lines->at == LINE_DOT_CR) {
		lines->at = LINE_START;
		*used = c == '\n';
		return c == '\n' ? LINES_END : LINES_BARE;
	}
	lines->at = c == '\r' ? LINE_DOT_CR : LINE_WITHIN;
	*used = c == '\r';
	return LINES_MORE;
}

/* The octet at `i`, at the edge of a line. False: it may not stand there. */
static bool edge(struct lines *lines, char c, size_t *i)
{
	if (lines->at == LINE_CR) {
		lines->at = LINE_START;
		++*i;
		return c == '\n';
	}
	lines->length = 0;
	lines->at = LINE_WITHIN;
	return true;
}

enum lines_step lines_next(
	struct lines *lines, bool dots, struct str seen, struct str *run, size_t *used)
{
	size_t i = 0;

	*run = str_head(seen, 0);
	*used = 0;
	if (seen.len && (lines->at == LINE_DOT || lines->at == LINE_DOT_CR))
		return behind_dot(lines, seen.at[0], used);
	while (i < seen.len) {
		bool starts = lines->at == LINE_START;
		if (starts && dots && seen.at[i] == '.') {
			lines->length = 0;
			lines->at = LINE_DOT;
			break;
		}
		if (lines->at == LINE_WITHIN ? !within(lines, seen, &i)
					     : !edge(lines, seen.at[i], &i))
			return LINES_BARE;
	}
	*run = str_head(seen, i);
	*used = i + (lines->at == LINE_DOT);
	return LINES_MORE;
}
