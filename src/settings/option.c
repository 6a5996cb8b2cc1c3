/* SPDX-License-Identifier: ISC
 *
 * option.c - the table of options made from settings.def, what each text option may hold, and
 * reading one value into its place. Pure; runs in every role.
 */
#include "settings/option.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "settings/value.h"
#include <string.h>

#define PLACE(n)	   .name = #n, .offset = offsetof(struct settings, n)
#define ROW_TEXT(n, d, h)  { PLACE(n), .kind = OPTION_TEXT, .text = d, .help = h },
#define ROW_TEXTS(n, h)	   { PLACE(n), .kind = OPTION_TEXTS, .help = h },
#define ROW_SPANS(n, d, h) { PLACE(n), .kind = OPTION_SPANS, .text = d, .help = h },
#define ROW_FLAG(n, d, h)  { PLACE(n), .kind = OPTION_FLAG, .number = d, .help = h },
#define ROW_NUMBER(n, k, d, l, m, h) \
	{ PLACE(n), .kind = k, .number = d, .least = l, .most = m, .help = h },
#define ROW_COUNT(n, d, l, m, h) ROW_NUMBER(n, OPTION_COUNT, d, l, m, h)
#define ROW_SIZE(n, d, l, m, h)	 ROW_NUMBER(n, OPTION_SIZE, d, l, m, h)
#define ROW_SPAN(n, d, l, m, h)	 ROW_NUMBER(n, OPTION_SPAN, d, l, m, h)

const struct option options[OPTIONS_N] = { SETTINGS(
	ROW_TEXT, ROW_TEXTS, ROW_COUNT, ROW_SIZE, ROW_SPAN, ROW_SPANS, ROW_FLAG) };

enum { LIST_MAX = 10000, SPANS_MAX = 50, SPAN_ITEM_LEAST = 10, SPAN_ITEM_MOST = 7 * DAY };

static bool check_directory(
	struct str value, struct arena *arena, struct str *read, struct why *why)
{
	(void)arena;
	*read = value;
	if (value.len && value.at[0] == '/' && value.len < 200)
		return true;
	return why_not(why,
		"\"%.*s\" is no absolute path; one such as /var/lib/siegel would be right",
		STR_ARG(str_head(value, 100)));
}

static bool check_file(struct str value, struct arena *arena, struct str *read, struct why *why)
{
	(void)arena;
	*read = value;
	if (value.len > 1 && value.at[0] == '/' && value.at[value.len - 1] != '/')
		return true;
	return why_not(why,
		"\"%.*s\" is no absolute path of a file; one such as /etc/siegel/name.pem would be "
		"right",
		STR_ARG(str_head(value, 100)));
}

static bool check_file_or_none(
	struct str value, struct arena *arena, struct str *read, struct why *why)
{
	*read = value;
	return !value.len || check_file(value, arena, read, why);
}

static bool check_url(struct str value, struct arena *arena, struct str *read, struct why *why)
{
	bool good = str_starts_nocase(value, STR("https://")) ||
		    str_starts_nocase(value, STR("http://"));

	(void)arena;
	*read = value;
	/* It becomes part of SMTP replies (RFC 5321 4.5.3.1.5: 512 octets a line). */
	for (size_t i = 0; i < value.len; i++)
		good = good && value.at[i] > ' ' && value.at[i] < 0x7f;
	return !value.len || (good && value.len <= 200) ||
	       why_not(why,
		       "\"%.*s\" is no URL; https://... in ASCII, at most 200 bytes, would be "
		       "right",
		       STR_ARG(str_head(value, 100)));
}

static bool check_log_level(
	struct str value, struct arena *arena, struct str *read, struct why *why)
{
	enum log_level level;

	(void)arena;
	*read = value;
	return log_level_of(value, &level) ||
	       why_not(why, "\"%.*s\" is none; debug, info, warning or alarm would be right",
		       STR_ARG(str_head(value, 40)));
}

static bool check_address(struct str value, struct arena *arena, struct str *read, struct why *why)
{
	(void)arena;
	*read = value;
	return value_address(value, why);
}

static bool check_server(struct str value, struct arena *arena, struct str *read, struct why *why)
{
	(void)arena;
	*read = value;
	return value_address_port(value, why);
}

static bool check_network(struct str value, struct arena *arena, struct str *read, struct why *why)
{
	(void)arena;
	*read = value;
	return value_network(value, why);
}

/* Who relays without a login: a few machines, not a part of the Internet. */
static bool check_neighbour(
	struct str value, struct arena *arena, struct str *read, struct why *why)
{
	enum { LEAST_IPV4 = 8, LEAST_IPV6 = 16 };
	struct str bits = str_tail(value, str_find(value, '/') + 1);
	uint64_t n = 0, least = str_find(value, ':') < value.len ? LEAST_IPV6 : LEAST_IPV4;

