/* SPDX-License-Identifier: ISC
 *
 * alone.h - a siegel-delivery of our own, for a look at a destination where no server runs. It gets
 * what siegeld would give it, over the same control socket, but neither a store nor a listener:
 * one socket to us. It confines itself as the server's does, and ends with us.
 */
#ifndef CTL_ALONE_H
#define CTL_ALONE_H

#include "ctl/ctl.h"

/* Start it with the configuration at `path`, which `settings` was read from. NULL and why. */
struct client *alone_start(
	struct alone *alone, const char *path, const struct settings *settings, struct why *why);
/* End it, if there is one. */
void alone_end(struct alone *alone);

#endif
