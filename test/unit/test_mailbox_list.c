/* SPDX-License-Identifier: ISC
 *
 * test_mailbox_list.c - what the pages are told of a mailbox is what lies in the Maildir: listing,
 * searching, conversations, and whatever other programs do beside it.
 */
#include "postroom_world.h"

#include "mailbox/session.h"

static void make_three(void)
{
	make_folder("");
	put_mail("new/1.a", 1000, "Bob <bob@example.net>", "one", "one@x", "");
	put_mail("cur/2.b:2,S", 2000, "Cleo <cleo@example.net>", "two", "two@x", "");
	put_mail("cur/3.c:2,FS", 3000, "Bob <bob@example.net>", "three", "three@x", "");
}

static void newest_come_first(void **state)
{
	struct messages_answer answer;

	(void)state;
	make_three();
	assert_string_equal(LISTED(.limit = 0), "three/F/S two/S one");
	answer = POST(messages, .limit = 0);
	assert_int_equal(answer.total, 3);
	assert_int_equal(answer.unseen, 1);
	assert_true(str_eq(answer.messages.at[2].id, STR("1.a")));
	assert_true(str_eq(answer.messages.at[2].from_name, STR("Bob")));
	assert_true(str_eq(answer.messages.at[2].from_address, STR("bob@example.net")));
	assert_true(str_eq(answer.messages.at[2].to.at[0].address, STR("ada@example.org")));
	assert_int_equal(answer.messages.at[0].time, 3000000);
}

static void pages_join_without_gap_when_mail_comes_between(void **state)
{
	struct messages_answer answer;

	(void)state;
	make_three();
	answer = POST(messages, .limit = 2);
	assert_string_equal(subjects(&answer), "three/F/S two/S");
	put_mail("new/4.d", 4000, "bob@example.net", "four", "four@x", "");
	assert_string_equal(LISTED(.limit = 2, .after = answer.next), "one");
	assert_string_equal(LISTED(.limit = 9), "four three/F/S two/S one");
	answer = POST(messages, .after = STR("nonsense"));
	assert_int_equal(answer.outcome, WEB_INVALID);
}

static void what_others_do_is_seen_at_the_next_ask(void **state)
{
	(void)state;
	make_three();
	make_folder(".Archive");
	assert_string_equal(LISTED(.limit = 0), "three/F/S two/S one");
	move_file("new/1.a", "cur/1.a:2,S");
	assert_string_equal(LISTED(.limit = 0), "three/F/S two/S one/S");
	move_file("cur/2.b:2,S", ".Archive/cur/2.b:2,FS");
	assert_string_equal(LISTED(.limit = 0), "three/F/S one/S");
	assert_string_equal(LISTED(.folder = STR(".Archive")), "two/F/S");
	assert_int_equal(unlink(HOME "cur/3.c:2,FS"), 0);
	assert_string_equal(LISTED(.limit = 0), "one/S");
}

static void words_are_searched_for_as_typed(void **state)
{
	static const struct {
		const char *query, *found;
	} searches[] = {
		{ "two", "two/S" },
		{ "tw", "two/S" },
		{ "from:bob", "three/F/S one" },
		{ "from:\"bob\" subject:one", "one" },
		{ "from:cleo@example.net", "two/S" },
		{ "text of", "three/F/S two/S one" },
		{ "\"text of two\"", "two/S" },
		{ "\"of text\"", "" },
		{ "is:unread", "one" },
		{ "is:starred", "three/F/S" },
		{ "is:read from:bob", "three/F/S" },
		{ "before:1970-01-01", "" },
		{ "after:1970-01-01", "three/F/S two/S one" },
		{ "after:2100-02-29", "" },
		{ "has:attachment", "" },
		{ "\" OR sender:* NOT (", "" },
		{ "two OR one", "" },
		{ "*", "three/F/S two/S one" },
		{ "-", "three/F/S two/S one" },
		{ "text \xe2\x80\x93 of", "three/F/S two/S one" },
		{ "from:\xe2\x80\xa6 two \xe2\x80\x9e", "two/S" },
		{ "to:ada", "three/F/S two/S one" },
		{ "before:soon", "outcome 4" },
	};

	(void)state;
	make_three();
	for (size_t i = 0; i < count_of(searches); i++)
		assert_string_equal(LISTED(.query = str_of(searches[i].query)), searches[i].found);
}

