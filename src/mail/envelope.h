/* SPDX-License-Identifier: ISC
 *
 * envelope.h - the closed sets of numbers that travel with a message: RFC 3461 and RFC 6152
 * parameters, and what may be claimed about its transmission. All are stored on disk.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

/* RFC 3461 4.1. 0 means the parameter was absent. */
enum notify { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };
/* RFC 3461 4.3. */
enum dsn_ret { RET_ABSENT = 0, RET_FULL = 1, RET_HDRS = 2 };
/* RFC 6152, RFC 3030. */
enum body_kind { BODY_7BIT = 0, BODY_8BITMIME = 1, BODY_BINARYMIME = 2 };

/* What the letter may claim was transmitted. */
enum transmission {
	TRANSMISSION_NO_CONNECTION, /* no connection was made */
	TRANSMISSION_NOTHING,	    /* connected, nothing of the message was sent */
	TRANSMISSION_SEALED,	    /* sent sealed, not accepted */
	TRANSMISSION_UNSURE,	    /* sent sealed, outcome unknown */
	TRANSMISSION_PLAIN,	    /* opportunistic: sent without TLS */
};

#endif
