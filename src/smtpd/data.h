/* SPDX-License-Identifier: ISC
 *
 * data.h - reading the octets behind DATA and BDAT from the connection.
 */
#ifndef SMTPD_DATA_H
#define SMTPD_DATA_H

#include "smtpd/session.h"

/* After a reply with NEXT_DATA or NEXT_CHUNK was said: read what belongs to it and give the reply
 * to say behind it. Code 0: the peer is gone. Blocks. */
struct reply data_receive(struct session *s, struct wire *wire);
struct reply chunk_receive(struct session *s, struct wire *wire);

/* The same without a connection, for one piece after another: the chunk is all there. */
struct reply chunk_end(struct session *s);

#endif
