/* SPDX-License-Identifier: ISC
 *
 * test_web.c - what the pages' role decides without asking anybody: which route a path is, what a
 * browser's JSON may be, which names are ours, how many threads there are and how much one may have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "call/message.h"
#include "web/admit.h"
#include "web/draft.h"
#include "web/forwarded.h"
#include "web/pages.h"
#include "web/route.h"
#include "web/share.h"
#include "web/words.h"
#include "web/work.h"

/* --- routes --- */

static enum route_answer find(const char *method, const char *path, struct str *part)
{
	const struct route *route;

	part[0] = part[1] = STR("");
	return route_find(str_of(method), str_of(path), &route, part);
}

static void a_path_is_one_route_or_none(void **state)
{
	struct str part[ROUTE_PARTS];

	(void)state;
	assert_int_equal(find("GET", "/api/v1/messages/a:2,S/parts/2.1", part), ROUTE_FOUND);
	assert_true(str_eq(part[0], STR("a:2,S")) && str_eq(part[1], STR("2.1")));
	static const char *const none[] = { "", "/", "/api/v1", "/api/v1/", "/api/v1/session/",
		"//api/v1/session", "/api/v1/messages//body", "/api/v1/messages/a/body/b",
		"/api/v1/Session", "/api/v2/session", "/api/v1/messages/", "api/v1/session" };
	for (size_t i = 0; i < count_of(none); i++)
		assert_int_equal(find("GET", none[i], part), ROUTE_UNKNOWN);
	assert_int_equal(find("PUT", "/api/v1/session", part), ROUTE_OTHER_METHOD);
	assert_int_equal(find("get", "/api/v1/session", part), ROUTE_OTHER_METHOD);
}

static void every_route_has_at_most_the_parts_there_is_room_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes_n; i++) {
		size_t parts = 0;
		for (const char *at = routes[i].path; *at; at++)
			parts += *at == '{';
		assert_in_range(parts, 0, ROUTE_PARTS);
		assert_true(routes[i].access == SESSION || routes[i].body != FILE_BODY);
	}
}

/* --- JSON --- */

struct sample {
	uint64_t number, flag, word, mask;
	struct str text, folder;
	struct {
		struct text *at;
		size_t len;
	} texts;
	struct {
		struct person *at;
		size_t len;
	} people;
};
static const struct json_field person_members[] = {
	JSON_TEXT_OF(person, name, "name"),
	JSON_TEXT_OF(person, address, "address"),
};
static const struct json_shape person_sample = JSON_SHAPE(person, person_members);
static const struct json_field sample_members[] = {
	JSON_NUMBER_OF(sample, number, "number"),
	JSON_FLAG_OF(sample, flag, "flag"),
	JSON_WORD_OF(sample, word, "word", &words_level),
	JSON_WORDS_OF(sample, mask, "mask", &words_demands),
	JSON_TEXT_OF(sample, text, "text"),
	JSON_FOLDER_OF(sample, folder, "folder"),
	JSON_TEXTS_OF(sample, texts, "texts"),
	JSON_LIST_OF(sample, people, "people", &person_sample),
};
static const struct json_shape sample_shape = JSON_SHAPE(sample, sample_members);

#define SAMPLE(number, flag, text, people)                  \
	"{\"number\":" number ",\"flag\":" flag             \
	",\"word\":\"secure\",\"mask\":[\"tls\",\"dane\"]," \
	"\"text\":" text ",\"folder\":\"INBOX\",\"texts\":[\"a\",\"b\"],\"people\":" people "}"
#define GOOD_SAMPLE \
	SAMPLE("7", "true", "\"\xc3\xa4\"", "[{\"name\":\"Ada\",\"address\":\"ada@example.test\"}]")

static bool read_sample(
	const char *text, struct arena *arena, struct sample *to, json_t **json, struct why *why)
{
	*json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	return *json && json_read(&sample_shape, *json, arena, to, NULL, why);
}

