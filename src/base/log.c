/* SPDX-License-Identifier: ISC
 *
 * log.c - the logger. Values come from anywhere, peers included; lines are built in a bounded
 * buffer and written at once, so that threads and roles never mix within a line.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include <unistd.h>

enum { LONGEST_LINE = 4096, LONGEST_VALUE = 512 };

static const char *log_role = "siegel";
static enum log_level log_least = LOG_INFO;

static const char *const level_names[] = { "debug", "info", "warning", "alarm" };

bool log_level_of(struct str name, enum log_level *level)
{
	for (size_t i = 0; i < count_of(level_names); i++) {
		if (str_eq(name, str_of(level_names[i]))) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_open(const char *role, enum log_level least)
{
	log_role = role;
	log_least = least;
}

static bool is_plain(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];
		if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=')
			return false;
	}
	return value.len > 0;
}

static void add_value(struct buf *line, struct str value)
{
	value = str_head(value, LONGEST_VALUE);
	if (is_plain(value)) {
		buf_add(line, value);
		return;
	}
	buf_add_char(line, '"');
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];
		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			buf_printf(line, "\\%02x", c);
		else
			buf_add_char(line, (char)c);
	}
	buf_add_char(line, '"');
}

static void add_field(struct buf *line, const struct log_field *field)
{
	buf_printf(line, " %s=", field->name);
	if (field->kind == LOG_TEXT)
		add_value(line, field->text);
	else
		buf_printf(
			line, field->kind == LOG_HEX ? "%lx" : "%lu", (unsigned long)field->number);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	if (level < log_least)
		return;
	scoped(buf_free) struct buf line = BUF(LONGEST_LINE);
	buf_add(&line, STR("time="));
	clock_add_iso8601(&line, clock_wall_ms());
	buf_printf(&line, " role=%s level=%s event=%s", log_role, level_names[level], event);
	for (size_t i = 0; i < n; i++)
		add_field(&line, &fields[i]);
	line.overflowed = false;
	line.max++;
	buf_add_char(&line, '\n');
	ssize_t written = write(STDERR_FILENO, line.at, line.len);
	(void)written;
}
