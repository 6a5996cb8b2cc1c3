/* SPDX-License-Identifier: ISC
 *
 * listen.h - who comes to us. Listening sockets are bound by siegeld; here connections are taken
 * from them and their addresses put in the forms that limits and logs need.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/scope.h"
#include "base/str.h"

struct sockaddr_storage;

/* Plain data. An IPv4 address that arrived as ::ffff:a.b.c.d is an IPv4 address. */
struct peer {
	char text[48];	       /* "192.0.2.1", "2001:db8::1" */
	unsigned char key[16]; /* what limits count by: the IPv4 address, or the IPv6 /64 */
};

void peer_of(const struct sockaddr_storage *address, struct peer *peer);
/* An address as text, without brackets, port or zone. False: it is none, and *peer is as it was. */
bool peer_of_text(struct str text, struct peer *peer) must_use;

/* Make a listening socket ready for listen_accept: non-blocking. */
bool listen_prepare(int listener) must_use;
/* The next connection (non-blocking, close-on-exec), or -1 when there is none now; then *wait
 * says that it is for lack of descriptors or memory, and trying again at once is no use. */
int listen_accept(int listener, struct peer *peer, bool *wait);

#endif
