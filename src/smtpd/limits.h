/* SPDX-License-Identifier: ISC
 *
 * limits.h - what a peer may make us hold, do or wait for, where it isn't a setting. Each limit
 * has its reason beside it.
 */
#ifndef SMTPD_LIMITS_H
#define SMTPD_LIMITS_H

#include "base/clock.h"

enum {
	/* RFC 5321 4.5.3.1.4 says 512; MAIL grows by SIZE, BODY, SMTPUTF8 and AUTH, RCPT by 528 for
	 * DSN (RFC 3461 4), and senders don't count. */
	LINE_COMMAND = 2048,
	LINE_AUTH = 12288,	   /* RFC 4954 4.1 */
	LINE_TEXT = 998,	   /* RFC 5321 4.5.3.1.6, without CRLF */
	RECEIVED_MOST = 100,	   /* RFC 5321 6.3 */
	ERRORS_MOST = 20,	   /* syntax and order; a client that works makes none */
	REFUSED_RCPT_MOST = 100,   /* whoever tries addresses has to come again */
	FAILED_LOGINS_MOST = 3,	   /* in one session; the store counts over all of them */
	HEADER_SENDERS_ASKED = 16, /* different From addresses of one submission */
	U_DOMAINS_MAX = 1000,	   /* converted, of a From field nobody can read for sure */
	SUBJECT_MAX = 998,

	TRANSACTION_MAX = 8 << 20, /* envelope and parsed header of one transaction */
	DISCARD_MAX = 64 << 20,	   /* read on behind a refusal, so that the peer hears it */
	TEXT_BLOCK = 64 << 10,	   /* as much has to come within one command deadline */
	BODY_WRITE = 32 << 10,	   /* gathered before it goes to the memfd */
	BODY_STEP = 256 << 10,	   /* what bytes_in_flight is asked for at a time */

	HANDSHAKE_MS = 30 * SECOND,
	CROWDED_MS = 20 * SECOND, /* for a TEXT_BLOCK, while others wait for a thread */
	LOOK_UP_MS = 2 * SECOND,  /* how soon a thread that reads notices such things */
	CALL_MS = 30 * SECOND,	  /* waiting for the store */
	CALL_ACCEPT_MS = 120 * SECOND,
	PATIENCE_MS = 250,	      /* silence after which a session is parked */
	GOODBYE_MS = 200,	      /* to write a last reply behind a deadline */
	QUEUED_MOST_MS = 15 * SECOND, /* waiting for a thread; then 421 */
	STOP_MS = 20 * SECOND,	      /* for running transactions to end */
	THREAD_IDLE_MS = 5 * SECOND,  /* before a thread without work ends */
	THREAD_STACK = 256 << 10,
};

#endif
