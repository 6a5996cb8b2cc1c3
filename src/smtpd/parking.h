/* SPDX-License-Identifier: ISC
 *
 * parking.h - sessions whose peer is silent. They cost their TLS state and no thread.
 */
#ifndef SMTPD_PARKING_H
#define SMTPD_PARKING_H

#include "smtpd/session.h"

struct parking;

/* Never freed. */
struct parking *parking_new(void);
/* Readable when a session has something to read. For poll(2). */
int parking_fd(const struct parking *parking);
/* Park a session, which is taken over. Any thread. */
void parking_put(struct parking *parking, struct session *s);
/* One session that has something to read, no longer parked; NULL when there is none now. Called
 * by one thread alone, as the next. */
struct session *parking_next(struct parking *parking);
/* One session whose deadline has passed, or (with `all`) any; NULL when there is none. */
struct session *parking_take_late(struct parking *parking, bool all);

#endif
