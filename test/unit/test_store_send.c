/* SPDX-License-Identifier: ISC
 *
 * test_store_send.c - mail from the pages: it goes the way of a submission, once for each id; it
 * stays while it is held, and until then it can be taken back as if it had never been.
 */
#include "store_page.h"

#define COUNT(table) sql_number(w, "SELECT count(*) FROM " table)

/* --- holding --- */

static void what_is_held_stays_and_then_goes(void **state)
{
	struct world *w = world_open();

	(void)state;
	struct str id = page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
	assert_false(claim(w, &w->delivery));
	assert_int_equal(page_look_at_one(w, 1).state, STATE_WAITING);
	page_pass(w, 9000);
	assert_false(claim(w, &w->delivery));
	page_pass(w, 1000);
	assert_true(claim(w, &w->delivery));
	assert_true(str_eq(w->job.id, id));
	assert_true(str_eq(w->job.sender, STR("ada@example.test")));
	assert_contains(job_text(w), "Guten Tag");
	world_close(w);
}

static void mail_to_a_mailbox_here_is_held_as_well(void **state)
{
	struct world *w = world_open();

	(void)state;
	page_sends(w, 1, page_mail("ada@example.test", "bob@example.test"));
	assert_false(claim(w, &w->mailbox));
	page_pass(w, 10000);
	assert_true(claim(w, &w->mailbox));
	world_close(w);
}

static void a_hold_is_bounded_and_may_be_none(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	m.ask.hold_ms = UINT64_MAX;
	struct send_answer answer = page_send(w, 1, m);
	assert_in_range(answer.held_until, (uint64_t)w->store.now + SEND_HOLD_MOST - 1000,
		(uint64_t)w->store.now + SEND_HOLD_MOST);
	m.ask.sent = STR(PAGE_ID_MORE);
	m.ask.hold_ms = 0;
	page_sends(w, 1, m);
	assert_true(claim(w, &w->delivery));
	world_close(w);
}

/* The notice of delay and the deadline count from when it may leave. */
static void its_times_count_from_the_end_of_the_hold(void **state)
{
	struct world *w = world_open();

	(void)state;
	page_sends(w, 1, page_mail("ada@secure.example.test", "desk@hotel.test"));
	int64_t due = sql_number(w, "SELECT held_until FROM sent");
	assert_int_equal(sql_number(w, "SELECT next_attempt FROM recipient"), due);
	assert_int_equal(
		sql_number(w, "SELECT event_at FROM recipient"), due + w->settings->delay_notice);
	assert_int_equal(
		sql_number(w, "SELECT deadline FROM recipient"), due + w->settings->deadline);
	world_close(w);
}

static void the_operator_does_not_end_a_hold(void **state)
{
	struct world *w = world_open();
	struct queue_change_ask ask = { .id = STR("") };
	struct queue_answer answer;

	(void)state;
	page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
	begin(w);
	listing_retry(&w->store, &ask, &w->arena, &answer);
	commit(w);
	assert_false(claim(w, &w->delivery));
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_OK);
	world_close(w);
}

/* --- taking back --- */

static void what_is_taken_back_was_never_sent(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	m.to[1].text = STR("bob@example.test");
	m.ask.recipients.len = 2;
	page_sends(w, 1, m);
	assert_int_equal(w->store.schedule.waiting, 2);
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_OK);
	assert_int_equal(COUNT("message"), 0);
	assert_int_equal(COUNT("recipient"), 0);
	assert_int_equal(COUNT("body"), 0);
	assert_int_equal(w->store.schedule.waiting, 0);
	page_pass(w, 60000);
	assert_false(claim(w, &w->delivery));
	assert_false(claim(w, &w->mailbox)); /* nor is there a letter */
	assert_int_equal(COUNT("receipt"), 2);
	assert_int_equal(sql_number(w, "SELECT count(*) FROM receipt WHERE text LIKE"
				       " '%\"kind\":\"ended\"%desk@hotel.test\",\"state\":"
				       "\"taken-back\"%bob@example.test\",\"state\":"
				       "\"taken-back\"%'"),
		1);
	assert_int_equal(page_look(w, 1, PAGE_ID).items.at[0].undone, 1);
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_OK); /* an answer that was lost */
	world_close(w);
}

