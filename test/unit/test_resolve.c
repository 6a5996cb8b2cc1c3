/* SPDX-License-Identifier: ISC
 *
 * test_resolve.c - routes from a resolver that knows local records alone: no packet leaves.
 * Also addresses: literals, networks, and where nobody else's domain may send us.
 */
#include "net/dial.h"
#include "net/resolve.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct str lines[] = {
	{ "one.test. 60 IN MX 20 B.one.test.", 0 },
	{ "one.test. 60 IN MX 10 a.one.test.", 0 },
	{ "one.test. 60 IN MX 30 a.one.test.", 0 },
	{ "a.one.test. 30 IN A 192.0.2.1", 0 },
	{ "a.one.test. 30 IN A 192.0.2.2", 0 },
	{ "a.one.test. 30 IN AAAA 2001:db8::1", 0 },
	{ "b.one.test. 30 IN A 192.0.2.3", 0 },
	{ "null.test. 60 IN MX 0 .", 0 },
	{ "implicit.test. 60 IN A 192.0.2.4", 0 },
	{ "alias.test. 60 IN MX 10 www.alias.test.", 0 },
	{ "www.alias.test. 60 IN CNAME a.one.test.", 0 },
	{ "text.test. 60 IN TXT \"nothing here\"", 0 },
	{ "deaf.test. 60 IN MX 10 nobody.deaf.test.", 0 },
	{ "nobody.deaf.test. 60 IN TXT \"no address\"", 0 },
	{ "odd.test. 60 IN MX 10 -.\\@.test.", 0 },
	{ "short.test. 1 IN A 192.0.2.5", 0 },
	{ "_mta-sts.one.test. 60 IN TXT \"v=STSv1; \" \"id=1;\"", 0 },
	{ "_mta-sts.two.test. 60 IN TXT \"one\"", 0 },
	{ "_mta-sts.two.test. 60 IN TXT \"two\"", 0 },
	{ "_mta-sts.alias.test. 60 IN CNAME _mta-sts.one.test.", 0 },
};
static struct str zones[] = { { "test. static", 12 } };

static struct resolver *resolver_of_records(void)
{
	struct resolver_setup setup = {
		.local_records = { lines, count_of(lines) },
		.local_zones = { zones, count_of(zones) },
	};
	struct why why = { "" };

	for (size_t i = 0; i < count_of(lines); i++)
		lines[i] = str_of(lines[i].at);
	struct resolver *resolver = resolver_new(&setup, &why);
	assert_string_equal(why.text, "");
	assert_non_null(resolver);
	return resolver;
}

static int open_resolver(void **state)
{
	*state = resolver_of_records();
	return 0;
}

static int close_resolver(void **state)
{
	struct resolver *resolver = *state;

	resolver_release(&resolver);
	return 0;
}

static const struct route *route_to(void **state, const char *domain)
{
	return resolver_route(*state, str_of(domain), false, deadline_in(5 * SECOND));
}

static void assert_str(struct str s, const char *wanted)
{
	assert_int_equal(s.len, strlen(wanted));
	assert_memory_equal(s.at, wanted, s.len);
}

static void assert_ip(const struct ip *ip, const char *wanted)
{
	scoped(buf_free) struct buf text = BUF(64);

	ip_add_text(&text, ip);
	assert_str(buf_str(&text), wanted);
}

static void mx_hosts_come_by_preference_each_once(void **state)
{
	const struct route *route = route_to(state, "one.test");

	assert_int_equal(route->kind, ROUTE_HOSTS);
	assert_int_equal(route->n_hosts, 2);
	assert_str(route->hosts[0].name, "a.one.test");
	assert_int_equal(route->hosts[0].preference, 10);
	assert_str(route->hosts[1].name, "b.one.test");
	assert_int_equal(route->hosts[1].preference, 20);
	route_release(&route);
}

static void ipv6_and_ipv4_take_turns(void **state)
{
	const struct route *route = route_to(state, "one.test");
	const struct route_host *host = &route->hosts[0];

	assert_int_equal(host->facts.address, ADDRESS_FOUND);
	assert_int_equal(host->n_addresses, 3);
	assert_ip(&host->addresses[0], "2001:db8::1");
	assert_false(host->addresses[1].v6);
	assert_false(host->addresses[2].v6);
	route_release(&route);
}

static void local_records_are_not_validated(void **state)
{
	const struct route *route = route_to(state, "one.test");

	assert_false(route->hosts[0].facts.mx_validated);
	assert_false(route->hosts[0].facts.host_validated);
	route_release(&route);
}

static void a_null_mx_is_one(void **state)
{
	const struct route *route = route_to(state, "null.test");

	assert_int_equal(route->kind, ROUTE_NULL_MX);
	assert_false(route->validated);
	route_release(&route);
}

