/* SPDX-License-Identifier: ISC
 *
 * test_look.c - what is published and stored reaches the wire: a job against real TLS on loopback,
 * with the answers of DNS, MTA-STS and the store written here. Whether MAIL is said is read from the
 * peer's transcript; how it was proven, from the evidence.
 */
#include "delivery/hosts.h"
#include "delivery/stored.h"
#include "delivery/sts.h"
#include "scene.h"

#include <openssl/sha.h>

/* --- what the world says; these stand in for resolve.c, sts.c and stored.c --- */

static struct route_host hosts[2];
static struct route route;
static enum resolver_health health;
static struct sts_view published, published_anew;
static enum sts_again again;
static unsigned asked_again;
static struct stored_view stored;
static bool store_answers, stored_stands;

struct resolver *resolver_new(const struct resolver_setup *setup, struct why *why)
{
	(void)setup, (void)why;
	return (struct resolver *)&route;
}

struct resolver *resolver_hold(struct resolver *resolver)
{
	return resolver;
}

void resolver_release(struct resolver **resolver)
{
	*resolver = NULL;
}

const struct route *resolver_route(
	struct resolver *resolver, struct str domain, bool cold, struct deadline deadline)
{
	(void)resolver, (void)domain, (void)cold, (void)deadline;
	return &route;
}

const struct route *route_of_literal(struct str literal, const struct ip *ip)
{
	(void)literal, (void)ip;
	return &route;
}

void route_release(const struct route **released)
{
	*released = NULL;
}

enum resolver_health resolver_health(const struct resolver *resolver)
{
	(void)resolver;
	return health;
}

void resolver_inherit_health(struct resolver *resolver, const struct resolver *from)
{
	(void)resolver, (void)from;
}

const struct sts_view *sts_find(struct sts_cache *cache, struct config *config, struct str domain,
	bool cold, struct deadline deadline)
{
	(void)cache, (void)config, (void)cold;
	assert_true(str_eq(domain, STR("peer.test")));
	assert_false(deadline_passed(deadline));
	assert_true(deadline.at <= deadline_in(10 * SECOND).at);
	return &published;
}

void sts_release(const struct sts_view **view)
{
	*view = NULL;
}

enum sts_again sts_again(struct sts_cache *cache, struct config *config,
	const struct sts_view **view, struct deadline deadline)
{
	(void)cache, (void)config, (void)deadline;
	asked_again++;
	if (again == STS_NEW)
		*view = &published_anew;
	return again;
}

bool stored_find(struct client *store, struct str domain, struct arena *arena,
	struct stored_view *view, struct deadline deadline, struct why *why)
{
	(void)store, (void)domain, (void)arena, (void)deadline;
	*view = stored;
	return store_answers || why_not(why, "no answer");
}

unsigned stored_pin(const struct stored_view *view)
{
	return view->n ? PIN_STORED : view->expired ? PIN_EXPIRED : PIN_NONE;
}

bool stored_still(
	struct client *store, struct stored_state state, struct deadline deadline, struct why *why)
{
	(void)store, (void)state, (void)deadline;
	return stored_stands || why_not(why, "changed");
}

/* --- the peer, and a job for it --- */

static unsigned char key_digest[SHA256_DIGEST_LENGTH], wrong_digest[SHA256_DIGEST_LENGTH];
static char key_hex[2 * SHA256_DIGEST_LENGTH + 1];
static struct str ca; /* an authority that vouches for the peer, as mx.peer.test */

static void takes_it(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	take_message(s);
	answer(s, "QUIT", "221 bye\r\n");
}

static void is_left(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	answer(s, "QUIT", "221 bye\r\n");
}

static void has_no_tls(struct speaker *s)
{
	say(s, "220 peer.test ESMTP\r\n");
	answer(s, "EHLO us.test", "250-peer.test\r\n250 8BITMIME\r\n");
	answer(s, "QUIT", "221 bye\r\n");
}

static void takes_it_open(struct speaker *s)
{
	say(s, "220 peer.test ESMTP\r\n");
	answer(s, "EHLO us.test", "250-peer.test\r\n250 8BITMIME\r\n");
	take_message(s);
	answer(s, "QUIT", "221 bye\r\n");
}