static void put_words(const char *words)
{
	put("cur/9.f:2,S", 9000,
		arena_printf(&memory,
			"From: \"%s\" <b@x.net>\nSubject: found\nMIME-Version: 1.0\n"
			"Content-Type: text/plain; charset=utf-8\n"
			"Content-Transfer-Encoding: 8bit\n\nIn the text %s stands.\n",
			words, words)
			.at);
}

/* Each of a row finds all of it, in the text and among names. */
static void words_are_found_however_they_are_written(void **state)
{
	static const char *const same[][5] = {
		{ "Groß", "gross", "GROẞ", "GROSS", "großer" },
		{ "Straße", "STRASSE", "STRAẞE", "strasse", "Straßenbahn" },
		{ "Köln", "Ko\xcc\x88ln", "koln", "KÖLN", "KO\xcc\x88LN" },
		{ "Diyarbakır", "DIYARBAKIR", "diyarbakir", "DİYARBAKIR", "Diyarbakırlı" },
		{ "İstanbul", "istanbul", "ISTANBUL", "ıstanbul", "I\xcc\x87stanbul" },
		{ "ＡＢＣ１２", "abc12", "ABC12", "ａｂｃ１２", "abc123" },
		{ "がくせい", "か\xe3\x82\x99くせい", "がくせい", "がくせい", "がくせいたち" },
		{ "ﬁn", "fin", "FIN", "ＦＩＮ", "ﬁnal" },
		{ "Rechnung", "Rech\xc2\xadnung", "rechnung", "RECHNUNG", "Rechnungen" },
		{ "Việt", "viet", "VIỆT", "Vie\xcc\xa3\xcc\x82t", "Vietnam" },
		{ "ΣΊΣΥΦΟΣ", "σίσυφος", "ΣΊΣΥΦΟΣ", "Σίσυφοσ", "Σίσυφος" },
	};

	(void)state;
	make_folder("");
	for (size_t i = 0; i < count_of(same); i++)
		for (size_t written = 0; written < 5; written++) {
			put_words(same[i][written]);
			/* The last one may be longer: what is typed is the beginning of a word. */
			for (size_t typed = 0; typed < 4; typed++) {
				struct str word = str_of(same[i][typed]);

				assert_string_equal(LISTED(.query = word), "found/S");
				assert_string_equal(LISTED(.query = arena_printf(&memory, "from:%s",
								   same[i][typed])),
					"found/S");
			}
			POST(messages_change, .ids = { &(struct text){ STR("9.f") }, 1 },
				.erase = 1);
		}
}

/* The preview is the text as it was written. */
static void what_is_shown_is_not_folded(void **state)
{
	struct messages_answer answer;

	(void)state;
	make_folder("");
	put_words("Große Straße");
	answer = POST(messages, .query = STR("GROSSE"));
	assert_int_equal(answer.messages.len, 1);
	assert_true(str_eq(answer.messages.at[0].from_name, STR("Große Straße")));
	assert_true(str_eq(answer.messages.at[0].preview, STR("In the text Große Straße stands.")));
}

/* Quotes and stars of full width become those of ASCII, and are words' no more than these. */
static void what_becomes_of_typed_signs_is_no_syntax(void **state)
{
	static const char *const searches[] = { "two\xef\xbc\x82 OR one", "two\xef\xbc\x8a",
		"\xef\xbc\x82two\xef\xbc\x82", "(two\xef\xbc\x89" };

	(void)state;
	make_three();
	for (size_t i = 0; i < count_of(searches); i++) {
		const char *found = LISTED(.query = str_of(searches[i]));

		assert_true(strcmp(found, "two/S") == 0 || (i == 0 && !*found));
	}
}

static void days_are_counted_from_midnight(void **state)
{
	(void)state;
	make_folder("");
	put_mail("cur/1.a", 1709164799, "b@x.net", "last-of-28-february", "1@x", "");
	put_mail("cur/1.b", 1709164800, "b@x.net", "first-of-leap-day", "2@x", "");
	assert_string_equal(LISTED(.query = STR("before:2024-02-29")), "last-of-28-february");
	assert_string_equal(LISTED(.query = STR("after:2024-02-29")), "first-of-leap-day");
}

