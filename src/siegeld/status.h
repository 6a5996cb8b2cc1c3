/* SPDX-License-Identifier: ISC
 *
 * status.h - how things are, told to whoever may connect to STATE/run/siegeld.sock: one JSON
 * object, then the end.
 *
 *	{ "pid": 1, "ready": true, "state_directory": "/var/lib/siegel",
 *	  "roles": [ { "name": "store", "pid": 2 (0: not running), "ready": true,
 *	               "up_since": "2026-11-23T17:22:00Z" or "", "restarts": 0,
 *	               "last_exit": "signal 9 (Killed)" or "", "confinement": "uid=..." } ] }
 */
#ifndef SIEGELD_STATUS_H
#define SIEGELD_STATUS_H

#include "siegeld/child.h"

/* Answer one who connected. Never blocks, reads nothing. */
void status_answer(const struct crew *crew);

#endif
