/* SPDX-License-Identifier: ISC
 *
 * test_mailbox_change.c - what the pages change in a mailbox: flags, places, folders; beside other
 * programs, and in a Maildir that somebody filled with malice.
 */
#include "postroom_world.h"

#include "mailbox/change.h"
#include <fcntl.h>

static void make_three(void)
{
	make_folder("");
	put_mail("new/1.a", 1000, "Bob <bob@example.net>", "one", "one@x", "");
	put_mail("cur/2.b:2,S", 2000, "Cleo <cleo@example.net>", "two", "two@x", "");
	put_mail("cur/3.c:2,FSa", 3000, "Bob <bob@example.net>", "three", "three@x", "");
}

static struct messages_change_answer change_of(
	struct messages_change_ask ask, const char *first, const char *second)
{
	struct text *ids = arena_array(&memory, 2, sizeof *ids);

	ids[0].text = str_of(first);
	ids[1].text = str_of(second);
	ask.ids.at = ids;
	ask.ids.len = second ? 2 : 1;
	return post_messages_change(ask);
}

#define CHANGE(first, second, ...) \
	change_of((struct messages_change_ask){ __VA_ARGS__ }, first, second)

static void flags_are_in_the_name_and_others_letters_stay(void **state)
{
	struct messages_change_answer answer;

	(void)state;
	make_three();
	answer = CHANGE(
		"1.a", "3.c", .add = MESSAGE_SEEN | MESSAGE_ANSWERED, .remove = MESSAGE_FLAGGED);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.changed.at[0].outcome, WEB_OK);
	assert_int_equal(answer.changed.at[0].flags_before, 0);
	assert_int_equal(answer.changed.at[1].flags_before, MESSAGE_SEEN | MESSAGE_FLAGGED);
	assert_true(is_file("cur/1.a:2,RS"));
	assert_true(is_file("cur/3.c:2,RSa"));
	assert_string_equal(LISTED(.limit = 0), "three/S two/S one/S");
}

static void what_was_moved_comes_back(void **state)
{
	struct messages_change_answer answer;

	(void)state;
	make_three();
	answer = CHANGE("1.a", "2.b", .move = 1, .folder = STR(".Trash"));
	assert_int_equal(answer.changed.at[1].outcome, WEB_OK);
	assert_string_equal(LISTED(.limit = 0), "three/F/S");
	assert_string_equal(LISTED(.folder = STR(".Trash")), "two/S one");
	assert_true(is_file(".Trash/maildirfolder"));
	assert_true(str_eq(answer.changed.at[0].folder_before, STR("")));
	answer = CHANGE("1.a", "2.b", .move = 1, .folder = answer.changed.at[0].folder_before);
	assert_true(str_eq(answer.changed.at[0].folder_before, STR(".Trash")));
	assert_string_equal(LISTED(.limit = 0), "three/F/S two/S one");
	answer = CHANGE("1.a", NULL, .move = 1, .folder = STR(".Nowhere"));
	assert_int_equal(answer.outcome, WEB_NOT_FOUND);
	answer = CHANGE("1.a", NULL, .move = 1, .folder = STR("../../bob"));
	assert_int_equal(answer.outcome, WEB_INVALID);
}

/* Dovecot's list of a folder's keywords. */
static void put_keywords(const char *folder, const char *lines)
{
	put(arena_printf(&memory, "%sdovecot-keywords", folder).at, 1000, lines);
}

static const char *keywords_in(const char *folder)
{
	scoped(buf_free) struct buf text = BUF(100000);
	scoped(fd_close) int fd = open(
		arena_printf(&memory, HOME "%sdovecot-keywords", folder).at, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && fd_read_all(fd, &text));
	return arena_str(&memory, buf_str(&text)).at;
}

static void move_to(const char *id, const char *folder)
{
	struct messages_change_answer answer =
		CHANGE(id, NULL, .move = 1, .folder = str_of(folder));

	assert_int_equal(answer.changed.at[0].outcome, WEB_OK);
}

