/* SPDX-License-Identifier: ISC
 *
 * deliver.c - a job: a look at its destination, its message handed to each host that is accepted
 * until everybody is settled, and what is to be reported. Runs in worker threads.
 */
#include "delivery/deliver.h"

#include "base/log.h"
#include "base/must.h"
#include "delivery/look.h"
#include <string.h>

enum { WHOLE = 2 * HOUR }; /* as long as the store lets a claim stand */

/* One job on its way. */
struct run {
	struct pool *pool;
	const struct job *job;
	struct mail mail;
	struct look look;
	bool accepted; /* a transaction began */
};

static bool all_settled(const struct run *run)
{
	for (size_t i = 0; i < run->mail.n; i++)
		if (!run->mail.addressees[i].settled)
			return false;
	return true;
}

/* Hand the message to a peer that was accepted. Consumes *peer. False: it was a kept connection
 * that had died, and nothing has happened. */
static bool hand_over(struct run *run, struct peer **peer, bool kept, struct attempt *attempt)
{
	struct peer *p = *peer;
	struct mail *mail = &run->mail;

	mail->host = attempt->host;
	struct transaction left = p->secure ? send_message(p->secure, p, mail)
					    : send_plain(p->plain, p->permit, p, mail);
	if (kept && left.silent) {
		for (size_t i = 0; i < mail->n; i++)
			mail->addressees[i].heard &= mail->addressees[i].settled;
		peer_close(peer);
		return false;
	}
	run->accepted = true;
	attempt->said = left.said;
	if (left.reusable && !run->job->cold)
		pool_keep(run->pool, peer);
	else
		peer_close(peer);
	return true;
}

/* True if a kept connection took the transaction. What it answered with 4xx is left for the next
 * time, which begins at the first host again. */
static bool try_kept(struct run *run)
{
	struct look *look = &run->look;
	struct pool_key key = {
		.domain = look->domain,
		.wanted = look->wanted,
		.port = (uint16_t)look->config->settings->delivery_port,
		.config = look->config,
	};

	for (;;) {
		struct peer *peer = pool_take(run->pool, &key, look->hosts, look->n_hosts);
		if (!peer)
			return false;
		struct attempt *attempt = look_note_kept(look, peer);
		if (!look_still_holds(look)) {
			peer_close(&peer);
			return false;
		}
		if (hand_over(run, &peer, true, attempt))
			return true;
		look_forget_kept(look);
	}
}

/* Every recipient that no host has said anything final about gets this. */
static void settle_all(
	struct run *run, enum result result, enum reason reason, struct str host, struct str said)
{
	for (size_t i = 0; i < run->mail.n; i++) {
		struct addressee *a = &run->mail.addressees[i];
		if (a->settled || a->heard)
			continue;
		a->outcome = (struct recipient_outcome){
			.recipient = a->recipient->recipient,
			.result = result,
			.reason = reason,
			.code = STR(""),
			.said = said,
			.host = host,
			.transmission = run->look.connected ? TRANSMISSION_NOTHING
							    : TRANSMISSION_NO_CONNECTION,
		};
	}
}

/* What no host has decided is decided by the look as a whole. */
static void settle_by_look(struct run *run)
{
	const struct look *look = &run->look;
	struct judgement all = look_judgement(look);
	enum result result = RESULT_LATER;
	struct str host = STR(""), said = STR("");

	if (all.verdict == VERDICT_REFUSED)
		result = look->permanent ? RESULT_FAILED : RESULT_REFUSED;
	for (size_t i = 0; i < look->n_attempts && !look->over; i++)
		if (look->attempts[i].verdict == all.verdict &&
			look->attempts[i].reason == all.reason) {
			host = look->attempts[i].host;
			said = look->attempts[i].said;
			break;
		}
	settle_all(run, result, all.reason, host, said);
}

static void walk(struct run *run)
{
	struct look *look = &run->look;
	struct peer *peer;

	if (look_begin(look) && !look->cold && try_kept(run))
		return;
	while (!all_settled(run) && (peer = look_next(look))) {
		if (look_still_holds(look))
			hand_over(run, &peer, false, &look->attempts[look->n_attempts - 1]);
		peer_close(&peer);
	}
	if (!all_settled(run))
		settle_by_look(run);
}

