/* SPDX-License-Identifier: ISC
 *
 * test_policy_table.c - the code against the truth table that test/policy/truth works out from the
 * text of policy.md: verdict, reason and permit of every row, for the row's set of demands with and
 * without `tls` named, and with every word of every fact that the row says does not matter.
 */
#include "mail/policy_words.h"

#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FEWEST_ROWS = 5000, SETS_N = 17, FAULTS_SHOWN = 20 };

/* What a row says; a fact whose bit is not in `named` does not matter. */
struct row {
	const char *file;
	unsigned line;
	struct policy_case facts;
	uint32_t named;
	struct str verdict, reason;
};

static size_t rows_n, worlds_n, faults_n;

static const char *verdict_word(bool plain, enum verdict verdict)
{
	static const char *const words[] = { "accepted", "unknown", "refused" };

	return plain && verdict == VERDICT_ACCEPTED ? "plaintext" : words[verdict];
}

static void show(
	const struct row *row, const struct policy_case *c, const char *verdict, enum reason reason)
{
	if (faults_n++ >= FAULTS_SHOWN)
		return;
	print_error(
		"%s:%u: the code says %s, %s:", row->file, row->line, verdict, reason_id(reason));
	for (unsigned i = 0; i < POLICY_FACTS_N; i++)
		print_error(" %s=%s", policy_fact_name((enum policy_fact)i),
			policy_word((enum policy_fact)i, c->word[i]));
	print_error("\n");
}

static void check_world(const struct row *row, demands set, const struct policy_case *c)
{
	struct route_facts route;
	struct host_facts host;
	struct plaintext_permit permit;

	policy_case_facts(c, &route, &host);
	struct judgement j = policy_judge(set, &route, &host);
	bool plain = policy_permit_plaintext(set, &route, &host, &permit);
	struct plan plan = policy_plan(set, &route);
	const char *verdict = verdict_word(plain, j.verdict);
	const char *reason = j.reason == REASON_NONE ? "-" : reason_id(j.reason);

	worlds_n++;
	if (!str_eq(row->verdict, str_of(verdict)) || !str_eq(row->reason, str_of(reason))) {
		show(row, c, verdict, j.reason);
		return;
	}
	assert_int_equal(plain, policy_permit_holds(permit));
	assert_true(!plain || (set == 0 && plan.connect && plan.plaintext_allowed));
	if (!plan.connect)
		assert_int_equal(plan.before.verdict, j.verdict);
}

/* What does not matter: each such fact takes each of its words, alone and all of them together. */
static void check_row(const struct row *row, demands set)
{
	struct policy_case all = row->facts;

	check_world(row, set, &row->facts);
	for (unsigned fact = 0; fact < POLICY_FACTS_N; fact++) {
		struct policy_case one = row->facts;

		if (row->named & 1U << fact)
			continue;
		for (unsigned n = policy_words_n((enum policy_fact)fact); n > 0; n--) {
			one.word[fact] = (unsigned char)(n - 1);
			check_world(row, set, &one);
		}
	}
	for (unsigned shift = 0; shift < 24; shift++) {
		for (unsigned fact = 0; fact < POLICY_FACTS_N; fact++)
			if (!(row->named & 1U << fact))
				all.word[fact] =
					(unsigned char)((shift + fact * (shift / 6)) %
							policy_words_n((enum policy_fact)fact));
		check_world(row, set, &all);
	}
}

/* "name=word name=word -> verdict reason" */
static void read_row(struct str line, struct row *row)
{
	static const enum policy_fact presumed[] = { FACT_ADDRESS, FACT_LITERAL, FACT_RESOLVER };
	struct buf error = BUF(2000);

	row->facts = policy_case_best;
	row->named = 0;
	for (size_t i = 0; i < count_of(presumed); i++)
		row->named |= 1U << presumed[i];
	for (;;) {
		struct str word = str_cut(&line, ' '), name = word;
		enum policy_fact fact;

		if (str_eq(word, STR("->")))
			break;
		if (str_ends_nocase(word, STR("=*"))) {
			assert_true(policy_fact_of(str_cut(&name, '='), &fact));
			row->named &= ~(1U << fact);
		} else if (!policy_case_read(word, &row->facts, &row->named, &error)) {
			fail_msg("%s:%u: %.*s", row->file, row->line, STR_ARG(buf_str(&error)));
		}
	}
	row->verdict = str_cut(&line, ' ');
	row->reason = line;
}

