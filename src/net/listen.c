/* SPDX-License-Identifier: ISC
 *
 * listen.c - taking connections. Runs in smtpd's serving thread. A peer's address is the only
 * thing about it that isn't a claim, which is why limits count by it: by /64 for IPv6, since
 * whoever has one address there has them all.
 */
#include "net/listen.h"

#include "base/fd.h"
#include "base/must.h"
#include "net/ip.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static void peer_of_ipv4(const struct in_addr *address, struct peer *peer)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(peer->key, mapped, sizeof mapped);
	memcpy(peer->key + sizeof mapped, address, sizeof *address);
	must(inet_ntop(AF_INET, address, peer->text, sizeof peer->text) != NULL);
}

static void peer_of_ipv6(const struct in6_addr *address, struct peer *peer)
{
	if (IN6_IS_ADDR_V4MAPPED(address)) {
		struct in_addr ipv4;
		memcpy(&ipv4, address->s6_addr + 12, sizeof ipv4);
		peer_of_ipv4(&ipv4, peer);
		return;
	}
	memcpy(peer->key, address->s6_addr, 8);
	must(inet_ntop(AF_INET6, address, peer->text, sizeof peer->text) != NULL);
}

void peer_of(const struct sockaddr_storage *address, struct peer *peer)
{
	*peer = (struct peer){ .text = "unknown" };
	if (address->ss_family == AF_INET)
		peer_of_ipv4(&((const struct sockaddr_in *)address)->sin_addr, peer);
	else if (address->ss_family == AF_INET6)
		peer_of_ipv6(&((const struct sockaddr_in6 *)address)->sin6_addr, peer);
}

bool peer_of_text(struct str text, struct peer *peer)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;
	struct ip ip;

	if (!ip_of_text(text, &ip))
		return false;
	*peer = (struct peer){ 0 };
	if (ip.v6) {
		memcpy(&ipv6, ip.bytes, sizeof ipv6);
		peer_of_ipv6(&ipv6, peer);
	} else {
		memcpy(&ipv4, ip.bytes, sizeof ipv4);
		peer_of_ipv4(&ipv4, peer);
	}
	return true;
}

bool listen_prepare(int listener)
{
	return fd_set_nonblocking(listener, true);
}

int listen_accept(int listener, struct peer *peer, bool *wait)
{
	struct sockaddr_storage address = { 0 };
	socklen_t length = sizeof address;
	int fd = accept4(
		listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	*wait = fd < 0 &&
		(errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM);
	if (fd >= 0)
		peer_of(&address, peer);
	return fd;
}