static void a_large_body_is_taken_back_as_well(void **state)
{
	enum { LARGE = 3 * 1024 * 1024 };
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");
	char *bytes = malloc(LARGE);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', LARGE);
	for (size_t i = 78; i < LARGE; i += 80)
		memcpy(bytes + i, "\r\n", 2);
	memcpy(bytes + LARGE - 2, "\r\n", 2);
	memcpy(bytes, page_body, sizeof page_body - 1);
	m.body = (struct str){ bytes, LARGE };
	page_sends(w, 1, m);
	assert_int_equal(COUNT("leftover"), 0);
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_OK);
	while (COUNT("leftover")) {
		begin(w);
		(void)clean_some(&w->store);
		commit(w);
	}
	assert_int_equal(COUNT("body"), 0);
	free(bytes);
	world_close(w);
}

static void what_is_due_can_not_be_taken_back(void **state)
{
	struct world *w = world_open();

	(void)state;
	page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
	page_pass(w, 10000);
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_TOO_LATE);
	assert_true(claim(w, &w->delivery));
	world_close(w);
}

/* Whatever the clock says now: it is in somebody's hand. */
static void what_is_in_somebodys_hand_can_not_be_taken_back(void **state)
{
	struct world *w = world_open();

	(void)state;
	page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
	pass(w, 10000);
	assert_true(claim(w, &w->delivery));
	assert_true(sql_number(w, "SELECT held_until FROM sent") > w->store.now);
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_TOO_LATE);
	report(w, &w->delivery, RESULT_LATER, REASON_CONNECTION_TIMEOUT);
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_TOO_LATE);
	world_close(w);
}

/* The claim and the wish to take it back in one batch: whoever comes first has it. */
static void at_the_moment_of_due_one_of_them_has_it(void **state)
{
	struct work_ask ask = { .wants_job = 1 };

	(void)state;
	for (int first = 0; first < 2; first++) {
		struct world *w = world_open();
		page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
		pass(w, 10000);
		begin(w);
		uint64_t undone = first ? page_undo_in(w, 1, PAGE_ID) : WEB_FAILED;
		bool has = work_next(&w->store, &w->delivery, &ask, &w->arena, &w->job, &w->body);
		if (!first)
			undone = page_undo_in(w, 1, PAGE_ID);
		commit(w);
		assert_int_equal(undone, first ? WEB_OK : WEB_TOO_LATE);
		assert_true(has == !first);
		world_close(w);
	}
}

static void a_batch_that_fails_takes_nothing_back(void **state)
{
	struct world *w = world_open();

	(void)state;
	page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
	begin(w);
	assert_int_equal(page_undo_in(w, 1, PAGE_ID), WEB_OK);
	w->store.db.failure = SQLITE_IOERR;
	assert_false(store_commit(&w->store));
	assert_int_equal(w->store.schedule.waiting, 1);
	assert_int_equal(COUNT("message"), 1);
	page_pass(w, 10000);
	assert_true(claim(w, &w->delivery));
	assert_contains(job_text(w), "Guten Tag");
	world_close(w);
}

static void a_handler_that_fails_takes_nothing_back(void **state)
{
	struct world *w = world_open();

	(void)state;
	page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
	begin(w);
	store_handler_begin(&w->store);
	assert_int_equal(page_undo_in(w, 1, PAGE_ID), WEB_OK);
	w->store.db.failure = SQLITE_IOERR;
	assert_false(store_handler_end(&w->store));
	commit(w);
	assert_int_equal(w->store.schedule.waiting, 1);
	assert_int_equal(COUNT("receipt"), 1);
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_OK);
	assert_int_equal(w->store.schedule.waiting, 0);
	world_close(w);
}