static void without_mx_the_domain_is_its_own_host(void **state)
{
	const struct route *route = route_to(state, "implicit.test");

	assert_int_equal(route->kind, ROUTE_HOSTS);
	assert_int_equal(route->n_hosts, 1);
	assert_str(route->hosts[0].name, "implicit.test");
	assert_ip(&route->hosts[0].addresses[0], "192.0.2.4");
	route_release(&route);
}

static void a_cname_of_a_host_is_followed(void **state)
{
	const struct route *route = route_to(state, "alias.test");

	assert_str(route->hosts[0].name, "www.alias.test");
	assert_int_equal(route->hosts[0].n_addresses, 3);
	route_release(&route);
}

static void a_domain_without_mx_and_address_has_no_address(void **state)
{
	const struct route *route = route_to(state, "text.test");

	assert_int_equal(route->kind, ROUTE_NO_ADDRESS);
	route_release(&route);
}

static void an_unknown_domain_is_no_domain(void **state)
{
	const struct route *route = route_to(state, "nowhere.test");

	assert_int_equal(route->kind, ROUTE_NO_DOMAIN);
	route_release(&route);
}

static void an_mx_host_without_address_says_so(void **state)
{
	const struct route *route = route_to(state, "deaf.test");

	assert_int_equal(route->kind, ROUTE_HOSTS);
	assert_int_equal(route->hosts[0].facts.address, ADDRESS_NONE);
	assert_false(route->hosts[0].facts.host_validated);
	route_release(&route);
}

static void an_mx_that_is_no_host_name_is_no_host(void **state)
{
	const struct route *route = route_to(state, "odd.test");

	assert_int_equal(route->kind, ROUTE_NO_ADDRESS);
	route_release(&route);
}

static void what_is_no_host_name_is_never_asked(void **state)
{
	static const char *const odd[] = { "a b.test", "a..test", ".test", "a.test\n", "" };

	for (size_t i = 0; i < count_of(odd); i++) {
		const struct route *route = route_to(state, odd[i]);
		assert_int_equal(route->kind, ROUTE_NO_DOMAIN);
		route_release(&route);
	}
}

static void a_route_is_shared_until_its_shortest_ttl(void **state)
{
	const struct route *one = route_to(state, "one.test"), *two = route_to(state, "one.test");

	assert_ptr_equal(one, two);
	assert_true(one->expires.at <= deadline_in(30 * SECOND).at);
	assert_true(one->expires.at > deadline_in(20 * SECOND).at);
	route_release(&one);
	route_release(&two);
}

static void a_cold_look_passes_the_cache(void **state)
{
	const struct route *warm = route_to(state, "one.test");
	const struct route *cold =
		resolver_route(*state, STR("one.test"), true, deadline_in(5 * SECOND));

	assert_ptr_not_equal(warm, cold);
	assert_int_equal(cold->n_hosts, 2);
	assert_int_equal(cold->hosts[0].n_addresses, 3);
	route_release(&warm);
	route_release(&cold);
}

static void *ask_often(void *of)
{
	for (int i = 0; i < 50; i++) {
		const struct route *route =
			resolver_route(of, i % 2 ? STR("one.test") : STR("short.test"), false,
				deadline_in(5 * SECOND));
		assert_int_equal(route->kind, ROUTE_HOSTS);
		route_release(&route);
	}
	return NULL;
}

static void many_threads_ask_at_once(void **state)
{
	pthread_t threads[8];

	for (size_t i = 0; i < count_of(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, *state), 0);
	for (size_t i = 0; i < count_of(threads); i++)
		pthread_join(threads[i], NULL);
}

/* A name server that never answers: a bound socket nobody reads. */
static int silent_server(char *setting, size_t room)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in own = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof own;

	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &size), 0);
	snprintf(setting, room, "127.0.0.1@%u", ntohs(own.sin_port));
	return fd;
}

static void silence_is_failure_and_not_absence(void **state)
{
	char server[40];
	int fd = silent_server(server, sizeof server);
	struct str forwarder = str_of(server);
	struct resolver_setup setup = { .forwarders = { &forwarder, 1 } };
	struct resolver *resolver = resolver_new(&setup, NULL);
	int64_t before = clock_monotonic_ms();
	const struct route *route =
		resolver_route(resolver, STR("example.org"), false, deadline_in(300));

	(void)state;
	assert_int_equal(route->kind, ROUTE_FAILED);
	assert_false(route->bogus);
	assert_true(clock_monotonic_ms() - before >= 300);
	route_release(&route);
	route = resolver_route(resolver, STR("example.org"), true, deadline_in(300));
	assert_int_equal(route->kind, ROUTE_FAILED);
	route_release(&route);
	resolver_release(&resolver);
	close(fd);
}

static struct txt_answer txt_of(void **state, const char *name, struct arena *arena)
{
	return resolver_txt(*state, str_of(name), false, arena, deadline_in(5 * SECOND));
}

