/* SPDX-License-Identifier: ISC
 *
 * test_ctl.c - the command line: words become requests, every command explains itself with an
 * example, and what peers sent can't move the operator's cursor.
 */
#include "base/must.h"
#include "ctl/account.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/password.h"
#include "ctl/receipt.h"
#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS_MAX = 12 };

/* The request that a command line means; its words are separated by blanks. */
static bool parse(const char *line, struct request *request, struct buf *error)
{
	static char words[500];
	char *argv[WORDS_MAX] = { "siegel" }, *rest = words;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(rest, " ", &rest); word; word = strtok_r(rest, " ", &rest))
		argv[argc++] = word;
	buf_clear(error);
	return request_parse(argc, argv, request, error);
}

static struct request understood(const char *line)
{
	struct buf error = BUF(1000);
	struct request request;

	if (!parse(line, &request, &error))
		fail_msg("%s: %.*s", line, STR_ARG(buf_str(&error)));
	return request;
}

static void refused(const char *line, const char *words)
{
	struct buf error = BUF(1000);
	struct request request;

	assert_false(parse(line, &request, &error));
	must(buf_add_char(&error, 0));
	assert_string_equal(error.at, words);
	buf_free(&error);
}

static void words_become_requests(void **state)
{
	struct request r = understood("user add ada@example.org --language de");

	(void)state;
	assert_string_equal(r.command->words, "user add");
	assert_int_equal(r.n, 1);
	assert_string_equal(r.arguments[0], "ada@example.org");
	assert_string_equal(r.language, "de");
	assert_null(r.json);
	r = understood("--json -f /x/y queue retry all bob@example.net");
	assert_string_equal(r.command->words, "queue retry");
	assert_string_equal(r.arguments[1], "bob@example.net");
	assert_string_equal(r.file, "/x/y");
	assert_non_null(r.json);
	r = understood("status --file=/a");
	assert_string_equal(r.command->words, "status");
	assert_string_equal(r.file, "/a");
	r = understood("queue list --limit 5");
	assert_string_equal(r.limit, "5");
	r = understood("user remove -- -odd@example.org");
	assert_string_equal(r.arguments[0], "-odd@example.org");
}

static void help_is_given_wherever_it_is_asked(void **state)
{
	(void)state;
	assert_non_null(understood("help").help);
	assert_non_null(understood("-h").help);
	assert_string_equal(understood("user add --help").command->words, "user add");
	assert_string_equal(understood("help queue show").command->words, "queue show");
	assert_string_equal(understood("user --help").group, "user");
	assert_string_equal(understood("help alias").group, "alias");
	assert_null(understood("--help").group);
}

static void wrong_command_lines_are_refused_with_what_would_be_right(void **state)
{
	static const char *const usage =
		"usage: siegel [-f FILE] [--json] "
		"user|alias|queue|receipt|notices|check|certificate|status|policy|config|manual "
		"...\nsiegel --help tells more.\n";

	(void)state;
	refused("", usage);
	refused("--json", usage);
	refused("foo --help", "siegel: no command foo; siegel --help lists them\n");
	refused("foo", "siegel: no command foo; siegel --help lists them\n");
	refused("user", "siegel: user what; add, list, passwd, admin, factor, language, remove "
			"would be right\n");
	refused("user make a", "siegel: user what; add, list, passwd, admin, factor, "
			       "language, remove would be right\n");
	refused("user add", "usage: siegel user add ADDRESS\n");
	refused("user list x", "usage: siegel user list\n");
	refused("status x", "usage: siegel status\n");
	refused("user list --nonsense", "siegel: no option --nonsense; siegel --help lists them\n");
	refused("user list --json=1", "siegel: no value belongs to --json=1; leave it away\n");
	refused("user list -f", "siegel: nothing follows -f; FILE\n");
	refused("status --limit 3", "siegel: status; it takes no such option\n");
	refused("a b c d e f g", "siegel: too many words from f; siegel --help\n");
}

