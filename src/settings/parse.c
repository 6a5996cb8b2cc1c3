/* SPDX-License-Identifier: ISC
 *
 * parse.c - from the text of a configuration to the snapshot: libconfuse reads the syntax, this
 * file reads the values as they come (the line is known then), check.c looks at the whole. Runs
 * in siegeld, in the command line and, inside its confinement, in every role.
 *
 * libconfuse passes no pointer of ours to its callbacks, so the parse under way is a global; it
 * keeps globals of its own anyway, which is why settings_parse is not for two threads at once.
 */
#include "base/must.h"
#include "settings/check.h"
#include "settings/clean.h"
#include "settings/option.h"
#include "settings/value.h"
#include <confuse.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_MAX = 4 * 1024 * 1024,
	ARENA_MAX = 64 * 1024 * 1024,
	UNKNOWN_MAX = 50,
	SECTION_SEEN = 1 << 30, /* in cfg_t.flags, beyond libconfuse's own */
};

struct owned {
	struct settings settings;
	struct arena arena;
};

struct parse {
	struct parsed parsed;
	struct section section;	    /* the one being read */
	char *unknown[UNKNOWN_MAX]; /* names to accept and complain about; the first failed a run */
	size_t unknown_n;
	bool unknown_found;
};

static struct parse *under_way;

static size_t line_of(const cfg_t *cfg)
{
	return cfg->line > 0 ? (size_t)cfg->line : 1;
}

/* libconfuse's own complaint: the syntax. An unknown name is noted, to be parsed over. */
static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *cfg, const char *format, va_list arguments)
{
	char text[300];

	if (!strcmp(format, "no such option '%s'") && under_way->unknown_n < UNKNOWN_MAX) {
		under_way->unknown[under_way->unknown_n++] = strdup(va_arg(arguments, char *));
		under_way->unknown_found = true;
		return;
	}
	vsnprintf(text, sizeof(text), format, arguments);
	mistake(&under_way->parsed.mistakes, line_of(cfg),
		"%s; NAME = VALUE, NAME = { VALUE, VALUE } or SECTION \"NAME\" { ... } would be "
		"right",
		text);
}

static int on_unknown(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const char *near = strcmp(cfg->name, "root") ? NULL : option_near(str_of(opt->name));

	*(const char **)result = value;
	if (opt->nvalues > 1) /* the further values of a list */
		return 0;
	if (!strcmp(cfg->name, "domain"))
		mistake(&under_way->parsed.mistakes, line_of(cfg),
			"a domain has no %s; secure would be right", opt->name);
	else if (!strcmp(cfg->name, "destination"))
		mistake(&under_way->parsed.mistakes, line_of(cfg),
			"a destination has no %s; level would be right", opt->name);
	else if (!strcmp(cfg->name, "listener"))
		mistake(&under_way->parsed.mistakes, line_of(cfg),
			"a listener has no %s; kind, address or port would be right", opt->name);
	else if (near)
		mistake(&under_way->parsed.mistakes, line_of(cfg),
			"there is no option %s; %s would be right", opt->name, near);
	else
		mistake(&under_way->parsed.mistakes, line_of(cfg),
			"there is no option %s; one of siegel.conf(5) would be right", opt->name);
	return 0;
}

static int on_option(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct parsed *p = &under_way->parsed;
	const struct option *option = option_of(str_of(opt->name));
	size_t i = (size_t)(option - options), line = line_of(cfg);
	bool list = option->kind == OPTION_TEXTS || option->kind == OPTION_SPANS;
	struct why why;

	*(const char **)result = value;
	if (opt->nvalues == 1 && p->lines[i])
		mistake(&p->mistakes, line, "%s is already set in line %zu; %s would be right",
			opt->name, p->lines[i], list ? "+= to add to it" : "once");
	if (opt->nvalues == 1)
		option_clear(option, p->settings);
	p->lines[i] = line;
	if (!option_read(option, str_of(value), p->settings, p->arena, &why))
		mistake(&p->mistakes, line, "%s: %s", opt->name, why.text);
	return 0;
}

/* The values of a section are read when it ends; their lines are kept until then. */
static int on_field(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t *line = &under_way->section.lines[section_field(opt->name)];

	*(const char **)result = value;
	if (*line)
		mistake(&under_way->parsed.mistakes, line_of(cfg),
			"%s is already set in line %zu; once would be right", opt->name, *line);
	*line = line_of(cfg);
	return 0;
}

/* The section that has just ended is the one not marked yet: libconfuse makes a new cfg_t even
 * where a title comes twice. */
static cfg_t *section_ended(cfg_opt_t *opt)
{
	for (unsigned i = 0; i < cfg_opt_size(opt); i++) {
		cfg_t *section = cfg_opt_getnsec(opt, i);

		if (!(section->flags & SECTION_SEEN)) {
			section->flags |= SECTION_SEEN;
			return section;
		}
	}
	must(false); /* libconfuse says that one has ended */
	return NULL;
}

