/* SPDX-License-Identifier: ISC
 *
 * test_sts.c - the policies of domains over time: what is believed, how long, and what is asked
 * again. DNS, web server and store are played here, and time can be made to pass.
 */
#include "delivery/sts.h"

#include "base/log.h"
#include "base/thread.h"
#include "delivery/sts_refresh.h"
#include "mail/policy.h"
#include "net/fetch.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- time --- */

static _Atomic int64_t passed_s;

static int gettime(clockid_t which, struct timespec *to)
{
	int status = clock_gettime(which, to);

	to->tv_sec += passed_s;
	return status;
}

#define clock_gettime gettime
#include "base/clock.c"
#undef clock_gettime

/* --- the world --- */

static struct world {
	pthread_mutex_t lock;
	enum txt_kind txt_kind;
	char txt[100];
	int txt_ms, fetch_ms; /* how long they take */
	bool txt_is_huge;     /* next to no memory is left behind it */
	enum fetch_result result;
	char text[500];
	bool store_down;
	struct sts_kept kept; /* text empty: nothing */
	char kept_bytes[3][500];
	/* What was asked. */
	int txts, cold_txts, fetches, loads, saves;
	int at_once, most_at_once; /* fetches */
	char host[300], name[300];
} world;

#define ENFORCE	  "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 86400\n"
#define ENFORCE_2 "version: STSv1\nmode: enforce\nmx: mx2.a.test\nmax_age: 86400\n"
#define TESTING	  "version: STSv1\nmode: testing\nmx: mx.a.test\nmax_age: 86400\n"
#define NONE	  "version: STSv1\nmode: none\nmax_age: 86400\n"
#define FLEETING  "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 0\n"

static void lock_world(void)
{
	pthread_mutex_lock(&world.lock);
}

static void unlock_world(void)
{
	pthread_mutex_unlock(&world.lock);
}

static void sleep_until(struct deadline deadline, int ms)
{
	for (; ms > 0 && !deadline_passed(deadline); ms -= 2)
		usleep(2000);
}

struct txt_answer resolver_txt(struct resolver *resolver, struct str name, bool cold,
	struct arena *arena, struct deadline deadline)
{
	(void)resolver;
	lock_world();
	world.txts++;
	world.cold_txts += cold;
	snprintf(world.name, sizeof world.name, "%.*s", STR_ARG(name));
	int ms = world.txt_ms;
	struct txt_answer answer = { .kind = world.txt_kind };
	if (answer.kind == TXT_FOUND) {
		answer.at = arena_array(arena, 1, sizeof *answer.at);
		answer.at[0] = arena_str(arena, str_of(world.txt));
		answer.len = 1;
	}
	if (world.txt_is_huge)
		assert_non_null(arena_alloc(arena, arena->max - arena->used - 64));
	unlock_world();
	sleep_until(deadline, ms);
	return answer;
}

size_t resolver_addresses(struct resolver *resolver, struct str name, bool cold, struct ip *to,
	size_t room, struct deadline deadline)
{
	(void)resolver, (void)name, (void)cold, (void)deadline;
	assert_true(room > 0);
	to[0] = (struct ip){ .bytes = { 192, 0, 2, 1 } };
	return 1;
}

void fetch_prepare(void)
{
}

enum fetch_result fetch_text(
	const struct fetch *ask, struct buf *to, struct deadline deadline, struct why *why)
{
	lock_world();
	world.fetches++;
	if (++world.at_once > world.most_at_once)
		world.most_at_once = world.at_once;
	snprintf(world.host, sizeof world.host, "%.*s:%u%.*s", STR_ARG(ask->host), ask->port,
		STR_ARG(ask->path));
	int ms = world.fetch_ms;
	unlock_world();
	sleep_until(deadline, ms);
	lock_world();
	enum fetch_result result = deadline_passed(deadline) ? FETCH_FAILED : world.result;
	if (result == FETCH_TEXT)
		buf_add(to, str_of(world.text));
	else
		why_not(why, "played");
	world.at_once--;
	unlock_world();
	return result;
}

