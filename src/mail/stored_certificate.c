/* SPDX-License-Identifier: ISC
 *
 * stored_certificate.c - the form of what an operator stores. Pure. The command line checks it to
 * say what is wrong, the store because it believes nobody.
 */
#include "mail/stored_certificate.h"

#include "mail/address.h"

static const char *const ids[] = {
#define STORED_ID(name, number, id) [number] = id,
	STORED_KINDS(STORED_ID)
#undef STORED_ID
};

const char *stored_kind_id(uint64_t kind)
{
	return kind < count_of(ids) ? ids[kind] : "?";
}

static bool is_hex(char c)
{
	return ascii_is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_digest(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!is_hex(value.at[i]))
			return false;
	return value.len == STORED_DIGEST;
}

static bool is_base64(char c)
{
	return ascii_is_alnum(c) || c == '+' || c == '/' || c == '=';
}

/* One line of lines that end in LF; false where there is none. */
static bool next_line(struct str *rest, struct str *line)
{
	if (str_find(*rest, '\n') == rest->len)
		return false;
	*line = str_cut(rest, '\n');
	return true;
}

/* One certificate from the front of *rest. */
static bool take_certificate(struct str *rest)
{
	struct str line;
	size_t lines = 0;

	if (!next_line(rest, &line) || !str_eq(line, STR("-----BEGIN CERTIFICATE-----")))
		return false;
	while (next_line(rest, &line) && !str_eq(line, STR("-----END CERTIFICATE-----"))) {
		for (size_t i = 0; i < line.len; i++)
			if (!is_base64(line.at[i]))
				return false;
		if (!line.len || line.len > 76)
			return false;
		lines++;
	}
	return lines > 0 && str_eq(line, STR("-----END CERTIFICATE-----"));
}

static bool is_pem(struct str value)
{
	bool any = value.len > 0;

	while (value.len)
		if (!take_certificate(&value))
			return false;
	return any;
}

bool stored_value_fits(enum stored_kind kind, struct str value)
{
	if (value.len > STORED_VALUE_MAX)
		return false;
	switch (kind) {
	case STORED_KEY:
	case STORED_CERTIFICATE:
		return is_digest(value);
	case STORED_AUTHORITY:
		return is_pem(value);
	case STORED_KINDS_N:
		break;
	}
	return false;
}

bool stored_names_fit(struct str names)
{
	scoped(arena_free) struct arena arena = ARENA(65536);
	struct str rest = names, written;

	if (names.len > STORED_NAMES_MAX || (names.len && names.at[names.len - 1] == ' '))
		return false;
	while (rest.len) {
		struct str name = str_cut(&rest, ' ');
		if (!address_domain(name, &arena, &written) || !str_eq(name, written))
			return false;
	}
	return true;
}

bool stored_digest_read(struct str text, struct buf *to)
{
	size_t begin = to->len;

	text = str_trim(text);
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] != ':' && text.at[i] != ' ' &&
			!buf_add_char(to, ascii_lower(text.at[i])))
			return false;
	return is_digest(str_tail(buf_str(to), begin));
}
