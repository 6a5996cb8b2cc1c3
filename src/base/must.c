/* SPDX-License-Identifier: ISC
 *
 * must.c - the end of a process that found a bug in itself. Runs anywhere, so it formats on the
 * stack and writes once.
 */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void must_failed(const char *condition, const char *file, int line)
{
	char text[512];
	int n = snprintf(
		text, sizeof text, "event=bug condition=\"%s\" at=%s:%d\n", condition, file, line);

	if (n > 0) {
		size_t size = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
		ssize_t written = write(STDERR_FILENO, text, size);
		(void)written;
	}
	abort();
}

void *must_alloc(size_t size)
{
	void *memory = calloc(1, size);

	must(memory != NULL);
	return memory;
}
