/* SPDX-License-Identifier: ISC
 *
 * config.c - the commands `siegel config ...` and `siegel manual`. They ask no server.
 */
#include "ctl/ctl.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that the configuration names and siegeld will open. */
static bool file_is_there(struct ctl *ctl, const char *option, struct str path, bool directory)
{
	scoped(buf_free) struct buf name = BUF(4096);
	struct stat status;

	if (!path.len)
		return true;
	if (!buf_add(&name, path) || !buf_add_char(&name, '\0'))
		return false;
	if (stat(name.at, &status) != 0) {
		buf_printf(&ctl->err, "%s: %s: %s: %s; %s that is there would be right\n",
			ctl_file(ctl), option, name.at, strerrordesc_np(errno),
			directory ? "a directory" : "a file");
		return false;
	}
	if (directory ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode))
		return true;
	buf_printf(&ctl->err, "%s: %s: %s is none; a %s would be right\n", ctl_file(ctl), option,
		name.at, directory ? "directory" : "file");
	return false;
}

static bool files_are_there(struct ctl *ctl)
{
	const struct settings *s = ctl->settings;
	bool good = file_is_there(ctl, "state_directory", s->state_directory, true);

	for (size_t i = 0; i < s->certificate.len; i++)
		good = file_is_there(ctl, "certificate", s->certificate.at[i], false) && good;
	for (size_t i = 0; i < s->key.len; i++)
		good = file_is_there(ctl, "key", s->key.at[i], false) && good;
	good = file_is_there(ctl, "ca_file", s->ca_file, false) && good;
	return file_is_there(ctl, "trust_anchor_file", s->trust_anchor_file, false) && good;
}

static enum exit_status check_json(struct ctl *ctl, bool good)
{
	json_t *mistakes = json_array();
	struct str rest = buf_str(&ctl->err);

	while (rest.len)
		json_array_append_new(mistakes, json_text(str_cut(&rest, '\n')));
	buf_clear(&ctl->err);
	return ctl_json(ctl, json_pack("{s:s, s:b, s:o}", "file", ctl_file(ctl), "good", good,
				     "mistakes", mistakes));
}

/* The mistakes are the answer here, so that they go to the output. */
enum exit_status run_config_check(struct ctl *ctl)
{
	bool good = ctl_settings(ctl) && files_are_there(ctl);

	if (ctl->unreadable)
		return EXIT_USAGE;
	if (ctl->request.json) {
		check_json(ctl, good);
	} else if (good) {
		buf_printf(&ctl->out,
			"%s: good; %zu domain%s, %zu listener%s.\n"
			"Whether keys fit their certificates, siegeld --check says.\n",
			ctl_file(ctl), ctl->settings->domains.len,
			ctl->settings->domains.len == 1 ? "" : "s", ctl->settings->listeners.len,
			ctl->settings->listeners.len == 1 ? "" : "s");
	} else {
		buf_add(&ctl->out, buf_str(&ctl->err));
		buf_clear(&ctl->err);
	}
	return good ? EXIT_DONE : EXIT_NEGATIVE;
}

enum exit_status run_config_show(struct ctl *ctl)
{
	if (!ctl_settings(ctl))
		return EXIT_USAGE;
	settings_show(ctl->settings, &ctl->out);
	return EXIT_DONE;
}

enum exit_status run_config_example(struct ctl *ctl)
{
	settings_example(&ctl->out);
	return EXIT_DONE;
}

enum exit_status run_manual(struct ctl *ctl)
{
	static const struct {
		const char *name;
		void (*write)(struct buf *to);
	} parts[] = {
		{ "commands", command_manual },
		{ "exits", command_manual_exits },
		{ "options", settings_manual },
	};

	for (size_t i = 0; i < count_of(parts); i++) {
		if (!strcmp(ctl->request.arguments[0], parts[i].name)) {
			parts[i].write(&ctl->out);
			return EXIT_DONE;
		}
	}
	buf_printf(&ctl->err, "siegel: no part \"%s\"; commands, exits or options would be right\n",
		ctl->request.arguments[0]);
	return EXIT_USAGE;
}
