/* SPDX-License-Identifier: ISC
 *
 * command.c - SMTP commands from bytes. Runs in smtpd on what peers send; strict, since a server
 * that guesses is a server that two readers understand in two ways. Parameters are a table: a
 * keyword, the extension it came with, and how to read its value.
 */
#include "mail/command.h"

#include <string.h>

enum { ENVID_MAX = 100, ORCPT_MAX = 500, ESMTP_VALUE_MAX = 1000 };

static const struct refusal none = { 0, NULL };
static const struct refusal bad_parameter = { 501, "5.5.4 Syntax error in parameters" };
static const struct refusal unknown_parameter = { 555, "5.5.4 Unsupported parameter" };
static const struct refusal needs_smtputf8 = { 553,
	"5.6.7 This address needs SMTPUTF8, which was not asked for" };

enum argument { ARGUMENT_NONE, ARGUMENT_NEEDED, ARGUMENT_ANY };

static const struct {
	const char *name;
	enum argument argument;
} verbs[] = {
#define VERB_ROW(name, text, argument) [VERB_##name] = { text, argument },
	VERBS(VERB_ROW)
#undef VERB_ROW
};

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static enum verb verb_of(struct str name)
{
	for (unsigned i = VERB_UNKNOWN + 1; i < VERBS_N; i++) {
		if (str_eq_nocase(name, str_of(verbs[i].name)))
			return (enum verb)i;
	}
	return VERB_UNKNOWN;
}

struct refusal command_parse(struct str line, struct command *command)
{
	struct str rest = line;

	while (rest.len && (rest.at[rest.len - 1] == ' ' || rest.at[rest.len - 1] == '\t'))
		rest.len--;
	*command = (struct command){ .name = str_cut(&rest, ' '), .argument = rest };
	command->verb = verb_of(command->name);
	if (has_control(line))
		return (struct refusal){ 500, "5.5.2 Control characters in a command" };
	if (command->verb == VERB_UNKNOWN)
		return (struct refusal){ 500, "5.5.2 Unknown command" };
	enum argument wanted = verbs[command->verb].argument;
	if (wanted == ARGUMENT_NONE && rest.len)
		return (struct refusal){ 501, "5.5.4 This command takes no argument" };
	if (wanted == ARGUMENT_NEEDED && rest.len == 0)
		return (struct refusal){ 501, "5.5.4 This command needs an argument" };
	return none;
}

struct refusal command_hello(struct str argument, struct str *name)
{
	static const struct refusal bad = { 501, "5.5.4 That is not a host name" };

	*name = argument;
	if (argument.len == 0 || argument.len > ADDRESS_DOMAIN_MAX)
		return bad;
	if (argument.at[0] == '[')
		return address_literal(argument) ? none : bad;
	for (size_t i = 0; i < argument.len; i++) {
		char c = argument.at[i];
		if (!ascii_is_alnum(c) && (c == '\0' || !strchr("-._:", c)))
			return bad;
	}
	return none;
}

/* RFC 3461 4: upper case only. */
static int hex_digit(char c)
{
	return c >= 'a' ? -1 : ascii_hex_value(c);
}