static void another_accounts_mail_is_not_found(void **state)
{
	struct world *w = world_open();

	(void)state;
	page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
	assert_int_equal(page_undo(w, 2, PAGE_ID), WEB_NOT_FOUND);
	assert_int_equal(page_look(w, 2, PAGE_ID).outcome, WEB_NOT_FOUND);
	assert_int_equal(page_look(w, 2, "").items.len, 0);
	assert_int_equal(page_undo(w, 1, "' OR 1 --"), WEB_NOT_FOUND);
	world_close(w);
}

/* --- once --- */

static void asked_twice_it_is_sent_once(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	struct str id = page_sends(w, 1, m);
	assert_true(str_eq(page_sends(w, 1, m), id));
	m.to[0].text = STR("other@hotel.test"); /* whatever it says now */
	assert_true(str_eq(page_sends(w, 1, m), id));
	assert_int_equal(COUNT("message"), 1);
	page_pass(w, 10000);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	assert_true(str_eq(page_sends(w, 1, m), id)); /* it has ended */
	assert_false(claim(w, &w->delivery));
	world_close(w);
}

static void ids_are_each_accounts_own(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("bob@example.test", "desk@hotel.test");

	(void)state;
	m.body = STR("From: bob@example.test\r\n\r\nHi\r\n");
	struct str bobs = page_sends(w, 2, m);
	assert_false(
		str_eq(page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test")), bobs));
	assert_int_equal(COUNT("message"), 2);
	world_close(w);
}

static void after_a_crash_it_is_known_what_was_sent(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	begin(w);
	assert_int_equal(page_send_in(w, 1, &m).outcome, WEB_OK);
	world_crash(w); /* nothing of it was committed, nothing answered */
	assert_int_equal(COUNT("sent"), 0);
	struct str id = page_sends(w, 1, m);
	world_crash(w);
	assert_true(str_eq(page_sends(w, 1, m), id));
	assert_int_equal(COUNT("message"), 1);
	assert_false(claim(w, &w->delivery)); /* still held */
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_OK);
	world_crash(w);
	page_pass(w, 10000);
	assert_false(claim(w, &w->delivery));
	world_close(w);
}

/* Another window asks while the first one's is still being written, in pieces. */
static void a_large_one_asked_twice_at_once_is_sent_once(void **state)
{
	scoped(buf_free) struct buf body = BUF(2 << 20);
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");
	struct caller callers[2];

	(void)state;
	buf_add(&body, m.body);
	while (body.len <= BODY_STAGED_ABOVE)
		buf_add(&body, STR("a line of it\r\n"));
	m.ask.recipients.at = m.to;
	begin(w);
	for (size_t i = 0; i < count_of(callers); i++) {
		callers[i] = (struct caller){ .call = CALL_send,
			.arena = ARENA(64 * 1024 * 1024),
			.fd_in = fd_memfd_of("body", buf_str(&body)),
			.fd_out = -1,
			.ask.send = m.ask };
		assert_true(send_begin(&w->store, &callers[i], 1));
		assert_false(take_message(&w->store, &callers[i]));
	}
	for (size_t i = 0; i < count_of(callers); i++) {
		while (!take_slice(&w->store, &callers[i]))
			;
		send_finish(&w->store, &callers[i]);
	}
	commit(w);
	assert_int_equal(callers[0].answer.send.outcome, WEB_OK);
	assert_int_equal(callers[1].answer.send.outcome, WEB_OK);
	assert_true(str_eq(callers[0].answer.send.id, callers[1].answer.send.id));
	assert_int_equal(COUNT("message"), 1);
	for (size_t i = 0; i < count_of(callers); i++) {
		fd_unmap(&callers[i].staging.body);
		fd_close(&callers[i].fd_in);
		arena_free(&callers[i].arena);
	}
	world_close(w);
}

static void a_later_revision_of_what_was_sent_is_not_said_to_be_sent(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	m.ask.revision = 1;
	page_sends(w, 1, m);
	assert_int_equal(page_look(w, 1, PAGE_ID).items.at[0].revision, 1);
	m.ask.revision = 2;
	assert_int_equal(page_send(w, 1, m).outcome, WEB_TOO_LATE);
	assert_int_equal(COUNT("message"), 1);
	world_close(w);
}

/* What is filed as its copy is the revision that left. */
static void whoever_asks_again_hears_which_revision_was_sent(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	m.ask.revision = 5;
	assert_int_equal(page_send(w, 1, m).revision, 5);
	m.ask.revision = 4;
	assert_int_equal(page_send(w, 1, m).revision, 5);
	assert_int_equal(COUNT("message"), 1);
	world_close(w);
}

static void what_was_taken_back_is_sent_again_by_a_later_revision_alone(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	struct str first = page_sends(w, 1, m);
	assert_int_equal(page_undo(w, 1, PAGE_ID), WEB_OK);
	for (m.ask.revision = 0; m.ask.revision < 2; m.ask.revision++) /* it came late */
		assert_int_equal(page_send(w, 1, m).outcome, WEB_TOO_LATE);
	assert_int_equal(COUNT("message"), 0);
	struct str second = page_sends(w, 1, m);
	assert_false(str_eq(first, second));
	assert_true(str_eq(page_sends(w, 1, m), second));
	assert_int_equal(page_look(w, 1, PAGE_ID).items.at[0].undone, 0);
	page_pass(w, 10000);
	assert_true(claim(w, &w->delivery));
	world_close(w);
}

/* --- who may send what --- */

static void assert_not_sent(
	struct world *w, struct page_mail m, enum web_outcome outcome, const char *text)
{
	struct send_answer answer = page_send(w, 1, m);

	if (answer.outcome != outcome || !str_starts(answer.text, str_of(text)))
		fail_msg("%d: %.*s", (int)answer.outcome, STR_ARG(answer.text));
	assert_int_equal(COUNT("message"), 0);
	assert_int_equal(COUNT("sent"), 0);
	assert_int_equal(w->store.schedule.waiting, 0);
}

static void only_own_senders_send(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("bob@example.test", "desk@hotel.test");

	(void)state;
	assert_not_sent(w, m, WEB_REFUSED, "5.7.1 This sender address is not yours");
	m = page_mail("ada@example.test", "desk@hotel.test");
	m.body = STR("From: bob@example.test\r\n\r\n");
	assert_not_sent(w, m, WEB_REFUSED, "5.7.1 This sender address is not yours");
	m.body = STR("From: ada@example.test\r\nSender: x@outside.test\r\n\r\n");
	assert_not_sent(w, m, WEB_REFUSED, "5.7.1 This sender address is not yours");
	m.body = STR("Subject: nobody\r\n\r\n");
	assert_not_sent(w, m, WEB_REFUSED, "5.6.0 The From field");
	m = page_mail("ada@secure.example.test", "desk@hotel.test");
	switch_alias(w, "ada@example.test", false);
	assert_not_sent(w, m, WEB_REFUSED, "5.7.1 This secure address is not activated");
	m = page_mail("", "desk@hotel.test");
	assert_not_sent(w, m, WEB_INVALID, "");
	world_close(w);
}

/* Any of the senders makes it the alias's. */
/* The rule may be another by now: set in another window, while this mail was written. */
static void what_the_page_has_shown_is_kept(void **state)
{
	static const struct {
		uint64_t level;
		demands demands;
	} rows[] = { { LEVEL_OPPORTUNISTIC, DEMAND_TLS }, { LEVEL_ENCRYPT, DEMAND_TLS },
		{ LEVEL_DANE_ONLY, DEMAND_TLS | DEMAND_AUTH | DEMAND_DANE },
		{ LEVEL_VERIFY, DEMAND_TLS | DEMAND_PINNED } };
	struct page_mail m = page_mail("ada@secure.example.test", "desk@hotel.test");

	(void)state;
	for (size_t i = 0; i < count_of(rows); i++) {
		struct world *w = world_open();
		m.ask.level = rows[i].level;
		page_sends(w, 1, m);
		assert_int_equal(sql_number(w, "SELECT demands FROM recipient"), rows[i].demands);
		m.ask.level = LEVELS_N;
		m.ask.sent = STR("another0000000000001");
		assert_int_equal(page_send(w, 1, m).outcome, WEB_INVALID);
		m.ask.sent = STR(PAGE_ID);
		world_close(w);
	}
}

static void demands_follow_from_all_senders(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	m.body = str_of(alias_body);
	m.ask.hold_ms = 0;
	page_sends(w, 1, m);
	assert_true(claim(w, &w->delivery));
	assert_int_equal(w->job.demands, DEMAND_TLS);
	world_close(w);
}

static void a_refusal_names_the_recipient(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	m.to[1].text = STR("nobody@example.test");
	m.ask.recipients.len = 2;
	assert_not_sent(w, m, WEB_REFUSED, "5.1.1 There is no such mailbox here: nobody@example.");
	m.to[1].text = STR("no address");
	assert_not_sent(w, m, WEB_REFUSED, "5.1.1 There is no such mailbox here: no address");
	world_close(w);
}

static void a_recipient_named_twice_gets_it_once(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	m.to[1].text = STR("a@hotel.test");
	m.to[2].text = STR("desk@hotel.test");
	m.to[3].text = STR("a@hotel.test");
	m.ask.recipients.len = 4;
	page_sends(w, 1, m);
	struct sent_answer answer = page_look(w, 1, PAGE_ID);
	assert_int_equal(answer.items.at[0].recipients.len, 2);
	assert_true(str_eq(answer.items.at[0].recipients.at[0].address, STR("desk@hotel.test")));
	world_close(w);
}

/* An SMTP client couldn't have handed these in either. */
static void a_body_that_smtp_would_not_bring_is_refused(void **state)
{
	static const char *const bodies[] = {
		"From: ada@example.test\r\n\r\nbare\nfeed\r\n",
		"From: ada@example.test\r\n\r\n\n.\nMAIL FROM:<a@b>\r\n",
		"From: ada@example.test\r\n\r\nbare\rreturn\r\n",
		"From: ada@example.test\r\n\r\nno end",
		"From: ada@example.test\n\nfeeds\n",
		"no header\r\n\r\n",
		"",
	};
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");
	struct buf line = BUF(4096);

	(void)state;
	for (size_t i = 0; i < count_of(bodies); i++) {
		m.body = str_of(bodies[i]);
		assert_not_sent(w, m, WEB_REFUSED, "5.6.0");
	}
	m.body = STR("From: ada@example.test\r\n\r\nnul\0\r\n");
	assert_not_sent(w, m, WEB_REFUSED, "5.6.0");
	buf_printf(&line, "From: ada@example.test\r\n\r\n%0999d\r\n", 0);
	m.body = buf_str(&line);
	assert_not_sent(w, m, WEB_REFUSED, "5.6.0");
	buf_free(&line);
	world_close(w);
}

static void what_does_not_fit_is_not_taken(void **state)
{
	struct world *w = world_open_with("message_size = 65536\n");
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");
	static char large[65537];

	(void)state;
	add_account(w, "ada@example.test");
	m.ask.recipients.len = 101; /* refused before they are looked at */
	assert_not_sent(w, m, WEB_REFUSED, "5.5.3 Too many recipients");
	m.ask.recipients.len = 0;
	assert_not_sent(w, m, WEB_INVALID, "");
	m.ask.recipients.len = 1;
	m.ask.sent = STR("short");
	assert_not_sent(w, m, WEB_INVALID, "");
	m.ask.sent = STR("UPPERCASE6789abcdefghij");
	assert_not_sent(w, m, WEB_INVALID, "");
	m.ask.sent = STR(PAGE_ID);
	memset(large, 'x', sizeof large);
	m.body = (struct str){ large, sizeof large };
	assert_not_sent(w, m, WEB_TOO_LARGE, "5.3.4");
	world_close(w);
}

static void a_disk_without_room_is_told_as_such(void **state)
{
	struct world *w = world_open_with("");

	(void)state;
	add_account(w, "ada@example.test");
	((struct settings *)w->store.settings)->disk_reserve = UINT64_MAX / 2;
	assert_not_sent(w, page_mail("ada@example.test", "desk@hotel.test"), WEB_FULL, "");
	world_close(w);
}

/* The pages are on this machine: an alias here is reached without TLS on the way to us. */
static void it_counts_as_sealed_on_its_way_to_us(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "ada@secure.example.test");

	(void)state;
	m.ask.tls_version = m.ask.cipher = STR("");
	page_sends(w, 1, m);
	assert_int_equal(sql_number(w, "SELECT demands FROM recipient"), DEMAND_TLS);
	world_close(w);
}

