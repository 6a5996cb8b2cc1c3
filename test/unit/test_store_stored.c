/* SPDX-License-Identifier: ISC
 *
 * test_store_stored.c - what the operator stores of recipient domains' certificates: its form, its
 * dates, and the generation by which delivery knows that it changed. And delivery's side of it,
 * against a store that is a process of its own.
 */
#include "store_world.h"

#include "base/must.h"
#include "delivery/stored.h"
#include "mail/stored_certificate.h"
#include "store/serve.h"
#include "store/stored.h"
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define DIGEST_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST_B "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PEM	 "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB==\n-----END CERTIFICATE-----\n"

static struct certificate_add_ask key_ask(const char *domain, const char *digest)
{
	return (struct certificate_add_ask){
		.domain = str_of(domain), .kind = STORED_KEY, .value = str_of(digest)
	};
}

static struct certificate_answer add(struct world *w, struct certificate_add_ask ask)
{
	struct certificate_answer answer;

	begin(w);
	stored_add(&w->store, &ask, &w->arena, &answer);
	commit(w);
	return answer;
}

static uint64_t removed(struct world *w, const char *domain, uint64_t entry)
{
	struct certificate_answer answer;

	begin(w);
	stored_remove(&w->store,
		&(struct certificate_remove_ask){ .domain = str_of(domain), .entry = entry },
		&w->arena, &answer);
	commit(w);
	return answer.outcome == CTL_OK ? answer.certificates.len : 0;
}

static struct stored_answer find(struct world *w, const char *domain)
{
	struct stored_answer answer;

	stored_entries(&w->store, str_of(domain), &w->arena, &answer);
	assert_int_equal(w->store.db.failure, SQLITE_OK);
	return answer;
}

static struct certificate_answer list(struct world *w, const char *domain)
{
	struct certificate_answer answer;

	begin(w);
	stored_list(&w->store,
		&(struct certificate_list_ask){ .domain = str_of(domain), .limit = 1000 },
		&w->arena, &answer);
	commit(w);
	return answer;
}

static uint64_t generation(struct world *w)
{
	struct generation_answer answer;

	stored_generation(&w->store, &answer);
	return answer.generation;
}

static void what_is_stored_is_found_by_its_domain_alone(void **state)
{
	struct world *w = world_open();
	struct certificate_add_ask authority = { .domain = STR("hotel.test"),
		.kind = STORED_AUTHORITY,
		.value = STR(PEM PEM),
		.names = STR("mx.hotel.test mx.xn--bcher-kva.test"),
		.note = STR("by telephone, M\303\274ller") };

	(void)state;
	assert_int_equal(add(w, key_ask("hotel.test", DIGEST_A)).outcome, CTL_OK);
	assert_int_equal(add(w, authority).outcome, CTL_OK);
	assert_int_equal(add(w, key_ask("B\303\274cher.TEST", DIGEST_B)).outcome, CTL_OK);
	struct stored_answer found = find(w, "hotel.test");
	assert_int_equal(found.entries.len, 2);
	assert_int_equal(found.expired, 0);
	assert_int_equal(found.until, 0);
	assert_int_equal(found.entries.at[0].kind, STORED_KEY);
	assert_true(str_eq(found.entries.at[0].value, STR(DIGEST_A)));
	assert_int_equal(found.entries.at[1].kind, STORED_AUTHORITY);
	assert_true(str_eq(found.entries.at[1].value, STR(PEM PEM)));
	assert_true(str_eq(found.entries.at[1].names, authority.names));
	assert_int_equal(find(w, "xn--bcher-kva.test").entries.len, 1);
	assert_int_equal(find(w, "sub.hotel.test").entries.len, 0);
	assert_int_equal(find(w, "").entries.len, 0);
	assert_int_equal(list(w, "").certificates.len, 3);
	assert_int_equal(list(w, "Hotel.test").certificates.len, 2);
	assert_true(str_eq(list(w, "hotel.test").certificates.at[1].note, authority.note));
	world_close(w);
}

