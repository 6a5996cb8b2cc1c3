/* SPDX-License-Identifier: ISC
 *
 * ports.h - the sockets that are bound once, before privileges matter to anyone: the listeners
 * for smtpd and web, those of the store and delivery for the command line, our own for who asks how things are.
 */
#ifndef SIEGELD_PORTS_H
#define SIEGELD_PORTS_H

#include "base/buf.h"
#include "call/role.h"
#include "settings/settings.h"

struct port {
	char *name;
	int fd;
	enum role role; /* who answers there */
};

struct ports {
	struct port *listeners; /* one per listener of the settings */
	size_t n_listeners;
	int store;    /* STATE/run/store.sock */
	int delivery; /* STATE/run/delivery.sock */
	int status;   /* STATE/run/siegeld.sock */
};

/* Bind all. False, with a line in `errors` for each that can't be. */
bool ports_open(struct ports *ports, const struct settings *settings, struct buf *errors);
/* Take the names of our unix sockets away again. */
void ports_unlink(const struct settings *settings);

#endif
