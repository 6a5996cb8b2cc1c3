/* SPDX-License-Identifier: ISC
 *
 * child.h - one role as siegeld sees it: a process, its control descriptor, its history.
 */
#ifndef SIEGELD_CHILD_H
#define SIEGELD_CHILD_H

#include "base/clock.h"
#include "call/control.h"
#include "siegeld/inputs.h"
#include "siegeld/ports.h"
#include "siegeld/state.h"

struct child {
	enum role role;
	pid_t pid;   /* 0: not running */
	int control; /* -1: closed */
	bool ready, was_ready;
	bool ended_by_itself; /* the last exit was no signal's doing */
	int64_t started;      /* monotonic */
	int64_t since;	      /* wall clock; when it became ready */
	uint64_t restarts;    /* starts after the first */
	unsigned failures;    /* in a row, none of them after a minute of health */
	struct deadline restart_at;
	struct deadline deaf; /* when to kill one that closed its control descriptor */
	char last_exit[64];   /* "" if there was none */
	char confinement[CONTROL_NAME_MAX + 1];
};

/* What every child is started from. */
struct crew {
	struct child children[CHILDREN];
	struct inputs *inputs;
	struct state state;
	struct ports ports;
	char programs[4096];  /* the folder of our binaries */
	uint64_t descriptors; /* how many a role may open */
};

/* Find the programs beside our own. False with a line in `errors` for each that isn't there. */
bool child_find_programs(struct crew *crew, struct buf *errors);
/* Start the role and hand it all it needs. What goes wrong is logged and counts as its death. */
void child_start(struct crew *crew, struct child *child);
/* Let the role's program read its settings and files as it would to serve, and end. False: it
 * can't use them, and its log says why. */
bool child_check(struct crew *crew, enum role role);
/* Send it the crew's (new) settings and files. */
void child_reload(struct crew *crew, struct child *child);
/* Ask it to finish and exit. */
void child_stop(struct child *child);
/* Not to be reasoned with any more. */
void child_kill(struct child *child, const char *why);
/* Kill it if it has closed its control descriptor and still lives after a moment. */
void child_kill_deaf(struct child *child);
/* It ended with this wait status: note why and when to start it again. */
void child_ended(struct child *child, int status);
/* Read what it says. True if it has just become ready. */
bool child_hear(struct child *child);
/* Give a server and one who asks it a new rendezvous, if both are ready. */
void child_link(struct child *server, struct child *client);

#endif
