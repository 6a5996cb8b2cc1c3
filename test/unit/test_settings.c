/* SPDX-License-Identifier: ISC
 *
 * test_settings.c - a good configuration means what it says; of a wrong one every mistake is
 * named with its line and what would be right.
 */
#include "base/must.h"
#include "call/message.h"
#include "settings/option.h"
#include "settings/settings.h"
#include "settings/value.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CERTIFIED                               \
	"host_name = \"mx.example.org\"\n"      \
	"certificate = \"/etc/siegel/c.pem\"\n" \
	"key = \"/etc/siegel/k.pem\"\n"
#define GOOD      \
	CERTIFIED \
	"domain \"example.org\" { secure = \"secure.example.org\" }\n"

struct outcome {
	struct settings *settings;
	struct buf errors;
};

static struct outcome parse(const char *text)
{
	struct outcome o = { .errors = BUF(65536) };

	o.settings = settings_parse(str_of(text), "s.conf", &o.errors);
	buf_add_char(&o.errors, '\0');
	return o;
}

static void done(struct outcome *o)
{
	settings_free(&o->settings);
	buf_free(&o->errors);
}

/* The configuration is refused with exactly these lines. */
static void refused(const char *text, const char *lines)
{
	struct outcome o = parse(text);

	assert_string_equal(o.errors.at, lines);
	assert_null(o.settings);
	done(&o);
}

/* One more option behind a good configuration is refused in line 5, in these words. */
static void refused_option(const char *option, const char *words)
{
	struct buf text = BUF(65536), lines = BUF(65536);

	must(buf_printf(&text, GOOD "%s\n", option) && buf_add_char(&text, 0));
	must(buf_printf(&lines, "s.conf:5: %s\n", words) && buf_add_char(&lines, 0));
	refused(text.at, lines.at);
	buf_free(&text);
	buf_free(&lines);
}

