/* SPDX-License-Identifier: ISC
 *
 * serve.c - take all calls that have arrived, BEGIN, run them, COMMIT, answer all: group commit
 * is a for-loop, and nothing is promised before it is on disk. Between two rounds the loop waits
 * for calls, for the password threads, and for the next thing the clock asks for.
 * One thread. Peers are other roles, possibly taken over: what they may ask is checked by
 * call/server.c, what they say by the handlers.
 */
#include "store/serve.h"

#include "base/log.h"
#include "base/must.h"
#include "store/calls.h"
#include "store/clean.h"
#include "store/settle.h"
#include "store/work.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	/* Connections of all roles together; a role that makes more has gone mad. */
	PEERS_MAX = 8192,
	CLEAN_BUSY = 1000,
	CLEAN_IDLE = 60000,
	/* After a batch without calls failed (a full disk, say), before it is tried again. */
	PAUSE_AFTER_FAILURE = 1000,
	CLAIM_MAX = 2 * HOUR,
};

enum watched_kind { WATCHED_CONTROL, WATCHED_CTL, WATCHED_LOGIN, WATCHED_EDGE, WATCHED_PEER };

/* What an epoll event points to. */
struct watched {
	enum watched_kind kind;
	int fd;
	enum role role;
	struct peer *peer;
};

struct serve {
	struct store *store;
	struct start *start;
	const struct users_file *users;
	struct login_pool *logins;
	int epoll;
	struct watched control, ctl, login;
	struct peer_list idle, round, waiting, staging;
	struct deadline clean, pause, no_cut;
	size_t n_peers;
	bool clock_due_again, idle_now, logins_decided, stop;
};

/* --- connections --- */

static void watch(struct serve *serve, struct watched *watched, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watched };

	must(epoll_ctl(serve->epoll, operation, watched->fd, &event) == 0);
}

static void open_peer(struct serve *serve, int fd, enum role who)
{
	if (serve->n_peers >= PEERS_MAX) {
		LOG(LOG_ALARM, "too-many-connections", log_text("from", role_name(who)));
		close(fd);
		return;
	}
	serve->n_peers++;
	struct peer *peer = peer_open(fd, who);
	struct watched *watched = must_alloc(sizeof *watched);
	*watched = (struct watched){ WATCHED_PEER, fd, who, peer };
	peer->connection->owner = watched;
	peer_move(peer, &serve->idle);
	watch(serve, watched, EPOLL_CTL_ADD, EPOLLIN);
}

/* Between batches only. */
static void close_peer(struct serve *serve, struct peer *peer)
{
	struct watched *watched = peer->connection->owner;

	if (peer->state == PEER_STAGES) {
		serve->store->db.failure = SQLITE_OK;
		calls_stop_staging(serve->store, peer);
	}
	login_forget(serve->logins, peer);
	schedule_worker_gone(serve->store, &peer->worker);
	peer_close(peer);
	free(watched);
	serve->n_peers--;
}

static void want_out(struct serve *serve, struct peer *peer, bool out)
{
	if (peer->sending == out)
		return;
	peer->sending = out;
	watch(serve, peer->connection->owner, EPOLL_CTL_MOD, out ? EPOLLOUT : EPOLLIN);
}

static void sent(struct serve *serve, struct peer *peer, enum server_result result)
{
	if (result == SERVER_CLOSED) {
		close_peer(serve, peer);
		return;
	}
	want_out(serve, peer, result == SERVER_WAIT);
	if (result == SERVER_SENT)
		peer_done(peer);
}

static void answer(struct serve *serve, struct peer *peer)
{
	peer_move(peer, &serve->idle);
	if (peer->state == PEER_FAILED)
		close_peer(serve, peer);
	else
		sent(serve, peer, peer_answer(peer));
}

/* Questions that only take reading needn't wait for a commit. */
static void take_call(struct serve *serve, struct peer *peer)
{
	if (!calls_read(serve->store, serve->logins, peer))
		peer_move(peer, &serve->round);
	else if (peer->state != PEER_LOGS_IN)
		answer(serve, peer);
}