static struct str keep(int i, struct str s)
{
	assert_true(s.len < sizeof world.kept_bytes[i]);
	memcpy(world.kept_bytes[i], s.at, s.len);
	return (struct str){ world.kept_bytes[i], s.len };
}

bool call_sts_load(struct client *client, const struct text *ask, int fd_in, struct arena *arena,
	struct sts_kept *answer, int *fd_out, struct deadline deadline, struct why *why)
{
	(void)client, (void)fd_in, (void)arena, (void)fd_out, (void)deadline;
	lock_world();
	world.loads++;
	bool good = !world.store_down;
	*answer = (struct sts_kept){ .domain = ask->text };
	if (good && str_eq(ask->text, world.kept.domain) &&
		(int64_t)world.kept.expires > clock_wall_ms())
		*answer = world.kept;
	unlock_world();
	return good || why_not(why, "down");
}

bool call_sts_save(struct client *client, const struct sts_kept *ask, int fd_in,
	struct arena *arena, struct empty *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	(void)client, (void)fd_in, (void)arena, (void)fd_out, (void)deadline;
	lock_world();
	world.saves++;
	bool good = !world.store_down;
	if (good) {
		world.kept = *ask;
		world.kept.domain = keep(0, ask->domain);
		world.kept.id = keep(1, ask->id);
		world.kept.text = keep(2, ask->text);
		*answer = (struct empty){ 0 };
	}
	unlock_world();
	return good || why_not(why, "down");
}

bool call_sts_due(struct client *client, const struct sts_due_ask *ask, int fd_in,
	struct arena *arena, struct sts_due_answer *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	static struct text domain;

	(void)client, (void)fd_in, (void)arena, (void)fd_out, (void)deadline, (void)why;
	lock_world();
	domain.text = world.kept.domain;
	*answer = (struct sts_due_answer){ 0 };
	if (world.kept.text.len && world.kept.fetched < ask->fetched_before &&
		world.kept.used > ask->used_after) {
		answer->domains.at = &domain;
		answer->domains.len = 1;
	}
	unlock_world();
	return true;
}

struct config *config_hold(struct config *config)
{
	atomic_fetch_add(&config->holders, 1);
	return config;
}

void config_release(struct config **config)
{
	atomic_fetch_sub(&(*config)->holders, 1);
	*config = NULL;
}

/* --- the words of the tests --- */

static struct config config;
static struct sts_cache *cache;
static int store; /* stands for one */

static int open_world(void **state)
{
	(void)state;
	passed_s = 0;
	world = (struct world){ .lock = PTHREAD_MUTEX_INITIALIZER,
		.txt_kind = TXT_FOUND,
		.txt = "v=STSv1; id=1;",
		.result = FETCH_TEXT,
		.text = ENFORCE };
	config = (struct config){ .store = (struct client *)&store };
	cache = sts_cache_new((struct client *)&store);
	config.sts = cache;
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	sts_cache_free(&cache);
	assert_int_equal(atomic_load(&config.holders), 0);
	return 0;
}

static void restart(void)
{
	sts_cache_free(&cache);
	cache = sts_cache_new((struct client *)&store);
	config.sts = cache;
}

static void publish(const char *txt, enum fetch_result result, const char *text)
{
	lock_world();
	world.txt_kind = txt ? TXT_FOUND : TXT_NONE;
	snprintf(world.txt, sizeof world.txt, "%s", txt ? txt : "");
	world.result = result;
	snprintf(world.text, sizeof world.text, "%s", text);
	unlock_world();
}

static void block_txt(void)
{
	lock_world();
	world.txt_kind = TXT_FAILED;
	unlock_world();
}

static int count_of_calls(const int *count)
{
	lock_world();
	int n = *count;
	unlock_world();
	return n;
}

