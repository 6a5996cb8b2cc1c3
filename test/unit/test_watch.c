/* SPDX-License-Identifier: ISC
 *
 * test_watch.c - what the operator hears of the resolver's health. Stands in for net/question.h:
 * the root answers as the test says, and bogus where the anchor is wrong.
 */
#include "delivery/watch.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "net/question.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct question {
	struct dns_context *context;
};

struct dns_context {
	bool wrong_anchor;
};

static enum answer_kind root = ANSWER_DATA;

struct dns_context *dns_context_new(
	const struct resolver_setup *setup, bool shared, struct why *why)
{
	struct dns_context *context = must_alloc(sizeof *context);

	(void)shared;
	(void)why;
	context->wrong_anchor = !str_ends_nocase(setup->anchor, STR("ours"));
	return context;
}

void dns_context_free(struct dns_context **context)
{
	free(*context);
	*context = NULL;
}

struct question *question_ask(struct dns_context *context, struct str name, int type)
{
	struct question *q = must_alloc(sizeof *q);

	must(str_eq(name, STR(".")) && type == TYPE_SOA);
	q->context = context;
	return q;
}

struct answer question_wait(struct question *q, struct deadline deadline)
{
	(void)deadline;
	return (struct answer){
		.kind = q->context->wrong_anchor ? ANSWER_BOGUS : root,
		.validated = !q->context->wrong_anchor && root == ANSWER_DATA,
	};
}

struct str answer_record(const struct answer *answer, size_t n)
{
	(void)answer;
	(void)n;
	return (struct str){ NULL, 0 };
}

void question_end(struct question **question)
{
	free(*question);
	*question = NULL;
}

static int open_resolver(void **state)
{
	struct resolver_setup setup = { .anchor = STR(". IN DS ours") };

	*state = resolver_new(&setup, NULL);
	return 0;
}

static int close_resolver(void **state)
{
	struct resolver *resolver = *state;

	resolver_release(&resolver);
	return 0;
}

/* One look while the root answers so: what the log says. */
static const char *log_of(void **state, enum answer_kind answer, enum resolver_health before,
	enum resolver_health wanted)
{
	static char text[4096];
	scoped(fd_close) int log = fd_memfd("log"), stderr_before = dup(STDERR_FILENO);

	root = answer;
	must(dup2(log, STDERR_FILENO) == STDERR_FILENO);
	enum resolver_health now = watch_resolver(*state, before);
	must(dup2(stderr_before, STDERR_FILENO) == STDERR_FILENO);
	ssize_t n = pread(log, text, sizeof text - 1, 0);
	must(n >= 0);
	text[n] = '\0';
	assert_int_equal(now, wanted);
	return text;
}

static void a_broken_resolver_is_an_alarm_once_and_so_is_its_recovery_a_line(void **state)
{
	const char *text = log_of(state, ANSWER_DATA, RESOLVER_UNTESTED, RESOLVER_HEALTHY);

	assert_non_null(strstr(text, "level=info event=resolver-healthy was=untested"));
	text = log_of(state, ANSWER_DATA, RESOLVER_HEALTHY, RESOLVER_HEALTHY);
	assert_string_equal(text, "");
	text = log_of(state, ANSWER_BOGUS, RESOLVER_HEALTHY, RESOLVER_UNHEALTHY);
	assert_non_null(strstr(text, "level=alarm event=resolver-unhealthy"));
	text = log_of(state, ANSWER_BOGUS, RESOLVER_UNHEALTHY, RESOLVER_UNHEALTHY);
	assert_string_equal(text, "");
	text = log_of(state, ANSWER_DATA, RESOLVER_UNHEALTHY, RESOLVER_HEALTHY);
	assert_non_null(strstr(text, "level=info event=resolver-healthy was=unhealthy"));
}

static void without_dns_nothing_is_said_and_nothing_heals(void **state)
{
	assert_string_equal(log_of(state, ANSWER_FAILED, RESOLVER_UNTESTED, RESOLVER_UNTESTED), "");
	log_of(state, ANSWER_BOGUS, RESOLVER_UNTESTED, RESOLVER_UNHEALTHY);
	assert_string_equal(
		log_of(state, ANSWER_FAILED, RESOLVER_UNHEALTHY, RESOLVER_UNHEALTHY), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_broken_resolver_is_an_alarm_once_and_so_is_its_recovery_a_line,
			open_resolver, close_resolver),
		cmocka_unit_test_setup_teardown(without_dns_nothing_is_said_and_nothing_heals,
			open_resolver, close_resolver),
	};

	log_open("test", LOG_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
