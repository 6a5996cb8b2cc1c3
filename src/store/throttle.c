/* SPDX-License-Identifier: ISC
 *
 * throttle.c - see throttle.h. Runs in the store's thread. Names and addresses are anybody's.
 */
#include "store/throttle.h"

#include "store/siphash.h"
#include <arpa/inet.h>
#include <string.h>

enum { NAME_ROOM = 256, NETWORK_BYTES = 8 };

/* Whoever has one IPv6 address has its /64. */
static struct str network_of(struct str peer, char room[NAME_ROOM])
{
	struct in6_addr address;

	if (peer.len >= NAME_ROOM)
		return str_head(peer, NAME_ROOM);
	memcpy(room, peer.at ? peer.at : "", peer.len);
	room[peer.len] = '\0';
	if (inet_pton(AF_INET6, room, &address) != 1)
		return peer;
	memcpy(room, &address, NETWORK_BYTES);
	return (struct str){ room, NETWORK_BYTES };
}

uint64_t throttle_key(char kind, struct str name)
{
	char network[NAME_ROOM], bytes[NAME_ROOM + 1] = { kind };

	if (kind == 'p')
		name = network_of(name, network);
	name = str_head(name, NAME_ROOM);
	if (name.len)
		memcpy(bytes + 1, name.at, name.len);
	uint64_t key = siphash_64((struct str){ bytes, name.len + 1 });
	return key ? key : 1;
}

static bool is_current(const struct throttled *entry, int64_t now)
{
	return entry->key && now - entry->since < THROTTLE_WINDOW;
}

static const struct throttled *find(const struct throttle *t, uint64_t key, int64_t now)
{
	const struct throttled *set = t->sets[key % THROTTLE_SETS];

	for (size_t i = 0; i < THROTTLE_WAYS; i++)
		if (set[i].key == key && is_current(&set[i], now))
			return &set[i];
	return NULL;
}

uint64_t throttle_count(const struct throttle *t, uint64_t key, int64_t now)
{
	const struct throttled *entry = find(t, key, now);

	return entry ? entry->failures : 0;
}

int64_t throttle_wait(const struct throttle *t, uint64_t key, int64_t now)
{
	const struct throttled *entry = find(t, key, now);

	return entry ? entry->since + THROTTLE_WINDOW - now : 0;
}

void throttle_failed(struct throttle *t, uint64_t key, int64_t now)
{
	struct throttled *set = t->sets[key % THROTTLE_SETS], *victim = NULL;

	for (size_t i = 0; i < THROTTLE_WAYS; i++) {
		if (!is_current(&set[i], now))
			set[i] = (struct throttled){ 0 };
		if (set[i].key == key) {
			set[i].failures++;
			return;
		}
		if (!victim || set[i].failures < victim->failures)
			victim = &set[i];
	}
	*victim = (struct throttled){ key, now, 1 };
}
