/* SPDX-License-Identifier: ISC
 *
 * test_store_factor.c - the second factor: codes by RFC 6238, each of which counts once; recovery
 * codes; and that nobody guesses on.
 */
#include "store_session.h"

#include "store/factor.h"
#include "store/secret.h"
#include "store/totp.h"

static int64_t step_now(struct world *w)
{
	return w->store.now / TOTP_STEP;
}

static struct str secret_of(struct world *w, int64_t account)
{
	sqlite3_stmt *s = ASK(&w->store.db, FACTOR, as_number(account));

	w->store.db.failure = SQLITE_OK;
	assert_true(row(&w->store.db, s));
	struct str secret = row_copy(s, 0, &w->arena);
	row_end(s);
	return secret;
}

static const char *code_of(struct world *w, int64_t account, int64_t step)
{
	return arena_printf(&w->arena, "%06u", totp_code(secret_of(w, account), step)).at;
}

static struct factor_answer prepare(struct world *w, struct str token)
{
	struct factor_answer answer;

	begin(w);
	factor_begin(&w->store, &(struct token_ask){ token }, &w->arena, &answer);
	commit(w);
	return answer;
}

static struct factor_answer set_with(struct world *w, struct str token, bool on, const char *code,
	const struct login_decided *decided)
{
	struct factor_set_ask ask = { .token = token, .on = on, .code = str_of(code) };
	struct factor_answer answer;

	begin(w);
	factor_set(&w->store, &ask, decided, &w->arena, &answer);
	commit(w);
	return answer;
}

/* By Ada, who proved her password. */
static struct factor_answer set(struct world *w, struct str token, bool on, const char *code)
{
	struct login_decided decided = proof(1);

	return set_with(w, token, on, code, &decided);
}

/* Ada has a second factor, proved with the code of the step before now. */
static struct factor_answer switch_on(struct world *w, struct str token)
{
	assert_int_equal(prepare(w, token).outcome, WEB_OK);
	struct factor_answer answer = set(w, token, true, code_of(w, 1, step_now(w) - 1));
	assert_int_equal(answer.outcome, WEB_OK);
	return answer;
}

static uint64_t enter(struct world *w, const char *code)
{
	return log_in_with(w, 1, code, "").outcome;
}

static void codes_are_those_of_the_rfc(void **state)
{
	/* RFC 6238 appendix B, SHA-1, the last six of eight digits. */
	static const struct {
		int64_t seconds;
		uint32_t code;
	} vectors[] = { { 59, 287082 }, { 1111111109, 81804 }, { 1111111111, 50471 },
		{ 1234567890, 5924 }, { 2000000000, 279037 }, { 20000000000, 353130 } };

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
		assert_int_equal(totp_code(STR("12345678901234567890"), vectors[i].seconds / 30),
			vectors[i].code);
}

static void a_secret_is_base32_in_a_uri(void **state)
{
	struct arena arena = ARENA(65536);
	struct str secret = STR("12345678901234567890");

	(void)state;
	assert_true(str_eq(totp_base32(&arena, secret), STR("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")));
	assert_true(
		str_eq(totp_uri(&arena, STR("mx.example.test"), STR("ada@example.test"), secret),
			STR("otpauth://totp/mx.example.test:ada%40example.test"
			    "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=mx.example.test")));
	arena_free(&arena);
}

static void a_clock_may_be_one_step_off(void **state)
{
	struct arena arena = ARENA(65536);
	struct str secret = STR("12345678901234567890");
	int64_t now = 1000 * (int64_t)TOTP_STEP + 17, step;

	(void)state;
	for (int64_t off = -3; off <= 3; off++) {
		struct str code = arena_printf(&arena, "%06u", totp_code(secret, 1000 + off));
		bool near = off >= -1 && off <= 1;
		assert_int_equal(totp_is_right(secret, code, now, 0, &step), near);
		if (near)
			assert_int_equal(step, 1000 + off);
	}
	arena_free(&arena);
}

static void without_it_no_code_is_asked_for(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_int_equal(enter(w, ""), WEB_OK);
	struct str token = log_in(w, 1);
	assert_int_equal(prepare(w, token).outcome, WEB_OK);
	assert_int_equal(enter(w, ""), WEB_OK); /* begun is not on */
	world_close(w);
}

static void with_it_the_password_is_not_enough(void **state)
{
	struct world *w = world_open();

	(void)state;
	struct str token = log_in(w, 1);
	struct factor_answer on = switch_on(w, token);
	assert_int_equal(on.recovery.len, 10);
	assert_int_equal(prepare(w, token).outcome, WEB_EXISTS);
	assert_int_equal(enter(w, ""), WEB_NEEDS_CODE);
	assert_int_equal(enter(w, "12345"), WEB_WRONG);
	assert_int_equal(enter(w, code_of(w, 1, step_now(w) - 2)), WEB_WRONG);
	int64_t sessions = sql_number(w, "SELECT count(*) FROM session");
	assert_int_equal(enter(w, code_of(w, 1, step_now(w))), WEB_OK);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM session"), sessions + 1);
	assert_int_equal(log_in_with(w, 2, "", "").outcome, WEB_OK); /* Bob's affair it is not */
	world_close(w);
}

static void a_code_counts_once(void **state)
{
	struct world *w = world_open();

	(void)state;
	switch_on(w, log_in(w, 1));
	int64_t step = step_now(w);
	assert_int_equal(enter(w, code_of(w, 1, step - 1)), WEB_WRONG); /* it switched it on */
	const char *code = code_of(w, 1, step);
	assert_int_equal(enter(w, code), WEB_OK);
	assert_int_equal(enter(w, code), WEB_WRONG);
	world_crash(w);
	assert_int_equal(enter(w, code), WEB_WRONG);
	assert_int_equal(enter(w, code_of(w, 1, step + 1)), WEB_OK);
	world_close(w);
}

