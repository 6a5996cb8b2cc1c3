/* SPDX-License-Identifier: ISC
 *
 * forwarded.h - what a proxy on this machine says of the browser it asks for. Its word counts on
 * listeners of kind web-plain alone, which nobody but this machine reaches. Of lists of many
 * proxies the last element counts, the one that the proxy itself appended: what stands before it
 * is what the browser sent along. Pure.
 */
#ifndef WEB_FORWARDED_H
#define WEB_FORWARDED_H

#include "net/listen.h"

/* Whose address X-Forwarded-For ends with: an address, one in brackets, or with a port. False:
 * anything else; *peer is as it was. */
bool forwarded_peer(struct str header, struct peer *peer) must_use;
/* Does X-Forwarded-Proto end with https? */
bool forwarded_https(struct str header) must_use;

#endif