static const char body[] = "From: ada@us.test\r\nSubject: hello\r\n\r\nHow are you?\r\n";

/* One job to peer.test; *end is what became of its one recipient. */
struct trial {
	struct settings settings;
	struct config *config;
	struct scene scene;
	struct arena arena;
	struct work_ask report;
	struct str transcript;
};

static const struct recipient_outcome *outcome(const struct trial *t)
{
	return &t->report.outcomes.at[0];
}

static const struct attempt *evidence(const struct trial *t)
{
	assert_true(t->report.attempts.len > 0);
	return &t->report.attempts.at[t->report.attempts.len - 1];
}

static void send_one(struct trial *t, demands wanted, bool unenforced)
{
	struct job_recipient to = { .recipient = 1, .address = STR("bob@peer.test") };
	struct job job = { .has_job = 1,
		.id = STR("0123456789abcdef"),
		.sender = STR("ada@us.test"),
		.destination = STR("peer.test"),
		.demands = wanted,
		.unenforced = unenforced };
	atomic_int committing = 0;

	job.recipients.at = &to;
	job.recipients.len = 1;
	t->report = (struct work_ask){ 0 };
	deliver(t->config, pool, ledger, &job, (struct str){ body, sizeof body - 1 }, &t->arena,
		&committing, &t->report);
	assert_int_equal(t->report.outcomes.len, 1);
}

static void begin(struct trial *t, script *const *scripts, size_t n)
{
	static struct str networks[] = { { "127.0.0.0/8", 11 } };
	struct why why = { "" };

	*t = (struct trial){ .arena = ARENA(16 << 20) };
	open_scene(&t->scene, "127.0.0.1", scripts, n);
	t->settings.host_name = STR("us.test");
	t->settings.delivery_port = t->scene.port;
	t->settings.connect_deadline = 2 * SECOND;
	t->settings.allow_networks.at = networks;
	t->settings.allow_networks.len = 1;
	t->config = config_new(&t->settings, STR(""), ca, &why);
	assert_string_equal(why.text, "");
	t->config->store = (struct client *)&route;
}

static void finish(struct trial *t)
{
	t->transcript = end_scene(&t->scene);
}

static void end(struct trial *t)
{
	arena_free(&t->arena);
	config_release(&t->config);
	buf_free(&t->scene.transcript);
}

/* The whole of it against one script. */
static void try(struct trial *t, demands wanted, script *peer)
{
	begin(t, &peer, 1);
	send_one(t, wanted, false);
	finish(t);
}

static void assert_sent(struct trial *t, const char *proven_by)
{
	assert_contains(t->transcript, "-- sealed\nEHLO us.test\nMAIL FROM:<ada@us.test>\n");
	assert_int_equal(outcome(t)->result, RESULT_RELAYED);
	assert_int_equal(evidence(t)->verdict, VERDICT_ACCEPTED);
	assert_true(str_eq(evidence(t)->proven_by, str_of(proven_by)));
	end(t);
}

static void assert_stays(struct trial *t, enum result result, enum reason reason)
{
	assert_lacks(t->transcript, "MAIL");
	assert_int_equal(outcome(t)->result, result);
	assert_int_equal(outcome(t)->reason, reason);
	end(t);
}

enum {
	TLS = DEMAND_TLS,
	AUTH = DEMAND_TLS | DEMAND_AUTH,
	DANE = AUTH | DEMAND_DANE,
	PINNED = DEMAND_TLS | DEMAND_PINNED
};

/* --- the worlds --- */

static struct tlsa right_tlsa(void)
{
	return (struct tlsa){ TLSA_USAGE_EE, TLSA_SELECTOR_KEY, TLSA_MATCHING_SHA256,
		{ (const char *)key_digest, sizeof key_digest } };
}

static struct tlsa wrong_tlsa(void)
{
	return (struct tlsa){ TLSA_USAGE_EE, TLSA_SELECTOR_KEY, TLSA_MATCHING_SHA256,
		{ (const char *)wrong_digest, sizeof wrong_digest } };
}

