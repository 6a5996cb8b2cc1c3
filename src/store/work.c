/* SPDX-License-Identifier: ISC
 *
 * work.c - from a destination whose turn it is to a job: one message, the recipients of it that
 * are due there with equal demands and look. Runs in the store's thread, inside a batch; the job
 * is handed out after the COMMIT.
 */
#include "store/work.h"

#include "store/outcome.h"

enum {
	/* After so many jobs in a row for the connection a worker holds, others get their turn. */
	STREAK_MAX = 50,
	/* Before a body that can't be opened now (no descriptors left) is tried again. */
	BODY_RETRY = 1000
};

struct due {
	int64_t recipient;
	enum recipient_state state;
};

/* The first row that is due and in nobody's hand. */
static bool find_due(struct store *store, struct destination *d, struct due *due)
{
	sqlite3_stmt *s = ASK(
		&store->db, DUE, as_text(d->name), as_number(d->demands), as_number(d->next_due));
	int64_t next = INT64_MAX;

	while (next == INT64_MAX && row(&store->db, s)) {
		*due = (struct due){ row_number(s, 0), (enum recipient_state)row_number(s, 2) };
		if (!schedule_is_claimed(d, due->recipient))
			next = row_number(s, 1);
	}
	row_end(s);
	if (next <= store->now)
		d->next_due = next;
	else
		schedule_nothing_due(store, d, next);
	return next <= store->now;
}

static bool find_mailbox(struct store *store, int64_t account, struct arena *arena, struct str *to)
{
	sqlite3_stmt *s = ASK(&store->db, ACCOUNT_OF_NUMBER, as_number(account));
	bool found = row(&store->db, s);

	if (found)
		*to = row_copy(s, 0, arena);
	row_end(s);
	return found;
}

static bool add_recipient(struct store *store, struct destination *d, sqlite3_stmt *s,
	struct arena *arena, struct job *job)
{
	int64_t number = row_number(s, 0);
	struct job_recipient r = { .recipient = (uint64_t)number,
		.address = row_copy(s, 1, arena),
		.notify = (uint64_t)row_number(s, 2),
		.orcpt = row_copy(s, 3, arena),
		.attempts = (uint64_t)row_number(s, 4) };

	if (schedule_is_claimed(d, number))
		return true;
	if (!d->name.len && !find_mailbox(store, row_number(s, 5), arena, &r.mailbox)) {
		if (store->db.failure == SQLITE_OK)
			outcome_fail(store, number, REASON_NO_SUCH_MAILBOX, REASON_NONE);
		return true;
	}
	if (!r.address.at || !r.orcpt.at || (!d->name.len && !r.mailbox.at))
		return false;
	job->recipients.at[job->recipients.len++] = r;
	return job->recipients.len < CLAIM_RECIPIENTS_MAX;
}

static void gather_recipients(struct store *store, struct destination *d, const struct due *due,
	struct arena *arena, struct job *job)
{
	int64_t message = recipient_message(due->recipient);

	job->recipients.at = arena_array(arena, CLAIM_RECIPIENTS_MAX, sizeof *job->recipients.at);
	if (!job->recipients.at)
		return;
	sqlite3_stmt *s = ASK(&store->db, JOB_RECIPIENTS, as_number(recipient_number(message, 0)),
		as_number(recipient_number(message + 1, 0)), as_text(d->name),
		as_number(d->demands), as_number(due->state), as_number(store->now));
	bool more = true;
	while (more && row(&store->db, s))
		more = add_recipient(store, d, s, arena, job);
	row_end(s);
}

static int64_t describe(struct store *store, int64_t message, struct arena *arena, struct job *job)
{
	sqlite3_stmt *s = ASK(&store->db, JOB_MESSAGE, as_number(message));
	int64_t pieces = -1;

	if (row(&store->db, s)) {
		job->id = queue_id_text(arena, row_number(s, 0));
		job->sender = row_copy(s, 1, arena);
		job->body_kind = (uint64_t)row_number(s, 2);
		job->smtputf8 = (uint64_t)row_number(s, 3);
		job->requiretls = (uint64_t)row_number(s, 4);
		job->envid = row_copy(s, 5, arena);
		job->ret = (uint64_t)row_number(s, 6);
		job->size = (uint64_t)row_number(s, 7);
		pieces = row_number(s, 8);
	}
	row_end(s);
	return pieces;
}

static void claim(struct store *store, struct worker *worker, struct destination *d,
	int64_t message, const struct job *job)
{
	int64_t recipients[CLAIM_RECIPIENTS_MAX];

	for (size_t i = 0; i < job->recipients.len; i++)
		recipients[i] = (int64_t)job->recipients.at[i].recipient;
	schedule_claim(store, worker, d, message, recipients, job->recipients.len);
}

static bool take_from(struct store *store, struct worker *worker, struct destination *d,
	struct arena *arena, struct job *job, int *fd)
{
	int64_t waiting = d->waiting;
	struct due due = { 0 };

	*job = (struct job){ 0 };
	if (!find_due(store, d, &due))
		return false;
	int64_t message = recipient_message(due.recipient);
	gather_recipients(store, d, &due, arena, job);
	if (!job->recipients.len) {
		if (d->waiting == waiting)
			schedule_nothing_due(store, d, store->now + BODY_RETRY);
		return false;
	}
	int64_t pieces = describe(store, message, arena, job);
	*fd = pieces < 0 ? -1 : body_open(store, message, pieces);
	if (*fd < 0) {
		schedule_nothing_due(store, d, store->now + BODY_RETRY);
		return false;
	}
	job->has_job = 1;
	job->destination = arena_str(arena, d->name);
	job->demands = d->demands & DEMANDS_ALL;
	job->unenforced = d->demands == UNENFORCED;
	job->cold = due.state == STATE_SECOND_LOOK;
	claim(store, worker, d, message, job);
	return true;
}

static bool take_preferred(struct store *store, struct worker *worker, const struct work_ask *ask,
	struct arena *arena, struct job *job, int *fd)
{
	struct destination *d;

	if (!ask->prefer_destination.len || worker->streak >= STREAK_MAX)
		return false;
	d = schedule_find(&store->schedule, ask->prefer_destination, (demands)ask->prefer_demands);
	return d && schedule_may(store, d) && take_from(store, worker, d, arena, job, fd);
}

bool work_next(struct store *store, struct worker *worker, const struct work_ask *ask,
	struct arena *arena, struct job *job, int *fd)
{
	struct destination *d;

	if (take_preferred(store, worker, ask, arena, job, fd)) {
		worker->streak++;
		return true;
	}
	worker->streak = 0;
	while (store->db.failure == SQLITE_OK && (d = schedule_next(store, worker->role)))
		if (take_from(store, worker, d, arena, job, fd))
			return true;
	return false;
}

bool work_may_be_there(struct store *store, const struct worker *worker, const struct work_ask *ask,
	bool preferred)
{
	const struct destination *d;

	if (!preferred)
		return schedule_next(store, worker->role) != NULL;
	if (!ask->prefer_destination.len)
		return false;
	d = schedule_find(&store->schedule, ask->prefer_destination, (demands)ask->prefer_demands);
	return d && schedule_may(store, d) && d->next_due <= store->now;
}
