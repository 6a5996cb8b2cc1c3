/* SPDX-License-Identifier: ISC
 *
 * test_store_arrival.c - what an account is told of the mail it got and sent: how it came in, its
 * receipt, where mail would go, whom a level would reach. And what it is not told.
 */
#include "store_page.h"

#include "mail/stored_certificate.h"
#include "store/arrival.h"
#include "store/reach.h"
#include "store/stored.h"
#include "store/whither.h"

static struct arrival arrival_of(struct world *w, int64_t account, struct str id)
{
	struct text text = { id };
	struct arrivals_ask ask = { .ids = { &text, 1 } };
	struct arrivals_answer answer;

	w->store.db.failure = SQLITE_OK;
	arrivals(&w->store, account, &ask, &w->arena, &answer);
	assert_int_equal(w->store.db.failure, SQLITE_OK);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.arrivals.len, 1);
	return answer.arrivals.at[0];
}

/* Hand it in; its queue id. */
static struct str taken(struct world *w, struct mail m)
{
	assert_taken(w, m);
	return arena_printf(&w->arena, "%s", m.id);
}

static struct mail outside_mail(struct world *w, const char *to)
{
	struct mail m = mail(w, 0, "x@outside.test", to);

	m.ask.peer = STR("192.0.2.1");
	m.ask.helo = STR("mx.outside.test");
	return m;
}

/* All that is known of it has gone but its receipt. */
static void forget_rows(struct world *w)
{
	while (claim(w, &w->mailbox))
		report(w, &w->mailbox, RESULT_DELIVERED, REASON_NONE);
	pass(w, 2 * MINUTE);
	begin(w);
	(void)clean_some(&w->store);
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM message WHERE account = 0"), 0);
}

/* --- how it came in --- */

static void how_mail_came_in_is_told_for_as_long_as_its_receipt(void **state)
{
	struct world *w = world_open();
	struct str id = taken(w, outside_mail(w, "ada+shop@secure.example.test"));

	(void)state;
	forget_rows(w);
	struct arrival a = arrival_of(w, 1, id);
	assert_int_equal(a.origin, ARRIVAL_OUTSIDE);
	assert_true(str_eq(a.sender, STR("x@outside.test")));
	assert_true(str_eq(a.peer, STR("192.0.2.1")));
	assert_true(str_eq(a.helo, STR("mx.outside.test")));
	assert_true(str_eq(a.tls_version, STR("TLSv1.3")));
	assert_true(str_eq(a.recipient, STR("ada+shop@secure.example.test")));
	assert_true(a.time > 0);
	world_close(w);
}

static void mail_in_clear_is_told_as_such(void **state)
{
	struct world *w = world_open();
	struct mail m = outside_mail(w, "ada@example.test");

	(void)state;
	m.ask.tls_version = m.ask.cipher = STR("");
	m.ask.sender = STR("");
	struct arrival a = arrival_of(w, 1, taken(w, m));
	assert_int_equal(a.origin, ARRIVAL_OUTSIDE);
	assert_int_equal(a.tls_version.len, 0);
	assert_int_equal(a.sender.len, 0);
	world_close(w);
}

static void whom_it_was_not_addressed_to_knows_nothing_of_it(void **state)
{
	struct world *w = world_open();
	struct str id = taken(w, outside_mail(w, "bob@example.test"));

	(void)state;
	assert_int_equal(arrival_of(w, 2, id).origin, ARRIVAL_OUTSIDE);
	struct arrival a = arrival_of(w, 1, id);
	assert_int_equal(a.origin, ARRIVAL_UNKNOWN);
	assert_int_equal(a.sender.len + a.peer.len + a.recipient.len + a.time, 0);
	assert_int_equal(arrival_of(w, 1, STR("00000000deadbeef")).origin, ARRIVAL_UNKNOWN);
	assert_int_equal(arrival_of(w, 1, STR("no id")).origin, ARRIVAL_UNKNOWN);
	world_close(w);
}