static void the_strings_of_a_txt_record_are_one_text(void **state)
{
	static const char *const names[] = { "_mta-sts.one.test", "_mta-sts.alias.test" };
	struct arena arena = ARENA(10000);

	for (size_t i = 0; i < count_of(names); i++) {
		struct txt_answer txt = txt_of(state, names[i], &arena);
		assert_int_equal(txt.kind, TXT_FOUND);
		assert_int_equal(txt.len, 1);
		assert_str(txt.at[0], "v=STSv1; id=1;");
	}
	assert_int_equal(txt_of(state, "_mta-sts.two.test", &arena).len, 2);
	arena_free(&arena);
}

static void no_txt_record_is_told_from_a_failure(void **state)
{
	static const char *const none[] = { "one.test", "nowhere.test", "no name.test", "" };
	struct arena arena = ARENA(10000), small = ARENA(10);
	char server[40];
	int fd = silent_server(server, sizeof server);
	struct str forwarder = str_of(server);
	struct resolver_setup setup = { .forwarders = { &forwarder, 1 } };
	struct resolver *deaf = resolver_new(&setup, NULL);

	for (size_t i = 0; i < count_of(none); i++)
		assert_int_equal(txt_of(state, none[i], &arena).kind, TXT_NONE);
	assert_int_equal(txt_of(state, "_mta-sts.one.test", &small).kind, TXT_FAILED);
	for (int cold = 0; cold < 2; cold++)
		assert_int_equal(resolver_txt(deaf, STR("_mta-sts.example.org"), cold, &arena,
					 deadline_in(200))
					 .kind,
			TXT_FAILED);
	resolver_release(&deaf);
	close(fd);
	arena_free(&arena);
}

static void other_hosts_have_addresses_too(void **state)
{
	struct ip ips[8];
	struct deadline soon = deadline_in(5 * SECOND);

	for (int cold = 0; cold < 2; cold++) {
		assert_int_equal(
			resolver_addresses(*state, STR("a.one.test"), cold, ips, 8, soon), 3);
		assert_ip(&ips[0], "2001:db8::1");
		assert_int_equal(
			resolver_addresses(*state, STR("www.alias.test"), cold, ips, 2, soon), 2);
	}
	assert_int_equal(resolver_addresses(*state, STR("nowhere.test"), false, ips, 8, soon), 0);
	assert_int_equal(resolver_addresses(*state, STR("no name"), false, ips, 8, soon), 0);
}

static void wrong_settings_are_named(void **state)
{
	struct str record = STR("a.test. IN A nonsense"), anchor = STR(". IN DS nonsense");
	struct str server = STR("no address"), zone = STR("test. nonsense");
	const struct {
		struct resolver_setup setup;
		const char *named;
	} cases[] = {
		{ { .local_records = { &record, 1 } }, "nonsense" },
		{ { .root_servers = { &server, 1 } }, "no address" },
		{ { .forwarders = { &server, 1 } }, "no address" },
		{ { .local_zones = { &zone, 1 } }, "" },
		{ { .anchor = anchor }, "" },
	};

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++) {
		struct why why = { "" };
		assert_null(resolver_new(&cases[i].setup, &why));
		assert_non_null(strstr(why.text, cases[i].named));
		assert_string_not_equal(why.text, "");
	}
}

static void an_anchor_file_with_comments_is_read(void **state)
{
	struct resolver_setup setup = {
		.anchor = STR("; the root\n\n"
			      ". IN DS 20326 8 2 "
			      "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D "
			      "; since 2017\n")
	};
	struct resolver *resolver = resolver_new(&setup, NULL);

	(void)state;
	assert_non_null(resolver);
	resolver_release(&resolver);
}

static void literals_are_read(void **state)
{
	struct ip ip;

	(void)state;
	assert_true(ip_of_literal(STR("[192.0.2.9]"), &ip));
	assert_ip(&ip, "192.0.2.9");
	assert_true(ip_of_literal(STR("[ipv6:2001:db8::9]"), &ip));
	assert_ip(&ip, "2001:db8::9");
	assert_false(ip_of_literal(STR("[2001:db8::9]"), &ip));
	assert_false(ip_of_literal(STR("[IPv6:192.0.2.9]"), &ip));
	assert_false(ip_of_literal(STR("192.0.2.9"), &ip));
	assert_false(ip_of_literal(STR("[]"), &ip));
}

static void assert_forbidden(const char *text, bool wanted)
{
	struct ip ip;

	assert_true(ip_of_text(str_of(text), &ip));
	if (ip_is_forbidden(&ip, NULL, 0) != wanted)
		fail_msg("%s", text);
}