static void nothing_of_another_form_is_stored(void **state)
{
	static char long_pem[STORED_VALUE_MAX + 200], long_names[STORED_NAMES_MAX + 20];
	const struct certificate_add_ask good = key_ask("hotel.test", DIGEST_A);
	const struct certificate_add_ask authority = {
		.domain = STR("hotel.test"), .kind = STORED_AUTHORITY, .value = STR(PEM)
	};
	const struct str no_digests[] = { STR(""), STR("0123"), STR(DIGEST_A "0"),
		STR("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"),
		STR("g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
		STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\0"),
		STR(PEM) };
	const struct str no_texts[] = { STR(""), STR(DIGEST_A), STR("nonsense"),
		STR("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
		STR("-----BEGIN CERTIFICATE-----\nAAAA\n"),
		STR("-----BEGIN CERTIFICATE-----\nAA-AA\n-----END CERTIFICATE-----\n"),
		STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), STR(PEM "x"),
		STR("x" PEM), STR(PEM "\n"), { long_pem, sizeof long_pem } };
	const struct str no_names[] = { STR(" "), STR("mx.hotel.test "),
		STR("mx.hotel.test  a.test"), STR("MX.hotel.test"), STR("mx_hotel,test"),
		STR("b\303\274cher.test"), { long_names, sizeof long_names } };
	const char *const no_domains[] = { "", "hotel .test", "[192.0.2.1]", "ada@hotel.test",
		"." };
	struct world *w = world_open();
	uint64_t before = generation(w);
	struct certificate_add_ask ask;

	(void)state;
	for (size_t i = 0; i + sizeof PEM < sizeof long_pem; i += sizeof PEM - 1)
		memcpy(long_pem + i, PEM, sizeof PEM - 1);
	for (size_t i = 0; i < sizeof long_names; i++)
		long_names[i] = "ab.test "[i % 8];
	for (size_t i = 0; i < 2 * count_of(no_digests); i++) {
		ask = good;
		ask.kind = i % 2 ? STORED_KEY : STORED_CERTIFICATE;
		ask.value = no_digests[i / 2];
		assert_int_equal(add(w, ask).outcome, CTL_INVALID);
	}
	for (size_t i = 0; i < count_of(no_texts); i++) {
		ask = authority;
		ask.value = no_texts[i];
		assert_int_equal(add(w, ask).outcome, CTL_INVALID);
	}
	for (size_t i = 0; i < count_of(no_names); i++) {
		ask = authority;
		ask.names = no_names[i];
		assert_int_equal(add(w, ask).outcome, CTL_INVALID);
	}
	for (size_t i = 0; i < count_of(no_domains); i++)
		assert_int_equal(add(w, key_ask(no_domains[i], DIGEST_A)).outcome, CTL_INVALID);
	ask = good;
	ask.kind = STORED_KINDS_N;
	assert_int_equal(add(w, ask).outcome, CTL_INVALID);
	ask = good;
	ask.names = STR("mx.hotel.test");
	assert_int_equal(add(w, ask).outcome, CTL_INVALID);
	ask = good;
	ask.note = STR("two\nlines");
	assert_int_equal(add(w, ask).outcome, CTL_INVALID);
	ask = good;
	ask.expires = UINT64_MAX;
	assert_int_equal(add(w, ask).outcome, CTL_INVALID);
	assert_int_equal(list(w, "").certificates.len, 0);
	assert_int_equal(generation(w), before);
	world_close(w);
}

static void a_digest_may_be_written_as_people_write_it(void **state)
{
	scoped(buf_free) struct buf to = BUF(1000);

	(void)state;
	assert_true(stored_digest_read(STR("  01:23:45:67:89:AB:CD:EF:01:23:45:67:89:ab:cd:ef:"
					   "01:23:45:67:89:AB:CD:EF:01 23 45 67 89 AB CD EF\n"),
		&to));
	assert_true(str_eq(buf_str(&to), STR(DIGEST_A)));
	assert_false(stored_digest_read(STR("01:23"), &to));
	assert_false(stored_digest_read(STR(DIGEST_A "00"), &to));
}

static void a_domain_has_room_for_a_rollover_and_no_more(void **state)
{
	struct world *w = world_open();
	char digest[] = DIGEST_A;

	(void)state;
	for (int i = 0; i < STORED_OF_DOMAIN; i++) {
		digest[0] = "0123456789abcdef"[i];
		assert_int_equal(add(w, key_ask("hotel.test", digest)).outcome, CTL_OK);
	}
	digest[1] = '2';
	assert_int_equal(add(w, key_ask("hotel.test", digest)).outcome, CTL_INVALID);
	assert_int_equal(add(w, key_ask("other.test", digest)).outcome, CTL_OK);
	assert_int_equal(find(w, "hotel.test").entries.len, STORED_OF_DOMAIN);
	world_close(w);
}

static void the_same_entry_again_only_changes_its_date_and_note(void **state)
{
	struct world *w = world_open();
	struct certificate_add_ask ask = key_ask("hotel.test", DIGEST_A);

	(void)state;
	struct certificate_answer first = add(w, ask);
	ask.expires = (uint64_t)clock_wall_ms() + DAY;
	ask.note = STR("until tomorrow");
	struct certificate_answer second = add(w, ask);
	assert_int_equal(second.outcome, CTL_OK);
	assert_int_equal(second.certificates.at[0].entry, first.certificates.at[0].entry);
	assert_int_equal(second.certificates.at[0].expires, ask.expires);
	assert_true(str_eq(second.certificates.at[0].note, ask.note));
	assert_int_equal(list(w, "").certificates.len, 1);
	world_close(w);
}

static void every_change_makes_another_generation_and_a_restart_none(void **state)
{
	struct world *w = world_open();
	uint64_t seen[5];

	(void)state;
	seen[0] = generation(w);
	struct certificate_answer first = add(w, key_ask("hotel.test", DIGEST_A));
	seen[1] = generation(w);
	add(w, key_ask("hotel.test", DIGEST_A));
	seen[2] = generation(w);
	assert_int_equal(removed(w, "hotel.test", first.certificates.at[0].entry), 1);
	seen[3] = generation(w);
	assert_int_equal(removed(w, "hotel.test", first.certificates.at[0].entry), 0);
	assert_int_equal(generation(w), seen[3]);
	world_crash(w);
	assert_int_equal(generation(w), seen[3]);
	assert_int_equal(find(w, "hotel.test").generation, seen[3]);
	/* Nor is a number given twice. */
	seen[4] = add(w, key_ask("hotel.test", DIGEST_A)).certificates.at[0].entry;
	assert_true(seen[4] > first.certificates.at[0].entry);
	for (int i = 1; i < 4; i++)
		assert_true(seen[i] > seen[i - 1]);
	world_close(w);
}

static void one_entry_is_removed_or_all_of_one_domain(void **state)
{
	struct world *w = world_open();

	(void)state;
	uint64_t first = add(w, key_ask("hotel.test", DIGEST_A)).certificates.at[0].entry;
	uint64_t other = add(w, key_ask("other.test", DIGEST_A)).certificates.at[0].entry;
	add(w, key_ask("hotel.test", DIGEST_B));
	assert_int_equal(removed(w, "hotel.test", other), 0);
	assert_int_equal(removed(w, "hotel.test", UINT64_C(1) << 63), 0);
	assert_int_equal(list(w, "").certificates.len, 3);
	assert_int_equal(removed(w, "Hotel.test", first), 1);
	assert_true(str_eq(find(w, "hotel.test").entries.at[0].value, STR(DIGEST_B)));
	add(w, key_ask("hotel.test", DIGEST_A));
	assert_int_equal(removed(w, "hotel.test", 0), 2);
	assert_int_equal(find(w, "hotel.test").entries.len, 0);
	assert_int_equal(find(w, "other.test").entries.len, 1);
	assert_int_equal(removed(w, "hotel.test", 0), 0);
	world_close(w);
}

static void an_entry_counts_until_its_date(void **state)
{
	struct world *w = world_open();
	struct certificate_add_ask ask = key_ask("hotel.test", DIGEST_A);

	(void)state;
	ask.expires = (uint64_t)clock_wall_ms() + DAY;
	add(w, ask);
	ask.value = STR(DIGEST_B);
	ask.expires += HOUR;
	add(w, ask);
	struct stored_answer found = find(w, "hotel.test");
	assert_int_equal(found.entries.len, 2);
	assert_int_equal(found.until, ask.expires - HOUR);
	struct certificate_add_ask retired = key_ask("hotel.test", DIGEST_A);
	retired.expires = (uint64_t)clock_wall_ms() - SECOND;
	assert_int_equal(add(w, retired).outcome, CTL_OK);
	found = find(w, "hotel.test");
	assert_int_equal(found.entries.len, 1);
	assert_true(str_eq(found.entries.at[0].value, STR(DIGEST_B)));
	assert_int_equal(found.expired, 1);
	assert_int_equal(found.until, ask.expires);
	assert_int_equal(list(w, "hotel.test").certificates.len, 2);
	world_close(w);
}

static void a_listing_goes_on_behind_its_last_entry(void **state)
{
	struct world *w = world_open();
	struct certificate_list_ask ask = { .limit = 1 };
	struct certificate_answer answer;
	const char *const domains[] = { "b.test", "a.test", "b.test", "c.test" };
	char digest[] = DIGEST_A, order[8] = "";
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < count_of(domains); i++) {
		digest[0] = "0123456789abcdef"[i];
		add(w, key_ask(domains[i], digest));
	}
	do {
		begin(w);
		stored_list(&w->store, &ask, &w->arena, &answer);
		commit(w);
		if (!answer.certificates.len)
			break;
		order[n++] = answer.certificates.at[0].domain.at[0];
		ask.after_domain = answer.certificates.at[0].domain;
		ask.after = answer.certificates.at[0].entry;
	} while (n < 7);
	assert_string_equal(order, "abbc");
	world_close(w);
}

