/* SPDX-License-Identifier: ISC
 *
 * familiar.c - see familiar.h. Runs in the store's thread. Whoever has an account and many networks
 * can make others give way, which brings them no more than the throttle's usual wait.
 */
#include "store/familiar.h"

/* Where somebody is to be looked for depends on a keyed hash, so nobody can aim at another's place. */
static size_t set_of(int64_t account, uint64_t network)
{
	return (network + (uint64_t)account) % FAMILIAR_SETS;
}

static bool is_pair(const struct familiar_pair *pair, int64_t account, uint64_t network)
{
	return pair->account == account && pair->network == network;
}

void familiar_note(struct familiar *f, int64_t account, uint64_t network, int64_t now)
{
	struct familiar_pair *set = f->sets[set_of(account, network)], *place = set;

	for (size_t i = 0; i < FAMILIAR_WAYS && !is_pair(place, account, network); i++)
		if (is_pair(&set[i], account, network) || set[i].seen < place->seen)
			place = &set[i];
	*place = (struct familiar_pair){ account, network, now };
}

bool familiar_is(const struct familiar *f, int64_t account, uint64_t network, int64_t now)
{
	const struct familiar_pair *set = f->sets[set_of(account, network)];
	bool found = false;

	for (size_t i = 0; i < FAMILIAR_WAYS; i++)
		found |= is_pair(&set[i], account, network) && now - set[i].seen < FAMILIAR_FOR;
	return found && account;
}

void familiar_forget(struct familiar *f, int64_t account)
{
	for (size_t i = 0; i < FAMILIAR_SETS; i++)
		for (size_t j = 0; j < FAMILIAR_WAYS; j++)
			if (f->sets[i][j].account == account)
				f->sets[i][j] = (struct familiar_pair){ 0 };
}
