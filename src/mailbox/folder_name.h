/* SPDX-License-Identifier: ISC
 *
 * folder_name.h - what a folder is called: its Maildir++ name (".Projects.2024", "" for the inbox),
 * which Dovecot and others read as modified UTF-7 (RFC 3501 5.1.3) with '.' between levels; and the
 * name people see ("Projects/2024").
 */
#ifndef MAILBOX_FOLDER_NAME_H
#define MAILBOX_FOLDER_NAME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/why.h"
#include "call/message.h"

enum { FOLDER_LEVELS_MAX = 8, FOLDER_DIRECTORY_MAX = 200 };

/* A directory of the account that is a folder to be shown: ".NAME", printable ASCII as modified
 * UTF-7 is, no level empty. "" too. */
bool folder_name_is_good(struct str directory);
enum folder_kind folder_name_kind(struct str directory);
/* ".Trash" and so on; "" for the inbox. */
struct str folder_name_of_kind(enum folder_kind kind);
/* The name to show, in the arena: "" for the special ones, modified UTF-7 undone where it is any. */
struct str folder_name_shown(struct str directory, struct arena *arena);
/* The directory for a name somebody typed; false and why, in words for them, if it can't be one. */
bool folder_name_directory(struct buf *to, struct str typed, struct why *why) must_use;

#endif
