/* SPDX-License-Identifier: ISC
 *
 * signature.h - SHA-256 and Ed25519 (RFC 8032), in the one spelling records are kept in: lower-case
 * hex, so that a digest, a key or a signature has one text and a changed letter is a change. Uses
 * libcrypto; whoever calls none of it isn't linked with it.
 */
#ifndef BASE_SIGNATURE_H
#define BASE_SIGNATURE_H

#include "base/str.h"
#include "base/why.h"

enum { DIGEST_HEX = 64, PUBLIC_KEY_HEX = 64, SIGNATURE_HEX = 128 };

/* Not NUL-terminated: a view is `digest_str(&d)`. A public key has the same length. */
struct digest {
	char hex[DIGEST_HEX];
};

struct signature {
	char hex[SIGNATURE_HEX];
};

static inline struct str digest_str(const struct digest *d)
{
	return (struct str){ d->hex, DIGEST_HEX };
}

static inline struct str signature_str(const struct signature *s)
{
	return (struct str){ s->hex, SIGNATURE_HEX };
}

/* 64 zeros: what stands before a first record. */
struct digest digest_none(void);
/* SHA-256. */
struct digest digest_of(struct str bytes);
/* Copy 64 lower-case hex digits; false if it isn't that. */
bool digest_read(struct str hex, struct digest *d) must_use;

/* A private key. */
struct signing_key;

/* Read the key at `path`, or make one where there is no such file (*made), mode 0600; and see to it
 * that its public half stands beside it at `public_path`, as PEM, for everybody to read. False and
 * why. Free with signing_key_free. */
bool signing_key_open(const char *path, const char *public_path, struct signing_key **key,
	bool *made, struct why *why) must_use;
void signing_key_free(struct signing_key **key);
/* Its public half, 32 bytes in hex. */
struct digest signing_key_public(const struct signing_key *key);
/* Sign some bytes. False: libcrypto failed. */
bool signing_key_sign(
	const struct signing_key *key, struct str bytes, struct signature *signature) must_use;

/* Is this the signature of the bytes by the key? Malformed hex is a no. */
bool signature_holds(struct str public_key, struct str bytes, struct str signature) must_use;
/* The key in a PEM file of a public key; false if it is no Ed25519 key. */
bool public_key_of_pem(struct str pem, struct digest *public_key) must_use;

#endif
