/* SPDX-License-Identifier: ISC
 *
 * look.c - see look.h. Runs in worker threads and in those of preflight. What is tried and in
 * which order stands here; what a failure means is asked of mail/policy every time, and which mail
 * may go over which connection is checked again where it is sent.
 */
#include "delivery/look.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "delivery/hosts.h"
#include "delivery/sts.h"
#include "net/dial.h"

enum {
	ROUTE_WAIT = 20 * SECOND,
	STORE_WAIT = 5 * SECOND,
	STS_WAIT = 10 * SECOND, /* policy.md section 7: while a mail waits */
	TLS_WAIT = 60 * SECOND, /* policy.md section 4: greeting to end of TLS */
	TLS_WAIT_OPPORTUNISTIC = 5 * MINUTE,
	TRYING = 10 * MINUTE,
	PEER_LIFE = 5 * MINUTE,
};

static struct deadline within(const struct look *look, int64_t ms)
{
	return deadline_earlier(look->until, deadline_in(ms));
}

/* The same within the turn of the host that is being asked. */
static struct deadline in_turn(const struct look *look, int64_t ms)
{
	return deadline_earlier(look->turn, deadline_in(ms));
}

static bool may_try(struct look *look)
{
	if (look->n_attempts < ATTEMPTS_MAX && !deadline_passed(look->trying))
		return true;
	look->capped = true;
	return false;
}

/* --- evidence --- */

/* Note an attempt; ip NULL where none was made. Callers ask may_try first. */
static struct attempt *note(struct look *look, struct str host, const struct ip *ip,
	struct judgement judgement, struct str said)
{
	scoped(buf_free) struct buf text = BUF(64);

	must(look->n_attempts < ATTEMPTS_ROOM);
	struct attempt *attempt = &look->attempts[look->n_attempts++];
	if (ip)
		ip_add_text(&text, ip);
	*attempt = (struct attempt){
		.time = (uint64_t)clock_wall_ms(),
		.host = arena_str(look->arena, host),
		.address = arena_str(look->arena, buf_str(&text)),
		.port = look->config->settings->delivery_port,
		.verdict = judgement.verdict,
		.reason = judgement.reason,
		.said = arena_str(look->arena, str_head(said, 1000)),
	};
	return attempt;
}

static void note_seal(struct look *look, struct attempt *attempt, const struct seal *seal)
{
	attempt->tls_version = arena_str(look->arena, seal->version);
	attempt->cipher = arena_str(look->arena, seal->cipher);
	attempt->group = arena_str(look->arena, seal->group);
	attempt->certificate = arena_str(look->arena, seal->certificate);
	attempt->key = arena_str(look->arena, seal->key);
}

struct attempt *look_note_kept(struct look *look, const struct peer *peer)
{
	struct attempt *attempt = note(look, peer->host, &peer->ip, peer->judgement, STR(""));

	note_seal(look, attempt, &peer->seal);
	attempt->proven_by = str_of(peer->proven_by);
	look->connected = true;
	return attempt;
}

void look_forget_kept(struct look *look)
{
	must(look->n_attempts > 0);
	look->n_attempts--;
}

/* --- one address --- */

/* A peer over a fresh socket, with all that says for which mail it may be used. */
static struct peer *fresh_peer(
	struct look *look, const struct look_host *host, const struct ip *ip, int fd)
{
	struct peer *peer = peer_new(fd);