static void its_receipt_says_that_it_came_from_a_page(void **state)
{
	struct world *w = world_open();

	(void)state;
	page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
	assert_int_equal(
		sql_number(w, "SELECT count(*) FROM receipt WHERE text LIKE"
			      " '%\"origin\":\"page\"%\"peer\":\"198.51.100.7\"%TLSv1.3%'"),
		1);
	world_close(w);
}

/* RFC 5321 4.4 wants a trace of what came by SMTP; from where the author wrote stays here. */
static void nothing_is_added_to_the_body(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	m.ask.hold_ms = 0;
	page_sends(w, 1, m);
	assert_true(claim(w, &w->delivery));
	assert_true(str_eq(job_text(w), str_of(page_body)));
	world_close(w);
}

static void what_is_not_ascii_is_declared(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	page_sends(w, 1, m);
	assert_int_equal(sql_number(w, "SELECT body_kind + smtputf8 FROM message"), 0);
	m.ask.sent = STR(PAGE_ID_MORE);
	m.body = STR("From: ada@example.test\r\n\r\nGr\303\274\303\237e\r\n");
	page_sends(w, 1, m);
	assert_int_equal(sql_number(w, "SELECT max(body_kind) FROM message"), BODY_8BITMIME);
	assert_int_equal(sql_number(w, "SELECT max(smtputf8) FROM message"), 0);
	m.ask.sent = STR("0123456789abcdefghil");
	m.body = STR("From: ada@example.test\r\nSubject: Gr\303\274\303\237e\r\n\r\n");
	page_sends(w, 1, m);
	assert_int_equal(sql_number(w, "SELECT max(smtputf8) FROM message"), 1);
	world_close(w);
}

