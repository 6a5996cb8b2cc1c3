/* SPDX-License-Identifier: ISC
 *
 * test_store_rules.c - who may send as whom, who may be reached how, and which demands follow
 * (policy.md sections 1, 6 and 7), as the store works them out by itself.
 */
#include "store_world.h"

static void assert_demands(struct world *w, struct mail m, int64_t wanted)
{
	assert_taken(w, m);
	assert_int_equal(
		sql_number(w, "SELECT demands FROM recipient ORDER BY number DESC"), wanted);
}

static void the_normal_address_demands_nothing(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_demands(w, mail(w, 1, "ada@example.test", "desk@hotel.test"), 0);
	world_close(w);
}

static void any_secure_sender_makes_it_the_aliass(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@secure.example.test", "desk@hotel.test");

	(void)state;
	assert_demands(w, m, DEMAND_TLS);
	m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	m.senders[0].text = STR("ada@secure.example.test");
	assert_demands(w, m, DEMAND_TLS);
	m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	m.senders[1].text = STR("Ada+x@SECURE.Example.TEST"); /* Resent-From, say */
	m.ask.header_senders.len = 2;
	assert_demands(w, m, DEMAND_TLS);
	m = mail(w, 1, "", "desk@hotel.test");
	m.senders[0].text = STR("ada@secure.example.test");
	m.ask.header_senders.len = 1;
	assert_demands(w, m, DEMAND_TLS);
	world_close(w);
}

static void the_operators_demands_are_joined_per_recipient(void **state)
{
	struct world *w = world_open_with("destination \"hotel.test\" { level = dane-only }\n");
	struct mail m;

	(void)state;
	add_account(w, "ada@example.test");
	switch_alias(w, "ada@example.test", true);
	m = mail(w, 1, "ada@example.test", "desk@HOTEL.test");
	m.to[1].address = STR("x@outside.test");
	m.to[2].address = STR("ada@example.test");
	m.ask.recipients.len = 3;
	m.ask.tls_required_no = 1; /* gives up nothing the operator wants */
	assert_taken(w, m);
	assert_int_equal(sql_number(w, "SELECT demands FROM recipient WHERE number % 16384 = 0"),
		DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE);
	assert_int_equal(sql_number(w, "SELECT demands FROM recipient WHERE number % 16384 = 1"),
		UNENFORCED);
	assert_int_equal(
		sql_number(w, "SELECT demands FROM recipient WHERE number % 16384 = 2"), 0);
	w->settings->destinations.len = 0; /* a change takes nothing from what is queued */
	m = mail(w, 1, "ada@secure.example.test", "desk@hotel.test");
	assert_demands(w, m, DEMAND_TLS);
	assert_int_equal(sql_number(w, "SELECT max(demands & 31) FROM recipient"),
		DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE);
	world_close(w);
}

static void requiretls_adds_its_own(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@example.test", "desk@hotel.test");

	(void)state;
	m.ask.requiretls = 1;
	assert_demands(w, m, DEMAND_TLS | DEMAND_AUTH | DEMAND_REQUIRETLS);
	m = mail(w, 0, "x@outside.test", "ada@example.test"); /* into a mailbox of ours */
	m.ask.requiretls = 1;
	assert_demands(w, m, DEMAND_TLS | DEMAND_AUTH | DEMAND_REQUIRETLS);
	assert_true(claim(w, &w->mailbox));
	m = mail(w, 0, "x@outside.test", "ada@example.test");
	m.ask.requiretls = 1;
	m.ask.tls_version = STR("");
	assert_refused(w, m, 530, "5.7.0 ");
	world_close(w);
}

/* RFC 8689 5: asked of the next hop where it is announced, and demanded of none. */
static void a_report_is_not_lost_for_want_of_requiretls(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "", "desk@hotel.test");

	(void)state;
	m.ask.requiretls = 1;
	m.senders[0].text = STR("ada@example.test");
	m.ask.header_senders.len = 1;
	assert_demands(w, m, DEMAND_TLS | DEMAND_AUTH);
	assert_true(claim(w, &w->delivery));
	assert_true(w->job.requiretls);
	world_close(w);
}

