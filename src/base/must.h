/* SPDX-License-Identifier: ISC
 *
 * must.h - assertions that stay in every build. A bug ends the process at once, with file and
 * line; the supervisor restarts the role. Never used for what a peer or the world can cause.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#include <stddef.h>

#define must(condition) ((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))

/* Write the failed condition to stderr and abort. */
_Noreturn void must_failed(const char *condition, const char *file, int line);

/* malloc that aborts on exhaustion; for process-lifetime things only. Zeroed. Caller frees. */
void *must_alloc(size_t size);

#endif