static void hear(struct serve *serve, struct peer *peer)
{
	struct server_ask ask;

	if (peer->sending) {
		sent(serve, peer, server_send(peer->connection));
		return;
	}
	enum server_result result = server_next(peer->connection, &ask);
	if (result == SERVER_WAIT)
		return;
	if (result == SERVER_ASKED && peer_asks(peer, &ask)) {
		take_call(serve, peer);
		return;
	}
	if (result == SERVER_ASKED)
		LOG(LOG_ALARM, "call-malformed", log_text("from", role_name(peer->connection->who)),
			log_text("call", call_rules[ask.call].name));
	close_peer(serve, peer);
}

static void take_edge(struct serve *serve, int fd, enum role peer)
{
	struct watched *watched = must_alloc(sizeof *watched);

	*watched = (struct watched){ WATCHED_EDGE, fd, peer, NULL };
	must(fd_set_nonblocking(fd, true));
	watch(serve, watched, EPOLL_CTL_ADD, EPOLLIN);
}

static void take_connections(struct serve *serve, struct watched *edge)
{
	int fd;

	errno = EAGAIN;
	while ((fd = server_rendezvous(edge->fd)) >= 0)
		open_peer(serve, fd, edge->role);
	if (errno == EAGAIN)
		return;
	close(edge->fd);
	free(edge);
}

static void take_ctl(struct serve *serve)
{
	int fd;

	while ((fd = server_accept_ctl(serve->ctl.fd)) >= 0)
		open_peer(serve, fd, ROLE_CTL);
}

static void take_logins(struct serve *serve)
{
	struct login_answer answered;
	void *token;

	while (login_next(serve->logins, &answered, &token)) {
		struct peer *peer = token;
		if (!peer)
			continue;
		peer->answer.login = answered;
		peer->state = PEER_ANSWERED;
		answer(serve, peer);
	}
}

static void take_control(struct serve *serve)
{
	struct start_event event = start_next(serve->start);

	switch (event.kind) {
	case START_EDGE:
		take_edge(serve, event.fd, event.peer);
		break;
	case START_RELOAD:
		serve->store->settings = serve->start->settings;
		serve->store->accounts_changed = true;
		break;
	case START_STOP:
	case START_GONE:
		serve->stop = true;
		break;
	}
}

static void happened(struct serve *serve, struct watched *watched)
{
	switch (watched->kind) {
	case WATCHED_CONTROL:
		take_control(serve);
		break;
	case WATCHED_CTL:
		take_ctl(serve);
		break;
	case WATCHED_LOGIN:
		serve->logins_decided = true;
		break;
	case WATCHED_EDGE:
		take_connections(serve, watched);
		break;
	case WATCHED_PEER:
		hear(serve, watched->peer);
		break;
	}
}

/* --- a batch --- */

/* Who holds a connection to the destination that is due is asked first. */
static void hand_out_work(struct serve *serve)
{
	struct store *store = serve->store;

	for (int preference = 1; preference >= 0; preference--)
		for (struct peer *peer = serve->waiting.first; peer; peer = peer->behind)
			if (peer->state == PEER_WAITS &&
				(preference == 0 || peer->ask.work.prefer_destination.len) &&
				work_may_be_there(
					store, &peer->worker, &peer->ask.work, preference == 1))
				calls_try_work(store, peer);
}

static void do_clock(struct serve *serve)
{
	serve->clock_due_again = false;
	if (!deadline_passed(serve->pause))
		return;
	serve->clock_due_again = settle_clock(serve->store);
	if (!deadline_passed(serve->clean))
		return;
	bool more = clean_some(serve->store);
	serve->clock_due_again |= more;
	bool busy = more || serve->round.first;
	serve->clean = deadline_in(more ? 0 : busy ? CLEAN_BUSY : CLEAN_IDLE);
	serve->idle_now = !busy;
}

static void do_staging(struct serve *serve)
{
	struct peer *peer = serve->staging.first;

	if (!peer)
		return;
	calls_stage(serve->store, peer);
	peer_move(peer, &serve->staging); /* the next one's turn */
}

