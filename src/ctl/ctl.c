/* SPDX-License-Identifier: ISC
 *
 * ctl.c - what the commands of siegel(1) share: the configuration, the way to the store, answers in
 * the negative, JSON.
 */
#include "ctl/ctl.h"
#include "base/fd.h"
#include "base/must.h"
#include "ctl/alone.h"
#include "ctl/columns.h"
#include "mail/reason.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIGURATION_MAX = 1024 * 1024 };

const char *ctl_file(const struct ctl *ctl)
{
	return ctl->request.file ? ctl->request.file : "/etc/siegel/siegel.conf";
}

void ctl_free(struct ctl *ctl)
{
	settings_free(&ctl->settings);
	client_free(&ctl->store);
	client_free(&ctl->delivery);
	alone_end(&ctl->alone);
	arena_free(&ctl->arena);
	buf_free(&ctl->out);
	buf_free(&ctl->err);
}

static bool read_file(const char *path, struct buf *to)
{
	scoped(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && fd_read_all(fd, to);
}

bool ctl_settings(struct ctl *ctl)
{
	scoped(buf_free) struct buf text = BUF(CONFIGURATION_MAX);
	const char *path = ctl_file(ctl);

	if (ctl->settings)
		return true;
	if (!read_file(path, &text)) {
		ctl->unreadable = true;
		buf_printf(&ctl->err,
			"siegel: %s: %s; the path of a readable configuration behind -f would "
			"be right\n",
			path, strerrordesc_np(errno));
		return false;
	}
	ctl->settings = settings_parse(buf_str(&text), path, &ctl->err);
	return ctl->settings;
}

static struct client *client_of(struct ctl *ctl, enum role role, struct why *why)
{
	scoped(buf_free) struct buf path = BUF(4096);

	must(buf_printf(&path, "%.*s/run/%s.sock", STR_ARG(ctl->settings->state_directory),
		     role_name(role)) &&
		buf_add_char(&path, '\0'));
	return client_at(role, path.at, why);
}

bool ctl_connect(struct ctl *ctl, struct why *why)
{
	ctl->store = client_of(ctl, ROLE_STORE, why);
	return ctl->store;
}

bool ctl_connect_delivery(struct ctl *ctl, struct why *why)
{
	ctl->delivery = client_of(ctl, ROLE_DELIVERY, why);
	return ctl->delivery;
}

enum exit_status ctl_store(struct ctl *ctl)
{
	struct why why;

	if (ctl->store)
		return EXIT_DONE;
	if (!ctl_settings(ctl))
		return EXIT_USAGE;
	return ctl_connect(ctl, &why) ? EXIT_DONE : ctl_unreachable(ctl, &why);
}

enum exit_status ctl_delivery(struct ctl *ctl)
{
	struct why why;

	if (ctl->delivery)
		return EXIT_DONE;
	if (!ctl_settings(ctl))
		return EXIT_USAGE;
	if (!ctl_connect_delivery(ctl, &why))
		ctl->delivery = alone_start(&ctl->alone, ctl_file(ctl), ctl->settings, &why);
	if (ctl->delivery)
		return EXIT_DONE;
	buf_printf(&ctl->err, "siegel: %s\n", why.text);
	return EXIT_FAULT;
}

enum exit_status ctl_looked(struct ctl *ctl, uint64_t outcome)
{
	if (outcome == LOOK_DONE)
		return EXIT_DONE;
	buf_add(&ctl->err,
		outcome == LOOK_BUSY
			? STR("siegel: delivery is looking at too much already; ask again\n")
			: STR("siegel: delivery takes that for no domain\n"));
	return EXIT_UNREACHABLE;
}

enum exit_status ctl_unreachable(struct ctl *ctl, const struct why *why)
{
	buf_printf(&ctl->err,
		"siegel: %s; siegeld has to run with this configuration, and only root and its own "
		"user may ask it\n",
		why->text);
	return EXIT_UNREACHABLE;
}

enum exit_status ctl_refused(struct ctl *ctl, uint64_t outcome, struct str text)
{
	static const char *const texts[] = {
		[CTL_OK] = "done",
		[CTL_NOT_FOUND] = "there is no such account or message",
		[CTL_EXISTS] = "there is one of that name already",
		[CTL_INVALID] = "that is not possible",
	};

	buf_add(&ctl->err, STR("siegel: "));
	if (text.len)
		add_visible(&ctl->err, text);
	else
		buf_add(&ctl->err, str_of(outcome < count_of(texts) ? texts[outcome] : "no"));
	buf_add_char(&ctl->err, '\n');
	return EXIT_NEGATIVE;
}

/* What jansson leaves as it is moves a terminal's cursor too: U+007F, and U+0080 to U+009F, which
 * are C2 80 to C2 9F. They stand inside strings alone. */
static void add_json(struct buf *to, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
		bool two = c == 0xc2 && next >= 0x80 && next < 0xa0;

		if (two || c == 0x7f)
			buf_printf(to, "\\u%04x", (unsigned)(two ? next : c));
		else
			buf_add_char(to, *text);
		text += two;
	}
}

enum exit_status ctl_json(struct ctl *ctl, json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2));

	must(text);
	add_json(&ctl->out, text);
	buf_add_char(&ctl->out, '\n');
	free(text);
	json_decref(value);
	return EXIT_DONE;
}

const char *numbered_word(const char *const *words, size_t n, uint64_t number)
{
	return number < n && words[number] ? words[number] : "?";
}

const char *reason_word(uint64_t reason)
{
	return reason_is_known((uint32_t)reason) ? reason_id((enum reason)reason) : "?";
}

json_t *json_text(struct str text)
{
	scoped(buf_free) struct buf replaced = BUF(FRAME_MAX);
	json_t *value = json_stringn(text.at ? text.at : "", text.len);

	if (value)
		return value;
	for (size_t i = 0; i < text.len; i++)
		buf_add_char(&replaced, (unsigned char)text.at[i] < 0x80 ? text.at[i] : '?');
	value = json_stringn(replaced.at, replaced.len);
	must(value);
	return value;
}

json_t *json_time(uint64_t wall_ms)
{
	scoped(buf_free) struct buf text = BUF(64);

	if (!wall_ms || !clock_add_iso8601(&text, (int64_t)wall_ms))
		return json_null();
	return json_text(buf_str(&text));
}
