/* SPDX-License-Identifier: ISC
 *
 * header.h - the header section of a message, which anybody may have written. It is split into
 * fields (views into the message, folding included), and the addresses that claim to have sent
 * the message are read from it. What could be read in two ways is not guessed at: the result is
 * SENDERS_UNCLEAR, and a submission with it is refused (550 5.6.0).
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "mail/address.h"

enum { HEADER_SECTION_MAX = 262144, HEADER_FIELDS_MAX = 2048, HEADER_SENDERS_MAX = 256 };

/* The fields that mean something to a mail server. Names are compared without case. */
/* clang-format off */
#define HEADER_FIELDS(row) \
	row(FROM, "From") row(SENDER, "Sender") \
	row(RESENT_FROM, "Resent-From") row(RESENT_SENDER, "Resent-Sender") \
	row(BCC, "Bcc") row(RESENT_BCC, "Resent-Bcc") \
	row(DATE, "Date") row(MESSAGE_ID, "Message-ID") row(SUBJECT, "Subject") \
	row(RECEIVED, "Received") \
	row(TLS_REQUIRED, "TLS-Required") row(SIEGEL_TRANSPORT, "Siegel-Transport")
/* clang-format on */

#define HEADER_ENUM(name, text) HEADER_##name,
enum header_id { HEADER_OTHER, HEADER_FIELDS(HEADER_ENUM) HEADER_IDS_N };
#undef HEADER_ENUM

struct header_field {
	enum header_id id;
	struct str name;  /* without blanks before the colon */
	struct str value; /* behind the colon: folded, untrimmed, without the last CRLF */
	struct str whole; /* name to CRLF: leave these bytes out to remove the field */
};

struct header {
	struct header_field *fields; /* in the arena, in the order of the message */
	size_t n;
	size_t count[HEADER_IDS_N]; /* how many there are of each: count[HEADER_RECEIVED] = hops */
	struct str section;	    /* all fields with their CRLFs, without the empty line */
	struct str body;	    /* behind the empty line */
	bool tls_required_no;	    /* exactly one "TLS-Required: No" (RFC 8689 5) */
	const char *fault; /* NULL, or why the section is malformed: a line that is no field, a NUL,
			      a CR or LF on its own, too many fields, too large. The fields before
			      the fault are there, but must not be relied on. */
};

/* Split the header section of `message`. Always fills *header; false with header->fault set when
 * it is malformed. */
bool header_scan(struct str message, struct arena *arena, struct header *header) must_use;
/* The first field of that kind, or NULL. */
const struct header_field *header_find(const struct header *header, enum header_id id);

enum senders_reading {
	SENDERS_READ,	 /* every address of From, Sender, Resent-From, Resent-Sender is there */
	SENDERS_MISSING, /* there is no From field; the others are there */
	SENDERS_UNCLEAR, /* `why` says what; refuse a submission with 550 5.6.0 */
};

struct senders {
	struct address *at;
	size_t n;
	const char *why; /* for SENDERS_UNCLEAR: a text for the reply, pure ASCII */
};

/* All sender addresses (policy.md section 1). Duplicates are kept. Even with SENDERS_UNCLEAR the
 * list has those addresses that could be read. */
enum senders_reading header_senders(
	const struct header *header, struct arena *arena, struct senders *senders);

/* An unstructured value (a Subject, folded or not) as UTF-8 for listings: unfolded, RFC 2047
 * decoded, controls and malformed bytes replaced, at most `max` bytes, cut between characters
 * with an ellipsis. Decoding decoded text changes it only if it holds encoded words. Empty when
 * the arena is full. */
struct str header_decode(struct str value, struct arena *arena, size_t max);

#endif
