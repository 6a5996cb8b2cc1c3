/* SPDX-License-Identifier: ISC
 *
 * work.h - a bounded number of threads for tasks that wait in a line, and so many of them for one
 * owner: whose tasks take long holds up his own alone. Threads are made when there is work and none
 * is idle, and stay.
 */
#ifndef WEB_WORK_H
#define WEB_WORK_H

#include "base/scope.h"
#include <stdbool.h>
#include <stddef.h>

struct task {
	struct task *next;
	const void *whose; /* NULL: nobody's, and as many run as there are threads */
	void (*run)(struct task *task);
};

struct workers;

struct workers *workers_new(size_t threads, size_t threads_of_one, size_t waiting, size_t stack);
/* Put it into the line; it belongs to whoever runs it from then on. False: the line is full. */
bool workers_add(struct workers *workers, struct task *task) must_use;

#endif
