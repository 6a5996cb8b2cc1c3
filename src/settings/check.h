/* SPDX-License-Identifier: ISC
 *
 * check.h - sections as they end, and the configuration as a whole: what no single value shows.
 */
#ifndef SETTINGS_CHECK_H
#define SETTINGS_CHECK_H

#include "settings/mistakes.h"
#include "settings/option.h"

enum section_field {
	FIELD_SECURE,
	FIELD_KIND,
	FIELD_ADDRESS,
	FIELD_PORT,
	FIELD_LEVEL,
	SECTION_FIELDS
};

/* In the order of enum listener_kind. */
extern const char *const listener_kinds[];

const char *section_field_name(enum section_field field);
/* By a name that is in the table. */
enum section_field section_field(const char *name);

/* A section that has ended; a field whose line is 0 wasn't there. */
struct section {
	struct str title;
	size_t line; /* where it ends */
	struct str values[SECTION_FIELDS];
	size_t lines[SECTION_FIELDS];
};

struct lines {
	size_t *at;
	size_t len;
};

/* What has been read so far, and where. */
struct parsed {
	struct settings *settings;
	struct arena *arena;
	struct mistakes mistakes;
	size_t lines[OPTIONS_N];
	struct lines domain_lines, listener_lines, destination_lines;
};

/* Read the section into the settings, or say what is wrong with it. */
void check_domain(struct parsed *p, const struct section *section);
void check_listener(struct parsed *p, const struct section *section);
void check_destination(struct parsed *p, const struct section *section);
/* After the last line. */
void check_whole(struct parsed *p);

#endif