static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *ended = section_ended(opt);
	struct section *s = &under_way->section;

	s->line = line_of(cfg);
	s->title = arena_str(under_way->parsed.arena, str_of(ended->title));
	for (unsigned i = 0; i < SECTION_FIELDS; i++)
		if (s->lines[i])
			s->values[i] = arena_str(under_way->parsed.arena,
				str_of(cfg_getstr(ended, section_field_name(i))));
	if (!strcmp(opt->name, "domain"))
		check_domain(&under_way->parsed, s);
	else if (!strcmp(opt->name, "destination"))
		check_destination(&under_way->parsed, s);
	else
		check_listener(&under_way->parsed, s);
	under_way->section = (struct section){ 0 };
	return 0;
}

static cfg_opt_t text_option(const char *name, cfg_flag_t flags, cfg_callback_t on_value)
{
	return (cfg_opt_t){
		.name = name, .type = CFGT_STR, .flags = flags | CFGF_NODEFAULT, .parsecb = on_value
	};
}

/* Behind the n options of a section, those unknown names that it hasn't got: an unknown name may
 * be a good one in the wrong section, and libconfuse takes none twice. */
static void add_unknown(cfg_opt_t *to, size_t n)
{
	for (size_t i = 0; i < under_way->unknown_n; i++) {
		size_t j = 0;

		while (j < n && strcmp(to[j].name, under_way->unknown[i]) != 0)
			j++;
		if (j == n)
			to[n++] = text_option(under_way->unknown[i], CFGF_LIST, on_unknown);
	}
}

static cfg_opt_t section_option(const char *name, cfg_opt_t *fields)
{
	return (cfg_opt_t){ .name = name,
		.type = CFGT_SEC,
		.flags = CFGF_MULTI | CFGF_TITLE,
		.subopts = fields,
		.validcb = on_section };
}

/* One run of libconfuse over the text. */
static bool run(const char *text)
{
	cfg_opt_t domain[UNKNOWN_MAX + 2] = { text_option("secure", 0, on_field) };
	cfg_opt_t listener[UNKNOWN_MAX + 4] = { text_option("kind", 0, on_field),
		text_option("address", 0, on_field), text_option("port", 0, on_field) };
	cfg_opt_t destination[UNKNOWN_MAX + 2] = { text_option("level", 0, on_field) };
	cfg_opt_t root[OPTIONS_N + 3 + UNKNOWN_MAX + 1] = { 0 };
	size_t n = 0;
	cfg_t *cfg;
	int result;

	add_unknown(domain, 1);
	add_unknown(listener, 3);
	add_unknown(destination, 1);
	for (size_t i = 0; i < OPTIONS_N; i++) {
		bool list = options[i].kind == OPTION_TEXTS || options[i].kind == OPTION_SPANS;

		root[n++] = text_option(options[i].name, list ? CFGF_LIST : 0, on_option);
	}
	root[n++] = section_option("domain", domain);
	root[n++] = section_option("listener", listener);
	root[n++] = section_option("destination", destination);
	add_unknown(root, n);
	cfg = cfg_init(root, CFGF_NONE);
	if (!cfg)
		return false;
	cfg_set_error_function(cfg, on_error);
	result = cfg_parse_buf(cfg, text);
	cfg_free(cfg);
	return result == CFG_SUCCESS;
}

static void reset(struct parse *p, struct owned *owned, const char *path, struct buf *errors)
{
	arena_reset(&owned->arena);
	buf_clear(errors);
	owned->settings = (struct settings){ 0 };
	option_defaults(&owned->settings, &owned->arena);
	p->parsed = (struct parsed){ .settings = &owned->settings,
		.arena = &owned->arena,
		.mistakes = { .path = path, .lines = errors } };
	p->section = (struct section){ 0 };
	p->unknown_found = false;
}

/* Run until no new unknown name turns up; then all of them are complained about in one run. */
static bool run_all(
	struct parse *p, struct str text, struct owned *owned, const char *path, struct buf *errors)
{
	struct buf clean = BUF(TEXT_MAX);
	bool whole = false;

	do {
		reset(p, owned, path, errors);
		buf_clear(&clean);
		if (!settings_clean(text, &p->parsed.mistakes, &clean) || !buf_add_char(&clean, 0))
			break;
		whole = run(clean.at);
	} while (p->unknown_found);
	if (whole)
		check_whole(&p->parsed);
	else if (!p->parsed.mistakes.n)
		mistake(&p->parsed.mistakes, 0, "out of memory; more of it would be right");
	buf_free(&clean);
	return p->parsed.mistakes.n == 0;
}

struct settings *settings_parse(struct str text, const char *path, struct buf *errors)
{
	struct owned *owned = must_alloc(sizeof(*owned));
	struct settings *settings = &owned->settings;
	struct parse parse = { .unknown_n = 0 };

	owned->arena = ARENA(ARENA_MAX);
	under_way = &parse;
	if (!run_all(&parse, text, owned, path, errors))
		settings_free(&settings);
	under_way = NULL;
	for (size_t i = 0; i < parse.unknown_n; i++)
		free(parse.unknown[i]);
	return settings;
}

void settings_free(struct settings **settings)
{
	struct owned *owned = (struct owned *)*settings;

	if (owned) {
		arena_free(&owned->arena);
		free(owned);
	}
	*settings = NULL;
}