static void a_struct_is_the_same_after_being_json(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(65536);
	struct sample sample;
	struct why why;
	json_t *json;

	(void)state;
	assert_true(read_sample(GOOD_SAMPLE, &arena, &sample, &json, &why));
	assert_int_equal(sample.number, 7);
	assert_int_equal(sample.word, LEVEL_SECURE);
	assert_int_equal(sample.mask, DEMAND_TLS | DEMAND_DANE);
	assert_int_equal(sample.folder.len, 0);
	assert_true(str_eq(sample.people.at[0].address, STR("ada@example.test")));
	json_t *again = json_write(&sample_shape, &sample);
	char *text = json_dumps(again, JSON_COMPACT);
	assert_string_equal(text, GOOD_SAMPLE);
	free(text);
	json_decref(again);
	json_decref(json);
}

static void what_is_of_another_kind_is_named(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ SAMPLE("-1", "true", "\"\"", "[]"), "number is wrong" },
		{ SAMPLE("1.5", "true", "\"\"", "[]"), "number is wrong" },
		{ SAMPLE("1", "1", "\"\"", "[]"), "flag is wrong" },
		{ SAMPLE("1", "true", "null", "[]"), "text is wrong" },
		{ SAMPLE("1", "true", "\"a\\u0000b\"", "[]"), "text is wrong" },
		{ SAMPLE("1", "true", "\"\"", "{}"), "people is wrong" },
		{ SAMPLE("1", "true", "\"\"", "[{\"name\":\"\"}]"), "address is missing" },
		{ SAMPLE("1", "true", "\"\"", "[1]"), "an object is wanted" },
		{ SAMPLE("1", "true", "\"\"", "[]") + 1, NULL },
		{ "{\"other\":1}", "it has a member that is not known" },
		{ "[]", "an object is wanted" },
	};

	(void)state;
	for (size_t i = 0; i < count_of(wrong); i++) {
		scoped(arena_free) struct arena arena = ARENA(65536);
		struct sample sample;
		struct why why = { "" };
		json_t *json;
		assert_false(read_sample(wrong[i].text, &arena, &sample, &json, &why));
		if (wrong[i].why)
			assert_string_equal(why.text, wrong[i].why);
		json_decref(json);
	}
}

static void a_list_that_is_too_long_is_refused(void **state)
{
	scoped(arena_free) struct arena arena = ARENA(256);
	struct sample sample;
	struct why why;
	json_t *json = json_loads(GOOD_SAMPLE, 0, NULL), *texts = json_object_get(json, "texts");

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		json_array_append_new(texts, json_string("x"));
	assert_false(json_read(&sample_shape, json, &arena, &sample, NULL, &why));
	assert_string_equal(why.text, "texts is wrong");
	json_decref(json);
}

static void what_is_no_utf8_is_replaced(void **state)
{
	static const struct {
		const char *from, *to;
	} texts[] = {
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "gr\xfc\xdf", "gr\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc3", "\xef\xbf\xbd" },
		{ "\xed\xa0\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < count_of(texts); i++) {
		json_t *text = text_json(str_of(texts[i].from));
		assert_string_equal(json_string_value(text), texts[i].to);
		json_decref(text);
	}
}

/* --- names --- */

static void only_a_name_of_ours_or_an_address_is_a_host(void **state)
{
	struct str more[] = { STR("mail.example.test") };
	const struct settings settings = { .host_name = STR("mx.example.test"),
		.web_names = { more, 1 } };
	static const char *const good[] = { "mx.example.test", "MX.example.test:8443",
		"mail.example.test", "localhost:8080", "127.0.0.1", "192.0.2.1:443", "[::1]",
		"[2001:db8::1]:443" };
	static const char *const bad[] = { "", "example.test", "mx.example.test.evil.example",
		"evil.example", "127.0.0.1.evil.example", "[", "[evil.example]", ":80", "1.2.3",
		"mx.example.test@evil.example" };

	(void)state;
	for (size_t i = 0; i < count_of(good); i++)
		assert_true(admit_host(&settings, str_of(good[i])));
	for (size_t i = 0; i < count_of(bad); i++)
		assert_false(admit_host(&settings, str_of(bad[i])));
}