static void keywords_go_along_by_name_and_come_back(void **state)
{
	(void)state;
	make_three();
	make_folder(".Work");
	move_file("cur/3.c:2,FSa", "cur/3.c:2,FSac");
	put_keywords("", "0 $Label1\n1 other\n2 Später\n");
	put_keywords(".Work/", "0 theirs\n2 $label1\n");
	move_to("3.c", ".Work");
	assert_true(is_file(".Work/cur/3.c:2,FScd"));
	assert_string_equal(keywords_in(".Work/"), "0 theirs\n2 $label1\n3 Später\n");
	assert_string_equal(keywords_in(""), "0 $Label1\n1 other\n2 Später\n");
	assert_false(is_file(".Work/dovecot-uidlist.lock"));
	assert_false(is_file(".Work/dovecot-keywords.lock"));
	move_to("3.c", "");
	assert_true(is_file("cur/3.c:2,FSac"));
	move_to("3.c", ".Trash"); /* has no list yet */
	assert_true(is_file(".Trash/cur/3.c:2,FSab"));
	assert_string_equal(keywords_in(".Trash/"), "0 $Label1\n1 Später\n");
}

/* Dovecot reads the list again if its time in seconds is another one. */
static void a_list_that_is_added_to_looks_newer_by_a_second(void **state)
{
	struct stat before, after;

	(void)state;
	make_three();
	make_folder(".Work");
	put_keywords("", "0 mine\n");
	put_keywords(".Work/", "0 theirs\n");
	const struct timespec ahead[] = { { .tv_sec = time(NULL) + 100 },
		{ .tv_sec = time(NULL) + 100 } };
	assert_int_equal(utimensat(AT_FDCWD, HOME ".Work/dovecot-keywords", ahead, 0), 0);
	assert_int_equal(stat(HOME ".Work/dovecot-keywords", &before), 0);
	move_to("3.c", ".Work");
	assert_int_equal(stat(HOME ".Work/dovecot-keywords", &after), 0);
	assert_true(after.st_mtime == before.st_mtime + 1);
}

static void what_cannot_be_said_there_is_back_with_the_message(void **state)
{
	(void)state;
	make_three();
	make_folder(".Full");
	scoped(buf_free) struct buf full = BUF(10000);
	for (int i = 0; i < 26; i++)
		buf_printf(&full, "%d theirs%d\n", i, i);
	buf_add_char(&full, '\0');
	move_file("cur/3.c:2,FSa", "cur/3.c:2,FSab");
	put_keywords("", "0 mine\n1 theirs7\n");
	put_keywords(".Full/", full.at);
	move_to("3.c", ".Full");
	assert_true(is_file(".Full/cur/3.c:2,FSh"));
	move_to("3.c", "");
	assert_true(is_file("cur/3.c:2,FSab"));
	move_to("3.c", ".Full");
	reopen_room();
	CHANGE("3.c", NULL, .remove = MESSAGE_FLAGGED);
	move_to("3.c", "");
	assert_true(is_file("cur/3.c:2,Sab"));
}

static void a_folder_that_another_program_has_locked_hinders_no_move(void **state)
{
	(void)state;
	make_three();
	make_folder(".Work");
	put_keywords("", "0 mine\n");
	put(".Work/dovecot-uidlist.lock", 1000, "1:elsewhere");
	move_to("3.c", ".Work");
	assert_true(is_file(".Work/cur/3.c:2,FS"));
	assert_true(is_file(".Work/dovecot-uidlist.lock"));
	move_to("3.c", "");
	assert_true(is_file("cur/3.c:2,FSa"));
}

static void letters_of_which_nobody_has_a_list_stay_as_they_are(void **state)
{
	(void)state;
	make_three();
	move_file("cur/3.c:2,FSa", "cur/3.c:2,FSXaz,more");
	move_to("3.c", ".Trash");
	assert_true(is_file(".Trash/cur/3.c:2,FSXaz,more"));
	assert_int_equal(access(HOME ".Trash/dovecot-keywords", F_OK), -1);
}

static void a_list_that_is_no_list_does_no_harm(void **state)
{
	static const char *const lists[] = {
		"0 mine\n26 far\n-1 x\n99999999999999999999 y\n\n0\n 1\n", "0 mine"
	};

	(void)state;
	make_three();
	make_folder(".Work");
	for (size_t i = 0; i < count_of(lists); i++) {
		put_keywords("", lists[i]);
		put_keywords(".Work/", lists[i]);
		move_to("3.c", ".Work");
		assert_true(is_file(".Work/cur/3.c:2,FSa"));
		move_to("3.c", "");
	}
	assert_int_equal(unlink(HOME ".Work/dovecot-keywords"), 0);
	assert_int_equal(symlink("../new/1.a", HOME ".Work/dovecot-keywords"), 0);
	move_to("3.c", ".Work");
	assert_true(is_file(".Work/cur/3.c:2,FS"));
	move_to("3.c", "");
	assert_true(is_file("cur/3.c:2,FSa"));
}