static struct tlsa tlsa;

/* Nothing is signed, published or stored. */
static int bare_world(void **state)
{
	static struct str listed[] = { { "mx.peer.test", 12 } };

	(void)state;
	hosts[0] = (struct route_host){ .name = STR("mx.peer.test"),
		.facts = { .address = ADDRESS_FOUND, .tlsa = TLSA_NONE },
		.addresses = { { .bytes = { 127, 0, 0, 1 } } },
		.n_addresses = 1 };
	route = (struct route){ .kind = ROUTE_HOSTS,
		.hosts = hosts,
		.n_hosts = 1,
		.domain = STR("peer.test"),
		.expires = deadline_in(MINUTE) };
	published = (struct sts_view){ .state = STS_ABSENT,
		.id = STR("1"),
		.policy = { .mode = STS_MODE_ENFORCE, .patterns = listed, .n_patterns = 1 } };
	published_anew = published;
	again = STS_SAME;
	asked_again = 0;
	stored = (struct stored_view){ .state = { 1, INT64_MAX } };
	store_answers = stored_stands = true;
	health = RESOLVER_HEALTHY;
	pool_empty(pool);
	return 0;
}

static void sign(bool mx, bool host)
{
	hosts[0].facts.mx_validated = mx;
	hosts[0].facts.host_validated = host;
}

static void publish_tlsa(struct tlsa record)
{
	tlsa = record;
	hosts[0].facts.tlsa = TLSA_USABLE;
	hosts[0].tlsa = &tlsa;
	hosts[0].n_tlsa = 1;
	hosts[0].tlsa_base = STR("mx.peer.test");
}

/* --- DANE --- */

static void dane_that_matches_proves_all_but_a_pin(void **state)
{
	struct trial t;

	(void)state;
	sign(true, true);
	publish_tlsa(right_tlsa());
	try(&t, DANE, takes_it);
	assert_sent(&t, "dane");
	try(&t, 0, takes_it);
	assert_sent(&t, "dane");
}

static void the_name_asked_for_is_that_of_the_records(void **state)
{
	struct trial t;

	(void)state;
	sign(true, true);
	publish_tlsa(right_tlsa());
	hosts[0].tlsa_base = STR("real.peer.test");
	try(&t, TLS, takes_it);
	assert_contains(t.transcript, "-- for real.peer.test\n");
	assert_sent(&t, "dane");
	hosts[0].facts.tlsa = TLSA_NONE;
	try(&t, TLS, takes_it);
	assert_contains(t.transcript, "-- for mx.peer.test\n");
	assert_sent(&t, "");
	hosts[0].facts.address_literal = true;
	try(&t, TLS, takes_it);
	assert_contains(t.transcript, "-- for nobody by name\n");
	assert_sent(&t, "");
}

static void dane_that_does_not_match_stops_everybody(void **state)
{
	struct trial t;

	(void)state;
	sign(true, true);
	publish_tlsa(wrong_tlsa());
	try(&t, 0, is_left);
	assert_stays(&t, RESULT_LATER, REASON_TLSA_INVALID);
	try(&t, TLS, is_left);
	assert_stays(&t, RESULT_LATER, REASON_TLSA_INVALID);
	try(&t, AUTH, is_left);
	assert_stays(&t, RESULT_REFUSED, REASON_TLSA_INVALID);
	try(&t, DANE, is_left);
	assert_stays(&t, RESULT_REFUSED, REASON_TLSA_INVALID);
}

static void dane_alone_decides_where_it_applies(void **state)
{
	struct trial t;

	(void)state;
	sign(true, true);
	publish_tlsa(wrong_tlsa());
	published.state = STS_IN_FORCE; /* and the CA store agrees */
	try(&t, AUTH, is_left);
	assert_int_equal(asked_again, 0);
	assert_stays(&t, RESULT_REFUSED, REASON_TLSA_INVALID);
}

