/* SPDX-License-Identifier: ISC
 *
 * main.c - siegeld, the supervisor: check all, open ports and files, start the roles, keep them.
 * It never sees a byte from the network. Whatever is wrong with the configuration is said, all
 * of it, before anything starts.
 */
#include "base/fd.h"
#include "base/log.h"
#include "siegeld/supervise.h"
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] = "usage: siegeld [-f FILE] [--check]\n"
			    "  -f FILE   the configuration (default: /etc/siegel/siegel.conf)\n"
			    "  --check   read and check all, start nothing\n";

struct options {
	const char *path;
	bool check, help;
};

static bool read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = { { "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	int option;

	*options = (struct options){ .path = "/etc/siegel/siegel.conf" };
	while ((option = getopt_long(argc, argv, "f:c:h", known, NULL)) != -1) {
		if (option == 'f' || option == 'c') /* what other servers call it */
			options->path = optarg;
		else if (option == 'k')
			options->check = true;
		else if (option == 'h')
			options->help = true;
		else
			return false;
	}
	return optind == argc;
}

/* Room for each session, with a body in flight and a connection to the store for those that talk;
 * for each delivery the same and a connection kept for the next one; for each browser an upload; and
 * then some. */
static void raise_limits(struct crew *crew)
{
	const struct settings *s = crew->inputs->settings;
	struct rlimit limit;
	uint64_t wanted = s->sessions + 3 * s->session_threads + 4 * s->delivery_connections +
			  2 * s->web_connections + 2048;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (wanted > limit.rlim_max) {
		struct rlimit more = { wanted, wanted };
		if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
			LOG(LOG_WARNING, "few-descriptors", log_u64("wanted", wanted),
				log_u64("allowed", limit.rlim_max));
			wanted = limit.rlim_max;
		}
	}
	crew->descriptors = wanted;
}

static void say_who_we_are(const struct crew *crew)
{
	if (crew->state.is_root)
		LOG(LOG_INFO, "starting", log_text("as", "root; every role as a user of its own"));
	else
		LOG(LOG_WARNING, "starting",
			log_text("as", "an ordinary user; all roles run as that user, unchrooted"),
			log_u64("uid", getuid()));
}

static void open_log(const struct settings *settings)
{
	enum log_level least = LOG_INFO;

	if (log_level_of(settings->log_level, &least))
		log_open("siegeld", least);
}

static bool check_all(struct crew *crew, const char *path, struct buf *errors)
{
	crew->inputs = inputs_read(path, errors);
	if (!crew->inputs)
		return false;
	open_log(crew->inputs->settings);
	state_check(&crew->state, crew->inputs->settings, errors);
	child_find_programs(crew, errors);
	return errors->len == 0;
}

/* What only those can judge who use it: keys that don't fit, authorities, settings for DNS. */
static bool check_roles(struct crew *crew, struct buf *errors)
{
	static const enum role judges[] = { ROLE_SMTPD, ROLE_DELIVERY, ROLE_WEB };

	raise_limits(crew);
	for (size_t i = 0; i < count_of(judges); i++) {
		if (!child_check(crew, judges[i]))
			buf_printf(errors, "siegel-%s can't start with this; it says why above\n",
				role_name(judges[i]));
	}
	return errors->len == 0;
}

static bool open_all(struct crew *crew, struct buf *errors)
{
	raise_limits(crew);
	return state_open(&crew->state, crew->inputs->settings, errors) &&
	       ports_open(&crew->ports, crew->inputs->settings, errors);
}

static int complain(const struct buf *errors)
{
	struct str rest = buf_str(errors);

	while (rest.len) {
		struct str line = str_cut(&rest, '\n');
		fprintf(stderr, "siegeld: %.*s\n", STR_ARG(line));
	}
	return 1;
}

/* Nothing else may ever be opened as descriptor 0, 1 or 2. */
static void have_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	fd_close(&fd);
}

int main(int argc, char **argv)
{
	static struct crew crew;
	scoped(buf_free) struct buf errors = BUF(65536);
	struct options options;

	log_open("siegeld", LOG_INFO);
	have_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	if (!read_options(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	if (options.help) {
		fputs(usage, stdout);
		return 0;
	}
	if (!check_all(&crew, options.path, &errors))
		return complain(&errors);
	if (options.check) {
		if (!check_roles(&crew, &errors))
			return complain(&errors);
		printf("%s: all is well\n", options.path);
		return 0;
	}
	say_who_we_are(&crew);
	if (!open_all(&crew, &errors))
		return complain(&errors);
	int status = supervise(&crew);
	ports_unlink(crew.inputs->settings);
	return status;
}