static void mail_of_a_removed_folder_keeps_its_keywords(void **state)
{
	(void)state;
	make_three();
	make_folder(".Old");
	put_keywords(".Old/", "0 mine\n");
	put_keywords("", "0 theirs\n");
	move_file("cur/3.c:2,FSa", ".Old/cur/3.c:2,FSa");
	struct folders_answer answer =
		POST(folder_change, .change = FOLDER_REMOVE, .folder = STR(".Old"));
	assert_int_equal(answer.outcome, WEB_OK);
	assert_true(is_file(".Trash/cur/3.c:2,FSa"));
	assert_string_equal(keywords_in(".Trash/"), "0 mine\n");
}

static void what_is_erased_is_gone_and_can_not_be_found(void **state)
{
	struct messages_change_answer answer;

	(void)state;
	make_three();
	assert_string_equal(LISTED(.query = STR("two")), "two/S");
	answer = CHANGE("2.b", "nobody", .erase = 1);
	assert_int_equal(answer.changed.at[0].outcome, WEB_OK);
	assert_int_equal(answer.changed.at[1].outcome, WEB_NOT_FOUND);
	assert_false(is_file("cur/2.b:2,S"));
	assert_string_equal(LISTED(.query = STR("two")), "");
	answer = CHANGE("3.c", NULL, .erase = 1, .add = MESSAGE_SEEN);
	assert_int_equal(answer.outcome, WEB_INVALID);
}

/* Dovecot renames between our look and our rename. */
static void a_file_that_moved_meanwhile_is_looked_for(void **state)
{
	struct messages_change_answer answer;

	(void)state;
	make_three();
	make_folder(".Archive");
	LISTED(.limit = 0);
	move_file("cur/2.b:2,S", ".Archive/cur/2.b:2,FS");
	answer = CHANGE("2.b", NULL, .add = MESSAGE_ANSWERED);
	assert_int_equal(answer.changed.at[0].outcome, WEB_OK);
	assert_true(str_eq(answer.changed.at[0].folder_before, STR(".Archive")));
	assert_true(is_file(".Archive/cur/2.b:2,FRS"));
}

static void link_file(const char *from, const char *to)
{
	assert_int_equal(linkat(AT_FDCWD, arena_printf(&memory, HOME "%s", from).at, AT_FDCWD,
				 arena_printf(&memory, HOME "%s", to).at, 0),
		0);
}

/* Dovecot's COPY is a link under the same base name. */
static void what_is_done_to_a_copy_is_not_done_to_the_other_one(void **state)
{
	(void)state;
	make_three();
	make_folder(".Archive");
	LISTED(.limit = 0);
	link_file("cur/2.b:2,S", ".Archive/new/2.b");
	assert_string_equal(LISTED(.folder = STR(".Archive")), "two");
	CHANGE("2.b~2", NULL, .add = MESSAGE_FLAGGED);
	assert_true(is_file("cur/2.b:2,S") && is_file(".Archive/cur/2.b:2,F"));
	CHANGE("2.b~2", NULL, .move = 1, .folder = STR(".Trash"));
	CHANGE("2.b", NULL, .erase = 1);
	assert_true(!is_file("cur/2.b:2,S") && is_file(".Trash/cur/2.b:2,F"));
	CHANGE("2.b~2", NULL, .move = 1, .folder = STR(".Archive"));
	assert_true(is_file(".Archive/cur/2.b:2,F"));
	link_file(".Archive/cur/2.b:2,F", "new/2.b");
	LISTED(.limit = 0);
	CHANGE("2.b~2", NULL, .erase = 1);
	assert_true(is_file("new/2.b") && !is_file(".Archive/cur/2.b:2,F"));
}

static int entries_that_begin(const char *start)
{
	DIR *account = opendir(HOME);
	struct dirent *entry;
	int n = 0;

	assert_non_null(account);
	while ((entry = readdir(account)))
		n += strncmp(entry->d_name, start, strlen(start)) == 0;
	closedir(account);
	return n;
}

