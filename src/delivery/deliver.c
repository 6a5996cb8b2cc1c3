/* SPDX-License-Identifier: ISC
 *
 * deliver.c - a job's way through the hosts of its route. Runs in worker threads. What is tried
 * and in which order stands here; what a failure means is asked of mail/policy every time, and
 * which mail may go over which connection is checked again where it is sent.
 */
#include "delivery/deliver.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "net/dial.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	ROUTE_WAIT = 20 * SECOND,
	TLS_WAIT = 60 * SECOND, /* policy.md section 4: greeting to end of TLS */
	TLS_WAIT_OPPORTUNISTIC = 5 * MINUTE,
	ATTEMPTS_MAX = 24,    /* addresses asked for one job; beyond that too-many-hosts */
	TRYING = 10 * MINUTE, /* no new address is asked after this */
	PEER_LIFE = 5 * MINUTE,
	ATTEMPTS_ROOM = ATTEMPTS_MAX + ROUTE_ADDRESSES_MAX + 2, /* addresses fail in a bunch */
};

/* One job on its way. */
struct run {
	struct config *config;
	struct pool *pool;
	const struct job *job;
	struct arena *arena;
	struct mail mail;
	const struct route *route;
	bool literal;
	struct attempt attempts[ATTEMPTS_ROOM];
	size_t n_attempts;
	bool connected; /* TCP stood at least once */
	bool accepted;	/* a transaction began */
	bool capped;	/* not everything was tried */
	struct deadline trying;
};

static demands wanted(const struct run *run)
{
	return (demands)run->job->demands;
}

static bool all_settled(const struct run *run)
{
	for (size_t i = 0; i < run->mail.n; i++)
		if (!run->mail.addressees[i].settled)
			return false;
	return true;
}

static bool may_try(struct run *run)
{
	if (run->n_attempts < ATTEMPTS_MAX && !deadline_passed(run->trying))
		return true;
	run->capped = true;
	return false;
}

/* Note an attempt; ip NULL where none was made. Callers ask may_try first. */
static struct attempt *note(struct run *run, struct str host, const struct ip *ip,
	struct judgement judgement, struct str said)
{
	scoped(buf_free) struct buf text = BUF(64);

	must(run->n_attempts < ATTEMPTS_ROOM);
	struct attempt *attempt = &run->attempts[run->n_attempts++];
	if (ip)
		ip_add_text(&text, ip);
	*attempt = (struct attempt){
		.time = (uint64_t)clock_wall_ms(),
		.host = arena_str(run->arena, host),
		.address = arena_str(run->arena, buf_str(&text)),
		.port = run->config->settings->delivery_port,
		.verdict = judgement.verdict,
		.reason = judgement.reason,
		.said = arena_str(run->arena, str_head(said, 1000)),
	};
	return attempt;
}

static void note_seal(struct run *run, struct attempt *attempt, const struct seal *seal)
{
	attempt->tls_version = arena_str(run->arena, seal->version);
	attempt->cipher = arena_str(run->arena, seal->cipher);
	attempt->group = arena_str(run->arena, seal->group);
	attempt->certificate = arena_str(run->arena, seal->certificate);
	attempt->key = arena_str(run->arena, seal->key);
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
	struct pool_key key = {
		.domain = run->job->destination,
		.wanted = wanted(run),
		.port = (uint16_t)run->config->settings->delivery_port,
		.config = run->config,
	};

	for (;;) {
		struct peer *peer = pool_take(run->pool, &key, run->route);
		if (!peer)
			return false;
		struct attempt *attempt =
			note(run, peer->host, &peer->ip, peer->judgement, STR(""));
		note_seal(run, attempt, &peer->seal);
		run->connected = true;
		if (hand_over(run, &peer, true, attempt))
			return true;
		run->n_attempts--;
	}
}

/* A peer over a fresh socket, with all that says for which mail it may be used. */
static struct peer *fresh_peer(
	struct run *run, const struct route_host *host, const struct ip *ip, int fd)
{
	struct peer *peer = peer_new(fd);

	peer->domain = arena_str(&peer->memory, run->job->destination);
	peer->host = arena_str(&peer->memory, host->name);
	peer->server_name = host->facts.address_literal ? STR("") : peer->host;
	peer->ip = *ip;
	peer->port = (uint16_t)run->config->settings->delivery_port;
	peer->wanted = wanted(run);
	peer->config = config_hold(run->config);
	peer->expires = deadline_earlier(run->route->expires, deadline_in(PEER_LIFE));
	return peer;
}

static enum hello hello_of_dial(enum dial_state state)
{
	switch (state) {
	case DIAL_REFUSED:
		return HELLO_CONNECT_REFUSED;
	case DIAL_TIMEOUT:
		return HELLO_CONNECT_TIMEOUT;
	default:
		return HELLO_LOCAL_FAULT;
	}
}

