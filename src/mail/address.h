/* SPDX-License-Identifier: ISC
 *
 * address.h - mail addresses in the one form everything else compares: local part unquoted,
 * domain in lower-case A-labels. Whatever spelling a peer chooses (case, quoting, U-labels,
 * full-width letters), two addresses of one mailbox have one key. Length limits are RFC 5321
 * 4.5.3.1 (64, 255) and its errata 1690 (254 in all), counted in octets of the stored form.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/buf.h"

enum { ADDRESS_LOCAL_MAX = 64, ADDRESS_DOMAIN_MAX = 255, ADDRESS_MAX = 254 };

/* Plain data; the views point into the arena it was parsed with. The null reverse-path `<>` has
 * both parts empty; `<Postmaster>` without a domain has an empty domain. */
struct address {
	struct str local;  /* unquoted: no quotes, no backslashes; UTF-8 */
	struct str domain; /* lower-case A-labels, or a literal: "[ipv6:2001:db8::1]" */
	bool literal;	   /* the domain is an address literal */
};

/* Parse the whole of `text` as local@domain (dot-string or quoted-string @ domain or literal, UTF-8
 * as RFC 6531 3.3 allows). False: not an address, too long, or the arena is full. */
bool address_parse(struct str text, struct arena *arena, struct address *address) must_use;
/* Parse a path from the front of *rest and move behind its '>': <[@route:]local@domain>. The route
 * is checked and ignored (RFC 5321 4.1.2). PATH_REVERSE also takes <>, PATH_FORWARD <Postmaster>. */
enum address_path { PATH_REVERSE, PATH_FORWARD };
bool address_parse_path(struct str *rest, enum address_path kind, struct arena *arena,
	struct address *address) must_use;
/* A domain name as people write it (A- or U-labels, any case) -> lower-case A-labels. */
bool address_domain(struct str text, struct arena *arena, struct str *domain) must_use;
/* An address literal with its brackets: IPv4, or IPv6 behind "IPv6:". */
bool address_literal(struct str text) must_use;

/* `<>`. */
bool address_is_null(const struct address *a);
/* Write local@domain, the local part quoted where it has to be. Nothing for `<>`. */
bool address_write(struct buf *to, const struct address *a);
/* The same into an arena. {NULL, 0} when it is full. */
struct str address_text(struct arena *arena, const struct address *a);
/* The form accounts are looked up by: ASCII letters of the local part in lower case, "+..." cut
 * off, never quoted: "ada@secure.example.org". Not an address to send to. {NULL, 0}: arena full. */
struct str address_key(struct arena *arena, const struct address *a);
/* The part behind the last '@' of an address in written form; empty without one. A view. */
struct str address_domain_part(struct str written);

#endif
