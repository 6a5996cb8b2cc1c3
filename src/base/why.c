/* SPDX-License-Identifier: ISC
 *
 * why.c - filling in why something failed.
 */
#include "base/why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool why_not(struct why *why, const char *format, ...)
{
	va_list args;

	if (!why)
		return false;
	va_start(args, format);
	vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	return false;
}

bool why_errno(struct why *why, const char *format, ...)
{
	int number = errno;
	va_list args;

	if (!why)
		return false;
	va_start(args, format);
	int n = vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof why->text)
		snprintf(why->text + n, sizeof why->text - (size_t)n, ": %s",
			strerrordesc_np(number));
	return false;
}