/* --- what became of it --- */

static void what_it_went_over_is_told(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@secure.example.test", "desk@hotel.test");

	(void)state;
	m.ask.hold_ms = 0;
	page_sends(w, 1, m);
	assert_true(claim(w, &w->delivery));
	report_over(w, RESULT_DELIVERED, REASON_NONE, sealed_attempt("mx.hotel.test", "dane"),
		TRANSMISSION_SEALED);
	struct sent_recipient r = page_look_at_one(w, 1);
	assert_int_equal(r.state, STATE_DELIVERED);
	assert_int_equal(r.demands, DEMAND_TLS);
	assert_int_equal(r.transmitted, 1);
	assert_int_equal(r.transport, TRANSPORT_QUALIFIED);
	assert_true(str_eq(r.host, STR("mx.hotel.test")));
	assert_true(str_eq(r.tls_version, STR("TLSv1.3")));
	assert_true(str_eq(r.proven_by, STR("dane")));
	assert_true(str_eq(r.said, STR("250 ok")));
	assert_int_equal(r.attempts, 1);
	world_close(w);
}

/* Two recipients, the second taken at another time over another connection to the same host. */
static void each_recipient_has_its_own_evidence(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");
	struct recipient_outcome outcomes[2] = { { .result = RESULT_DELIVERED,
							 .host = STR("mx.hotel.test") },
		{ .result = RESULT_LATER, .reason = REASON_CONNECTION_TIMEOUT } };
	struct attempt old = sealed_attempt("mx.hotel.test", "");
	struct work_ask ask = {
		.has_outcome = 1, .outcomes = { outcomes, 2 }, .attempts = { &old, 1 }
	};

	(void)state;
	m.to[1].text = STR("late@hotel.test");
	m.ask.recipients.len = 2;
	m.ask.hold_ms = 0;
	page_sends(w, 1, m);
	assert_true(claim(w, &w->delivery));
	for (int i = 0; i < 2; i++)
		outcomes[i].recipient = w->job.recipients.at[i].recipient;
	ask.id = w->job.id;
	old.tls_version = STR("TLSv1.2");
	old.cipher = STR("ECDHE-RSA-AES256-GCM-SHA384");
	old.time = (uint64_t)clock_wall_ms();
	work(w, &w->delivery, &ask);
	page_pass(w, 60000);
	assert_int_equal(sqlite3_exec(w->store.db.handle, "UPDATE evidence SET time = time - 60000",
				 NULL, NULL, NULL),
		SQLITE_OK);
	assert_true(claim(w, &w->delivery));
	report_over(w, RESULT_DELIVERED, REASON_NONE, sealed_attempt("mx.hotel.test", "sts"),
		TRANSMISSION_SEALED);
	struct sent_answer answer = page_look(w, 1, PAGE_ID);
	struct sent_recipient *r = answer.items.at[0].recipients.at;
	assert_true(str_eq(r[0].tls_version, STR("TLSv1.2")));
	assert_true(str_eq(r[0].proven_by, STR("")));
	assert_true(str_eq(r[1].tls_version, STR("TLSv1.3")));
	assert_true(str_eq(r[1].proven_by, STR("sts")));
	world_close(w);
}