bool xtext_decode(struct buf *to, struct str xtext)
{
	for (size_t i = 0; i < xtext.len; i++) {
		char c = xtext.at[i];
		if (c < '!' || c > '~' || c == '=')
			return false;
		if (c == '+') {
			int high = i + 2 < xtext.len ? hex_digit(xtext.at[i + 1]) : -1;
			int low = i + 2 < xtext.len ? hex_digit(xtext.at[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		buf_add_char(to, c);
	}
	return !to->overflowed;
}

bool xtext_encode(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c < '!' || c > '~' || c == '+' || c == '=')
			buf_printf(to, "+%02X", (unsigned)(unsigned char)c);
		else
			buf_add_char(to, c);
	}
	return !to->overflowed;
}

static const char base64_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_value(char c)
{
	const char *at = c ? strchr(base64_alphabet, c) : NULL;

	return at ? (int)(at - base64_alphabet) : -1;
}

bool base64_decode(struct buf *to, struct str text)
{
	if (text.len % 4)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		bool last = i + 4 == text.len;
		unsigned pads = last && text.at[i + 3] == '=' ? 1 + (text.at[i + 2] == '=') : 0;
		uint32_t bits = 0;
		for (unsigned j = 0; j < 4; j++) {
			int value = j < 4 - pads ? base64_value(text.at[i + j]) : 0;
			if (value < 0)
				return false;
			bits = bits << 6 | (uint32_t)value;
		}
		if (pads && bits & (pads == 1 ? 0xffu : 0xffffu))
			return false;
		for (unsigned j = 0; j < 3 - pads; j++)
			buf_add_char(to, (char)(bits >> (16 - 8 * j) & 0xff));
	}
	return !to->overflowed;
}

bool base64_encode(struct buf *to, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t bits = 0;
		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (j < n ? (unsigned char)bytes.at[i + j] : 0u);
		for (size_t j = 0; j < 4; j++)
			buf_add_char(
				to, j <= n ? base64_alphabet[bits >> (18 - 6 * j) & 0x3f] : '=');
	}
	return !to->overflowed;
}

static bool is_xtext(struct str s)
{
	scoped(buf_free) struct buf decoded = BUF(ESMTP_VALUE_MAX);

	return xtext_decode(&decoded, s);
}

/* One parameter's value into the command it belongs to. */
typedef bool take_mail_value(struct mail_command *mail, struct str value);
typedef bool take_rcpt_value(struct rcpt_command *rcpt, struct str value);

/* RFC 1870 3: 1*20DIGIT */
static bool take_size(struct mail_command *mail, struct str value)
{
	mail->has_size = true;
	if (value.len > 20)
		return false;
	if (str_to_u64(value, &mail->size))
		return true;
	/* Twenty digits can pass 64 bits: larger than anything we take. */
	mail->size = UINT64_MAX;
	for (size_t i = 0; i < value.len; i++) {
		if (!ascii_is_digit(value.at[i]))
			return false;
	}
	return value.len != 0;
}

static bool take_body(struct mail_command *mail, struct str value)
{
	if (str_eq_nocase(value, STR("7BIT")))
		mail->body = BODY_7BIT;
	else if (str_eq_nocase(value, STR("8BITMIME")))
		mail->body = BODY_8BITMIME;
	else if (str_eq_nocase(value, STR("BINARYMIME")))
		mail->body = BODY_BINARYMIME;
	else
		return false;
	return true;
}

static bool take_smtputf8(struct mail_command *mail, struct str value)
{
	mail->smtputf8 = true;
	return value.len == 0;
}

static bool take_requiretls(struct mail_command *mail, struct str value)
{
	mail->requiretls = true;
	return value.len == 0;
}

static bool take_ret(struct mail_command *mail, struct str value)
{
	if (str_eq_nocase(value, STR("FULL")))
		mail->ret = RET_FULL;
	else if (str_eq_nocase(value, STR("HDRS")))
		mail->ret = RET_HDRS;
	else
		return false;
	return true;
}

static bool take_envid(struct mail_command *mail, struct str value)
{
	mail->envid = value;
	return value.len != 0 && value.len <= ENVID_MAX && is_xtext(value);
}

/* RFC 4954 5: a claim about who submitted the mail. Checked, and not believed. */
static bool take_auth(struct mail_command *mail, struct str value)
{
	(void)mail;
	return value.len != 0 && value.len <= ESMTP_VALUE_MAX && is_xtext(value);
}

