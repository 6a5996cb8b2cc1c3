/* SPDX-License-Identifier: ISC
 *
 * status.c - the command `siegel status`: what siegeld says of its roles, the store of its figures,
 * and delivery of its resolver. Exit 0 only if every role is ready, both answer, and the resolver
 * has not failed its self-test.
 */
#include "base/fd.h"
#include "base/must.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { STATUS_MAX = 1024 * 1024 };

static int connect_to(struct str path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	scoped(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int connected;

	if (path.len >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to.sun_path, path.at, path.len);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -1;
	connected = fd;
	fd = -1;
	return connected;
}

/* siegeld's own words; NULL and why. */
static json_t *ask_siegeld(struct ctl *ctl, struct why *why)
{
	scoped(buf_free) struct buf path = BUF(4096), text = BUF(STATUS_MAX);
	scoped(fd_close) int fd = -1;
	json_error_t error;
	json_t *value;

	must(buf_printf(&path, "%.*s/run/siegeld.sock", STR_ARG(ctl->settings->state_directory)));
	fd = connect_to(buf_str(&path));
	if (fd < 0 || !fd_read_all(fd, &text)) {
		why_errno(why, "%.*s", STR_ARG(buf_str(&path)));
		return NULL;
	}
	value = json_loadb(text.at ? text.at : "", text.len, 0, &error);
	if (!value)
		why_not(why, "siegeld's answer can't be read: %s", error.text);
	return value;
}

static bool ask_store(struct ctl *ctl, struct status_answer *answer, struct why *why)
{
	struct empty ask = { 0 };

	return ctl_connect(ctl, why) && call_store_status(ctl->store, &ask, -1, &ctl->arena, answer,
						NULL, deadline_in(CALL_MS), why);
}

/* What delivery says of its resolver; empty where it doesn't answer. */
static struct str ask_resolver(struct ctl *ctl)
{
	struct health_answer answer;
	struct empty ask = { 0 };
	struct why why;

	if (!ctl_connect_delivery(ctl, &why) ||
		!call_health(ctl->delivery, &ask, -1, &ctl->arena, &answer, NULL,
			deadline_in(CALL_MS), &why)) {
		buf_printf(&ctl->err, "siegel: delivery does not answer: %s\n", why.text);
		return STR("");
	}
	return answer.outcome == LOOK_DONE ? answer.resolver : STR("unknown");
}

static bool is_unhealthy(struct str resolver)
{
	return str_eq(resolver, STR("unhealthy"));
}

static void print_resolver(struct ctl *ctl, struct str resolver)
{
	buf_add(&ctl->out, STR("\nDNS resolver: "));
	add_visible(&ctl->out, resolver);
	buf_add_char(&ctl->out, '\n');
	if (is_unhealthy(resolver))
		buf_add(&ctl->out,
			STR("DNSSEC validation does not work: wrong clock, old trust anchor, or a "
			    "name server that strips signatures. Mail waits until it does.\n"));
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void print_roles(struct ctl *ctl, json_t *siegeld)
{
	struct columns columns;
	json_t *role;
	size_t i;

	buf_printf(&ctl->out, "siegeld: process %lld, %s\n\n",
		(long long)json_integer_value(json_object_get(siegeld, "pid")),
		json_is_true(json_object_get(siegeld, "ready")) ? "ready" : "not ready");
	columns_begin(&columns, "ROLE|STATE|PROCESS|SINCE|RESTARTS|CONFINEMENT");
	json_array_foreach(json_object_get(siegeld, "roles"), i, role)
	{
		bool ready = json_is_true(json_object_get(role, "ready"));

		columns_add(&columns, str_of(text_of(role, "name")));
		columns_add(&columns, ready ? STR("ready") : STR("not ready"));
		columns_printf(&columns, "%lld",
			(long long)json_integer_value(json_object_get(role, "pid")));
		columns_add(&columns,
			str_of(ready ? text_of(role, "up_since") : text_of(role, "last_exit")));
		columns_printf(&columns, "%lld",
			(long long)json_integer_value(json_object_get(role, "restarts")));
		columns_add(&columns, str_of(text_of(role, "confinement")));
	}
	columns_end(&columns, "", &ctl->out);
}

/* The figures that are no plain number. */
static const struct {
	const char *name;
	enum { FIGURE_TIME, FIGURE_SIZE } kind;
} figure_kinds[] = {
	{ "started", FIGURE_TIME },
	{ "disk_free", FIGURE_SIZE },
	{ "disk_reserve", FIGURE_SIZE },
	{ "database_size", FIGURE_SIZE },
};

void add_figure(struct buf *to, struct str name, uint64_t value)
{
	size_t i = 0;

	while (i < count_of(figure_kinds) && !str_eq(name, str_of(figure_kinds[i].name)))
		i++;
	if (i == count_of(figure_kinds))
		buf_add_u64(to, value);
	else if (figure_kinds[i].kind == FIGURE_SIZE)
		add_size(to, value);
	else
		clock_add_iso8601(to, (int64_t)value);
}

static void print_figures(struct ctl *ctl, const struct status_answer *answer)
{
	struct columns columns;

	buf_add_char(&ctl->out, '\n');
	columns_begin(&columns, "FIGURE|VALUE");
	for (size_t i = 0; i < answer->figures.len; i++) {
		scoped(buf_free) struct buf value = BUF(64);

		add_figure(&value, answer->figures.at[i].name, answer->figures.at[i].value);
		columns_add(&columns, answer->figures.at[i].name);
		columns_add(&columns, buf_str(&value));
	}
	columns_end(&columns, "", &ctl->out);
}

static void add_figures(json_t *to, const struct status_answer *answer)
{
	scoped(buf_free) struct buf name = BUF(256);
	json_t *figures = json_object();

	for (size_t i = 0; i < answer->figures.len; i++) {
		buf_clear(&name);
		add_visible(&name, answer->figures.at[i].name);
		must(buf_add_char(&name, '\0'));
		json_object_set_new(
			figures, name.at, json_integer((json_int_t)answer->figures.at[i].value));
	}
	json_object_set_new(to, "figures", figures);
}

enum exit_status run_status(struct ctl *ctl)
{
	struct status_answer figures = { 0 };
	struct why why;
	struct str resolver;
	json_t *siegeld;
	bool ready, answers;

	if (!ctl_settings(ctl))
		return EXIT_USAGE;
	siegeld = ask_siegeld(ctl, &why);
	if (!siegeld)
		return ctl_unreachable(ctl, &why);
	answers = ask_store(ctl, &figures, &why);
	resolver = ask_resolver(ctl);
	ready = json_is_true(json_object_get(siegeld, "ready"));
	if (!answers)
		buf_printf(&ctl->err, "siegel: the store does not answer: %s\n", why.text);
	if (ctl->request.json) {
		add_figures(siegeld, &figures);
		json_object_set_new(
			siegeld, "resolver", json_text(resolver.len ? resolver : STR("unknown")));
		ctl_json(ctl, siegeld);
	} else {
		print_roles(ctl, siegeld);
		if (resolver.len)
			print_resolver(ctl, resolver);
		if (answers)
			print_figures(ctl, &figures);
		json_decref(siegeld);
	}
	bool good = ready && answers && resolver.len && !is_unhealthy(resolver);
	return good ? EXIT_DONE : EXIT_NEGATIVE;
}
