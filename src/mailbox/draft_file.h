/* SPDX-License-Identifier: ISC
 *
 * draft_file.h - a draft as a message in `.Drafts`: what any mail program reads, and in one field
 * the very state that the page saved, which header fields couldn't hold (half an address, say).
 */
#ifndef MAILBOX_DRAFT_FILE_H
#define MAILBOX_DRAFT_FILE_H

#include "base/fd.h"
#include "call/message.h"
#include "mail/compose.h"

enum {
	DRAFT_FILE_MAX = 16 * 1024 * 1024,
	DRAFT_NAME_MAX = 255,
	DRAFT_ID_LEAST = 20,
	DRAFT_ID_MOST = 40
};

struct draft {
	struct draft_answer state;	    /* outcome and attachments mean nothing */
	struct str in_reply_to, references; /* message ids in <>, one blank between them */
};

/* The id is made by the page: so many of [a-z0-9]. */
bool draft_is_id(struct str id);

/* The sender as the page gave it: an address, or "Name <address>". The address is as compose_address
 * writes it, empty where it is none. */
struct compose_person draft_sender(struct str sender, struct arena *arena);
/* People with addresses of that kind; who has none keeps what was typed as the name. */
struct compose_people draft_people(const struct person *people, size_t n, struct arena *arena);
/* Add lines that end in CRLF as lines that end in LF; `crlf` holds whole lines. */
void draft_add_lf(struct buf *to, struct str crlf);

/* Add the file's bytes; false where they don't fit. */
bool draft_file_write(struct buf *to, const struct draft *draft) must_use;
/* Read them; strings are in the arena. False: this is none of ours. */
bool draft_file_read(struct str file, struct arena *arena, struct draft *draft) must_use;

struct draft_name {
	char text[DRAFT_NAME_MAX + 1];
	uint64_t revision;
};
/* Is it the name of that draft's file? Then it is in *read. */
bool draft_name_read(const char *name, struct str id, struct draft_name *read);

/* Where a draft's or a sent message's file is. */
struct draft_place {
	int folder; /* its directory, cur or new; to be closed */
	char name[DRAFT_NAME_MAX + 1];
	uint64_t revision;
};
void draft_place_close(struct draft_place *place);

/* Names in `.Drafts` and `.Sent`, flags included. */
void draft_file_name(
	char name[DRAFT_NAME_MAX + 1], struct str id, uint64_t revision, int64_t wall_ms);
void sent_file_name(
	char name[DRAFT_NAME_MAX + 1], struct str id, uint64_t revision, int64_t wall_ms);

enum draft_kind { DRAFT_FILE, SENT_FILE };
/* Look for it in the folder's cur and new; of several revisions it is the latest. False: it isn't
 * there (place->folder is -1). `box` is the folder. */
bool draft_file_find(
	int box, enum draft_kind kind, struct str id, struct draft_place *place) must_use;
/* Remove every file of that id but `kept` ("": all). False with errno. */
bool draft_file_remove(int box, enum draft_kind kind, struct str id, const char *kept) must_use;
/* The bytes of a file, mapped. False with errno. */
bool draft_file_map(int folder, const char *name, struct mapping *mapping) must_use;

#endif