static void wait_for_count(const int *count, int n)
{
	struct deadline deadline = deadline_in(20 * SECOND);

	while (count_of_calls(count) < n && !deadline_passed(deadline))
		usleep(2000);
	assert_int_equal(count_of_calls(count), n);
}

static const struct sts_view *look(const char *domain, bool cold)
{
	return sts_find(cache, &config, str_of(domain), cold, deadline_in(20 * SECOND));
}

/* The state, and what else tells. */
static unsigned state_of(const char *domain, bool cold)
{
	const struct sts_view *view = look(domain, cold);
	unsigned state = view->state;

	assert_true(state == STS_IN_FORCE || view->why.text[0]);
	sts_release(&view);
	return state;
}

static void a_policy_is_found_and_kept(void **state)
{
	const struct sts_view *view = look("a.test", false);

	(void)state;
	assert_int_equal(view->state, STS_IN_FORCE);
	assert_false(view->testing);
	assert_true(sts_policy_lists(&view->policy, STR("mx.a.test")));
	assert_true(str_eq(view->id, STR("1")) && str_eq(view->domain, STR("a.test")));
	assert_int_equal(view->expires - view->fetched, 86400 * (int64_t)SECOND);
	sts_release(&view);
	assert_string_equal(world.name, "_mta-sts.a.test");
	assert_string_equal(world.host, "mta-sts.a.test:443/.well-known/mta-sts.txt");
	for (int i = 0; i < 10; i++)
		assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	assert_int_equal(world.txts, 1);
	assert_int_equal(world.fetches, 1);
	wait_for_count(&world.saves, 1);
	assert_true(str_eq(world.kept.text, STR(ENFORCE)) && str_eq(world.kept.id, STR("1")));
}

/* One row each: what is published where nothing is known, and what follows. */
static void each_first_look_has_its_state(void **state)
{
	static const struct {
		const char *txt; /* NULL: none */
		bool txt_fails;
		enum fetch_result result;
		const char *text;
		unsigned state;
		bool testing;
		int fetches;
	} rows[] = {
		{ "v=STSv1; id=1", false, FETCH_TEXT, ENFORCE, STS_IN_FORCE, false, 1 },
		{ "v=STSv1; id=1", false, FETCH_TEXT, FLEETING, STS_IN_FORCE, false, 1 },
		{ "v=STSv1; id=1", false, FETCH_TEXT, TESTING, STS_ABSENT, true, 1 },
		{ "v=STSv1; id=1", false, FETCH_TEXT, NONE, STS_ABSENT, false, 1 },
		{ NULL, false, FETCH_TEXT, ENFORCE, STS_ABSENT, false, 0 },
		{ "v=STSv1; id=", false, FETCH_TEXT, ENFORCE, STS_ABSENT, false, 0 },
		{ "v=spf1 -all", false, FETCH_TEXT, ENFORCE, STS_ABSENT, false, 0 },
		{ "v=STSv1; id=1", false, FETCH_NOTHING, "", STS_ABSENT, false, 1 },
		{ "v=STSv1; id=1", false, FETCH_USELESS, "", STS_ABSENT, false, 1 },
		{ "v=STSv1; id=1", false, FETCH_TEXT, "version: STSv2\n", STS_ABSENT, false, 1 },
		{ "v=STSv1; id=1", false, FETCH_FAILED, "", STS_UNKNOWN, false, 1 },
		{ "", true, FETCH_TEXT, ENFORCE, STS_UNKNOWN, false, 0 },
	};
	char domain[32];

	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		snprintf(domain, sizeof domain, "row%zu.test", i);
		publish(rows[i].txt, rows[i].result, rows[i].text);
		if (rows[i].txt_fails)
			block_txt();
		int fetches = count_of_calls(&world.fetches);
		const struct sts_view *view = look(domain, false);
		if (view->state != rows[i].state || view->testing != rows[i].testing)
			fail_msg("row %zu: state %u", i, view->state);
		assert_int_equal(
			view->policy.n_patterns > 0, view->testing || view->state == STS_IN_FORCE);
		sts_release(&view);
		/* And it is believed for now. */
		assert_int_equal(state_of(domain, false), rows[i].state);
		assert_int_equal(count_of_calls(&world.fetches) - fetches, rows[i].fetches);
		assert_int_equal(count_of_calls(&world.txts), i + 1);
	}
}