static void mail_to_the_secure_address_carries_tls(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_demands(w, mail(w, 0, "x@outside.test", "ada@secure.example.test"), DEMAND_TLS);
	assert_demands(w, mail(w, 0, "x@outside.test", "ada@example.test"), 0);
	world_close(w);
}

static void tls_required_no_takes_nothing_away(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@secure.example.test", "desk@hotel.test");

	(void)state;
	m.ask.tls_required_no = 1;
	assert_demands(w, m, DEMAND_TLS);
	assert_true(claim(w, &w->delivery));
	assert_false(w->job.unenforced);
	m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	m.ask.tls_required_no = 1;
	m.ask.requiretls = 1; /* RFC 8689 4.1: the header then counts for nothing */
	assert_demands(w, m, DEMAND_TLS | DEMAND_AUTH | DEMAND_REQUIRETLS);
	world_close(w);
}

static void tls_required_no_gives_up_what_is_published(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	struct queue_ask all = { .limit = 10 };
	struct queue_answer queue = { 0 };

	(void)state;
	m.ask.tls_required_no = 1;
	m.to[1].address = STR("bob@example.test");
	m.ask.recipients.len = 2;
	assert_taken(w, m);
	assert_true(claim(w, &w->delivery));
	assert_true(w->job.unenforced);
	assert_int_equal(w->job.demands, 0);
	assert_true(claim(w, &w->mailbox));
	assert_false(w->job.unenforced);
	begin(w);
	listing_queue(&w->store, &all, &w->arena, &queue);
	commit(w);
	assert_int_equal(queue.items.len, 2);
	assert_int_equal(queue.items.at[0].demands, 0);
	world_close(w);
}

/* A domain whose published rules fail is down for the others, and not for whoever gives them up. */
static void who_gives_up_the_rules_does_not_wait_with_the_others(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	struct recipient_outcome outcome = { .result = RESULT_LATER,
		.reason = REASON_TLSA_INVALID };
	struct work_ask ask = { .has_outcome = 1, .destination_down = 1 };

	(void)state;
	assert_taken(w, m);
	assert_true(claim(w, &w->delivery));
	outcome.recipient = w->job.recipients.at[0].recipient;
	ask.id = w->job.id;
	ask.outcomes.at = &outcome;
	ask.outcomes.len = 1;
	work(w, &w->delivery, &ask);
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_false(claim(w, &w->delivery));
	m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	m.ask.tls_required_no = 1;
	assert_taken(w, m);
	assert_true(claim(w, &w->delivery));
	assert_true(w->job.unenforced);
	report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM recipient WHERE state = 2"), 1);
	world_close(w);
}

static void queued_mail_keeps_its_demands(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	switch_alias(w, "ada@example.test", false);
	assert_true(claim(w, &w->delivery));
	assert_int_equal(w->job.demands, DEMAND_TLS);
	world_close(w);
}

static void a_sender_must_own_its_addresses(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 1, "bob@example.test", "desk@hotel.test");

	(void)state;
	assert_refused(w, m, 553, "5.7.1 ");
	m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	m.senders[0].text = STR("bob@example.test");
	assert_refused(w, m, 550, "5.7.1 ");
	m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	m.senders[1].text = STR("someone@outside.test");
	m.ask.header_senders.len = 2;
	assert_refused(w, m, 550, "5.7.1 ");
	m = mail(w, 2, "ada@secure.example.test", "desk@hotel.test"); /* a foreign alias */
	assert_refused(w, m, 553, "5.7.1 ");
	m = mail(w, 2, "bob@secure.example.test", "desk@hotel.test"); /* not activated */
	assert_refused(w, m, 550, "5.7.1 ");
	m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	m.ask.header_senders.len = 0;
	assert_refused(w, m, 550, "5.6.0 ");
	m = mail(w, 1, "ada@example.test", "desk@hotel.test");
	m.ask.tls_version = STR("");
	assert_refused(w, m, 530, "5.7.0 ");
	world_close(w);
}