/* What stored_warn writes. */
static struct str warned(struct world *w, char *to, size_t room)
{
	scoped(fd_close) int log = fd_memfd("log");
	int kept = dup(STDERR_FILENO);

	assert_int_equal(dup2(log, STDERR_FILENO), STDERR_FILENO);
	begin(w);
	stored_warn(&w->store);
	commit(w);
	dup2(kept, STDERR_FILENO);
	close(kept);
	ssize_t n = pread(log, to, room, 0);
	return (struct str){ to, n > 0 ? (size_t)n : 0 };
}

static void an_entry_that_expires_is_warned_of_daily(void **state)
{
	struct world *w = world_open();
	struct certificate_add_ask ask = key_ask("hotel.test", DIGEST_A);
	char log[4096];

	(void)state;
	add(w, key_ask("never.test", DIGEST_A));
	ask.expires = (uint64_t)(clock_wall_ms() + 20LL * DAY);
	add(w, ask);
	assert_int_equal(warned(w, log, sizeof log).len, 0);
	w->store.stored_warned = 0;
	ask.expires = (uint64_t)(clock_wall_ms() + 13LL * DAY + HOUR);
	add(w, ask);
	struct str text = warned(w, log, sizeof log);
	assert_contains(text, "level=warning event=stored-certificate-expires domain=hotel.test "
			      "entry=2 kind=key days=13\n");
	assert_int_equal(str_find_str(text, STR("never.test")), text.len);
	assert_int_equal(warned(w, log, sizeof log).len, 0);
	w->store.stored_warned -= DAY;
	assert_int_not_equal(warned(w, log, sizeof log).len, 0);
	assert_int_equal(sqlite3_exec(w->store.db.handle,
				 "UPDATE stored_certificate SET expires = 1 WHERE number = 2", NULL,
				 NULL, NULL),
		SQLITE_OK);
	w->store.stored_warned -= DAY;
	assert_contains(warned(w, log, sizeof log),
		"event=stored-certificate-expired domain=hotel.test entry=2 kind=key\n");
	world_close(w);
}