/* RFC 3461 4.1: NEVER alone, or a list without repetitions. */
static bool take_notify(struct rcpt_command *rcpt, struct str value)
{
	static const struct {
		const char *name;
		unsigned bit;
	} words[] = { { "SUCCESS", NOTIFY_SUCCESS }, { "FAILURE", NOTIFY_FAILURE },
		{ "DELAY", NOTIFY_DELAY }, { "NEVER", NOTIFY_NEVER } };

	for (bool last = false; !last;) {
		last = str_find(value, ',') == value.len;
		struct str word = str_cut(&value, ',');
		unsigned bit = 0;
		for (size_t i = 0; i < count_of(words); i++) {
			if (str_eq_nocase(word, str_of(words[i].name)))
				bit = words[i].bit;
		}
		if (bit == 0 || rcpt->notify & bit)
			return false;
		rcpt->notify |= bit;
	}
	return !(rcpt->notify & NOTIFY_NEVER) || rcpt->notify == NOTIFY_NEVER;
}

static bool is_atom(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_alnum(s.at[i]) && s.at[i] != '-' && s.at[i] != '.')
			return false;
	}
	return s.len != 0;
}

/* RFC 6533 3: utf-8-addr-xtext is xtext that may have \x{...} in it, utf-8-addr-unitext raw UTF-8. */
static bool is_unitext(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		if (c < 0x80 && (c < '!' || c > '~' || c == '='))
			return false;
	}
	return str_is_utf8(s);
}

/* RFC 3461 4.2: addr-type ";" xtext. */
static bool take_orcpt(struct rcpt_command *rcpt, struct str value)
{
	struct str address = value, type = str_cut(&address, ';');

	rcpt->orcpt = value;
	if (value.len > ORCPT_MAX || !is_atom(type) || address.len == 0)
		return false;
	return str_eq_nocase(type, STR("utf-8")) ? is_unitext(address) : is_xtext(address);
}

/* Each belongs to one of the two commands; the reader of the other one is NULL. */
static const struct {
	const char *keyword;
	enum offer offer;
	take_mail_value *of_mail;
	take_rcpt_value *of_rcpt;
} parameters[] = {
	{ "SIZE", OFFER_SIZE, take_size, NULL },
	{ "BODY", OFFER_8BITMIME, take_body, NULL },
	{ "SMTPUTF8", OFFER_SMTPUTF8, take_smtputf8, NULL },
	{ "RET", OFFER_DSN, take_ret, NULL },
	{ "ENVID", OFFER_DSN, take_envid, NULL },
	{ "AUTH", OFFER_AUTH, take_auth, NULL },
	{ "REQUIRETLS", OFFER_REQUIRETLS, take_requiretls, NULL },
	{ "NOTIFY", OFFER_DSN, NULL, take_notify },
	{ "ORCPT", OFFER_DSN, NULL, take_orcpt },
};

/* Cut the next " keyword[=value]" from *rest. A keyword without '=' has an empty value,
 * one with '=' never. False: not the grammar of RFC 5321 4.1.2 (esmtp-param). */
static bool next_parameter(struct str *rest, struct str *keyword, struct str *value)
{
	if (rest->len < 2 || rest->at[0] != ' ')
		return false;
	*rest = str_tail(*rest, 1);
	struct str parameter = str_head(*rest, str_find(*rest, ' '));
	*rest = str_tail(*rest, parameter.len);
	size_t equals = str_find(parameter, '=');
	*keyword = str_head(parameter, equals);
	*value = str_tail(parameter, equals + 1);
	if (keyword->len == 0 || !ascii_is_alnum(keyword->at[0]))
		return false;
	for (size_t i = 0; i < keyword->len; i++) {
		if (!ascii_is_alnum(keyword->at[i]) && keyword->at[i] != '-')
			return false;
	}
	return equals == parameter.len || value->len != 0;
}

static size_t find_parameter(struct str keyword, bool of_mail)
{
	size_t i = 0;

	while (i < count_of(parameters) &&
		(!str_eq_nocase(keyword, str_of(parameters[i].keyword)) ||
			(of_mail ? !parameters[i].of_mail : !parameters[i].of_rcpt)))
		i++;
	return i;
}

/* All that stands behind the path, into the command that isn't NULL. */
static struct refusal take_parameters(
	struct str rest, unsigned offers, struct mail_command *mail, struct rcpt_command *rcpt)
{
	struct str keyword, value;
	unsigned seen = 0;