/* From where another one here wrote is theirs alone. */
static void of_mail_from_here_the_place_is_not_told(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "bob@example.test");

	(void)state;
	m.to[1].text = STR("ada@example.test");
	m.ask.recipients.len = 2;
	struct str id = page_sends(w, 1, m);
	struct arrival bobs = arrival_of(w, 2, id), adas = arrival_of(w, 1, id);
	assert_int_equal(bobs.origin, ARRIVAL_ACCOUNT);
	assert_true(str_eq(bobs.sender, STR("ada@example.test")));
	assert_int_equal(bobs.peer.len, 0);
	assert_true(str_eq(adas.peer, STR("198.51.100.7")));
	world_close(w);
}

/* Anybody can write a header that looks like ours; this is no letter. */
static void what_a_stranger_writes_is_no_letter(void **state)
{
	struct world *w = world_open();
	struct mail m = outside_mail(w, "ada@example.test");

	(void)state;
	m.ask.sender = STR("");
	m.ask.helo = STR("\"origin\":\"here\",\"kind\":\"taken\"");
	m.body = STR("From: Mail Delivery <mailer-daemon@example.test>\r\n\r\nnot sent\r\n");
	m.ask.size = m.body.len;
	assert_int_equal(arrival_of(w, 1, taken(w, m)).origin, ARRIVAL_OUTSIDE);
	world_close(w);
}

static void a_letter_is_told_with_what_it_is_about(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@secure.example.test", "desk@hotel.test");

	(void)state;
	m.ask.hold_ms = 0;
	struct str id = page_sends(w, 1, m);
	for (int i = 0; i < 2; i++) {
		assert_true(claim(w, &w->delivery));
		report(w, &w->delivery, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED);
		page_pass(w, 3000);
	}
	assert_true(claim(w, &w->mailbox));
	struct arrival a = arrival_of(w, 1, arena_str(&w->arena, w->job.id));
	assert_int_equal(a.origin, ARRIVAL_LETTER);
	assert_int_equal(a.letter, DSN_FAILED);
	assert_int_equal(a.reason, REASON_STARTTLS_NOT_SUPPORTED);
	assert_true(str_eq(a.failed, STR("desk@hotel.test")));
	assert_true(str_eq(a.about, STR(PAGE_ID)));
	assert_true(str_eq(a.about_id, id));
	assert_int_equal(arrival_of(w, 2, w->job.id).origin, ARRIVAL_UNKNOWN);
	world_close(w);
}

static void a_letter_is_remembered_as_long_as_its_receipt(void **state)
{
	struct world *w = world_open_with("keep_receipts = 1h\nkeep_notices = 1h\n");
	struct page_mail m = page_mail("ada@secure.example.test", "desk@hotel.test");

	(void)state;
	add_account(w, "ada@example.test");
	switch_alias(w, "ada@example.test", true);
	m.ask.hold_ms = 0;
	page_sends(w, 1, m);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_FAILED, REASON_NO_SUCH_MAILBOX);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM letter"), 1);
	assert_int_equal(sqlite3_exec(w->store.db.handle, "UPDATE letter SET time = time - 3700000",
				 NULL, NULL, NULL),
		SQLITE_OK);
	begin(w);
	(void)clean_some(&w->store);
	commit(w);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM letter"), 0);
	world_close(w);
}

/* --- receipts --- */

static struct receipt_own_answer receipt_for(
	struct world *w, int64_t account, const char *sent, struct str id)
{
	struct receipt_own_ask ask = { .sent = str_of(sent), .id = id };
	struct receipt_own_answer answer;

	w->store.db.failure = SQLITE_OK;
	receipt_own(&w->store, account, &ask, &w->arena, &answer);
	assert_int_equal(w->store.db.failure, SQLITE_OK);
	if (answer.outcome != WEB_OK)
		assert_int_equal(answer.records.len + answer.statement.len, 0);
	return answer;
}

static void who_sent_it_has_the_whole_receipt(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	m.to[1].text = STR("bob@example.test");
	m.ask.recipients.len = 2;
	struct str id = page_sends(w, 1, m);
	page_pass(w, 10000);
	assert_true(claim(w, &w->delivery));
	report_over(w, RESULT_DELIVERED, REASON_NONE, sealed_attempt("mx.hotel.test", "dane"),
		TRANSMISSION_SEALED);
	struct receipt_own_answer answer = receipt_for(w, 1, PAGE_ID, STR(""));
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.records.len, 2);
	assert_contains(answer.records.at[0].text, "\"kind\":\"taken\"");
	assert_contains(answer.records.at[1].text, "mx.hotel.test");
	assert_contains(answer.statement, "{\"version\":1,\"message\":\"");
	assert_true(signature_holds(answer.public_key, answer.statement, answer.signature));
	assert_int_equal(receipt_for(w, 1, "", id).records.len, 2);
	world_close(w);
}