static void an_address_literal_publishes_nothing(void **state)
{
	(void)state;
	const struct sts_view *view = look("[192.0.2.1]", false);
	assert_int_equal(view->state, STS_ABSENT);
	sts_release(&view);
	assert_int_equal(world.txts, 0);
}

static void a_policy_stands_over_a_restart_whatever_is_blocked(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	wait_for_count(&world.saves, 1);
	restart();
	block_txt();
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	assert_int_equal(state_of("a.test", true), STS_IN_FORCE);
	publish(NULL, FETCH_FAILED, "");
	restart();
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	assert_int_equal(state_of("a.test", true), STS_IN_FORCE);
	publish("v=STSv1; id=2", FETCH_NOTHING, "");
	assert_int_equal(state_of("a.test", true), STS_IN_FORCE);
	publish("v=STSv1; id=3", FETCH_TEXT, "nonsense");
	assert_int_equal(state_of("a.test", true), STS_IN_FORCE);
	assert_int_equal(world.saves, 1);
}

static void a_policy_that_is_kept_is_given_out_before_dns_has_answered(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	wait_for_count(&world.saves, 1);
	restart();
	world.txt_ms = 3000;
	int64_t begun = clock_monotonic_ms();
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	assert_true(clock_monotonic_ms() - begun < 2500);
}

static void an_expired_policy_is_none(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	wait_for_count(&world.saves, 1);
	restart();
	world.kept.expires = (uint64_t)clock_wall_ms() - 1;
	block_txt();
	assert_int_equal(state_of("a.test", false), STS_UNKNOWN);
}

static void a_policy_in_memory_counts_for_its_max_age(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	wait_for_count(&world.saves, 1);
	block_txt();
	passed_s = DAY / SECOND - 60;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	passed_s = DAY / SECOND + 60;
	assert_int_equal(state_of("a.test", false), STS_UNKNOWN);
}

static void while_the_store_is_down_nothing_is_absent(void **state)
{
	(void)state;
	world.store_down = true;
	publish(NULL, FETCH_FAILED, "");
	assert_int_equal(state_of("a.test", false), STS_UNKNOWN);
	publish("v=STSv1; id=1", FETCH_TEXT, ENFORCE);
	assert_int_equal(state_of("a.test", true), STS_IN_FORCE);
}

static void a_cold_look_believes_no_absence(void **state)
{
	(void)state;
	publish(NULL, FETCH_TEXT, ENFORCE);
	assert_int_equal(state_of("a.test", false), STS_ABSENT);
	publish("v=STSv1; id=1", FETCH_FAILED, "");
	assert_int_equal(state_of("a.test", false), STS_ABSENT);
	assert_int_equal(state_of("a.test", true), STS_UNKNOWN);
	assert_int_equal(world.cold_txts, 1);
	publish("v=STSv1; id=1", FETCH_TEXT, ENFORCE);
	assert_int_equal(state_of("a.test", false), STS_UNKNOWN);
	assert_int_equal(state_of("a.test", true), STS_IN_FORCE);
}

static void a_cold_look_that_takes_too_long_believes_no_absence(void **state)
{
	(void)state;
	publish(NULL, FETCH_TEXT, ENFORCE);
	assert_int_equal(state_of("a.test", false), STS_ABSENT);
	world.txt_ms = 500;
	const struct sts_view *view =
		sts_find(cache, &config, STR("a.test"), true, deadline_in(20));
	assert_int_equal(view->state, STS_UNKNOWN);
	sts_release(&view);
	/* Who doesn't look cold has no reason to doubt it. */
	assert_int_equal(state_of("a.test", false), STS_ABSENT);
}

