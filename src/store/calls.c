/* SPDX-License-Identifier: ISC
 *
 * calls.c - from a call to the part of the store that answers it. Runs in the store's thread,
 * inside a batch but for what is only read.
 */
#include "store/calls.h"

#include "base/log.h"
#include "store/accept.h"
#include "store/account.h"
#include "store/body.h"
#include "store/identity.h"
#include "store/listing.h"
#include "store/notice.h"
#include "store/outcome.h"
#include "store/work.h"
#include <unistd.h>

enum { SLICE_PIECES = 4, HEADER_SURPLUS = 65536 };

/* --- smtpd --- */

static void do_login(struct store *store, struct login_pool *logins, struct peer *peer)
{
	if (!login_begin(store, logins, &peer->ask.login, peer, &peer->arena, &peer->answer.login))
		peer->state = PEER_LOGS_IN;
}

static void do_sender(struct store *store, struct peer *peer)
{
	const struct sender_ask *ask = &peer->ask.sender;
	struct identity who = identity_of(store, ask->address, &peer->arena);
	bool own = ask->account && (uint64_t)who.account == ask->account;
	enum sender_outcome outcome = SENDER_NOT_OWNED;

	if (!ask->address.len || (own && who.kind != IDENTITY_ALIAS_OFF))
		outcome = SENDER_OWNED;
	else if (own)
		outcome = SENDER_ALIAS_INACTIVE;
	peer->answer.sender.outcome = outcome;
}

static enum recipient_outcome_kind judge_recipient(
	const struct recipient_ask *ask, const struct identity *who)
{
	if (who->secure && !ask->secured)
		return RECIPIENT_PLAINTEXT_REFUSED;
	switch (who->kind) {
	case IDENTITY_ACCOUNT:
		return RECIPIENT_LOCAL;
	case IDENTITY_ALIAS:
		return RECIPIENT_ALIAS;
	case IDENTITY_REMOTE:
		return ask->account ? RECIPIENT_REMOTE : RECIPIENT_RELAY_DENIED;
	default:
		return RECIPIENT_UNKNOWN;
	}
}

/* A plaintext attempt at a secure address is recorded, which takes a batch. False: there is none. */
static bool do_recipient(struct store *store, struct peer *peer, bool batch)
{
	const struct recipient_ask *ask = &peer->ask.recipient;
	struct identity who = identity_of(store, ask->address, &peer->arena);
	enum recipient_outcome_kind outcome = judge_recipient(ask, &who);

	peer->answer.recipient.outcome = outcome;
	if (outcome != RECIPIENT_PLAINTEXT_REFUSED)
		return true;
	if (batch)
		turned_away_record(store, &who, ask);
	return batch;
}

/* --- accept --- */

static bool begin_staging(struct store *store, struct peer *peer)
{
	struct staging *staging = &peer->staging;
	struct accept_plan plan;

	if (!accept_check(store, &peer->ask.accept, &peer->arena, &plan, &peer->answer.accept) ||
		!accept_has_room(store, staging->body.bytes.len, &peer->answer.accept))
		return false;
	staging->message = store_next_message(store);
	staging->pieces = body_pieces(staging->body.bytes.len);
	RUN(&store->db, LEFTOVER_STAGE, as_number(staging->message));
	peer->state = PEER_STAGES;
	return true;
}

/* A small body is read: that costs less than mapping it. */
static bool see_body(struct store *store, struct peer *peer, struct str *body, struct why *why)
{
	size_t max = store->settings->message_size + HEADER_SURPLUS, size;

	fd_unmap(&peer->staging.body);
	if (!fd_check_sealed(peer->fd_in, max, &size, why))
		return false;
	if (size <= sizeof store->small) {
		*body = (struct str){ store->small, size };
		return pread(peer->fd_in, store->small, size, 0) == (ssize_t)size ||
		       why_errno(why, "can't read the body");
	}
	if (!fd_map_sealed(peer->fd_in, max, &peer->staging.body, why))
		return false;
	*body = peer->staging.body.bytes;
	return true;
}

static void do_accept(struct store *store, struct peer *peer)
{
	struct accept_answer *answer = &peer->answer.accept;
	struct str body;
	struct why why;

	accept_failed(SQLITE_OK, answer);
	if (!see_body(store, peer, &body, &why)) {
		LOG(LOG_WARNING, "body-refused", log_str("mail", peer->ask.accept.id),
			log_text("why", why.text));
		return;
	}
	if (body.len > BODY_STAGED_ABOVE && begin_staging(store, peer))
		return;
	if (body.len <= BODY_STAGED_ABOVE)
		accept_message(
			store, &peer->ask.accept, body, peer->fd_in, 0, &peer->arena, answer);
	fd_unmap(&peer->staging.body);
}

void calls_stage(struct store *store, struct peer *peer)
{
	struct staging *staging = &peer->staging;
	int64_t n = staging->pieces - staging->written;

	if (n > SLICE_PIECES)
		n = SLICE_PIECES;
	body_write(store, staging->message, staging->body.bytes, staging->written, n);
	staging->written += n;
	if (staging->written < staging->pieces)
		return;
	accept_message(store, &peer->ask.accept, staging->body.bytes, peer->fd_in, staging->message,
		&peer->arena, &peer->answer.accept);
	if (peer->answer.accept.outcome != ACCEPT_TAKEN)
		calls_stop_staging(store, peer);
	peer->state = PEER_ANSWERED;
}