static const char *event_of(uint64_t result)
{
	switch (result) {
	case RESULT_DELIVERED:
	case RESULT_RELAYED:
		return "sent";
	case RESULT_LATER:
		return "deferred";
	case RESULT_REFUSED:
		return "refused";
	default:
		return "failed";
	}
}

/* The attempt an outcome comes from: the last one at its host. */
static const struct attempt *attempt_at(const struct look *look, struct str host)
{
	for (size_t i = look->n_attempts; i > 0; i--)
		if (str_eq(look->attempts[i - 1].host, host))
			return &look->attempts[i - 1];
	return NULL;
}

static void log_outcome(const struct run *run, const struct recipient_outcome *o, struct str to)
{
	const struct attempt *last = attempt_at(&run->look, o->host);
	bool sent = o->result == RESULT_DELIVERED || o->result == RESULT_RELAYED;

	LOG(LOG_INFO, event_of(o->result), log_str("mail", run->job->id), log_str("to", to),
		log_str("host", o->host), log_str("ip", last ? last->address : STR("")),
		log_str("tls", sent && last ? last->tls_version : STR("")),
		log_text("reason", reason_id((enum reason)o->reason)), log_str("said", o->said));
}

/* Nothing of the failure was about the message: no host got as far as MAIL. */
static bool is_down(const struct run *run)
{
	bool later = run->mail.n > 0;

	for (size_t i = 0; i < run->mail.n; i++)
		later &= run->mail.addressees[i].outcome.result == RESULT_LATER;
	return later && !run->accepted;
}

static void report(struct run *run, struct work_ask *to)
{
	struct recipient_outcome *outcomes =
		arena_array(run->look.arena, run->mail.n, sizeof *outcomes);
	struct attempt *attempts =
		arena_array(run->look.arena, run->look.n_attempts, sizeof *attempts);

	must(outcomes && attempts);
	for (size_t i = 0; i < run->mail.n; i++) {
		const struct addressee *a = &run->mail.addressees[i];
		outcomes[i] = a->outcome;
		if (a->known)
			LOG(LOG_INFO, "already-sent", log_str("mail", run->job->id),
				log_str("to", a->recipient->address));
		else
			log_outcome(run, &outcomes[i], a->recipient->address);
	}
	if (run->look.n_attempts)
		memcpy(attempts, run->look.attempts, run->look.n_attempts * sizeof *attempts);
	to->has_outcome = 1;
	to->id = run->job->id;
	to->outcomes.at = outcomes;
	to->outcomes.len = run->mail.n;
	to->attempts.at = attempts;
	to->attempts.len = run->look.n_attempts;
	to->destination_down = is_down(run);
}

/* What is reported of somebody whom nothing settles: never what zeroes would say. */
static struct recipient_outcome nothing_yet(const struct job_recipient *r)
{
	return (struct recipient_outcome){
		.recipient = r->recipient,
		.result = RESULT_LATER,
		.reason = REASON_LOCAL_FAULT,
		.code = STR(""),
		.said = STR(""),
		.host = STR(""),
		.transmission = TRANSMISSION_UNSURE,
	};
}

static struct addressee *addressees_of(
	const struct job *job, struct ledger *ledger, struct arena *arena)
{
	struct addressee *to = arena_array(arena, job->recipients.len, sizeof *to);

	must(to != NULL);
	for (size_t i = 0; i < job->recipients.len; i++) {
		const struct job_recipient *r = &job->recipients.at[i];
		to[i].recipient = r;
		to[i].outcome = nothing_yet(r);
		to[i].known = to[i].settled =
			ledger_was_sent(ledger, job, r->recipient, arena, &to[i].outcome);
	}
	return to;
}

bool deliver(struct config *config, struct pool *pool, struct ledger *ledger, const struct job *job,
	struct str body, struct arena *arena, atomic_int *committing, struct work_ask *to)
{
	struct run run = {
		.pool = pool,
		.job = job,
		.mail = { .job = job,
			.body = body,
			.addressees = addressees_of(job, ledger, arena),
			.n = job->recipients.len,
			.arena = arena,
			.committing = committing },
		.look = { .config = config,
			.domain = job->destination,
			.wanted = (demands)job->demands,
			.unenforced = job->unenforced,
			.cold = job->cold,
			.arena = arena,
			.until = deadline_in(WHOLE),
			.connect_ms = config->settings->connect_deadline },
	};

	if (!all_settled(&run))
		walk(&run);
	report(&run, to);
	look_end(&run.look);
	return run.mail.counted;
}
