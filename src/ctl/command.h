/* SPDX-License-Identifier: ISC
 *
 * command.h - the command line: from words to a request, and the help made from the same table.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "base/buf.h"
#include "ctl/commands.def"

enum takes {
	TAKES_NOTHING = 0,
	TAKES_LANGUAGE = 1,
	TAKES_PASSWORD = 2,
	TAKES_LIMIT = 4,
	TAKES_SINCE = 8,
	TAKES_KEY = 16,
	TAKES_LEVEL = 64,
	TAKES_FRESH = 128,
	TAKES_FACTS = 256,
	TAKES_ENTRY = 512,
	TAKES_TERMS = 1024,
	TAKES_CONSENT = 2048,
};

#define EXIT_ENUM(name, number, meaning) EXIT_##name = number,
enum exit_status { EXITS(EXIT_ENUM) };
#undef EXIT_ENUM

enum { ARGUMENTS_MAX = 2 };

struct ctl;

struct command {
	const char *words;     /* "user add" */
	const char *arguments; /* "ADDRESS" */
	size_t least, most;
	unsigned takes;
	const char *help;
	const char *examples[2];
	enum exit_status (*run)(struct ctl *ctl);
};

extern const struct command commands[];
extern const size_t commands_n;

struct request {
	const struct command *command; /* NULL with help: the help of a group, or of all */
	const char *group;	       /* the first word of several commands, or NULL */
	const char *arguments[ARGUMENTS_MAX];
	size_t n;
	/* A flag without an argument points to its own name when it is given. */
	const char *file, *json, *help, *language, *password_stdin, *hash, *limit;
	const char *level, *fresh, *facts;
	const char *since, *key;
	const char *certificate, *authority, *names, *expires, *note, *yes, *force;
};

/* Read the command line. False: *error says what is wrong and what would be right. */
bool request_parse(int argc, char **argv, struct request *request, struct buf *error) must_use;
/* The help that was asked for. */
void command_help(const struct request *request, struct buf *to);
/* All flags and commands, and the exit statuses, as lists of siegel(1), in mdoc(7). */
void command_manual(struct buf *to);
void command_manual_exits(struct buf *to);

#endif