static struct peer_terms terms_of(
	const struct run *run, const struct peer *peer, const struct plan *plan)
{
	return (struct peer_terms){
		.our_name = run->config->settings->host_name,
		.tls = run->config->tls,
		.target = { peer->server_name, plan },
		.deadline = deadline_in(wanted(run) ? TLS_WAIT : TLS_WAIT_OPPORTUNISTIC),
	};
}

/* Plaintext on a new connection, after TLS failed on the first one and policy has given its
 * permit. On failure *peer is closed and `host` tells why. */
static void reconnect_plain(struct run *run, const struct route_host *of, struct peer **peer,
	const struct plan *plan, struct host_facts *host, struct remote_reply *reply)
{
	struct dial_try again = { .ip = (*peer)->ip };
	struct plaintext_permit permit = (*peer)->permit;
	int fd = -1;

	peer_close(peer);
	if (dial(&again, 1, (uint16_t)run->config->settings->delivery_port,
		    run->config->settings->connect_deadline, &fd) < 0) {
		host->hello = hello_of_dial(again.state);
		return;
	}
	*peer = fresh_peer(run, of, &again.ip, fd);
	(*peer)->permit = permit;
	struct peer_terms terms = terms_of(run, *peer, plan);
	enum hello hello = peer_greet_plain(*peer, &terms, reply);
	if (hello != HELLO_NO_STARTTLS) {
		host->hello = hello;
		peer_close(peer);
	}
}

/* Talk to one connected address, judge it, and hand the message over if it is accepted. */
static struct judgement try_peer(struct run *run, const struct route_host *of,
	const struct route_facts *facts, const struct plan *plan, const struct ip *ip, int fd)
{
	struct peer *peer = fresh_peer(run, of, ip, fd);
	struct peer_terms terms = terms_of(run, peer, plan);
	struct host_facts host = { 0 };
	scoped(remote_reply_free) struct remote_reply reply = { 0 };
	struct why why = { "" };

	run->connected = true;
	peer_greet(peer, &terms, &host, &reply, &why);
	struct seal seal = peer->seal;
	struct judgement judgement = policy_judge(wanted(run), facts, &host);
	if (judgement.verdict == VERDICT_ACCEPTED && peer->secure &&
		wanted(run) & ~peer->secure->proved)
		judgement = (struct judgement){ VERDICT_UNKNOWN, REASON_LOCAL_FAULT };
	bool plaintext = policy_permit_plaintext(wanted(run), facts, &host, &peer->permit);
	must(plaintext == (judgement.verdict == VERDICT_ACCEPTED && host.hello != HELLO_SECURED));
	struct str said = reply.said.len ? buf_str(&reply.said) : str_of(why.text);
	struct attempt *attempt = note(run, of->name, ip, judgement, said);
	note_seal(run, attempt, &seal);
	if (plaintext && policy_plaintext_needs_new_connection(host.hello)) {
		struct host_facts again = host;
		reconnect_plain(run, of, &peer, plan, &again, &reply);
		if (!peer) {
			judgement = policy_judge(wanted(run), facts, &again);
			judgement.verdict = VERDICT_UNKNOWN;
			attempt->verdict = judgement.verdict;
			attempt->reason = judgement.reason;
		}
	}
	if (judgement.verdict == VERDICT_ACCEPTED) {
		peer->judgement = judgement;
		hand_over(run, &peer, false, attempt);
	}
	peer_close(&peer);
	return judgement;
}

/* Which addresses of the host count, and if none does, why (policy.md section 3). */
static size_t usable_addresses(struct run *run, const struct route_host *host,
	struct route_facts *facts, struct dial_try *tries, bool *forbidden)
{
	size_t n = 0;

	*forbidden = false;
	for (size_t i = 0; i < host->n_addresses; i++) {
		const struct ip *ip = &host->addresses[i];
		if (ip_is_forbidden(ip, run->config->allowed, run->config->n_allowed))
			*forbidden = true;
		else if (dial_has_route(ip))
			tries[n++] = (struct dial_try){ .ip = *ip, .fd = -1 };
	}
	if (facts->address == ADDRESS_FOUND && n == 0)
		facts->address = *forbidden ? ADDRESS_FORBIDDEN : ADDRESS_NO_ROUTE;
	return n;
}

/* Record the addresses that could not be connected to since the last call. */
static size_t note_dials(struct run *run, const struct route_host *host,
	const struct route_facts *facts, const struct dial_try *tries, size_t n, bool *noted,
	struct judgement *to)
{
	size_t added = 0;