	peer->domain = arena_str(&peer->memory, look->domain);
	peer->host = arena_str(&peer->memory, host->of->name);
	peer->ip = *ip;
	peer->port = (uint16_t)look->config->settings->delivery_port;
	peer->wanted = look->wanted;
	peer->config = config_hold(look->config);
	peer->expires = deadline_earlier(look->route->expires, deadline_in(PEER_LIFE));
	peer->proven_by = "";
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

/* RFC 7672 8.1: under DANE the name asked for is the one the records were found under. */
static struct str server_name(const struct look_host *host)
{
	if (host->facts.address_literal)
		return STR("");
	return host->facts.tlsa == TLSA_USABLE ? host->of->tlsa_base : host->of->name;
}

static struct peer_terms terms_of(
	const struct look *look, const struct look_host *host, const struct plan *plan)
{
	return (struct peer_terms){
		.our_name = look->config->settings->host_name,
		.tls = look->config->tls,
		.target = { .server_name = server_name(host),
			.plan = plan,
			.host = host->facts.address_literal ? STR("") : host->of->name,
			.tlsa = host->of->tlsa,
			.n_tlsa = host->of->n_tlsa,
			.tlsa_base = host->of->tlsa_base,
			.domain = look->literal ? STR("") : look->domain,
			.stored = look->stored.entries,
			.n_stored = look->stored.n },
		.deadline = in_turn(look, look->wanted ? TLS_WAIT : TLS_WAIT_OPPORTUNISTIC),
	};
}

/* Plaintext on a new connection, after TLS failed on the first one and policy has given its
 * permit. On failure *peer is closed and `shown` tells why. */
static void reconnect_plain(struct look *look, const struct look_host *host, struct peer **peer,
	const struct plan *plan, struct host_facts *shown, struct remote_reply *reply)
{
	struct dial_try again = { .ip = (*peer)->ip };
	struct plaintext_permit permit = (*peer)->permit;
	int fd = -1;

	peer_close(peer);
	if (dial(&again, 1, (uint16_t)look->config->settings->delivery_port, look->connect_ms,
		    look->turn, &fd) < 0) {
		shown->hello = hello_of_dial(again.state);
		return;
	}
	*peer = fresh_peer(look, host, &again.ip, fd);
	(*peer)->permit = permit;
	struct peer_terms terms = terms_of(look, host, plan);
	enum hello hello = peer_greet_plain(*peer, &terms, reply);
	if (hello != HELLO_NO_STARTTLS) {
		shown->hello = hello;
		peer_close(peer);
	}
}

/* MTA-STS asks for a listed name and a certificate valid for it (RFC 8461 4.1). */
static void show_sts(
	const struct look *look, const struct look_host *host, struct host_facts *shown)
{
	bool listed = sts_policy_lists(&look->sts->policy, host->of->name);

	shown->sts = listed && shown->ca_proves ? STS_HOLDS : STS_FAILS;
	shown->sts_fault = listed ? shown->certificate_fault : REASON_STS_MX_NOT_LISTED;
	shown->sts_refetch_failed = look->sts_refetch_failed;
}

/* RFC 8461 5.1: before a policy stands in the way of a message it is looked at once more. True if
 * there is another one now, by which the host is to be judged anew. */
static bool sts_is_another(struct look *look)
{
	if (look->sts_asked_again)
		return false;
	look->sts_asked_again = true;
	switch (sts_again(look->config->sts, look->config, &look->sts, in_turn(look, STS_WAIT))) {
	case STS_SAME:
		return false;
	case STS_AGAIN_FAILED:
		look->sts_refetch_failed = true;
		return true;
	case STS_NEW:
		hosts_use_sts(look);
		hosts_write_basis(look);
		return true;
	}
	return false;
}

/* What `testing` would have refused is said and no more (RFC 8461 5). */
static void tell_testing(
	const struct look *look, const struct look_host *host, const struct host_facts *shown)
{
	if (shown->hello != HELLO_SECURED && shown->hello != HELLO_NO_STARTTLS)
		return;
	bool listed = sts_policy_lists(&look->sts->policy, host->of->name);
	if (listed && shown->hello == HELLO_SECURED && shown->ca_proves)
		return;
	enum reason reason = !listed				 ? REASON_STS_MX_NOT_LISTED
			     : shown->hello == HELLO_NO_STARTTLS ? REASON_STARTTLS_NOT_SUPPORTED
								 : shown->certificate_fault;
	LOG(LOG_INFO, "sts-testing-failure", log_str("domain", look->domain),
		log_str("host", host->of->name), log_text("reason", reason_id(reason)));
}

/* The judgement of a host that has shown what it shows. */
static struct judgement judge(struct look *look, const struct look_host *host,
	const struct plan *plan, struct host_facts *shown)
{
	bool secured = shown->hello == HELLO_SECURED;

	if (plan->check_sts && secured)
		show_sts(look, host, shown);
	struct judgement judgement = policy_judge(look->wanted, &host->facts, shown);
	if (shown->sts != STS_FAILS || judgement.verdict == VERDICT_ACCEPTED ||
		!sts_is_another(look))
		return judgement;
	shown->sts = STS_NOT_CHECKED;
	shown->sts_fault = REASON_NONE;
	if (host->facts.sts == STS_IN_FORCE)
		show_sts(look, host, shown);
	return policy_judge(look->wanted, &host->facts, shown);
}

/* Whoever wants to know has everything checked that can be, whether or not it matters. */
static struct plan checks_of(
	const struct look *look, const struct look_host *host, const struct plan *plan)
{
	struct plan checks = *plan;

	checks.check_sts |= look->sts && look->sts->testing;
	if (look->sights) {
		checks.check_ca = true;
		checks.check_dane |= host->facts.tlsa == TLSA_USABLE;
		checks.check_pin |= host->facts.pin == PIN_STORED;
	}
	return checks;
}

/* With the attempt that is noted next. */
static void note_sight(struct look *look, const struct peer *peer, const struct host_facts *shown)
{
	if (!look->sights)
		return;
	struct sight *sight = &look->sights[look->n_attempts];
	*sight = (struct sight){ .shown = *shown };
	if (peer->secure)
		certificate_read(peer->secure, look->arena, &sight->certificate);
}

/* What the connection has proved goes with it. Were it less than what is wanted, whatever the
 * judgement, nothing is sent over it. */
static void keep_proofs(const struct look *look, const struct look_host *host, struct peer *peer,
	const struct host_facts *shown, struct judgement *judgement)
{
	if (!peer->secure)
		return;
	peer->secure->proved = policy_proofs(&host->facts, shown);
	peer->proven_by = policy_proven_by(&host->facts, shown);
	if (judgement->verdict == VERDICT_ACCEPTED && look->wanted & ~peer->secure->proved)
		*judgement = (struct judgement){ VERDICT_UNKNOWN, REASON_LOCAL_FAULT };
}

/* Where the handshake spoilt the connection, plaintext needs another; it may be had no more. */
static void renew_for_plaintext(struct look *look, const struct look_host *host,
	const struct plan *plan, const struct host_facts *shown, struct remote_reply *reply,
	struct peer **peer, struct judgement *judgement)
{
	struct host_facts again = *shown;

