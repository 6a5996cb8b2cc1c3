/* SPDX-License-Identifier: ISC
 *
 * serve.c - take all calls that have arrived, BEGIN, run them, COMMIT, answer all: group commit
 * is a for-loop, and nothing is promised before it is on disk. Between two rounds the loop waits
 * for calls, for the password threads, and for the next thing the clock asks for.
 * One thread. Callers are other roles, possibly taken over: what they may ask is checked by
 * call/server.c, what they say by the handlers.
 */
#include "store/serve.h"

#include "base/log.h"
#include "base/must.h"
#include "store/calls.h"
#include "store/clean.h"
#include "store/settle.h"
#include "store/take.h"
#include "store/work.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	/* Connections of all roles together; a role that makes more has gone mad. */
	CALLERS_MAX = 8192,
	CLEAN_BUSY = 1000,
	CLEAN_IDLE = 60000,
	/* After a batch without calls failed (a full disk, say), before it is tried again. */
	PAUSE_AFTER_FAILURE = 1000,
	CLAIM_MAX = 2 * HOUR,
	/* Who waits for a change needn't be told to the moment that there was none. */
	LOOK_AT_WATCHING = 1000,
};

enum watched_kind { WATCHED_CONTROL, WATCHED_CTL, WATCHED_LOGIN, WATCHED_EDGE, WATCHED_CALLER };

/* What an epoll event points to. */
struct watched {
	enum watched_kind kind;
	int fd;
	enum role role;
	struct caller *caller;
};

struct serve {
	struct store *store;
	struct start *start;
	const struct users_file *users;
	struct login_pool *logins;
	int epoll;
	struct watched control, ctl, login;
	struct caller_list idle, round, waiting, staging, watching;
	struct deadline clean, pause, no_cut, look;
	size_t n_callers;
	bool clock_due_again, idle_now, logins_decided, stop;
};

/* --- connections --- */

static void watch(struct serve *serve, struct watched *watched, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watched };

	must(epoll_ctl(serve->epoll, operation, watched->fd, &event) == 0);
}

static void open_caller(struct serve *serve, int fd, enum role who)
{
	if (serve->n_callers >= CALLERS_MAX) {
		LOG(LOG_ALARM, "too-many-connections", log_text("from", role_name(who)));
		close(fd);
		return;
	}
	serve->n_callers++;
	struct caller *caller = caller_open(fd, who);
	struct watched *watched = must_alloc(sizeof *watched);
	*watched = (struct watched){ WATCHED_CALLER, fd, who, caller };
	caller->connection->owner = watched;
	caller_move(caller, &serve->idle);
	watch(serve, watched, EPOLL_CTL_ADD, EPOLLIN);
}

/* Between batches only. */
static void close_caller(struct serve *serve, struct caller *caller)
{
	struct watched *watched = caller->connection->owner;

	if (caller->state == CALLER_STAGES) {
		serve->store->db.failure = SQLITE_OK;
		take_stop(serve->store, caller);
	}
	login_forget(serve->logins, caller);
	change_wait_end(&serve->store->changes, &caller->waiter);
	schedule_worker_gone(serve->store, &caller->worker);
	caller_close(caller);
	free(watched);
	serve->n_callers--;
}

static void want_out(struct serve *serve, struct caller *caller, bool out)
{
	if (caller->sending == out)
		return;
	caller->sending = out;
	watch(serve, caller->connection->owner, EPOLL_CTL_MOD, out ? EPOLLOUT : EPOLLIN);
}

static void sent(struct serve *serve, struct caller *caller, enum server_result result)
{
	if (result == SERVER_CLOSED) {
		close_caller(serve, caller);
		return;
	}
	want_out(serve, caller, result == SERVER_WAIT);
	if (result == SERVER_SENT)
		caller_done(caller);
}

static void answer(struct serve *serve, struct caller *caller)
{
	caller_move(caller, &serve->idle);
	if (caller->state == CALLER_FAILED)
		close_caller(serve, caller);
	else
		sent(serve, caller, caller_answer(caller));
}

/* Questions that only take reading needn't wait for a commit. */
static void take_call(struct serve *serve, struct caller *caller)
{
	if (!calls_read(serve->store, serve->logins, caller))
		caller_move(caller, &serve->round);
	else if (caller->state == CALLER_WATCHES)
		caller_move(caller, &serve->watching);
	else if (caller->state != CALLER_LOGS_IN)
		answer(serve, caller);
}

