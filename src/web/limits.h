/* SPDX-License-Identifier: ISC
 *
 * limits.h - what a browser may take of us, and why that much. How many connections there may be
 * and how large a message is are settings (web_connections, message_size).
 */
#ifndef WEB_LIMITS_H
#define WEB_LIMITS_H

#include "base/clock.h"

enum {
	/* Request line and headers; browsers send under 2 KiB, a cookie of ours is 100 bytes. */
	CONNECTION_MEMORY = 16 * 1024,
	/* A JSON question: a draft's text is the largest, 1 MiB of it, escaped. */
	QUESTION_MAX = 4 * 1024 * 1024,
	/* The same where nobody is logged in yet: a name, a password, a code. */
	QUESTION_OPEN_MAX = 8 * 1024,
	/* Brackets, commas and colons in it, counted before anything is made of it: each value takes a
	 * hundred bytes. A draft has 1500 people at most, a change 1000 messages. */
	QUESTION_MARKS_MAX = 20000,
	/* What of a User-Agent is kept. */
	AGENT_MAX = 300,
	/* What an answer may take while it is put together: a frame, and its fields as structs. */
	ANSWER_ARENA = 24 * 1024 * 1024,

	/* Threads that work answers out: those that only ask store and mailbox, and those that may
	 * take seconds (passwords, preflight), which must not keep the others from their turn. */
	QUICK_THREADS = 24,
	SLOW_THREADS = 40,
	/* Of these, for one account, or one address where nobody is logged in: what one browser asks
	 * at once. Delivery looks for 16 at a time, and the mailbox role answers as many. */
	THREADS_OF_ONE = 6,
	WORKER_STACK = 256 * 1024,
	/* Questions that wait for a thread; with more of them nobody would wait for the last. */
	WAITING_MAX = 1000,

	/* An account may hold a quarter of bytes_in_flight, in bodies that come and answers that go,
	 * and a largest message in any case. Who has too much under way asks again so much later
	 * (seconds). How many requests that are: web_connections_per_address. */
	SHARES_OF_BYTES = 4,
	ANSWER_UNCOUNTED = 64 * 1024, /* what says that something was done is always said */
	RETRY_SOON = 5,

	/* Event streams: each has a thread that sleeps, for a heartbeat longer than the stream lasts.
	 * Of one session the oldest gives way; threads are counted by account. */
	STREAMS_MAX = 256,
	STREAMS_OF_ACCOUNT = 32,
	STREAMS_OF_SESSION = 6,
	STREAM_STACK = 128 * 1024,
	HEARTBEAT = 20 * SECOND,

	/* How long the peer of a connection may take: to say a whole request (TLS included), to
	 * send a body, to take an answer, to do nothing between requests. Each is counted from its
	 * beginning, so that a byte now and then wins nothing. */
	REQUEST_PATIENCE = 30 * SECOND,
	UPLOAD_PATIENCE = 15 * MINUTE,
	DOWNLOAD_PATIENCE = 15 * MINUTE,
	IDLE_PATIENCE = 60 * SECOND,
	/* And without a single byte. */
	SILENCE_SECONDS = 60,

	/* How long store and mailbox may take to answer, and delivery to look. */
	CALL_PATIENCE = 30 * SECOND,
	LOOK_PATIENCE = 60 * SECOND,
	/* How long a stop waits for answers under way. */
	STOP_PATIENCE = 10 * SECOND,
};

#endif