	(void)arena;
	*read = value;
	if (!value_network(value, why))
		return false;
	return (str_to_u64(bits, &n) && n >= least) ||
	       why_not(why,
		       "\"%.*s\" would make an open relay; one server such as 192.0.2.1/32, or its "
		       "network, would be right",
		       STR_ARG(value));
}

/* The next word, moved off the front of *rest. */
static struct str take_word(struct str *rest)
{
	struct str s = str_trim(*rest);
	size_t n = 0;

	while (n < s.len && s.at[n] != ' ' && s.at[n] != '\t')
		n++;
	*rest = str_trim(str_tail(s, n));
	return str_head(s, n);
}

static bool check_stub_zone(
	struct str value, struct arena *arena, struct str *read, struct why *why)
{
	struct str rest = value, zone = take_word(&rest);

	(void)arena;
	*read = value;
	if (!value_dns_name(zone, NULL) || !value_address_port(rest, NULL))
		return why_not(why,
			"\"%.*s\" is no zone and server; \"example.test. 127.0.0.1@5353\" would be "
			"right",
			STR_ARG(str_head(value, 100)));
	return true;
}

/* NAME TTL IN TYPE DATA. The order TTL before class is the one libunbound's manual shows. */
static bool check_local_record(
	struct str value, struct arena *arena, struct str *read, struct why *why)
{
	struct str rest = value, name = take_word(&rest), ttl = take_word(&rest),
		   class = take_word(&rest), type = take_word(&rest);
	uint64_t seconds;

	(void)arena;
	*read = value;
	if (value_dns_name(name, NULL) && str_to_u64(ttl, &seconds) && seconds <= INT32_MAX &&
		str_eq_nocase(class, STR("IN")) && type.len && ascii_is_alpha(type.at[0]) &&
		rest.len)
		return true;
	return why_not(why,
		"\"%.*s\" is no record; NAME TTL IN TYPE DATA such as \"a.test. 60 IN A "
		"192.0.2.1\" "
		"would be right",
		STR_ARG(str_head(value, 80)));
}

static bool check_local_zone(
	struct str value, struct arena *arena, struct str *read, struct why *why)
{
	/* unbound.conf(5), local-zone. */
	static const char *const types[] = { "deny", "refuse", "static", "transparent", "redirect",
		"typetransparent", "inform", "inform_deny", "inform_redirect", "always_transparent",
		"always_refuse", "always_nxdomain", "always_null", "noview" };
	struct str rest = value, zone = take_word(&rest);

	(void)arena;
	*read = value;
	for (size_t i = 0; i < count_of(types); i++)
		if (str_eq(rest, str_of(types[i])) && value_dns_name(zone, NULL))
			return true;
	return why_not(why,
		"\"%.*s\" is no zone and type; \"test. transparent\" or \"test. static\" would "
		"be right",
		STR_ARG(str_head(value, 80)));
}

static bool check_group(struct str value, struct arena *arena, struct str *read, struct why *why)
{
	bool good = value.len <= 32;

	(void)arena;
	*read = value;
	for (size_t i = 0; i < value.len; i++)
		good = good && (ascii_is_alnum(value.at[i]) || value.at[i] == '-' ||
				       value.at[i] == '_' || value.at[i] == '.');
	return good ||
	       why_not(why, "\"%.*s\" is no group; a name or number such as dovecot would be right",
		       STR_ARG(str_head(value, 60)));
}

static const struct text_rule rules[] = {
	{ "host_name", value_domain, "mx.example.org" },
	{ "state_directory", check_directory, "/var/lib/siegel" },
	{ "help_url", check_url, "https://example.org/mail-help" },
	{ "log_level", check_log_level, "info" },
	{ "certificate", check_file, "/etc/siegel/certificate.pem" },
	{ "key", check_file, "/etc/siegel/key.pem" },
	{ "ca_file", check_file_or_none, "/etc/ssl/certs/ca-certificates.crt" },
	{ "trust_anchor_file", check_file_or_none, "/usr/share/dns/root.key" },
	{ "root_servers", check_address, "192.0.2.53" },
	{ "forwarders", check_server, "192.0.2.53@53" },
	{ "web_names", value_domain, "mail.example.org" },
	{ "stub_zones", check_stub_zone, "example.test. 127.0.0.1@5353" },
	{ "local_records", check_local_record, "mx.example.test. 60 IN A 127.0.0.1" },
	{ "local_zones", check_local_zone, "test. transparent" },
	{ "allow_networks", check_network, "10.0.0.0/8" },
	{ "neighbours", check_neighbour, "192.0.2.25/32" },
	{ "auth_group", check_group, "dovecot" },
};

const struct option *option_of(struct str name)
{
	for (size_t i = 0; i < OPTIONS_N; i++)
		if (str_eq(name, str_of(options[i].name)))
			return &options[i];
	return NULL;
}

