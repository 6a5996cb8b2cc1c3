/* SPDX-License-Identifier: ISC
 *
 * command.c - reading the command line of siegel(1) and explaining it. Pure.
 */
#include "ctl/command.h"
#include "ctl/ctl.h"
#include <string.h>

#define COMMAND_ROW(function, words, arguments, least, most, takes, help, one, two) \
	{ words, arguments, least, most, takes, help, { one, two }, run_##function },
const struct command commands[] = { COMMANDS(COMMAND_ROW) };
const size_t commands_n = count_of(commands);

struct flag {
	const char *name;
	char letter;
	const char *argument;
	unsigned takes;
	size_t field; /* in struct request */
	const char *help;
};

#define FLAG_ROW(name, letter, argument, takes, field, help) \
	{ name, letter, argument, takes, offsetof(struct request, field), help },
static const struct flag flags[] = { FLAGS(FLAG_ROW) };

static const struct {
	int status;
	const char *meaning;
} exits[] = {
#define EXIT_ROW(name, number, meaning) { number, meaning },
	EXITS(EXIT_ROW)
};

static bool wrong(struct buf *error, const char *what, const char *word, const char *right)
{
	buf_printf(error, "siegel: %s%s%s; %s\n", what, *word ? " " : "", word, right);
	return false;
}

/* "--name", "--name=value", "-f"; -c is taken for -f, which other servers call it. */
static const struct flag *flag_of(const char *word, const char **value)
{
	const char *equals = strchr(word, '=');
	struct str name = str_of(word + 2);

	*value = NULL;
	if (word[1] != '-') {
		for (size_t i = 0; i < count_of(flags); i++)
			if (flags[i].letter &&
				flags[i].letter == (word[1] == 'c' ? 'f' : word[1]) && !word[2])
				return &flags[i];
		return NULL;
	}
	if (equals) {
		name.len = (size_t)(equals - word) - 2;
		*value = equals + 1;
	}
	for (size_t i = 0; i < count_of(flags); i++)
		if (str_eq(name, str_of(flags[i].name)))
			return &flags[i];
	return NULL;
}

static bool is_given(const struct request *request, const struct flag *flag)
{
	return *(const char *const *)((const char *)request + flag->field);
}

/* What is left of `words` when the command line's first words are taken away from its front. */
static bool begins_with(const char *words, const char *first, const char *second)
{
	size_t n = strlen(first);

	if (strncmp(words, first, n) != 0)
		return false;
	return words[n] ? words[n] == ' ' && second && !strcmp(words + n + 1, second) : true;
}

static const struct command *command_of(const char *first, const char *second)
{
	for (size_t i = 0; i < commands_n; i++)
		if (begins_with(commands[i].words, first, second))
			return &commands[i];
	return NULL;
}

static bool is_in_group(const struct command *command, const char *group)
{
	size_t n = strlen(group);

	return !strncmp(command->words, group, n) && command->words[n] == ' ';
}

static bool is_group(const char *word)
{
	for (size_t i = 0; i < commands_n; i++)
		if (is_in_group(&commands[i], word))
			return true;
	return false;
}

/* The commands that begin with this word, for "user WHAT?". */
static bool name_choices(struct buf *error, const char *group)
{
	const char *between = "";

	buf_printf(error, "siegel: %s what; ", group);
	for (size_t i = 0; i < commands_n; i++) {
		if (!is_in_group(&commands[i], group))
			continue;
		buf_printf(error, "%s%s", between, commands[i].words + strlen(group) + 1);
		between = ", ";
	}
	buf_add(error, STR(" would be right\n"));
	return false;
}

/* The first word of each command, once. */
static bool short_usage(struct buf *error)
{
	struct str before = STR("");

	buf_add(error, STR("usage: siegel [-f FILE] [--json] "));
	for (size_t i = 0; i < commands_n; i++) {
		struct str word = str_head(
			str_of(commands[i].words), str_find(str_of(commands[i].words), ' '));

		if (!str_eq(word, before))
			buf_printf(error, "%s%.*s", i ? "|" : "", STR_ARG(word));
		before = word;
	}
	buf_add(error, STR(" ...\nsiegel --help tells more.\n"));
	return false;
}

static bool usage_of(struct buf *error, const struct command *command)
{
	buf_printf(error, "usage: siegel %s%s%s\n", command->words,
		command->arguments[0] ? " " : "", command->arguments);
	return false;
}

/* The words of the command line that are no flags. */
struct words {
	const char *at[ARGUMENTS_MAX + 3];
	size_t n;
};

static bool take_flag(struct request *request, int argc, char **argv, int *i, struct buf *error)
{
	const char *value;
	const struct flag *flag = flag_of(argv[*i], &value);

	if (!flag)
		return wrong(error, "no option", argv[*i], "siegel --help lists them");
	if (!flag->argument && value)
		return wrong(error, "no value belongs to", argv[*i], "leave it away");
	if (flag->argument && !value && *i + 1 == argc)
		return wrong(error, "nothing follows", argv[*i], flag->argument);
	if (flag->argument && !value)
		value = argv[++*i];
	*(const char **)((char *)request + flag->field) = flag->argument ? value : flag->name;
	return true;
}

static bool take_words(struct request *request, const struct words *words, struct buf *error)
{
	const char *first = words->n ? words->at[0] : NULL;
	const char *second = words->n > 1 ? words->at[1] : NULL;
	size_t used;

	if (!first)
		return request->help || short_usage(error);
	request->command = command_of(first, second);
	if (!request->command && !is_group(first))
		return wrong(error, "no command", first, "siegel --help lists them");
	if (!request->command) {
		request->group = first;
		return request->help || name_choices(error, first);
	}
	used = strchr(request->command->words, ' ') ? 2 : 1;
	request->n = words->n - used;
	if (!request->help &&
		(request->n < request->command->least || request->n > request->command->most))
		return usage_of(error, request->command);
	for (size_t i = 0; i < request->n && i < ARGUMENTS_MAX; i++) {
		request->arguments[i] = words->at[used + i];
		/* To the store an empty id means all: "$ID" in a script is not to drop the queue. */
		if (!*request->arguments[i])
			return wrong(error, request->command->words, "", "an argument is empty");
	}
	return true;
}

static bool flags_fit(const struct request *request, struct buf *error)
{
	for (size_t i = 0; request->command && i < count_of(flags); i++)
		if (flags[i].takes && is_given(request, &flags[i]) &&
			!(flags[i].takes & request->command->takes))
			return wrong(error, request->command->words, "", "it takes no such option");
	return true;
}

bool request_parse(int argc, char **argv, struct request *request, struct buf *error)
{
	struct words words = { .n = 0 };
	bool only_words = false;

	*request = (struct request){ .file = NULL };
	for (int i = 1; i < argc; i++) {
		if (!only_words && !strcmp(argv[i], "--")) {
			only_words = true;
		} else if (!only_words && argv[i][0] == '-' && argv[i][1]) {
			if (!take_flag(request, argc, argv, &i, error))
				return false;
		} else if (words.n == count_of(words.at)) {
			return wrong(error, "too many words from", argv[i], "siegel --help");
		} else if (words.n || strcmp(argv[i], "help")) {
			words.at[words.n++] = argv[i];
		} else {
			request->help = "help";
		}
	}
	return take_words(request, &words, error) && flags_fit(request, error);
}

/* Words filled into lines of at most 78 columns behind an indentation. */
static void add_filled(struct buf *to, const char *indent, struct str text)
{
	size_t column = 0;

	while (text.len) {
		struct str word = str_cut(&text, ' ');

		if (!column || column + 1 + word.len > 78) {
			buf_printf(to, "%s%s", column ? "\n" : "", indent);
			column = strlen(indent);
		} else {
			buf_add_char(to, ' ');
			column++;
		}
		buf_add(to, word);
		column += word.len;
	}
	buf_add_char(to, '\n');
}

static void add_flags(struct buf *to, unsigned takes, bool common)
{
	for (size_t i = 0; i < count_of(flags); i++) {
		const struct flag *f = &flags[i];

		if (common ? f->takes != 0 : !(f->takes & takes))
			continue;
		if (f->letter)
			buf_printf(to, "  -%c, --%s", f->letter, f->name);
		else
			buf_printf(to, "  --%s", f->name);
		buf_printf(to, "%s%s\n", f->argument ? " " : "", f->argument ? f->argument : "");
		add_filled(to, "      ", str_of(f->help));
	}
}

static void add_one(const struct command *c, struct buf *to)
{
	buf_printf(to, "siegel %s%s%s\n", c->words, c->arguments[0] ? " " : "", c->arguments);
	add_filled(to, "    ", str_of(c->help));
	if (c->takes) {
		buf_add(to, STR("\nOptions:\n"));
		add_flags(to, c->takes, false);
	}
	buf_add(to, STR("\nExamples:\n"));
	for (size_t i = 0; i < 2 && c->examples[i]; i++)
		buf_printf(to, "    %s\n", c->examples[i]);
}

/* All commands, or those of a group, each with its first sentence. */
static void add_list(const char *group, struct buf *to)
{
	buf_add(to, STR("\nCommands:\n"));
	for (size_t i = 0; i < commands_n; i++) {
		struct str help = str_of(commands[i].help);

		if (group && !is_in_group(&commands[i], group))
			continue;
		buf_printf(to, "  %s%s%s\n", commands[i].words, commands[i].arguments[0] ? " " : "",
			commands[i].arguments);
		add_filled(to, "      ", str_head(help, str_find(help, '.') + 1));
	}
	buf_add(to, STR("\nOptions of every command:\n"));
	add_flags(to, 0, true);
}

void command_help(const struct request *request, struct buf *to)
{
	if (request->command) {
		add_one(request->command, to);
		return;
	}
	if (request->group) {
		buf_printf(to, "usage: siegel [-f FILE] [--json] %s COMMAND ...\n", request->group);
		add_list(request->group, to);
		buf_printf(to, "\n`siegel %s COMMAND --help` tells more.\n", request->group);
		return;
	}
	buf_add(to, STR("usage: siegel [-f FILE] [--json] COMMAND ...\n"));
	add_list(NULL, to);
	buf_add(to, STR("\nExamples:\n    siegel user add ada@example.org\n"
			"    siegel alias on ada@example.org\n    siegel queue list\n"
			"\n`siegel COMMAND --help` tells more; so does siegel(1).\n"));
}

/* In mdoc(7) a backslash begins an escape, and each sentence has a line of its own. What is to
 * be typed has its hyphens and quotes protected. */
static void add_mdoc(struct buf *to, const char *text, bool typed)
{
	for (size_t i = 0; text[i]; i++) {
		if (text[i] == '\\')
			buf_add(to, STR("\\e"));
		else if (text[i] == '\'' && typed)
			buf_add(to, STR("\\(aq"));
		else if (text[i] == '-' && typed)
			buf_add(to, STR("\\-"));
		else if (text[i] == ' ' && i && text[i - 1] == '.' && !typed)
			buf_add_char(to, '\n');
		else
			buf_add_char(to, text[i]);
	}
}

static void add_mdoc_flags(struct buf *to, unsigned takes, bool common)
{
	for (size_t i = 0; i < count_of(flags); i++) {
		const struct flag *f = &flags[i];

		if (common ? f->takes != 0 : !(f->takes & takes))
			continue;
		buf_add(to, STR(".It "));
		if (f->letter)
			buf_printf(to, "Fl %c , ", f->letter);
		buf_printf(to, "Fl Fl %s", f->name);
		if (f->argument)
			buf_printf(to, " Ar %s", f->argument);
		buf_add_char(to, '\n');
		add_mdoc(to, f->help, false);
		buf_add_char(to, '\n');
	}
}

static void add_mdoc_command(struct buf *to, const struct command *c)
{
	buf_printf(to, ".It Ic %s%s%s\n", c->words, c->arguments[0] ? " Ar " : "", c->arguments);
	add_mdoc(to, c->help, false);
	buf_add_char(to, '\n');
	if (c->takes) {
		buf_add(to, STR(".Bl -tag -width Ds\n"));
		add_mdoc_flags(to, c->takes, false);
		buf_add(to, STR(".El\n"));
	}
	for (size_t i = 0; i < 2 && c->examples[i]; i++) {
		buf_add(to, STR(".Dl "));
		add_mdoc(to, c->examples[i], true);
		buf_add_char(to, '\n');
	}
}

void command_manual(struct buf *to)
{
	buf_add(to, STR("The options of every command:\n.Bl -tag -width Ds\n"));
	add_mdoc_flags(to, 0, true);
	buf_add(to, STR(".El\n.Pp\nThe commands:\n.Bl -tag -width Ds\n"));
	for (size_t i = 0; i < commands_n; i++)
		add_mdoc_command(to, &commands[i]);
	buf_add(to, STR(".El\n"));
}

void command_manual_exits(struct buf *to)
{
	buf_add(to, STR(".Bl -tag -width Ds\n"));
	for (size_t i = 0; i < count_of(exits); i++)
		buf_printf(to, ".It %d\n%s\n", exits[i].status, exits[i].meaning);
	buf_add(to, STR(".El\n"));
}
