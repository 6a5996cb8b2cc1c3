/* SPDX-License-Identifier: ISC
 *
 * draft.h - what an undone message becomes again.
 */
#ifndef WEB_DRAFT_H
#define WEB_DRAFT_H

#include "web/request.h"

/* Ids of drafts are made by pages: 20 to 40 letters and digits. */
bool draft_names_one(struct str id);
/* The draft as it is saved. */
struct reply draft_reply(struct request *r, struct str draft);

#endif