static void half_dane_must_match_and_proves_nothing(void **state)
{
	struct trial t;

	(void)state;
	sign(false, true);
	publish_tlsa(right_tlsa());
	try(&t, TLS, takes_it);
	assert_sent(&t, "");
	try(&t, AUTH, is_left);
	assert_stays(&t, RESULT_REFUSED, REASON_AUTHENTICATION_UNAVAILABLE);
	published.state = STS_IN_FORCE;
	try(&t, AUTH, takes_it);
	assert_sent(&t, "sts");
	publish_tlsa(wrong_tlsa());
	try(&t, AUTH, is_left);
	assert_stays(&t, RESULT_LATER, REASON_TLSA_INVALID);
}

static void without_starttls_dane_keeps_normal_mail_waiting(void **state)
{
	struct trial t;

	(void)state;
	sign(true, true);
	publish_tlsa(right_tlsa());
	try(&t, 0, has_no_tls);
	assert_stays(&t, RESULT_LATER, REASON_STARTTLS_NOT_SUPPORTED);
	try(&t, TLS, has_no_tls);
	assert_stays(&t, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED);
}

static void a_message_may_give_up_what_is_published(void **state)
{
	script *peer = takes_it_open;
	struct trial t;

	(void)state;
	sign(true, true);
	publish_tlsa(right_tlsa());
	begin(&t, &peer, 1);
	send_one(&t, 0, true);
	finish(&t);
	assert_contains(t.transcript, "MAIL FROM");
	assert_int_equal(outcome(&t)->result, RESULT_RELAYED);
	end(&t);
}

static void dane_only_without_dane_connects_to_nobody(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, (script *[]){ is_left }, 0);
	send_one(&t, DANE, false);
	finish(&t);
	assert_int_equal(t.scene.connections, 0);
	assert_int_equal(outcome(&t)->transmission, TRANSMISSION_NO_CONNECTION);
	assert_stays(&t, RESULT_REFUSED, REASON_DANE_REQUIRED);
}

/* --- the CA store and MTA-STS --- */

static void the_store_proves_below_signed_answers_only(void **state)
{
	struct trial t;

	(void)state;
	sign(true, true);
	try(&t, AUTH, takes_it);
	assert_sent(&t, "ca");
	sign(false, true);
	try(&t, AUTH, is_left);
	assert_stays(&t, RESULT_REFUSED, REASON_AUTHENTICATION_UNAVAILABLE);
}

static void a_policy_that_holds_proves(void **state)
{
	struct trial t;

	(void)state;
	published.state = STS_IN_FORCE;
	try(&t, AUTH, takes_it);
	assert_sent(&t, "sts");
	try(&t, 0, takes_it);
	assert_sent(&t, "sts");
}

static void a_listed_host_must_show_a_certificate_of_its_name(void **state)
{
	static struct str listed[] = { { "other.peer.test", 15 } };
	struct trial t;

	(void)state;
	published.state = STS_IN_FORCE;
	published.policy.patterns = listed;
	hosts[0].name = STR("other.peer.test");
	try(&t, TLS, is_left);
	assert_stays(&t, RESULT_LATER, REASON_CERTIFICATE_HOST_MISMATCH);
	try(&t, AUTH, is_left);
	assert_stays(&t, RESULT_REFUSED, REASON_CERTIFICATE_HOST_MISMATCH);
}

static void a_policy_is_asked_again_once_before_it_stands_in_the_way(void **state)
{
	static struct str others[] = { { "other.peer.test", 15 } };
	struct trial t;

	(void)state;
	published.state = STS_IN_FORCE;
	published.policy.patterns = others;
	try(&t, AUTH, is_left);
	assert_int_equal(asked_again, 1);
	assert_stays(&t, RESULT_REFUSED, REASON_STS_MX_NOT_LISTED);
	try(&t, TLS, is_left);
	assert_stays(&t, RESULT_LATER, REASON_STS_MX_NOT_LISTED);
	again = STS_AGAIN_FAILED;
	try(&t, AUTH, is_left);
	assert_stays(&t, RESULT_LATER, REASON_STS_FETCH_FAILED);
	again = STS_NEW; /* it lists the host */
	published_anew.state = STS_IN_FORCE;
	try(&t, AUTH, takes_it);
	assert_sent(&t, "sts");
	published_anew.state = STS_ABSENT; /* it was withdrawn */
	try(&t, TLS, takes_it);
	assert_sent(&t, "");
}