static void nobody_outside_sends_as_the_secure_domain(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 0, "ada@secure.example.test", "bob@example.test");

	(void)state;
	assert_refused(w, m, 550, "5.7.1 ");
	m = mail(w, 0, "nobody@secure.xn--bcher-kva.test", "bob@example.test");
	assert_refused(w, m, 550, "5.7.1 ");
	m = mail(w, 0, "list@outside.test", "bob@example.test");
	m.senders[0].text = STR("ada@secure.example.test");
	assert_refused(w, m, 550, "5.7.1 ");
	w->settings->from_rule = false;
	assert_taken(w, mail(w, 0, "x@outside.test", "bob@example.test"));
	m = mail(w, 0, "list@outside.test", "bob@example.test");
	m.senders[0].text = STR("ada@secure.example.test");
	assert_taken(w, m);
	m = mail(w, 0, "ada@secure.example.test", "bob@example.test");
	assert_refused(w, m, 550, "5.7.1 ");
	world_close(w);
}

/* 192.0.2.9 is a listed neighbour, and so is this machine. */
static struct world *world_with_neighbours(void)
{
	struct world *w = world_open_with("neighbours = { 192.0.2.9/32, 127.0.0.0/8 }\n");
	struct alias_set_ask ask = { .address = STR("ada@example.test"),
		.set = ALIAS_SET_ACTIVE | ALIAS_SET_DEADLINE,
		.active = 1,
		.deadline = 15 * MINUTE };
	struct user_answer answer;

	add_account(w, "ada@example.test");
	add_account(w, "bob@example.test");
	begin(w);
	account_set_alias(&w->store, &ask, &w->arena, &answer);
	commit(w);
	return w;
}

static struct mail handed_over(struct world *w, const char *from, const char *peer)
{
	struct mail m = mail(w, 0, from, "desk@hotel.test");

	m.ask.peer = str_of(peer);
	return m;
}

static void a_neighbour_relays_and_the_demands_follow_from_the_senders(void **state)
{
	struct world *w = world_with_neighbours();
	struct mail m;

	(void)state;
	assert_demands(w, handed_over(w, "x@outside.test", "192.0.2.9"), 0);
	assert_refused(w, handed_over(w, "x@outside.test", "192.0.2.8"), 550, "5.7.1 ");
	assert_demands(w, handed_over(w, "ada@secure.example.test", "192.0.2.9"), DEMAND_TLS);
	assert_refused(w, handed_over(w, "ada@secure.example.test", "192.0.2.8"), 550, "5.7.1 ");
	m = handed_over(w, "list@outside.test", "192.0.2.9");
	m.senders[1].text = STR("ada+x@secure.example.test"); /* Resent-From, say */
	m.ask.header_senders.len = 2;
	assert_demands(w, m, DEMAND_TLS);
	assert_int_equal(sql_number(w, "SELECT r.deadline - m.accepted FROM recipient r, message m"
				       " WHERE r.number / 16384 = m.number"
				       " ORDER BY m.number DESC"),
		15 * MINUTE);
	m = handed_over(w, "bob@secure.example.test", "192.0.2.9"); /* not activated */
	assert_refused(w, m, 550, "5.7.1 ");
	world_close(w);
}

static void a_neighbour_hands_sealed_mail_over_sealed(void **state)
{
	struct world *w = world_with_neighbours();
	struct mail m = handed_over(w, "ada@secure.example.test", "192.0.2.9");

	(void)state;
	m.ask.tls_version = STR("");
	assert_refused(w, m, 550, "5.7.10 ");
	m = handed_over(w, "x@outside.test", "192.0.2.9");
	m.ask.tls_version = STR("");
	assert_demands(w, m, 0);
	m = handed_over(w, "ada@secure.example.test", "127.0.0.1");
	m.ask.tls_version = STR("");
	assert_demands(w, m, DEMAND_TLS);
	m = handed_over(w, "x@outside.test", "127.0.0.1"); /* to the alias: as for everybody */
	m.to[0].address = STR("ada@secure.example.test");
	m.ask.tls_version = STR("");
	assert_refused(w, m, 550, "5.7.10 ");
	world_close(w);
}

