/* SPDX-License-Identifier: ISC
 *
 * preflight.c - see preflight.h. Runs in threads of answer.c. All it knows it learns from a look,
 * the same that delivers; here that is only put into words' order, and remembered for a minute.
 * What names and replies it passes on came from DNS and peers.
 */
#include "delivery/preflight.h"

#include "base/must.h"
#include "delivery/look.h"
#include "mail/address.h"
#include <pthread.h>
#include <stdlib.h>

enum {
	CONNECT_MS = 1 * SECOND, /* to each address, where somebody waits for the answer */
	EXAMINE_CONNECT_MS = 4 * SECOND,
	KEPT_SIZE = 256 * 1024, /* of one answer */
};

/* --- what was answered lately --- */

struct kept {
	struct kept *next;
	struct buf domain, answer; /* packed */
	demands wanted;
	struct deadline until;
};

struct preflights {
	pthread_mutex_t lock; /* guards all below */
	struct kept *newest;
	uint64_t generation; /* of what answers rest on */
};

struct preflights *preflights_new(void)
{
	struct preflights *p = must_alloc(sizeof *p);

	must(pthread_mutex_init(&p->lock, NULL) == 0);
	return p;
}

static void kept_free(struct kept *kept)
{
	buf_free(&kept->domain);
	buf_free(&kept->answer);
	free(kept);
}

void preflights_forget(struct preflights *p)
{
	pthread_mutex_lock(&p->lock);
	p->generation++;
	while (p->newest) {
		struct kept *next = p->newest->next;
		kept_free(p->newest);
		p->newest = next;
	}
	pthread_mutex_unlock(&p->lock);
}

void preflights_free(struct preflights **p)
{
	preflights_forget(*p);
	pthread_mutex_destroy(&(*p)->lock);
	free(*p);
	*p = NULL;
}

/* Drop what is too old, what is too much, and what is about to be replaced. With the lock held. */
static void drop_old(struct preflights *p, const struct preflight_ask *replaced)
{
	size_t n = 0;

	for (struct kept **at = &p->newest; *at;) {
		struct kept *kept = *at;
		bool same = replaced && kept->wanted == replaced->demands &&
			    str_eq(buf_str(&kept->domain), replaced->domain);
		if (!same && !deadline_passed(kept->until) && ++n < PREFLIGHTS_KEPT) {
			at = &kept->next;
			continue;
		}
		*at = kept->next;
		kept_free(kept);
	}
}

static uint64_t generation_of(struct preflights *p)
{
	pthread_mutex_lock(&p->lock);
	uint64_t generation = p->generation;
	pthread_mutex_unlock(&p->lock);
	return generation;
}

/* True and the answer, if there is one for this question. */
static bool find(struct preflights *p, const struct preflight_ask *ask, struct arena *arena,
	struct preflight_answer *answer)
{
	struct str packed = { 0 };

	pthread_mutex_lock(&p->lock);
	drop_old(p, NULL);
	for (const struct kept *kept = ask->fresh ? NULL : p->newest; kept && !packed.len;
		kept = kept->next)
		if (kept->wanted == ask->demands && str_eq(buf_str(&kept->domain), ask->domain))
			packed = arena_str(arena, buf_str(&kept->answer));
	pthread_mutex_unlock(&p->lock);
	return packed.len && unpack_preflight_answer(&packed, arena, answer);
}

/* What was cut short is worth another look, and stored certificates may be removed any moment. */
static void keep(struct preflights *p, const struct preflight_ask *ask,
	const struct preflight_answer *answer, struct deadline until, uint64_t generation)
{
	if (!answer->complete || ask->demands & DEMAND_PINNED)
		return;
	struct kept *kept = must_alloc(sizeof *kept);
	kept->domain = BUF(ADDRESS_DOMAIN_MAX);
	kept->answer = BUF(KEPT_SIZE);
	kept->wanted = (demands)ask->demands;
	kept->until = deadline_earlier(until, deadline_in(PREFLIGHT_KEPT));
	buf_add(&kept->domain, ask->domain);
	pack_preflight_answer(&kept->answer, answer);
	if (kept->domain.overflowed || kept->answer.overflowed) {
		kept_free(kept);
		return;
	}
	pthread_mutex_lock(&p->lock);
	drop_old(p, ask);
	if (p->generation == generation) {
		kept->next = p->newest;
		p->newest = kept;
		kept = NULL;
	}
	pthread_mutex_unlock(&p->lock);
	if (kept)
		kept_free(kept);
}

/* --- the look --- */

