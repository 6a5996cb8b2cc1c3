/* SPDX-License-Identifier: ISC
 *
 * sts.c - see sts.h. Nothing is looked up yet: every domain's policy is unknown.
 */
#include "delivery/sts.h"

#include "base/must.h"
#include "net/fetch.h"
#include <stdlib.h>

struct sts_cache {
	struct client *store;
};

struct sts_cache *sts_cache_new(struct client *store)
{
	struct sts_cache *cache = must_alloc(sizeof *cache);

	fetch_prepare();
	cache->store = store;
	return cache;
}

void sts_cache_free(struct sts_cache **cache)
{
	free(*cache);
	*cache = NULL;
}

const struct sts_view *sts_find(struct sts_cache *cache, struct config *config, struct str domain,
	bool cold, struct deadline deadline)
{
	static const struct sts_view unknown = { .state = STS_UNKNOWN };

	(void)cache, (void)config, (void)domain, (void)cold, (void)deadline;
	return &unknown;
}

void sts_release(const struct sts_view **view)
{
	*view = NULL;
}

enum sts_again sts_again(struct sts_cache *cache, struct config *config,
	const struct sts_view **view, struct deadline deadline)
{
	(void)cache, (void)config, (void)view, (void)deadline;
	return STS_AGAIN_FAILED;
}