static void check_file(const char *path)
{
	char *line = NULL;
	size_t room = 0;
	const char *name = strrchr(path, '/') + 1;
	struct row row = { .file = path };
	demands set;

	assert_true(policy_demands_of(
		(struct str){ name, (size_t)(strstr(name, ".txt") - name) }, &set));
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	for (ssize_t n; (n = getline(&line, &room, file)) > 0;) {
		row.line++;
		if (line[0] == '#')
			continue;
		read_row(str_trim((struct str){ line, (size_t)n }), &row);
		rows_n++;
		check_row(&row, set);
		if (set & ~(demands)DEMAND_TLS)
			check_row(&row, set & ~(demands)DEMAND_TLS);
	}
	free(line);
	fclose(file);
}

static void every_row_of_the_truth_table_holds(void **state)
{
	glob_t files;

	(void)state;
	if (glob("test/policy/table/*.txt", 0, NULL, &files) != 0)
		fail_msg("no truth table in test/policy/table; run from the top of the sources");
	assert_int_equal(files.gl_pathc, SETS_N);
	for (size_t i = 0; i < files.gl_pathc; i++)
		check_file(files.gl_pathv[i]);
	globfree(&files);
	assert_int_equal(faults_n, 0);
	assert_true(rows_n >= FEWEST_ROWS);
	print_message("count: %zu rows of the truth table, %zu worlds judged by them\n", rows_n,
		worlds_n);
}

static void the_best_case_meets_every_demand(void **state)
{
	struct route_facts route;
	struct host_facts host;

	(void)state;
	policy_case_facts(&policy_case_best, &route, &host);
	assert_int_equal(policy_judge(DEMANDS_ALL, &route, &host).verdict, VERDICT_ACCEPTED);
	assert_int_equal(policy_proofs(&route, &host), DEMANDS_ALL);
}

/* Words and facts are the same, there and back; names and words are found again. */
/* --- facts back to words, so that no two words can mean the same facts --- */

/* The faults that the words of sts-shows and ca name, in their order. */
static const enum reason faults[] = { REASON_VALIDATION_FAILURE, REASON_CERTIFICATE_HOST_MISMATCH,
	REASON_CERTIFICATE_EXPIRED, REASON_CERTIFICATE_NOT_TRUSTED, REASON_STS_MX_NOT_LISTED };

enum { STS_FIRST_FAULT = 3, CA_FIRST_FAULT = 2 };

/* The word for a fault; what has no word of its own "could not be verified". */
static unsigned fault_word(enum reason fault, unsigned first, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (faults[i] == fault)
			return first + i;
	return first;
}

static unsigned sts_word(const struct host_facts *host)
{
	if (host->sts != STS_FAILS)
		return host->sts;
	return host->sts_refetch_failed
		       ? STS_FIRST_FAULT - 1
		       : fault_word(host->sts_fault, STS_FIRST_FAULT, count_of(faults));
}

static unsigned ca_word(const struct host_facts *host)
{
	if (host->ca_proves || host->certificate_fault == REASON_NONE)
		return host->ca_proves;
	return fault_word(host->certificate_fault, CA_FIRST_FAULT, count_of(faults) - 1);
}

static struct policy_case case_of(const struct route_facts *route, const struct host_facts *host)
{
	bool address_bogus = route->dns_bogus && route->address == ADDRESS_FAILED,
	     tlsa_bogus = route->dns_bogus && route->tlsa == TLSA_FAILED;

