/* SPDX-License-Identifier: ISC
 *
 * serve.h - the store's loop.
 */
#ifndef STORE_SERVE_H
#define STORE_SERVE_H

#include "call/start.h"
#include "store/users_file.h"

/* Serve calls until siegeld says stop or is gone. `ctl` is the command line's listening socket,
 * or -1. The database is closed at the end. */
void store_serve(struct store *store, struct start *start, const struct users_file *users, int ctl);

#endif
