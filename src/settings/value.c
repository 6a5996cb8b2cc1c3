/* SPDX-License-Identifier: ISC
 *
 * value.c - single values of the configuration, read and written. Pure. The operator is trusted
 * with what a value means, never with how it is spelt: a value that reads as something else than
 * was meant is worse than one that is refused.
 */
#include "settings/value.h"
#include "base/clock.h"
#include <arpa/inet.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

enum { DOMAIN_MAX = 253, LABEL_MAX = 63, ADDRESS_TEXT_MAX = 64 };

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first, so that writing takes the largest that divides. */
static const struct unit size_units[] = {
	{ "G", 1024 * 1024 * 1024 },
	{ "M", 1024 * 1024 },
	{ "K", 1024 },
};
static const struct unit span_units[] = {
	{ "d", DAY },
	{ "h", HOUR },
	{ "m", MINUTE },
	{ "s", SECOND },
	{ "ms", 1 },
};

bool value_count(struct str s, uint64_t least, uint64_t most, uint64_t *n, struct why *why)
{
	uint64_t read;

	if (str_to_u64(s, &read) && read >= least && read <= most) {
		*n = read;
		return true;
	}
	return why_not(why, "\"%.*s\" does not fit; a number from %llu to %llu would be right",
		STR_ARG(str_head(s, 40)), (unsigned long long)least, (unsigned long long)most);
}

static size_t count_digits(struct str s)
{
	size_t n = 0;

	while (n < s.len && ascii_is_digit(s.at[n]))
		n++;
	return n;
}

static const struct unit *unit_of(const struct unit *units, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(name, str_of(units[i].name)))
			return &units[i];
	return NULL;
}

/* Digits and one unit, moved off the front of *s. */
static bool take_amount(struct str *s, const struct unit *units, size_t n, uint64_t *amount)
{
	size_t digits = count_digits(*s), end = digits;
	const struct unit *unit;
	uint64_t number;

	while (end < s->len && ascii_is_alpha(s->at[end]))
		end++;
	unit = unit_of(units, n, str_tail(str_head(*s, end), digits));
	if (!unit || !str_to_u64(str_head(*s, digits), &number))
		return false;
	*s = str_tail(*s, end);
	return !__builtin_mul_overflow(number, unit->factor, amount);
}

static bool refuse_size(struct str s, uint64_t least, uint64_t most, struct why *why)
{
	struct buf range = BUF(100);

	value_add_size(&range, least);
	buf_add(&range, STR(" to "));
	value_add_size(&range, most);
	why_not(why, "\"%.*s\" does not fit; a size from %.*s, such as 50M, would be right",
		STR_ARG(str_head(s, 40)), STR_ARG(buf_str(&range)));
	buf_free(&range);
	return false;
}

bool value_size(struct str s, uint64_t least, uint64_t most, uint64_t *n, struct why *why)
{
	struct str rest = s;
	uint64_t read;

	if (!str_to_u64(s, &read) &&
		(!take_amount(&rest, size_units, count_of(size_units), &read) || rest.len))
		return refuse_size(s, least, most, why);
	if (read < least || read > most)
		return refuse_size(s, least, most, why);
	*n = read;
	return true;
}

static bool refuse_span(struct str s, uint64_t least, uint64_t most, struct why *why)
{
	struct buf range = BUF(100);

	value_add_span(&range, least);
	buf_add(&range, STR(" to "));
	value_add_span(&range, most);
	why_not(why,
		"\"%.*s\" does not fit; a time from %.*s, such as 30s, 15m or 4h, would be right",
		STR_ARG(str_head(s, 40)), STR_ARG(buf_str(&range)));
	buf_free(&range);
	return false;
}

bool value_span(struct str s, uint64_t least, uint64_t most, int64_t *ms, struct why *why)
{
	struct str rest = s;
	uint64_t sum = 0, amount;

	do {
		if (!take_amount(&rest, span_units, count_of(span_units), &amount) ||
			__builtin_add_overflow(sum, amount, &sum))
			return refuse_span(s, least, most, why);
	} while (rest.len);
	if (sum < least || sum > most || sum > INT64_MAX)
		return refuse_span(s, least, most, why);
	*ms = (int64_t)sum;
	return true;
}

bool value_flag(struct str s, bool *flag, struct why *why)
{
	static const char *const names[] = { "false", "true", "no", "yes", "off", "on" };

	for (size_t i = 0; i < count_of(names); i++) {
		if (str_eq_nocase(s, str_of(names[i]))) {
			*flag = i % 2;
			return true;
		}
	}
	return why_not(
		why, "\"%.*s\" is neither; true or false would be right", STR_ARG(str_head(s, 40)));
}

/* Letters, digits and inner hyphens in labels of 1 to 63, two labels or more, the last one not
 * all digits (that would be an IPv4 address). */