static bool run_batch(struct serve *serve)
{
	struct store *store = serve->store;

	store_begin(store);
	for (struct peer *peer = serve->round.first; peer; peer = peer->behind)
		calls_run(store, peer);
	do_staging(serve);
	do_clock(serve);
	if (store->db.failure == SQLITE_OK && settle_touched(store))
		hand_out_work(serve);
	return store_commit(store);
}

/* --- after it --- */

static void pass_on(struct serve *serve, struct peer *peer)
{
	if (peer->state == PEER_WAITS)
		peer_move(peer, &serve->waiting);
	else if (peer->state == PEER_STAGES)
		peer_move(peer, &serve->staging);
	else
		answer(serve, peer);
}

static void answer_decided(struct serve *serve, struct peer_list *list)
{
	for (struct peer *peer = list->first, *next; peer; peer = next) {
		next = peer->behind;
		peer->staging.committed = peer->staging.written;
		if (peer->state >= PEER_ANSWERED)
			answer(serve, peer);
	}
}

static void answer_all(struct serve *serve)
{
	answer_decided(serve, &serve->waiting);
	answer_decided(serve, &serve->staging);
	while (serve->round.first)
		pass_on(serve, serve->round.first);
}

/* Nothing of the batch is on disk, so nothing of it is said. */
static void take_back(struct serve *serve)
{
	for (struct peer *peer = serve->waiting.first; peer; peer = peer->behind) {
		fd_close(&peer->fd_out);
		peer->state = PEER_WAITS;
	}
	for (struct peer *peer = serve->staging.first; peer; peer = peer->behind) {
		peer->staging.written = peer->staging.committed;
		peer->state = PEER_STAGES;
	}
}

/* Once more each on its own, so that one that can't succeed doesn't fail the others: an outcome
 * still fits on a disk that is too full for new mail. */
static void run_one_by_one(struct serve *serve)
{
	struct store *store = serve->store;

	for (struct peer *peer = serve->round.first; peer; peer = peer->behind) {
		fd_close(&peer->fd_out);
		store_begin(store);
		calls_run(store, peer);
		if (!store_commit(store))
			calls_failed(peer, store->db.failure);
	}
}

static void fail_staging(struct serve *serve, int failure)
{
	for (struct peer *peer = serve->staging.first, *next; peer; peer = next) {
		next = peer->behind;
		serve->store->db.failure = SQLITE_OK;
		calls_stop_staging(serve->store, peer);
		calls_failed(peer, failure);
		answer(serve, peer);
	}
}

static void write_users(struct serve *serve)
{
	struct why why;

	serve->store->accounts_changed = false;
	serve->store->db.failure = SQLITE_OK;
	if (!users_file_write(serve->users, serve->store, &why))
		LOG(LOG_ALARM, "users-file", log_text("why", why.text));
}

/* After the answers: nobody waits for a checkpoint. */
static void tidy_wal(struct serve *serve)
{
	struct store *store = serve->store;
	bool cut = serve->idle_now || (store->short_of_disk && deadline_passed(serve->no_cut));

	if (cut)
		serve->no_cut = deadline_in(PAUSE_AFTER_FAILURE);
	if (store->db.wal_pages >= DATABASE_WAL_PAGES || (cut && store->db.wal_pages > 0))
		database_checkpoint(&store->db, cut);
	serve->idle_now = false;
	store->short_of_disk = false;
}

static void do_round(struct serve *serve)
{
	if (!run_batch(serve)) {
		int failure = serve->store->db.failure;
		LOG(LOG_ALARM, "batch-failed", log_u64("code", (uint64_t)failure));
		serve->pause = deadline_in(PAUSE_AFTER_FAILURE);
		take_back(serve);
		if (database_is_full(failure))
			database_checkpoint(&serve->store->db, true);
		run_one_by_one(serve);
		fail_staging(serve, failure);
	}
	answer_all(serve);
	if (serve->store->accounts_changed)
		write_users(serve);
	tidy_wal(serve);
}

/* --- waiting --- */