static void equal(struct str a, const char *b)
{
	if (!str_eq(a, str_of(b)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(a), b);
}

static void a_good_file_means_what_it_says(void **state)
{
	struct outcome o = parse(
		"# comment\n#\nhost_name = \"MX.Example.ORG\" // and\n"
		"state_directory = '/var/lib/a b'\n"
		"certificate = { \"/c/1.pem\", \"/c/2.pem\" }\nkey = \"/k/1.pem\" key += /k/2.pem\n"
		"message_size = 20M /* over\nlines */ deadline = 1h30m\n"
		"retries = { 30s, \"1m 2m\" }\nfrom_rule = no\n"
		"domain \"B\xc3\xbc"
		"cher.example\" { secure = 'secure.b\xc3\xbc"
		"cher.example'; }\n"
		"domain \"plain.example\" { }\n"
		"listener \"mx\" { kind = mx; address = \"0.0.0.0\"; port = 25 }\n"
		"listener \"s\" { kind = submissions address = ::1 port = 465 }\n");
	struct settings *s = o.settings;

	(void)state;
	assert_string_equal(o.errors.at, "");
	assert_non_null(s);
	equal(s->host_name, "mx.example.org");
	equal(s->state_directory, "/var/lib/a b");
	assert_int_equal(s->certificate.len, 2);
	assert_int_equal(s->key.len, 2);
	equal(s->key.at[1], "/k/2.pem");
	assert_int_equal(s->message_size, 20 * 1024 * 1024);
	assert_int_equal(s->deadline, 90 * 60 * 1000);
	assert_int_equal(s->retries.len, 3);
	assert_int_equal(s->retries.at[2], 120000);
	assert_false(s->from_rule);
	assert_int_equal(s->domains.len, 2);
	equal(s->domains.at[0].name, "xn--bcher-kva.example");
	equal(s->domains.at[0].secure, "secure.xn--bcher-kva.example");
	equal(s->domains.at[1].secure, "");
	assert_int_equal(s->listeners.len, 2);
	assert_int_equal(s->listeners.at[1].kind, LISTENER_SUBMISSIONS);
	assert_int_equal(s->listeners.at[1].port, 465);
	equal(s->listeners.at[1].address, "::1");
	done(&o);
}

static void what_is_not_set_has_its_default(void **state)
{
	struct outcome o = parse(GOOD);

	(void)state;
	assert_non_null(o.settings);
	equal(o.settings->state_directory, "/var/lib/siegel");
	assert_int_equal(o.settings->delivery_port, 25);
	assert_int_equal(o.settings->retries.len, 7);
	assert_int_equal(o.settings->second_look, 3000);
	assert_true(o.settings->from_rule);
	assert_int_equal(o.settings->forwarders.len, 0);
	done(&o);
}

static void every_mistake_is_named_with_its_line(void **state)
{
	(void)state;
	refused("host_nam = \"x\"\n"
		"host_name = \"localhost\"\n\n"
		"message_size = 50X\n"
		"domain \"example.org\" { secure = \"Example.org\" }\n"
		"sessions = 0\n",
		"s.conf:1: there is no option host_nam; host_name would be right\n"
		"s.conf:2: host_name: \"localhost\" is no full domain; one such as example.org, "
		"without a dot at its end, would be right\n"
		"s.conf:4: message_size: \"50X\" does not fit; a size from 64K to 1G, such as 50M, "
		"would be right\n"
		"s.conf:5: the secure domain is the domain itself; one below it such as "
		"secure.example.org would be right\n"
		"s.conf:6: sessions: \"0\" does not fit; a number from 1 to 100000 would be "
		"right\n");
}

#define SYNTAX "NAME = VALUE, NAME = { VALUE, VALUE } or SECTION \"NAME\" { ... } would be right\n"

static void the_first_syntax_error_is_named_with_its_line(void **state)
{
	(void)state;
	refused("\nhost_name \"x\"\n",
		"s.conf:2: missing equal sign after option 'host_name'; " SYNTAX);
	refused("}\n", "s.conf:1: unexpected closing brace; " SYNTAX);
	refused("\ndomain { }\n", "s.conf:2: missing title for section 'domain'; " SYNTAX);
	refused("host_name =", "s.conf:1: premature end of file; " SYNTAX);
	refused("\n/* x\n", "s.conf:2: a comment that never ends; */ behind it would be right\n");
	refused("\n\nhost_name = \"mx.example.org\nkey = \"/k\"\n",
		"s.conf:3: a text in quotes that doesn't end on its line; a \" behind it would be "
		"right\n");
	refused("host_name = 'x\n", "s.conf:1: a text in quotes that doesn't end on its line; "
				    "a ' behind it would be right\n");
	refused("\ndomain \"a.test\" {\n",
		"s.conf:2: what this { begins never ends; a } behind it would be right\n");
	refused("key = {\"/k\"\n",
		"s.conf:1: what this { begins never ends; a } behind it would be right\n");
	refused("host_name = \x01\n", "s.conf:1: a control character (1); text would be right\n");
}

static void the_environment_has_no_say(void **state)
{
	struct outcome o;

	(void)state;
	must(setenv("SIEGEL_TEST", "https://evil.example/", 1) == 0);
	refused("host_name = ${SIEGEL_TEST}\n",
		"s.conf:1: \"${\" outside quotes; the value itself would be right\n");
	o = parse(GOOD "help_url = \"https://example.org/${SIEGEL_TEST}\"\n");
	assert_non_null(o.settings);
	equal(o.settings->help_url, "https://example.org/${SIEGEL_TEST}");
	done(&o);
}

static void comments_of_any_length_are_harmless(void **state)
{
	char text[1000];

	(void)state;
	for (size_t n = 1; n < 100; n++) {
		memset(text, '#', n);
		strcpy(text + n, "\n" GOOD);
		struct outcome o = parse(text);
		assert_non_null(o.settings);
		done(&o);
	}
}

static void wrong_values_are_refused(void **state)
{
	(void)state;
	refused_option("state_directory = lib", "state_directory: \"lib\" is no absolute path; one "
						"such as /var/lib/siegel would be right");
	refused_option("log_level = loud", "log_level: \"loud\" is none; debug, info, warning or "
					   "alarm would be right");
	refused_option("help_url = \"ftp://x\"", "help_url: \"ftp://x\" is no URL; https://... in "
						 "ASCII, at most 200 bytes, would be right");
	refused_option("deadline = 4",
		"deadline: \"4\" does not fit; a time from 1m to 2d, such as "
		"30s, 15m or 4h, would be right");
	refused_option("retries = \"30s 2x\"", "retries: \"2x\" does not fit; a time from 10ms to "
					       "7d, such as 30s, 15m or 4h, would be right");
	refused_option("forwarders = { 127.0.0.1@0 }",
		"forwarders: \"127.0.0.1@0\" is no server; 192.0.2.1, 2001:db8::1 or "
		"192.0.2.1@5353 would be right");
	refused_option("root_servers = { ns.example }",
		"root_servers: \"ns.example\" is no address; one such as 192.0.2.1 or 2001:db8::1 "
		"would be right");
	refused_option("stub_zones = test.", "stub_zones: \"test.\" is no zone and server; "
					     "\"example.test. 127.0.0.1@5353\" would be right");
	refused_option("local_records = \"a.test. IN A 192.0.2.1\"",
		"local_records: \"a.test. IN A 192.0.2.1\" is no record; NAME TTL IN TYPE DATA "
		"such "
		"as \"a.test. 60 IN A 192.0.2.1\" would be right");
	refused_option("local_zones = \"test. soft\"",
		"local_zones: \"test. soft\" is no zone and type; \"test. transparent\" or "
		"\"test. static\" would be right");
	refused_option("allow_networks = { 127.0.0.0/8, 10.0.0.1/8 }",
		"allow_networks: \"10.0.0.1/8\" has bits set behind the first 8; zeros there would "
		"be right");
	refused_option("from_rule = maybe",
		"from_rule: \"maybe\" is neither; true or false would be "
		"right");
	refused_option("from_rule = on from_rule = off",
		"from_rule is already set in line 5; once would be right");
	refused_option(
		"key = /k/2.pem", "key is already set in line 3; += to add to it would be right");
	refused_option("key += /k/2.pem",
		"1 certificate and 2 key; as many keys as certificates, in "
		"the same order, would be right");
	refused_option("message_size = 600M",
		"message_size is more than bytes_in_flight; at most as "
		"much would be right");
	refused_option("ca_file = \"/a\\nb\"", "ca_file: control characters; printable ones alone "
					       "would be right");
	refused_option("ca_file = \"/\xff\"", "ca_file: no UTF-8; text in UTF-8 would be right");
}

static void sections_are_checked(void **state)
{
	(void)state;
	refused_option("domain \"EXAMPLE.org\" { }",
		"example.org is already the domain in line 4; a "
		"name of its own would be right");
	refused_option("domain \"secure.example.org\" { }",
		"secure.example.org is already the secure domain in line 4; a name of its own "
		"would "
		"be right");
	refused_option("domain \"example.net\" { secure = example.org }",
		"example.org is already the domain in line 4; a name of its own would be right");
	refused_option("domain \"example.net.\" { }", "domain: \"example.net.\" is no full domain; "
						      "one such as example.org, without a dot "
						      "at its end, would be right");
	refused_option("domain \"a b.example\" { }",
		"domain: \"a b.example\" is no full domain; one such as example.org, without a dot "
		"at its end, would be right");
	refused_option("domain \"a.example\" { secur = x }",
		"a domain has no secur; secure would be "
		"right");
	refused_option("listener \"a\" { kind = mx; address = ::1; port = 25; tls = on }",
		"a listener has no tls; kind, address or port would be right");
	refused_option("listener \"a\" { kind = mx; address = ::1 }",
		"listener \"a\" has no port; port = 25 would be right");
	refused_option("listener \"a\" { kind = imap; address = ::1; port = 25 }",
		"kind: \"imap\" is none; mx, secure-mx, submission, submissions, web or web-plain "
		"would be right");
	refused_option("listener \"a\" { kind = web-plain; address = 192.0.2.1; port = 80 }",
		"address: web-plain is without TLS and for this machine alone; 127.0.0.1 or ::1, "
		"or kind = web, would be right");
	refused_option("listener \"a\" { kind = mx; address = \"mx.example\"; port = 25 }",
		"address: \"mx.example\" is no address; one such as 192.0.2.1 or 2001:db8::1 would "
		"be right");
	refused_option("listener \"a\" { kind = mx; address = ::1; port = 65536 }",
		"port: \"65536\" does not fit; a number from 1 to 65535 would be right");
	refused_option("listener \"a b\" { kind = mx; address = ::1; port = 25 }",
		"listener \"a b\": letters, digits and hyphens, at most 64, would be right");
	refused_option("listener \"a\" { kind = mx; address = ::1; port = 25; port = 26 }",
		"port is already set in line 5; once would be right");
}

static void an_option_in_the_wrong_section_is_named(void **state)
{
	(void)state;
	refused_option("domain \"a.example\" { host_name = x }",
		"a domain has no host_name; secure would be right");
	refused_option("domain \"a.example\" { listener = x }",
		"a domain has no listener; secure would be right");
	refused_option(
		"port = 25", "there is no option port; one of siegel.conf(5) would be right");
	refused_option("listener \"l\" { kind = mx address = ::1 port = 25 secure = x }",
		"a listener has no secure; kind, address or port would be right");
}

#define LISTENER(name) "listener \"" name "\" { kind = mx; address = ::1; port = 25 }\n"

static void pages_without_tls_need_no_certificate(void **state)
{
	(void)state;
	scoped(buf_free) struct buf errors = BUF(4096);
	struct settings *s = settings_parse(
		STR("host_name = mx.example.org domain \"example.org\" { }\n"
		    "listener \"a\" { kind = web-plain; address = ::1; port = 80 }\n"
		    "listener \"b\" { kind = web-plain; address = 127.0.0.2; port = 80 }\n"),
		"s.conf", &errors);

	assert_non_null(s);
	assert_true(settings_listens(s, LISTENER_WEB_PLAIN));
	assert_false(settings_listens(s, LISTENER_WEB));
	settings_free(&s);
}

static void listeners_need_names_ports_and_certificates(void **state)
{
	(void)state;
	refused(GOOD LISTENER("a") LISTENER("a"),
		"s.conf:6: there is a listener \"a\" in line 5; another name would be right\n");
	refused(GOOD LISTENER("a") LISTENER("b"),
		"s.conf:6: listener \"a\" has the same address and port; another port or address "
		"would be right\n");
	refused("host_name = mx.example.org domain \"example.org\" { }\n" LISTENER("a"),
		"s.conf:2: a listener, but no certificate; certificate = "
		"\"/etc/siegel/certificate.pem\" and key = \"/etc/siegel/key.pem\" would be "
		"right\n");
	refused(CERTIFIED "domain \"example.org\" { }\n"
			  "listener \"a\" { kind = secure-mx; address = ::1; port = 25 }\n",
		"s.conf:5: a secure-mx listener, but no domain has a secure one; "
		"secure = \"secure.example.org\" in a domain section would be right\n");
}

static void an_empty_file_says_what_is_missing(void **state)
{
	(void)state;
	refused("", "s.conf:1: no host_name; host_name = \"mx.example.org\" would be right\n");
	refused(CERTIFIED, "s.conf:1: no domain; domain \"example.org\" { secure = "
			   "\"secure.example.org\" } would be right\n");
}

static void the_operators_demands_are_those_of_all_sections_that_name_a_domain(void **state)
{
	struct outcome o = parse(GOOD "destination \"*\" { level = encrypt }\n"
				      "destination \"B\xc3\xbc"
				      "cher.example\" { level = secure }\n"
				      "destination \".example.net\" { level = dane-only }\n"
				      "destination \"a.example.net\" { level = verify }\n"
				      "destination \".GOV\" { level = secure }\n");
	static const struct {
		const char *domain;
		demands demands;
	} rows[] = {
		{ "elsewhere.test", DEMAND_TLS },
		{ "[192.0.2.1]", DEMAND_TLS },
		{ "xn--bcher-kva.example", DEMAND_TLS | DEMAND_AUTH },
		{ "XN--BCHER-KVA.example", DEMAND_TLS | DEMAND_AUTH },
		{ "a.xn--bcher-kva.example", DEMAND_TLS },
		{ "example.net", DEMAND_TLS },
		{ "badexample.net", DEMAND_TLS },
		{ "b.example.net", DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE },
		{ "a.example.net", DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE | DEMAND_PINNED },
		{ "tax.gov", DEMAND_TLS | DEMAND_AUTH },
		{ "a.gov.example", DEMAND_TLS },
	};

	(void)state;
	assert_string_equal(o.errors.at, "");
	for (size_t i = 0; i < count_of(rows); i++)
		assert_int_equal(
			settings_demands(o.settings, str_of(rows[i].domain)), rows[i].demands);
	done(&o);
	o = parse(GOOD);
	assert_int_equal(settings_demands(o.settings, STR("elsewhere.test")), 0);
	done(&o);
}

static void neighbours_are_listed_by_network(void **state)
{
	struct outcome o = parse(GOOD "neighbours = { 192.0.2.0/25, '2001:db8::/32', 127.0.0.0/8, "
				      "'::1/128' }\n");
	static const struct {
		const char *peer;
		enum neighbour neighbour;
	} rows[] = {
		{ "192.0.2.127", NEIGHBOUR_FAR },
		{ "192.0.2.128", NEIGHBOUR_NONE },
		{ "2001:db8:1::9", NEIGHBOUR_FAR },
		{ "2001:db9::9", NEIGHBOUR_NONE },
		{ "127.9.9.9", NEIGHBOUR_HERE },
		{ "::1", NEIGHBOUR_HERE },
		{ "::2", NEIGHBOUR_NONE },
		{ "unknown", NEIGHBOUR_NONE },
		{ "", NEIGHBOUR_NONE },
	};

	(void)state;
	assert_string_equal(o.errors.at, "");
	for (size_t i = 0; i < count_of(rows); i++)
		assert_int_equal(
			settings_neighbour(o.settings, str_of(rows[i].peer)), rows[i].neighbour);
	done(&o);
	o = parse(GOOD);
	assert_int_equal(settings_neighbour(o.settings, STR("127.0.0.1")), NEIGHBOUR_NONE);
	done(&o);
	refused_option("neighbours = 0.0.0.0/0",
		"neighbours: \"0.0.0.0/0\" would make an open relay; one server such as "
		"192.0.2.1/32, or its network, would be right");
	refused_option("neighbours = '2000::/3'", "neighbours: \"2000::/3\" would make an open "
						  "relay; one server such as 192.0.2.1/32, "
						  "or its network, would be right");
	refused_option("neighbours = 192.0.2.1",
		"neighbours: \"192.0.2.1\" is no network; ADDRESS/BITS such as 127.0.0.0/8 or "
		"fd00::/8 would be right");
}

static void a_destination_that_cannot_be_meant_is_named(void **state)
{
	(void)state;
	refused_option("destination \"a.example\" { }",
		"destination \"a.example\" has no level; level = secure would be right");
	refused_option("destination \"a.example\" { level = opportunistic }",
		"level: \"opportunistic\" demands nothing; encrypt, secure, dane-only or verify "
		"would be right");
	refused_option("destination \"a.example\" { level = tls }",
		"level: \"tls\" demands nothing; encrypt, secure, dane-only or verify would be "
		"right");
	refused_option("destination \"*.example\" { level = secure }",
		"destination: \"*.example\" is no full domain; one such as example.org, without a "
		"dot "
		"at its end, would be right");
	refused_option("destination \"..example\" { level = secure }",
		"destination: \"..example\" is no dot and a domain behind it; .example.org would "
		"be "
		"right");
	refused_option("destination \"\" { level = secure }",
		"destination: \"\" is no domain; one such as example.org would be right");
	refused_option("destination \"a.example\" { levle = secure; level = secure }",
		"a destination has no levle; level would be right");
	refused_option("destination \"Secure.example.org\" { level = secure }",
		"secure.example.org is a domain of ours, and mail to it crosses no network; "
		"somebody "
		"else's would be right");
	refused_option("destination \"*\" { level = secure } destination '*' { level = verify }",
		"there is a destination \"*\" in line 5; once would be right");
}

static void what_is_shown_reads_back_as_the_same(void **state)
{
	struct buf first = BUF(65536), second = BUF(65536);
	struct outcome o =
		parse(GOOD LISTENER("a") "help_url = 'https://x.example/${A}'\n"
					 "state_directory = '/a\"b\\\\c'\n"
					 "local_records = { 'a.test. 60 IN TXT \"x y\"' }\n"
					 "retries = \"1s 90s\" disk_reserve = 0\n"
					 "destination \".Example.net\" { level = dane-only }\n");

	(void)state;
	assert_string_equal(o.errors.at, "");
	settings_show(o.settings, &first);
	must(buf_add_char(&first, 0));
	done(&o);
	o = parse(first.at);
	assert_string_equal(o.errors.at, "");
	equal(o.settings->state_directory, "/a\"b\\c");
	equal(o.settings->local_records.at[0], "a.test. 60 IN TXT \"x y\"");
	assert_int_equal(o.settings->disk_reserve, 0);
	settings_show(o.settings, &second);
	must(buf_add_char(&second, 0));
	assert_string_equal(first.at, second.at);
	done(&o);
	buf_free(&first);
	buf_free(&second);
}

/* The example with every comment sign before an option taken away, so that each value counts. */
static void uncomment(struct buf *text)
{
	for (size_t i = 0; i + 1 < text->len; i++)
		if (text->at[i] == '#' && text->at[i + 1] != ' ')
			text->at[i] = ' ';
}

static void a_letter_with_the_largest_message_fits_a_job(void **state)
{
	(void)state;
	assert_true(2 * option_of(STR("message_size"))->most < JOB_BODY_MAX);
}

static void the_example_is_a_good_file(void **state)
{
	struct buf example = BUF(65536);
	struct outcome o;

	(void)state;
	settings_example(&example);
	must(buf_add_char(&example, 0));
	o = parse(example.at);
	assert_string_equal(o.errors.at, "");
	assert_int_equal(o.settings->listeners.len, 4);
	done(&o);
	uncomment(&example);
	o = parse(example.at);
	assert_string_equal(o.errors.at, "");
	assert_int_equal(o.settings->stub_zones.len, 1);
	done(&o);
	buf_free(&example);
}

static struct buf read_file(const char *path)
{
	struct buf content = BUF(1 << 20);
	FILE *file = fopen(path, "r");
	char *room = buf_reserve(&content, (1 << 20) - 1);

	if (!file)
		fail_msg("%s is not there (tests run in the root of the source)", path);
	must(room);
	content.len = fread(room, 1, (1 << 20) - 1, file);
	fclose(file);
	return content;
}

static void the_example_file_is_current(void **state)
{
	struct buf example = BUF(65536), file = read_file("etc/siegel.conf.example");

	(void)state;
	settings_example(&example);
	if (!str_eq(buf_str(&example), buf_str(&file)))
		fail_msg("siegel config example > etc/siegel.conf.example");
	buf_free(&example);
	buf_free(&file);
}

static void the_manual_is_current(void **state)
{
	struct buf manual = BUF(65536), file = read_file("doc/siegel.conf.5");

	(void)state;
	settings_manual(&manual);
	if (str_find_str(buf_str(&file), buf_str(&manual)) == file.len)
		fail_msg("scripts/manual");
	buf_free(&manual);
	buf_free(&file);
}

static void domains_are_found_in_any_case(void **state)
{
	struct outcome o = parse(GOOD "domain \"other.example\" { }\n");
	bool secure;

	(void)state;
	assert_int_equal(settings_domain(o.settings, STR("EXAMPLE.org"), &secure), 0);
	assert_false(secure);
	assert_int_equal(settings_domain(o.settings, STR("Secure.example.org"), &secure), 0);
	assert_true(secure);
	assert_int_equal(settings_domain(o.settings, STR("other.example"), &secure), 1);
	assert_false(secure);
	assert_int_equal(settings_domain(o.settings, STR("example.com"), &secure), -1);
	assert_int_equal(settings_domain(o.settings, STR(""), &secure), -1);
	assert_false(secure);
	done(&o);
}

static void many_values_and_many_unknown_names_end_well(void **state)
{
	struct buf text = BUF(1 << 20);
	struct outcome o;

	(void)state;
	buf_add(&text, STR(GOOD "local_records = {"));
	for (int i = 0; i < 3000; i++)
		buf_printf(&text, "\"h%d.test. 60 IN A 192.0.2.1\",\n", i);
	buf_add(&text, STR("\"h.test. 60 IN A 192.0.2.1\" }\n"));
	must(buf_add_char(&text, 0));
	o = parse(text.at);
	assert_non_null(o.settings);
	assert_int_equal(o.settings->local_records.len, 3001);
	done(&o);
	buf_clear(&text);
	for (int i = 0; i < 200; i++)
		buf_printf(&text, "unknown%d = 1\n", i);
	must(buf_add_char(&text, 0));
	o = parse(text.at);
	assert_null(o.settings);
	done(&o);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_means_what_it_says),
		cmocka_unit_test(what_is_not_set_has_its_default),
		cmocka_unit_test(every_mistake_is_named_with_its_line),
		cmocka_unit_test(the_first_syntax_error_is_named_with_its_line),
		cmocka_unit_test(the_environment_has_no_say),
		cmocka_unit_test(comments_of_any_length_are_harmless),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(sections_are_checked),
		cmocka_unit_test(an_option_in_the_wrong_section_is_named),
		cmocka_unit_test(pages_without_tls_need_no_certificate),
		cmocka_unit_test(listeners_need_names_ports_and_certificates),
		cmocka_unit_test(an_empty_file_says_what_is_missing),
		cmocka_unit_test(
			the_operators_demands_are_those_of_all_sections_that_name_a_domain),
		cmocka_unit_test(neighbours_are_listed_by_network),
		cmocka_unit_test(a_destination_that_cannot_be_meant_is_named),
		cmocka_unit_test(what_is_shown_reads_back_as_the_same),
		cmocka_unit_test(a_letter_with_the_largest_message_fits_a_job),
		cmocka_unit_test(the_example_is_a_good_file),
		cmocka_unit_test(the_example_file_is_current),
		cmocka_unit_test(the_manual_is_current),
		cmocka_unit_test(domains_are_found_in_any_case),
		cmocka_unit_test(many_values_and_many_unknown_names_end_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
