/* SPDX-License-Identifier: ISC
 *
 * gate.h - how many may come in: sessions in all and of one address, and bytes of messages held
 * in memory. Beyond that a peer is turned away.
 */
#ifndef NET_GATE_H
#define NET_GATE_H

#include "net/listen.h"

struct gate;

enum gate_answer { GATE_OPEN, GATE_FULL, GATE_FULL_FOR_PEER };

/* Never freed but in tests. */
struct gate *gate_new(void);
void gate_free(struct gate **gate);

/* Count a session in, unless there are `most` already, or `most_of_peer` of this address. What is
 * GATE_OPEN must be given to gate_leave once. Any thread. */
enum gate_answer gate_enter(
	struct gate *gate, const struct peer *peer, uint64_t most, uint64_t most_of_peer);
void gate_leave(struct gate *gate, const struct peer *peer);
uint64_t gate_sessions(struct gate *gate);

/* Take n bytes out of `most`. False: they aren't there. Any thread. */
bool gate_take_bytes(struct gate *gate, uint64_t n, uint64_t most) must_use;
void gate_give_bytes(struct gate *gate, uint64_t n);

#endif
