/* SPDX-License-Identifier: ISC
 *
 * received.c - the trace field. Everything that a peer named itself passes put_safe, which lets
 * only the bytes of host names, addresses and cipher names through.
 */
#include "mail/received.h"

#include "base/clock.h"
#include <string.h>

enum { CLAUSE_MAX = 255 };

static void put_safe(struct buf *to, struct str s)
{
	s = str_head(s, CLAUSE_MAX);
	for (size_t i = 0; i < s.len; i++) {
		bool safe = ascii_is_alnum(s.at[i]) || (s.at[i] && strchr("-._:", s.at[i]));
		buf_add_char(to, safe ? s.at[i] : '?');
	}
	if (s.len == 0)
		buf_add(to, STR("unknown"));
}

/* A name; a literal keeps its brackets, which mean nothing to the field's grammar around it. */
static void put_name(struct buf *to, struct str s)
{
	bool literal = s.len > 2 && s.at[0] == '[' && s.at[s.len - 1] == ']';

	if (literal)
		buf_add_char(to, '[');
	put_safe(to, literal ? str_head(str_tail(s, 1), s.len - 2) : s);
	if (literal)
		buf_add_char(to, ']');
}

static void put_peer(struct buf *to, struct str peer)
{
	buf_add(to, STR(" (["));
	if (str_find(peer, ':') < peer.len && !str_starts_nocase(peer, STR("IPv6:")))
		buf_add(to, STR("IPv6:"));
	put_safe(to, peer);
	buf_add(to, STR("])"));
}

/* RFC 3848 and RFC 6531 4.3; plain SMTP knows neither TLS nor AUTH in its name. */
const char *received_protocol(const struct received *r)
{
	static const char *const names[2][2][2] = {
		{ { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
		{ { "UTF8SMTP", "UTF8SMTPA" }, { "UTF8SMTPS", "UTF8SMTPSA" } },
	};

	if (!r->esmtp && !r->utf8)
		return "SMTP";
	return names[r->utf8][r->tls_version.len != 0][r->authenticated];
}

/* RFC 8314 4.3 names the cipher suite; the version stands beside it as a comment. */
static void put_tls(struct buf *to, const struct received *r)
{
	if (r->tls_version.len == 0)
		return;
	buf_add(to, STR("\r\n\ttls "));
	put_safe(to, r->cipher);
	buf_add(to, STR(" ("));
	put_safe(to, r->tls_version);
	buf_add(to, STR(")"));
}

/* An address has been parsed before it gets here; what could still end the clause leaves it out. */
static bool is_for_clause(struct str address)
{
	for (size_t i = 0; i < address.len; i++) {
		unsigned char c = (unsigned char)address.at[i];
		if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == ';')
			return false;
	}
	return address.len != 0;
}

bool received_write(struct buf *to, const struct received *r)
{
	buf_add(to, STR("Received: from "));
	put_name(to, r->helo);
	put_peer(to, r->peer);
	buf_add(to, STR("\r\n\tby "));
	put_name(to, r->by);
	buf_printf(to, " with %s", received_protocol(r));
	put_tls(to, r);
	buf_add(to, STR("\r\n\tid "));
	put_safe(to, r->id);
	if (is_for_clause(r->for_address) && (r->utf8 || !str_has_8bit(r->for_address))) {
		buf_add(to, STR("\r\n\tfor <"));
		buf_add(to, r->for_address);
		buf_add(to, STR(">"));
	}
	buf_add(to, STR(";\r\n\t"));
	clock_add_rfc5322(to, r->time);
	buf_add(to, STR("\r\n"));
	return !to->overflowed;
}
