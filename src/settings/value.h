/* SPDX-License-Identifier: ISC
 *
 * value.h - single values as people write them: "50M", "4h", addresses, networks, domains. Each
 * reader says "what is wrong; what would be right" in one line.
 */
#ifndef SETTINGS_VALUE_H
#define SETTINGS_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/why.h"

/* Decimal digits within the bounds. */
bool value_count(
	struct str s, uint64_t least, uint64_t most, uint64_t *n, struct why *why) must_use;
/* Bytes: digits, perhaps followed by K, M or G (of 1024). */
bool value_size(struct str s, uint64_t least, uint64_t most, uint64_t *n, struct why *why) must_use;
/* Milliseconds: digits followed by ms, s, m, h or d; "1h30m" adds up. */
bool value_span(struct str s, uint64_t least, uint64_t most, int64_t *ms, struct why *why) must_use;
/* true, yes, on, false, no, off. */
bool value_flag(struct str s, bool *flag, struct why *why) must_use;
/* A domain in any spelling; *domain gets lower-case A-labels, kept in `arena`. */
bool value_domain(struct str s, struct arena *arena, struct str *domain, struct why *why) must_use;
/* An IPv4 or IPv6 address without brackets. */
bool value_address(struct str s, struct why *why) must_use;
/* ADDRESS or ADDRESS@PORT. */
bool value_address_port(struct str s, struct why *why) must_use;
/* ADDRESS/BITS, no bit set behind the first BITS. */
bool value_network(struct str s, struct why *why) must_use;
/* Is this address in a network that value_network took? */
bool value_network_has(struct str network, struct str address);
/* A DNS name as in a zone file: labels of printable ASCII, the final dot allowed. */
bool value_dns_name(struct str s, struct why *why) must_use;

/* The other way: the shortest text that reads back as the same number. */
void value_add_size(struct buf *to, uint64_t bytes);
void value_add_span(struct buf *to, uint64_t ms);

#endif