static void a_folder_is_removed_whose_mail_was_copied_to_the_trash(void **state)
{
	struct folders_answer answer;

	(void)state;
	make_three();
	make_folder(".Old");
	make_folder(".Trash");
	move_file("cur/2.b:2,S", ".Old/cur/2.b:2,S");
	link_file(".Old/cur/2.b:2,S", ".Trash/cur/2.b:2,S");
	answer = POST(folder_change, .change = FOLDER_REMOVE, .folder = STR(".Old"));
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(entries_that_begin("siegel-removed-"), 0);
	assert_string_equal(LISTED(.folder = STR(".Trash")), "two/S");
}

static void of_very_many_copies_each_is_a_message(void **state)
{
	enum { MANY = 40 };
	(void)state;
	make_three();
	LISTED(.limit = 0);
	for (int i = 0; i < MANY; i++) {
		make_folder(arena_printf(&memory, ".F%d", i).at);
		link_file("cur/2.b:2,S", arena_printf(&memory, ".F%d/cur/2.b:2,S", i).at);
		assert_string_equal(LISTED(.folder = arena_printf(&memory, ".F%d", i)), "two/S");
	}
	CHANGE("2.b", "2.b~2", .erase = 1);
	assert_false(is_file("cur/2.b:2,S"));
	for (int i = 0; i < MANY; i++)
		assert_int_equal(is_file(arena_printf(&memory, ".F%d/cur/2.b:2,S", i).at), i > 0);
}

static const char *folder_names(const struct folders_answer *answer)
{
	struct buf text = BUF(100000);

	if (answer->outcome != WEB_OK)
		buf_printf(&text, "outcome %llu", (unsigned long long)answer->outcome);
	for (size_t i = 0; i < answer->folders.len; i++) {
		const struct folder *f = &answer->folders.at[i];

		if (f->kind == FOLDER_OWN)
			buf_printf(&text, "%s%.*s=%.*s:%llu", text.len ? " " : "",
				STR_ARG(f->folder), STR_ARG(f->name), (unsigned long long)f->total);
	}
	struct str copy = arena_str(&memory, buf_str(&text));
	buf_free(&text);
	return copy.at;
}

static const char *folder_change_of(struct folder_change_ask ask)
{
	struct folders_answer answer = post_folder_change(ask);

	return folder_names(&answer);
}

#define FOLDER(...) folder_change_of((struct folder_change_ask){ __VA_ARGS__ })

static const char *subscriptions(void)
{
	scoped(buf_free) struct buf text = BUF(10000);
	scoped(fd_close) int fd = open(HOME "subscriptions", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && fd_read_all(fd, &text));
	return arena_str(&memory, buf_str(&text)).at;
}

static void folders_are_made_renamed_and_removed(void **state)
{
	(void)state;
	make_three();
	assert_string_equal(FOLDER(.change = FOLDER_CREATE, .name = STR("Reise/Köln & Bonn")),
		".Reise.K&APY-ln &- Bonn=Reise/Köln & Bonn:0");
	assert_string_equal(subscriptions(), "Reise.K&APY-ln &- Bonn\n");
	CHANGE("1.a", "2.b", .move = 1, .folder = STR(".Reise.K&APY-ln &- Bonn"));
	assert_string_equal(FOLDER(.change = FOLDER_CREATE, .name = STR("Reise")),
		".Reise=Reise:0 .Reise.K&APY-ln &- Bonn=Reise/Köln & Bonn:2");
	assert_string_equal(
		FOLDER(.change = FOLDER_RENAME, .folder = STR(".Reise"), .name = STR("Fahrt 🚲")),
		".Fahrt &2D3esg-=Fahrt 🚲:0 "
		".Fahrt &2D3esg-.K&APY-ln &- Bonn=Fahrt 🚲/Köln & Bonn:2");
	assert_string_equal(subscriptions(), "Fahrt &2D3esg-.K&APY-ln &- Bonn\nFahrt &2D3esg-\n");
	/* Those that are in it come first. */
	assert_string_equal(
		FOLDER(.change = FOLDER_REMOVE, .folder = STR(".Fahrt &2D3esg-")), "outcome 11");
	assert_string_equal(
		FOLDER(.change = FOLDER_REMOVE, .folder = STR(".Fahrt &2D3esg-.K&APY-ln &- Bonn")),
		".Fahrt &2D3esg-=Fahrt 🚲:0");
	assert_string_equal(FOLDER(.change = FOLDER_REMOVE, .folder = STR(".Fahrt &2D3esg-")), "");
	assert_string_equal(LISTED(.folder = STR(".Trash")), "two/S one");
	assert_string_equal(subscriptions(), "Trash\n");
}

