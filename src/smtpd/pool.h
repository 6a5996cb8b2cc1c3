/* SPDX-License-Identifier: ISC
 *
 * pool.h - the threads that carry sessions on. They come with the work, up to a setting, and go
 * when there is none.
 */
#ifndef SMTPD_POOL_H
#define SMTPD_POOL_H

#include "smtpd/session.h"

struct pool;

/* `parked` takes a session that fell silent; called on a thread of the pool. Never freed. */
struct pool *pool_new(void (*parked)(void *context, struct session *s), void *context);
/* At most so many threads from now on. */
void pool_set_most(struct pool *pool, uint64_t most);
/* Let a thread run the session, as soon as one is free. Takes it over. */
void pool_add(struct pool *pool, struct session *s);
/* Take out the session that has waited longest, if it has waited for `ms`; NULL otherwise. */
struct session *pool_take_tired(struct pool *pool, int64_t ms);

#endif
