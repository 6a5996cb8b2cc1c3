/* SPDX-License-Identifier: ISC
 *
 * reply.h - what we answer, and what the conversation does next. Handlers make these; only
 * session.c writes them to a connection.
 */
#ifndef SMTPD_REPLY_H
#define SMTPD_REPLY_H

#include "base/buf.h"

enum next {
	NEXT_COMMAND,
	NEXT_TLS,   /* take the handshake */
	NEXT_DATA,  /* the message follows, up to the line with a dot */
	NEXT_CHUNK, /* the octets of BDAT follow; the reply comes behind them */
	NEXT_CLOSE,
};

/* Plain data. `text` may have several lines, '\n' between them; it is static or lives until the
 * next reply of the same session. */
struct reply {
	int code; /* 0: none */
	struct str text;
	enum next next;
};

#define REPLY(code, text)	     ((struct reply){ code, STR(text), NEXT_COMMAND })
#define REPLY_THEN(next, code, text) ((struct reply){ code, STR(text), next })

/* Append "250-first", "250 last" with CRLFs. */
void reply_write(struct buf *to, const struct reply *reply);

#endif
