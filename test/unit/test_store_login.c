/* SPDX-License-Identifier: ISC
 *
 * test_store_login.c - passwords: right, wrong, unknown, too often, changed; and the file Dovecot
 * reads them from.
 */
#include "store_session.h"

#include "store/app_password.h"
#include "store/factor.h"
#include "store/familiar.h"
#include "store/password.h"
#include "store/throttle.h"
#include "store/users_file.h"
#include <crypt.h>
#include <poll.h>
#include <sys/stat.h>

static void set_password(struct world *w, const char *address, const char *password)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *data = calloc(1, sizeof *data);
	struct user_passwd_ask ask = { .address = str_of(address) };
	struct user_answer answer;

	assert_non_null(data);
	/* The cheapest of yescrypt: tests need no strength. */
	assert_non_null(crypt_gensalt_rn("$y$", 1, NULL, 0, salt, sizeof salt));
	ask.hash = str_of(crypt_r(password, salt, data));
	begin(w);
	account_passwd(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, CTL_OK);
	free(data);
}

struct
try {
	bool at_once;
	enum login_outcome outcome;
	int64_t account;
};

static struct try try_at(struct world *w, struct login_pool *pool, const char *user,
	const char *password, const char *peer, bool web)
{
	struct login_question ask = {
		.user = str_of(user), .password = str_of(password), .peer = str_of(peer), .web = web
	};
	struct login_decided answer;
	void *token = NULL;

	begin(w);
	bool at_once = login_begin(&w->store, pool, &ask, &ask, &w->arena, &answer);
	commit(w);
	while (!at_once && !token) {
		struct pollfd decided = { login_fd(pool), POLLIN, 0 };
		assert_int_equal(poll(&decided, 1, 10000), 1);
		if (login_next(&w->store, pool, &answer, &token))
			assert_ptr_equal(token, &ask);
	}
	return (struct try){ at_once, answer.outcome, answer.account };
}

static struct try try(struct world *w, struct login_pool *pool, const char *user,
	const char *password, const char *peer)
{
	return try_at(w, pool, user, password, peer, false);
}

static void right_and_wrong(void **state)
{
	struct world *w = world_open();
	struct login_pool *pool = login_open();

	(void)state;
	set_password(w, "ada@example.test", "forty-two seals");
	struct try right = try(w, pool, "ada@example.test", "forty-two seals", "192.0.2.1");
	assert_int_equal(right.outcome, LOGIN_OK);
	assert_int_equal(right.account, 1);
	assert_false(right.at_once);
	assert_int_equal(
		try(w, pool, "ada@example.test", "forty-three", "192.0.2.1").outcome, LOGIN_BAD);
	assert_int_equal(try(w, pool, "nobody@example.test", "x", "192.0.2.1").outcome, LOGIN_BAD);
	assert_int_equal(
		try(w, pool, "Ada@secure.example.test", "forty-two seals", "192.0.2.1").outcome,
		LOGIN_OK);
	assert_int_equal(try(w, pool, "ada", "forty-two seals", "192.0.2.1").outcome, LOGIN_OK);
	assert_int_equal(
		try(w, pool, "postmaster@example.test", "forty-two seals", "192.0.2.1").outcome,
		LOGIN_BAD);
	login_close(pool);
	world_close(w);
}

static void an_unknown_user_is_compared_too(void **state)
{
	struct world *w = world_open();
	struct login_pool *pool = login_open();

	(void)state;
	assert_false(try(w, pool, "nobody@example.test", "x", "192.0.2.1").at_once);
	login_close(pool);
	world_close(w);
}

static void a_known_password_is_recognized_until_it_changes(void **state)
{
	struct world *w = world_open();
	struct login_pool *pool = login_open();

	(void)state;
	set_password(w, "ada@example.test", "old");
	assert_false(try(w, pool, "ada@example.test", "old", "192.0.2.1").at_once);
	assert_true(try(w, pool, "ada@example.test", "old", "192.0.2.1").at_once);
	assert_false(try(w, pool, "ada@example.test", "older", "192.0.2.1").at_once);
	set_password(w, "ada@example.test", "new");
	assert_int_equal(try(w, pool, "ada@example.test", "old", "192.0.2.1").outcome, LOGIN_BAD);
	assert_int_equal(try(w, pool, "ada@example.test", "new", "192.0.2.1").outcome, LOGIN_OK);
	login_close(pool);
	world_close(w);
}

