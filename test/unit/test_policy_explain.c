/* SPDX-License-Identifier: ISC
 *
 * test_policy_explain.c - `siegel policy explain` says what the policy module decides, in both
 * languages, for people and for programs, and answers a wrong word with the right ones.
 */
#include "ctl/ctl.h"
#include "mail/policy_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What the command says, its words separated by blanks. */
static enum exit_status explain(const char *line, struct ctl *ctl)
{
	static char words[500];
	char *argv[12] = { "siegel", "policy", "explain" }, *rest = words;
	int argc = 3;

	ctl_free(ctl);
	*ctl = (struct ctl){ .arena = ARENA(1 << 16), .out = BUF(1 << 20), .err = BUF(1 << 16) };
	assert_true(strlen(line) < sizeof words);
	memcpy(words, line, strlen(line) + 1);
	for (char *word = strtok_r(rest, " ", &rest); word; word = strtok_r(rest, " ", &rest))
		argv[argc++] = word;
	assert_true(request_parse(argc, argv, &ctl->request, &ctl->err));
	return ctl->request.command->run(ctl);
}

static void says(const char *line, const char *text)
{
	struct ctl ctl = { 0 };

	assert_int_equal(explain(line, &ctl), EXIT_DONE);
	if (str_find_str(buf_str(&ctl.out), str_of(text)) == ctl.out.len)
		fail_msg("%s: no \"%s\" in: %.*s", line, text, STR_ARG(buf_str(&ctl.out)));
	ctl_free(&ctl);
}

static void refuses(const char *line, const char *text)
{
	struct ctl ctl = { 0 };

	assert_int_equal(explain(line, &ctl), EXIT_USAGE);
	assert_true(str_starts(buf_str(&ctl.err), str_of(text)));
	assert_int_equal(ctl.out.len, 0);
	ctl_free(&ctl);
}

static void it_says_the_row_the_verdict_and_why_in_both_languages(void **state)
{
	(void)state;
	says("--level secure --facts tlsa=none,sts=absent,ca=expired",
		"tls+auth: mx=validated host=validated address=found tlsa=none sts=absent "
		"literal=no "
		"resolver=healthy shows=secured ca=expired -> refused certificate-expired\n");
	says("--level secure --facts tlsa=none,sts=absent,ca=expired",
		"\nVerdict: refused, certificate-expired (5.7.5)\n  The message is not sent to "
		"this host, "
		"because the receiving server's certificate has expired.\n");
	says("--level secure --facts tlsa=none,sts=absent,ca=expired",
		"\nUrteil: refused, certificate-expired (5.7.5)\n  Die Nachricht wird an diesen "
		"Server "
		"nicht gesendet, weil das Zertifikat des empfangenden Servers abgelaufen ist.\n");
	says("--facts shows=no-starttls --language de",
		"\nWas eine andere Tatsache ändern würde:\n");
	says("--level dane-only --language en", "Proven by: dane.");
	says("--level dane-only --facts mx=unvalidated", "no connection is made");
	says("--level opportunistic --facts tlsa=none,sts=unknown,shows=starttls-5xx",
		"-> plaintext starttls-not-supported\n");
	says("--level tls+pinned+auth --facts pin=none", "-> refused no-stored-certificate\n");
	says("--level opportunistic --facts tlsa=none,sts=absent,shows=no-starttls",
		"  tlsa=unusable|usable -> unknown starttls-not-supported\n");
}

static void a_program_gets_the_same_in_json(void **state)
{
	struct ctl ctl = { 0 };

	(void)state;
	assert_int_equal(explain("--level verify --facts pin-shows=fails --json", &ctl), EXIT_DONE);
	json_t *value = json_loadb(ctl.out.at, ctl.out.len, 0, NULL);
	assert_non_null(value);
	assert_string_equal(json_string_value(json_object_get(value, "verdict")), "refused");
	assert_string_equal(
		json_string_value(json_object_get(value, "reason")), "stored-certificate-mismatch");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(value, "rests_on"), "pin-shows")),
		"fails");
	assert_true(json_is_true(json_object_get(value, "connects")));
	json_decref(value);
	ctl_free(&ctl);
}

static void a_wrong_word_is_answered_with_the_right_ones(void **state)
{
	(void)state;
	refuses("--facts tlsa=maybe", "siegel: tlsa can't be \"maybe\"; not-looked-up, none,");
	refuses("--facts weather=fine", "siegel: there is no fact \"weather\"; mx, host, address,");
	refuses("--facts tlsa", "siegel: tlsa can't be \"\";");
	refuses("--level strict", "siegel: no level \"strict\"; opportunistic, encrypt, secure,");
	refuses("--language fr", "siegel: no language \"fr\"; en or de would be right");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_the_row_the_verdict_and_why_in_both_languages),
		cmocka_unit_test(a_program_gets_the_same_in_json),
		cmocka_unit_test(a_wrong_word_is_answered_with_the_right_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
