/* SPDX-License-Identifier: ISC
 *
 * show.c - the configuration written back in its own syntax: the effective one, the example file
 * with every option explained, and the options part of siegel.conf(5). Pure.
 */
#include "settings/check.h"
#include "settings/option.h"
#include "settings/value.h"

static void add_quoted(struct buf *to, struct str text)
{
	buf_add_char(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"' || text.at[i] == '\\')
			buf_add_char(to, '\\');
		buf_add_char(to, text.at[i]);
	}
	buf_add_char(to, '"');
}

static void add_texts(struct buf *to, const struct texts *list)
{
	buf_add(to, list->len ? STR("{ ") : STR("{ }"));
	for (size_t i = 0; i < list->len; i++) {
		add_quoted(to, list->at[i]);
		buf_add(to, i + 1 < list->len ? STR(", ") : STR(" }"));
	}
}

static void add_spans(struct buf *to, const struct spans *list)
{
	buf_add_char(to, '"');
	for (size_t i = 0; i < list->len; i++) {
		if (i)
			buf_add_char(to, ' ');
		value_add_span(to, (uint64_t)list->at[i]);
	}
	buf_add_char(to, '"');
}

static void add_value(struct buf *to, const struct option *option, const struct settings *s)
{
	const void *from = (const char *)s + option->offset;

	switch (option->kind) {
	case OPTION_TEXT:
		add_quoted(to, *(const struct str *)from);
		break;
	case OPTION_TEXTS:
		add_texts(to, from);
		break;
	case OPTION_COUNT:
		buf_add_u64(to, *(const uint64_t *)from);
		break;
	case OPTION_SIZE:
		value_add_size(to, *(const uint64_t *)from);
		break;
	case OPTION_SPAN:
		value_add_span(to, *(const uint64_t *)from);
		break;
	case OPTION_SPANS:
		add_spans(to, from);
		break;
	case OPTION_FLAG:
		buf_add(to, *(const bool *)from ? STR("true") : STR("false"));
		break;
	}
}

void settings_show(const struct settings *s, struct buf *to)
{
	for (size_t i = 0; i < OPTIONS_N; i++) {
		buf_printf(to, "%s = ", options[i].name);
		add_value(to, &options[i], s);
		buf_add_char(to, '\n');
	}
	for (size_t i = 0; i < s->domains.len; i++) {
		buf_printf(to, "domain \"%.*s\" {", STR_ARG(s->domains.at[i].name));
		if (s->domains.at[i].secure.len)
			buf_printf(to, " secure = \"%.*s\"", STR_ARG(s->domains.at[i].secure));
		buf_add(to, STR(" }\n"));
	}
	for (size_t i = 0; i < s->listeners.len; i++) {
		const struct listener_settings *l = &s->listeners.at[i];

		buf_printf(to,
			"listener \"%.*s\" {\n\tkind = %s\n\taddress = \"%.*s\"\n\tport = %u\n}\n",
			STR_ARG(l->name), listener_kinds[l->kind], STR_ARG(l->address), l->port);
	}
	for (size_t i = 0; i < s->destinations.len; i++)
		buf_printf(to, "destination \"%.*s\" { level = %s }\n",
			STR_ARG(s->destinations.at[i].name),
			level_name(s->destinations.at[i].level));
}

/* What has to be said by every operator stands in the example without a comment sign. */
static bool is_essential(const struct option *option)
{
	return str_eq(str_of(option->name), STR("host_name")) ||
	       str_eq(str_of(option->name), STR("certificate")) ||
	       str_eq(str_of(option->name), STR("key"));
}

static void add_range(struct buf *to, const struct option *option)
{
	if (option->kind == OPTION_COUNT) {
		buf_printf(to, " From %llu to %llu.", (unsigned long long)option->least,
			(unsigned long long)option->most);
	} else if (option->kind == OPTION_SIZE || option->kind == OPTION_SPAN) {
		void (*add)(struct buf *, uint64_t) =
			option->kind == OPTION_SIZE ? value_add_size : value_add_span;

		buf_add(to, STR(" From "));
		add(to, option->least);
		buf_add(to, STR(" to "));
		add(to, option->most);
		buf_add_char(to, '.');
	}
}

/* The default, where there is one to speak of, else a good value. */
static void add_sample(struct buf *to, const struct option *option, const struct settings *defaults)
{
	struct str example;

	if (option->kind != OPTION_TEXT && option->kind != OPTION_TEXTS) {
		add_value(to, option, defaults);
		return;
	}
	example = str_of(option_rule(option)->example);
	if (option->kind == OPTION_TEXTS)
		add_texts(to, &(struct texts){ &example, 1 });
	else if (option->text[0])
		add_quoted(to, str_of(option->text));
	else
		add_quoted(to, example);
}

