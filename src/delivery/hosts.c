/* SPDX-License-Identifier: ISC
 *
 * hosts.c - see hosts.h. Runs in worker threads and in those of preflight. Host names and records
 * come from DNS and are hostile; a fact that nobody looked up stays "not looked up".
 */
#include "delivery/hosts.h"

#include "base/must.h"
#include "delivery/sts.h"
#include <string.h>
#include <sys/random.h>

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
static size_t hosts_before_us(const struct settings *settings, const struct route *route)
{
	for (size_t i = 0; i < route->n_hosts; i++) {
		if (!is_ourselves(settings, &route->hosts[i]))
			continue;
		size_t n = 0;
		while (route->hosts[n].preference < route->hosts[i].preference)
			n++;
		return n;
	}
	return route->n_hosts;
}

/* Hosts of equal preference in random order (RFC 5321 5.1). */
static void shuffle(struct look_host *hosts, size_t n)
{
	uint32_t dice[ROUTE_HOSTS_MAX] = { 0 };

	if (n > 1 && getrandom(dice, n * sizeof *dice, 0) < 0)
		memset(dice, 0, sizeof dice);
	for (size_t i = 1; i < n; i++) {
		size_t first = i;
		while (first > 0 && hosts[first - 1].of->preference == hosts[i].of->preference)
			first--;
		size_t other = first + dice[i] % (i - first + 1);
		struct look_host host = hosts[i];
		hosts[i] = hosts[other];
		hosts[other] = host;
	}
}

size_t hosts_in_order(struct look *look)
{
	const struct route *route = look->route;
	size_t n = hosts_before_us(look->config->settings, route);

	for (size_t i = 0; i < n; i++) {
		look->hosts[i] = (struct look_host){
			.of = &route->hosts[i], .facts = route->hosts[i].facts, .basis = STR("")
		};
		look->hosts[i].facts.unenforced = look->unenforced;
	}
	shuffle(look->hosts, n);
	return n;
}

void hosts_use_sts(struct look *look)
{
	for (size_t i = 0; i < look->n_hosts; i++) {
		struct route_facts *facts = &look->hosts[i].facts;
		if (policy_needs_sts(look->wanted, facts))
			facts->sts = look->sts->state;
	}
}

void hosts_use_stored(struct look *look)
{
	for (size_t i = 0; i < look->n_hosts; i++)
		look->hosts[i].facts.pin = stored_pin(&look->stored);
}

static void add_number(struct buf *to, uint64_t number)
{
	buf_add_u64(to, number);
	buf_add_char(to, ' ');
}

/* With its length in front, so that two texts can't be taken for two others. */
static void add_text(struct buf *to, struct str text)
{
	add_number(to, text.len);
	buf_add(to, text);
}

static void add_facts(struct buf *to, const struct route_facts *facts)
{
	add_number(to, facts->mx_validated);
	add_number(to, facts->host_validated);
	add_number(to, facts->tlsa);
	add_number(to, facts->sts);
	add_number(to, facts->pin);
	add_number(to, facts->address_literal);
	add_number(to, facts->unenforced);
}

static void add_tlsa(struct buf *to, const struct route_host *host)
{
	add_text(to, host->tlsa_base);
	for (size_t i = 0; i < host->n_tlsa; i++) {
		add_number(to, host->tlsa[i].usage);
		add_number(to, host->tlsa[i].selector);
		add_number(to, host->tlsa[i].matching);
		add_text(to, host->tlsa[i].data);
	}
}

/* The same id may come with another text. */
static void add_policy(struct buf *to, const struct sts_view *sts)
{
	add_text(to, sts->id);
	add_number(to, (uint64_t)sts->fetched);
}

/* An entry that has run out changes no generation, but the day when the next one will. */
static void add_stored(struct buf *to, const struct stored_state *state)
{
	add_number(to, state->generation);
	add_number(to, (uint64_t)state->until);
}

void hosts_write_basis(struct look *look)
{
	scoped(buf_free) struct buf text = BUF(SIZE_MAX);

	for (size_t i = 0; i < look->n_hosts; i++) {
		struct look_host *host = &look->hosts[i];
		buf_clear(&text);
		add_facts(&text, &host->facts);
		add_tlsa(&text, host->of);
		if (host->facts.sts == STS_IN_FORCE)
			add_policy(&text, look->sts);
		if (host->facts.pin == PIN_STORED)
			add_stored(&text, &look->stored.state);
		host->basis = arena_str(look->arena, buf_str(&text));
		must(host->basis.at != NULL);
	}
}

size_t hosts_addresses(
	struct look *look, struct look_host *host, struct dial_try *tries, bool *forbidden)
{
	const struct config *config = look->config;
	size_t n = 0;

	*forbidden = false;
	for (size_t i = 0; i < host->of->n_addresses; i++) {
		const struct ip *ip = &host->of->addresses[i];
		if (ip_is_forbidden(ip, config->allowed, config->n_allowed))
			*forbidden = true;
		else if (dial_has_route(ip))
			tries[n++] = (struct dial_try){ .ip = *ip, .fd = -1 };
	}
	if (host->facts.address == ADDRESS_FOUND && n == 0)
		host->facts.address = *forbidden ? ADDRESS_FORBIDDEN : ADDRESS_NO_ROUTE;
	return n;
}
