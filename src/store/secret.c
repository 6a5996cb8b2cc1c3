/* SPDX-License-Identifier: ISC
 *
 * secret.c - see secret.h.
 */
#include "store/secret.h"

#include "base/must.h"
#include <string.h>
#include <sys/random.h>

static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

static void fill(unsigned char *bytes, size_t n)
{
	must(getrandom(bytes, n, 0) == (ssize_t)n);
}

struct str secret_hex(struct arena *arena, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[SECRET_BYTES_MAX];
	char hex[2 * SECRET_BYTES_MAX];

	must(bytes <= sizeof raw);
	fill(raw, bytes);
	for (size_t i = 0; i < bytes; i++) {
		hex[2 * i] = digits[raw[i] >> 4];
		hex[2 * i + 1] = digits[raw[i] & 15];
	}
	return arena_str(arena, (struct str){ hex, 2 * bytes });
}

struct str secret_letters(struct arena *arena, size_t groups)
{
	unsigned char raw[SECRET_GROUPS_MAX * SECRET_GROUP];
	char text[SECRET_GROUPS_MAX * (SECRET_GROUP + 1)];
	size_t n = 0;

	must(groups > 0 && groups <= SECRET_GROUPS_MAX);
	fill(raw, groups * SECRET_GROUP);
	for (size_t i = 0; i < groups * SECRET_GROUP; i++) {
		if (i && i % SECRET_GROUP == 0)
			text[n++] = '-';
		text[n++] = letters[raw[i] % (sizeof letters - 1)];
	}
	return arena_str(arena, (struct str){ text, n });
}

struct str secret_digest(struct arena *arena, struct str secret)
{
	struct digest digest = digest_of(secret);

	return arena_str(arena, digest_str(&digest));
}