/* And says that it waits, as to an account's own mail. */
static void letters_about_a_neighbours_mail_go_to_the_envelope_sender(void **state)
{
	struct world *w = world_with_neighbours();

	(void)state;
	assert_taken(w, handed_over(w, "ada@secure.example.test", "192.0.2.9"));
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_LATER, REASON_TLS_NOT_AVAILABLE_NOW);
	pass(w, 2 * MINUTE);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_FAILED, REASON_NULL_MX);
	assert_true(claim(w, &w->mailbox));
	assert_contains(job_text(w), "Action: delayed");
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	assert_true(claim(w, &w->mailbox));
	assert_contains(job_text(w), "Action: failed");
	assert_true(str_eq(w->job.recipients.at[0].mailbox, STR("ada@example.test")));
	report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	assert_taken(w, handed_over(w, "x@outside.test", "192.0.2.9"));
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_FAILED, REASON_NULL_MX);
	assert_true(claim(w, &w->delivery));
	assert_true(str_eq(w->job.destination, STR("outside.test")));
	world_close(w);
}

static void recipients_are_judged_again(void **state)
{
	struct world *w = world_open();
	struct mail m = mail(w, 0, "x@outside.test", "desk@hotel.test");

	(void)state;
	assert_refused(w, m, 550, "5.7.1 "); /* relay */
	assert_refused(w, mail(w, 0, "x@outside.test", "nobody@example.test"), 550, "5.1.1 ");
	assert_refused(w, mail(w, 0, "x@outside.test", "bob@secure.example.test"), 550, "5.1.1 ");
	m = mail(w, 0, "x@outside.test", "ada@secure.example.test");
	m.ask.tls_version = STR("");
	assert_refused(w, m, 550, "5.7.10 ");
	m = mail(w, 0, "x@outside.test", "bob@secure.example.test");
	m.ask.tls_version = STR("");
	assert_refused(w, m, 550, "5.7.10 ");
	world_close(w);
}

static void every_spelling_is_the_same_mailbox(void **state)
{
	static const char *const spellings[] = { "ADA@Secure.Example.Test",
		"\"ada\"@secure.example.test", "ada+shop@secure.example.test",
		"\"a\\da\"@secure.example.test", "Ada+Shop+x@SECURE.EXAMPLE.TEST" };
	struct world *w = world_open();

	(void)state;
	for (size_t i = 0; i < count_of(spellings); i++) {
		struct identity who = identity_of(&w->store, str_of(spellings[i]), &w->arena);
		assert_int_equal(who.kind, IDENTITY_ALIAS);
		assert_int_equal(who.account, 1);
		assert_true(who.secure);
	}
	add_account(w, "eva@b\xc3\xbc"
		       "cher.test");
	switch_alias(w, "eva@xn--bcher-kva.test", true);
	struct identity who = identity_of(&w->store,
		STR("eva@secure.B\xc3\x9c"
		    "cher.test"),
		&w->arena);
	assert_int_equal(who.kind, IDENTITY_ALIAS);
	assert_true(who.secure);
	world_close(w);
}

static void postmaster_is_always_somebody(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_int_equal(identity_of(&w->store, STR("Postmaster"), &w->arena).account, 1);
	assert_int_equal(
		identity_of(&w->store, STR("postmaster@plain.test"), &w->arena).account, 1);
	int64_t own = add_account(w, "postmaster@plain.test");
	assert_int_equal(
		identity_of(&w->store, STR("POSTMASTER@plain.test"), &w->arena).account, own);
	/* The operator's calls never mean somebody else by that name. */
	assert_int_equal(account_find(&w->store, STR("postmaster@example.test"), &w->arena), 0);
	world_close(w);
}

