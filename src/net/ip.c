/* SPDX-License-Identifier: ISC
 *
 * ip.c - addresses of other mail servers. The forbidden ranges are one table; an IPv6 address
 * that carries an IPv4 address (mapped, NAT64, 6to4) is judged by what it carries.
 */
#include "net/ip.h"

#include <arpa/inet.h>
#include <string.h>

static size_t ip_size(const struct ip *ip)
{
	return ip->v6 ? 16 : 4;
}

bool ip_of_text(struct str text, struct ip *ip)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, 0, text.len))
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	*ip = (struct ip){ .v6 = str_find(text, ':') < text.len };
	return inet_pton(ip->v6 ? AF_INET6 : AF_INET, copy, ip->bytes) == 1;
}

bool ip_of_literal(struct str literal, struct ip *ip)
{
	struct str tag = STR("IPv6:");

	if (literal.len < 3 || literal.at[0] != '[' || literal.at[literal.len - 1] != ']')
		return false;
	struct str text = str_head(str_tail(literal, 1), literal.len - 2);
	bool tagged = str_starts_nocase(text, tag);
	return ip_of_text(tagged ? str_tail(text, tag.len) : text, ip) && ip->v6 == tagged;
}

bool ip_of_record(struct str data, struct ip *ip)
{
	if (data.len != 4 && data.len != 16)
		return false;
	*ip = (struct ip){ .v6 = data.len == 16 };
	memcpy(ip->bytes, data.at, data.len);
	return true;
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
	return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, ip_size(a)) == 0;
}

void ip_add_text(struct buf *to, const struct ip *ip)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->bytes, text, sizeof text);
	buf_add(to, str_of(text));
}

bool ip_network_of_text(struct str text, struct ip_network *network, struct why *why)
{
	struct str rest = text, address = str_cut(&rest, '/');
	uint64_t bits = 0;

	if (!ip_of_text(address, &network->ip))
		return why_not(why, "\"%.*s\" is no network; write ADDRESS/BITS", STR_ARG(text));
	uint64_t most = ip_size(&network->ip) * 8;
	if (address.len == text.len)
		bits = most;
	else if (!str_to_u64(rest, &bits) || bits > most)
		return why_not(why, "\"%.*s\": the bits of a network go from 0 to %u",
			STR_ARG(text), (unsigned)most);
	network->bits = (unsigned)bits;
	return true;
}

bool ip_in_network(const struct ip *ip, const struct ip_network *network)
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	if (ip->v6 != network->ip.v6 || memcmp(ip->bytes, network->ip.bytes, whole) != 0)
		return false;
	if (!rest)
		return true;
	unsigned differ = (unsigned)(ip->bytes[whole] ^ network->ip.bytes[whole]);
	return (differ >> (8 - rest)) == 0;
}

#define V4(a, b, c, bits)                    \
	{                                    \
		{ false, { a, b, c } }, bits \
	}
#define V6(a, b, bits)                   \
	{                                \
		{ true, { a, b } }, bits \
	}

static const struct ip_network forbidden[] = {
	V4(0, 0, 0, 8),		 /* RFC 1122: this network */
	V4(10, 0, 0, 8),	 /* RFC 1918 */
	V4(100, 64, 0, 10),	 /* RFC 6598: carriers' own */
	V4(127, 0, 0, 8),	 /* loopback */
	V4(169, 254, 0, 16),	 /* link-local */
	V4(172, 16, 0, 12),	 /* RFC 1918 */
	V4(192, 168, 0, 16),	 /* RFC 1918 */
	V4(224, 0, 0, 4),	 /* multicast */
	V4(240, 0, 0, 4),	 /* reserved, broadcast */
	{ { true, { 0 } }, 96 }, /* unspecified, loopback, RFC 4291 2.5.5.1 */
	V6(0xfc, 0x00, 7),	 /* RFC 4193: unique local */
	V6(0xfe, 0x80, 10),	 /* link-local */
	V6(0xfe, 0xc0, 10),	 /* site-local */
	V6(0xff, 0x00, 8),	 /* multicast */
};

/* IPv6 prefixes behind which an IPv4 address stands. */
static const struct ip_network carriers[] = {
	{ { true, { [10] = 0xff, [11] = 0xff } }, 96 }, /* mapped */
	{ { true, { 0x00, 0x64, 0xff, 0x9b } }, 96 },	/* NAT64 */
	V6(0x20, 0x02, 16),				/* 6to4 */
};

static bool carried(const struct ip *ip, struct ip *inner)
{
	for (size_t i = 0; i < count_of(carriers); i++) {
		if (!ip_in_network(ip, &carriers[i]))
			continue;
		*inner = (struct ip){ .v6 = false };
		memcpy(inner->bytes, ip->bytes + carriers[i].bits / 8, 4);
		return true;
	}
	return false;
}

static bool in_any(const struct ip *ip, const struct ip_network *networks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ip_in_network(ip, &networks[i]))
			return true;
	return false;
}

bool ip_is_loopback(const struct ip *ip)
{
	static const struct ip_network v4 = V4(127, 0, 0, 8);
	static const struct ip_network v6 = { { true, { [15] = 1 } }, 128 };

	return ip_in_network(ip, &v4) || ip_in_network(ip, &v6);
}

bool ip_is_forbidden(const struct ip *ip, const struct ip_network *allowed, size_t n)
{
	struct ip inner;

	if (in_any(ip, allowed, n))
		return false;
	if (ip->v6 && carried(ip, &inner))
		return ip_is_forbidden(&inner, allowed, n);
	return in_any(ip, forbidden, count_of(forbidden));
}