static void a_cold_look_sees_a_new_id(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	assert_int_equal(state_of("a.test", true), STS_IN_FORCE);
	assert_int_equal(world.fetches, 1);
	publish("v=STSv1; id=2", FETCH_TEXT, NONE);
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	assert_int_equal(state_of("a.test", true), STS_ABSENT);
	assert_int_equal(world.fetches, 2);
}

static void a_new_id_is_seen_behind_the_mails_back(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	publish("v=STSv1; id=2", FETCH_TEXT, NONE);
	passed_s = 59;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	assert_int_equal(count_of_calls(&world.txts), 1);
	passed_s = 61;
	world.txt_ms = 200;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	wait_for_count(&world.saves, 2);
	assert_int_equal(state_of("a.test", false), STS_ABSENT);
}

static void what_is_no_policy_is_believed_for_minutes(void **state)
{
	static const struct {
		const char *txt;
		bool txt_fails;
		enum fetch_result result;
		int seconds;
	} rows[] = {
		{ "v=STSv1; id=1", true, FETCH_TEXT, 30 },
		{ NULL, false, FETCH_TEXT, 120 },
		{ "v=STSv1; id=1", false, FETCH_NOTHING, 300 },
		{ "v=STSv1; id=1", false, FETCH_FAILED, 300 },
	};
	char domain[32];

	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		snprintf(domain, sizeof domain, "row%zu.test", i);
		publish(rows[i].txt, rows[i].result, "");
		if (rows[i].txt_fails)
			block_txt();
		unsigned before = state_of(domain, false);
		assert_true(before != STS_IN_FORCE);
		publish("v=STSv1; id=1", FETCH_TEXT, ENFORCE);
		passed_s += rows[i].seconds - 5;
		assert_int_equal(state_of(domain, false), before);
		passed_s += 6;
		assert_int_equal(state_of(domain, false), STS_IN_FORCE);
	}
}

struct asker {
	pthread_t thread;
	const char *domain;
	unsigned state;
};

static void *ask(void *argument)
{
	struct asker *asker = argument;

	asker->state = state_of(asker->domain, false);
	return NULL;
}

static void many_who_ask_at_once_fetch_once(void **state)
{
	struct asker askers[20];

	(void)state;
	world.fetch_ms = 300;
	for (size_t i = 0; i < count_of(askers); i++) {
		askers[i] = (struct asker){ .domain = "a.test" };
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
	}
	for (size_t i = 0; i < count_of(askers); i++) {
		pthread_join(askers[i].thread, NULL);
		assert_int_equal(askers[i].state, STS_IN_FORCE);
	}
	assert_int_equal(world.fetches, 1);
	assert_int_equal(world.txts, 1);
	assert_int_equal(world.loads, 1);
}

static void different_domains_do_not_wait_for_each_other(void **state)
{
	struct asker askers[50];
	char domains[50][16];

	(void)state;
	world.fetch_ms = 1000;
	int64_t begun = clock_monotonic_ms();
	for (size_t i = 0; i < count_of(askers); i++) {
		snprintf(domains[i], sizeof domains[i], "%zu.test", i);
		askers[i] = (struct asker){ .domain = domains[i] };
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
	}
	for (size_t i = 0; i < count_of(askers); i++) {
		pthread_join(askers[i].thread, NULL);
		assert_int_equal(askers[i].state, STS_IN_FORCE);
	}
	assert_true(clock_monotonic_ms() - begun < 9000);
	assert_int_equal(world.fetches, 50);
}