static void an_empty_argument_is_never_taken_for_everything(void **state)
{
	static char *lines[][6] = {
		{ "siegel", "queue", "drop", "", NULL },
		{ "siegel", "queue", "drop", "00064f2a91c3b7e5", "", NULL },
		{ "siegel", "receipt", "export", "", NULL },
		{ "siegel", "receipt", "show", "", NULL },
		{ "siegel", "certificate", "remove", "example.net", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < count_of(lines); i++) {
		struct buf error = BUF(1000);
		struct request request;
		int argc = 0;

		while (lines[i][argc])
			argc++;
		assert_false(request_parse(argc, lines[i], &request, &error));
		must(buf_add_char(&error, 0));
		assert_non_null(strstr(error.at, "; an argument is empty\n"));
		buf_free(&error);
	}
}

static void every_command_explains_itself_with_an_example(void **state)
{
	struct buf all = BUF(65536), one = BUF(65536);

	(void)state;
	command_help(&(struct request){ .command = NULL }, &all);
	for (size_t i = 0; i < commands_n; i++) {
		char begin[100];

		snprintf(begin, sizeof(begin), "siegel %s", commands[i].words);
		assert_non_null(commands[i].examples[0]);
		for (size_t j = 0; j < 2 && commands[i].examples[j]; j++)
			assert_non_null(strstr(commands[i].examples[j], commands[i].words));
		assert_true(str_find_str(buf_str(&all), str_of(commands[i].words)) < all.len);
		buf_clear(&one);
		command_help(&(struct request){ .command = &commands[i] }, &one);
		assert_true(str_starts(buf_str(&one), str_of(begin)));
		assert_true(str_find_str(buf_str(&one), STR("Examples:")) < one.len);
		assert_true(commands[i].most <= ARGUMENTS_MAX);
	}
	buf_free(&all);
	buf_free(&one);
}

static void the_help_of_a_group_is_about_its_commands_alone(void **state)
{
	struct request request = understood("user --help");
	struct buf text = BUF(65536);

	(void)state;
	command_help(&request, &text);
	for (size_t i = 0; i < commands_n; i++) {
		bool shown = str_find_str(buf_str(&text), str_of(commands[i].words)) < text.len;

		assert_int_equal(shown, !strncmp(commands[i].words, "user ", 5));
	}
	buf_free(&text);
}

static void no_command_hides_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < commands_n; i++) {
		char line[200];

		snprintf(line, sizeof(line), "%s --help", commands[i].words);
		assert_string_equal(understood(line).command->words, commands[i].words);
	}
}

static void the_manual_is_current(void **state)
{
	struct buf manual = BUF(65536), exits = BUF(65536), page = BUF(1 << 20);
	FILE *file = fopen("doc/siegel.1", "r");
	char *room = buf_reserve(&page, 1 << 19);

	(void)state;
	if (!file)
		fail_msg("doc/siegel.1 is not there (tests run in the root of the source)");
	page.len = fread(room, 1, 1 << 19, file);
	fclose(file);
	command_manual(&manual);
	command_manual_exits(&exits);
	if (str_find_str(buf_str(&page), buf_str(&manual)) == page.len ||
		str_find_str(buf_str(&page), buf_str(&exits)) == page.len)
		fail_msg("scripts/manual");
	buf_free(&manual);
	buf_free(&exits);
	buf_free(&page);
}

static void columns_are_aligned(void **state)
{
	struct columns c;
	struct buf text = BUF(1000);

	(void)state;
	columns_begin(&c, "A|LONG|C");
	columns_add(&c, STR("first"));
	columns_add(&c, STR("j\xc3\xb6rg"));
	columns_add(&c, STR("x"));
	columns_printf(&c, "%d", 7);
	columns_add(&c, STR(""));
	columns_add(&c, STR(""));
	columns_end(&c, "  ", &text);
	must(buf_add_char(&text, 0));
	assert_string_equal(text.at, "  A      LONG  C\n  first  j\xc3\xb6rg  x\n  7\n");
	buf_free(&text);
}