static void another_accounts_receipt_is_not_found(void **state)
{
	struct world *w = world_open();
	struct str id = page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));

	(void)state;
	assert_int_equal(receipt_for(w, 2, PAGE_ID, STR("")).outcome, WEB_NOT_FOUND);
	assert_int_equal(receipt_for(w, 2, "", id).outcome, WEB_NOT_FOUND);
	assert_int_equal(receipt_for(w, 2, "", STR("no id")).outcome, WEB_NOT_FOUND);
	world_close(w);
}

static void who_got_it_alone_has_its_receipt(void **state)
{
	struct world *w = world_open();
	struct str id = taken(w, outside_mail(w, "ada@secure.example.test"));

	(void)state;
	forget_rows(w);
	struct receipt_own_answer answer = receipt_for(w, 1, "", id);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.records.len, 2);
	assert_int_equal(receipt_for(w, 2, "", id).outcome, WEB_NOT_FOUND);
	world_close(w);
}

/* A blind copy must stay one. */
static void of_other_recipients_nobody_is_told(void **state)
{
	struct world *w = world_open();
	struct mail m = outside_mail(w, "ada@example.test");

	(void)state;
	m.to[1].address = STR("bob@example.test");
	m.ask.recipients.len = 2;
	struct str id = taken(w, m);
	assert_int_equal(receipt_for(w, 1, "", id).outcome, WEB_NOT_ALLOWED);
	assert_int_equal(receipt_for(w, 2, "", id).outcome, WEB_NOT_ALLOWED);
	m = outside_mail(w, "ada@example.test");
	m.to[1].address = STR("ada@secure.example.test");
	m.ask.recipients.len = 2;
	assert_int_equal(receipt_for(w, 1, "", taken(w, m)).outcome, WEB_OK); /* both are hers */
	world_close(w);
}

static void from_where_another_one_here_wrote_is_not_in_it(void **state)
{
	struct world *w = world_open();
	struct str id = page_sends(w, 1, page_mail("ada@example.test", "bob@example.test"));

	(void)state;
	assert_int_equal(receipt_for(w, 2, "", id).outcome, WEB_NOT_ALLOWED);
	world_close(w);
}

/* --- where it would go --- */

static struct whither_answer ask_whither(
	struct world *w, int64_t account, const char *sender, const char *recipient)
{
	struct whither_ask ask = { .sender = str_of(sender), .recipient = str_of(recipient) };
	struct whither_answer answer;

	whither(&w->store, account, &ask, &w->arena, &answer);
	return answer;
}

static void where_mail_would_go_is_what_accept_does(void **state)
{
	static const struct {
		const char *sender, *recipient;
		enum whither whither;
		demands demands;
	} rows[] = {
		{ "ada@example.test", "desk@hotel.test", WHITHER_REMOTE, 0 },
		{ "ada@secure.example.test", "desk@HOTEL.test", WHITHER_REMOTE, DEMAND_TLS },
		{ "ada@example.test", "desk@strict.test", WHITHER_REMOTE,
			DEMAND_TLS | DEMAND_AUTH },
		{ "ada@example.test", "bob@example.test", WHITHER_HERE, 0 },
		{ "ada@example.test", "ada@secure.example.test", WHITHER_HERE, DEMAND_TLS },
		{ "ada@example.test", "bob@secure.example.test", WHITHER_NOBODY, 0 },
		{ "ada@example.test", "nobody@example.test", WHITHER_NOBODY, 0 },
		{ "ada@example.test", "no address", WHITHER_NO_ADDRESS, 0 },
		{ "ada@example.test", "", WHITHER_NO_ADDRESS, 0 },
	};
	struct world *w = world_open_with("destination \"strict.test\" { level = secure }\n");

	(void)state;
	add_account(w, "ada@example.test");
	add_account(w, "bob@example.test");
	switch_alias(w, "ada@example.test", true);
	for (size_t i = 0; i < count_of(rows); i++) {
		struct whither_answer answer = ask_whither(w, 1, rows[i].sender, rows[i].recipient);
		assert_int_equal(answer.outcome, WEB_OK);
		assert_int_equal(answer.whither, rows[i].whither);
		if (answer.whither == WHITHER_NOBODY || answer.whither == WHITHER_NO_ADDRESS)
			continue;
		assert_int_equal(answer.demands, rows[i].demands);
		struct mail m = mail(w, 1, rows[i].sender, rows[i].recipient);
		assert_taken(w, m);
		assert_int_equal(
			sql_number(w, "SELECT demands FROM recipient ORDER BY number DESC"),
			(int64_t)answer.demands);
	}
	assert_true(str_eq(ask_whither(w, 1, "ada@example.test", "desk@HOTEL.test").domain,
		STR("hotel.test")));
	world_close(w);
}