static void a_policy_under_test_stops_nobody(void **state)
{
	static struct str others[] = { { "other.peer.test", 15 } };
	struct trial t;

	(void)state;
	published.testing = true;
	published.policy.mode = STS_MODE_TESTING;
	published.policy.patterns = others;
	try(&t, TLS, takes_it);
	assert_sent(&t, "");
	try(&t, 0, takes_it_open);
	assert_contains(t.transcript, "MAIL FROM");
	end(&t);
	assert_int_equal(asked_again, 0);
}

static void without_starttls_a_policy_keeps_normal_mail_waiting(void **state)
{
	struct trial t;

	(void)state;
	published.state = STS_IN_FORCE;
	try(&t, 0, has_no_tls);
	assert_stays(&t, RESULT_LATER, REASON_STARTTLS_NOT_SUPPORTED);
	published.state = STS_UNKNOWN;
	try(&t, 0, takes_it_open);
	assert_contains(t.transcript, "MAIL FROM");
	end(&t);
}

/* --- stored certificates --- */

static struct stored_entry entry = { STORED_KEY, { NULL, 0 }, { "", 0 } };

static void store_key(void)
{
	entry.value = str_of(key_hex);
	stored.entries = &entry;
	stored.n = 1;
}

static void a_stored_key_that_matches_is_enough_for_verify(void **state)
{
	struct trial t;

	(void)state;
	store_key();
	try(&t, PINNED, takes_it);
	assert_sent(&t, "pin");
	try(&t, PINNED | DEMAND_AUTH, is_left); /* nothing authenticates it */
	assert_stays(&t, RESULT_REFUSED, REASON_AUTHENTICATION_UNAVAILABLE);
	entry.value = STR("0000000000000000000000000000000000000000000000000000000000000000");
	try(&t, PINNED, is_left);
	assert_stays(&t, RESULT_REFUSED, REASON_STORED_CERTIFICATE_MISMATCH);
}

static void verify_without_an_entry_connects_to_nobody(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, (script *[]){ is_left }, 0);
	send_one(&t, PINNED, false);
	finish(&t);
	assert_int_equal(t.scene.connections, 0);
	assert_stays(&t, RESULT_REFUSED, REASON_NO_STORED_CERTIFICATE);
	stored.expired = 1;
	begin(&t, (script *[]){ is_left }, 0);
	send_one(&t, PINNED, false);
	finish(&t);
	assert_stays(&t, RESULT_REFUSED, REASON_STORED_CERTIFICATE_EXPIRED);
}

static void a_store_that_does_not_answer_is_no_empty_one(void **state)
{
	struct trial t;

	(void)state;
	store_answers = false;
	begin(&t, (script *[]){ is_left }, 0);
	send_one(&t, PINNED, false);
	finish(&t);
	assert_int_equal(t.scene.connections, 0);
	assert_stays(&t, RESULT_LATER, REASON_LOCAL_FAULT);
}

static void an_entry_removed_meanwhile_is_not_used(void **state)
{
	struct trial t;

	(void)state;
	store_key();
	stored_stands = false;
	try(&t, PINNED, is_left);
	assert_int_equal(evidence(&t)->verdict, VERDICT_UNKNOWN);
	assert_stays(&t, RESULT_LATER, REASON_STORED_CERTIFICATE_MISMATCH);
}

/* --- kept connections --- */

static void takes_two(struct speaker *s)
{
	greet_sealed(s, "250-peer.test\r\n250 PIPELINING\r\n");
	take_message(s);
	take_message(s);
	answer(s, "QUIT", "221 bye\r\n");
}

