/* SPDX-License-Identifier: ISC
 *
 * file_name.h - the name of a message's file in a Maildir: BASE:2,FLAGS. Whoever has access to the
 * account by other programs may have chosen it.
 */
#ifndef MAILBOX_FILE_NAME_H
#define MAILBOX_FILE_NAME_H

#include "base/arena.h"
#include "base/buf.h"

enum { FILE_NAME_MAX = 255, FILE_ID_MAX = 200 };

/* What a message is called outside: its base name, where that can be said in any place, or else a
 * name made from its hash; the same in all folders. In the arena. */
struct str file_name_id(struct str name, struct arena *arena);
/* enum message_flag bits of the name. */
uint64_t file_name_flags(struct str name);
/* Its letters a..z as bits, 1 is `a`: keywords, of which each folder has a list of its own
 * (keywords.h). */
uint32_t file_name_keywords(struct str name);
/* The name it has with these flags and keywords; what else is in it stays. False: too long. */
bool file_name_with(struct buf *to, struct str name, uint64_t flags, uint32_t keywords) must_use;
/* The queue id of a file that came by maildir.c; "" for any other. A view. */
struct str file_name_queue_id(struct str name);

#endif