static void dovecots_second_kind_of_subscriptions_is_kept(void **state)
{
	(void)state;
	make_folder("");
	put("subscriptions", 0, "V\t2\n\nWork\tOld\nWork\n");
	make_folder(".Work");
	make_folder(".Work.Old");
	FOLDER(.change = FOLDER_RENAME, .folder = STR(".Work"), .name = STR("Job/Now"));
	assert_string_equal(subscriptions(), "V\t2\n\nJob\tNow\tOld\nJob\tNow\n");
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const names[] = { "", "/", "a/", "/a", "a//b", "../x", ".", "a.b",
		"INBOX", "inbox/x", "Trash", "sent", " x", "x ", "a\nb", "a%b", "a*b", "\xff",
		"a\xe2\x80\xae"
		"b" };

	(void)state;
	make_folder("");
	for (size_t i = 0; i < count_of(names); i++)
		assert_string_equal(
			FOLDER(.change = FOLDER_CREATE, .name = str_of(names[i])), "outcome 4");
	FOLDER(.change = FOLDER_CREATE, .name = STR("x"));
	assert_string_equal(FOLDER(.change = FOLDER_CREATE, .name = STR("x")), "outcome 5");
	assert_string_equal(
		FOLDER(.change = FOLDER_RENAME, .folder = STR(""), .name = STR("y")), "outcome 4");
	assert_string_equal(FOLDER(.change = FOLDER_REMOVE, .folder = STR(".Sent")), "outcome 4");
	assert_string_equal(FOLDER(.change = FOLDER_REMOVE, .folder = STR("../bob")), "outcome 4");
	assert_string_equal(FOLDER(.change = FOLDER_REMOVE, .folder = STR(".y")), "outcome 3");
	assert_string_equal(
		FOLDER(.change = FOLDER_RENAME, .folder = STR(".x"), .name = STR("x/y")),
		"outcome 4");
}

/* Behind the pages' own check: a folder is one directory of the account's, never a path. */
static void a_path_is_no_folder(void **state)
{
	(void)state;
	make_three();
	make_folder(".Work");
	make_folder(".Work/inner");
	put_mail(".Work/inner/cur/9.x:2,S", 500, "b@x.net", "inner", "i@x", "");
	assert_int_equal(
		CHANGE("1.a", NULL, .move = 1, .folder = STR(".Work/inner")).outcome, WEB_INVALID);
	assert_true(is_file("new/1.a"));
	assert_string_equal(
		FOLDER(.change = FOLDER_REMOVE, .folder = STR(".Work/inner")), "outcome 4");
	assert_string_equal(
		FOLDER(.change = FOLDER_RENAME, .folder = STR(".Work/inner"), .name = STR("outer")),
		"outcome 4");
	assert_true(is_file(".Work/inner/cur/9.x:2,S"));
}

/* Two messages, one file name: neither takes the other's place. */
static void nothing_is_moved_over_another_file(void **state)
{
	struct messages_change_answer answer;

	(void)state;
	make_three();
	make_folder(".Archive");
	LISTED(.limit = 0);
	put_mail(".Archive/cur/2.b:2,S", 500, "b@x.net", "other", "o@x", "");
	answer = CHANGE("2.b", NULL, .move = 1, .folder = STR(".Archive"));
	assert_int_equal(answer.changed.at[0].outcome, WEB_EXISTS);
	assert_string_equal(LISTED(.folder = STR(".Archive")), "other/S");
	assert_string_equal(LISTED(.limit = 0), "three/F/S two/S one");
}

