/* SPDX-License-Identifier: ISC
 *
 * reply.h - what another mail server answers, read line by line (RFC 5321 4.2, RFC 2034, RFC
 * 3463). Every byte is hostile: lines and texts are bounded, a changing code or a line without
 * one makes the reply malformed. The text is kept as it came; whoever shows it sanitizes it.
 */
#ifndef MAIL_REPLY_H
#define MAIL_REPLY_H

#include "base/buf.h"

enum { REPLY_LINE_MAX = 2048, REPLY_LINES_MAX = 128, REPLY_SAID_MAX = 8192 };

enum reply_progress { REPLY_MORE, REPLY_COMPLETE, REPLY_MALFORMED };

/* Owns `said`; give it back with remote_reply_free. */
struct remote_reply {
	int code;	   /* 200 to 599, 0 before the first line */
	char enhanced[12]; /* "5.7.10" of the first line if its class fits the code, or "" */
	struct buf said;   /* the lines as they came, '\n' between them; cut at REPLY_SAID_MAX */
	size_t lines;
	bool cut;
};

/* Start anew; the struct is zeroed, or was used before. */
void remote_reply_begin(struct remote_reply *reply);
void remote_reply_free(struct remote_reply *reply);
/* Take the next line, without its CRLF. */
enum reply_progress remote_reply_line(struct remote_reply *reply, struct str line) must_use;
/* Walk the texts behind the codes: `struct str rest = buf_str(&reply.said)`, then until false. */
bool remote_reply_next(struct str *rest, struct str *text);

/* What EHLO was answered with. */
enum extension {
	EXTENSION_STARTTLS = 1,
	EXTENSION_SIZE = 2,
	EXTENSION_8BITMIME = 4,
	EXTENSION_SMTPUTF8 = 8,
	EXTENSION_PIPELINING = 16,
	EXTENSION_DSN = 32,
	EXTENSION_CHUNKING = 64,
	EXTENSION_BINARYMIME = 128,
	EXTENSION_REQUIRETLS = 256,
	EXTENSION_ENHANCEDSTATUSCODES = 512,
};

struct extensions {
	unsigned set;	   /* enum extension bits */
	uint64_t size_max; /* 0: no limit named */
};

/* Read the extensions from a complete 250 reply to EHLO; the first line is the greeting. */
void remote_reply_extensions(const struct remote_reply *reply, struct extensions *extensions);

/* "4.7.10": class 2, 4 or 5, subject and detail up to three digits (RFC 3463 2). */
bool enhanced_code_is_valid(struct str code) must_use;

#endif
