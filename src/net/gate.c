/* SPDX-License-Identifier: ISC
 *
 * gate.c - the counters all sessions share. Addresses are kept in a small hash table of those
 * that are here now; its keys are chosen by peers, so the hash has a secret of this process.
 */
#include "net/gate.h"

#include "base/must.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BUCKETS = 4096 };

struct guest {
	struct guest *next;
	unsigned char key[16];
	uint64_t sessions;
};

struct gate {
	pthread_mutex_t lock; /* guards all below */
	uint64_t sessions, bytes, secret;
	struct guest *buckets[BUCKETS];
};

struct gate *gate_new(void)
{
	struct gate *gate = must_alloc(sizeof *gate);

	must(pthread_mutex_init(&gate->lock, NULL) == 0);
	must(getrandom(&gate->secret, sizeof gate->secret, 0) == sizeof gate->secret);
	return gate;
}

void gate_free(struct gate **gate)
{
	if (*gate)
		pthread_mutex_destroy(&(*gate)->lock);
	free(*gate);
	*gate = NULL;
}

static struct guest **find(struct gate *gate, const unsigned char *key)
{
	uint64_t hash = gate->secret, half;

	for (size_t i = 0; i < 16; i += sizeof half) {
		memcpy(&half, key + i, sizeof half);
		hash = (hash ^ half) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	struct guest **at = &gate->buckets[hash % BUCKETS];
	while (*at && memcmp((*at)->key, key, 16) != 0)
		at = &(*at)->next;
	return at;
}

static void count_in(struct gate *gate, struct guest **at, const struct peer *peer)
{
	if (!*at) {
		*at = must_alloc(sizeof **at);
		memcpy((*at)->key, peer->key, sizeof peer->key);
	}
	(*at)->sessions++;
	gate->sessions++;
}

enum gate_answer gate_enter(
	struct gate *gate, const struct peer *peer, uint64_t most, uint64_t most_of_peer)
{
	enum gate_answer answer = GATE_OPEN;

	pthread_mutex_lock(&gate->lock);
	struct guest **at = find(gate, peer->key);
	if (gate->sessions >= most)
		answer = GATE_FULL;
	else if (*at && (*at)->sessions >= most_of_peer)
		answer = GATE_FULL_FOR_PEER;
	else
		count_in(gate, at, peer);
	pthread_mutex_unlock(&gate->lock);
	return answer;
}

void gate_leave(struct gate *gate, const struct peer *peer)
{
	pthread_mutex_lock(&gate->lock);
	struct guest **at = find(gate, peer->key), *guest = *at;
	must(guest && guest->sessions > 0 && gate->sessions > 0);
	gate->sessions--;
	if (--guest->sessions == 0) {
		*at = guest->next;
		free(guest);
	}
	pthread_mutex_unlock(&gate->lock);
}

uint64_t gate_sessions(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	uint64_t sessions = gate->sessions;
	pthread_mutex_unlock(&gate->lock);
	return sessions;
}

bool gate_take_bytes(struct gate *gate, uint64_t n, uint64_t most)
{
	pthread_mutex_lock(&gate->lock);
	bool there = n <= most && gate->bytes <= most - n;
	if (there)
		gate->bytes += n;
	pthread_mutex_unlock(&gate->lock);
	return there;
}

void gate_give_bytes(struct gate *gate, uint64_t n)
{
	pthread_mutex_lock(&gate->lock);
	must(gate->bytes >= n);
	gate->bytes -= n;
	pthread_mutex_unlock(&gate->lock);
}