/* --- behind a proxy --- */

static void who_a_proxy_asks_for_is_the_last_address_it_names(void **state)
{
	static const char *const good[][2] = { { "192.0.2.7", "192.0.2.7" },
		{ "192.0.2.7:4711", "192.0.2.7" }, { " \t192.0.2.7 ", "192.0.2.7" },
		{ "2001:DB8:0::1", "2001:db8::1" }, { "[2001:db8::1]", "2001:db8::1" },
		{ "[2001:db8::1]:443", "2001:db8::1" }, { "2001:db8::1:443", "2001:db8::1:443" },
		{ "::ffff:192.0.2.7", "192.0.2.7" }, { "[::ffff:c000:207]:80", "192.0.2.7" },
		{ "198.51.100.1, 192.0.2.7", "192.0.2.7" }, { ",,192.0.2.7", "192.0.2.7" },
		{ "unknown,10.0.0.1,192.0.2.7:1", "192.0.2.7" }, { "127.0.0.1", "127.0.0.1" } };

	(void)state;
	for (size_t i = 0; i < count_of(good); i++) {
		struct peer peer = { .text = "before" }, same;
		assert_true(forwarded_peer(str_of(good[i][0]), &peer));
		assert_string_equal(peer.text, good[i][1]);
		assert_true(peer_of_text(str_of(good[i][1]), &same));
		assert_memory_equal(peer.key, same.key, sizeof peer.key);
	}
}

static void what_is_no_address_leaves_the_peer_as_it_was(void **state)
{
	static const char *const bad[] = { "", ",", "unknown", "192.0.2.7,", "192.0.2.7, ,",
		"192.0.2.7, evil", "192.0.2", "192.0.2.7.", "192.0.2.256", "0300.0.2.7",
		"192.0.2.7:", "192.0.2.7:x", "192.0.2.7:65536", "192.0.2.7:-1",
		"192.0.2.7:99999999999999999999", "192.0.2.7 198.51.100.1", "192.0.2.7/32",
		"fe80::1%eth0", "[fe80::1%25eth0]:80", "[2001:db8::1", "2001:db8::1]",
		"[2001:db8::1]443", "[2001:db8::1]:", "[192.0.2.7]", "[]", "[]:80", "[[::1]]",
		"2001:db8::1::2", ":", "::::", "\"192.0.2.7\"", "for=192.0.2.7", "192.0.2.7\r\n1",
		"localhost", "3221225991" };
	char *many = calloc(1, 100001);
	struct peer peer = { .text = "before" };

	(void)state;
	for (size_t i = 0; i < count_of(bad); i++)
		if (forwarded_peer(str_of(bad[i]), &peer) || strcmp(peer.text, "before") != 0)
			fail_msg("%s is taken for %s", bad[i], peer.text);
	assert_false(forwarded_peer((struct str){ "1.2.3.4\0", 8 }, &peer));
	assert_false(forwarded_peer((struct str){ NULL, 0 }, &peer));
	assert_non_null(many);
	memset(many, '1', 100000);
	assert_false(forwarded_peer(str_of(many), &peer));
	memset(many, ',', 100000);
	assert_false(forwarded_peer(str_of(many), &peer));
	memset(many, '[', 100000);
	assert_false(forwarded_peer(str_of(many), &peer));
	assert_string_equal(peer.text, "before");
	free(many);
}

