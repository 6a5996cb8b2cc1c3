/* SPDX-License-Identifier: ISC
 *
 * password.c - the one place where a password is seen outside a login. Runs in siegel(1) on the
 * operator's terminal; only the hash goes to the store, and nothing is ever printed.
 */
#include "ctl/password.h"
#include "base/fd.h"
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

void password_wipe(struct buf *password)
{
	if (password->at)
		explicit_bzero(password->at, password->room);
	buf_free(password);
}

/* No password, and whoever typed it is told so. */
static enum exit_status unfit(struct why *why, const char *text)
{
	why_not(why, "%s", text);
	return EXIT_USAGE;
}

/* It can't be read at all. */
static enum exit_status unreadable(struct why *why, const char *what)
{
	why_errno(why, "%s", what);
	return EXIT_FAULT;
}

/* One line without its end, byte by byte: what follows belongs to somebody else. */
static enum exit_status read_line(int fd, struct buf *line, struct why *why)
{
	char c = 0;
	ssize_t n;

	/* The whole room at once: a buffer that grew would leave copies behind. */
	if (!buf_reserve(line, PASSWORD_MAX))
		return unreadable(why, "no room for a password");
	while ((n = read(fd, &c, 1)) == 1 && c != '\n') {
		if (line->len == PASSWORD_MAX)
			return unfit(why, "so long a line is no password");
		line->at[line->len++] = c;
	}
	if (n < 0)
		return unreadable(why, "can't read the password");
	if (line->len && line->at[line->len - 1] == '\r')
		line->len--;
	if (!line->len)
		return unfit(why, "an empty line is no password");
	if (memchr(line->at, 0, line->len))
		return unfit(why, "a NUL byte can't be in a password");
	return EXIT_DONE;
}

static enum exit_status ask(int terminal, const char *prompt, struct buf *line, struct why *why)
{
	struct termios before, silent;
	enum exit_status status;

	if (tcgetattr(terminal, &before) != 0)
		return unreadable(why, "can't ask on the terminal");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(terminal, TCSAFLUSH, &silent) != 0 || !fd_write_all(terminal, str_of(prompt)))
		status = unreadable(why, "can't ask on the terminal");
	else
		status = read_line(terminal, line, why);
	tcsetattr(terminal, TCSAFLUSH, &before);
	(void)!fd_write_all(terminal, STR("\n"));
	return status;
}

static enum exit_status ask_twice(const char *whose, struct buf *password, struct why *why)
{
	scoped(fd_close) int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	scoped(password_wipe) struct buf again = BUF(PASSWORD_MAX);
	enum exit_status status;
	char prompt[400];

	if (terminal < 0)
		return unreadable(why, "no terminal to ask on (see --password-stdin)");
	snprintf(prompt, sizeof(prompt), "New password of %s: ", whose);
	status = ask(terminal, prompt, password, why);
	if (status == EXIT_DONE)
		status = ask(terminal, "Again: ", &again, why);
	if (status == EXIT_DONE && !str_eq(buf_str(password), buf_str(&again)))
		status = unfit(why, "the two are not the same");
	return status;
}

enum exit_status password_read(
	bool from_input, const char *whose, struct buf *password, struct why *why)
{
	if (from_input || !isatty(STDIN_FILENO))
		return read_line(STDIN_FILENO, password, why);
	return ask_twice(whose, password, why);
}

bool password_hash(struct str password, struct buf *to, struct why *why)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], text[PASSWORD_MAX + 1];
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *hash = NULL;
	bool good;

	if (!data || password.len > PASSWORD_MAX) {
		free(data);
		return why_not(why, "the password can't be hashed");
	}
	memcpy(text, password.at, password.len);
	text[password.len] = '\0';
	/* Random bytes NULL: from the system. Cost 0: libxcrypt's default. */
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)))
		hash = crypt_r(text, setting, data);
	good = hash && hash[0] == '$' && buf_add(to, str_of(hash));
	explicit_bzero(text, sizeof(text));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return good || why_not(why, "the password can't be hashed");
}

bool password_is_hash(struct str hash, struct why *why)
{
	char text[CRYPT_OUTPUT_SIZE];

	if (!hash.len || hash.len >= sizeof(text) || hash.at[0] != '$')
		return why_not(
			why, "no crypt(5) hash; one such as $y$... or $6$... would be right");
	memcpy(text, hash.at, hash.len);
	text[hash.len] = '\0';
	for (size_t i = 0; i < hash.len; i++)
		if (hash.at[i] <= ' ' || hash.at[i] >= 0x7f || hash.at[i] == ':')
			return why_not(
				why, "no crypt(5) hash; visible ASCII without ':' would be right");
	if (crypt_checksalt(text) == CRYPT_SALT_INVALID)
		return why_not(why, "this system can't check such a hash; see crypt(5)");
	return true;
}
