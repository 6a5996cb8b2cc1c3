/* SPDX-License-Identifier: ISC
 *
 * check.c - what is wrong with a configuration whose single values are right: doubled names, a
 * secure domain that is also a normal one, listeners without a certificate. Pure.
 */
#include "settings/check.h"
#include "base/must.h"
#include "settings/value.h"
#include <string.h>

enum { SECTIONS_MAX = 10000, LISTENER_NAME_MAX = 64 };

static const char *const field_names[SECTION_FIELDS] = { "secure", "kind", "address", "port",
	"level" };
const char *const listener_kinds[] = { "mx", "secure-mx", "submission", "submissions", "web",
	"web-plain" };

const char *section_field_name(enum section_field field)
{
	return field_names[field];
}

enum section_field section_field(const char *name)
{
	enum section_field field = 0;

	while (field < SECTION_FIELDS && strcmp(field_names[field], name))
		field++;
	must(field < SECTION_FIELDS);
	return field;
}

/* As room_for_one: SECTIONS_MAX elements always fit into the arena's maximum. */
static void *sure_room(struct arena *arena, void *at, size_t len, size_t size)
{
	void *more = room_for_one(arena, at, len, size);

	must(more);
	return more;
}

static void add_line(struct parsed *p, struct lines *lines, size_t line)
{
	lines->at = sure_room(p->arena, lines->at, lines->len, sizeof(*lines->at));
	lines->at[lines->len++] = line;
}

static bool section_has(struct parsed *p, const struct section *s, const char *kind,
	enum section_field field, const char *example)
{
	if (!s->lines[field])
		mistake(&p->mistakes, s->line, "%s \"%.*s\" has no %s; %s would be right", kind,
			STR_ARG(str_head(s->title, 80)), field_names[field], example);
	return s->lines[field];
}

/* Say so if one of our domains has this name already, as what it is or as its secure one. */
static bool domain_is_new(struct parsed *p, struct str name, size_t line)
{
	bool secure;
	int before = settings_domain(p->settings, name, &secure);

	if (before < 0)
		return true;
	mistake(&p->mistakes, line,
		"%.*s is already the %s in line %zu; a name of its own would be right",
		STR_ARG(name), secure ? "secure domain" : "domain", p->domain_lines.at[before]);
	return false;
}

void check_domain(struct parsed *p, const struct section *s)
{
	struct domain_settings domain = { 0 }, *at = p->settings->domains.at;
	size_t n = p->settings->domains.len, secure_line = s->lines[FIELD_SECURE];
	bool good = n < SECTIONS_MAX;
	struct why why;

	if (!value_domain(s->title, p->arena, &domain.name, &why)) {
		mistake(&p->mistakes, s->line, "domain: %s", why.text);
		good = false;
	} else {
		good = domain_is_new(p, domain.name, s->line) && good;
	}
	if (s->values[FIELD_SECURE].len) {
		if (!value_domain(s->values[FIELD_SECURE], p->arena, &domain.secure, &why)) {
			mistake(&p->mistakes, secure_line, "secure: %s", why.text);
			good = false;
		} else if (str_eq(domain.secure, domain.name)) {
			mistake(&p->mistakes, secure_line,
				"the secure domain is the domain itself; one below it such as "
				"secure.%.*s would be right",
				STR_ARG(domain.name));
			good = false;
		} else {
			good = domain_is_new(p, domain.secure, secure_line) && good;
		}
	}
	if (!good)
		return;
	p->settings->domains.at = at = sure_room(p->arena, at, n, sizeof(*at));
	at[p->settings->domains.len++] = domain;
	add_line(p, &p->domain_lines, s->line);
}

static bool listener_name_is_good(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_alnum(name.at[i]) && name.at[i] != '-' && name.at[i] != '_')
			return false;
	return name.len > 0 && name.len <= LISTENER_NAME_MAX;
}