	while (rest.len) {
		if (!next_parameter(&rest, &keyword, &value))
			return bad_parameter;
		size_t i = find_parameter(keyword, mail);
		if (i == count_of(parameters) || !(offers & parameters[i].offer))
			return unknown_parameter;
		if (seen & 1u << i || !(mail ? parameters[i].of_mail(mail, value)
					     : parameters[i].of_rcpt(rcpt, value)))
			return bad_parameter;
		seen |= 1u << i;
	}
	return none;
}

/* The path and what follows. RFC 5321 3.3 has no blank behind the colon; many a printer and
 * scanner writes one, and taking it costs nothing: nothing else could begin with a blank. */
static struct str behind_colon(struct str argument)
{
	struct str rest = str_tail(argument, str_find(argument, ':') + 1);

	while (rest.len && rest.at[0] == ' ')
		rest = str_tail(rest, 1);
	return rest;
}

struct refusal command_mail(
	struct str argument, unsigned offers, struct arena *arena, struct mail_command *mail)
{
	static const struct refusal bad = { 501, "5.1.7 Bad sender address syntax" };
	struct str rest = behind_colon(argument);

	*mail = (struct mail_command){ 0 };
	if (!str_starts_nocase(argument, STR("FROM:")))
		return (struct refusal){ 501, "5.5.4 Syntax: MAIL FROM:<address>" };
	if (!address_parse_path(&rest, PATH_REVERSE, arena, &mail->sender))
		return bad;
	bool utf8 = str_has_8bit(str_head(argument, argument.len - rest.len));
	struct refusal refusal = take_parameters(rest, offers, mail, NULL);
	if (refusal.code)
		return refusal;
	if (mail->body == BODY_BINARYMIME && !(offers & OFFER_BINARYMIME))
		return bad_parameter;
	return utf8 && !mail->smtputf8 ? needs_smtputf8 : none;
}

struct refusal command_rcpt(struct str argument, unsigned offers, bool smtputf8,
	struct arena *arena, struct rcpt_command *rcpt)
{
	static const struct refusal bad = { 501, "5.1.3 Bad recipient address syntax" };
	struct str rest = behind_colon(argument);

	*rcpt = (struct rcpt_command){ 0 };
	if (!str_starts_nocase(argument, STR("TO:")))
		return (struct refusal){ 501, "5.5.4 Syntax: RCPT TO:<address>" };
	if (!address_parse_path(&rest, PATH_FORWARD, arena, &rcpt->recipient))
		return bad;
	if (!smtputf8 && str_has_8bit(argument))
		return needs_smtputf8;
	return take_parameters(rest, offers, NULL, rcpt);
}

struct refusal command_bdat(struct str argument, uint64_t *size, bool *last)
{
	struct str rest = argument, number = str_cut(&rest, ' ');

	*last = str_eq_nocase(rest, STR("LAST"));
	if (number.len > 20 || !str_to_u64(number, size) || (rest.len && !*last))
		return (struct refusal){ 501, "5.5.4 Syntax: BDAT size [LAST]" };
	return none;
}

/* RFC 4422 3.1: 1 to 20 of A-Z, 0-9, '-', '_'. */
static bool is_mechanism(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_alnum(s.at[i]) && s.at[i] != '-' && s.at[i] != '_')
			return false;
	}
	return s.len >= 1 && s.len <= 20;
}

struct refusal command_auth(
	struct str argument, struct str *mechanism, bool *has_initial, struct str *initial)
{
	static const struct refusal bad = { 501, "5.5.4 Syntax: AUTH mechanism [response]" };
	struct str rest = argument;

	*mechanism = str_cut(&rest, ' ');
	*has_initial = rest.len != 0;
	*initial = str_eq(rest, STR("=")) ? STR("") : rest;
	if (!is_mechanism(*mechanism) || str_find(rest, ' ') < rest.len)
		return bad;
	return none;
}
