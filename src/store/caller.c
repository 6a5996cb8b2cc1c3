/* SPDX-License-Identifier: ISC
 *
 * caller.c - see caller.h. Runs in the store's thread. What a caller sent is unpacked into an arena
 * with a maximum.
 */
#include "store/caller.h"

#include "base/must.h"
#include <stdlib.h>

/* The largest answer is a listing; a frame bounds it (FRAME_MAX). */
enum { CALLER_ARENA = 32 * 1024 * 1024 };

struct caller *caller_open(int fd, enum role who)
{
	struct caller *caller = must_alloc(sizeof *caller);

	*caller = (struct caller){ .connection = server_open(fd, ROLE_STORE, who),
		.worker = { .role = who },
		.arena = ARENA(CALLER_ARENA),
		.fd_in = -1,
		.fd_out = -1 };
	return caller;
}

void caller_move(struct caller *caller, struct caller_list *list)
{
	if (caller->list) {
		*(caller->before ? &caller->before->behind : &caller->list->first) = caller->behind;
		*(caller->behind ? &caller->behind->before : &caller->list->last) = caller->before;
	}
	caller->list = list;
	caller->behind = NULL;
	caller->before = list ? list->last : NULL;
	if (!list)
		return;
	*(list->last ? &list->last->behind : &list->first) = caller;
	list->last = caller;
}

void caller_done(struct caller *caller)
{
	fd_close(&caller->fd_in);
	fd_close(&caller->fd_out);
	fd_unmap(&caller->staging.body);
	caller->staging = (struct staging){ 0 };
	arena_reset(&caller->arena);
	caller->state = CALLER_LISTENS;
}

void caller_close(struct caller *caller)
{
	must(!caller->worker.claim);
	caller_move(caller, NULL);
	caller_done(caller);
	arena_free(&caller->arena);
	server_close(&caller->connection);
	free(caller);
}

/* The calls that server.c lets nobody make here. */
#define CASE_OF(name, ...) case CALL_##name:

bool caller_asks(struct caller *caller, const struct server_ask *ask)
{
	struct str rest = ask->message;
	bool good = false;

	caller->call = ask->call;
	caller->fd_in = ask->fd;
	caller->state = CALLER_ASKED;
	switch (ask->call) {
#define UNPACK_CALL(name, ask_t, ...)                                            \
	case CALL_##name:                                                        \
		good = unpack_##ask_t(&rest, &caller->arena, &caller->ask.name); \
		break;
		STORE_CALLS(UNPACK_CALL)
#undef UNPACK_CALL
		MAILBOX_CALLS(CASE_OF)
		DELIVERY_CALLS(CASE_OF)
	case CALLS_N:
		break;
	}
	return good && rest.len == 0;
}

enum server_result caller_answer(struct caller *caller)
{
	bool good = false;
	int fd = caller->fd_out;

	caller->fd_out = -1;
	switch (caller->call) {
#define PACK_CALL(name, ...)                                                               \
	case CALL_##name:                                                                  \
		good = server_answer_##name(caller->connection, &caller->answer.name, fd); \
		break;
		STORE_CALLS(PACK_CALL)
#undef PACK_CALL
		MAILBOX_CALLS(CASE_OF)
		DELIVERY_CALLS(CASE_OF)
	case CALLS_N:
		break;
	}
	return good ? server_send(caller->connection) : SERVER_CLOSED;
}