static void everywhere_is_not_the_trash_unless_one_is_in_it(void **state)
{
	(void)state;
	make_three();
	make_folder(".Trash");
	make_folder(".Work");
	put_mail(".Trash/cur/4.t:2,S", 500, "b@x.net", "thrown", "4@x", "");
	put_mail(".Work/cur/5.w:2,S", 600, "b@x.net", "work", "5@x", "");
	assert_string_equal(LISTED(.everywhere = 1), "three/F/S two/S one work/S");
	assert_string_equal(LISTED(.everywhere = 1, .folder = STR(".Trash"), .query = STR("text")),
		"three/F/S two/S one work/S thrown/S");
	assert_string_equal(LISTED(.folder = STR(".Trash")), "thrown/S");
	assert_string_equal(LISTED(.folder = STR(".Junk")), "");
	assert_string_equal(LISTED(.folder = STR(".Nowhere")), "outcome 3");
}

static void make_conversation(void)
{
	make_folder("");
	make_folder(".Sent");
	put_mail("cur/1.a:2,S", 1000, "b@x.net", "question", "q@x", "");
	put_mail(".Sent/cur/2.b:2,S", 2000, "ada@example.org", "answer", "a@x", "<q@x>");
	put_mail("cur/3.c", 3000, "b@x.net", "thanks", "t@x", "<q@x> <a@x>");
	put_mail("cur/4.d:2,S", 2500, "c@x.net", "other", "o@x", "");
}

static void a_conversation_has_ones_own_answers(void **state)
{
	struct messages_answer answer;

	(void)state;
	make_conversation();
	answer = POST(messages, .collapse = 1);
	assert_string_equal(subjects(&answer), "thanks other/S");
	assert_int_equal(answer.total, 2);
	assert_int_equal(answer.messages.at[0].count, 3);
	assert_int_equal(answer.messages.at[0].unseen, 1);
	assert_string_equal(LISTED(.conversation = answer.messages.at[0].conversation),
		"question/S answer/S thanks");
	assert_string_equal(LISTED(.query = STR("from:b@x.net"), .collapse = 1), "thanks");
}

static void a_message_that_was_awaited_joins_those_that_waited(void **state)
{
	(void)state;
	make_folder("");
	put_mail("cur/3.c:2,S", 3000, "b@x.net", "third", "3@x", "<2@x>");
	put_mail("cur/1.a:2,S", 1000, "b@x.net", "first", "1@x", "");
	assert_string_equal(LISTED(.collapse = 1), "third/S first/S");
	put_mail("cur/2.b:2,S", 2000, "b@x.net", "second", "2@x", "<1@x>");
	assert_string_equal(LISTED(.collapse = 1), "third/S");
}

static void who_mentions_everybody_joins_nobody_together(void **state)
{
	(void)state;
	make_folder("");
	put_mail("cur/1.a:2,S", 1000, "b@x.net", "first", "1@x", "");
	put_mail("cur/2.b:2,S", 2000, "b@x.net", "second", "2@x", "");
	assert_string_equal(LISTED(.collapse = 1), "second/S first/S");
	put_mail("cur/3.c:2,S", 3000, "e@x.net", "evil", "e@x", "<2@x> <1@x>");
	assert_string_equal(LISTED(.collapse = 1), "evil/S second/S");
	/* Nor by taking an id that another message has. */
	put_mail("cur/4.d:2,S", 4000, "e@x.net", "worse", "2@x", "<1@x>");
	assert_string_equal(LISTED(.collapse = 1), "worse/S evil/S");
}

static void an_index_that_is_lost_or_broken_is_made_anew(void **state)
{
	(void)state;
	make_three();
	assert_string_equal(LISTED(.query = STR("two")), "two/S");
	reopen_room();
	assert_string_equal(LISTED(.query = STR("two")), "two/S");
	postroom_free(&room);
	put("siegel-index", 0,
		"This is no database, and is longer than the header of one is, which "
		"has a hundred bytes, so that it is looked at.");
	open_room();
	assert_string_equal(LISTED(.query = STR("two")), "two/S");
	postroom_free(&room);
	assert_int_equal(unlink(HOME "siegel-index"), 0);
	open_room();
	assert_string_equal(LISTED(.query = STR("two")), "two/S");
}

