/* SPDX-License-Identifier: ISC
 *
 * choice.c - see choice.h. Runs in the store's thread. Values are the account's own and come back
 * to its own pages; that none can end a line where it is one line is seen to here.
 */
#include "store/choice.h"

#include "store/account.h"
#include "store/factor.h"
#include "store/session.h"

enum preference_kind { KIND_NUMBER, KIND_TEXT, KIND_LINE, KIND_WORD };

static const struct preference_rule {
	const char *name, *otherwise;
	enum preference_kind kind;
	const char *words;
	uint64_t most;
} rules[PREFERENCES_N] = {
#define PREFERENCE_RULE(enumerator, name, otherwise, kind, words, most) \
	[PREFERENCE_##enumerator] = { name, otherwise, KIND_##kind, words, most },
	PREFERENCES(PREFERENCE_RULE)
#undef PREFERENCE_RULE
};

/* --- preferences --- */

struct str preference_of(
	struct store *store, int64_t account, enum preference_name name, struct arena *arena)
{
	struct str value = str_of(rules[name].otherwise);
	sqlite3_stmt *s =
		ASK(&store->db, PREFERENCE, as_number(account), as_text(str_of(rules[name].name)));

	if (row(&store->db, s))
		value = row_copy(s, 0, arena);
	row_end(s);
	return value;
}

static const struct preference_rule *find_rule(struct str name)
{
	for (size_t i = 0; i < PREFERENCES_N; i++)
		if (str_eq(name, str_of(rules[i].name)))
			return &rules[i];
	return NULL;
}

static bool is_text(struct str text, uint64_t most, bool one_line)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool control = (unsigned char)c < ' ' || c == 0x7f;
		if (control && (one_line || (c != '\n' && c != '\t')))
			return false;
	}
	return text.len <= most && str_is_utf8(text);
}

static bool is_one_of(struct str word, struct str words)
{
	while (words.len)
		if (str_eq(str_cut(&words, ' '), word))
			return word.len > 0;
	return false;
}

static bool is_value(const struct preference_rule *rule, struct str value)
{
	uint64_t number;

	switch (rule->kind) {
	case KIND_NUMBER:
		return value.len <= 9 && str_to_u64(value, &number) && number <= rule->most &&
		       (value.len == 1 || value.at[0] != '0');
	case KIND_TEXT:
		return is_text(value, rule->most, false);
	case KIND_LINE:
		return is_text(value, rule->most, true);
	case KIND_WORD:
		return is_one_of(value, str_of(rule->words));
	}
	return false;
}

/* Empty if there is none. */
static struct str find_fault(const struct settings_set_ask *ask, struct arena *arena)
{
	for (size_t i = 0; i < ask->preferences.len; i++) {
		const struct preference *asked = &ask->preferences.at[i];
		const struct preference_rule *rule = find_rule(asked->name);
		if (!rule)
			return STR("there is no such preference");
		if (!is_value(rule, asked->value))
			return arena_printf(arena, "this is no value for \"%s\"", rule->name);
	}
	return STR("");
}

/* --- all of it --- */

static bool read_preferences(
	struct store *store, int64_t account, struct arena *arena, struct settings_answer *answer)
{
	answer->preferences.at = arena_array(arena, PREFERENCES_N, sizeof *answer->preferences.at);
	if (!answer->preferences.at)
		return false;
	for (unsigned i = 0; i < PREFERENCES_N; i++)
		answer->preferences.at[i] = (struct preference){ str_of(rules[i].name),
			preference_of(store, account, (enum preference_name)i, arena) };
	answer->preferences.len = PREFERENCES_N;
	return true;
}

static void answer_choices(struct store *store, const struct session_account *who,
	struct arena *arena, struct settings_answer *answer)
{
	struct user user;

	*answer = (struct settings_answer){ .outcome = WEB_FAILED };
	if (!account_read(store, who->account, arena, &user))
		return;
	*answer = (struct settings_answer){ .address = user.address,
		.alias = user.alias,
		.language = user.language,
		.admin = who->admin,
		.active = user.active,
		.level = user.level,
		.deadline = user.deadline,
		.deadline_default = (uint64_t)store->settings->deadline,
		.deadline_least = ALIAS_DEADLINE_LEAST,
		.deadline_most = ALIAS_DEADLINE_MOST,
		.second_factor = factor_is_on(store, who->account) };
	if (!read_preferences(store, who->account, arena, answer))
		answer->outcome = WEB_FAILED;
}

void choice_show(struct store *store, const struct token_ask *ask, struct arena *arena,
	struct settings_answer *answer)
{
	struct session_account who;

	*answer = (struct settings_answer){ .outcome = WEB_NO_SESSION };
	if (session_account(store, ask->token, arena, &who))
		answer_choices(store, &who, arena, answer);
}

/* As the operator's command does it, so that both know the same bounds. */
static struct str set_alias(struct store *store, const struct session_account *who,
	const struct settings_set_ask *ask, struct arena *arena)
{
	const struct alias_set_ask alias = { .address = who->address,
		.set = ask->set,
		.active = ask->active,
		.level = ask->level,
		.deadline = ask->deadline,
		.language = ask->language };
	struct user_answer answer;

	if (!ask->set)
		return STR("");
	account_set_alias(store, &alias, arena, &answer);
	if (answer.outcome == CTL_OK)
		return STR("");
	return answer.text.len ? answer.text : STR("this can't be set");
}

void choice_set(struct store *store, const struct settings_set_ask *ask, struct arena *arena,
	struct settings_answer *answer)
{
	struct session_account who;

	*answer = (struct settings_answer){ .outcome = WEB_NO_SESSION };
	if (!session_account(store, ask->token, arena, &who))
		return;
	struct str fault = find_fault(ask, arena);
	if (!fault.len)
		fault = set_alias(store, &who, ask, arena);
	if (fault.len) {
		*answer = (struct settings_answer){ .outcome = WEB_INVALID, .text = fault };
		return;
	}
	for (size_t i = 0; i < ask->preferences.len; i++)
		RUN(&store->db, PREFERENCE_SET, as_number(who.account),
			as_text(ask->preferences.at[i].name),
			as_text(ask->preferences.at[i].value));
	change_note(store, who.account, CHANGE_SETTINGS);
	answer_choices(store, &who, arena, answer);
}