static bool read_kind(struct parsed *p, const struct section *s, enum listener_kind *kind)
{
	for (size_t i = 0; i < count_of(listener_kinds); i++) {
		if (str_eq(s->values[FIELD_KIND], str_of(listener_kinds[i]))) {
			*kind = (enum listener_kind)i;
			return true;
		}
	}
	mistake(&p->mistakes, s->lines[FIELD_KIND],
		"kind: \"%.*s\" is none; mx, secure-mx, submission, submissions, web or web-plain "
		"would "
		"be right",
		STR_ARG(str_head(s->values[FIELD_KIND], 40)));
	return false;
}

static bool read_listener(struct parsed *p, const struct section *s, struct listener_settings *l)
{
	bool good = listener_name_is_good(s->title);
	struct why why;
	uint64_t port;

	if (!good)
		mistake(&p->mistakes, s->line,
			"listener \"%.*s\": letters, digits and hyphens, at most %d, would be "
			"right",
			STR_ARG(str_head(s->title, 80)), LISTENER_NAME_MAX);
	l->name = s->title;
	l->address = s->values[FIELD_ADDRESS];
	if (!section_has(p, s, "listener", FIELD_KIND, "kind = mx") || !read_kind(p, s, &l->kind))
		good = false;
	if (!section_has(p, s, "listener", FIELD_ADDRESS, "address = \"0.0.0.0\"")) {
		good = false;
	} else if (!value_address(l->address, &why)) {
		mistake(&p->mistakes, s->lines[FIELD_ADDRESS], "address: %s", why.text);
		good = false;
	}
	if (!section_has(p, s, "listener", FIELD_PORT, "port = 25"))
		return false;
	if (!value_count(s->values[FIELD_PORT], 1, UINT16_MAX, &port, &why)) {
		mistake(&p->mistakes, s->lines[FIELD_PORT], "port: %s", why.text);
		return false;
	}
	l->port = (uint16_t)port;
	return good;
}

/* Passwords go over it, and nothing but this machine's own wire is as good as TLS. */
static bool plain_is_here(
	struct parsed *p, const struct section *s, const struct listener_settings *l)
{
	bool here =
		value_network_has(STR("127.0.0.0/8"), l->address) || str_eq(l->address, STR("::1"));

	if (l->kind == LISTENER_WEB_PLAIN && !here)
		mistake(&p->mistakes, s->lines[FIELD_ADDRESS],
			"address: web-plain is without TLS and for this machine alone; 127.0.0.1 "
			"or "
			"::1, or kind = web, would be right");
	return l->kind != LISTENER_WEB_PLAIN || here;
}

static bool listener_is_new(
	struct parsed *p, const struct section *s, const struct listener_settings *l)
{
	for (size_t i = 0; i < p->settings->listeners.len; i++) {
		const struct listener_settings *other = &p->settings->listeners.at[i];

		if (str_eq(other->name, l->name)) {
			mistake(&p->mistakes, s->line,
				"there is a listener \"%.*s\" in line %zu; another name would be "
				"right",
				STR_ARG(l->name), p->listener_lines.at[i]);
			return false;
		}
		if (other->port == l->port && str_eq(other->address, l->address)) {
			mistake(&p->mistakes, s->line,
				"listener \"%.*s\" has the same address and port; "
				"another port or address would be right",
				STR_ARG(other->name));
			return false;
		}
	}
	return true;
}

void check_listener(struct parsed *p, const struct section *s)
{
	struct listener_settings l = { 0 }, *at = p->settings->listeners.at;
	size_t n = p->settings->listeners.len;

	if (!read_listener(p, s, &l) || !plain_is_here(p, s, &l) || !listener_is_new(p, s, &l) ||
		n >= SECTIONS_MAX)
		return;
	p->settings->listeners.at = at = sure_room(p->arena, at, n, sizeof(*at));
	at[p->settings->listeners.len++] = l;
	add_line(p, &p->listener_lines, s->line);
}