static void what_peers_sent_does_not_move_the_cursor(void **state)
{
	const struct {
		struct str sent;
		const char *shown;
	} cases[] = {
		{ STR("plain"), "plain" },
		{ STR("a\x1b[2Jb"), "a?[2Jb" },
		{ STR("a\r\nb\tc"), "a??b?c" },
		{ STR("\xc2\x9b"
		      "2J"),
			"?2J" },
		{ STR("\xc3\xa4\xc2\xa0"), "\xc3\xa4\xc2\xa0" },
		{ STR("\xff\xe4x"), "??x" },
		{ STR("a\0b\x7f"), "a?b?" },
	};

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++) {
		struct buf text = BUF(100);

		add_visible(&text, cases[i].sent);
		must(buf_add_char(&text, 0));
		assert_string_equal(text.at, cases[i].shown);
		buf_free(&text);
	}
}

static void json_takes_any_bytes(void **state)
{
	json_t *value = json_text(STR("a\xff\"\x01"));

	(void)state;
	assert_string_equal(json_string_value(value), "a?\"\x01");
	json_decref(value);
	value = json_text((struct str){ NULL, 0 });
	assert_string_equal(json_string_value(value), "");
	json_decref(value);
	value = json_time(0);
	assert_true(json_is_null(value));
	json_decref(value);
	value = json_time(1000);
	assert_string_equal(json_string_value(value), "1970-01-01T00:00:01Z");
	json_decref(value);
}

static void json_does_not_move_the_cursor(void **state)
{
	struct ctl ctl = { .out = BUF(1000) };

	(void)state;
	ctl_json(&ctl, json_pack("[o]", json_text(STR("\x1b \x7f \xc2\x9b"
						      "31m \xc2\xa0 \xc3\xa4"))));
	must(buf_add_char(&ctl.out, 0));
	assert_string_equal(
		ctl.out.at, "[\n  \"\\u001B \\u007f \\u009b31m \xc2\xa0 \xc3\xa4\"\n]\n");
	ctl_free(&ctl);
}

static void a_connection_in_clear_was_in_order_although(void **state)
{
	struct buf text = BUF(10000);
	json_t *records = json_loads(
		"[{\"record\":1,\"kind\":\"attempt\",\"attempts\":[{\"host\":\"mx.a.test\","
		"\"address\":\"192.0.2.1\",\"port\":25,\"verdict\":\"accepted\","
		"\"reason\":\"starttls-not-supported\"}]}]",
		0, NULL);

	(void)state;
	receipt_print(&text, STR("1"), records, LANGUAGE_EN);
	must(buf_add_char(&text, 0));
	assert_non_null(strstr(text.at, "in order, although the receiving mail server offers no "));
	buf_free(&text);
	json_decref(records);
}

static void an_account_in_json_has_its_deadline_in_seconds(void **state)
{
	struct settings settings = { .deadline = 4 * HOUR };
	struct ctl ctl = { .settings = &settings };
	struct user user = { .address = STR("ada@example.org"),
		.alias = STR("ada@secure.example.org"),
		.active = 1,
		.level = 1,
		.language = 1 };
	json_t *value = account_json(&ctl, &user);
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	(void)state;
	assert_string_equal(text,
		"{\"active\":true,\"address\":\"ada@example.org\",\"admin\":false,\"alias\":"
		"\"ada@secure.example.org\",\"deadline_seconds\":14400,\"language\":\"de\","
		"\"level\":\"encrypt\",\"second_factor\":false}");
	free(text);
	json_decref(value);
}

static void refusals_say_why_and_end_with_one(void **state)
{
	struct ctl ctl = { .err = BUF(1000) };

	(void)state;
	assert_int_equal(
		ctl_refused(&ctl, CTL_INVALID, STR("opportunistic is no level of an alias")), 1);
	assert_int_equal(ctl_refused(&ctl, CTL_NOT_FOUND, STR("")), 1);
	assert_int_equal(ctl_refused(&ctl, 99, STR("")), 1);
	must(buf_add_char(&ctl.err, 0));
	assert_string_equal(ctl.err.at, "siegel: opportunistic is no level of an alias\n"
					"siegel: there is no such account or message\n"
					"siegel: no\n");
	buf_free(&ctl.err);
}