	if (!policy_plaintext_needs_new_connection(shown->hello))
		return;
	reconnect_plain(look, host, peer, plan, &again, reply);
	if (*peer)
		return;
	*judgement = policy_judge(look->wanted, &host->facts, &again);
	judgement->verdict = VERDICT_UNKNOWN;
}

/* Talk to one connected address and judge it. The peer if it is accepted, else NULL. */
static struct peer *try_peer(struct look *look, const struct look_host *host,
	const struct plan *plan, const struct ip *ip, int fd, struct judgement *judgement)
{
	struct peer *peer = fresh_peer(look, host, ip, fd);
	struct plan checks = checks_of(look, host, plan);
	struct peer_terms terms = terms_of(look, host, &checks);
	struct host_facts shown = { 0 };
	scoped(remote_reply_free) struct remote_reply reply = { 0 };
	struct why why = { "" };

	look->connected = true;
	peer_greet(peer, &terms, &shown, &reply, &why);
	struct seal seal = peer->seal;
	*judgement = judge(look, host, plan, &shown);
	if (look->sts && look->sts->testing)
		tell_testing(look, host, &shown);
	keep_proofs(look, host, peer, &shown, judgement);
	bool plaintext = policy_permit_plaintext(look->wanted, &host->facts, &shown, &peer->permit);
	must(plaintext == (judgement->verdict == VERDICT_ACCEPTED && shown.hello != HELLO_SECURED));
	struct str said = reply.said.len ? buf_str(&reply.said) : str_of(why.text);
	note_sight(look, peer, &shown);
	struct attempt *attempt = note(look, host->of->name, ip, *judgement, said);
	attempt->proven_by = str_of(peer->proven_by);
	if (plaintext)
		renew_for_plaintext(look, host, plan, &shown, &reply, &peer, judgement);
	else /* a seal that broke is not what the message travels under */
		note_seal(look, attempt, &seal);
	attempt->verdict = judgement->verdict;
	attempt->reason = judgement->reason;
	if (judgement->verdict != VERDICT_ACCEPTED) {
		peer_close(&peer);
		return NULL;
	}
	peer->judgement = *judgement;
	peer->basis = arena_str(&peer->memory, host->basis);
	return peer;
}

/* --- one host --- */

/* Record the addresses that could not be connected to since the last call. */
static size_t note_dials(struct look *look, const struct look_host *host,
	const struct dial_try *tries, size_t n, bool *noted, struct judgement *to)
{
	size_t added = 0;

	for (size_t i = 0; i < n; i++) {
		if (noted[i] || tries[i].state == DIAL_UNTRIED || tries[i].state == DIAL_CONNECTED)
			continue;
		struct host_facts shown = { .hello = hello_of_dial(tries[i].state) };
		to[added] = policy_judge(look->wanted, &host->facts, &shown);
		note(look, host->of->name, &tries[i].ip, to[added], STR(""));
		added++;
		noted[i] = true;
	}
	return added;
}

/* Whoever is in a hurry gives each of the hosts that are left an equal part of the time. */
static void begin_turn(struct look *look)
{
	size_t left = look->n_hosts - look->at + 1;

	look->turn = look->until;
	if (look->hurried)
		look->turn = deadline_in(deadline_poll_ms(look->until) / (int64_t)left);
}

static bool any_untried(const struct dial_try *tries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tries[i].state == DIAL_UNTRIED)
			return true;
	return false;
}

