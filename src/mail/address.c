/* SPDX-License-Identifier: ISC
 *
 * address.c - RFC 5321 4.1.2 mailboxes and paths, with RFC 6531's UTF-8. Runs in smtpd, store,
 * mailbox and the command line, on bytes anybody may have sent. Each scanner takes its piece from
 * the front of *rest and leaves *rest alone when it fails. Domains become A-labels at once, so
 * that no later comparison has to know of any other spelling.
 */
#include "mail/address.h"

#include "base/must.h"
#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

/* A domain as typed may be longer than its A-labels; beyond this it can't become one. */
enum { DOMAIN_TYPED_MAX = 1024, LABEL_MAX = 63 };

/* RFC 5322 3.2.3, and UTF-8 by RFC 6531 3.3 (checked as a whole by the caller). */
static bool is_atext(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static struct str between(struct str from, struct str rest)
{
	return (struct str){ from.at, (size_t)(rest.at - from.at) };
}

static bool take(struct str *rest, char c)
{
	if (rest->len == 0 || rest->at[0] != c)
		return false;
	*rest = str_tail(*rest, 1);
	return true;
}

static bool is_dot_string(struct str s)
{
	if (s.len == 0 || s.at[0] == '.' || s.at[s.len - 1] == '.')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_atext(s.at[i]) && (s.at[i] != '.' || s.at[i - 1] == '.'))
			return false;
	}
	return true;
}

/* Dot-string = Atom *("."  Atom) */
static bool take_dot_string(struct str *rest, struct str *local)
{
	size_t n = 0;

	while (n < rest->len && (is_atext(rest->at[n]) || rest->at[n] == '.'))
		n++;
	*local = str_head(*rest, n);
	if (!is_dot_string(*local))
		return false;
	*rest = str_tail(*rest, n);
	return true;
}

/* The next octet of a quoted string, unescaped; false at its end or at one that may not stand
 * there (RFC 5321: printable ASCII and UTF-8 only, no folding). */
static bool next_quoted(struct str *s, char *c)
{
	if (s->len == 0 || s->at[0] == '"')
		return false;
	size_t step = s->at[0] == '\\' ? 2 : 1;
	if (s->len < step)
		return false;
	*c = s->at[step - 1];
	if ((unsigned char)*c < 0x20 || *c == 0x7f || (step == 2 && (unsigned char)*c >= 0x80))
		return false;
	*s = str_tail(*s, step);
	return true;
}

static bool take_quoted_string(struct str *rest, struct arena *arena, struct str *local)
{
	struct str s = *rest;
	char text[ADDRESS_LOCAL_MAX];
	size_t n = 0;

	if (!take(&s, '"'))
		return false;
	for (char c; next_quoted(&s, &c); text[n++] = c) {
		if (n == sizeof text)
			return false;
	}
	if (n == 0 || !take(&s, '"'))
		return false;
	*local = arena_str(arena, (struct str){ text, n });
	if (!local->at)
		return false;
	*rest = s;
	return true;
}

static bool take_local_part(struct str *rest, struct arena *arena, struct str *local)
{
	struct str s = *rest, typed;

	if (s.len && s.at[0] == '"') {
		if (!take_quoted_string(&s, arena, local))
			return false;
	} else {
		if (!take_dot_string(&s, &typed) || typed.len > ADDRESS_LOCAL_MAX)
			return false;
		*local = arena_str(arena, typed);
	}
	if (!local->at || !str_is_utf8(*local))
		return false;
	*rest = s;
	return true;
}