static void a_slow_server_costs_a_mail_its_wait_once_and_the_look_goes_on(void **state)
{
	(void)state;
	world.fetch_ms = 3000;
	int64_t begun = clock_monotonic_ms();
	const struct sts_view *view =
		sts_find(cache, &config, STR("a.test"), false, deadline_in(200));
	assert_true(clock_monotonic_ms() - begun < 2000);
	assert_int_equal(view->state, STS_UNKNOWN);
	sts_release(&view);
	/* Ten seconds after it began nobody waits for it any more. */
	passed_s = 11;
	begun = clock_monotonic_ms();
	assert_int_equal(state_of("a.test", false), STS_UNKNOWN);
	assert_true(clock_monotonic_ms() - begun < 1000);
	wait_for_count(&world.saves, 1);
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	assert_int_equal(world.fetches, 1);
}

/* --- the look before a refusal --- */

static enum sts_again again(const struct sts_view **view)
{
	return sts_again(cache, &config, view, deadline_in(20 * SECOND));
}

static void with_the_same_id_a_policy_is_the_same(void **state)
{
	const struct sts_view *view = look("a.test", false);

	(void)state;
	publish("v=STSv1; id=1", FETCH_TEXT, ENFORCE_2);
	assert_int_equal(again(&view), STS_SAME);
	assert_true(sts_policy_lists(&view->policy, STR("mx.a.test")));
	assert_int_equal(world.fetches, 1);
	assert_int_equal(world.txts, 2);
	sts_release(&view);
}

static void with_a_new_id_there_is_a_new_policy(void **state)
{
	const struct sts_view *view = look("a.test", false), *other = look("a.test", false);

	(void)state;
	publish("v=STSv1; id=2", FETCH_TEXT, ENFORCE_2);
	assert_int_equal(again(&view), STS_NEW);
	assert_true(sts_policy_lists(&view->policy, STR("mx2.a.test")));
	/* Who still holds the old one keeps it, and hears of the new one without a fetch. */
	assert_true(sts_policy_lists(&other->policy, STR("mx.a.test")));
	assert_int_equal(again(&other), STS_NEW);
	assert_true(other == view);
	assert_int_equal(again(&other), STS_SAME);
	assert_int_equal(world.fetches, 2);
	sts_release(&view);
	sts_release(&other);
	wait_for_count(&world.saves, 2);
	assert_true(str_eq(world.kept.id, STR("2")));
}

static void what_cannot_be_had_again_is_a_failure(void **state)
{
	const struct sts_view *view = look("a.test", false);

	(void)state;
	block_txt();
	assert_int_equal(again(&view), STS_AGAIN_FAILED);
	publish(NULL, FETCH_TEXT, ENFORCE_2);
	assert_int_equal(again(&view), STS_AGAIN_FAILED);
	publish("v=STSv1; id=2", FETCH_FAILED, "");
	assert_int_equal(again(&view), STS_AGAIN_FAILED);
	publish("v=STSv1; id=3", FETCH_NOTHING, "");
	assert_int_equal(again(&view), STS_AGAIN_FAILED);
	assert_int_equal(world.fetches, 3);
	/* RFC 8461 3.3: the same id is not fetched again at once. */
	publish("v=STSv1; id=3", FETCH_TEXT, ENFORCE_2);
	assert_int_equal(again(&view), STS_AGAIN_FAILED);
	assert_int_equal(world.fetches, 3);
	assert_true(sts_policy_lists(&view->policy, STR("mx.a.test")));
	publish("v=STSv1; id=4", FETCH_TEXT, ENFORCE_2);
	assert_int_equal(again(&view), STS_NEW);
	sts_release(&view);
}

