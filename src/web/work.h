/* SPDX-License-Identifier: ISC
 *
 * work.h - a bounded number of threads for tasks that wait in a line. Threads are made when there is
 * work and none is idle, and stay.
 */
#ifndef WEB_WORK_H
#define WEB_WORK_H

#include "base/scope.h"
#include <stdbool.h>
#include <stddef.h>

struct task {
	struct task *next;
	void (*run)(struct task *task);
};

struct workers;

struct workers *workers_new(size_t threads, size_t waiting, size_t stack);
/* Put it into the line; it belongs to whoever runs it from then on. False: the line is full. */
bool workers_add(struct workers *workers, struct task *task) must_use;

#endif