/* ".gov": all domains below one, which may be a top-level domain, as if something stood before it. */
static bool read_below(struct parsed *p, const struct section *s, struct str *name)
{
	struct str one = arena_printf(p->arena, "x%.*s", STR_ARG(s->title));
	struct why why;

	if (!one.at || !value_domain(one, p->arena, &one, &why)) {
		mistake(&p->mistakes, s->line,
			"destination: \"%.*s\" is no dot and a domain behind it; .example.org "
			"would "
			"be right",
			STR_ARG(str_head(s->title, 80)));
		return false;
	}
	*name = str_tail(one, 1);
	return true;
}

/* "*", or a domain in any spelling, perhaps with a dot in front. */
static bool read_destination_name(struct parsed *p, const struct section *s, struct str *name)
{
	struct why why;

	*name = s->title;
	if (str_eq(s->title, STR("*")))
		return true;
	if (str_starts(s->title, STR(".")))
		return read_below(p, s, name);
	if (value_domain(s->title, p->arena, name, &why))
		return true;
	mistake(&p->mistakes, s->line, "destination: %s", why.text);
	return false;
}

static bool read_level(struct parsed *p, const struct section *s, enum level *level)
{
	struct str text = s->values[FIELD_LEVEL];

	if (!section_has(p, s, "destination", FIELD_LEVEL, "level = secure"))
		return false;
	if (level_of(text, level) && level_demands(*level))
		return true;
	mistake(&p->mistakes, s->lines[FIELD_LEVEL],
		"level: \"%.*s\" demands nothing; encrypt, secure, dane-only or verify would be "
		"right",
		STR_ARG(str_head(text, 40)));
	return false;
}

static bool destination_is_new(struct parsed *p, const struct section *s, struct str name)
{
	for (size_t i = 0; i < p->settings->destinations.len; i++) {
		if (!str_eq(p->settings->destinations.at[i].name, name))
			continue;
		mistake(&p->mistakes, s->line,
			"there is a destination \"%.*s\" in line %zu; once would be right",
			STR_ARG(name), p->destination_lines.at[i]);
		return false;
	}
	return true;
}

void check_destination(struct parsed *p, const struct section *s)
{
	struct destination_settings d = { 0 }, *at = p->settings->destinations.at;
	size_t n = p->settings->destinations.len;
	bool named = read_destination_name(p, s, &d.name);

	if (!read_level(p, s, &d.level) || !named || !destination_is_new(p, s, d.name) ||
		n >= SECTIONS_MAX)
		return;
	p->settings->destinations.at = at = sure_room(p->arena, at, n, sizeof(*at));
	at[p->settings->destinations.len++] = d;
	add_line(p, &p->destination_lines, s->line);
}

static size_t line_of_option(const struct parsed *p, const char *name)
{
	return p->lines[option_of(str_of(name)) - options];
}

static bool has_secure_domain(const struct settings *s)
{
	for (size_t i = 0; i < s->domains.len; i++)
		if (s->domains.at[i].secure.len)
			return true;
	return false;
}

/* Index of the first listener that speaks TLS, or how many there are. */
static size_t first_with_tls(const struct settings *s)
{
	size_t i = 0;

	while (i < s->listeners.len && s->listeners.at[i].kind == LISTENER_WEB_PLAIN)
		i++;
	return i;
}

static void check_certificates(struct parsed *p)
{
	const struct settings *s = p->settings;
	size_t first = first_with_tls(s);

	if (s->certificate.len != s->key.len)
		mistake(&p->mistakes, line_of_option(p, s->key.len ? "key" : "certificate"),
			"%zu certificate and %zu key; as many keys as certificates, in the same "
			"order, "
			"would be right",
			s->certificate.len, s->key.len);
	else if (first < s->listeners.len && !s->certificate.len)
		mistake(&p->mistakes, p->listener_lines.at[first],
			"a listener, but no certificate; certificate = "
			"\"/etc/siegel/certificate.pem\" and "
			"key = \"/etc/siegel/key.pem\" would be right");
}