const struct text_rule *option_rule(const struct option *option)
{
	const struct text_rule *rule = NULL;

	for (size_t i = 0; i < count_of(rules); i++)
		if (!strcmp(rules[i].name, option->name))
			rule = &rules[i];
	must(rule);
	return rule;
}

/* Levenshtein's distance; names longer than the row are far from everything. */
static size_t distance(struct str a, struct str b)
{
	size_t row[64], above, left;

	if (b.len >= count_of(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		above = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			left = above + (ascii_lower(a.at[i - 1]) != b.at[j - 1]);
			above = row[j];
			if (row[j] + 1 < left)
				left = row[j] + 1;
			row[j] = row[j - 1] + 1 < left ? row[j - 1] + 1 : left;
		}
	}
	return row[b.len];
}

const char *option_near(struct str name)
{
	size_t best = name.len / 3 + 2, d;
	const char *near = NULL;

	for (size_t i = 0; i < OPTIONS_N; i++) {
		d = distance(str_head(name, 80), str_of(options[i].name));
		if (d < best) {
			best = d;
			near = options[i].name;
		}
	}
	return near;
}

static void *place(struct settings *s, const struct option *option)
{
	return (char *)s + option->offset;
}

void *room_for_one(struct arena *arena, void *at, size_t len, size_t size)
{
	void *more = at;

	if (!(len & (len - 1))) { /* full: the room is a power of two */
		more = arena_array(arena, len ? 2 * len : 1, size);
		if (more && len)
			memcpy(more, at, len * size);
	}
	return more;
}

static bool append_text(struct texts *list, struct str text, struct arena *arena, struct why *why)
{
	struct str *more;

	if (list->len >= LIST_MAX)
		return why_not(why, "too many; at most %d would be right", LIST_MAX);
	more = room_for_one(arena, list->at, list->len, sizeof(*more));
	if (!more)
		return why_not(why, "too much text; fewer values would be right");
	list->at = more;
	list->at[list->len++] = text;
	return true;
}

static bool read_spans(struct spans *list, struct str value, struct arena *arena, struct why *why)
{
	struct str rest = value;

	if (!list->at)
		list->at = arena_array(arena, SPANS_MAX, sizeof(*list->at));
	for (struct str word = take_word(&rest); word.len; word = take_word(&rest)) {
		if (!list->at || list->len == SPANS_MAX)
			return why_not(why, "too many times; at most %d would be right", SPANS_MAX);
		if (!value_span(word, SPAN_ITEM_LEAST, SPAN_ITEM_MOST, &list->at[list->len++], why))
			return false;
	}
	return list->len || why_not(why, "no time given; some such as 30s 1m 5m would be right");
}

static bool read_text(const struct option *option, struct str value, struct str *text,
	struct arena *arena, struct why *why)
{
	struct str kept = arena_str(arena, value);

	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
			return why_not(
				why, "control characters; printable ones alone would be right");
	if (!kept.at || !str_is_utf8(value))
		return why_not(why, "no UTF-8; text in UTF-8 would be right");
	return option_rule(option)->check(kept, arena, text, why);
}

bool option_read(const struct option *option, struct str value, struct settings *s,
	struct arena *arena, struct why *why)
{
	void *to = place(s, option);
	struct str text;

	switch (option->kind) {
	case OPTION_TEXT:
		return read_text(option, value, to, arena, why);
	case OPTION_TEXTS:
		return read_text(option, value, &text, arena, why) &&
		       append_text(to, text, arena, why);
	case OPTION_COUNT:
		return value_count(value, option->least, option->most, to, why);
	case OPTION_SIZE:
		return value_size(value, option->least, option->most, to, why);
	case OPTION_SPAN:
		return value_span(value, option->least, option->most, to, why);
	case OPTION_SPANS:
		return read_spans(to, value, arena, why);
	case OPTION_FLAG:
		return value_flag(value, to, why);
	}
	return why_not(why, "an option of no known kind");
}

void option_clear(const struct option *option, struct settings *s)
{
	if (option->kind == OPTION_TEXTS)
		*(struct texts *)place(s, option) = (struct texts){ NULL, 0 };
	else if (option->kind == OPTION_SPANS)
		*(struct spans *)place(s, option) = (struct spans){ NULL, 0 };
}

void option_defaults(struct settings *s, struct arena *arena)
{
	for (size_t i = 0; i < OPTIONS_N; i++) {
		const struct option *option = &options[i];
		void *to = place(s, option);

		if (option->kind == OPTION_TEXT)
			*(struct str *)to = str_of(option->text);
		else if (option->kind == OPTION_COUNT || option->kind == OPTION_SIZE)
			*(uint64_t *)to = option->number;
		else if (option->kind == OPTION_SPAN)
			*(int64_t *)to = (int64_t)option->number;
		else if (option->kind == OPTION_SPANS)
			must(read_spans(to, str_of(option->text), arena, NULL));
		else if (option->kind == OPTION_FLAG)
			*(bool *)to = option->number;
	}
}
