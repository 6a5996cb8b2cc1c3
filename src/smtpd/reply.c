/* SPDX-License-Identifier: ISC
 *
 * reply.c - replies as bytes (RFC 5321 4.2.1).
 */
#include "smtpd/reply.h"

void reply_write(struct buf *to, const struct reply *reply)
{
	struct str rest = reply->text;

	do {
		struct str line = str_cut(&rest, '\n');
		buf_add_u64(to, (uint64_t)reply->code);
		buf_add_char(to, rest.len ? '-' : ' ');
		buf_add(to, line);
		buf_add(to, STR("\r\n"));
	} while (rest.len);
}
