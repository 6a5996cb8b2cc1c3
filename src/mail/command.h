/* SPDX-License-Identifier: ISC
 *
 * command.h - the grammar of SMTP commands, strictly: RFC 5321 4.1.1, 3461 (DSN), 6531
 * (SMTPUTF8), 3030 (CHUNKING), 1870 (SIZE), 6152 (8BITMIME), 4954 (AUTH), 8689 (REQUIRETLS).
 * Pure: a line goes in, a struct or a refusal comes out. What may be said when is not decided
 * here. Lines come without their CRLF.
 */
#ifndef MAIL_COMMAND_H
#define MAIL_COMMAND_H

#include "mail/address.h"
#include "mail/envelope.h"

/* code 0: none. `text` is static ASCII and begins with the enhanced code: "5.5.4 ...". */
struct refusal {
	int code;
	const char *text;
};

/* row(NAME, text, argument) */
/* clang-format off */
#define VERBS(row) \
	row(EHLO, "EHLO", ARGUMENT_NEEDED) row(HELO, "HELO", ARGUMENT_NEEDED) \
	row(MAIL, "MAIL", ARGUMENT_NEEDED) row(RCPT, "RCPT", ARGUMENT_NEEDED) \
	row(DATA, "DATA", ARGUMENT_NONE) row(BDAT, "BDAT", ARGUMENT_NEEDED) \
	row(RSET, "RSET", ARGUMENT_NONE) row(NOOP, "NOOP", ARGUMENT_ANY) \
	row(QUIT, "QUIT", ARGUMENT_NONE) row(VRFY, "VRFY", ARGUMENT_NEEDED) \
	row(EXPN, "EXPN", ARGUMENT_NEEDED) row(HELP, "HELP", ARGUMENT_ANY) \
	row(STARTTLS, "STARTTLS", ARGUMENT_NONE) row(AUTH, "AUTH", ARGUMENT_NEEDED)
/* clang-format on */

#define VERB_ENUM(name, text, argument) VERB_##name,
enum verb { VERB_UNKNOWN, VERBS(VERB_ENUM) VERBS_N };
#undef VERB_ENUM

struct command {
	enum verb verb;
	struct str name;     /* as the peer wrote it */
	struct str argument; /* behind one space, trailing blanks removed; may be empty */
};

/* Split a line. 500 5.5.2 for an unknown verb or control bytes, 501 5.5.4 for an argument where none
 * is taken or none where one is needed. command->verb is set whenever the verb is known. */
struct refusal command_parse(struct str line, struct command *command);

/* The name in EHLO or HELO: a domain or an address literal, leniently (underscores; RFC 5321 4.1.4
 * forbids refusing wrong names) but only bytes that are safe in a Received field. */
struct refusal command_hello(struct str argument, struct str *name);

/* What EHLO announced in this session: a parameter of another extension is unknown (555 5.5.4). */
enum offer {
	OFFER_SIZE = 1,
	OFFER_8BITMIME = 2,
	OFFER_SMTPUTF8 = 4,
	OFFER_DSN = 8,
	OFFER_BINARYMIME = 16,
	OFFER_AUTH = 32,
	OFFER_REQUIRETLS = 64,
};

struct mail_command {
	struct address sender; /* null: address_is_null */
	bool has_size;
	uint64_t size;
	enum body_kind body;
	bool smtputf8, requiretls;
	enum dsn_ret ret;
	struct str envid; /* xtext as received, checked (RFC 3461 4.4); or empty */
};

/* "FROM:<path> parameters", with blanks behind the colon put up with. 501 5.1.7 bad path, 501
 * 5.5.4 bad or repeated parameter, 555 5.5.4 unknown parameter, 553 5.6.7 a UTF-8 address without
 * SMTPUTF8. Views point into the arena or `argument`. */
struct refusal command_mail(
	struct str argument, unsigned offers, struct arena *arena, struct mail_command *mail);

struct rcpt_command {
	struct address recipient; /* empty domain: <Postmaster> */
	unsigned notify;	  /* enum notify bits, 0: absent */
	struct str orcpt;	  /* "type;address" as received, checked; or empty */
};

/* "TO:<path> parameters". 501 5.1.3 bad path; otherwise as command_mail. `smtputf8`: MAIL had
 * that parameter; without it a UTF-8 address is refused (553 5.6.7). */
struct refusal command_rcpt(struct str argument, unsigned offers, bool smtputf8,
	struct arena *arena, struct rcpt_command *rcpt);

/* "size [LAST]" (RFC 3030). 501 5.5.4. */
struct refusal command_bdat(struct str argument, uint64_t *size, bool *last);

/* "mechanism [initial-response]" (RFC 4954). "=" is given as has_initial with an empty one. */
struct refusal command_auth(
	struct str argument, struct str *mechanism, bool *has_initial, struct str *initial);

/* RFC 3461 4: "+XX" for what isn't printable ASCII, '+' and '='. False: malformed. */
bool xtext_decode(struct buf *to, struct str xtext) must_use;
bool xtext_encode(struct buf *to, struct str text);
/* RFC 4648 4, strict: padding required, no blanks. False: malformed or no room. */
bool base64_decode(struct buf *to, struct str text) must_use;
bool base64_encode(struct buf *to, struct str bytes);

#endif
