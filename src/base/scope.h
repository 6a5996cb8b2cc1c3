/* SPDX-License-Identifier: ISC
 *
 * scope.h - what is opened in a scope is closed by leaving it: `scoped(fd_close) int fd = -1;`.
 */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#define scoped(release) __attribute__((cleanup(release)))

#define must_use __attribute__((warn_unused_result))

#define count_of(array) (sizeof(array) / sizeof(array)[0])

#endif
