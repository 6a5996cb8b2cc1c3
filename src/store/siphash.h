/* SPDX-License-Identifier: ISC
 *
 * siphash.h - SipHash-2-4 (Aumasson, Bernstein) under a random key of this process: for tables
 * whose keys others choose, and, with 128 bits, to recognize a password that was right a moment
 * ago without keeping it.
 */
#ifndef STORE_SIPHASH_H
#define STORE_SIPHASH_H

#include "base/str.h"

struct siphash {
	uint64_t high, low;
};

uint64_t siphash_64(struct str bytes);
struct siphash siphash_128(struct str bytes);
bool siphash_eq(struct siphash a, struct siphash b);
/* The function itself, under a key of one's own (test vectors). */
struct siphash siphash_keyed(struct str bytes, const uint64_t key[2], bool wide);

#endif