/* All addresses of one host until one is accepted or none is left. */
static struct peer *try_host(struct look *look, struct look_host *host)
{
	struct dial_try tries[ROUTE_ADDRESSES_MAX];
	struct judgement shown[ROUTE_ADDRESSES_MAX + 1], *result = &look->shown[look->n_shown++];
	bool noted[ROUTE_ADDRESSES_MAX] = { false }, forbidden;
	size_t n_shown = 0, n = hosts_addresses(look, host, tries, &forbidden);
	struct peer *peer = NULL;

	begin_turn(look);
	if (forbidden)
		shown[n_shown++] = (struct judgement){ VERDICT_UNKNOWN, REASON_FORBIDDEN_ADDRESS };
	while (!peer && may_try(look)) {
		int fd = -1;
		struct plan plan = policy_plan(look->wanted, &host->facts);
		if (!plan.connect) {
			note(look, host->of->name, NULL, plan.before, STR(""));
			*result = plan.before;
			return NULL;
		}
		int at = dial(tries, n, (uint16_t)look->config->settings->delivery_port,
			look->connect_ms, look->turn, &fd);
		n_shown += note_dials(look, host, tries, n, noted, shown + n_shown);
		if (at < 0) {
			look->capped |= any_untried(tries, n);
			break;
		}
		peer = try_peer(look, host, &plan, &tries[at].ip, fd, &shown[n_shown]);
		n_shown++;
		if (look->sights)
			peer_close(&peer);
	}
	*result = policy_join_hosts(shown, n_shown, look->capped || host->of->capped);
	return peer;
}

/* --- all of it --- */

static bool ends(struct look *look, enum verdict verdict, enum reason reason, bool permanent)
{
	look->over = true;
	look->end = (struct judgement){ verdict, reason };
	look->permanent = permanent;
	note(look, look->domain, NULL, look->end, STR(""));
	return false;
}

/* policy.md section 4: permanent of their own kind; unvalidated ones get the second look where
 * something is demanded. */
static bool ends_without_host(struct look *look, enum reason reason, bool validated)
{
	return ends(look, VERDICT_REFUSED, reason,
		validated || !look->wanted || look->cold || look->literal);
}

