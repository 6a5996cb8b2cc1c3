/* SPDX-License-Identifier: ISC
 *
 * received.h - the trace field put in front of every message taken (RFC 5321 4.4, RFC 3848, RFC
 * 6531 4.3, RFC 8314 4.3). The HELO name is the peer's claim: bytes that would end the field, a
 * comment or a clause never get through.
 */
#ifndef MAIL_RECEIVED_H
#define MAIL_RECEIVED_H

#include "base/buf.h"

struct received {
	struct str helo;	/* what the peer called itself */
	struct str peer;	/* its address: "192.0.2.1" or "2001:db8::1" */
	struct str by;		/* our name */
	struct str id;		/* queue id */
	struct str for_address; /* the only recipient, or empty (RFC 5321 7.2) */
	bool esmtp;		/* EHLO rather than HELO */
	bool utf8;		/* MAIL had SMTPUTF8 */
	bool authenticated;
	struct str tls_version; /* "TLSv1.3"; empty: plaintext */
	struct str cipher;	/* IANA name: "TLS_AES_256_GCM_SHA384" */
	int64_t time;		/* wall clock, milliseconds */
};

/* The protocol of the with clause: "ESMTPS", "UTF8SMTPSA", ... Static. */
const char *received_protocol(const struct received *r);
/* Write the field, folded, with its last CRLF. */
bool received_write(struct buf *to, const struct received *r);

#endif