/* --- delivery's side --- */

static pid_t start_store(struct world *w, struct client *delivery, struct client *ctl, int *control)
{
	int ends[2], edge[2];
	struct client *clients[] = { delivery, ctl };
	const char *const names[] = { "delivery", "ctl" };

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct start start = { .role = ROLE_STORE, .settings = w->settings };
		struct users_file users = { 1, 1 };
		struct store store;
		struct why why;
		must(dup2(ends[1], CONTROL_FD) == CONTROL_FD);
		must(store_open(&store, "store.db", w->settings, &why));
		store_serve(&store, &start, &users, -1);
		_exit(0);
	}
	close(ends[1]);
	for (size_t i = 0; i < count_of(clients); i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, edge), 0);
		assert_true(control_send(ends[0], CONTROL_EDGE, str_of(names[i]), edge[1]));
		close(edge[1]);
		client_set_edge(clients[i], edge[0]);
	}
	*control = ends[0];
	return pid;
}

static void stop_store(pid_t pid, int control)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(control);
}

static struct stored_view found(struct client *delivery, struct arena *arena)
{
	struct stored_view view;
	struct why why;

	if (!stored_find(delivery, STR("hotel.test"), arena, &view, deadline_in(20000), &why))
		fail_msg("%s", why.text);
	return view;
}

