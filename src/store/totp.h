/* SPDX-License-Identifier: ISC
 *
 * totp.h - time-based one-time passwords (RFC 6238) as every authenticator knows them: HMAC-SHA-1,
 * six digits, steps of 30 seconds.
 */
#ifndef STORE_TOTP_H
#define STORE_TOTP_H

#include "base/arena.h"

enum { TOTP_SECRET = 20, TOTP_DIGITS = 6, TOTP_STEP = 30000, TOTP_DRIFT = 1 };

/* The code of a step (RFC 4226 5.3). */
uint32_t totp_code(struct str secret, int64_t step);
/* Is `digits` the code of a step next to `now` (wall clock, milliseconds; a clock may be one step
 * off to either side) that is behind the step `used`? *step says which. Takes as long for a wrong
 * code as for a right one. */
bool totp_is_right(
	struct str secret, struct str digits, int64_t now, int64_t used, int64_t *step) must_use;
/* A new secret. */
struct str totp_secret(struct arena *arena);
/* The secret as people type it: base32 (RFC 4648 6) without padding. */
struct str totp_base32(struct arena *arena, struct str bytes);
/* What an authenticator reads from a QR code: otpauth://totp/ISSUER:ACCOUNT?secret=...&issuer=... */
struct str totp_uri(struct arena *arena, struct str issuer, struct str account, struct str secret);

#endif