static void a_code_whose_session_was_not_committed_counts_again(void **state)
{
	struct world *w = world_open();
	struct session_answer answer;
	struct login_decided decided = proof(1);

	(void)state;
	switch_on(w, log_in(w, 1));
	struct session_begin_ask ask = { .code = str_of(code_of(w, 1, step_now(w))) };
	begin(w);
	session_begin(&w->store, &ask, &decided, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	world_crash(w);
	assert_false(is_in(w, answer.token));
	begin(w);
	session_begin(&w->store, &ask, &decided, &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, WEB_OK);
	world_close(w);
}

static void a_recovery_code_counts_once_however_it_is_typed(void **state)
{
	struct world *w = world_open();
	struct factor_answer on = switch_on(w, log_in(w, 1));
	char loud[64];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < on.recovery.at[0].text.len; i++) {
		char c = on.recovery.at[0].text.at[i];
		loud[n++] = c == '-' ? ' ' : c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
	}
	loud[n] = '\0';
	assert_int_equal(enter(w, loud), WEB_OK);
	assert_int_equal(enter(w, on.recovery.at[0].text.at), WEB_WRONG);
	assert_int_equal(enter(w, on.recovery.at[1].text.at), WEB_OK);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM recovery_code"), 8);
	world_close(w);
}

static void anothers_recovery_code_is_none(void **state)
{
	struct world *w = world_open();
	struct str bobs = log_in(w, 2);
	struct login_decided bob = proof(2);
	struct factor_answer on = switch_on(w, log_in(w, 1));

	(void)state;
	assert_int_equal(prepare(w, bobs).outcome, WEB_OK);
	assert_int_equal(set_with(w, bobs, true, code_of(w, 2, step_now(w)), &bob).outcome, WEB_OK);
	assert_int_equal(log_in_with(w, 2, on.recovery.at[0].text.at, "").outcome, WEB_WRONG);
	assert_int_equal(enter(w, on.recovery.at[0].text.at), WEB_OK);
	world_close(w);
}

static void guessing_codes_has_to_wait(void **state)
{
	struct world *w = world_open_with("failed_logins = 3\n");

	(void)state;
	add_account(w, "ada@example.test");
	switch_on(w, log_in(w, 1));
	for (int i = 0; i < 3; i++)
		assert_int_equal(enter(w, "xxxx"), WEB_WRONG);
	struct session_answer answer = log_in_with(w, 1, code_of(w, 1, step_now(w)), "");
	assert_int_equal(answer.outcome, WEB_THROTTLED);
	assert_in_range(answer.retry_after, 1, 900);
	world_close(w);
}

static void it_goes_off_with_the_password_alone(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct login_decided no_proof = { .outcome = LOGIN_BAD }, bobs = proof(2);

	(void)state;
	switch_on(w, token);
	assert_int_equal(set_with(w, token, false, "", &no_proof).outcome, WEB_WRONG);
	assert_int_equal(set_with(w, token, false, "", &bobs).outcome, WEB_WRONG);
	assert_true(factor_is_on(&w->store, 1));
	assert_int_equal(set(w, token, false, "").outcome, WEB_OK);
	assert_int_equal(enter(w, ""), WEB_OK);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM recovery_code"), 0);
	world_close(w);
}

static void it_goes_on_with_password_and_code(void **state)
{
	struct world *w = world_open();
	struct str token = log_in(w, 1);
	struct login_decided no_proof = { .outcome = LOGIN_BAD };

	(void)state;
	assert_int_equal(set(w, token, true, "123456").outcome, WEB_INVALID);
	prepare(w, token);
	assert_int_equal(set(w, token, true, "").outcome, WEB_INVALID);
	const char *code = code_of(w, 1, step_now(w));
	assert_int_equal(set_with(w, token, true, code, &no_proof).outcome, WEB_WRONG);
	assert_int_equal(enter(w, ""), WEB_OK);
	assert_int_equal(set(w, STR("x"), true, "").outcome, WEB_NO_SESSION);
	assert_int_equal(set(w, token, true, code).outcome, WEB_OK);
	world_close(w);
}

static void no_two_secrets_are_alike(void **state)
{
	struct arena arena = ARENA(65536);
	struct str a = secret_letters(&arena, 5), b = secret_letters(&arena, 5);

	(void)state;
	assert_int_equal(a.len, 24);
	assert_int_equal(a.at[4], '-');
	assert_false(str_eq(a, b));
	assert_false(str_eq(totp_secret(&arena), totp_secret(&arena)));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_the_rfc),
		cmocka_unit_test(a_secret_is_base32_in_a_uri),
		cmocka_unit_test(a_clock_may_be_one_step_off),
		cmocka_unit_test(without_it_no_code_is_asked_for),
		cmocka_unit_test(with_it_the_password_is_not_enough),
		cmocka_unit_test(a_code_counts_once),
		cmocka_unit_test(a_code_whose_session_was_not_committed_counts_again),
		cmocka_unit_test(a_recovery_code_counts_once_however_it_is_typed),
		cmocka_unit_test(anothers_recovery_code_is_none),
		cmocka_unit_test(guessing_codes_has_to_wait),
		cmocka_unit_test(it_goes_off_with_the_password_alone),
		cmocka_unit_test(it_goes_on_with_password_and_code),
		cmocka_unit_test(no_two_secrets_are_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
