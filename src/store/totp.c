/* SPDX-License-Identifier: ISC
 *
 * totp.c - see totp.h. Codes are anybody's.
 */
#include "store/totp.h"

#include "base/buf.h"
#include "base/must.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

enum { COUNTER_BYTES = 8, DIGEST_BYTES = 20, TEN_TO_DIGITS = 1000000, URI_MAX = 4096 };

uint32_t totp_code(struct str secret, int64_t step)
{
	unsigned char counter[COUNTER_BYTES], digest[DIGEST_BYTES];
	unsigned len = sizeof digest;

	for (int i = 0; i < COUNTER_BYTES; i++)
		counter[i] = (unsigned char)((uint64_t)step >> (8 * (COUNTER_BYTES - 1 - i)));
	must(HMAC(EVP_sha1(), secret.at, (int)secret.len, counter, sizeof counter, digest, &len) !=
		NULL);
	const unsigned char *at = digest + (digest[DIGEST_BYTES - 1] & 15);
	uint32_t number = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 |
			  (uint32_t)at[2] << 8 | at[3];
	return number % TEN_TO_DIGITS;
}

static bool read_digits(struct str text, uint32_t *code)
{
	uint64_t number;

	if (text.len != TOTP_DIGITS || !str_to_u64(text, &number))
		return false;
	*code = (uint32_t)number;
	return true;
}

bool totp_is_right(struct str secret, struct str digits, int64_t now, int64_t used, int64_t *step)
{
	uint32_t code;
	bool right = false;

	if (!read_digits(digits, &code))
		return false;
	for (int64_t at = now / TOTP_STEP - TOTP_DRIFT; at <= now / TOTP_STEP + TOTP_DRIFT; at++) {
		bool same = (totp_code(secret, at) ^ code) == 0;
		bool counts = (same & (at > used)) != 0;
		*step = counts ? at : *step;
		right |= counts;
	}
	return right;
}

struct str totp_secret(struct arena *arena)
{
	char bytes[TOTP_SECRET];

	must(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
	return arena_str(arena, (struct str){ bytes, sizeof bytes });
}

struct str totp_base32(struct arena *arena, struct str bytes)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	char text[TOTP_SECRET * 8 / 5];
	unsigned held = 0, bits = 0;
	size_t n = 0;

	must(bytes.len == TOTP_SECRET);
	for (size_t i = 0; i < bytes.len; i++) {
		held = (held << 8 | (unsigned char)bytes.at[i]) & 0xffff;
		for (bits += 8; bits >= 5; bits -= 5)
			text[n++] = letters[held >> (bits - 5) & 31];
	}
	return arena_str(arena, (struct str){ text, n });
}

/* RFC 3986 2.3: everything else is written as %XX. */
static void add_escaped(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
			buf_add_char(to, c);
		else
			buf_printf(to, "%%%02X", (unsigned)(unsigned char)c);
	}
}

struct str totp_uri(struct arena *arena, struct str issuer, struct str account, struct str secret)
{
	scoped(buf_free) struct buf uri = BUF(URI_MAX);
	struct str base32 = totp_base32(arena, secret);

	buf_add(&uri, STR("otpauth://totp/"));
	add_escaped(&uri, issuer);
	buf_add_char(&uri, ':');
	add_escaped(&uri, account);
	buf_add(&uri, STR("?secret="));
	buf_add(&uri, base32);
	buf_add(&uri, STR("&issuer="));
	add_escaped(&uri, issuer);
	return arena_str(arena, buf_str(&uri));
}