static void a_kept_connection_keeps_its_proof(void **state)
{
	script *peer = takes_two;
	struct trial t;

	(void)state;
	sign(true, true);
	publish_tlsa(right_tlsa());
	begin(&t, &peer, 1);
	send_one(&t, DANE, false);
	send_one(&t, DANE, false);
	assert_true(str_eq(evidence(&t)->proven_by, STR("dane")));
	finish(&t);
	assert_int_equal(t.scene.connections, 1);
	end(&t);
}

static void other_records_policies_or_entries_want_a_new_connection(void **state)
{
	script *peers[] = { takes_it, takes_it, takes_it, takes_it, takes_it, takes_it, takes_it };
	struct tlsa both[] = { right_tlsa(), wrong_tlsa() };
	struct trial t;

	(void)state;
	sign(true, true);
	publish_tlsa(right_tlsa());
	store_key();
	begin(&t, peers, count_of(peers));
	send_one(&t, PINNED, false);
	hosts[0].tlsa = both;
	hosts[0].n_tlsa = 2;
	send_one(&t, PINNED, false);
	stored.state.generation++;
	send_one(&t, PINNED, false);
	stored.state.until--; /* the one it was proven by may have run out */
	send_one(&t, PINNED, false);
	sign(false, true);
	send_one(&t, PINNED, false);
	published.state = STS_IN_FORCE;
	send_one(&t, PINNED, false);
	published.fetched++; /* another text, for all that anybody knows */
	send_one(&t, PINNED, false);
	finish(&t);
	assert_int_equal(t.scene.connections, count_of(peers));
	end(&t);
}

static void another_policy_wants_a_new_connection(void **state)
{
	script *peers[] = { takes_it, takes_it };
	struct trial t;

	(void)state;
	published.state = STS_IN_FORCE;
	begin(&t, peers, 2);
	send_one(&t, TLS, false);
	published.id = STR("2");
	send_one(&t, TLS, false);
	finish(&t);
	assert_int_equal(t.scene.connections, 2);
	end(&t);
}

/* --- evidence --- */

static void hangs_up_in_tls(struct speaker *s)
{
	say(s, "220 peer.test ESMTP\r\n");
	answer(s, "EHLO us.test", "250-peer.test\r\n250 STARTTLS\r\n");
	answer(s, "STARTTLS", "220 go\r\n");
	start_tls(s);
	hear_line(s);
}

static void what_went_in_the_clear_bears_no_seal(void **state)
{
	script *peers[] = { hangs_up_in_tls, takes_it_open };
	struct trial t;

	(void)state;
	begin(&t, peers, 2);
	send_one(&t, 0, false);
	finish(&t);
	assert_contains(t.transcript, "MAIL FROM");
	assert_int_equal(outcome(&t)->result, RESULT_RELAYED);
	assert_int_equal(evidence(&t)->verdict, VERDICT_ACCEPTED);
	assert_int_equal(evidence(&t)->tls_version.len, 0);
	assert_int_equal(evidence(&t)->certificate.len, 0);
	end(&t);
	/* Where nothing went, it tells what the host showed. */
	begin(&t, peers, 1);
	send_one(&t, TLS, false);
	finish(&t);
	assert_true(evidence(&t)->tls_version.len > 0);
	assert_stays(&t, RESULT_LATER, REASON_CONNECTION_LOST);
}

/* --- the resolver --- */

static void a_broken_resolver_holds_all_mail(void **state)
{
	static const demands all[] = { 0, TLS, DANE, PINNED };
	struct trial t;

	(void)state;
	health = RESOLVER_UNHEALTHY;
	for (size_t i = 0; i < count_of(all); i++) {
		begin(&t, (script *[]){ is_left }, 0);
		send_one(&t, all[i], false);
		finish(&t);
		assert_int_equal(t.scene.connections, 0);
		assert_stays(&t, RESULT_LATER, REASON_RESOLVER_UNHEALTHY);
	}
}

/* --- the order of hosts --- */