static void what_a_cold_look_saw_counts_more_than_a_cache_of_dns(void **state)
{
	const struct sts_view *view = look("a.test", false);

	(void)state;
	sts_release(&view);
	publish("v=STSv1; id=2", FETCH_FAILED, "");
	view = look("a.test", true);
	assert_true(str_eq(view->id, STR("1")));
	publish("v=STSv1; id=1", FETCH_FAILED, ""); /* an old answer with time left */
	assert_int_equal(again(&view), STS_AGAIN_FAILED);
	passed_s = 61;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE); /* looks behind */
	wait_for_count(&world.txts, 3);
	assert_int_equal(again(&view), STS_AGAIN_FAILED);
	sts_release(&view);
	publish("v=STSv1; id=2", FETCH_TEXT, ENFORCE_2);
	view = look("a.test", true);
	assert_true(str_eq(view->id, STR("2")));
	assert_int_equal(again(&view), STS_SAME);
	assert_int_equal(world.txts, 4);
	sts_release(&view);
}

static void what_an_earlier_cold_look_saw_does_not_count_for_a_later_one(void **state)
{
	const struct sts_view *view = look("a.test", true);

	(void)state;
	assert_int_equal(again(&view), STS_SAME);
	sts_release(&view);
	world.txt_ms = 500;
	view = sts_find(cache, &config, STR("a.test"), true, deadline_in(20));
	assert_int_equal(view->state, STS_IN_FORCE);
	assert_int_equal(sts_again(cache, &config, &view, deadline_in(20)), STS_AGAIN_FAILED);
	sts_release(&view);
}

static void without_time_nothing_is_the_same(void **state)
{
	const struct sts_view *view = look("a.test", false);

	(void)state;
	assert_int_equal(again(&view), STS_SAME);
	assert_int_equal(sts_again(cache, &config, &view, deadline_in(-1)), STS_AGAIN_FAILED);
	world.txt_ms = 500;
	assert_int_equal(sts_again(cache, &config, &view, deadline_in(20)), STS_AGAIN_FAILED);
	sts_release(&view);
}

static void a_policy_may_give_way_to_testing(void **state)
{
	const struct sts_view *view = look("a.test", false);

	(void)state;
	publish("v=STSv1; id=2", FETCH_TEXT, TESTING);
	assert_int_equal(again(&view), STS_NEW);
	assert_true(view->state == STS_ABSENT && view->testing);
	sts_release(&view);
}

/* --- every day --- */

static void age(int64_t fetched_ago, int64_t used_ago)
{
	int64_t now = clock_wall_ms();

	wait_for_count(&world.saves, 1);
	restart();
	world.kept.fetched = (uint64_t)(now - fetched_ago);
	world.kept.used = (uint64_t)(now - used_ago);
	world.fetches = 0;
	world.txts = 0;
}

static void a_policy_is_fetched_again_every_day(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	age(23 * (int64_t)HOUR, 0);
	sts_refresh_due(&config);
	age(25 * (int64_t)HOUR, 2 * (int64_t)DAY);
	publish("v=STSv1; id=1", FETCH_TEXT, ENFORCE_2);
	int64_t used = (int64_t)world.kept.used;
	sts_refresh_due(&config);
	wait_for_count(&world.saves, 2);
	assert_int_equal(world.fetches, 1);
	assert_true(str_eq(world.kept.text, STR(ENFORCE_2)));
	/* That we asked is not that mail did. */
	assert_int_equal(world.kept.used, used);
	const struct sts_view *view = look("a.test", false);
	assert_true(sts_policy_lists(&view->policy, STR("mx2.a.test")));
	sts_release(&view);
	assert_int_equal(world.fetches, 1);
}

static void a_blocked_record_does_not_keep_a_policy_from_being_fetched_again(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	age(25 * (int64_t)HOUR, 0);
	block_txt();
	sts_refresh_due(&config);
	wait_for_count(&world.saves, 2);
	assert_true(str_eq(world.kept.id, STR("1")));
	assert_true((int64_t)world.kept.fetched > clock_wall_ms() - HOUR);
}

static void a_record_that_was_taken_away_lets_the_policy_run_out(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	age(25 * (int64_t)HOUR, 0);
	publish(NULL, FETCH_TEXT, ENFORCE);
	sts_refresh_due(&config);
	wait_for_count(&world.txts, 1);
	sts_cache_free(&cache);
	assert_int_equal(world.fetches, 0);
	assert_int_equal(world.saves, 1);
}