/* As a version of the program left it that had other tables and did not fold. */
static void an_index_of_an_earlier_version_is_made_anew(void **state)
{
	sqlite3 *old;

	(void)state;
	make_three();
	put_words("Groß");
	assert_int_equal(sqlite3_open(HOME "siegel-index", &old), SQLITE_OK);
	assert_int_equal(sqlite3_exec(old,
				 "CREATE TABLE message (number INTEGER PRIMARY KEY, id TEXT);"
				 "INSERT INTO message VALUES (1, '9.f'); PRAGMA user_version = 2",
				 NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(old);
	assert_string_equal(LISTED(.query = STR("gross")), "found/S");
	assert_string_equal(LISTED(.limit = 0), "found/S three/F/S two/S one");
}

static void without_room_for_an_index_it_is_kept_in_memory(void **state)
{
	(void)state;
	make_three();
	/* Neither a file nor to be removed as one. */
	assert_int_equal(mkdir(HOME "siegel-index", 0700), 0);
	assert_string_equal(LISTED(.query = STR("two")), "two/S");
	move_file("new/1.a", "cur/1.a:2,S");
	assert_string_equal(LISTED(.limit = 0), "three/F/S two/S one/S");
}

static void a_session_that_is_none_opens_no_folder(void **state)
{
	struct messages_answer answer;

	(void)state;
	make_three();
	answer = POST(messages, .token = STR("eve"));
	assert_int_equal(answer.outcome, WEB_NO_SESSION);
	assert_int_equal(answer.messages.len, 0);
	assert_string_equal(LISTED(.token = STR("bob")), "");
}

/* Though the other's is open. */
static void a_session_opens_its_own_accounts_folder(void **state)
{
	struct text id = { STR("1.a") };
	struct messages_change_answer answer;

	(void)state;
	make_three();
	assert_string_equal(LISTED(.limit = 0), LISTED(.token = STR("ada")));
	assert_string_equal(LISTED(.token = STR("bob")), "");
	answer = post_messages_change(
		(struct messages_change_ask){ .token = STR("bob"), .ids = { &id, 1 }, .erase = 1 });
	assert_int_equal(answer.changed.at[0].outcome, WEB_NOT_FOUND);
	assert_true(is_file("new/1.a"));
}

static void the_store_is_asked_once_in_a_while(void **state)
{
	(void)state;
	make_three();
	store_asked = 0;
	for (int i = 0; i < 5; i++)
		LISTED(.limit = 0);
	assert_int_equal(store_asked, 1);
	LISTED(.token = STR("eve"));
	LISTED(.token = STR("eve"));
	assert_int_equal(store_asked, 3);
}

/* What the store said is good for SESSION_KEPT and no longer, however often it is asked for. */
static void the_end_of_a_session_is_felt(void **state)
{
	struct deadline patience = deadline_in(20 * SESSION_KEPT);
	struct messages_answer answer;

	(void)state;
	make_three();
	LISTED(.limit = 0);
	session_ended = true;
	do {
		answer = post_messages((struct messages_ask){ .limit = 0 });
		usleep(20000);
	} while (answer.outcome == WEB_OK && !deadline_passed(patience));
	session_ended = false;
	assert_int_equal(answer.outcome, WEB_NO_SESSION);
	assert_int_equal(answer.messages.len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)
	const struct CMUnitTest tests[] = {
		TEST(newest_come_first),
		TEST(pages_join_without_gap_when_mail_comes_between),
		TEST(what_others_do_is_seen_at_the_next_ask),
		TEST(words_are_searched_for_as_typed),
		TEST(words_are_found_however_they_are_written),
		TEST(what_is_shown_is_not_folded),
		TEST(what_becomes_of_typed_signs_is_no_syntax),
		TEST(days_are_counted_from_midnight),
		TEST(everywhere_is_not_the_trash_unless_one_is_in_it),
		TEST(a_conversation_has_ones_own_answers),
		TEST(a_message_that_was_awaited_joins_those_that_waited),
		TEST(who_mentions_everybody_joins_nobody_together),
		TEST(an_index_that_is_lost_or_broken_is_made_anew),
		TEST(an_index_of_an_earlier_version_is_made_anew),
		TEST(without_room_for_an_index_it_is_kept_in_memory),
		TEST(a_session_that_is_none_opens_no_folder),
		TEST(a_session_opens_its_own_accounts_folder),
		TEST(the_store_is_asked_once_in_a_while),
		TEST(the_end_of_a_session_is_felt),
	};

	return cmocka_run_group_tests(tests, begin_world, end_world);
}
