/* SPDX-License-Identifier: ISC
 *
 * queue_id.h - the name of a message, from its Received field to its letter.
 */
#ifndef SMTPD_QUEUE_ID_H
#define SMTPD_QUEUE_ID_H

enum { QUEUE_ID_LEN = 16 };

/* 16 lower-case hex digits and a NUL: later ids are greater, none comes twice. Any thread. */
void queue_id_new(char id[QUEUE_ID_LEN + 1]);

#endif