static void where_it_would_go_is_told_of_own_senders_alone(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_int_equal(
		ask_whither(w, 2, "ada@example.test", "desk@hotel.test").outcome, WEB_NOT_ALLOWED);
	assert_int_equal(ask_whither(w, 1, "", "desk@hotel.test").outcome, WEB_NOT_ALLOWED);
	switch_alias(w, "ada@example.test", false);
	assert_int_equal(ask_whither(w, 1, "ada@secure.example.test", "desk@hotel.test").outcome,
		WEB_NOT_ALLOWED);
	world_close(w);
}

/* --- whom a level would have reached --- */

static void assert_reach(struct world *w, uint64_t recipients, uint64_t encrypt, uint64_t secure,
	uint64_t dane_only, uint64_t verify)
{
	struct reach_answer answer;

	reach_show(&w->store, 1, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.recipients, recipients);
	assert_int_equal(answer.levels.len, 4);
	const uint64_t wanted[] = { encrypt, secure, dane_only, verify };
	for (size_t i = 0; i < count_of(wanted); i++) {
		assert_int_equal(answer.levels.at[i].level, LEVEL_ENCRYPT + i);
		assert_int_equal(answer.levels.at[i].reached, wanted[i]);
	}
}

static void write_to(struct world *w, const char *sender, const char *to, enum result result,
	enum reason reason, struct attempt attempt, enum transmission transmission)
{
	assert_taken(w, mail(w, 1, sender, to));
	assert_true(claim(w, &w->delivery));
	report_over(w, result, reason, attempt, transmission);
}

