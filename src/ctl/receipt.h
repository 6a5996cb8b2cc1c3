/* SPDX-License-Identifier: ISC
 *
 * receipt.h - receipts on paper.
 */
#ifndef CTL_RECEIPT_H
#define CTL_RECEIPT_H

#include "ctl/ctl.h"
#include "mail/reason.h"

/* The records of one message (an array of objects as in their lines), for people to read. */
void receipt_print(struct buf *to, struct str id, const json_t *records, enum language language);

#endif