static void what_went_in_clear_is_told(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");
	struct attempt plain = { .host = STR("mx.hotel.test"), .verdict = VERDICT_ACCEPTED };

	(void)state;
	m.ask.hold_ms = 0;
	page_sends(w, 1, m);
	assert_true(claim(w, &w->delivery));
	report_over(w, RESULT_DELIVERED, REASON_NONE, plain, TRANSMISSION_PLAIN);
	struct sent_recipient r = page_look_at_one(w, 1);
	assert_int_equal(r.transmitted, 1);
	assert_int_equal(r.transport, TRANSPORT_NONE);
	assert_int_equal(r.tls_version.len, 0);
	world_close(w);
}

static void what_was_not_sent_is_told_with_its_reason(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@secure.example.test", "desk@hotel.test");

	(void)state;
	m.ask.hold_ms = 0;
	page_sends(w, 1, m);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED);
	assert_int_equal(page_look_at_one(w, 1).state, STATE_SECOND_LOOK);
	page_pass(w, 3000);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_REFUSED, REASON_STARTTLS_NOT_SUPPORTED);
	struct sent_recipient r = page_look_at_one(w, 1);
	assert_int_equal(r.state, STATE_FAILED);
	assert_int_equal(r.reason, REASON_STARTTLS_NOT_SUPPORTED);
	assert_int_equal(r.transmitted, 0);
	assert_int_equal(r.told, 1);
	world_close(w);
}