static void a_password_is_stored_as_a_yescrypt_hash_that_fits_it(void **state)
{
	struct buf one = BUF(1000), two = BUF(1000);
	struct why why;

	(void)state;
	assert_true(password_hash(STR("correct horse"), &one, &why));
	assert_true(password_hash(STR("correct horse"), &two, &why));
	assert_true(str_starts(buf_str(&one), STR("$y$")));
	assert_false(str_eq(buf_str(&one), buf_str(&two)));
	assert_true(password_is_hash(buf_str(&one), &why));
	must(buf_add_char(&one, 0));
	assert_string_equal(crypt("correct horse", one.at), one.at);
	assert_string_not_equal(crypt("wrong horse", one.at), one.at);
	buf_free(&one);
	buf_free(&two);
}

static void what_is_no_hash_is_not_taken_for_one(void **state)
{
	static const char *const wrong[] = { "", "secret", "$", "$nonsense$x", "$y$j9T$a b",
		"$6$a:b", "$6$a\nb" };
	struct why why;

	(void)state;
	for (size_t i = 0; i < count_of(wrong); i++)
		assert_false(password_is_hash(str_of(wrong[i]), &why));
	assert_true(password_is_hash(
		STR("$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc."
		    "eoxqOmSuNp2xS0ktL3nh/"),
		&why));
}

/* The password that a program's input gives. */
static enum exit_status from_input(const char *input, struct buf *password, struct why *why)
{
	int ends[2], before = dup(STDIN_FILENO);
	enum exit_status status;

	must(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
	must(write(ends[1], input, strlen(input)) == (ssize_t)strlen(input));
	close(ends[0]);
	close(ends[1]);
	status = password_read(true, "ada", password, why);
	must(dup2(before, STDIN_FILENO) == STDIN_FILENO);
	close(before);
	return status;
}

static void a_password_is_one_line_of_input(void **state)
{
	char long_line[PASSWORD_MAX + 3];
	struct buf password = BUF(PASSWORD_MAX);
	struct why why;

	(void)state;
	assert_int_equal(from_input("two words \nrest\n", &password, &why), EXIT_DONE);
	assert_true(str_eq(buf_str(&password), STR("two words ")));
	password_wipe(&password);
	assert_int_equal(from_input("no end", &password, &why), EXIT_DONE);
	assert_true(str_eq(buf_str(&password), STR("no end")));
	password_wipe(&password);
	assert_int_equal(from_input("\n", &password, &why), EXIT_USAGE);
	password_wipe(&password);
	assert_int_equal(from_input("", &password, &why), EXIT_USAGE);
	password_wipe(&password);
	memset(long_line, 'x', sizeof(long_line));
	long_line[PASSWORD_MAX] = '\n';
	long_line[PASSWORD_MAX + 1] = '\0';
	assert_int_equal(from_input(long_line, &password, &why), EXIT_DONE);
	assert_int_equal(password.len, PASSWORD_MAX);
	password_wipe(&password);
	long_line[PASSWORD_MAX] = 'x';
	long_line[PASSWORD_MAX + 1] = '\n';
	long_line[PASSWORD_MAX + 2] = '\0';
	assert_int_equal(from_input(long_line, &password, &why), EXIT_USAGE);
	password_wipe(&password);
}

static void spans_are_said_as_people_say_them(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = { { 0, "0 s" }, { -5, "0 s" }, { 45 * SECOND, "45 s" },
		{ 12 * MINUTE, "12 min" }, { 4 * HOUR, "4 h" }, { 5 * (int64_t)DAY, "5 d" } };

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++) {
		struct buf text = BUF(100);

		add_span(&text, cases[i].ms);
		must(buf_add_char(&text, 0));
		assert_string_equal(text.at, cases[i].text);
		buf_free(&text);
	}
}

static void sizes_are_said_as_people_say_them(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = { { 0, "0 bytes" }, { 1023, "1023 bytes" }, { 1024, "1.0 KiB" },
		{ 10190, "10 KiB" }, { 67108864, "64 MiB" }, { 1048575, "1.0 MiB" },
		{ 1610612736, "1.5 GiB" }, { UINT64_MAX, "16777216 TiB" } };

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++) {
		struct buf text = BUF(100);

		add_size(&text, cases[i].bytes);
		must(buf_add_char(&text, 0));
		assert_string_equal(text.at, cases[i].text);
		buf_free(&text);
	}
}

