/* SPDX-License-Identifier: ISC
 *
 * users_file.h - auth/users and auth/app-passwords, the accounts as Dovecot reads them (its
 * passwd-file):
 *
 *	ada@example.org:{CRYPT}$y$...:UID:GID::/var/lib/siegel/mail/example.org/ada::
 *	ada@example.org/DIGEST:{SHA256.HEX}DIGEST::::::
 *
 * Dovecot serves the same Maildirs with the same passwords (doc/dovecot.md). Passwords are hashes,
 * still the files are for Dovecot's eyes alone: mode 0640, with the group of their folder (setting
 * auth_group).
 */
#ifndef STORE_USERS_FILE_H
#define STORE_USERS_FILE_H

#include "store/store.h"
#include <sys/types.h>

/* Whose the Maildirs are and where, as seen from outside. */
struct users_file {
	uid_t uid;
	gid_t gid;
};

/* Work out the mailbox role's user; before the root directory is changed. */
void users_file_open(struct users_file *file, const struct settings *settings, bool is_root);
/* Write both anew, each atomically. False and why. */
bool users_file_write(const struct users_file *file, struct store *store, struct why *why) must_use;

#endif
