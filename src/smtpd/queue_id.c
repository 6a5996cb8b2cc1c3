/* SPDX-License-Identifier: ISC
 *
 * queue_id.c - 44 bits of milliseconds since 1970, 20 bits of chance: ordered by time within a
 * process and hardly ever equal between two of them. Where chance goes backwards within a
 * millisecond, or the clock does, the last id is counted on. The store refuses a duplicate.
 */
#include "smtpd/queue_id.h"

#include "base/clock.h"
#include "base/must.h"
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>

static uint64_t chance(void)
{
	static atomic_uint_fast64_t state;
	uint64_t seed = atomic_load(&state);

	while (seed == 0) {
		uint64_t fresh = 0;
		must(getrandom(&fresh, sizeof fresh, 0) == sizeof fresh);
		if (atomic_compare_exchange_strong(&state, &seed, fresh | 1))
			seed = fresh | 1;
	}
	/* Knuth's multiplier; the upper bits are the good ones. */
	uint64_t next = seed * 6364136223846793005u + 1442695040888963407u;
	atomic_store(&state, next ? next : 1);
	return next >> 44;
}

void queue_id_new(char id[QUEUE_ID_LEN + 1])
{
	static atomic_uint_fast64_t last;
	uint64_t now = (uint64_t)clock_wall_ms() << 20 | chance();
	uint64_t before = atomic_load(&last), next;

	do
		next = now > before ? now : before + 1;
	while (!atomic_compare_exchange_weak(&last, &before, next));
	for (int i = QUEUE_ID_LEN - 1; i >= 0; i--, next >>= 4)
		id[i] = "0123456789abcdef"[next & 15];
	id[QUEUE_ID_LEN] = '\0';
}
