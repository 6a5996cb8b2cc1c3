/* SPDX-License-Identifier: ISC
 *
 * ctl.h - what every command of siegel(1) has in hand: its request, the settings, connections to
 * the store and delivery, and the text it answers with.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/arena.h"
#include "call/client.h"
#include "ctl/command.h"
#include "settings/settings.h"
#include <jansson.h>

enum { CALL_MS = 60 * SECOND };

/* A process that was started for this command. */
struct alone {
	pid_t pid; /* 0: there is none */
	int control;
};

struct ctl {
	struct request request;
	struct settings *settings;
	bool unreadable; /* the configuration is not even there to be wrong */
	struct client *store, *delivery;
	struct alone alone; /* a delivery of our own, where no server runs */
	struct arena arena; /* of the answers */
	struct buf out, err;
};

#define RUN_PROTOTYPE(function, ...) enum exit_status run_##function(struct ctl *ctl);
COMMANDS(RUN_PROTOTYPE)
#undef RUN_PROTOTYPE

/* Give back all it holds. */
void ctl_free(struct ctl *ctl);

/* Read the configuration into ctl->settings, unless it was. False: ctl->err has the mistakes. */
bool ctl_settings(struct ctl *ctl) must_use;
/* The path of the configuration. */
const char *ctl_file(const struct ctl *ctl);
/* Settings and a connection to the store, unless they are there. Anything but EXIT_DONE is the
 * command's end. */
enum exit_status ctl_store(struct ctl *ctl) must_use;
/* A connection to the store alone, where the settings are there. */
bool ctl_connect(struct ctl *ctl, struct why *why) must_use;
/* The same to the running server's delivery. */
bool ctl_connect_delivery(struct ctl *ctl, struct why *why) must_use;
/* Settings, and delivery to ask: the server's; or, where none runs or we may not ask it, one of our
 * own (ctl->alone), which has no store. Anything but EXIT_DONE is the command's end. */
enum exit_status ctl_delivery(struct ctl *ctl) must_use;
/* What came of a question about a destination (enum look_outcome): delivery may have looked at
 * nothing, and that is said. */
enum exit_status ctl_looked(struct ctl *ctl, uint64_t outcome) must_use;
/* Who was asked did not answer: say why. */
enum exit_status ctl_unreachable(struct ctl *ctl, const struct why *why);
/* An answer that is no: its text, or one for the outcome (enum ctl_outcome). */
enum exit_status ctl_refused(struct ctl *ctl, uint64_t outcome, struct str text);
/* Take a JSON value over and print it. */
enum exit_status ctl_json(struct ctl *ctl, json_t *value);

/* The calls of calls.def as commands make them: connect, ask, wait. Anything but EXIT_DONE is the
 * command's end; whether the answer is a yes is for the caller to see. */
#define CTL_ASK(name, ask_t, answer_t, ...)                                                       \
	static inline must_use enum exit_status ask_##name(                                       \
		struct ctl *ctl, const struct ask_t *ask, struct answer_t *answer)                \
	{                                                                                         \
		enum exit_status status = ctl_store(ctl);                                         \
		struct why why;                                                                   \
                                                                                                  \
		if (status == EXIT_DONE && !call_##name(ctl->store, ask, -1, &ctl->arena, answer, \
						   NULL, deadline_in(CALL_MS), &why))             \
			status = ctl_unreachable(ctl, &why);                                      \
		return status;                                                                    \
	}
STORE_MAIL_CALLS(CTL_ASK)
#undef CTL_ASK

/* The word of a number; "?" where there is none, as for one from a newer server. */
const char *numbered_word(const char *const *words, size_t n, uint64_t number);
/* The reason's id; "?" for a number from a newer store. */
const char *reason_word(uint64_t reason);
/* "accepted", "unknown", "refused". */
const char *verdict_word(uint64_t verdict);
/* An attempt, and a set of demands as a list of names, for programs. */
json_t *attempt_json(const struct attempt *attempt);
json_t *demands_json(uint64_t set);
/* One of the store's figures as people read it: a time, a size, a number (status.c). */
void add_figure(struct buf *to, struct str name, uint64_t value);

/* A JSON string; bytes that are no UTF-8 become '?'. */
json_t *json_text(struct str text);
/* A time in ISO 8601; null for 0. */
json_t *json_time(uint64_t wall_ms);

#endif