static void hear(struct serve *serve, struct caller *caller)
{
	struct server_ask ask;

	if (caller->sending) {
		sent(serve, caller, server_send(caller->connection));
		return;
	}
	enum server_result result = server_next(caller->connection, &ask);
	if (result == SERVER_WAIT)
		return;
	if (result == SERVER_ASKED && caller_asks(caller, &ask)) {
		take_call(serve, caller);
		return;
	}
	if (result == SERVER_ASKED)
		LOG(LOG_ALARM, "call-malformed",
			log_text("from", role_name(caller->connection->who)),
			log_text("call", call_rules[ask.call].name));
	close_caller(serve, caller);
}

static void take_edge(struct serve *serve, int fd, enum role from)
{
	struct watched *watched = must_alloc(sizeof *watched);

	*watched = (struct watched){ WATCHED_EDGE, fd, from, NULL };
	must(fd_set_nonblocking(fd, true));
	watch(serve, watched, EPOLL_CTL_ADD, EPOLLIN);
}

static void take_connections(struct serve *serve, struct watched *edge)
{
	int fd;

	errno = EAGAIN;
	while ((fd = server_rendezvous(edge->fd)) >= 0)
		open_caller(serve, fd, edge->role);
	if (errno == EAGAIN)
		return;
	close(edge->fd);
	free(edge);
}

static void take_ctl(struct serve *serve)
{
	int fd;

	while ((fd = server_accept_ctl(serve->ctl.fd)) >= 0)
		open_caller(serve, fd, ROLE_CTL);
}

static void take_logins(struct serve *serve)
{
	struct login_decided decided;
	void *token;

	serve->store->db.failure = SQLITE_OK;
	while (login_next(serve->store, serve->logins, &decided, &token)) {
		struct caller *caller = token;
		if (!caller)
			continue;
		if (calls_decided(serve->store, caller, &decided))
			answer(serve, caller);
		else
			caller_move(caller, &serve->round);
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
		serve->store->users_due = true;
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
	case WATCHED_CALLER:
		hear(serve, watched->caller);
		break;
	}
}

/* --- a batch --- */

/* Who holds a connection to the destination that is due is asked first. */
static void hand_out_work(struct serve *serve)
{
	struct store *store = serve->store;

	for (int preference = 1; preference >= 0; preference--)
		for (struct caller *caller = serve->waiting.first; caller; caller = caller->behind)
			if (caller->state == CALLER_WAITS &&
				(preference == 0 || caller->ask.work.prefer_destination.len) &&
				work_may_be_there(
					store, &caller->worker, &caller->ask.work, preference == 1))
				calls_try_work(store, caller);
}

static void do_clock(struct serve *serve)
{
	serve->clock_due_again = false;
	if (!deadline_passed(serve->pause))
		return;
	serve->clock_due_again = settle_clock(serve->store);
	if (!deadline_passed(serve->clean))
		return;
	turned_away_tell(serve->store);
	bool more = clean_some(serve->store);
	serve->clock_due_again |= more;
	bool busy = more || serve->round.first;
	serve->clean = deadline_in(more ? 0 : busy ? CLEAN_BUSY : CLEAN_IDLE);
	serve->idle_now = !busy;
}

static void do_staging(struct serve *serve)
{
	struct caller *caller = serve->staging.first;

	if (!caller)
		return;
	calls_stage(serve->store, caller);
	caller_move(caller, &serve->staging); /* the next one's turn */
}

static bool run_batch(struct serve *serve)
{
	struct store *store = serve->store;

	store_begin(store);
	for (struct caller *caller = serve->round.first; caller; caller = caller->behind)
		calls_run(store, caller);
	do_staging(serve);
	do_clock(serve);
	if (store->db.failure == SQLITE_OK && settle_touched(store))
		hand_out_work(serve);
	return store_commit(store);
}

/* --- after it --- */

static void pass_on(struct serve *serve, struct caller *caller)
{
	if (caller->state == CALLER_WAITS)
		caller_move(caller, &serve->waiting);
	else if (caller->state == CALLER_STAGES)
		caller_move(caller, &serve->staging);
	else
		answer(serve, caller);
}

static void answer_decided(struct serve *serve, struct caller_list *list)
{
	for (struct caller *caller = list->first, *next; caller; caller = next) {
		next = caller->behind;
		caller->staging.committed = caller->staging.written;
		if (caller->state >= CALLER_ANSWERED)
			answer(serve, caller);
	}
}