static void check_secure_listeners(struct parsed *p)
{
	for (size_t i = 0; i < p->settings->listeners.len; i++)
		if (p->settings->listeners.at[i].kind == LISTENER_SECURE_MX &&
			!has_secure_domain(p->settings))
			mistake(&p->mistakes, p->listener_lines.at[i],
				"a secure-mx listener, but no domain has a secure one; "
				"secure = \"secure.example.org\" in a domain section would be "
				"right");
}

/* Mail between our own accounts has no way on which anything could be proved. */
static void check_destinations(struct parsed *p)
{
	bool secure;

	for (size_t i = 0; i < p->settings->destinations.len; i++) {
		struct str name = p->settings->destinations.at[i].name;
		if (settings_domain(p->settings, name, &secure) >= 0)
			mistake(&p->mistakes, p->destination_lines.at[i],
				"%.*s is a domain of ours, and mail to it crosses no network; "
				"somebody else's would be right",
				STR_ARG(name));
	}
}

void check_whole(struct parsed *p)
{
	const struct settings *s = p->settings;

	if (!line_of_option(p, "host_name"))
		mistake(&p->mistakes, 0,
			"no host_name; host_name = \"mx.example.org\" would be right");
	if (!s->domains.len && !p->mistakes.n)
		mistake(&p->mistakes, 0,
			"no domain; domain \"example.org\" { secure = \"secure.example.org\" } "
			"would be right");
	check_certificates(p);
	check_secure_listeners(p);
	check_destinations(p);
	if (s->message_size > s->bytes_in_flight)
		mistake(&p->mistakes, line_of_option(p, "message_size"),
			"message_size is more than bytes_in_flight; at most as much would be "
			"right");
	if (s->sessions_per_address > s->sessions && line_of_option(p, "sessions_per_address"))
		mistake(&p->mistakes, line_of_option(p, "sessions_per_address"),
			"sessions_per_address is more than sessions; at most as many would be "
			"right");
}

bool settings_listens(const struct settings *settings, enum listener_kind kind)
{
	for (size_t i = 0; i < settings->listeners.len; i++) {
		if (settings->listeners.at[i].kind == kind)
			return true;
	}
	return false;
}

int settings_domain(const struct settings *settings, struct str domain, bool *secure)
{
	for (size_t i = 0; i < settings->domains.len; i++) {
		const struct domain_settings *d = &settings->domains.at[i];

		*secure = d->secure.len && str_eq_nocase(domain, d->secure);
		if (*secure || str_eq_nocase(domain, d->name))
			return (int)i;
	}
	*secure = false;
	return -1;
}

static bool is_named(const struct destination_settings *d, struct str domain)
{
	if (d->name.at[0] == '*')
		return true;
	if (d->name.at[0] != '.')
		return str_eq_nocase(domain, d->name);
	return domain.len > d->name.len &&
	       str_eq_nocase(str_tail(domain, domain.len - d->name.len), d->name);
}

demands settings_demands(const struct settings *settings, struct str domain)
{
	demands all = 0;

	for (size_t i = 0; i < settings->destinations.len; i++) {
		const struct destination_settings *d = &settings->destinations.at[i];
		if (is_named(d, domain))
			all |= level_demands(d->level);
	}
	return all;
}

enum neighbour settings_neighbour(const struct settings *settings, struct str peer)
{
	bool listed = false, here;

	for (size_t i = 0; i < settings->neighbours.len; i++)
		listed |= value_network_has(settings->neighbours.at[i], peer);
	if (!listed)
		return NEIGHBOUR_NONE;
	here = value_network_has(STR("127.0.0.0/8"), peer) || str_eq(peer, STR("::1"));
	return here ? NEIGHBOUR_HERE : NEIGHBOUR_FAR;
}