static void a_removed_folders_mail_takes_no_place_in_the_trash(void **state)
{
	(void)state;
	make_three();
	make_folder(".Old");
	make_folder(".Trash");
	put_mail(".Old/cur/9.x:2,S", 500, "b@x.net", "old", "old@x", "");
	put_mail(".Trash/cur/9.x:2,S", 600, "b@x.net", "thrown", "thrown@x", "");
	assert_string_equal(FOLDER(.change = FOLDER_REMOVE, .folder = STR(".Old")), "");
	assert_string_equal(LISTED(.folder = STR(".Trash")), "thrown/S");
	/* The other one is kept where it is, and tried again at the next removal. */
	assert_int_equal(entries_that_begin("siegel-removed-"), 1);
}

static void more_than_a_page_can_show_are_not_changed_at_once(void **state)
{
	struct messages_change_ask ask = { .add = MESSAGE_SEEN };
	struct messages_change_answer answer;

	(void)state;
	make_three();
	ask.ids.len = CHANGE_IDS_MAX + 1;
	ask.ids.at = arena_array(&memory, ask.ids.len, sizeof *ask.ids.at);
	for (size_t i = 0; i < ask.ids.len; i++)
		ask.ids.at[i].text = STR("1.a");
	answer = post_messages_change(ask);
	assert_int_equal(answer.outcome, WEB_INVALID);
	assert_int_equal(answer.changed.len, 0);
	assert_true(is_file("new/1.a"));
	ask.ids.len--;
	answer = post_messages_change(ask);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.changed.len, CHANGE_IDS_MAX);
	assert_true(is_file("cur/1.a:2,S"));
}

static void what_makes_no_sense_changes_nothing(void **state)
{
	const struct messages_change_ask asks[] = {
		{ .add = 64 },
		{ .remove = 1u << 20 },
		{ .erase = 1, .move = 1, .folder = STR(".Trash") },
		{ .erase = 1, .remove = MESSAGE_SEEN },
	};

	(void)state;
	make_three();
	for (size_t i = 0; i < count_of(asks); i++)
		assert_int_equal(change_of(asks[i], "1.a", NULL).outcome, WEB_INVALID);
	assert_true(is_file("new/1.a"));
}

/* A crash between the two renames of a removal. */
static void a_removal_that_was_cut_short_loses_no_mail(void **state)
{
	(void)state;
	make_three();
	make_folder(".Old");
	make_folder(".Other");
	put_mail(".Old/new/9.x", 500, "b@x.net", "kept", "k@x", "");
	assert_int_equal(rename(HOME ".Old", HOME "siegel-removed-1-1"), 0);
	assert_string_equal(FOLDER(.change = FOLDER_REMOVE, .folder = STR(".Other")), "");
	assert_string_equal(LISTED(.folder = STR(".Trash")), "kept");
	assert_int_equal(access(HOME "siegel-removed-1-1", F_OK), -1);
}

static void links_and_what_is_no_file_are_no_mail(void **state)
{
	struct messages_answer answer;

	(void)state;
	make_three();
	assert_int_equal(mkdir("example.org/bob", 0700), 0);
	assert_int_equal(mkdir("example.org/bob/cur", 0700), 0);
	assert_int_equal(mkdir("example.org/bob/new", 0700), 0);
	put("../bob/cur/secret:2,S", 9000, "Subject: secret\n\nsecret\n");
	assert_int_equal(symlink("../../bob/cur/secret:2,S", HOME "cur/7.l:2,S"), 0);
	assert_int_equal(symlink("../bob", HOME ".Bob"), 0);
	assert_int_equal(mkfifo(HOME "cur/8.p:2,S", 0600), 0);
	assert_int_equal(mkdir(HOME "cur/9.d:2,S", 0700), 0);
	assert_string_equal(LISTED(.limit = 0), "three/F/S two/S one");
	assert_string_equal(LISTED(.folder = STR(".Bob")), "outcome 3");
	assert_string_equal(LISTED(.query = STR("secret"), .everywhere = 1), "");
	/* It becomes a link after it was seen as a file. */
	assert_int_equal(unlink(HOME "cur/2.b:2,S"), 0);
	assert_int_equal(symlink("../../bob/cur/secret:2,S", HOME "cur/2.b:2,S"), 0);
	struct message_answer source =
		post_message_source((struct message_ask){ .id = STR("2.b") });
	assert_int_equal(source.outcome, WEB_NOT_FOUND);
	answer = POST(messages, .limit = 0);
	assert_string_equal(subjects(&answer), "three/F/S one");
}

