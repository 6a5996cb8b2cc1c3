/* SPDX-License-Identifier: ISC
 *
 * log.h - one event per line on stderr: `time=... role=smtpd event=accepted mail=19c0 size=812`.
 * Values are escaped here, so that no caller can forget: a value with anything but plain
 * visible ASCII is quoted, and control bytes, quotes and backslashes appear as \xx.
 *
 *	LOG(LOG_INFO, "accepted", log_str("mail", id), log_u64("size", size));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ALARM };

struct log_field {
	const char *name;
	struct str text;
	uint64_t number;
	enum { LOG_TEXT, LOG_NUMBER, LOG_HEX } kind;
};

static inline struct log_field log_str(const char *name, struct str text)
{
	return (struct log_field){ .name = name, .text = text, .kind = LOG_TEXT };
}

static inline struct log_field log_text(const char *name, const char *text)
{
	return log_str(name, str_of(text));
}

static inline struct log_field log_u64(const char *name, uint64_t number)
{
	return (struct log_field){ .name = name, .number = number, .kind = LOG_NUMBER };
}

static inline struct log_field log_hex(const char *name, uint64_t number)
{
	return (struct log_field){ .name = name, .number = number, .kind = LOG_HEX };
}

#define LOG(level, event, ...)                                             \
	log_event(level, event, (const struct log_field[]){ __VA_ARGS__ }, \
		sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

/* Name this process in every line; called once, before threads. Lines below `least` are dropped. */
void log_open(const char *role, enum log_level least);
/* "debug", "info", "warning" or "alarm"; false leaves *level alone. */
bool log_level_of(struct str name, enum log_level *level) must_use;
/* Write one line with one write(2). Safe from any thread. At least one field. */
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n);

#endif
