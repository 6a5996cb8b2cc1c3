/* SPDX-License-Identifier: ISC
 *
 * fuzz_mta_sts.c - the TXT record and the policy's text, from the same bytes: what is taken has
 * the form the RFC asks for, and each pattern matches what it should.
 */
#include "mail/mta_sts.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(struct str text)
{
	struct str records[8], id;
	size_t n = 0;

	while (text.len && n < count_of(records))
		records[n++] = str_cut(&text, '\n');
	if (!sts_record_read(records, n, &id))
		return;
	must(id.len >= 1 && id.len <= 32);
	for (size_t i = 0; i < id.len; i++)
		must(ascii_is_alnum(id.at[i]));
}

static void check_pattern(const struct sts_policy *policy, struct str pattern)
{
	char host[300] = "x";

	must(pattern.len && pattern.len <= 253 && str_find(pattern, ' ') == pattern.len);
	must(sts_policy_lists(policy, pattern));
	if (pattern.at[0] != '*')
		return;
	for (size_t i = 1; i < pattern.len; i++)
		host[i] = pattern.at[i];
	must(sts_policy_lists(policy, (struct str){ host, pattern.len }));
}

static void check_policy(struct str text)
{
	struct arena arena = ARENA(STS_ARENA_MAX);
	struct sts_policy policy;
	struct why why;

	if (sts_policy_read(text, &arena, &policy, &why)) {
		must(policy.max_age <= STS_MAX_AGE && policy.mode <= STS_MODE_ENFORCE);
		must(policy.n_patterns || policy.mode == STS_MODE_NONE);
		for (size_t i = 0; i < policy.n_patterns && i < 100; i++)
			check_pattern(&policy, policy.patterns[i]);
		must(!sts_policy_lists(&policy, STR("")));
	}
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };

	check_record(text);
	check_policy(text);
	return 0;
}
