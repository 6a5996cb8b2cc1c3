/* SPDX-License-Identifier: ISC
 *
 * compose.h - a message as its writer meant it, in CRLF lines: header fields with every name and
 * subject (RFC 2047), the text, attachments (RFC 2045, 2183, 2231). Whatever values hold, none of
 * them ends its field or begins another. Names are UTF-8. Addresses are ASCII: see compose_address.
 */
#ifndef MAIL_COMPOSE_H
#define MAIL_COMPOSE_H

#include "mail/address.h"

struct compose_person {
	struct str name, address; /* address as compose_address wrote it; empty: the name alone */
};

struct compose_people {
	const struct compose_person *at;
	size_t n;
};

struct compose {
	struct compose_person from;
	struct compose_people to, cc, bcc;
	struct str subject;
	int64_t date;					/* wall-clock milliseconds */
	struct str message_id, in_reply_to, references; /* with their <>; empty: none */
};

/* What a person wrote as an address, as a header field and an envelope can carry it everywhere:
 * the domain in A-labels, the local part in ASCII. {NULL, 0} where it is none, or where its local
 * part would need SMTPUTF8 (RFC 6531), which messages from the pages don't use. */
struct str compose_address(struct str text, struct arena *arena);
/* "<id>" without anything that would end the field. */
bool compose_is_message_id(struct str text);

/* From, To, Cc, Bcc, Subject, Date, Message-ID, In-Reply-To, References, MIME-Version. Lists that
 * are empty have no field. */
bool compose_header(struct buf *to, const struct compose *message);
/* A field of a base64 value, folded. */
bool compose_field_base64(struct buf *to, struct str name, struct str bytes);
/* The fields and content of a text part; lines of `text` end in LF. `exact`: decoding gives the
 * very text, also where its last line doesn't end. Never holds "=_". */
bool compose_text(struct buf *to, struct str text, bool exact);
/* The fields of a multipart, and what stands before each part and behind the last one. The boundary
 * is "=_" and `seed`, letters and digits; compose_text and base64 never hold that. */
bool compose_multipart(struct buf *to, struct str seed);
bool compose_delimiter(struct buf *to, struct str seed, bool last);
/* The fields of an attachment in base64. A type that is none, or may not be encoded (RFC 2046 5.2.1),
 * is application/octet-stream. */
bool compose_attachment(struct buf *to, struct str type, struct str name);
/* Add base64 in lines; `bytes` a multiple of COMPOSE_LINE, but for the last piece. */
enum { COMPOSE_LINE = 57 };
bool compose_base64(struct buf *to, struct str bytes);

#endif