static void names_of_any_bytes_have_an_id_that_can_be_said(void **state)
{
	static const char *const names[] = { "cur/new\nline:2,S", "cur/\xff\xfe:2,S",
		"cur/with blank:2,S", "cur/~tilde:2,S", "cur/:2,S", "cur/no-info", "cur/odd:1,x" };
	struct messages_answer answer;

	(void)state;
	make_folder("");
	for (size_t i = 0; i < count_of(names); i++)
		put(names[i], (time_t)i, "Subject: x\n\nx\n");
	answer = POST(messages, .limit = 0);
	assert_int_equal(answer.messages.len, count_of(names));
	for (size_t i = 0; i < answer.messages.len; i++) {
		struct str id = answer.messages.at[i].id;

		assert_true(str_is_utf8(id) && id.len && str_find(id, '\n') == id.len &&
			    str_find(id, ' ') == id.len);
		struct message_answer source =
			post_message_source((struct message_ask){ .id = id });
		assert_int_equal(source.outcome, WEB_OK);
	}
}

static void a_flood_of_references_is_a_message_like_others(void **state)
{
	scoped(buf_free) struct buf text = BUF(64 * 1024 * 1024);

	(void)state;
	make_three();
	buf_add(&text, STR("Subject: flood\nMessage-ID: <f@x>\nReferences:"));
	for (int i = 0; i < 200000; i++)
		buf_printf(&text, " <r%d@x>\n", i);
	buf_add(&text, STR("\ntext\n"));
	put("cur/5.f:2,S", 5000, arena_str(&memory, buf_str(&text)).at);
	assert_string_equal(LISTED(.limit = 0), "flood/S three/F/S two/S one");
}

static void a_conversation_has_an_end(void **state)
{
	struct messages_answer answer;
	char path[64], subject[64];

	(void)state;
	make_folder("");
	for (int i = 0; i < 1010; i++) {
		snprintf(path, sizeof path, "cur/%d.m:2,S", i);
		snprintf(subject, sizeof subject, "s%d", i);
		put_mail(path, i, "b@x.net", subject, subject, "<root@x>");
	}
	for (int i = 0; i < 100; i++)
		answer = POST(messages, .query = STR("text"), .collapse = 1);
	assert_int_equal(answer.total, 11);
}

static void those_one_writes_to_are_proposed(void **state)
{
	struct addresses_answer answer;

	(void)state;
	make_folder("");
	make_folder(".Sent");
	for (int i = 0; i < 3; i++) {
		struct str path = arena_printf(&memory, ".Sent/cur/%d.s:2,S", i);

		put(path.at, 1000 + i,
			"From: ada@example.org\nTo: Jörg Müller <joerg@example.net>\nSubject: "
			"x\n\nx\n");
	}
	put(".Sent/cur/9.s:2,S", 1000,
		"From: ada@example.org\nTo: joanna@example.net\nCc: Max <max@x.example>\n\nx\n");
	put("cur/4.i:2,S", 1000, "From: jost@example.net\nTo: joke@example.net\n\nx\n");
	answer = POST(addresses, .prefix = STR("jo"));
	assert_int_equal(answer.people.len, 2);
	assert_true(str_eq(answer.people.at[0].address, STR("joerg@example.net")));
	assert_true(str_eq(answer.people.at[1].address, STR("joanna@example.net")));
	answer = POST(addresses, .prefix = STR("mull"));
	assert_int_equal(answer.people.len, 1);
	assert_true(str_eq(answer.people.at[0].name, STR("Jörg Müller")));
	answer = POST(addresses, .prefix = STR(""), .limit = 2);
	assert_int_equal(answer.people.len, 2);
	CHANGE("9.s", NULL, .erase = 1);
	answer = POST(addresses, .prefix = STR("max"));
	assert_int_equal(answer.people.len, 0);
}

static void a_message_as_it_lies_there_and_whose_it_is(void **state)
{
	struct message_answer answer;

	(void)state;
	make_folder("");
	put("new/0921234567890123456.1991f6a52d5b4c80-00000000000000aa", 1000, "Subject: x\n\nx\n");
	struct messages_answer list = POST(messages, .limit = 0);
	assert_true(str_eq(list.messages.at[0].queue_id, STR("1991f6a52d5b4c80")));
	answer = post_message_source((struct message_ask){ .id = list.messages.at[0].id });
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.size, 14);
	assert_true(str_eq(answer.queue_id, STR("1991f6a52d5b4c80")));
	answer = post_message_source(
		(struct message_ask){ .token = STR("bob"), .id = list.messages.at[0].id });
	assert_int_equal(answer.outcome, WEB_NOT_FOUND);
}

