/* SPDX-License-Identifier: ISC
 *
 * threads.h - the threads that carry sessions on. They come with the work, up to a setting, and go
 * when there is none.
 */
#ifndef SMTPD_THREADS_H
#define SMTPD_THREADS_H

#include "smtpd/session.h"

struct threads;

/* `parked` takes a session that fell silent; called on one of the threads. Never freed. */
struct threads *threads_new(void (*parked)(void *context, struct session *s), void *context);
/* At most so many threads from now on. */
void threads_set_most(struct threads *threads, uint64_t most);
/* Let a thread run the session, as soon as one is free. Takes it over. */
void threads_add(struct threads *threads, struct session *s);
/* Take out the session that has waited longest, if it has waited for `ms`; NULL otherwise. */
struct session *threads_take_tired(struct threads *threads, int64_t ms);

#endif