static void too_many_failures_have_to_wait(void **state)
{
	struct world *w = world_open_with("failed_logins = 3\n");
	struct login_pool *pool = login_open();

	(void)state;
	add_account(w, "ada@example.test");
	add_account(w, "bob@example.test");
	set_password(w, "ada@example.test", "right");
	set_password(w, "bob@example.test", "right");
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			try(w, pool, "ada@example.test", "wrong", "192.0.2.1").outcome, LOGIN_BAD);
	assert_int_equal(
		try(w, pool, "ada@example.test", "right", "192.0.2.2").outcome, LOGIN_THROTTLED);
	assert_int_equal(
		try(w, pool, "bob@example.test", "right", "192.0.2.1").outcome, LOGIN_THROTTLED);
	assert_int_equal(try(w, pool, "bob@example.test", "right", "192.0.2.2").outcome, LOGIN_OK);
	login_close(pool);
	world_close(w);
}

static void fail_elsewhere(struct world *w, struct login_pool *pool, const char *user)
{
	static const char *const strangers[] = { "203.0.113.1", "203.0.113.2", "2001:db8::3" };

	for (size_t i = 0; i < count_of(strangers); i++)
		assert_int_equal(try(w, pool, user, "wrong", strangers[i]).outcome, LOGIN_BAD);
}