static void nobody_sends_us_into_private_networks(void **state)
{
	static const char *const forbidden[] = { "127.0.0.1", "127.255.255.255", "10.1.2.3",
		"172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "100.64.0.1",
		"0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1",
		"fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1",
		"2002:7f00:1::", "::127.0.0.1" };
	static const char *const open[] = { "192.0.2.1", "8.8.8.8", "172.15.0.1", "172.32.0.1",
		"100.128.0.1", "2001:db8::1", "2600::1", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1" };

	(void)state;
	for (size_t i = 0; i < count_of(forbidden); i++)
		assert_forbidden(forbidden[i], true);
	for (size_t i = 0; i < count_of(open); i++)
		assert_forbidden(open[i], false);
}

static void allowed_networks_open_what_they_contain(void **state)
{
	struct ip_network allowed[2];
	struct ip inside, outside, six;

	(void)state;
	assert_true(ip_network_of_text(STR("127.0.0.0/30"), &allowed[0], NULL));
	assert_true(ip_network_of_text(STR("fd00:1::/31"), &allowed[1], NULL));
	assert_true(ip_of_text(STR("127.0.0.3"), &inside));
	assert_true(ip_of_text(STR("127.0.0.4"), &outside));
	assert_true(ip_of_text(STR("fd00:1::7"), &six));
	assert_false(ip_is_forbidden(&inside, allowed, 2));
	assert_true(ip_is_forbidden(&outside, allowed, 2));
	assert_false(ip_is_forbidden(&six, allowed, 2));
}

static void networks_are_read_strictly(void **state)
{
	static const char *const wrong[] = { "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "ten/8",
		"::/129", "" };
	struct ip_network network;
	struct why why;

	(void)state;
	for (size_t i = 0; i < count_of(wrong); i++)
		assert_false(ip_network_of_text(str_of(wrong[i]), &network, &why));
	assert_true(ip_network_of_text(STR("192.0.2.1"), &network, &why));
	assert_int_equal(network.bits, 32);
}

static int listener(uint16_t *port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in own = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof own;

	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &size), 0);
	*port = ntohs(own.sin_port);
	return fd;
}

static void a_dead_address_does_not_hold_up_the_next(void **state)
{
	uint16_t port;
	int fd = listener(&port), connected = -1;
	struct dial_try tries[3] = { 0 };

	(void)state;
	assert_true(ip_of_text(STR("127.0.0.2"), &tries[0].ip)); /* bound to .1: refused */
	assert_true(ip_of_text(STR("127.0.0.1"), &tries[1].ip));
	assert_true(ip_of_text(STR("127.0.0.3"), &tries[2].ip));
	assert_int_equal(dial(tries, 3, port, 2 * SECOND, deadline_never(), &connected), 1);
	assert_true(connected >= 0);
	assert_int_equal(tries[0].state, DIAL_REFUSED);
	assert_int_equal(tries[2].state, DIAL_UNTRIED);
	close(connected);
	assert_int_equal(dial(tries, 3, port, 2 * SECOND, deadline_never(), &connected), -1);
	assert_int_equal(tries[2].state, DIAL_REFUSED);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mx_hosts_come_by_preference_each_once),
		cmocka_unit_test(ipv6_and_ipv4_take_turns),
		cmocka_unit_test(local_records_are_not_validated),
		cmocka_unit_test(a_null_mx_is_one),
		cmocka_unit_test(without_mx_the_domain_is_its_own_host),
		cmocka_unit_test(a_cname_of_a_host_is_followed),
		cmocka_unit_test(a_domain_without_mx_and_address_has_no_address),
		cmocka_unit_test(an_unknown_domain_is_no_domain),
		cmocka_unit_test(an_mx_host_without_address_says_so),
		cmocka_unit_test(an_mx_that_is_no_host_name_is_no_host),
		cmocka_unit_test(what_is_no_host_name_is_never_asked),
		cmocka_unit_test(a_route_is_shared_until_its_shortest_ttl),
		cmocka_unit_test(a_cold_look_passes_the_cache),
		cmocka_unit_test(many_threads_ask_at_once),
		cmocka_unit_test(silence_is_failure_and_not_absence),
		cmocka_unit_test(the_strings_of_a_txt_record_are_one_text),
		cmocka_unit_test(no_txt_record_is_told_from_a_failure),
		cmocka_unit_test(other_hosts_have_addresses_too),
		cmocka_unit_test(wrong_settings_are_named),
		cmocka_unit_test(an_anchor_file_with_comments_is_read),
		cmocka_unit_test(literals_are_read),
		cmocka_unit_test(nobody_sends_us_into_private_networks),
		cmocka_unit_test(allowed_networks_open_what_they_contain),
		cmocka_unit_test(networks_are_read_strictly),
		cmocka_unit_test(a_dead_address_does_not_hold_up_the_next),
	};

	return cmocka_run_group_tests(tests, open_resolver, close_resolver);
}