/* Letters, digits and inner hyphens, in labels of 1 to 63 (RFC 5321 4.1.2, RFC 1035 2.3.4). */
static bool is_ldh_domain(struct str s)
{
	if (s.len == 0 || s.len > ADDRESS_DOMAIN_MAX)
		return false;
	for (bool last = false; !last;) {
		last = str_find(s, '.') == s.len;
		struct str label = str_cut(&s, '.');
		if (label.len == 0 || label.len > LABEL_MAX || label.at[0] == '-' ||
			label.at[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++) {
			if (!ascii_is_alnum(label.at[i]) && label.at[i] != '-')
				return false;
		}
	}
	return true;
}

static void lower(struct str s)
{
	/* Only ever called on what was just copied into an arena. */
	char *at = (char *)(uintptr_t)s.at;

	for (size_t i = 0; i < s.len; i++)
		at[i] = ascii_lower(at[i]);
}

/* U-labels by IDNA 2008 with the mapping people expect (UTS 46, non-transitional). */
static bool to_a_labels(struct str text, struct arena *arena, struct str *domain)
{
	char typed[DOMAIN_TYPED_MAX + 1];
	uint8_t *a_labels = NULL;

	if (text.len > DOMAIN_TYPED_MAX || !str_is_utf8(text) || str_find(text, '\0') < text.len)
		return false;
	memcpy(typed, text.at, text.len);
	typed[text.len] = '\0';
	if (idn2_lookup_u8((const uint8_t *)typed, &a_labels,
		    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	*domain = arena_str(arena, str_of((const char *)a_labels));
	idn2_free(a_labels);
	return domain->at != NULL;
}

bool address_domain(struct str text, struct arena *arena, struct str *domain)
{
	struct str name;

	if (!str_has_8bit(text)) {
		if (!is_ldh_domain(text))
			return false;
		name = arena_str(arena, text);
	} else if (!to_a_labels(text, arena, &name)) {
		return false;
	}
	if (!name.at || !is_ldh_domain(name))
		return false;
	lower(name);
	*domain = name;
	return true;
}

bool address_literal(struct str text)
{
	char number[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	int family = AF_INET;

	if (!take(&text, '[') || text.len == 0 || text.at[text.len - 1] != ']')
		return false;
	text.len--;
	if (str_starts_nocase(text, STR("IPv6:"))) {
		text = str_tail(text, 5);
		family = AF_INET6;
	}
	if (text.len >= sizeof number || str_find(text, '\0') < text.len)
		return false;
	memcpy(number, text.at, text.len);
	number[text.len] = '\0';
	return inet_pton(family, number, bytes) == 1;
}

static bool take_literal(struct str *rest, struct arena *arena, struct str *domain)
{
	struct str typed = str_head(*rest, str_find(*rest, ']') + 1);

	if (!address_literal(typed))
		return false;
	*domain = arena_str(arena, typed);
	if (!domain->at)
		return false;
	lower(*domain);
	*rest = str_tail(*rest, typed.len);
	return true;
}

/* A domain ends where a path, a route or the text ends. */
static bool take_domain(struct str *rest, struct arena *arena, struct str *domain)
{
	size_t n = 0;

	while (n < rest->len &&
		(rest->at[n] == '.' || rest->at[n] == '-' || ascii_is_alnum(rest->at[n]) ||
			(unsigned char)rest->at[n] >= 0x80))
		n++;
	if (!address_domain(str_head(*rest, n), arena, domain))
		return false;
	*rest = str_tail(*rest, n);
	return true;
}

static bool must_quote(struct str local)
{
	return !is_dot_string(local);
}

static size_t written_length(const struct address *a)
{
	size_t n = a->local.len + 1 + a->domain.len;

	if (!must_quote(a->local))
		return n;
	for (size_t i = 0; i < a->local.len; i++)
		n += a->local.at[i] == '"' || a->local.at[i] == '\\';
	return n + 2;
}

static bool take_mailbox(struct str *rest, struct arena *arena, struct address *address)
{
	struct address a = { 0 };
	struct str s = *rest;

	if (!take_local_part(&s, arena, &a.local) || !take(&s, '@'))
		return false;
	a.literal = s.len && s.at[0] == '[';
	if (!(a.literal ? take_literal : take_domain)(&s, arena, &a.domain))
		return false;
	if (written_length(&a) > ADDRESS_MAX)
		return false;
	*address = a;
	*rest = s;
	return true;
}

bool address_parse(struct str text, struct arena *arena, struct address *address)
{
	struct address a;

	if (!take_mailbox(&text, arena, &a) || text.len)
		return false;
	*address = a;
	return true;
}

/* A-d-l ":", checked and forgotten (RFC 5321 4.1.2, appendix C). True when there is none. */
static bool skip_route(struct str *rest, struct arena *arena)
{
	struct str s = *rest, domain;

	if (s.len == 0 || s.at[0] != '@')
		return true;
	do {
		if (!take(&s, '@') || !take_domain(&s, arena, &domain))
			return false;
	} while (take(&s, ','));
	if (!take(&s, ':'))
		return false;
	*rest = s;
	return true;
}

/* The paths without a domain: `<>` and `<Postmaster>`. */
static bool take_short_path(struct str *rest, enum address_path kind, struct address *address)
{
	static const struct str postmaster = { "Postmaster>", 11 };

	if (kind == PATH_REVERSE && take(rest, '>')) {
		*address = (struct address){ .local = STR(""), .domain = STR("") };
		return true;
	}
	if (kind == PATH_FORWARD && str_starts_nocase(*rest, postmaster)) {
		*rest = str_tail(*rest, postmaster.len);
		*address = (struct address){ .local = STR("postmaster"), .domain = STR("") };
		return true;
	}
	return false;
}

bool address_parse_path(
	struct str *rest, enum address_path kind, struct arena *arena, struct address *address)
{
	struct address a;
	struct str s = *rest;

	if (!take(&s, '<'))
		return false;
	if (!take_short_path(&s, kind, &a)) {
		if (!skip_route(&s, arena) || !take_mailbox(&s, arena, &a) || !take(&s, '>'))
			return false;
	}
	/* RFC 5321 4.5.3.1.3: 256 with its brackets; a route may make it longer than an address. */
	if (between(*rest, s).len > 4 * ADDRESS_DOMAIN_MAX)
		return false;
	*address = a;
	*rest = s;
	return true;
}

bool address_is_null(const struct address *a)
{
	return a->local.len == 0 && a->domain.len == 0;
}

static void write_local_part(struct buf *to, struct str local)
{
	if (!must_quote(local)) {
		buf_add(to, local);
		return;
	}
	buf_add_char(to, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (local.at[i] == '"' || local.at[i] == '\\')
			buf_add_char(to, '\\');
		buf_add_char(to, local.at[i]);
	}
	buf_add_char(to, '"');
}

bool address_write(struct buf *to, const struct address *a)
{
	if (address_is_null(a))
		return !to->overflowed;
	write_local_part(to, a->local);
	if (a->domain.len) {
		buf_add_char(to, '@');
		buf_add(to, a->domain);
	}
	return !to->overflowed;
}

struct str address_text(struct arena *arena, const struct address *a)
{
	scoped(buf_free) struct buf text = BUF(2 * ADDRESS_LOCAL_MAX + ADDRESS_DOMAIN_MAX + 3);

	must(address_write(&text, a));
	return arena_str(arena, buf_str(&text));
}

struct str address_key(struct arena *arena, const struct address *a)
{
	size_t plus = str_find(a->local, '+');
	struct str local = plus ? str_head(a->local, plus) : a->local;
	struct str key = arena_printf(
		arena, "%.*s%s%.*s", STR_ARG(local), a->domain.len ? "@" : "", STR_ARG(a->domain));

	if (key.at)
		lower(key);
	return key;
}

struct str address_domain_part(struct str written)
{
	return str_tail(written, str_find_last(written, '@') + 1);
}
