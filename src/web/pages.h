/* SPDX-License-Identifier: ISC
 *
 * pages.h - the static pages, as scripts/embed puts them into the program.
 */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H

#include <stddef.h>

struct page {
	const char *path; /* "/app/main.mjs" */
	const char *type;
	const char *digest; /* an ETag, in quotes */
	const unsigned char *plain;
	size_t plain_size;
	const unsigned char *packed; /* gzip */
	size_t packed_size;
};

extern const struct page pages[];
extern const size_t pages_n;

#endif
