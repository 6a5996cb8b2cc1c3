/* SPDX-License-Identifier: ISC
 *
 * subscriptions.h - Dovecot's file of that name: which folders mail programs show.
 */
#ifndef MAILBOX_SUBSCRIPTIONS_H
#define MAILBOX_SUBSCRIPTIONS_H

#include "base/str.h"

/* Names are Maildir++ names (".Projects.2024"). What can't be done is logged; a folder is there
 * without it. `subscriptions_rename` takes what lies below along. */
void subscriptions_add(int account, struct str folder);
void subscriptions_remove(int account, struct str folder);
void subscriptions_rename(int account, struct str from, struct str to);

#endif
