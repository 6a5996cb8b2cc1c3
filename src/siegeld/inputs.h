/* SPDX-License-Identifier: ISC
 *
 * inputs.h - all that is read from files, before anything starts and again at each reload: the
 * configuration, certificates and keys, authorities, trust anchors. Each is kept as a sealed
 * memfd, so that a role that is restarted gets what its fellows have, whatever became of the
 * files; and each role gets only what it needs.
 */
#ifndef SIEGELD_INPUTS_H
#define SIEGELD_INPUTS_H

#include "base/buf.h"
#include "call/role.h"
#include "settings/settings.h"

struct input_file {
	char name[32];	/* as control.h names it */
	unsigned roles; /* who needs it: a mask of enum role */
	int memfd;
};

struct inputs {
	const char *path;
	int text; /* memfd */
	struct settings *settings;
	struct input_file *files;
	size_t n_files;
};

/* Read the configuration at `path` (which must outlive the result) and the files it names. Each
 * mistake is a line in `errors`; with any, the result may only be looked at for further mistakes.
 * NULL where the configuration itself can't be understood. */
struct inputs *inputs_read(const char *path, struct buf *errors);
void inputs_free(struct inputs **inputs);

#endif