static void hosts_of_equal_preference_take_turns(void **state)
{
	static struct route_host three[3];
	struct settings settings = { .host_name = STR("us.test") };
	struct config config = { .settings = &settings };
	unsigned first_of_all[3] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		three[i] = hosts[0];
		three[i].preference = i < 2 ? 10 : 20;
	}
	route.hosts = three;
	route.n_hosts = 3;
	for (int i = 0; i < 200; i++) {
		struct look look = { .config = &config, .route = &route };
		assert_int_equal(hosts_in_order(&look), 3);
		assert_ptr_equal(look.hosts[2].of, &three[2]);
		assert_ptr_not_equal(look.hosts[0].of, look.hosts[1].of);
		first_of_all[look.hosts[0].of - three]++;
	}
	/* One in 2^199 of all runs fails by chance. */
	assert_true(first_of_all[0] > 0 && first_of_all[1] > 0);
}

/* A peer whose certificate for mx.peer.test is its own authority. */
static int open_all(void **state)
{
	EVP_PKEY *key = ec_key();
	unsigned char *der = NULL;
	BIO *pem = BIO_new(BIO_s_mem());

	open_delivery(state);
	int len = i2d_PUBKEY(key, &der);
	SHA256(der, (size_t)len, key_digest);
	OPENSSL_free(der);
	for (size_t i = 0; i < sizeof key_digest; i++)
		snprintf(key_hex + 2 * i, 3, "%02x", key_digest[i]);
	EVP_PKEY *root_key = ec_key();
	X509 *root = certificate_of(root_key, "Root", NULL, root_key, -DAY / SECOND, DAY / SECOND);
	X509 *own =
		certificate_of(key, "mx.peer.test", root, root_key, -DAY / SECOND, DAY / SECOND);
	must(PEM_write_bio_X509(pem, root) == 1);
	ca = pem_of(pem);
	must(SSL_CTX_use_certificate(peer_context, own) == 1);
	must(SSL_CTX_use_PrivateKey(peer_context, key) == 1);
	X509_free(own);
	X509_free(root);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(key);
	return 0;
}

static int close_all(void **state)
{
	free((char *)(uintptr_t)ca.at);
	return close_delivery(state);
}

#define IN_A_BARE_WORLD(test) cmocka_unit_test_setup(test, bare_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_BARE_WORLD(dane_that_matches_proves_all_but_a_pin),
		IN_A_BARE_WORLD(the_name_asked_for_is_that_of_the_records),
		IN_A_BARE_WORLD(dane_that_does_not_match_stops_everybody),
		IN_A_BARE_WORLD(dane_alone_decides_where_it_applies),
		IN_A_BARE_WORLD(half_dane_must_match_and_proves_nothing),
		IN_A_BARE_WORLD(without_starttls_dane_keeps_normal_mail_waiting),
		IN_A_BARE_WORLD(a_message_may_give_up_what_is_published),
		IN_A_BARE_WORLD(dane_only_without_dane_connects_to_nobody),
		IN_A_BARE_WORLD(the_store_proves_below_signed_answers_only),
		IN_A_BARE_WORLD(a_policy_that_holds_proves),
		IN_A_BARE_WORLD(a_listed_host_must_show_a_certificate_of_its_name),
		IN_A_BARE_WORLD(a_policy_is_asked_again_once_before_it_stands_in_the_way),
		IN_A_BARE_WORLD(a_policy_under_test_stops_nobody),
		IN_A_BARE_WORLD(without_starttls_a_policy_keeps_normal_mail_waiting),
		IN_A_BARE_WORLD(a_stored_key_that_matches_is_enough_for_verify),
		IN_A_BARE_WORLD(verify_without_an_entry_connects_to_nobody),
		IN_A_BARE_WORLD(a_store_that_does_not_answer_is_no_empty_one),
		IN_A_BARE_WORLD(an_entry_removed_meanwhile_is_not_used),
		IN_A_BARE_WORLD(a_kept_connection_keeps_its_proof),
		IN_A_BARE_WORLD(other_records_policies_or_entries_want_a_new_connection),
		IN_A_BARE_WORLD(another_policy_wants_a_new_connection),
		IN_A_BARE_WORLD(what_went_in_the_clear_bears_no_seal),
		IN_A_BARE_WORLD(a_broken_resolver_holds_all_mail),
		IN_A_BARE_WORLD(hosts_of_equal_preference_take_turns),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
