/* SPDX-License-Identifier: ISC
 *
 * take.c - see take.h. Runs in the store's thread, inside a batch. What smtpd, or the web role, says
 * of the message's header is not believed: it is read from the body itself.
 */
#include "store/take.h"

#include "base/log.h"
#include "store/send.h"
#include <unistd.h>

enum { SLICE_PIECES = 4, HEADER_SURPLUS = 65536 };

/* A small body is read: that costs less than mapping it. */
static bool see_body(struct store *store, struct caller *caller, struct str *body, struct why *why)
{
	size_t max = store->settings->message_size + HEADER_SURPLUS, size;

	fd_unmap(&caller->staging.body);
	if (!fd_check_sealed(caller->fd_in, max, &size, why))
		return false;
	if (size <= sizeof store->small) {
		*body = (struct str){ store->small, size };
		return pread(caller->fd_in, store->small, size, 0) == (ssize_t)size ||
		       why_errno(why, "can't read the body");
	}
	if (!fd_map_sealed(caller->fd_in, max, &caller->staging.body, why))
		return false;
	*body = caller->staging.body.bytes;
	return true;
}

static bool begin_staging(struct store *store, struct caller *caller)
{
	struct staging *staging = &caller->staging;
	struct taking *taking = &caller->taking;
	struct accept_plan plan;

	if (!accept_check(
		    store, &taking->ask, &taking->terms, &caller->arena, &plan, &taking->answer) ||
		!accept_has_room(store, staging->body.bytes.len, &taking->answer))
		return false;
	staging->message = store_next_message(store);
	staging->pieces = body_pieces(staging->body.bytes.len);
	return RUN(&store->db, LEFTOVER_STAGE, as_number(staging->message));
}

static void decide(struct store *store, struct caller *caller, struct str body)
{
	struct taking *taking = &caller->taking;

	if (caller->call == CALL_send && !send_is_new(store, caller))
		return;
	accept_on(store, &taking->ask, &taking->terms, body, caller->fd_in, caller->staging.message,
		&caller->arena, &taking->answer);
	if (caller->call == CALL_send && taking->answer.outcome == ACCEPT_TAKEN)
		send_record(store, caller);
}

bool take_message(struct store *store, struct caller *caller)
{
	struct taking *taking = &caller->taking;
	struct str body;
	struct why why;

	accept_failed(SQLITE_OK, &taking->answer);
	if (!see_body(store, caller, &body, &why)) {
		LOG(LOG_WARNING, "body-refused", log_str("mail", taking->ask.id),
			log_text("why", why.text));
		return true;
	}
	bool read = (caller->call != CALL_send || send_read_body(caller, body)) &&
		    accept_read_header(&taking->ask, body, &caller->arena, &taking->answer);
	if (read && body.len > BODY_STAGED_ABOVE && begin_staging(store, caller))
		return false;
	if (read && body.len <= BODY_STAGED_ABOVE)
		decide(store, caller, body);
	fd_unmap(&caller->staging.body);
	return true;
}

bool take_slice(struct store *store, struct caller *caller)
{
	struct staging *staging = &caller->staging;
	int64_t n = staging->pieces - staging->written;

	if (n > SLICE_PIECES)
		n = SLICE_PIECES;
	body_write(store, staging->message, staging->body.bytes, staging->written, n);
	staging->written += n;
	if (staging->written < staging->pieces)
		return false;
	caller->taking.answer.outcome = ACCEPT_FAILED;
	decide(store, caller, staging->body.bytes);
	if (caller->taking.answer.outcome != ACCEPT_TAKEN)
		take_stop(store, caller);
	return true;
}

void take_stop(struct store *store, struct caller *caller)
{
	if (caller->staging.message)
		RUN(&store->db, LEFTOVER_ADD, as_number(caller->staging.message));
}