/* One of many who ask about one account at once: whatever others do meanwhile, each sees all three
 * messages, once. */
static void *ask_often(void *flag)
{
	struct answering how = postroom_answering(room);
	struct text ids[] = { { STR("1.a") }, { STR("2.b") }, { STR("3.c") } };
	size_t wrong = 0;

	for (int i = 0; i < 30; i++) {
		struct arena own = ARENA(how.arena);
		struct question q = { .arena = &own, .fd_in = -1, .fd_out = -1 };

		q.call = i % 2 ? CALL_messages : CALL_messages_change;
		if (i % 2)
			q.ask.messages = (struct messages_ask){ .token = STR("ada") };
		else
			q.ask.messages_change = (struct messages_change_ask){ .token = STR("ada"),
				.ids = { ids, 3 },
				.add = i % 4 ? 0 : *(const uint64_t *)flag,
				.remove = i % 4 ? *(const uint64_t *)flag : 0 };
		how.work(how.context, &q);
		if (i % 2)
			wrong += q.answer.messages.messages.len != 3;
		else
			for (size_t k = 0; k < 3; k++)
				wrong += q.answer.messages_change.changed.at[k].outcome != WEB_OK;
		arena_free(&own);
	}
	return wrong ? NULL : flag;
}

static void many_at_once_see_every_message_once(void **state)
{
	static const uint64_t flags[] = { MESSAGE_SEEN, MESSAGE_FLAGGED, MESSAGE_ANSWERED,
		MESSAGE_FORWARDED };
	pthread_t threads[count_of(flags)];
	void *good;

	(void)state;
	make_three();
	for (size_t i = 0; i < count_of(flags); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, ask_often, (void *)(uintptr_t)&flags[i]),
			0);
	for (size_t i = 0; i < count_of(flags); i++) {
		pthread_join(threads[i], &good);
		assert_non_null(good);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)
	const struct CMUnitTest tests[] = {
		TEST(flags_are_in_the_name_and_others_letters_stay),
		TEST(what_was_moved_comes_back),
		TEST(keywords_go_along_by_name_and_come_back),
		TEST(a_list_that_is_added_to_looks_newer_by_a_second),
		TEST(what_cannot_be_said_there_is_back_with_the_message),
		TEST(a_folder_that_another_program_has_locked_hinders_no_move),
		TEST(letters_of_which_nobody_has_a_list_stay_as_they_are),
		TEST(a_list_that_is_no_list_does_no_harm),
		TEST(mail_of_a_removed_folder_keeps_its_keywords),
		TEST(what_is_erased_is_gone_and_can_not_be_found),
		TEST(a_file_that_moved_meanwhile_is_looked_for),
		TEST(what_is_done_to_a_copy_is_not_done_to_the_other_one),
		TEST(a_folder_is_removed_whose_mail_was_copied_to_the_trash),
		TEST(of_very_many_copies_each_is_a_message),
		TEST(folders_are_made_renamed_and_removed),
		TEST(dovecots_second_kind_of_subscriptions_is_kept),
		TEST(names_that_lead_elsewhere_are_refused),
		TEST(a_path_is_no_folder),
		TEST(nothing_is_moved_over_another_file),
		TEST(a_removed_folders_mail_takes_no_place_in_the_trash),
		TEST(more_than_a_page_can_show_are_not_changed_at_once),
		TEST(what_makes_no_sense_changes_nothing),
		TEST(a_removal_that_was_cut_short_loses_no_mail),
		TEST(links_and_what_is_no_file_are_no_mail),
		TEST(names_of_any_bytes_have_an_id_that_can_be_said),
		TEST(a_flood_of_references_is_a_message_like_others),
		TEST(a_conversation_has_an_end),
		TEST(those_one_writes_to_are_proposed),
		TEST(a_message_as_it_lies_there_and_whose_it_is),
		TEST(many_at_once_see_every_message_once),
	};

	return cmocka_run_group_tests(tests, begin_world, end_world);
}
