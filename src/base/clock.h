/* SPDX-License-Identifier: ISC
 *
 * clock.h - deadlines, not timeouts. Every wait takes an absolute deadline on the monotonic
 * clock; wall-clock times (for headers, records and schedules on disk) are milliseconds since
 * 1970 and never waited for directly.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/buf.h"

struct deadline {
	int64_t at; /* CLOCK_MONOTONIC, milliseconds; INT64_MAX: never */
};

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

int64_t clock_monotonic_ms(void);
/* Milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);
struct deadline deadline_in(int64_t ms);
struct deadline deadline_never(void);
struct deadline deadline_earlier(struct deadline a, struct deadline b);
bool deadline_passed(struct deadline d);
/* Milliseconds left as poll(2) wants them: 0 when passed, -1 for never, at most INT_MAX. */
int deadline_poll_ms(struct deadline d);
/* RFC 5322 3.3 date-time in UTC, e.g. "Mon, 23 Nov 2026 17:22:00 +0000". */
bool clock_add_rfc5322(struct buf *to, int64_t wall_ms);
/* ISO 8601 in UTC, e.g. "2026-11-23T17:22:00Z". */
bool clock_add_iso8601(struct buf *to, int64_t wall_ms);

#endif