static int64_t wall_wait(const struct serve *serve)
{
	struct store *store = serve->store;
	int64_t now = clock_wall_ms();

	store->db.failure = SQLITE_OK;
	int64_t event = row_only_number(&store->db, ASK_PLAIN(&store->db, EVENT_NEXT));
	if (!event)
		event = INT64_MAX;
	if (serve->waiting.first && schedule_wake(&store->schedule) < event)
		event = schedule_wake(&store->schedule);
	return event > now ? event - now : 0;
}

static bool work_for_somebody(struct serve *serve)
{
	serve->store->now = clock_wall_ms();
	for (const struct peer *peer = serve->waiting.first; peer; peer = peer->behind)
		if (work_may_be_there(serve->store, &peer->worker, &peer->ask.work, false))
			return true;
	return false;
}

static struct deadline next_deadline(struct serve *serve)
{
	struct deadline next = deadline_earlier(serve->clean, deadline_in(CLEAN_IDLE));
	int64_t wait = wall_wait(serve);

	if (serve->staging.first)
		return deadline_in(0);
	if (!deadline_passed(serve->pause))
		return deadline_earlier(next, serve->pause);
	if (serve->clock_due_again || work_for_somebody(serve))
		return deadline_in(0);
	for (const struct peer *peer = serve->waiting.first; peer; peer = peer->behind)
		next = deadline_earlier(next, peer->until);
	return wait < CLEAN_IDLE ? deadline_earlier(next, deadline_in(wait)) : next;
}

/* Long polls whose time is over go home without a job. */
static void end_waits(struct serve *serve)
{
	for (struct peer *peer = serve->waiting.first, *next; peer; peer = next) {
		next = peer->behind;
		if (!deadline_passed(peer->until))
			continue;
		peer->answer.work = (struct job){ 0 };
		peer->state = PEER_ANSWERED;
		answer(serve, peer);
	}
}

/* A worker that sits on a job for hours is taken to be stuck. */
static void end_claims(struct serve *serve)
{
	for (struct peer *peer = serve->idle.first, *next; peer; peer = next) {
		next = peer->behind;
		if (!peer->worker.claim ||
			peer->worker.claim->taken_at > clock_wall_ms() - CLAIM_MAX)
			continue;
		LOG(LOG_ALARM, "claim-overdue", log_text("from", role_name(peer->worker.role)));
		close_peer(serve, peer);
	}
}

static void wait_and_hear(struct serve *serve, struct deadline until)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(serve->epoll, events, EVENTS, deadline_poll_ms(until));

	must(n >= 0 || errno == EINTR);
	for (int i = 0; i < n; i++)
		happened(serve, events[i].data.ptr);
	/* Answering may close peers, of whom no event may be left by then. */
	if (serve->logins_decided)
		take_logins(serve);
	serve->logins_decided = false;
}

static void open_loop(struct serve *serve, int ctl)
{
	serve->epoll = epoll_create1(EPOLL_CLOEXEC);
	must(serve->epoll >= 0);
	serve->logins = login_open();
	serve->control = (struct watched){ .kind = WATCHED_CONTROL, .fd = CONTROL_FD };
	serve->login = (struct watched){ .kind = WATCHED_LOGIN, .fd = login_fd(serve->logins) };
	serve->ctl = (struct watched){ .kind = WATCHED_CTL, .fd = ctl };
	watch(serve, &serve->control, EPOLL_CTL_ADD, EPOLLIN);
	watch(serve, &serve->login, EPOLL_CTL_ADD, EPOLLIN);
	if (ctl < 0)
		return;
	must(fd_set_nonblocking(ctl, true));
	watch(serve, &serve->ctl, EPOLL_CTL_ADD, EPOLLIN);
}

void store_serve(struct store *store, struct start *start, const struct users_file *users, int ctl)
{
	struct serve serve = { .store = store, .start = start, .users = users };

	open_loop(&serve, ctl);
	serve.clean = deadline_in(CLEAN_BUSY);
	write_users(&serve);
	start_ready(start);
	while (!serve.stop) {
		struct deadline until = next_deadline(&serve);
		wait_and_hear(&serve, until);
		if (serve.round.first || deadline_passed(until))
			do_round(&serve);
		end_waits(&serve);
		if (deadline_passed(until))
			end_claims(&serve);
	}
	store_close(store);
}
