/* SPDX-License-Identifier: ISC
 *
 * siphash.c - see siphash.h. The key comes from getrandom at first use and never leaves.
 */
#include "store/siphash.h"

#include "base/must.h"
#include <endian.h>
#include <string.h>
#include <sys/random.h>

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void rounds(uint64_t v[4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t word(const char *at, size_t n)
{
	uint64_t w = 0;

	memcpy(&w, at, n);
	return le64toh(w);
}

static void absorb(uint64_t v[4], uint64_t w)
{
	v[3] ^= w;
	rounds(v, 2);
	v[0] ^= w;
}

struct siphash siphash_keyed(struct str bytes, const uint64_t key[2], bool wide)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
	size_t length = bytes.len;
	struct siphash hash = { 0 };

	if (wide)
		v[1] ^= 0xee;
	for (; bytes.len >= 8; bytes = str_tail(bytes, 8))
		absorb(v, word(bytes.at, 8));
	absorb(v, (bytes.len ? word(bytes.at, bytes.len) : 0) | (uint64_t)length << 56);
	v[2] ^= wide ? 0xee : 0xff;
	rounds(v, 4);
	hash.low = v[0] ^ v[1] ^ v[2] ^ v[3];
	if (wide) {
		v[1] ^= 0xdd;
		rounds(v, 4);
		hash.high = v[0] ^ v[1] ^ v[2] ^ v[3];
	}
	return hash;
}

static const uint64_t *process_key(void)
{
	static uint64_t key[2];
	static bool made;

	if (!made) {
		must(getrandom(key, sizeof key, 0) == sizeof key);
		made = true;
	}
	return key;
}

uint64_t siphash_64(struct str bytes)
{
	return siphash_keyed(bytes, process_key(), false).low;
}

struct siphash siphash_128(struct str bytes)
{
	return siphash_keyed(bytes, process_key(), true);
}

bool siphash_eq(struct siphash a, struct siphash b)
{
	return ((a.high ^ b.high) | (a.low ^ b.low)) == 0;
}
