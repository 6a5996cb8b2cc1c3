/* SPDX-License-Identifier: ISC
 *
 * own_mx.c - see own_mx.h. Runs in the thread that watches (watch.h).
 * It only tells the operator: what an answer says, or that none came, decides about no mail.
 */
#include "delivery/own_mx.h"

#include "base/log.h"

enum { ROUTE_WAIT = 20 * SECOND };

static bool is_ours(const struct settings *settings, struct str host)
{
	struct str own = settings->host_name;

	if (own.len && own.at[own.len - 1] == '.')
		own.len--;
	return str_eq_nocase(host, own);
}

/* Nobody published an MX record: the domain's own address serves (RFC 5321 5.1). */
static bool is_implicit(const struct route *route, struct str domain)
{
	return route->n_hosts == 1 && route->hosts[0].preference == 0 &&
	       str_eq(route->hosts[0].name, domain);
}

static void unknown(struct str domain, const char *why)
{
	LOG(LOG_WARNING, "mx-unknown", log_str("domain", domain), log_text("why", why));
}

static void judge(const struct settings *settings, struct str domain, const struct route *route)
{
	static const char *const whys[] = {
		[ROUTE_FAILED] = "the look-up failed",
		[ROUTE_NULL_MX] = "a null MX: it takes no mail",
		[ROUTE_NO_DOMAIN] = "there is no such domain",
		[ROUTE_NO_ADDRESS] = "no MX names a host",
	};

	if (route->kind != ROUTE_HOSTS) {
		unknown(domain, whys[route->kind]);
		return;
	}
	for (size_t i = 0; i < route->n_hosts; i++) {
		if (is_ours(settings, route->hosts[i].name))
			continue;
		if (is_implicit(route, domain))
			unknown(domain, "there is no MX");
		else
			LOG(LOG_ALARM, "foreign-mx", log_str("domain", domain),
				log_str("host", route->hosts[i].name));
	}
}

void own_mx_check(const struct config *config)
{
	const struct settings *settings = config->settings;

	for (size_t i = 0; i < settings->domains.len; i++) {
		struct str domain = settings->domains.at[i].secure;
		if (!domain.len)
			continue;
		const struct route *route =
			resolver_route(config->resolver, domain, false, deadline_in(ROUTE_WAIT));
		judge(settings, domain, route);
		route_release(&route);
	}
}
