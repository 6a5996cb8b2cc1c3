/* SPDX-License-Identifier: ISC
 *
 * share.c - see share.h. Owners are kept in a tree, which stays balanced whatever addresses peers
 * come from.
 */
#include "web/share.h"

#include "base/must.h"
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct owner {
	uint64_t account;	   /* 0: nobody is logged in */
	unsigned char address[16]; /* then it counts */
};

struct share {
	struct owner owner; /* first: the tree compares it */
	struct shares *shares;
	uint64_t requests, bytes;
};

struct shares {
	pthread_mutex_t lock; /* guards all below, and the shares */
	void *tree;
};

struct shares *shares_new(void)
{
	struct shares *shares = must_alloc(sizeof *shares);

	must(pthread_mutex_init(&shares->lock, NULL) == 0);
	return shares;
}

void shares_free(struct shares **shares)
{
	must(!(*shares)->tree);
	pthread_mutex_destroy(&(*shares)->lock);
	free(*shares);
	*shares = NULL;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct owner));
}

/* With the lock held. */
static struct share *find_or_add(struct shares *shares, const struct owner *owner)
{
	void *found = tfind(owner, &shares->tree, compare);

	if (found)
		return *(struct share **)found;
	struct share *share = must_alloc(sizeof *share);
	*share = (struct share){ .owner = *owner, .shares = shares };
	must(tsearch(share, &shares->tree, compare));
	return share;
}

struct share *share_begin(
	struct shares *shares, uint64_t account, const struct peer *peer, uint64_t most)
{
	struct owner owner = { .account = account };

	if (!account)
		memcpy(owner.address, peer->key, sizeof owner.address);
	pthread_mutex_lock(&shares->lock);
	struct share *share = find_or_add(shares, &owner);
	bool full = share->requests > 0 && share->requests >= most;
	if (!full)
		share->requests++;
	pthread_mutex_unlock(&shares->lock);
	return full ? NULL : share;
}

void share_end(struct share *share, uint64_t bytes)
{
	if (!share)
		return;
	struct shares *shares = share->shares;
	pthread_mutex_lock(&shares->lock);
	must(share->requests > 0 && share->bytes >= bytes);
	share->bytes -= bytes;
	if (--share->requests == 0) {
		tdelete(share, &shares->tree, compare);
		free(share);
	}
	pthread_mutex_unlock(&shares->lock);
}

bool share_take(struct share *share, uint64_t n, uint64_t most)
{
	pthread_mutex_lock(&share->shares->lock);
	bool there = n <= most && share->bytes <= most - n;
	if (there)
		share->bytes += n;
	pthread_mutex_unlock(&share->shares->lock);
	return there;
}
