/* SPDX-License-Identifier: ISC
 *
 * settings.h - the configuration as every role sees it: an immutable snapshot. siegeld reads the
 * file and hands its text to the roles, which parse it again with the same code.
 */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include "base/buf.h"
#include "base/str.h"
#include "mail/demands.h"
#include "settings/settings.def"

struct texts {
	struct str *at;
	size_t len;
};

struct spans {
	int64_t *at; /* milliseconds */
	size_t len;
};

enum listener_kind {
	LISTENER_MX,
	LISTENER_SECURE_MX,
	LISTENER_SUBMISSION,
	LISTENER_SUBMISSIONS,
	LISTENER_WEB,
	LISTENER_WEB_PLAIN, /* without TLS: for this machine alone */
};

/* listener "NAME" { kind = mx|secure-mx|submission|submissions|web|web-plain, address = "...",
 * port = 25 } */
struct listener_settings {
	struct str name;
	enum listener_kind kind;
	struct str address; /* IPv4 or IPv6 address */
	uint16_t port;
};

/* domain "example.org" { secure = "secure.example.org" }; both in lower-case A-labels. */
struct domain_settings {
	struct str name;
	struct str secure; /* "" if it has none */
};

/* destination "example.net" { level = secure }: what the operator demands for mail to a domain.
 * `name` is a domain in lower-case A-labels, ".example.net" for all below it, or "*" for all. */
struct destination_settings {
	struct str name;
	enum level level;
};

#define SETTINGS_TEXT(name, ...)  struct str name;
#define SETTINGS_TEXTS(name, ...) struct texts name;
#define SETTINGS_COUNT(name, ...) uint64_t name;
#define SETTINGS_SIZE(name, ...)  uint64_t name;
#define SETTINGS_SPAN(name, ...)  int64_t name;
#define SETTINGS_SPANS(name, ...) struct spans name;
#define SETTINGS_FLAG(name, ...)  bool name;

struct settings {
	SETTINGS(SETTINGS_TEXT, SETTINGS_TEXTS, SETTINGS_COUNT, SETTINGS_SIZE, SETTINGS_SPAN,
		SETTINGS_SPANS, SETTINGS_FLAG)
	struct {
		struct domain_settings *at;
		size_t len;
	} domains;
	struct {
		struct listener_settings *at;
		size_t len;
	} listeners;
	struct {
		struct destination_settings *at;
		size_t len;
	} destinations;
};

/* Parse a configuration. `path` is for messages alone. On any mistake NULL, with one line per
 * mistake in `errors`: "path:line: what is wrong; what would be right". The snapshot is freed by
 * settings_free. Not safe from two threads at once (libconfuse). */
struct settings *settings_parse(struct str text, const char *path, struct buf *errors);
void settings_free(struct settings **settings);

/* Do the pages answer there, or is it for mail? */
static inline bool listener_is_web(const struct listener_settings *listener)
{
	return listener->kind == LISTENER_WEB || listener->kind == LISTENER_WEB_PLAIN;
}

/* Is there a listener of this kind? */
bool settings_listens(const struct settings *settings, enum listener_kind kind);

/* Which of our domains this is (a domain or a secure domain, in A-labels, any case): index into
 * settings->domains, or -1. *secure: it is the secure one. */
int settings_domain(const struct settings *settings, struct str domain, bool *secure);

/* What the operator demands for mail to this domain (in A-labels, any case; or an address literal):
 * all sections that name it, joined (policy.md section 1). */
demands settings_demands(const struct settings *settings, struct str domain);

/* Who hands mail over to us. What a neighbour of this machine says in clear crosses no network. */
enum neighbour { NEIGHBOUR_NONE, NEIGHBOUR_FAR, NEIGHBOUR_HERE };
/* Is this peer's address among `neighbours`? */
enum neighbour settings_neighbour(const struct settings *settings, struct str peer);

/* The effective configuration, in the file's own syntax (`siegel config show`). */
void settings_show(const struct settings *settings, struct buf *to);
/* Every option with its help and default, as the example file. */
void settings_example(struct buf *to);
/* Every option as an item of the list in siegel.conf(5), in mdoc(7). */
void settings_manual(struct buf *to);

#endif
