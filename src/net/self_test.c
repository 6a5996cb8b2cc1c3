/* SPDX-License-Identifier: ISC
 *
 * self_test.c - see self_test.h. Runs in a thread that has nothing else to do. A resolver that
 * finds everything bogus (an old anchor, a wrong clock, a forwarder that strips signatures), and
 * one that would believe anything, both look whole from outside until they are asked this.
 */
#include "net/self_test.h"

#include "net/lookup.h"

/* A DS record of an algorithm and a digest everybody knows, and of no key. */
#define WRONG_ANCHOR \
	". IN DS 1 8 2 000000000000000000000000000000000000000000000000000000000000dead"

enum root { ROOT_SILENT, ROOT_VALIDATED, ROOT_BOGUS, ROOT_NOT_VALIDATED };

bool self_test_applies(const struct resolver_setup *setup)
{
	struct str rest = setup->anchor;

	while (rest.len) {
		struct str line = str_trim(str_cut(&rest, '\n'));
		if (line.len > 1 && line.at[0] == '.' && (line.at[1] == ' ' || line.at[1] == '\t'))
			return true;
	}
	return false;
}

static enum root judge(const struct answer *answer)
{
	if (answer->kind == ANSWER_BOGUS)
		return ROOT_BOGUS;
	if (answer->kind == ANSWER_FAILED)
		return ROOT_SILENT;
	return answer->kind == ANSWER_DATA && answer->validated ? ROOT_VALIDATED
								: ROOT_NOT_VALIDATED;
}

static enum root ask_root(const struct resolver_setup *setup, struct deadline until)
{
	struct dns_context *context = dns_context_new(setup, false, NULL);

	if (!context)
		return ROOT_SILENT;
	struct question *q = question_ask(context, STR("."), TYPE_SOA);
	struct answer answer = question_wait(q, until);
	enum root root = judge(&answer);
	question_end(&q);
	dns_context_free(&context);
	return root;
}

enum resolver_health self_test(const struct resolver_setup *setup, struct deadline deadline)
{
	struct resolver_setup wrong = *setup;

	if (!self_test_applies(setup))
		return RESOLVER_UNTESTED;
	wrong.anchor = STR(WRONG_ANCHOR);
	enum root with_ours = ask_root(setup, deadline);
	if (with_ours == ROOT_SILENT)
		return RESOLVER_UNTESTED;
	if (with_ours != ROOT_VALIDATED)
		return RESOLVER_UNHEALTHY;
	enum root with_wrong = ask_root(&wrong, deadline);
	if (with_wrong == ROOT_SILENT)
		return RESOLVER_UNTESTED;
	return with_wrong == ROOT_BOGUS ? RESOLVER_HEALTHY : RESOLVER_UNHEALTHY;
}
