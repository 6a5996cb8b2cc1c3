/* SPDX-License-Identifier: ISC
 *
 * test_store_choice.c - what an account chooses on its pages: all that was asked for, or nothing.
 */
#include "store_session.h"

#include "store/choice.h"

static struct settings_answer show(struct world *w, struct str token)
{
	struct settings_answer answer;

	w->store.db.failure = SQLITE_OK;
	choice_show(&w->store, &(struct token_ask){ token }, &w->arena, &answer);
	return answer;
}

static struct settings_answer change(struct world *w, struct settings_set_ask ask)
{
	struct settings_answer answer;

	begin(w);
	choice_set(&w->store, &ask, &w->arena, &answer);
	commit(w);
	return answer;
}

static uint64_t prefer(struct world *w, struct str token, const char *name, const char *value)
{
	struct preference preference = { str_of(name), str_of(value) };
	struct settings_set_ask ask = { .token = token, .preferences = { &preference, 1 } };
	struct settings_answer answer = change(w, ask);

	if (answer.outcome == WEB_INVALID)
		assert_true(answer.text.len > 0);
	return answer.outcome;
}

static const char *value(struct world *w, struct str token, const char *name)
{
	struct settings_answer answer = show(w, token);

	for (size_t i = 0; i < answer.preferences.len; i++)
		if (str_eq(answer.preferences.at[i].name, str_of(name)))
			return arena_str(&w->arena, answer.preferences.at[i].value).at;
	fail_msg("no %s", name);
	return "";
}

static void who_chose_nothing_has_the_defaults(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct settings_answer answer = show(w, token);

	(void)state;
	assert_int_equal(answer.outcome, WEB_OK);
	assert_true(str_eq(answer.address, STR("ada@example.test")));
	assert_true(str_eq(answer.alias, STR("ada@secure.example.test")));
	assert_int_equal(answer.active, 1);
	assert_int_equal(answer.level, LEVEL_ENCRYPT);
	assert_int_equal(answer.deadline, 0);
	assert_int_equal(answer.deadline_default, 4 * HOUR);
	assert_int_equal(answer.second_factor, 0);
	assert_int_equal(answer.preferences.len, PREFERENCES_N);
	assert_string_equal(value(w, token, "undo_seconds"), "10");
	assert_string_equal(value(w, token, "notices"), "on");
	assert_string_equal(value(w, token, "signature"), "");
	assert_int_equal(show(w, STR("nobody")).outcome, WEB_NO_SESSION);
	world_close(w);
}

static void the_alias_is_switched_and_its_level_chosen(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct settings_answer answer =
		change(w, (struct settings_set_ask){ .token = token,
				  .set = ALIAS_SET_ACTIVE | ALIAS_SET_LEVEL | ALIAS_SET_DEADLINE |
					 ALIAS_SET_LANGUAGE,
				  .active = 0,
				  .level = LEVEL_DANE_ONLY,
				  .deadline = HOUR,
				  .language = LANGUAGE_DE });

	(void)state;
	assert_int_equal(answer.outcome, WEB_OK);
	answer = show(w, token);
	assert_int_equal(answer.active, 0);
	assert_int_equal(answer.level, LEVEL_DANE_ONLY);
	assert_int_equal(answer.deadline, HOUR);
	assert_int_equal(answer.language, LANGUAGE_DE);
	world_close(w);
}

static void one_mistake_and_nothing_changes(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct preference preferences[] = { { STR("shortcuts"), STR("off") },
		{ STR("undo_seconds"), STR("61") } };

	(void)state;
	struct settings_answer answer = change(w, (struct settings_set_ask){ .token = token,
							  .set = ALIAS_SET_ACTIVE,
							  .preferences = { preferences, 2 } });
	assert_int_equal(answer.outcome, WEB_INVALID);
	assert_contains(answer.text, "undo_seconds");
	preferences[1].value = STR("60");
	answer = change(w, (struct settings_set_ask){ .token = token,
				   .set = ALIAS_SET_LEVEL,
				   .level = LEVEL_OPPORTUNISTIC,
				   .preferences = { preferences, 2 } });
	assert_int_equal(answer.outcome, WEB_INVALID);
	assert_string_equal(value(w, token, "shortcuts"), "on");
	assert_int_equal(show(w, token).active, 1);
	assert_int_equal(change(w,
				 (struct settings_set_ask){
					 .token = token, .set = ALIAS_SET_DEADLINE, .deadline = 1 })
				 .outcome,
		WEB_INVALID);
	world_close(w);
}

static void a_preference_is_one_of_the_closed_set(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1), bob = log_in(w, 2);

	(void)state;
	assert_int_equal(prefer(w, token, "colour", "red"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "", ""), WEB_INVALID);
	assert_int_equal(prefer(w, token, "shortcuts", "maybe"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "shortcuts", ""), WEB_INVALID);
	assert_int_equal(prefer(w, token, "shortcuts", "on off"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "remote", "always"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "undo_seconds", "-1"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "undo_seconds", "07"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "undo_seconds", ""), WEB_INVALID);
	assert_int_equal(prefer(w, token, "undo_seconds", "0"), WEB_OK);
	assert_int_equal(prefer(w, token, "from", "alias"), WEB_OK);
	assert_int_equal(prefer(w, token, "shortcuts", "off"), WEB_OK);
	assert_string_equal(value(w, token, "undo_seconds"), "0");
	assert_string_equal(value(w, token, "from"), "alias");
	assert_string_equal(value(w, bob, "from"), "normal");
	world_close(w);
}

static void a_name_is_one_line_and_a_signature_may_be_some(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	char long_text[4200];

	(void)state;
	memset(long_text, 'x', sizeof long_text);
	long_text[sizeof long_text - 1] = '\0';
	assert_int_equal(prefer(w, token, "name", "Ada\r\nBcc: x@y"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "name", "Ada\nX: y"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "name", "Ada\tL"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "name", "Ada\xff"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "name", "Ada L\xc3\xb6vel"), WEB_OK);
	assert_int_equal(prefer(w, token, "signature", "Ada\n-- \nX"), WEB_OK);
	assert_int_equal(prefer(w, token, "signature", "Ada\x1b[0m"), WEB_INVALID);
	assert_int_equal(prefer(w, token, "signature", long_text), WEB_INVALID);
	assert_string_equal(value(w, token, "name"), "Ada L\xc3\xb6vel");
	assert_string_equal(value(w, token, "signature"), "Ada\n-- \nX");
	world_close(w);
}

static void a_removed_account_leaves_no_choice(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct user_answer answer;

	(void)state;
	assert_int_equal(prefer(w, token, "name", "Ada"), WEB_OK);
	begin(w);
	account_remove(&w->store, STR("ada@example.test"), &w->arena, &answer);
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM preference"), 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_chose_nothing_has_the_defaults),
		cmocka_unit_test(the_alias_is_switched_and_its_level_chosen),
		cmocka_unit_test(one_mistake_and_nothing_changes),
		cmocka_unit_test(a_preference_is_one_of_the_closed_set),
		cmocka_unit_test(a_name_is_one_line_and_a_signature_may_be_some),
		cmocka_unit_test(a_removed_account_leaves_no_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
