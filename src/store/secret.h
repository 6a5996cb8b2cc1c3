/* SPDX-License-Identifier: ISC
 *
 * secret.h - secrets that the store makes itself: session tokens, application passwords, recovery
 * codes. They are random, 80 bits and more, so what is kept of them is a plain SHA-256: nobody can
 * try them all, which is what a slow hash is for where people choose.
 */
#ifndef STORE_SECRET_H
#define STORE_SECRET_H

#include "base/arena.h"
#include "base/signature.h"

enum { SECRET_BYTES_MAX = 32, SECRET_GROUP = 4, SECRET_GROUPS_MAX = 8 };

/* So many random bytes in lower-case hex. */
struct str secret_hex(struct arena *arena, size_t bytes);
/* Groups of four letters and digits, 20 bits each, none of which looks like another:
 * "k3mz-w9ad". */
struct str secret_letters(struct arena *arena, size_t groups);
/* What is kept, in the arena. */
struct str secret_digest(struct arena *arena, struct str secret);

#endif