static void the_scheme_is_the_last_one_that_is_named(void **state)
{
	(void)state;
	assert_true(forwarded_https(STR("https")));
	assert_true(forwarded_https(STR("http, HTTPS ")));
	assert_false(forwarded_https(STR("")));
	assert_false(forwarded_https(STR("https, http")));
	assert_false(forwarded_https(STR("https,")));
	assert_false(forwarded_https(STR("httpsx")));
}

static void an_id_of_a_draft_is_twenty_to_forty_letters_and_digits(void **state)
{
	(void)state;
	assert_true(draft_names_one(STR("abcdefghij0123456789")));
	assert_false(draft_names_one(STR("abcdefghij012345678")));
	assert_false(draft_names_one(STR("abcdefghij0123456789abcdefghij0123456789a")));
	assert_false(draft_names_one(STR("Abcdefghij0123456789")));
	assert_false(draft_names_one(STR("abcdefghij/../456789")));
}

static void every_page_is_compiled_in_with_its_type(void **state)
{
	bool index = false;

	(void)state;
	for (size_t i = 0; i < pages_n; i++) {
		assert_int_equal(pages[i].path[0], '/');
		assert_int_equal(pages[i].digest[0], '"');
		index = index || (!strcmp(pages[i].path, "/index.html") &&
					 !strcmp(pages[i].type, "text/html; charset=utf-8"));
	}
	assert_true(index);
}

/* --- threads --- */

struct crowd {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned at_work, most, done;
	bool open;
};
struct visitor {
	struct task task;
	struct crowd *crowd;
};

static void wait_for_the_door(struct task *task)
{
	struct crowd *crowd = ((struct visitor *)task)->crowd;

	pthread_mutex_lock(&crowd->lock);
	crowd->at_work++;
	if (crowd->most < crowd->at_work)
		crowd->most = crowd->at_work;
	pthread_cond_broadcast(&crowd->changed);
	while (!crowd->open)
		condition_wait(&crowd->changed, &crowd->lock, deadline_never());
	crowd->at_work--;
	crowd->done++;
	pthread_cond_broadcast(&crowd->changed);
	pthread_mutex_unlock(&crowd->lock);
}

static void so_many_work_and_so_many_wait(void **state)
{
	enum { THREADS = 3, WAITING = 4, ALL = THREADS + WAITING };
	struct workers *workers = workers_new(THREADS, THREADS, WAITING, 0);
	struct crowd crowd = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct visitor visitors[ALL + 1];

	(void)state;
	condition_init(&crowd.changed);
	for (unsigned i = 0; i < ALL; i++) {
		visitors[i] = (struct visitor){ { .run = wait_for_the_door }, &crowd };
		assert_true(workers_add(workers, &visitors[i].task));
		pthread_mutex_lock(&crowd.lock);
		while (i < THREADS && crowd.at_work <= i)
			condition_wait(&crowd.changed, &crowd.lock, deadline_never());
		pthread_mutex_unlock(&crowd.lock);
	}
	visitors[ALL] = (struct visitor){ { .run = wait_for_the_door }, &crowd };
	assert_false(workers_add(workers, &visitors[ALL].task));
	pthread_mutex_lock(&crowd.lock);
	crowd.open = true;
	pthread_cond_broadcast(&crowd.changed);
	while (crowd.done < ALL)
		condition_wait(&crowd.changed, &crowd.lock, deadline_never());
	pthread_mutex_unlock(&crowd.lock);
	assert_int_equal(crowd.most, THREADS);
}

static void send_in(
	struct workers *workers, struct crowd *crowd, struct visitor *visitors, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		visitors[i] =
			(struct visitor){ { .run = wait_for_the_door, .whose = crowd }, crowd };
		assert_true(workers_add(workers, &visitors[i].task));
	}
}

static void wait_until(struct crowd *crowd, const unsigned *count, unsigned n)
{
	struct deadline patience = deadline_in(10 * SECOND);

	pthread_mutex_lock(&crowd->lock);
	while (*count < n)
		assert_true(condition_wait(&crowd->changed, &crowd->lock, patience));
	pthread_mutex_unlock(&crowd->lock);
}

