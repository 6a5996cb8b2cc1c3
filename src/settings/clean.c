/* SPDX-License-Identifier: ISC
 *
 * clean.c - goes over a configuration before libconfuse does, because its lexer expands
 * environment variables (siegeld's would leak into every role, and a "$" in a value would
 * change it), reads on into the next line where a quote is missing, and writes behind its buffer
 * for comments of some lengths. It knows quotes and comments and nothing else. Pure.
 */
#include "settings/clean.h"
#include <stdarg.h>
#include <stdio.h>

enum { MISTAKES_MAX = 100 };

struct cleaning {
	struct str rest;
	size_t line;
	struct buf *to;
	struct mistakes *mistakes;
	size_t open, opened; /* braces not closed yet, the line of the outermost one */
};

void mistake(struct mistakes *mistakes, size_t line, const char *format, ...)
{
	char text[600];
	va_list arguments;

	if (++mistakes->n > MISTAKES_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buf_printf(mistakes->lines, "%s:%zu: %s\n", mistakes->path, line ? line : 1, text);
}

static bool sees(const struct cleaning *c, struct str what)
{
	return str_starts(c->rest, what);
}

/* Copy one byte; control bytes never reach the lexer, which would silently drop them. */
static void copy(struct cleaning *c)
{
	char byte = c->rest.at[0];

	if (byte == '\n')
		c->line++;
	else if ((unsigned char)byte < ' ' && byte != '\t' && byte != '\r')
		mistake(c->mistakes, c->line, "a control character (%u); text would be right",
			(unsigned)(unsigned char)byte);
	buf_add_char(c->to, byte);
	c->rest = str_tail(c->rest, 1);
}

static void blank(struct cleaning *c)
{
	if (c->rest.at[0] == '\n')
		c->line++;
	buf_add_char(c->to, c->rest.at[0] == '\n' ? '\n' : ' ');
	c->rest = str_tail(c->rest, 1);
}

static void clean_line_comment(struct cleaning *c)
{
	while (c->rest.len && c->rest.at[0] != '\n')
		blank(c);
}

static void clean_block_comment(struct cleaning *c)
{
	size_t begin = c->line;

	blank(c);
	blank(c);
	while (c->rest.len && !sees(c, STR("*/")))
		blank(c);
	if (!c->rest.len) {
		mistake(c->mistakes, begin,
			"a comment that never ends; */ behind it would be right");
		return;
	}
	blank(c);
	blank(c);
}

static void clean_string(struct cleaning *c)
{
	char quote = c->rest.at[0];

	copy(c);
	while (c->rest.len && c->rest.at[0] != '\n' && c->rest.at[0] != quote) {
		if (quote == '"' && sees(c, STR("${")))
			buf_add_char(c->to, '\\');
		else if (c->rest.at[0] == '\\' && c->rest.len > 1 && c->rest.at[1] != '\n')
			copy(c);
		copy(c);
	}
	if (c->rest.len && c->rest.at[0] == quote)
		copy(c);
	else
		mistake(c->mistakes, c->line,
			"a text in quotes that doesn't end on its line; a %c behind it would be "
			"right",
			quote);
}

/* Outside quotes, where braces are counted: libconfuse takes the end of the file for the end of
 * a section. */
static void copy_bare(struct cleaning *c)
{
	if (c->rest.at[0] == '{' && c->open++ == 0)
		c->opened = c->line;
	else if (c->rest.at[0] == '}' && c->open)
		c->open--;
	copy(c);
}

bool settings_clean(struct str text, struct mistakes *mistakes, struct buf *to)
{
	struct cleaning c = { .rest = text, .line = 1, .to = to, .mistakes = mistakes };
	size_t before = mistakes->n;

	while (c.rest.len && mistakes->n == before) {
		if (sees(&c, STR("#")) || sees(&c, STR("//")))
			clean_line_comment(&c);
		else if (sees(&c, STR("/*")))
			clean_block_comment(&c);
		else if (sees(&c, STR("\"")) || sees(&c, STR("'")))
			clean_string(&c);
		else if (sees(&c, STR(";"))) /* to libconfuse a letter, to people a separator */
			blank(&c);
		else if (sees(&c, STR("${")))
			mistake(mistakes, c.line,
				"\"${\" outside quotes; the value itself would be right");
		else
			copy_bare(&c);
	}
	if (mistakes->n == before && c.open)
		mistake(mistakes, c.opened,
			"what this { begins never ends; a } behind it would be right");
	if (mistakes->n == before && to->overflowed)
		mistake(mistakes, 1, "the file is too big; less than %zu bytes would be right",
			to->max);
	return mistakes->n == before;
}
