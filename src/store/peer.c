/* SPDX-License-Identifier: ISC
 *
 * peer.c - see peer.h. Runs in the store's thread. What a peer sent is unpacked into an arena
 * with a maximum.
 */
#include "store/peer.h"

#include "base/must.h"
#include <stdlib.h>

/* The largest answer is a listing; a frame bounds it (FRAME_MAX). */
enum { PEER_ARENA = 32 * 1024 * 1024 };

struct peer *peer_open(int fd, enum role who)
{
	struct peer *peer = must_alloc(sizeof *peer);

	*peer = (struct peer){ .connection = server_open(fd, who),
		.worker = { .role = who },
		.arena = ARENA(PEER_ARENA),
		.fd_in = -1,
		.fd_out = -1 };
	return peer;
}

void peer_move(struct peer *peer, struct peer_list *list)
{
	if (peer->list) {
		*(peer->before ? &peer->before->behind : &peer->list->first) = peer->behind;
		*(peer->behind ? &peer->behind->before : &peer->list->last) = peer->before;
	}
	peer->list = list;
	peer->behind = NULL;
	peer->before = list ? list->last : NULL;
	if (!list)
		return;
	*(list->last ? &list->last->behind : &list->first) = peer;
	list->last = peer;
}

void peer_done(struct peer *peer)
{
	fd_close(&peer->fd_in);
	fd_close(&peer->fd_out);
	fd_unmap(&peer->staging.body);
	peer->staging = (struct staging){ 0 };
	arena_reset(&peer->arena);
	peer->state = PEER_LISTENS;
}

void peer_close(struct peer *peer)
{
	must(!peer->worker.claim);
	peer_move(peer, NULL);
	peer_done(peer);
	arena_free(&peer->arena);
	server_close(&peer->connection);
	free(peer);
}

bool peer_asks(struct peer *peer, const struct server_ask *ask)
{
	struct str rest = ask->message;
	bool good = false;

	peer->call = ask->call;
	peer->fd_in = ask->fd;
	peer->state = PEER_ASKED;
	switch (ask->call) {
#define UNPACK_CALL(name, ask_t, ...)                                        \
	case CALL_##name:                                                    \
		good = unpack_##ask_t(&rest, &peer->arena, &peer->ask.name); \
		break;
		CALLS(UNPACK_CALL)
#undef UNPACK_CALL
	case CALLS_N:
		break;
	}
	return good && rest.len == 0;
}

enum server_result peer_answer(struct peer *peer)
{
	bool good = false;
	int fd = peer->fd_out;

	peer->fd_out = -1;
	switch (peer->call) {
#define PACK_CALL(name, ...)                                                           \
	case CALL_##name:                                                              \
		good = server_answer_##name(peer->connection, &peer->answer.name, fd); \
		break;
		CALLS(PACK_CALL)
#undef PACK_CALL
	case CALLS_N:
		break;
	}
	return good ? server_send(peer->connection) : SERVER_CLOSED;
}
