/* SPDX-License-Identifier: ISC
 *
 * folder.h - where an account's mail lies: DOMAIN/LOCAL below the mailbox role's directory, and
 * in it a Maildir++ with `.Sent` and `.Drafts`. Dovecot finds it as maildir:STATE/mail/%d/%n.
 */
#ifndef MAILBOX_FOLDER_H
#define MAILBOX_FOLDER_H

#include "base/buf.h"
#include "base/why.h"
#include <dirent.h>

enum { FOLDER_NAME_MAX = 255 };

/* The two directory names of an account, without a slash, NUL or leading dot in either. */
struct folder_path {
	char domain[FOLDER_NAME_MAX + 1];
	char local[FOLDER_NAME_MAX + 1];
};

/* "Ada@example.org" -> "example.org", "ada". In the local part upper-case ASCII letters become
 * small ones; a leading dot, and anywhere '/', '%', blanks, quotes, backslashes and control
 * characters become %XX. False where that is impossible or the domain is none. */
bool folder_path(struct str mailbox, struct folder_path *path, struct why *why) must_use;

/* Open a directory, following no link; -1 with errno. */
int folder_open_directory(int parent, const char *name);
/* The entries of a directory, opened the same way (parent -1: there is none); NULL with errno. For
 * scoped(folder_close_list). */
DIR *folder_list(int parent, const char *name);
void folder_close_list(DIR **entries);
/* The account's Maildir as an open directory, made ready and on disk if it wasn't there; -1 with
 * errno. `root` is the directory that holds the domains. */
int folder_open(int root, const struct folder_path *path);
/* A folder in the Maildir `folder`, made ready and on disk if it wasn't there; false with errno.
 * Maildir++: a directory with a leading dot and the file `maildirfolder` in it. */
bool folder_make(int folder, const char *name) must_use;

#endif