static void a_removed_entry_is_not_used_for_another_second(void **state)
{
	struct world *w = world_open();
	struct client *delivery = client_new(ROLE_STORE), *ctl = client_new(ROLE_STORE);
	struct certificate_add_ask ask = key_ask("hotel.test", DIGEST_A);
	struct certificate_answer answer;
	struct why why;
	int control;

	(void)state;
	store_close(&w->store);
	pid_t pid = start_store(w, delivery, ctl, &control);
	assert_int_equal(stored_pin(&(struct stored_view){ 0 }), PIN_NONE);
	assert_int_equal(stored_pin(&(struct stored_view){ .expired = 1 }), PIN_EXPIRED);
	struct stored_view view = found(delivery, &w->arena);
	assert_int_equal(stored_pin(&view), PIN_NONE);
	assert_int_equal(view.state.until, INT64_MAX);
	assert_true(call_certificate_add(
		ctl, &ask, -1, &w->arena, &answer, NULL, deadline_in(20000), &why));
	assert_false(stored_still(delivery, view.state, deadline_in(20000), &why));
	view = found(delivery, &w->arena);
	assert_int_equal(stored_pin(&view), PIN_STORED);
	assert_int_equal(view.n, 1);
	assert_true(str_eq(view.entries[0].value, STR(DIGEST_A)));
	assert_true(stored_still(delivery, view.state, deadline_in(20000), &why));

	stop_store(pid, control);
	pid = start_store(w, delivery, ctl, &control);
	assert_true(stored_still(delivery, view.state, deadline_in(20000), &why));
	assert_true(call_certificate_remove(ctl,
		&(struct certificate_remove_ask){ .domain = STR("hotel.test") }, -1, &w->arena,
		&answer, NULL, deadline_in(20000), &why));
	assert_false(stored_still(delivery, view.state, deadline_in(20000), &why));
	view = found(delivery, &w->arena);
	assert_int_equal(stored_pin(&view), PIN_NONE);
	view.state.until = clock_wall_ms();
	assert_false(stored_still(delivery, view.state, deadline_in(20000), &why));

	stop_store(pid, control);
	assert_false(
		stored_find(delivery, STR("hotel.test"), &w->arena, &view, deadline_in(100), &why));
	assert_false(stored_still(delivery, view.state, deadline_in(100), &why));
	client_free(&delivery);
	client_free(&ctl);
	world_reopen(w);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_stored_is_found_by_its_domain_alone),
		cmocka_unit_test(nothing_of_another_form_is_stored),
		cmocka_unit_test(a_digest_may_be_written_as_people_write_it),
		cmocka_unit_test(a_domain_has_room_for_a_rollover_and_no_more),
		cmocka_unit_test(the_same_entry_again_only_changes_its_date_and_note),
		cmocka_unit_test(every_change_makes_another_generation_and_a_restart_none),
		cmocka_unit_test(one_entry_is_removed_or_all_of_one_domain),
		cmocka_unit_test(an_entry_counts_until_its_date),
		cmocka_unit_test(a_listing_goes_on_behind_its_last_entry),
		cmocka_unit_test(an_entry_that_expires_is_warned_of_daily),
		cmocka_unit_test(a_removed_entry_is_not_used_for_another_second),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