static bool use_route(struct look *look)
{
	const struct route *route = look->route;

	switch (route->kind) {
	case ROUTE_FAILED:
		return ends(look, VERDICT_UNKNOWN,
			route->bogus ? REASON_DNSSEC_INVALID : REASON_DNS_FAILURE, false);
	case ROUTE_NULL_MX:
		return ends_without_host(look, REASON_NULL_MX, route->validated);
	case ROUTE_NO_DOMAIN:
		return ends_without_host(look, REASON_DOMAIN_NOT_FOUND, route->validated);
	case ROUTE_NO_ADDRESS:
		return ends_without_host(look, REASON_NO_ADDRESS, route->validated);
	case ROUTE_HOSTS:
		break;
	}
	look->n_hosts = hosts_in_order(look);
	if (!look->n_hosts)
		return ends_without_host(
			look, REASON_MAIL_LOOP, route->hosts[0].facts.mx_validated);
	return true;
}

/* Half of what is left, where a policy that can't be had must not cost the hosts their turns. */
static struct deadline sts_deadline(const struct look *look)
{
	int64_t ms = STS_WAIT;

	if (look->hurried)
		ms = deadline_poll_ms(look->until) / 2;
	return within(look, ms);
}

static bool needs_sts(const struct look *look)
{
	for (size_t i = 0; i < look->n_hosts; i++)
		if (policy_needs_sts(look->wanted, &look->hosts[i].facts))
			return true;
	return false;
}

/* What is stored of the domain's servers. Without the store nothing is known, which is no "none". */
static bool find_stored(struct look *look)
{
	struct why why = { "" };
	struct client *store = look->config->store;

	if (store && stored_find(store, look->domain, look->arena, &look->stored,
			     within(look, STORE_WAIT), &why)) {
		hosts_use_stored(look);
		return true;
	}
	LOG(LOG_WARNING, "stored-unknown", log_str("domain", look->domain),
		log_text("why", store ? why.text : "no store runs"));
	return false;
}

bool look_begin(struct look *look)
{
	struct config *config = look->config;
	struct ip ip;

	look->trying = deadline_earlier(look->until, deadline_in(TRYING));
	look->literal = ip_of_literal(look->domain, &ip);
	if (look->literal)
		look->route = route_of_literal(look->domain, &ip);
	else if (resolver_health(config->resolver) == RESOLVER_UNHEALTHY)
		return ends(look, VERDICT_UNKNOWN, REASON_RESOLVER_UNHEALTHY, false);
	else
		look->route = resolver_route(
			config->resolver, look->domain, look->cold, within(look, ROUTE_WAIT));
	if (!use_route(look))
		return false;
	bool needs_pin = policy_needs_pin(look->wanted) && !look->literal;
	if ((needs_pin || look->sights) && !find_stored(look) && needs_pin)
		return ends(look, VERDICT_UNKNOWN, REASON_LOCAL_FAULT, false);
	if (needs_sts(look)) {
		look->sts =
			sts_find(config->sts, config, look->domain, look->cold, sts_deadline(look));
		hosts_use_sts(look);
	}
	hosts_write_basis(look);
	return true;
}

struct peer *look_next(struct look *look)
{
	while (!look->over && look->at < look->n_hosts && may_try(look)) {
		struct peer *peer = try_host(look, &look->hosts[look->at++]);
		if (peer)
			return peer;
	}
	return NULL;
}

bool look_still_holds(struct look *look)
{
	struct attempt *last = &look->attempts[look->n_attempts - 1];
	struct why why = { "" };

	if (!policy_needs_pin(look->wanted) || stored_still(look->config->store, look->stored.state,
						       within(look, STORE_WAIT), &why))
		return true;
	last->verdict = VERDICT_UNKNOWN;
	last->reason = REASON_STORED_CERTIFICATE_MISMATCH;
	last->said = arena_str(look->arena, str_of(why.text));
	look->over = true;
	look->end = (struct judgement){ VERDICT_UNKNOWN, REASON_STORED_CERTIFICATE_MISMATCH };
	return false;
}

struct judgement look_judgement(const struct look *look)
{
	if (look->over)
		return look->end;
	return policy_join_hosts(look->shown, look->n_shown, look->capped || look->route->capped);
}

void look_end(struct look *look)
{
	route_release(&look->route);
	sts_release(&look->sts);
}