static void failing_elsewhere_keeps_nobody_out_where_they_logged_in(void **state)
{
	struct world *w = world_open_with("failed_logins = 3\n");
	struct login_pool *pool = login_open();

	(void)state;
	add_account(w, "ada@example.test");
	set_password(w, "ada@example.test", "right");
	const char *ada = "ada@example.test", *home = "192.0.2.1";
	assert_int_equal(try(w, pool, ada, "right", home).outcome, LOGIN_OK);
	fail_elsewhere(w, pool, ada);
	assert_int_equal(try(w, pool, ada, "right", "192.0.2.2").outcome, LOGIN_THROTTLED);
	assert_int_equal(try(w, pool, ada, "right", home).outcome, LOGIN_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(try(w, pool, ada, "wrong", home).outcome, LOGIN_BAD);
	assert_int_equal(try(w, pool, ada, "right", home).outcome, LOGIN_THROTTLED);
	login_close(pool);
	world_close(w);
}

static void whose_password_is_changed_is_at_home_nowhere(void **state)
{
	struct world *w = world_open_with("failed_logins = 3\n");
	struct login_pool *pool = login_open();

	(void)state;
	add_account(w, "ada@example.test");
	set_password(w, "ada@example.test", "stolen");
	assert_int_equal(try(w, pool, "ada@example.test", "stolen", "192.0.2.1").outcome, LOGIN_OK);
	set_password(w, "ada@example.test", "right");
	fail_elsewhere(w, pool, "ada@example.test");
	assert_int_equal(
		try(w, pool, "ada@example.test", "x", "192.0.2.1").outcome, LOGIN_THROTTLED);
	login_close(pool);
	world_close(w);
}

static void a_password_for_the_pages_alone_makes_no_network_familiar(void **state)
{
	struct world *w = world_open_with("failed_logins = 3\n");
	struct login_pool *pool = login_open();

	(void)state;
	add_account(w, "ada@example.test");
	set_password(w, "ada@example.test", "right");
	for (int i = 0; i < 2; i++) /* compared, then recognized */
		assert_int_equal(
			try_at(w, pool, "ada@example.test", "right", "192.0.2.1", true).outcome,
			LOGIN_OK);
	fail_elsewhere(w, pool, "ada@example.test");
	assert_int_equal(try_at(w, pool, "ada@example.test", "right", "192.0.2.1", true).outcome,
		LOGIN_THROTTLED);
	login_close(pool);
	world_close(w);
}

static void networks_are_familiar_for_a_month_or_until_forgotten(void **state)
{
	static struct familiar f;
	enum { ADA = 1, BOB = 2, NOW = 1000 };

	(void)state;
	assert_false(familiar_is(&f, 0, 0, NOW) || familiar_is(&f, ADA, 7, NOW));
	familiar_note(&f, ADA, 7, NOW);
	familiar_note(&f, BOB, 7, NOW);
	assert_true(familiar_is(&f, ADA, 7, NOW) && familiar_is(&f, BOB, 7, NOW));
	assert_false(familiar_is(&f, ADA, 8, NOW) || familiar_is(&f, 0, 7, NOW));
	assert_true(familiar_is(&f, ADA, 7, NOW + FAMILIAR_FOR - 1));
	assert_false(familiar_is(&f, ADA, 7, NOW + FAMILIAR_FOR));
	for (uint64_t i = 1; i < FAMILIAR_WAYS; i++)
		familiar_note(&f, ADA, 7 + i * FAMILIAR_SETS, NOW + (int64_t)i);
	familiar_note(&f, ADA, 7, NOW + 100);
	familiar_note(&f, ADA, 7 + FAMILIAR_WAYS * FAMILIAR_SETS, NOW + 101);
	assert_true(familiar_is(&f, ADA, 7, NOW + 101));
	assert_false(familiar_is(&f, ADA, 7 + FAMILIAR_SETS, NOW + 101)); /* the oldest */
	familiar_forget(&f, ADA);
	assert_false(familiar_is(&f, ADA, 7, NOW + 101));
	assert_true(familiar_is(&f, BOB, 7, NOW + 101));
}

static void a_full_pool_says_so(void **state)
{
	struct world *w = world_open();
	struct login_pool *pool = login_open();
	struct login_question ask = {
		.user = STR("ada@example.test"), .password = STR("x"), .peer = STR("192.0.2.1")
	};
	struct login_decided answer = { 0 };
	int begun = 0;

	(void)state;
	begin(w);
	while (begun < 2 * LOGIN_SLOTS &&
		!login_begin(&w->store, pool, &ask, &ask, &w->arena, &answer))
		begun++;
	commit(w);
	assert_int_equal(answer.outcome, LOGIN_BUSY);
	assert_in_range(begun, LOGIN_SLOTS, 2 * LOGIN_SLOTS - 1);
	login_forget(pool, &ask);
	login_close(pool);
	world_close(w);
}

/* --- application passwords --- */

static struct app_password_answer app_add_with(
	struct world *w, struct str token, const char *name, const struct login_decided *decided)
{
	struct app_password_add_ask ask = { .token = token, .name = str_of(name) };
	struct app_password_answer answer;

	begin(w);
	app_password_add(&w->store, &ask, decided, &w->arena, &answer);
	commit(w);
	return answer;
}

/* By Ada, who proved her password. */
static struct app_password_answer app_add(struct world *w, struct str token, const char *name)
{
	struct login_decided decided = proof(1);

	return app_add_with(w, token, name, &decided);
}

static uint64_t app_remove(struct world *w, struct str token, uint64_t entry)
{
	struct app_password_remove_ask ask = { token, entry };
	struct app_password_answer answer;

	begin(w);
	app_password_remove(&w->store, &ask, &w->arena, &answer);
	commit(w);
	return answer.outcome;
}

static void an_application_password_logs_in_mail_programs_alone(void **state)
{
	struct world *w = world_open();
	struct login_pool *pool = login_open();
	struct str token = log_in(w, 1);
	struct app_password_answer made = app_add(w, token, "phone");

	(void)state;
	assert_int_equal(made.outcome, WEB_OK);
	assert_int_equal(made.password.len, 24);
	assert_int_equal(made.passwords.len, 1);
	const char *password = arena_str(&w->arena, made.password).at;
	struct try in = try(w, pool, "ada@example.test", password, "192.0.2.1");
	assert_int_equal(in.outcome, LOGIN_OK);
	assert_int_equal(in.account, 1);
	assert_true(in.at_once);
	assert_int_equal(try_at(w, pool, "ada@example.test", password, "192.0.2.1", true).outcome,
		LOGIN_BAD);
	assert_int_equal(
		try(w, pool, "bob@example.test", password, "192.0.2.1").outcome, LOGIN_BAD);
	assert_int_equal(
		sql_number(w, "SELECT count(*) FROM app_password WHERE length(hash) = 64"), 1);
	login_close(pool);
	world_close(w);
}

static void a_session_alone_makes_no_application_password(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct login_decided wrong = { .outcome = LOGIN_BAD }, bobs = proof(2), old = proof(1);

	(void)state;
	assert_int_equal(app_add_with(w, token, "phone", &wrong).outcome, WEB_WRONG);
	assert_int_equal(app_add_with(w, token, "phone", &bobs).outcome, WEB_WRONG);
	wrong.account = 1;
	wrong.hash = STR(HASH);
	assert_int_equal(app_add_with(w, token, "phone", &wrong).outcome, WEB_WRONG);
	old.hash = STR("what it was before it was changed");
	struct app_password_answer answer = app_add_with(w, token, "phone", &old);
	assert_int_equal(answer.outcome, WEB_WRONG);
	assert_int_equal(answer.password.len, 0);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM app_password"), 0);
	world_close(w);
}

static void a_removed_application_password_is_none_at_once(void **state)
{
	struct world *w = world_open();
	struct login_pool *pool = login_open();
	struct str token = log_in(w, 1), bob = log_in(w, 2);
	struct app_password_answer made = app_add(w, token, "phone");
	const char *password = arena_str(&w->arena, made.password).at;

	(void)state;
	assert_int_equal(try(w, pool, "ada@example.test", password, "192.0.2.1").outcome, LOGIN_OK);
	assert_int_equal(app_remove(w, bob, made.passwords.at[0].entry), WEB_NOT_FOUND);
	assert_int_equal(try(w, pool, "ada@example.test", password, "192.0.2.1").outcome, LOGIN_OK);
	assert_int_equal(app_remove(w, token, made.passwords.at[0].entry), WEB_OK);
	assert_int_equal(
		try(w, pool, "ada@example.test", password, "192.0.2.1").outcome, LOGIN_BAD);
	login_close(pool);
	world_close(w);
}

static void when_it_was_used_is_written_once_an_hour(void **state)
{
	struct world *w = world_open();
	struct login_pool *pool = login_open();
	struct str token = log_in(w, 1);
	const char *password = arena_str(&w->arena, app_add(w, token, "phone").password).at;

	(void)state;
	try(w, pool, "ada@example.test", password, "192.0.2.1");
	assert_int_equal(sql_number(w, "SELECT used FROM app_password"), 0);
	begin(w);
	app_password_tidy(&w->store);
	commit(w);
	int64_t used = sql_number(w, "SELECT used FROM app_password");
	assert_true(used > clock_wall_ms() - 10 * SECOND);
	try(w, pool, "ada@example.test", password, "192.0.2.1");
	size_t place = 0;
	int64_t number, at;
	assert_false(seen_next(&w->store.app_passwords_seen, &place, &number, &at));
	login_close(pool);
	world_close(w);
}

static void a_name_is_a_line_and_there_are_fifty_at_most(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);

	(void)state;
	assert_int_equal(app_add(w, token, " ").outcome, WEB_INVALID);
	assert_int_equal(app_add(w, token, "a\nb").outcome, WEB_INVALID);
	for (int i = 0; i < APP_PASSWORDS_MAX; i++)
		assert_int_equal(app_add(w, token, "one").outcome, WEB_OK);
	assert_int_equal(app_add(w, token, "more").outcome, WEB_INVALID);
	assert_int_equal(app_add(w, STR("x"), "more").outcome, WEB_NO_SESSION);
	world_close(w);
}