static void a_refresh_that_fails_changes_nothing_and_is_not_repeated_at_once(void **state)
{
	(void)state;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	age(25 * (int64_t)HOUR, 0);
	publish("v=STSv1; id=1", FETCH_FAILED, "");
	sts_refresh_due(&config);
	wait_for_count(&world.fetches, 1);
	sts_refresh_due(&config);
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	sts_refresh_due(&config);
	sts_cache_free(&cache);
	assert_int_equal(world.fetches, 1);
	assert_int_equal(world.txts, 1);
	assert_int_equal(world.saves, 1);
}

/* --- memory --- */

static void a_policy_without_room_for_its_text_is_unknown(void **state)
{
	(void)state;
	world.txt_is_huge = true;
	assert_int_equal(state_of("a.test", false), STS_UNKNOWN);
	assert_int_equal(count_of_calls(&world.fetches), 1);
	assert_int_equal(count_of_calls(&world.saves), 0);
}

static void memory_is_bounded_and_views_outlive_their_entry(void **state)
{
	const struct sts_view *first = look("a.test", false);
	char domain[32];

	(void)state;
	publish(NULL, FETCH_FAILED, "");
	for (int i = 0; i < 5000; i++) {
		snprintf(domain, sizeof domain, "%d.test", i);
		if (state_of(domain, false) != STS_ABSENT)
			fail_msg("%s", domain);
	}
	assert_true(sts_policy_lists(&first->policy, STR("mx.a.test")));
	/* It was forgotten here, and is known to the store. */
	int loads = world.loads;
	assert_int_equal(state_of("a.test", false), STS_IN_FORCE);
	assert_int_equal(world.loads, loads + 1);
	assert_int_equal(state_of("4999.test", false), STS_ABSENT);
	assert_int_equal(world.loads, loads + 1);
	sts_release(&first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_policy_is_found_and_kept),
		TEST(each_first_look_has_its_state),
		TEST(an_address_literal_publishes_nothing),
		TEST(a_policy_stands_over_a_restart_whatever_is_blocked),
		TEST(a_policy_that_is_kept_is_given_out_before_dns_has_answered),
		TEST(an_expired_policy_is_none),
		TEST(a_policy_in_memory_counts_for_its_max_age),
		TEST(while_the_store_is_down_nothing_is_absent),
		TEST(a_cold_look_believes_no_absence),
		TEST(a_cold_look_that_takes_too_long_believes_no_absence),
		TEST(a_cold_look_sees_a_new_id),
		TEST(a_new_id_is_seen_behind_the_mails_back),
		TEST(what_is_no_policy_is_believed_for_minutes),
		TEST(many_who_ask_at_once_fetch_once),
		TEST(different_domains_do_not_wait_for_each_other),
		TEST(a_slow_server_costs_a_mail_its_wait_once_and_the_look_goes_on),
		TEST(with_the_same_id_a_policy_is_the_same),
		TEST(with_a_new_id_there_is_a_new_policy),
		TEST(what_cannot_be_had_again_is_a_failure),
		TEST(what_a_cold_look_saw_counts_more_than_a_cache_of_dns),
		TEST(what_an_earlier_cold_look_saw_does_not_count_for_a_later_one),
		TEST(without_time_nothing_is_the_same),
		TEST(a_policy_may_give_way_to_testing),
		TEST(a_policy_is_fetched_again_every_day),
		TEST(a_blocked_record_does_not_keep_a_policy_from_being_fetched_again),
		TEST(a_record_that_was_taken_away_lets_the_policy_run_out),
		TEST(a_refresh_that_fails_changes_nothing_and_is_not_repeated_at_once),
		TEST(a_policy_without_room_for_its_text_is_unknown),
		TEST(memory_is_bounded_and_views_outlive_their_entry),
	};

	log_open("test", LOG_ALARM + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