static void deadlines_are_the_accounts_or_the_defaults(void **state)
{
	struct world *w = world_open();
	struct alias_set_ask ask = { .address = STR("ada@example.test"),
		.set = ALIAS_SET_DEADLINE,
		.deadline = 15 * MINUTE };
	struct user_answer answer;
	const char *wait = "SELECT r.deadline - m.accepted FROM recipient r, message m"
			   " WHERE r.number / 16384 = m.number ORDER BY m.number DESC";

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	assert_int_equal(sql_number(w, wait), 5 * DAY);
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	assert_int_equal(sql_number(w, wait), 4 * HOUR);
	begin(w);
	account_set_alias(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_taken(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"));
	assert_int_equal(sql_number(w, wait), 15 * MINUTE);
	world_close(w);
}

static void every_level_but_opportunistic_can_be_chosen_and_is_demanded(void **state)
{
	struct world *w = world_open();
	struct alias_set_ask ask = { .address = STR("ada@example.test"), .set = ALIAS_SET_LEVEL };
	struct user_answer answer;

	(void)state;
	for (ask.level = 0; ask.level <= LEVELS_N; ask.level++) {
		bool can_be = ask.level != LEVEL_OPPORTUNISTIC && ask.level < LEVELS_N;
		begin(w);
		account_set_alias(&w->store, &ask, &w->arena, &answer);
		commit(w);
		assert_int_equal(answer.outcome, can_be ? CTL_OK : CTL_INVALID);
		if (can_be)
			assert_demands(w, mail(w, 1, "ada@secure.example.test", "desk@hotel.test"),
				level_demands((enum level)ask.level));
	}
	world_close(w);
}

static void accounts_are_what_can_be_a_folder(void **state)
{
	static const struct {
		const char *address;
		const char *hash;
		enum ctl_outcome outcome;
	} tries[] = {
		{ "carl@example.test", HASH, CTL_OK },
		{ "Ada@Example.test", HASH, CTL_EXISTS },
		{ "ada@secure.example.test", HASH, CTL_INVALID },
		{ "x@elsewhere.test", HASH, CTL_INVALID },
		{ "ada+x@example.test", HASH, CTL_INVALID },
		{ "\"../x\"@example.test", HASH, CTL_INVALID },
		{ "\"a:b\"@example.test", HASH, CTL_INVALID },
		{ "dora", HASH, CTL_INVALID },
		{ "dora@example.test", "", CTL_INVALID },
		{ "dora@example.test", "in clear", CTL_INVALID },
		{ "dora@example.test", "$y$j9T$a:b", CTL_INVALID },
		{ "dora@example.test", "$6$saltsalt$x\ny", CTL_INVALID },
	};
	struct world *w = world_open();

	(void)state;
	for (size_t i = 0; i < count_of(tries); i++) {
		struct user_add_ask ask = { .address = str_of(tries[i].address),
			.hash = str_of(tries[i].hash) };
		struct user_answer answer = { 0 };
		begin(w);
		account_add(&w->store, &ask, &w->arena, &answer);
		commit(w);
		if (answer.outcome != tries[i].outcome)
			fail_msg("%s: %d", tries[i].address, (int)answer.outcome);
	}
	world_close(w);
}

static void a_removed_number_never_comes_back(void **state)
{
	struct world *w = world_open();
	struct user_answer answer;

	(void)state;
	begin(w);
	account_remove(&w->store, STR("bob@example.test"), &w->arena, &answer);
	commit(w);
	assert_int_equal(answer.outcome, CTL_OK);
	assert_int_equal(add_account(w, "carl@example.test"), 3);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_normal_address_demands_nothing),
		cmocka_unit_test(any_secure_sender_makes_it_the_aliass),
		cmocka_unit_test(the_operators_demands_are_joined_per_recipient),
		cmocka_unit_test(requiretls_adds_its_own),
		cmocka_unit_test(mail_to_the_secure_address_carries_tls),
		cmocka_unit_test(tls_required_no_takes_nothing_away),
		cmocka_unit_test(tls_required_no_gives_up_what_is_published),
		cmocka_unit_test(who_gives_up_the_rules_does_not_wait_with_the_others),
		cmocka_unit_test(a_report_is_not_lost_for_want_of_requiretls),
		cmocka_unit_test(queued_mail_keeps_its_demands),
		cmocka_unit_test(a_sender_must_own_its_addresses),
		cmocka_unit_test(nobody_outside_sends_as_the_secure_domain),
		cmocka_unit_test(a_neighbour_relays_and_the_demands_follow_from_the_senders),
		cmocka_unit_test(a_neighbour_hands_sealed_mail_over_sealed),
		cmocka_unit_test(letters_about_a_neighbours_mail_go_to_the_envelope_sender),
		cmocka_unit_test(recipients_are_judged_again),
		cmocka_unit_test(every_spelling_is_the_same_mailbox),
		cmocka_unit_test(postmaster_is_always_somebody),
		cmocka_unit_test(deadlines_are_the_accounts_or_the_defaults),
		cmocka_unit_test(every_level_but_opportunistic_can_be_chosen_and_is_demanded),
		cmocka_unit_test(accounts_are_what_can_be_a_folder),
		cmocka_unit_test(a_removed_number_never_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