/* As long as there are receipts, whenever its body went. */
static void it_can_be_looked_up_as_long_as_its_receipt(void **state)
{
	struct world *w = world_open_with("keep_notices = 1h\nkeep_receipts = 3h\n");
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	add_account(w, "ada@example.test");
	m.ask.hold_ms = 0;
	page_sends(w, 1, m);
	assert_true(claim(w, &w->delivery));
	report(w, &w->delivery, RESULT_DELIVERED, REASON_NONE);
	page_pass(w, 2 * HOUR);
	begin(w);
	(void)clean_some(&w->store);
	commit(w);
	assert_int_equal(page_look_at_one(w, 1).state, STATE_DELIVERED);
	page_pass(w, HOUR + MINUTE);
	for (int i = 0; i < 2; i++) {
		begin(w);
		(void)clean_some(&w->store);
		commit(w);
	}
	assert_int_equal(COUNT("message"), 0);
	assert_int_equal(COUNT("sent"), 0);
	assert_int_equal(page_look(w, 1, PAGE_ID).outcome, WEB_NOT_FOUND);
	world_close(w);
}

static void the_newest_come_first(void **state)
{
	struct world *w = world_open();
	struct page_mail m = page_mail("ada@example.test", "desk@hotel.test");

	(void)state;
	page_sends(w, 1, m);
	page_pass(w, 5000);
	m.ask.sent = STR(PAGE_ID_MORE);
	m.ask.subject = STR("Second\r\nline");
	page_sends(w, 1, m);
	struct sent_answer answer = page_look(w, 1, "");
	assert_int_equal(answer.items.len, 2);
	assert_true(str_eq(answer.items.at[0].sent, STR(PAGE_ID_MORE)));
	assert_true(str_eq(answer.items.at[0].subject, STR("Second  line")));
	assert_true(str_eq(answer.items.at[1].sent, STR(PAGE_ID)));
	world_close(w);
}