static const char *sample_word(const struct option *option)
{
	if (option->kind == OPTION_TEXTS || (option->kind == OPTION_TEXT && !option->text[0]))
		return "For example";
	return "Default";
}

void settings_example(struct buf *to)
{
	struct arena arena = ARENA(65536);
	struct settings defaults = { 0 };

	option_defaults(&defaults, &arena);
	buf_add(to, STR("# Configuration of Siegel; see siegel.conf(5). Options that are commented "
			"out show\n"
			"# their default, or an example where there is none by default.\n"
			"# This file is the output of `siegel config example`.\n"));
	for (size_t i = 0; i < OPTIONS_N; i++) {
		buf_printf(to, "\n# %s", options[i].help);
		add_range(to, &options[i]);
		buf_printf(to, "\n%s%s = ", is_essential(&options[i]) ? "" : "#", options[i].name);
		add_sample(to, &options[i], &defaults);
		buf_add_char(to, '\n');
	}
	buf_add(to,
		STR("\n# Each domain we take mail for, and the domain of its secure aliases.\n"
		    "domain \"example.org\" { secure = \"secure.example.org\" }\n"
		    "\n# Where we listen. Kinds: mx, secure-mx (STARTTLS before anything else, for "
		    "secure\n"
		    "# domains alone), submission (STARTTLS), submissions (TLS from the start),\n"
		    "# web (the pages, HTTPS), web-plain (the pages without TLS, on a loopback "
		    "address).\n"
		    "listener \"mx\" {\n\tkind = mx\n\taddress = \"0.0.0.0\"\n\tport = 25\n}\n"
		    "listener \"submission\" {\n\tkind = submission\n\taddress = "
		    "\"0.0.0.0\"\n\tport = 587\n}\n"
		    "listener \"submissions\" {\n\tkind = submissions\n\taddress = "
		    "\"0.0.0.0\"\n\tport = 465\n}\n"
		    "listener \"web\" {\n\tkind = web\n\taddress = \"0.0.0.0\"\n\tport = 443\n}\n"
		    "\n# What mail to a domain must prove, whoever sends it: encrypt, secure, "
		    "dane-only or\n"
		    "# verify. \".example.net\" is everything below it, \"*\" every domain.\n"
		    "#destination \"example.net\" { level = secure }\n"));
	arena_free(&arena);
}

static bool is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* In mdoc(7) a backslash begins an escape, and each sentence has a line of its own. */
static void add_mdoc(struct buf *to, struct str text, bool sentences)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\\')
			buf_add(to, STR("\\e"));
		else if (text.at[i] == '"' && !sentences)
			buf_add(to, STR("\\(dq"));
		else if (sentences && str_starts(str_tail(text, i ? i - 1 : 0), STR(". ")) && i &&
			 i + 1 < text.len && is_capital(text.at[i + 1]))
			buf_add_char(to, '\n');
		else
			buf_add_char(to, text.at[i]);
	}
}

static void add_argument(struct buf *to, enum option_kind kind)
{
	static const char *const words[] = { "text", "list", "number", "size", "time", "times",
		"true|false" };

	buf_add(to, str_of(words[kind]));
}

void settings_manual(struct buf *to)
{
	struct arena arena = ARENA(65536);
	struct settings defaults = { 0 };
	struct buf sample = BUF(4096);

	option_defaults(&defaults, &arena);
	for (size_t i = 0; i < OPTIONS_N; i++) {
		buf_printf(to, ".It Ic %s No = Ar ", options[i].name);
		add_argument(to, options[i].kind);
		buf_add_char(to, '\n');
		add_mdoc(to, str_of(options[i].help), true);
		buf_add_char(to, '\n');
		if (options[i].kind == OPTION_COUNT || options[i].kind == OPTION_SIZE ||
			options[i].kind == OPTION_SPAN) {
			buf_clear(&sample);
			add_range(&sample, &options[i]);
			buf_printf(to, "%.*s\n", STR_ARG(str_tail(buf_str(&sample), 1)));
		}
		buf_clear(&sample);
		add_sample(&sample, &options[i], &defaults);
		buf_printf(to, "%s:\n.Li ", sample_word(&options[i]));
		add_mdoc(to, buf_str(&sample), false);
		buf_add_char(to, '\n');
	}
	buf_free(&sample);
	arena_free(&arena);
}
