/* SPDX-License-Identifier: ISC
 *
 * config.c - delivery's snapshot of its settings. Made by the control thread, held by workers.
 */
#include "delivery/config.h"

#include "base/must.h"
#include <stdlib.h>

static struct str_list list_of(struct texts texts)
{
	return (struct str_list){ texts.at, texts.len };
}

static bool read_networks(struct config *config, struct texts texts, struct why *why)
{
	config->allowed = must_alloc((texts.len + 1) * sizeof *config->allowed);
	for (size_t i = 0; i < texts.len; i++)
		if (!ip_network_of_text(texts.at[i], &config->allowed[config->n_allowed++], why))
			return false;
	return true;
}

struct config *config_new(
	const struct settings *settings, struct str anchor, struct str ca, struct why *why)
{
	struct config *config = must_alloc(sizeof *config);
	struct resolver_setup setup = {
		.anchor = anchor,
		.root_servers = list_of(settings->root_servers),
		.forwarders = list_of(settings->forwarders),
		.stub_zones = list_of(settings->stub_zones),
		.local_records = list_of(settings->local_records),
		.local_zones = list_of(settings->local_zones),
		.port = (uint16_t)settings->delivery_port,
	};

	atomic_init(&config->holders, 1);
	config->settings = settings;
	bool good = read_networks(config, settings->allow_networks, why) &&
		    (config->tls = tls_client_new(ca, why)) &&
		    (config->resolver = resolver_new(&setup, why));
	if (!good)
		config_release(&config);
	return config;
}

struct config *config_hold(struct config *config)
{
	atomic_fetch_add(&config->holders, 1);
	return config;
}

void config_release(struct config **config)
{
	struct config *c = *config;

	*config = NULL;
	if (!c || atomic_fetch_sub(&c->holders, 1) != 1)
		return;
	resolver_release(&c->resolver);
	tls_client_free(&c->tls);
	free(c->allowed);
	free(c);
}