static bool is_host_name(struct str s)
{
	size_t labels = 0;
	struct str label;
	bool more, alpha;

	if (s.len > DOMAIN_MAX)
		return false;
	do {
		more = str_find(s, '.') < s.len;
		label = str_cut(&s, '.');
		alpha = false;
		if (!label.len || label.len > LABEL_MAX || label.at[0] == '-' ||
			label.at[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++) {
			if (!ascii_is_alnum(label.at[i]) && label.at[i] != '-')
				return false;
			alpha = alpha || !ascii_is_digit(label.at[i]);
		}
		labels++;
	} while (more);
	return labels > 1 && alpha;
}

bool value_domain(struct str s, struct arena *arena, struct str *domain, struct why *why)
{
	struct str name = arena_str(arena, s), labels;
	uint8_t *ascii = NULL;
	int code = IDN2_TOO_BIG_DOMAIN;

	/* Not with its STD3 rules: libidn2 then drops a blank instead of refusing it. */
	if (name.at && s.len && s.len <= 4 * DOMAIN_MAX && !memchr(s.at, 0, s.len))
		code = idn2_lookup_u8(
			(const uint8_t *)name.at, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (!s.len)
		return why_not(why, "\"\" is no domain; one such as example.org would be right");
	if (code != IDN2_OK)
		return why_not(why,
			"\"%.*s\" is no domain (%s); one such as example.org would be right",
			STR_ARG(str_head(s, 80)), idn2_strerror(code));
	labels = arena_str(arena, str_of((const char *)ascii));
	idn2_free(ascii);
	if (!labels.at || !is_host_name(labels))
		return why_not(why,
			"\"%.*s\" is no full domain; one such as example.org, without a dot at its "
			"end, "
			"would be right",
			STR_ARG(str_head(s, 80)));
	*domain = labels;
	return true;
}

/* The family, and the address in network order in the first 4 or 16 of `bytes`; -1: none. */
static int read_address(struct str s, uint8_t bytes[static 16])
{
	char text[ADDRESS_TEXT_MAX];

	if (!s.len || s.len >= sizeof(text) || memchr(s.at, 0, s.len))
		return -1;
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	if (inet_pton(AF_INET, text, bytes) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, bytes) == 1 ? AF_INET6 : -1;
}

bool value_address(struct str s, struct why *why)
{
	uint8_t bytes[16];

	return read_address(s, bytes) >= 0 || why_not(why,
						      "\"%.*s\" is no address; one such as "
						      "192.0.2.1 or 2001:db8::1 would be right",
						      STR_ARG(str_head(s, 60)));
}

bool value_address_port(struct str s, struct why *why)
{
	struct str rest = s, address = str_cut(&rest, '@');
	uint64_t port = 53;
	uint8_t bytes[16];

	if (address.len < s.len && (!str_to_u64(rest, &port) || !port || port > UINT16_MAX))
		port = 0;
	return (port && read_address(address, bytes) >= 0) ||
	       why_not(why,
		       "\"%.*s\" is no server; 192.0.2.1, 2001:db8::1 or 192.0.2.1@5353 would be "
		       "right",
		       STR_ARG(str_head(s, 60)));
}

static bool has_bits_behind(const uint8_t *bytes, size_t n, uint64_t bits)
{
	for (size_t i = 0; i < n * 8; i++)
		if (i >= bits && bytes[i / 8] & (0x80 >> i % 8))
			return true;
	return false;
}

bool value_network(struct str s, struct why *why)
{
	struct str rest = s, address = str_cut(&rest, '/');
	uint8_t bytes[16];
	int family = read_address(address, bytes);
	size_t n = family == AF_INET ? 4 : 16;
	uint64_t bits;

	if (family < 0 || !str_to_u64(rest, &bits) || bits > n * 8)
		return why_not(why,
			"\"%.*s\" is no network; ADDRESS/BITS such as 127.0.0.0/8 or fd00::/8 "
			"would be right",
			STR_ARG(str_head(s, 60)));
	if (has_bits_behind(bytes, n, bits))
		return why_not(why,
			"\"%.*s\" has bits set behind the first %u; zeros there would be right",
			STR_ARG(str_head(s, 60)), (unsigned)bits);
	return true;
}

bool value_network_has(struct str network, struct str address)
{
	struct str rest = network, first = str_cut(&rest, '/');
	uint8_t a[16] = { 0 }, b[16] = { 0 };
	int family = read_address(first, a);
	uint64_t bits = 0;

	if (family < 0 || family != read_address(address, b) || !str_to_u64(rest, &bits) ||
		bits > (family == AF_INET ? 32 : 128))
		return false;
	for (size_t i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

bool value_dns_name(struct str s, struct why *why)
{
	struct str rest = s, label;
	bool good = s.len && s.len <= DOMAIN_MAX + 1;

	if (str_eq(s, STR(".")))
		return true;
	while (good && rest.len) {
		label = str_cut(&rest, '.');
		good = label.len && label.len <= LABEL_MAX;
		for (size_t i = 0; good && i < label.len; i++)
			good = label.at[i] > ' ' && label.at[i] < 0x7f;
	}
	return good ||
	       why_not(why, "\"%.*s\" is no DNS name; one such as example.test. would be right",
		       STR_ARG(str_head(s, 60)));
}

static bool add_in_units(struct buf *to, const struct unit *units, size_t n, uint64_t number)
{
	for (size_t i = 0; i < n; i++) {
		if (number && number % units[i].factor == 0) {
			buf_add_u64(to, number / units[i].factor);
			buf_add(to, str_of(units[i].name));
			return true;
		}
	}
	return false;
}

void value_add_size(struct buf *to, uint64_t bytes)
{
	if (!add_in_units(to, size_units, count_of(size_units), bytes))
		buf_add_u64(to, bytes);
}

void value_add_span(struct buf *to, uint64_t ms)
{
	if (!add_in_units(to, span_units, count_of(span_units), ms))
		buf_add(to, STR("0s"));
}
