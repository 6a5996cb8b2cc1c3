/* SPDX-License-Identifier: ISC
 *
 * main.c - siegel, the operator's command line. It asks the store and siegeld over sockets that
 * only root and the server's own user may use, and changes nothing by itself.
 */
#include "base/fd.h"
#include "ctl/ctl.h"
#include <signal.h>
#include <unistd.h>

enum { TEXT_MAX = 256 * 1024 * 1024 };

int main(int argc, char **argv)
{
	struct ctl ctl = { .arena = ARENA(TEXT_MAX), .out = BUF(TEXT_MAX), .err = BUF(TEXT_MAX) };
	enum exit_status status = EXIT_DONE;

	signal(SIGPIPE, SIG_IGN);
	if (!request_parse(argc, argv, &ctl.request, &ctl.err))
		status = EXIT_USAGE;
	else if (ctl.request.help)
		command_help(&ctl.request, &ctl.out);
	else
		status = ctl.request.command->run(&ctl);
	if (!fd_write_all(STDOUT_FILENO, buf_str(&ctl.out)) && status == EXIT_DONE)
		status = EXIT_FAULT;
	if (!fd_write_all(STDERR_FILENO, buf_str(&ctl.err)) && status == EXIT_DONE)
		status = EXIT_FAULT;
	ctl_free(&ctl);
	return (int)status;
}
