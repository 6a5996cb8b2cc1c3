/* SPDX-License-Identifier: ISC
 *
 * lines.h - the octets behind DATA and BDAT as lines: dots taken off, ends found, bare CR and LF
 * caught. Pure. Only CRLF.CRLF ends a message; whoever believes otherwise is let go of, so that
 * two servers never disagree about where a message ends (SMTP smuggling).
 */
#ifndef SMTPD_LINES_H
#define SMTPD_LINES_H

#include "base/scope.h"
#include "base/str.h"

/* Where in a line the next octet stands. Lives from the first octet of a message to its last;
 * begins as all zero. */
struct lines {
	enum { LINE_START, LINE_WITHIN, LINE_CR, LINE_DOT, LINE_DOT_CR } at;
	size_t length; /* of the line so far */
	bool too_long; /* a line had more than LINE_TEXT octets */
};

enum lines_step {
	LINES_MORE,
	LINES_END,  /* the line with the dot is behind us; *run is empty */
	LINES_BARE, /* a CR or LF that isn't CRLF; nothing behind it can be trusted */
};

/* Look at the front of `seen`: *run is a view of the next octets of the message, *used how many
 * octets to take from the front. Called again with the rest until nothing is left. `dots`: DATA,
 * where a dot in front of a line is taken off and one alone ends the message. */
enum lines_step lines_next(
	struct lines *lines, bool dots, struct str seen, struct str *run, size_t *used) must_use;

#endif