static void answer_all(struct serve *serve)
{
	answer_decided(serve, &serve->waiting);
	answer_decided(serve, &serve->staging);
	while (serve->round.first)
		pass_on(serve, serve->round.first);
}

/* Those alone whose account it is, however many others wait. */
static void answer_changed(struct serve *serve)
{
	struct change_waiter *waiter;

	while ((waiter = changes_next_woken(&serve->store->changes))) {
		struct caller *caller = waiter->caller;
		if (calls_look_again(serve->store, caller, false))
			answer(serve, caller);
	}
}

/* Nothing of the batch is on disk, so nothing of it is said. */
static void take_back(struct serve *serve)
{
	for (struct caller *caller = serve->waiting.first; caller; caller = caller->behind) {
		fd_close(&caller->fd_out);
		caller->state = CALLER_WAITS;
	}
	for (struct caller *caller = serve->staging.first; caller; caller = caller->behind) {
		caller->staging.written = caller->staging.committed;
		caller->state = CALLER_STAGES;
	}
}

/* Once more each on its own, so that one that can't succeed doesn't fail the others: an outcome
 * still fits on a disk that is too full for new mail. */
static void run_one_by_one(struct serve *serve)
{
	struct store *store = serve->store;

	for (struct caller *caller = serve->round.first; caller; caller = caller->behind) {
		fd_close(&caller->fd_out);
		store_begin(store);
		calls_run(store, caller);
		if (!store_commit(store))
			calls_failed(caller, store->db.failure);
	}
}

static void fail_staging(struct serve *serve, int failure)
{
	for (struct caller *caller = serve->staging.first, *next; caller; caller = next) {
		next = caller->behind;
		serve->store->db.failure = SQLITE_OK;
		take_stop(serve->store, caller);
		calls_failed(caller, failure);
		answer(serve, caller);
	}
}

static void write_users(struct serve *serve)
{
	struct why why;

	serve->store->users_due = false;
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
	/* Before the answers: one that says a password is removed promises it for Dovecot too. */
	if (serve->store->users_due)
		write_users(serve);
	answer_all(serve);
	answer_changed(serve);
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
	for (const struct caller *caller = serve->waiting.first; caller; caller = caller->behind)
		if (work_may_be_there(serve->store, &caller->worker, &caller->ask.work, false))
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
	for (const struct caller *caller = serve->waiting.first; caller; caller = caller->behind)
		next = deadline_earlier(next, caller->until);
	if (serve->watching.first)
		next = deadline_earlier(next, serve->look);
	return wait < CLEAN_IDLE ? deadline_earlier(next, deadline_in(wait)) : next;
}

/* Long polls whose time is over go home without a job. */
static void end_waits(struct serve *serve)
{
	for (struct caller *caller = serve->waiting.first, *next; caller; caller = next) {
		next = caller->behind;
		if (!deadline_passed(caller->until))
			continue;
		caller->answer.work = (struct job){ 0 };
		caller->state = CALLER_ANSWERED;
		answer(serve, caller);
	}
}

static void end_watches(struct serve *serve)
{
	if (!deadline_passed(serve->look))
		return;
	serve->look = deadline_in(LOOK_AT_WATCHING);
	for (struct caller *caller = serve->watching.first, *next; caller; caller = next) {
		next = caller->behind;
		if (deadline_passed(caller->until) && calls_look_again(serve->store, caller, true))
			answer(serve, caller);
	}
}

/* A worker that sits on a job for hours is taken to be stuck. */
static void end_claims(struct serve *serve)
{
	for (struct caller *caller = serve->idle.first, *next; caller; caller = next) {
		next = caller->behind;
		if (!caller->worker.claim ||
			caller->worker.claim->taken_at > clock_wall_ms() - CLAIM_MAX)
			continue;
		LOG(LOG_ALARM, "claim-overdue", log_text("from", role_name(caller->worker.role)));
		close_caller(serve, caller);
	}
}

static void wait_and_hear(struct serve *serve, struct deadline until)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(serve->epoll, events, EVENTS, deadline_poll_ms(until));

	must(n >= 0 || errno == EINTR);
	for (int i = 0; i < n; i++)
		happened(serve, events[i].data.ptr);
	/* Answering may close callers, of whom no event may be left by then. */
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
		end_watches(&serve);
		if (deadline_passed(until))
			end_claims(&serve);
	}
	store_close(store);
}