	return (struct policy_case){ {
		[FACT_MX] = route->mx_validated,
		[FACT_HOST] = route->host_validated,
		[FACT_ADDRESS] = (unsigned char)(route->address + address_bogus),
		[FACT_TLSA] = (unsigned char)(route->tlsa + tlsa_bogus),
		[FACT_STS] = (unsigned char)route->sts,
		[FACT_PIN] = (unsigned char)route->pin,
		[FACT_LITERAL] = route->address_literal,
		[FACT_RESOLVER] = route->resolver_unhealthy,
		[FACT_ENFORCED] = route->unenforced,
		[FACT_SHOWS] = (unsigned char)host->hello,
		[FACT_DANE] = (unsigned char)host->dane,
		[FACT_STS_SHOWS] = (unsigned char)sts_word(host),
		[FACT_CA] = (unsigned char)ca_word(host),
		[FACT_PIN_SHOWS] = (unsigned char)host->pin,
		[FACT_REQUIRETLS] = host->requiretls_announced,
	} };
}

static void facts_and_words_are_the_same(void **state)
{
	(void)state;
	for (unsigned fact = 0; fact < POLICY_FACTS_N; fact++) {
		enum policy_fact found;

		assert_true(
			policy_fact_of(str_of(policy_fact_name((enum policy_fact)fact)), &found));
		assert_int_equal(found, fact);
		for (unsigned n = 0; n < policy_words_n(found); n++) {
			struct policy_case there = policy_case_best, back;
			struct route_facts route;
			struct host_facts host;
			unsigned number;

			assert_true(policy_word_of(found, str_of(policy_word(found, n)), &number));
			assert_int_equal(number, n);
			for (unsigned l = 0; l < LANGUAGES_N; l++)
				assert_true(str_is_utf8(
					str_of(policy_word_text(found, n, (enum language)l))));
			there.word[fact] = (unsigned char)n;
			policy_case_facts(&there, &route, &host);
			back = case_of(&route, &host);
			assert_memory_equal(&there, &back, sizeof there);
		}
	}
}

static void a_wrong_word_is_answered_with_the_right_ones(void **state)
{
	struct policy_case c = policy_case_best;
	struct buf error = BUF(2000);
	uint32_t given = 0;

	(void)state;
	assert_true(policy_case_read(STR("tlsa=none, sts = absent"), &c, &given, &error));
	assert_int_equal(c.word[FACT_TLSA], TLSA_NONE);
	assert_int_equal(c.word[FACT_STS], STS_ABSENT);
	assert_int_equal(given, 1U << FACT_TLSA | 1U << FACT_STS);
	assert_false(policy_case_read(STR("tlsa=maybe"), &c, &given, &error));
	assert_true(buf_add_char(&error, 0));
	assert_string_equal(error.at, "tlsa can't be \"maybe\"; not-looked-up, none, unusable, "
				      "usable, failed, bogus would be right");
	buf_clear(&error);
	assert_false(policy_case_read(STR("tlsa=none,weather"), &c, &given, &error));
	assert_true(str_starts(buf_str(&error), STR("there is no fact \"weather\"; mx, host,")));
	buf_free(&error);
}

static void sets_have_names(void **state)
{
	(void)state;
	for (demands set = 0; set <= DEMANDS_ALL; set++) {
		struct buf text = BUF(100);
		demands again = ~set;

		policy_add_demands(&text, set);
		assert_true(policy_demands_of(buf_str(&text), &again));
		assert_int_equal(again, set);
		buf_free(&text);
	}
	demands set = 77;
	assert_true(policy_demands_of(STR("dane-only"), &set));
	assert_int_equal(set, DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE);
	assert_false(policy_demands_of(STR(""), &set));
	assert_false(policy_demands_of(STR("tls+love"), &set));
	assert_false(policy_demands_of(STR("none+tls"), &set));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_truth_table_holds),
		cmocka_unit_test(the_best_case_meets_every_demand),
		cmocka_unit_test(facts_and_words_are_the_same),
		cmocka_unit_test(a_wrong_word_is_answered_with_the_right_ones),
		cmocka_unit_test(sets_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