static void behind_a_second_factor_the_password_is_for_the_pages(void **state)
{
	struct world *w = world_open();
	struct login_pool *pool = login_open();

	(void)state;
	set_password(w, "ada@example.test", "right");
	assert_int_equal(try(w, pool, "ada@example.test", "right", "192.0.2.1").outcome, LOGIN_OK);
	assert_int_equal(sqlite3_exec(w->store.db.handle,
				 "INSERT INTO factor VALUES (1, x'00', 1, 0)", NULL, NULL, NULL),
		SQLITE_OK);
	struct try mail = try(w, pool, "ada@example.test", "right", "192.0.2.1");
	assert_int_equal(mail.outcome, LOGIN_BAD);
	assert_false(mail.at_once); /* and it costs what a wrong one costs */
	assert_int_equal(
		try_at(w, pool, "ada@example.test", "right", "192.0.2.1", true).outcome, LOGIN_OK);
	login_close(pool);
	world_close(w);
}

static void a_new_password_has_bounds(void **state)
{
	char text[PASSWORD_MAX + 2];

	(void)state;
	memset(text, 'x', sizeof text);
	assert_true(password_fault(STR("1234567")).len > 0);
	assert_int_equal(password_fault(STR("12345678")).len, 0);
	assert_int_equal(password_fault((struct str){ text, PASSWORD_MAX }).len, 0);
	assert_true(password_fault((struct str){ text, PASSWORD_MAX + 1 }).len > 0);
	assert_true(password_fault(STR("1234567\0")).len > 0);
	assert_true(password_fault(STR("1234567\xff")).len > 0);
}

static void failures_are_counted_per_network_and_forgotten(void **state)
{
	static struct throttle t;
	uint64_t key = throttle_key('p', STR("2001:db8::1"));

	(void)state;
	assert_true(key == throttle_key('p', STR("2001:db8::ffff:2")));
	assert_true(key != throttle_key('p', STR("2001:db8:0:1::1")));
	assert_true(throttle_key('a', STR("x")) != throttle_key('p', STR("x")));
	throttle_failed(&t, key, 1000);
	throttle_failed(&t, key, 2000);
	assert_int_equal(throttle_count(&t, key, 3000), 2);
	assert_int_equal(throttle_count(&t, key, 1000 + THROTTLE_WINDOW), 0);
}

