/* SPDX-License-Identifier: ISC
 *
 * forwarded.c - see forwarded.h. There is no standard for how an address is written here; proxies
 * write "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]" and "[2001:db8::1]:4711".
 */
#include "web/forwarded.h"

enum { PORT_MAX = 65535 };

static struct str last_of(struct str list)
{
	size_t comma = str_find_last(list, ',');

	return str_trim(comma < list.len ? str_tail(list, comma + 1) : list);
}

static bool is_port(struct str text)
{
	uint64_t port = 0;

	return str_to_u64(text, &port) && port <= PORT_MAX;
}

/* "" where what stands beside the address is no port. */
static struct str without_port(struct str text)
{
	struct str rest = text, address;

	if (str_starts(text, STR("["))) {
		rest = str_tail(text, 1);
		bool closed = str_find(rest, ']') < rest.len;
		address = str_cut(&rest, ']');
		bool good =
			closed && str_find(address, ':') < address.len &&
			(!rest.len || (str_starts(rest, STR(":")) && is_port(str_tail(rest, 1))));
		return good ? address : STR("");
	}
	address = str_cut(&rest, ':');
	if (address.len == text.len || str_find(rest, ':') < rest.len)
		return text; /* no colon, or several: then they are of an IPv6 address */
	return is_port(rest) ? address : STR("");
}

bool forwarded_peer(struct str header, struct peer *peer)
{
	return peer_of_text(without_port(last_of(header)), peer);
}

bool forwarded_https(struct str header)
{
	return str_eq_nocase(last_of(header), STR("https"));
}