static void open_the_door(struct crowd *crowd)
{
	pthread_mutex_lock(&crowd->lock);
	crowd->open = true;
	pthread_cond_broadcast(&crowd->changed);
	pthread_mutex_unlock(&crowd->lock);
}

static void an_owner_waits_for_his_own_alone(void **state)
{
	enum { THREADS = 4, OF_ONE = 2, MANY = 8, FEW = 2 };
	struct workers *workers = workers_new(THREADS, OF_ONE, MANY + FEW, 0);
	struct crowd many = { .lock = PTHREAD_MUTEX_INITIALIZER }, few = many;
	struct visitor of_many[MANY], of_few[FEW];

	(void)state;
	condition_init(&many.changed);
	condition_init(&few.changed);
	send_in(workers, &many, of_many, MANY);
	wait_until(&many, &many.at_work, OF_ONE);
	send_in(workers, &few, of_few, FEW);
	wait_until(&few, &few.at_work, FEW);
	open_the_door(&few);
	wait_until(&few, &few.done, FEW);
	send_in(workers, &few, of_few, FEW);
	wait_until(&few, &few.done, 2 * FEW);
	open_the_door(&many);
	wait_until(&many, &many.done, MANY);
	assert_int_equal(many.most, OF_ONE);
}

static void an_account_or_an_address_has_so_much(void **state)
{
	struct shares *shares = shares_new();
	struct peer here, there;

	(void)state;
	assert_true(peer_of_text(STR("192.0.2.1"), &here));
	assert_true(peer_of_text(STR("192.0.2.2"), &there));
	struct share *ada = share_begin(shares, 1, &here, 2);
	assert_ptr_equal(share_begin(shares, 1, &there, 2), ada);
	assert_null(share_begin(shares, 1, &there, 2));
	struct share *bob = share_begin(shares, 2, &here, 2);
	struct share *nobody = share_begin(shares, 0, &here, 2);
	assert_true(bob && nobody && bob != ada && nobody != ada && nobody != bob);
	struct share *other = share_begin(shares, 0, &there, 1);
	assert_true(other && other != nobody);
	assert_true(share_take(ada, 60, 100) && share_take(ada, 40, 100));
	assert_false(share_take(ada, 1, 100) || share_take(bob, UINT64_MAX, 100));
	assert_true(share_take(bob, 100, 100));
	share_end(ada, 60);
	assert_false(share_take(ada, 61, 100));
	assert_ptr_equal(share_begin(shares, 1, &there, 2), ada);
	share_end(ada, 0);
	share_end(ada, 40);
	share_end(bob, 100);
	share_end(nobody, 0);
	share_end(other, 0);
	share_end(NULL, 0);
	shares_free(&shares);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_one_route_or_none),
		cmocka_unit_test(every_route_has_at_most_the_parts_there_is_room_for),
		cmocka_unit_test(a_struct_is_the_same_after_being_json),
		cmocka_unit_test(what_is_of_another_kind_is_named),
		cmocka_unit_test(a_list_that_is_too_long_is_refused),
		cmocka_unit_test(what_is_no_utf8_is_replaced),
		cmocka_unit_test(only_a_name_of_ours_or_an_address_is_a_host),
		cmocka_unit_test(who_a_proxy_asks_for_is_the_last_address_it_names),
		cmocka_unit_test(what_is_no_address_leaves_the_peer_as_it_was),
		cmocka_unit_test(the_scheme_is_the_last_one_that_is_named),
		cmocka_unit_test(an_id_of_a_draft_is_twenty_to_forty_letters_and_digits),
		cmocka_unit_test(every_page_is_compiled_in_with_its_type),
		cmocka_unit_test(so_many_work_and_so_many_wait),
		cmocka_unit_test(an_owner_waits_for_his_own_alone),
		cmocka_unit_test(an_account_or_an_address_has_so_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