static const char *read_users(struct world *w, const char *path)
{
	struct users_file file = { 61504, 61504 };
	static char text[4096];
	struct why why;

	w->store.db.failure = SQLITE_OK;
	if (!users_file_write(&file, &w->store, &why))
		fail_msg("%s", why.text);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

static void dovecot_finds_application_passwords_by_their_digest(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct app_password_answer made;
	struct stat facts;

	(void)state;
	assert_string_equal(read_users(w, "auth/app-passwords"), "");
	w->store.users_due = false;
	made = app_add(w, token, "phone");
	assert_true(w->store.users_due); /* the loop writes the files */
	struct digest d = digest_of(made.password);
	struct str line = arena_printf(&w->arena, "ada@example.test/%.*s:{SHA256.HEX}%.*s::::::\n",
		STR_ARG(digest_str(&d)), STR_ARG(digest_str(&d)));
	assert_string_equal(read_users(w, "auth/app-passwords"), line.at);
	assert_int_equal(stat("auth/app-passwords", &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0640);
	assert_int_equal(app_remove(w, token, made.passwords.at[0].entry), WEB_OK);
	assert_string_equal(read_users(w, "auth/app-passwords"), "");
	world_close(w);
}

static void dovecot_takes_no_password_behind_a_second_factor(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_int_equal(sqlite3_exec(w->store.db.handle,
				 "INSERT INTO factor VALUES (1, x'00', 1, 0), (2, x'00', 0, 0)",
				 NULL, NULL, NULL),
		SQLITE_OK);
	const char *users = read_users(w, "auth/users");
	assert_non_null(strstr(users, "ada@example.test:{CRYPT}*:"));
	assert_non_null(strstr(users, "bob@example.test:{CRYPT}" HASH ":"));
	world_close(w);
}

static void dovecot_finds_the_accounts(void **state)
{
	struct world *w = world_open();
	struct users_file file = { 61504, 61504 };
	struct stat facts;
	struct why why;
	char text[1024] = "";

	(void)state;
	w->store.db.failure = SQLITE_OK;
	assert_true(users_file_write(&file, &w->store, &why));
	FILE *f = fopen("auth/users", "r");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof text - 1, f) > 0);
	fclose(f);
	assert_non_null(strstr(text, "ada@example.test:{CRYPT}" HASH
				     ":61504:61504::/var/lib/siegel/mail/example.test/ada::\n"));
	assert_int_equal(stat("auth/users", &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0640);
	world_close(w);
}

static int64_t second_of(const char *path)
{
	struct stat facts;

	assert_int_equal(stat(path, &facts), 0);
	return facts.st_mtim.tv_sec;
}

static void dovecot_sees_every_change_though_two_are_of_one_second(void **state)
{
	struct world *w = world_open();
	int64_t users, passwords;

	(void)state;
	for (int i = 0; i < 3; i++) {
		read_users(w, "auth/users");
		users = second_of("auth/users");
		passwords = second_of("auth/app-passwords");
		read_users(w, "auth/users");
		assert_true(second_of("auth/users") > users);
		assert_true(second_of("auth/app-passwords") > passwords);
	}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_and_wrong),
		cmocka_unit_test(an_unknown_user_is_compared_too),
		cmocka_unit_test(a_known_password_is_recognized_until_it_changes),
		cmocka_unit_test(too_many_failures_have_to_wait),
		cmocka_unit_test(failing_elsewhere_keeps_nobody_out_where_they_logged_in),
		cmocka_unit_test(whose_password_is_changed_is_at_home_nowhere),
		cmocka_unit_test(a_password_for_the_pages_alone_makes_no_network_familiar),
		cmocka_unit_test(networks_are_familiar_for_a_month_or_until_forgotten),
		cmocka_unit_test(a_full_pool_says_so),
		cmocka_unit_test(an_application_password_logs_in_mail_programs_alone),
		cmocka_unit_test(a_session_alone_makes_no_application_password),
		cmocka_unit_test(a_removed_application_password_is_none_at_once),
		cmocka_unit_test(when_it_was_used_is_written_once_an_hour),
		cmocka_unit_test(a_name_is_a_line_and_there_are_fifty_at_most),
		cmocka_unit_test(behind_a_second_factor_the_password_is_for_the_pages),
		cmocka_unit_test(a_new_password_has_bounds),
		cmocka_unit_test(failures_are_counted_per_network_and_forgotten),
		cmocka_unit_test(dovecot_finds_the_accounts),
		cmocka_unit_test(dovecot_finds_application_passwords_by_their_digest),
		cmocka_unit_test(dovecot_takes_no_password_behind_a_second_factor),
		cmocka_unit_test(dovecot_sees_every_change_though_two_are_of_one_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