/* Is this a domain or an address literal in the form everything else compares? */
static bool is_name(struct str domain, struct arena *arena)
{
	struct str same;

	if (domain.len == 0 || domain.len > ADDRESS_DOMAIN_MAX)
		return false;
	if (domain.at[0] == '[')
		return address_literal(domain);
	return address_domain(domain, arena, &same) && str_eq(domain, same);
}

static enum route_found found(const struct look *look)
{
	if (!look->route)
		return FOUND_NOTHING;
	switch (look->route->kind) {
	case ROUTE_HOSTS:
		return FOUND_HOSTS;
	case ROUTE_NULL_MX:
		return FOUND_NULL_MX;
	case ROUTE_NO_DOMAIN:
		return FOUND_NO_DOMAIN;
	case ROUTE_NO_ADDRESS:
		return FOUND_NO_ADDRESS;
	case ROUTE_FAILED:
		break;
	}
	return FOUND_NOTHING;
}

/* Is the answer that led to the hosts, or to there being none, signed? */
static bool is_signed(const struct look *look)
{
	return look->route && look->route->validated;
}

static struct preflight_host host_of(const struct look *look, size_t i)
{
	const struct look_host *host = &look->hosts[i];
	const struct route_facts *facts = &host->facts;
	bool asked = i < look->n_shown;

	return (struct preflight_host){
		.name = arena_str(look->arena, host->of->name),
		.preference = host->of->preference,
		.mx_validated = facts->mx_validated,
		.host_validated = facts->host_validated,
		.address = facts->address,
		.dns_bogus = facts->dns_bogus,
		.tlsa = facts->tlsa,
		.tlsa_records = host->of->n_tlsa,
		.tlsa_base = arena_str(look->arena, host->of->tlsa_base),
		.sts = facts->sts,
		.pin = facts->pin,
		.asked = asked,
		.verdict = asked ? look->shown[i].verdict : VERDICT_UNKNOWN,
		.reason = asked ? look->shown[i].reason : REASON_NONE,
	};
}

/* The attempt that the verdict comes from, if one is. */
static const struct attempt *decisive(const struct look *look, struct judgement all)
{
	for (size_t i = look->n_attempts; i > 0 && !look->over; i--) {
		const struct attempt *a = &look->attempts[i - 1];
		if (a->verdict == all.verdict && a->reason == all.reason)
			return a;
	}
	return NULL;
}

static void tell_verdict(const struct look *look, struct preflight_answer *answer)
{
	struct judgement all = look_judgement(look);
	const struct attempt *by = decisive(look, all);

	answer->verdict = all.verdict;
	answer->reason = all.reason;
	answer->complete =
		all.verdict != VERDICT_UNKNOWN || (!look->capped && !deadline_passed(look->until));
	if (!by)
		return;
	answer->host = by->host;
	answer->proven_by = by->proven_by;
	answer->tls_version = by->tls_version;
	answer->cipher = by->cipher;
	answer->group = by->group;
}

static void tell(const struct look *look, struct preflight_answer *answer)
{
	size_t n = look->n_hosts;

	answer->route = found(look);
	answer->route_validated = is_signed(look);
	answer->route_bogus = look->route && look->route->bogus;
	answer->dns_time = look->route ? (uint64_t)look->route->made_at : 0;
	tell_verdict(look, answer);
	answer->hosts.at = arena_array(look->arena, n + 1, sizeof *answer->hosts.at);
	answer->attempts.at =
		arena_array(look->arena, look->n_attempts + 1, sizeof *answer->attempts.at);
	must(answer->hosts.at && answer->attempts.at);
	for (size_t i = 0; i < n; i++)
		answer->hosts.at[answer->hosts.len++] = host_of(look, i);
	for (size_t i = 0; i < look->n_attempts && !look->over; i++)
		answer->attempts.at[answer->attempts.len++] = look->attempts[i];
}

static int64_t connect_ms(const struct config *config, int64_t most)
{
	int64_t usual = config->settings->connect_deadline;

	return usual < most ? usual : most;
}

static struct deadline look_at(struct config *config, const struct preflight_ask *ask,
	struct arena *arena, struct preflight_answer *answer)
{
	struct look look = {
		.config = config,
		.domain = ask->domain,
		.wanted = (demands)ask->demands,
		.cold = ask->fresh,
		.arena = arena,
		.until = deadline_in(PREFLIGHT_WAIT),
		.connect_ms = connect_ms(config, CONNECT_MS),
		.hurried = true,
	};

