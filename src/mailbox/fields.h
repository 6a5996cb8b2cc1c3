/* SPDX-License-Identifier: ISC
 *
 * fields.h - the header section of a message as it lies in a Maildir, whose lines end in LF or
 * CRLF. Forgiving, since it is read for people's eyes and for our own files: mail/header.h is for
 * what must be right.
 */
#ifndef MAILBOX_FIELDS_H
#define MAILBOX_FIELDS_H

#include "base/str.h"

struct field {
	struct str name;  /* empty where the line is no field */
	struct str value; /* behind the colon: folded, untrimmed */
	struct str whole; /* with its line ends */
};

/* The next field from the front of *rest, moved behind it; false at the empty line, behind which
 * *rest is the body, and at the end. */
bool fields_next(struct str *rest, struct field *field);

#endif