static void a_level_reaches_whom_it_would_have_reached(void **state)
{
	struct world *w = world_open();
	const char *ada = "ada@example.test", *alias = "ada@secure.example.test";
	struct attempt plain = { .host = STR("mx.p.test"), .verdict = VERDICT_ACCEPTED };
	struct attempt refused = { .host = STR("mx.r.test"),
		.verdict = VERDICT_REFUSED,
		.reason = REASON_STARTTLS_NOT_SUPPORTED };
	struct attempt down = { .host = STR("mx.t.test"),
		.verdict = VERDICT_UNKNOWN,
		.reason = REASON_CONNECTION_TIMEOUT };
	struct certificate_add_ask store_it = { .domain = STR("c.test"),
		.kind = STORED_KEY,
		.value = STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef") };
	struct certificate_answer stored;

	(void)state;
	assert_reach(w, 0, 0, 0, 0, 0);
	write_to(w, ada, "a@d.test", RESULT_DELIVERED, REASON_NONE,
		sealed_attempt("mx.d.test", "dane"), TRANSMISSION_SEALED);
	assert_reach(w, 1, 1, 1, 1, 0);
	write_to(w, ada, "a@c.test", RESULT_DELIVERED, REASON_NONE,
		sealed_attempt("mx.c.test", "ca"), TRANSMISSION_SEALED);
	assert_reach(w, 2, 2, 2, 1, 0);
	write_to(w, ada, "a@n.test", RESULT_DELIVERED, REASON_NONE, sealed_attempt("mx.n.test", ""),
		TRANSMISSION_SEALED);
	assert_reach(w, 3, 3, 2, 1, 0);
	write_to(w, ada, "a@p.test", RESULT_DELIVERED, REASON_NONE, plain, TRANSMISSION_PLAIN);
	assert_reach(w, 4, 3, 2, 1, 0);
	write_to(w, alias, "a@r.test", RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED, refused,
		TRANSMISSION_NOTHING);
	assert_reach(w, 5, 3, 2, 1, 0);
	write_to(w, ada, "a@t.test", RESULT_LATER, REASON_CONNECTION_TIMEOUT, down,
		TRANSMISSION_NO_CONNECTION);
	assert_reach(w, 5, 3, 2, 1, 0); /* it shows nothing */
	begin(w);
	stored_add(&w->store, &store_it, &w->arena, &stored);
	commit(w);
	assert_int_equal(stored.outcome, CTL_OK);
	assert_reach(w, 5, 3, 2, 1, 1);
	world_close(w);
}

static void the_newest_attempt_at_an_address_decides(void **state)
{
	struct world *w = world_open();
	struct attempt plain = { .host = STR("mx.d.test"), .verdict = VERDICT_ACCEPTED };

	(void)state;
	write_to(w, "ada@example.test", "a@d.test", RESULT_DELIVERED, REASON_NONE, plain,
		TRANSMISSION_PLAIN);
	pass(w, 5000);
	write_to(w, "ada@example.test", "a@d.test", RESULT_DELIVERED, REASON_NONE,
		sealed_attempt("mx.d.test", "dane"), TRANSMISSION_SEALED);
	assert_reach(w, 1, 1, 1, 1, 0);
	pass(w, 91 * (int64_t)DAY);
	assert_reach(w, 0, 0, 0, 0, 0);
	world_close(w);
}

static void another_accounts_recipients_are_not_counted(void **state)
{
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 2, "bob@example.test", "a@d.test"));
	assert_true(claim(w, &w->delivery));
	report_over(w, RESULT_DELIVERED, REASON_NONE, sealed_attempt("mx.d.test", "dane"),
		TRANSMISSION_SEALED);
	assert_reach(w, 0, 0, 0, 0, 0);
	world_close(w);
}

static void providers_are_listed_without_what_is_stored(void **state)
{
	struct world *w = world_open();
	struct certificate_add_ask ask = { .domain = STR("c.test"),
		.kind = STORED_KEY,
		.note = STR("by phone"),
		.value = STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef") };
	struct certificate_answer answer;

	(void)state;
	begin(w);
	stored_add(&w->store, &ask, &w->arena, &answer);
	ask.domain = STR("over.test");
	ask.expires = 1;
	stored_add(&w->store, &ask, &w->arena, &answer);
	commit(w);
	reach_providers(&w->store, &w->arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.certificates.len, 1);
	assert_true(str_eq(answer.certificates.at[0].domain, STR("c.test")));
	assert_true(str_eq(answer.certificates.at[0].note, STR("by phone")));
	assert_int_equal(answer.certificates.at[0].value.len, 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_mail_came_in_is_told_for_as_long_as_its_receipt),
		cmocka_unit_test(mail_in_clear_is_told_as_such),
		cmocka_unit_test(whom_it_was_not_addressed_to_knows_nothing_of_it),
		cmocka_unit_test(of_mail_from_here_the_place_is_not_told),
		cmocka_unit_test(what_a_stranger_writes_is_no_letter),
		cmocka_unit_test(a_letter_is_told_with_what_it_is_about),
		cmocka_unit_test(a_letter_is_remembered_as_long_as_its_receipt),
		cmocka_unit_test(who_sent_it_has_the_whole_receipt),
		cmocka_unit_test(another_accounts_receipt_is_not_found),
		cmocka_unit_test(who_got_it_alone_has_its_receipt),
		cmocka_unit_test(of_other_recipients_nobody_is_told),
		cmocka_unit_test(from_where_another_one_here_wrote_is_not_in_it),
		cmocka_unit_test(where_mail_would_go_is_what_accept_does),
		cmocka_unit_test(where_it_would_go_is_told_of_own_senders_alone),
		cmocka_unit_test(a_level_reaches_whom_it_would_have_reached),
		cmocka_unit_test(the_newest_attempt_at_an_address_decides),
		cmocka_unit_test(another_accounts_recipients_are_not_counted),
		cmocka_unit_test(providers_are_listed_without_what_is_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
