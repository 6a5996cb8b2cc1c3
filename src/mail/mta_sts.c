/* SPDX-License-Identifier: ISC
 *
 * mta_sts.c - MTA-STS as text (RFC 8461 3.1, 3.2, 4.1). Runs in delivery, on what a domain's DNS
 * and its web server say. Strict: what is invalid binds nobody, so a text that only looks like a
 * policy must not become one. A name in a pattern is checked here once and compared later.
 */
#include "mail/mta_sts.h"

enum { ID_MAX = 32, NAME_MAX_LENGTH = 32, LABEL_MAX = 63, HOST_MAX = 253, DIGITS_MAX = 10 };

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct str without_space(struct str s)
{
	while (s.len && is_space(s.at[0]))
		s = str_tail(s, 1);
	while (s.len && is_space(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* --- the TXT record --- */

/* An extension's name, of the record or of the policy. */
static bool is_name(struct str s)
{
	if (!s.len || s.len > NAME_MAX_LENGTH || !ascii_is_alnum(s.at[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!ascii_is_alnum(s.at[i]) && s.at[i] != '_' && s.at[i] != '-' && s.at[i] != '.')
			return false;
	return true;
}

/* An extension's value in a record; the ';' is cut already. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == '=')
			return false;
	return s.len > 0;
}

static bool is_id(struct str s)
{
	if (!s.len || s.len > ID_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.at[i]))
			return false;
	return true;
}

/* True if the record says it is ours; *fields is then what follows the version. */
static bool is_record(struct str record, struct str *fields)
{
	const struct str version = STR("v=STSv1");

	if (!str_starts(record, version))
		return false;
	*fields = without_space(str_tail(record, version.len));
	if (!fields->len || fields->at[0] != ';')
		return false;
	*fields = str_tail(*fields, 1);
	return true;
}

static bool read_fields(struct str fields, struct str *id)
{
	*id = STR("");
	while (without_space(fields).len) {
		struct str value = without_space(str_cut(&fields, ';'));
		struct str name = str_cut(&value, '=');
		if (!is_name(name) || !is_value(value))
			return false;
		if (!str_eq(name, STR("id")))
			continue;
		if (!is_id(value))
			return false;
		if (!id->len)
			*id = value;
	}
	return id->len > 0;
}

bool sts_record_read(const struct str *records, size_t n, struct str *id)
{
	struct str fields, only = { NULL, 0 };
	size_t ours = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_record(records[i], &fields))
			continue;
		only = fields;
		ours++;
	}
	return ours == 1 && read_fields(only, id);
}

/* --- the policy --- */

static bool is_label(struct str s)
{
	if (!s.len || s.len > LABEL_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.at[i]) && s.at[i] != '-' && s.at[i] != '_')
			return false;
	return true;
}

/* ["*."] Domain. */
static bool is_pattern(struct str s)
{
	bool good = s.len <= HOST_MAX;

	if (str_starts(s, STR("*.")))
		s = str_tail(s, 2);
	if (!s.len || s.at[s.len - 1] == '.')
		return false;
	while (good && s.len)
		good = is_label(str_cut(&s, '.'));
	return good;
}

/* The next line that isn't empty, and its key cut off. False at the end. */
struct line {
	struct str key, value;
	bool has_colon;
};

static bool next_line(struct str *rest, struct line *line)
{
	while (rest->len) {
		struct str text = str_cut(rest, '\n');
		if (text.len && text.at[text.len - 1] == '\r')
			text.len--;
		if (!without_space(text).len)
			continue;
		line->has_colon = str_find(text, ':') < text.len;
		line->key = str_cut(&text, ':');
		line->value = without_space(text);
		return true;
	}
	return false;
}

/* The text once more, in lower case: what patterns are views into. */
static struct str lower_copy(struct str text, struct arena *arena)
{
	char *to = arena_alloc(arena, text.len + 1);

	for (size_t i = 0; to && i < text.len; i++)
		to[i] = ascii_lower(text.at[i]);
	return (struct str){ to, to ? text.len : 0 };
}

static bool read_mode(struct str value, enum sts_mode *mode)
{
	static const struct {
		struct str name;
		enum sts_mode mode;
	} modes[] = {
		{ { "none", 4 }, STS_MODE_NONE },
		{ { "testing", 7 }, STS_MODE_TESTING },
		{ { "enforce", 7 }, STS_MODE_ENFORCE },
	};

	for (size_t i = 0; i < count_of(modes); i++) {
		if (str_eq(value, modes[i].name)) {
			*mode = modes[i].mode;
			return true;
		}
	}
	return false;
}

static bool read_max_age(struct str value, uint64_t *max_age)
{
	if (value.len > DIGITS_MAX || !str_to_u64(value, max_age))
		return false;
	if (*max_age > STS_MAX_AGE)
		*max_age = STS_MAX_AGE;
	return true;
}

static bool read_mx(struct str value, struct sts_policy *policy)
{
	if (value.len && value.at[value.len - 1] == '.')
		value.len--;
	policy->patterns[policy->n_patterns++] = value;
	return is_pattern(value);
}

enum key { KEY_VERSION, KEY_MODE, KEY_MAX_AGE, KEY_MX, KEYS_N };
static const char *const keys[KEYS_N] = { "version", "mode", "max_age", "mx" };

static enum key key_of(struct str name)
{
	enum key key = 0;

	while (key < KEYS_N && !str_eq(name, str_of(keys[key])))
		key++;
	return key;
}

/* `lower` is the line's value in the copy. */
static bool read_value(enum key key, struct str value, struct str lower, struct sts_policy *policy)
{
	switch (key) {
	case KEY_VERSION:
		return str_eq(value, STR("STSv1"));
	case KEY_MODE:
		return read_mode(value, &policy->mode);
	case KEY_MAX_AGE:
		return read_max_age(value, &policy->max_age);
	case KEY_MX:
		return read_mx(lower, policy);
	default:
		return true;
	}
}

static bool read_lines(
	struct str text, struct str lower, struct sts_policy *policy, struct why *why)
{
	bool seen[KEYS_N] = { false };
	struct str rest = text;
	struct line line;

	while (next_line(&rest, &line)) {
		if (!line.has_colon)
			return why_not(why, "the policy has a line without a colon");
		enum key key = key_of(line.key);
		if (key == KEYS_N || (key != KEY_MX && seen[key]))
			continue;
		seen[key] = true;
		struct str same = { lower.at + (line.value.at - text.at), line.value.len };
		if (!read_value(key, line.value, same, policy))
			return why_not(why, "the policy's %s is invalid", keys[key]);
	}
	for (enum key key = 0; key < KEYS_N; key++)
		if (!seen[key] && (key != KEY_MX || policy->mode != STS_MODE_NONE))
			return why_not(why, "the policy has no %s", keys[key]);
	return true;
}

bool sts_policy_read(
	struct str text, struct arena *arena, struct sts_policy *policy, struct why *why)
{
	struct str rest = text, lower;
	struct line line;
	size_t n = 0;

	*policy = (struct sts_policy){ 0 };
	if (text.len > STS_TEXT_MAX)
		return why_not(why, "the policy is larger than %d octets", STS_TEXT_MAX);
	while (next_line(&rest, &line))
		n += key_of(line.key) == KEY_MX;
	lower = lower_copy(text, arena);
	policy->patterns = arena_array(arena, n + 1, sizeof *policy->patterns);
	if (!lower.at || !policy->patterns)
		return why_not(why, "no memory for the policy");
	return read_lines(text, lower, policy, why);
}

bool sts_policy_lists(const struct sts_policy *policy, struct str host)
{
	struct str parent = host, first = str_cut(&parent, '.');

	for (size_t i = 0; i < policy->n_patterns; i++) {
		struct str pattern = policy->patterns[i];
		if (str_eq_nocase(pattern, host))
			return true;
		if (first.len && str_starts(pattern, STR("*.")) &&
			str_eq_nocase(str_tail(pattern, 2), parent))
			return true;
	}
	return false;
}