static void with_the_account_goes_what_it_sent(void **state)
{
	struct world *w = world_open();
	struct user_answer answer;

	(void)state;
	page_sends(w, 1, page_mail("ada@example.test", "desk@hotel.test"));
	begin(w);
	account_remove(&w->store, STR("ada@example.test"), &w->arena, &answer);
	commit(w);
	assert_int_equal(COUNT("sent"), 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_held_stays_and_then_goes),
		cmocka_unit_test(mail_to_a_mailbox_here_is_held_as_well),
		cmocka_unit_test(a_hold_is_bounded_and_may_be_none),
		cmocka_unit_test(its_times_count_from_the_end_of_the_hold),
		cmocka_unit_test(the_operator_does_not_end_a_hold),
		cmocka_unit_test(what_is_taken_back_was_never_sent),
		cmocka_unit_test(a_large_body_is_taken_back_as_well),
		cmocka_unit_test(what_is_due_can_not_be_taken_back),
		cmocka_unit_test(what_is_in_somebodys_hand_can_not_be_taken_back),
		cmocka_unit_test(at_the_moment_of_due_one_of_them_has_it),
		cmocka_unit_test(a_batch_that_fails_takes_nothing_back),
		cmocka_unit_test(a_handler_that_fails_takes_nothing_back),
		cmocka_unit_test(another_accounts_mail_is_not_found),
		cmocka_unit_test(asked_twice_it_is_sent_once),
		cmocka_unit_test(ids_are_each_accounts_own),
		cmocka_unit_test(after_a_crash_it_is_known_what_was_sent),
		cmocka_unit_test(a_large_one_asked_twice_at_once_is_sent_once),
		cmocka_unit_test(a_later_revision_of_what_was_sent_is_not_said_to_be_sent),
		cmocka_unit_test(whoever_asks_again_hears_which_revision_was_sent),
		cmocka_unit_test(what_was_taken_back_is_sent_again_by_a_later_revision_alone),
		cmocka_unit_test(only_own_senders_send),
		cmocka_unit_test(what_the_page_has_shown_is_kept),
		cmocka_unit_test(demands_follow_from_all_senders),
		cmocka_unit_test(a_refusal_names_the_recipient),
		cmocka_unit_test(a_recipient_named_twice_gets_it_once),
		cmocka_unit_test(a_body_that_smtp_would_not_bring_is_refused),
		cmocka_unit_test(what_does_not_fit_is_not_taken),
		cmocka_unit_test(a_disk_without_room_is_told_as_such),
		cmocka_unit_test(it_counts_as_sealed_on_its_way_to_us),
		cmocka_unit_test(its_receipt_says_that_it_came_from_a_page),
		cmocka_unit_test(nothing_is_added_to_the_body),
		cmocka_unit_test(what_is_not_ascii_is_declared),
		cmocka_unit_test(what_it_went_over_is_told),
		cmocka_unit_test(each_recipient_has_its_own_evidence),
		cmocka_unit_test(what_went_in_clear_is_told),
		cmocka_unit_test(what_was_not_sent_is_told_with_its_reason),
		cmocka_unit_test(it_can_be_looked_up_as_long_as_its_receipt),
		cmocka_unit_test(the_newest_come_first),
		cmocka_unit_test(with_the_account_goes_what_it_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