	struct peer *peer = look_begin(&look) ? look_next(&look) : NULL;
	peer_close(&peer);
	tell(&look, answer);
	struct deadline good = look.route ? look.route->expires : deadline_in(0);
	look_end(&look);
	return good;
}

/* The operator's demands for the domain join what is asked for, as they do when mail is accepted. */
static bool preflight_ask_of(const struct config *config, const struct preflight_ask *ask,
	struct arena *arena, struct preflight_ask *effective)
{
	*effective = *ask;
	if (!is_name(ask->domain, arena) || ask->demands & ~(uint64_t)DEMANDS_ALL)
		return false;
	effective->demands |= settings_demands(config->settings, ask->domain);
	return true;
}

static void answer_anew(struct preflights *kept, struct config *config,
	const struct preflight_ask *ask, struct arena *arena, struct preflight_answer *answer,
	uint64_t generation)
{
	bool secure;

	*answer = (struct preflight_answer){ .time = (uint64_t)clock_wall_ms(),
		.demands = ask->demands };
	if (settings_domain(config->settings, ask->domain, &secure) >= 0) {
		answer->route = FOUND_OURSELVES;
		answer->complete = 1;
		return;
	}
	struct deadline good = look_at(config, ask, arena, answer);
	keep(kept, ask, answer, good, generation);
}

void preflight(struct preflights *kept, struct delivery *delivery, const struct preflight_ask *ask,
	struct arena *arena, struct preflight_answer *answer)
{
	/* Before the settings, which others may replace from now on. */
	uint64_t generation = generation_of(kept);
	struct config *config = delivery_config(delivery);
	struct preflight_ask effective;

	if (!preflight_ask_of(config, ask, arena, &effective))
		*answer = (struct preflight_answer){ .outcome = LOOK_NO_NAME };
	else if (!find(kept, &effective, arena, answer))
		answer_anew(kept, config, &effective, arena, answer, generation);
	config_release(&config);
}

/* --- all servers of a domain --- */

static struct examined examined_of(const struct look *look, size_t i)
{
	const struct attempt *a = &look->attempts[i];
	const struct sight *sight = &look->sights[i];
	bool stands = sight->shown.hello == HELLO_SECURED;
	struct examined e = {
		.host = a->host,
		.address = a->address,
		.reason = stands ? REASON_NONE : a->reason,
		.said = a->said,
		.tls_version = a->tls_version,
		.cipher = a->cipher,
		.subject = sight->certificate.subject,
		.issuer = sight->certificate.issuer,
		.not_before = (uint64_t)sight->certificate.not_before,
		.not_after = (uint64_t)sight->certificate.not_after,
		.certificate = a->certificate,
		.key = a->key,
		.dane = sight->shown.dane,
		.pin = sight->shown.pin,
		.ca_proves = sight->shown.ca_proves,
		.certificate_fault = sight->shown.certificate_fault,
	};

	for (size_t j = 0; j < look->n_hosts; j++)
		if (str_eq(look->hosts[j].of->name, a->host))
			e.tlsa = look->hosts[j].facts.tlsa;
	return e;
}

static void look_at_all(struct config *config, const struct examine_ask *ask, struct arena *arena,
	struct examine_answer *answer)
{
	struct look look = {
		.config = config,
		.domain = ask->domain,
		.wanted = DEMAND_TLS,
		.cold = true,
		.arena = arena,
		.until = deadline_in(EXAMINE_WAIT),
		.connect_ms = connect_ms(config, EXAMINE_CONNECT_MS),
		.hurried = true,
		.sights = arena_array(arena, ATTEMPTS_ROOM, sizeof *look.sights),
	};

	must(look.sights);
	struct peer *none = look_begin(&look) ? look_next(&look) : NULL;
	must(!none);
	answer->route = found(&look);
	answer->route_validated = is_signed(&look);
	answer->route_bogus = look.route && look.route->bogus;
	answer->complete = !look.capped && !deadline_passed(look.until);
	answer->found.at = arena_array(arena, look.n_attempts + 1, sizeof *answer->found.at);
	must(answer->found.at);
	for (size_t i = 0; i < look.n_attempts && !look.over; i++)
		answer->found.at[answer->found.len++] = examined_of(&look, i);
	look_end(&look);
}

void examine(struct delivery *delivery, const struct examine_ask *ask, struct arena *arena,
	struct examine_answer *answer)
{
	struct config *config = delivery_config(delivery);

	*answer = (struct examine_answer){ .outcome = LOOK_NO_NAME };
	if (is_name(ask->domain, arena)) {
		answer->outcome = LOOK_DONE;
		look_at_all(config, ask, arena, answer);
	}
	config_release(&config);
}
