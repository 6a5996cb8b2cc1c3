/* SPDX-License-Identifier: ISC
 *
 * ctl.h - what every command of siegel(1) has in hand: its request, the settings, a connection to
 * the store, and the text it answers with.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/arena.h"
#include "call/client.h"
#include "ctl/command.h"
#include "settings/settings.h"
#include <jansson.h>

enum { CALL_MS = 60 * SECOND };

struct ctl {
	struct request request;
	struct settings *settings;
	bool unreadable; /* the configuration is not even there to be wrong */
	struct store_client *store;
	struct arena arena; /* of the answers */
	struct buf out, err;
};

#define RUN_PROTOTYPE(function, ...) enum exit_status run_##function(struct ctl *ctl);
COMMANDS(RUN_PROTOTYPE)
#undef RUN_PROTOTYPE

/* Give back all it holds. */
void ctl_free(struct ctl *ctl);

/* Read the configuration into ctl->settings. False: ctl->err has the mistakes. */
bool ctl_settings(struct ctl *ctl) must_use;
/* The path of the configuration. */
const char *ctl_file(const struct ctl *ctl);
/* Settings and a connection to the store. Anything but EXIT_DONE is the command's end. */
enum exit_status ctl_store(struct ctl *ctl) must_use;
/* The store did not answer: say why. */
enum exit_status ctl_unreachable(struct ctl *ctl, const struct why *why);
/* An answer that is no: its text, or one for the outcome (enum ctl_outcome). */
enum exit_status ctl_refused(struct ctl *ctl, uint64_t outcome, struct str text);
/* Take a JSON value over and print it. */
enum exit_status ctl_json(struct ctl *ctl, json_t *value);

/* One of the store's figures as people read it: a time, a size, a number (status.c). */
void add_figure(struct buf *to, struct str name, uint64_t value);

/* A JSON string; bytes that are no UTF-8 become '?'. */
json_t *json_text(struct str text);
/* A time in ISO 8601; null for 0. */
json_t *json_time(uint64_t wall_ms);

#endif
