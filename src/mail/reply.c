/* SPDX-License-Identifier: ISC
 *
 * reply.c - remote replies, line by line. Runs in delivery; the peer is hostile, and what it says
 * is quoted in letters, so it is bounded here and sanitized where it is shown.
 */
#include "mail/reply.h"

#include <string.h>

void remote_reply_begin(struct remote_reply *reply)
{
	buf_free(&reply->said);
	*reply = (struct remote_reply){ .said = BUF(REPLY_SAID_MAX) };
}

void remote_reply_free(struct remote_reply *reply)
{
	buf_free(&reply->said);
}

/* Up to three digits without a leading zero (RFC 3463 2). */
static bool is_code_number(struct str s)
{
	if (s.len == 0 || s.len > 3 || (s.len > 1 && s.at[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.at[i]))
			return false;
	}
	return true;
}

bool enhanced_code_is_valid(struct str code)
{
	struct str detail = code, class = str_cut(&detail, '.'), subject = str_cut(&detail, '.');

	return class.len == 1 && (class.at[0] == '2' || class.at[0] == '4' || class.at[0] == '5') &&
	       is_code_number(subject) && is_code_number(detail);
}

/* Reply-code = %x32-35 %x30-35 %x30-39 (RFC 5321 4.2); other second digits are met, and harmless. */
static bool take_code(struct str line, int *code)
{
	if (line.len < 3 || line.at[0] < '2' || line.at[0] > '5')
		return false;
	if (!ascii_is_digit(line.at[1]) || !ascii_is_digit(line.at[2]))
		return false;
	*code = (line.at[0] - '0') * 100 + (line.at[1] - '0') * 10 + (line.at[2] - '0');
	return line.len == 3 || line.at[3] == ' ' || line.at[3] == '-';
}

static void take_enhanced(struct remote_reply *reply, struct str line)
{
	struct str rest = str_tail(line, 4), code = str_cut(&rest, ' ');

	if (code.len >= sizeof reply->enhanced || !enhanced_code_is_valid(code) ||
		code.at[0] != line.at[0])
		return;
	memcpy(reply->enhanced, code.at, code.len);
	reply->enhanced[code.len] = '\0';
}

static void keep(struct remote_reply *reply, struct str line)
{
	size_t room = reply->said.max - reply->said.len;

	reply->cut = reply->cut || room < 2;
	if (reply->cut)
		return;
	if (reply->lines)
		buf_add_char(&reply->said, '\n');
	room -= reply->lines != 0;
	reply->cut = line.len > room;
	buf_add(&reply->said, str_head(line, room));
}

enum reply_progress remote_reply_line(struct remote_reply *reply, struct str line)
{
	int code;

	if (line.len > REPLY_LINE_MAX || reply->lines == REPLY_LINES_MAX ||
		!take_code(line, &code) || (reply->lines && code != reply->code) ||
		str_find(line, '\n') < line.len)
		return REPLY_MALFORMED;
	if (reply->lines == 0)
		take_enhanced(reply, line);
	reply->code = code;
	keep(reply, line);
	reply->lines++;
	return line.len > 3 && line.at[3] == '-' ? REPLY_MORE : REPLY_COMPLETE;
}

bool remote_reply_next(struct str *rest, struct str *text)
{
	if (rest->len == 0)
		return false;
	*text = str_tail(str_cut(rest, '\n'), 4);
	return true;
}

static const struct {
	const char *keyword;
	enum extension extension;
} keywords[] = {
	{ "STARTTLS", EXTENSION_STARTTLS },
	{ "SIZE", EXTENSION_SIZE },
	{ "8BITMIME", EXTENSION_8BITMIME },
	{ "SMTPUTF8", EXTENSION_SMTPUTF8 },
	{ "PIPELINING", EXTENSION_PIPELINING },
	{ "DSN", EXTENSION_DSN },
	{ "CHUNKING", EXTENSION_CHUNKING },
	{ "BINARYMIME", EXTENSION_BINARYMIME },
	{ "REQUIRETLS", EXTENSION_REQUIRETLS },
	{ "ENHANCEDSTATUSCODES", EXTENSION_ENHANCEDSTATUSCODES },
};

static void take_extension(struct extensions *extensions, struct str text)
{
	struct str rest = str_trim(text), keyword = str_cut(&rest, ' ');

	for (size_t i = 0; i < count_of(keywords); i++) {
		if (!str_eq_nocase(keyword, str_of(keywords[i].keyword)))
			continue;
		extensions->set |= keywords[i].extension;
		if (keywords[i].extension == EXTENSION_SIZE &&
			!str_to_u64(str_trim(rest), &extensions->size_max))
			extensions->size_max = 0;
	}
}

void remote_reply_extensions(const struct remote_reply *reply, struct extensions *extensions)
{
	struct str rest = buf_str(&reply->said), text;

	*extensions = (struct extensions){ 0 };
	if (!remote_reply_next(&rest, &text))
		return;
	while (remote_reply_next(&rest, &text))
		take_extension(extensions, text);
}
