/* SPDX-License-Identifier: ISC
 *
 * sts_refresh.c - see sts_refresh.h. Which policies are due is asked of the store, which has them
 * all.
 */
#include "delivery/sts_refresh.h"

#include "delivery/sts.h"

enum { AT_ONCE = 1000, MEMORY_MAX = 1024 * 1024, STORE_WAIT = 10 * SECOND };

#define STILL_USED (30 * (int64_t)DAY)

void sts_refresh_due(struct config *config)
{
	struct arena arena = ARENA(MEMORY_MAX);
	int64_t now = clock_wall_ms();
	const struct sts_due_ask ask = { .fetched_before = (uint64_t)(now - DAY),
		.used_after = (uint64_t)(now - STILL_USED),
		.limit = AT_ONCE };
	struct sts_due_answer due;
	struct why why;

	if (config->store && call_sts_due(config->store, &ask, -1, &arena, &due, NULL,
				     deadline_in(STORE_WAIT), &why))
		for (size_t i = 0; i < due.domains.len; i++)
			sts_refresh(config->sts, config, due.domains.at[i].text);
	arena_free(&arena);
}