	for (size_t i = 0; i < n; i++) {
		if (noted[i] || tries[i].state == DIAL_UNTRIED || tries[i].state == DIAL_CONNECTED)
			continue;
		struct host_facts shown = { .hello = hello_of_dial(tries[i].state) };
		to[added] = policy_judge(wanted(run), facts, &shown);
		note(run, host->name, &tries[i].ip, to[added], STR(""));
		added++;
		noted[i] = true;
	}
	return added;
}

/* One host, all its addresses until one is accepted or none is left. */
static struct judgement try_host(struct run *run, const struct route_host *host)
{
	struct route_facts facts = host->facts;
	struct dial_try tries[ROUTE_ADDRESSES_MAX];
	struct judgement shown[ROUTE_ADDRESSES_MAX + 1];
	bool noted[ROUTE_ADDRESSES_MAX] = { false }, forbidden;
	size_t n_shown = 0, n = usable_addresses(run, host, &facts, tries, &forbidden);
	struct plan plan = policy_plan(wanted(run), &facts);

	if (!plan.connect) {
		note(run, host->name, NULL, plan.before, STR(""));
		return plan.before;
	}
	if (forbidden)
		shown[n_shown++] = (struct judgement){ VERDICT_UNKNOWN, REASON_FORBIDDEN_ADDRESS };
	while (may_try(run)) {
		int fd = -1;
		int at = dial(tries, n, (uint16_t)run->config->settings->delivery_port,
			run->config->settings->connect_deadline, &fd);
		n_shown += note_dials(run, host, &facts, tries, n, noted, shown + n_shown);
		if (at < 0)
			break;
		struct judgement j = try_peer(run, host, &facts, &plan, &tries[at].ip, fd);
		shown[n_shown++] = j;
		if (j.verdict == VERDICT_ACCEPTED)
			break;
	}
	return policy_join_hosts(shown, n_shown, run->capped || host->capped);
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
			.transmission =
				run->connected ? TRANSMISSION_NOTHING : TRANSMISSION_NO_CONNECTION,
		};
	}
}

/* policy.md section 4: permanent of their own kind; unvalidated ones get the second look where
 * something is demanded. */
static void settle_no_route(struct run *run, enum reason reason, bool validated)
{
	bool sure = validated || !wanted(run) || run->job->cold || run->literal;

	note(run, run->job->destination, NULL, (struct judgement){ VERDICT_REFUSED, reason },
		STR(""));
	settle_all(run, sure ? RESULT_FAILED : RESULT_REFUSED, reason, STR(""), STR(""));
}

static void settle_failed_route(struct run *run)
{
	enum reason reason = run->route->bogus ? REASON_DNSSEC_INVALID : REASON_DNS_FAILURE;

	note(run, run->job->destination, NULL, (struct judgement){ VERDICT_UNKNOWN, reason },
		STR(""));
	settle_all(run, RESULT_LATER, reason, STR(""), STR(""));
}

static void settle_by_judgement(struct run *run, struct judgement overall)
{
	struct str host = STR(""), said = STR("");

	for (size_t i = 0; i < run->n_attempts; i++)
		if (run->attempts[i].verdict == overall.verdict &&
			run->attempts[i].reason == overall.reason) {
			host = run->attempts[i].host;
			said = run->attempts[i].said;
			break;
		}
	settle_all(run, overall.verdict == VERDICT_REFUSED ? RESULT_REFUSED : RESULT_LATER,
		overall.reason, host, said);
}

static bool is_own_address(const struct settings *settings, const struct ip *ip)
{
	for (size_t i = 0; i < settings->listeners.len; i++) {
		const struct listener_settings *listener = &settings->listeners.at[i];
		struct ip own;
		if (listener->port == settings->delivery_port &&
			ip_of_text(listener->address, &own) && ip_eq(&own, ip))
			return true;
	}
	return false;
}

static bool is_ourselves(const struct settings *settings, const struct route_host *host)
{
	if (str_eq_nocase(host->name, settings->host_name))
		return true;
	for (size_t i = 0; i < host->n_addresses; i++)
		if (is_own_address(settings, &host->addresses[i]))
			return true;
	return false;
}

/* RFC 5321 5.1: our own name in the MX set ends it there. Returns how many hosts are left. */
static size_t hosts_before_us(const struct run *run)
{
	const struct route *route = run->route;

	for (size_t i = 0; i < route->n_hosts; i++) {
		if (!is_ourselves(run->config->settings, &route->hosts[i]))
			continue;
		size_t n = 0;
		while (route->hosts[n].preference < route->hosts[i].preference)
			n++;
		return n;
	}
	return route->n_hosts;
}