void calls_stop_staging(struct store *store, struct peer *peer)
{
	if (peer->staging.message)
		RUN(&store->db, LEFTOVER_ADD, as_number(peer->staging.message));
}

/* --- delivery and mailbox --- */

void calls_try_work(struct store *store, struct peer *peer)
{
	struct job *job = &peer->answer.work;

	if (work_next(store, &peer->worker, &peer->ask.work, &peer->arena, job, &peer->fd_out))
		peer->state = PEER_ANSWERED;
	else
		*job = (struct job){ 0 };
}

static void do_work(struct store *store, struct peer *peer)
{
	const struct work_ask *ask = &peer->ask.work;

	peer->answer.work = (struct job){ 0 };
	if (ask->has_outcome)
		outcome_report(store, &peer->worker, ask);
	else if (peer->worker.claim)
		schedule_give_back(store, &peer->worker);
	if (!ask->wants_job)
		return;
	peer->state = PEER_WAITS;
	peer->until = deadline_in((int64_t)(ask->wait_ms < DAY ? ask->wait_ms : DAY));
	calls_try_work(store, peer);
	if (peer->state == PEER_WAITS && !ask->wait_ms)
		peer->state = PEER_ANSWERED;
}

/* --- the operator --- */

static void do_notices_list(struct store *store, struct peer *peer)
{
	struct notices_answer *answer = &peer->answer.notices_list;
	int64_t account = account_find(store, peer->ask.notices_list.address, &peer->arena);

	*answer = (struct notices_answer){ 0 };
	if (account)
		notice_list(store, account, &peer->arena, answer);
	else
		*answer = (struct notices_answer){ .outcome = CTL_NOT_FOUND,
			.text = STR("there is no such account") };
}

static void run(struct store *store, struct peer *peer)
{
	struct arena *arena = &peer->arena;
	union call_ask *ask = &peer->ask;
	union call_answer *answer = &peer->answer;

	switch (peer->call) {
	case CALL_recipient:
		(void)do_recipient(store, peer, true);
		break;
	case CALL_accept:
		do_accept(store, peer);
		break;
	case CALL_work:
		do_work(store, peer);
		break;
	case CALL_user_add:
		account_add(store, &ask->user_add, arena, &answer->user_add);
		break;
	case CALL_user_list:
		account_list(store, arena, &answer->user_list);
		break;
	case CALL_user_passwd:
		account_passwd(store, &ask->user_passwd, arena, &answer->user_passwd);
		break;
	case CALL_user_remove:
		account_remove(store, ask->user_remove.address, arena, &answer->user_remove);
		break;
	case CALL_alias_show:
		account_show(store, ask->alias_show.address, arena, &answer->alias_show);
		break;
	case CALL_alias_set:
		account_set_alias(store, &ask->alias_set, arena, &answer->alias_set);
		break;
	case CALL_queue_list:
		listing_queue(store, &ask->queue_list, arena, &answer->queue_list);
		break;
	case CALL_queue_retry:
		listing_retry(store, &ask->queue_retry, arena, &answer->queue_retry);
		break;
	case CALL_queue_drop:
		listing_drop(store, &ask->queue_drop, arena, &answer->queue_drop);
		break;
	case CALL_notices_list:
		do_notices_list(store, peer);
		break;
	case CALL_store_status:
		listing_status(store, arena, &answer->store_status);
		break;
	case CALL_login: /* these were read */
	case CALL_sender:
	case CALLS_N:
		peer->state = PEER_FAILED;
	}
}

static bool read_call(struct store *store, struct login_pool *logins, struct peer *peer)
{
	switch (peer->call) {
	case CALL_login:
		do_login(store, logins, peer);
		return true;
	case CALL_sender:
		do_sender(store, peer);
		return true;
	case CALL_recipient:
		return do_recipient(store, peer, false);
	default:
		return false;
	}
}

bool calls_read(struct store *store, struct login_pool *logins, struct peer *peer)
{
	store->db.failure = SQLITE_OK;
	peer->state = PEER_ANSWERED;
	if (!read_call(store, logins, peer)) {
		peer->state = PEER_ASKED;
		return false;
	}
	if (store->db.failure != SQLITE_OK)
		calls_failed(peer, store->db.failure);
	return true;
}

void calls_run(struct store *store, struct peer *peer)
{
	peer->state = PEER_ANSWERED;
	store_handler_begin(store);
	run(store, peer);
	int failure = store->db.failure;
	if (!store_handler_end(store))
		calls_failed(peer, failure);
}

void calls_failed(struct peer *peer, int failure)
{
	fd_close(&peer->fd_out);
	peer->state = PEER_FAILED;
	if (peer->call != CALL_accept)
		return;
	accept_failed(failure, &peer->answer.accept);
	peer->state = PEER_ANSWERED;
}