static void figures_are_shown_as_what_they_are(void **state)
{
	struct buf text = BUF(1000);

	(void)state;
	add_figure(&text, STR("started"), 1000);
	add_figure(&text, STR("disk_free"), 1 << 20);
	add_figure(&text, STR("accounts"), 1 << 20);
	must(buf_add_char(&text, 0));
	assert_string_equal(text.at, "1970-01-01T00:00:01Z1.0 MiB1048576");
	buf_free(&text);
}

/* What a command leaves behind, the leak sanitizer finds at the end. */
static void a_command_frees_what_it_read(void **state)
{
	char path[] = "/tmp/test_ctl.XXXXXX";
	int fd = mkstemp(path);
	struct str text = STR("host_name = \"mx.a.test\"\nstate_directory = \"/tmp\"\n"
			      "ca_file = \"\"\ntrust_anchor_file = \"\"\n"
			      "domain \"a.test\" { secure = \"s.a.test\" }\n");
	struct ctl ctl = { .arena = ARENA(1000), .out = BUF(65536), .err = BUF(65536) };

	(void)state;
	must(write(fd, text.at, text.len) == (ssize_t)text.len);
	ctl.request.file = path;
	assert_int_equal(run_config_check(&ctl), EXIT_DONE);
	ctl_free(&ctl);
	assert_null(ctl.settings);
	assert_int_equal(run_config_show(&ctl), EXIT_DONE);
	ctl_free(&ctl);
	close(fd);
	unlink(path);
	assert_int_equal(run_config_check(&ctl), EXIT_USAGE);
	must(buf_add_char(&ctl.err, 0));
	assert_ptr_equal(strstr(ctl.err.at, "siegel: /tmp/test_ctl."), ctl.err.at);
	ctl_free(&ctl);
}

static void what_has_no_end_is_not_read_as_a_receipt(void **state)
{
	static char *const paths[] = { "/dev/null", "/dev/zero", "/dev/urandom", "/" };

	(void)state;
	for (size_t i = 0; i < count_of(paths); i++) {
		char *argv[] = { "siegel", "-f", "/dev/null", "receipt", "verify", paths[i] };
		struct ctl ctl = { .arena = ARENA(1000), .out = BUF(65536), .err = BUF(65536) };

		assert_true(request_parse(count_of(argv), argv, &ctl.request, &ctl.err));
		assert_int_equal(run_receipt_verify(&ctl), EXIT_USAGE);
		assert_int_equal(ctl.out.len, 0);
		assert_true(ctl.err.len > 0);
		ctl_free(&ctl);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_requests),
		cmocka_unit_test(help_is_given_wherever_it_is_asked),
		cmocka_unit_test(wrong_command_lines_are_refused_with_what_would_be_right),
		cmocka_unit_test(an_empty_argument_is_never_taken_for_everything),
		cmocka_unit_test(every_command_explains_itself_with_an_example),
		cmocka_unit_test(the_help_of_a_group_is_about_its_commands_alone),
		cmocka_unit_test(no_command_hides_another),
		cmocka_unit_test(the_manual_is_current),
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(what_peers_sent_does_not_move_the_cursor),
		cmocka_unit_test(json_takes_any_bytes),
		cmocka_unit_test(json_does_not_move_the_cursor),
		cmocka_unit_test(a_connection_in_clear_was_in_order_although),
		cmocka_unit_test(an_account_in_json_has_its_deadline_in_seconds),
		cmocka_unit_test(refusals_say_why_and_end_with_one),
		cmocka_unit_test(a_password_is_stored_as_a_yescrypt_hash_that_fits_it),
		cmocka_unit_test(what_is_no_hash_is_not_taken_for_one),
		cmocka_unit_test(a_password_is_one_line_of_input),
		cmocka_unit_test(spans_are_said_as_people_say_them),
		cmocka_unit_test(sizes_are_said_as_people_say_them),
		cmocka_unit_test(figures_are_shown_as_what_they_are),
		cmocka_unit_test(a_command_frees_what_it_read),
		cmocka_unit_test(what_has_no_end_is_not_read_as_a_receipt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