/* Hosts of equal preference in random order (RFC 5321 5.1). */
static void order_hosts(const struct route *route, size_t n, const struct route_host **to)
{
	uint32_t dice[ROUTE_HOSTS_MAX] = { 0 };

	if (n > 1 && getrandom(dice, n * sizeof *dice, 0) < 0)
		memset(dice, 0, sizeof dice);
	for (size_t i = 0; i < n; i++)
		to[i] = &route->hosts[i];
	for (size_t i = 1; i < n; i++) {
		size_t first = i;
		while (first > 0 && to[first - 1]->preference == to[i]->preference)
			first--;
		size_t other = first + dice[i] % (i - first + 1);
		const struct route_host *host = to[i];
		to[i] = to[other];
		to[other] = host;
	}
}

static void try_hosts(struct run *run)
{
	const struct route_host *hosts[ROUTE_HOSTS_MAX];
	struct judgement shown[ROUTE_HOSTS_MAX];
	size_t n_shown = 0, n = hosts_before_us(run);

	if (n == 0) {
		settle_no_route(run, REASON_MAIL_LOOP, run->route->hosts[0].facts.mx_validated);
		return;
	}
	if (!run->job->cold && try_kept(run))
		return;
	order_hosts(run->route, n, hosts);
	for (size_t i = 0; i < n && !all_settled(run) && may_try(run); i++)
		shown[n_shown++] = try_host(run, hosts[i]);
	if (!all_settled(run))
		settle_by_judgement(
			run, policy_join_hosts(shown, n_shown, run->capped || run->route->capped));
}

static const struct route *find_route(struct run *run)
{
	struct str domain = run->job->destination;
	struct ip ip;

	run->literal = ip_of_literal(domain, &ip);
	if (run->literal)
		return route_of_literal(domain, &ip);
	return resolver_route(
		run->config->resolver, domain, run->job->cold, deadline_in(ROUTE_WAIT));
}

static void walk(struct run *run)
{
	switch (run->route->kind) {
	case ROUTE_HOSTS:
		try_hosts(run);
		break;
	case ROUTE_FAILED:
		settle_failed_route(run);
		break;
	case ROUTE_NULL_MX:
		settle_no_route(run, REASON_NULL_MX, run->route->validated);
		break;
	case ROUTE_NO_DOMAIN:
		settle_no_route(run, REASON_DOMAIN_NOT_FOUND, run->route->validated);
		break;
	case ROUTE_NO_ADDRESS:
		settle_no_route(run, REASON_NO_ADDRESS, run->route->validated);
		break;
	}
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
static const struct attempt *attempt_at(const struct run *run, struct str host)
{
	for (size_t i = run->n_attempts; i > 0; i--)
		if (str_eq(run->attempts[i - 1].host, host))
			return &run->attempts[i - 1];
	return NULL;
}

static void log_outcome(const struct run *run, const struct recipient_outcome *o, struct str to)
{
	const struct attempt *last = attempt_at(run, o->host);
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
	struct recipient_outcome *outcomes = arena_array(run->arena, run->mail.n, sizeof *outcomes);
	struct attempt *attempts = arena_array(run->arena, run->n_attempts, sizeof *attempts);

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
	if (run->n_attempts)
		memcpy(attempts, run->attempts, run->n_attempts * sizeof *attempts);
	to->has_outcome = 1;
	to->id = run->job->id;
	to->outcomes.at = outcomes;
	to->outcomes.len = run->mail.n;
	to->attempts.at = attempts;
	to->attempts.len = run->n_attempts;
	to->destination_down = is_down(run);
}

static struct addressee *addressees_of(
	const struct job *job, struct ledger *ledger, struct arena *arena)
{
	struct addressee *to = arena_array(arena, job->recipients.len, sizeof *to);

	must(to != NULL);
	for (size_t i = 0; i < job->recipients.len; i++) {
		const struct job_recipient *r = &job->recipients.at[i];
		to[i].recipient = r;
		to[i].known = to[i].settled =
			ledger_was_sent(ledger, job, r->recipient, arena, &to[i].outcome);
	}
	return to;
}

bool deliver(struct config *config, struct pool *pool, struct ledger *ledger, const struct job *job,
	struct str body, struct arena *arena, atomic_int *committing, struct work_ask *to)
{
	struct run run = {
		.config = config,
		.pool = pool,
		.job = job,
		.arena = arena,
		.mail = { .job = job,
			.body = body,
			.addressees = addressees_of(job, ledger, arena),
			.n = job->recipients.len,
			.arena = arena,
			.committing = committing },
		.trying = deadline_in(TRYING),
	};

	if (!all_settled(&run)) {
		run.route = find_route(&run);
		walk(&run);
	}
	report(&run, to);
	route_release(&run.route);
	return run.mail.counted;
}
