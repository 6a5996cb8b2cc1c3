/* SPDX-License-Identifier: ISC
 *
 * test_store_sts_policy.c - the policies by MTA-STS that the store keeps for delivery.
 */
#include "base/log.h"
#include "store/sts_policy.h"
#include "store_world.h"

#define TEXT "version: STSv1\nmode: none\nmax_age: 1\n"

static void save_at(struct world *w, const char *domain, const char *id, int64_t fetched,
	int64_t expires, int64_t used)
{
	struct sts_kept policy = { .domain = str_of(domain),
		.id = str_of(id),
		.text = STR(TEXT),
		.fetched = (uint64_t)fetched,
		.expires = (uint64_t)expires,
		.used = (uint64_t)used };

	begin(w);
	sts_policy_save(&w->store, &policy);
	commit(w);
}

static void save(struct world *w, const char *domain, const char *id)
{
	int64_t now = clock_wall_ms();

	save_at(w, domain, id, now, now + DAY, now);
}

static struct sts_kept load(struct world *w, const char *domain)
{
	struct sts_kept policy;

	sts_policy_load(&w->store, str_of(domain), &w->arena, &policy);
	assert_int_equal(w->store.db.failure, SQLITE_OK);
	return policy;
}

static int64_t rows(struct world *w)
{
	return sql_number(w, "SELECT count(*) FROM sts_policy");
}

static void a_policy_outlives_the_store(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_int_equal(load(w, "a.test").text.len, 0);
	save(w, "a.test", "1");
	world_crash(w);
	struct sts_kept policy = load(w, "a.test");
	assert_true(str_eq(policy.id, STR("1")) && str_eq(policy.text, STR(TEXT)));
	assert_true(policy.expires - policy.fetched == DAY && policy.used == policy.fetched);
	assert_int_equal(load(w, "b.test").text.len, 0);
	world_close(w);
}

static void a_newer_policy_takes_the_place_of_the_older(void **state)
{
	struct world *w = world_open();

	(void)state;
	save(w, "a.test", "1");
	save(w, "a.test", "2");
	assert_true(str_eq(load(w, "a.test").id, STR("2")));
	assert_int_equal(rows(w), 1);
	world_close(w);
}

static void an_expired_policy_is_no_more(void **state)
{
	struct world *w = world_open();
	int64_t now = clock_wall_ms();

	(void)state;
	save_at(w, "a.test", "1", now - DAY, now - 1, now);
	save(w, "b.test", "1");
	assert_int_equal(load(w, "a.test").text.len, 0);
	begin(w);
	assert_false(clean_some(&w->store));
	commit(w);
	assert_int_equal(rows(w), 1);
	assert_true(load(w, "b.test").text.len > 0);
	world_close(w);
}

static void those_fetched_long_ago_and_used_lately_are_due(void **state)
{
	struct world *w = world_open();
	int64_t now = clock_wall_ms();
	struct sts_due_ask ask = { .fetched_before = (uint64_t)(now - DAY),
		.used_after = (uint64_t)(now - 30 * (int64_t)DAY),
		.limit = 2 };
	struct sts_due_answer answer;

	(void)state;
	save_at(w, "new.test", "1", now, now + DAY, now);
	save_at(w, "old.test", "1", now - 2 * DAY, now + DAY, now);
	save_at(w, "older.test", "1", now - 3 * DAY, now + DAY, now);
	save_at(w, "unused.test", "1", now - 3 * DAY, now + DAY, now - 31 * (int64_t)DAY);
	sts_policy_due(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.domains.len, 2);
	assert_true(str_eq(answer.domains.at[0].text, STR("older.test")));
	assert_true(str_eq(answer.domains.at[1].text, STR("old.test")));
	ask.limit = 1;
	sts_policy_due(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.domains.len, 1);
	ask.limit = UINT64_MAX;
	ask.used_after = 0;
	sts_policy_due(&w->store, &ask, &w->arena, &answer);
	assert_int_equal(answer.domains.len, 3);
	world_close(w);
}

static void the_number_of_policies_is_bounded(void **state)
{
	struct world *w = world_open();
	int64_t now = clock_wall_ms();
	char domain[32];

	(void)state;
	begin(w);
	for (int i = 0; i < STS_POLICIES_MAX + 5; i++) {
		struct sts_kept policy = { .domain = { domain, 0 },
			.id = STR("1"),
			.text = STR(TEXT),
			.fetched = (uint64_t)now,
			.expires = (uint64_t)(now + DAY),
			.used = (uint64_t)(now + i) };
		policy.domain.len = (size_t)snprintf(domain, sizeof domain, "%d.test", i);
		sts_policy_save(&w->store, &policy);
	}
	commit(w);
	assert_int_equal(rows(w), STS_POLICIES_MAX);
	assert_int_equal(load(w, "4.test").text.len, 0);
	assert_true(load(w, "5.test").text.len > 0);
	world_close(w);
}

static void what_is_too_large_is_not_kept(void **state)
{
	static char large[65 * 1024];
	struct world *w = world_open();
	struct sts_kept policies[] = {
		{ .domain = STR("a.test"), .id = STR("1"), .text = { large, sizeof large } },
		{ .domain = { large, 300 }, .id = STR("1"), .text = STR(TEXT) },
		{ .domain = STR("a.test"), .id = { large, 33 }, .text = STR(TEXT) },
		{ .domain = STR("a.test"), .id = STR("1"), .text = STR("") },
		{ .domain = STR(""), .id = STR("1"), .text = STR(TEXT) },
		{ .domain = STR("a.test"),
			.id = STR("1"),
			.text = STR(TEXT),
			.expires = UINT64_MAX },
	};

	(void)state;
	memset(large, 'x', sizeof large);
	begin(w);
	for (size_t i = 0; i < count_of(policies); i++)
		sts_policy_save(&w->store, &policies[i]);
	commit(w);
	assert_int_equal(rows(w), 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_outlives_the_store),
		cmocka_unit_test(a_newer_policy_takes_the_place_of_the_older),
		cmocka_unit_test(an_expired_policy_is_no_more),
		cmocka_unit_test(those_fetched_long_ago_and_used_lately_are_due),
		cmocka_unit_test(the_number_of_policies_is_bounded),
		cmocka_unit_test(what_is_too_large_is_not_kept),
	};

	log_open("test", LOG_ALARM + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
