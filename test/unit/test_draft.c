/* SPDX-License-Identifier: ISC
 *
 * test_draft.c - what is written is kept, sent once, and can be had back; in a Maildir of its own.
 */
#include "base/log.h"
#include "mail/compose.h"
#include "mailbox/draft.h"
#include "mailbox/draft_file.h"
#include "mailbox/folder.h"
#include "mailbox/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct str id = { "abcdefghij0123456789", 20 };
static char root_name[] = "/tmp/test_draft.XXXXXX";
static struct drafts drafts = { .message_max = 1024 * 1024 };
static struct arena arena;

static struct draft_answer answer;

static void save(struct draft_save_ask ask)
{
	ask.draft = ask.draft.len ? ask.draft : id;
	ask.sender = ask.sender.len ? ask.sender : STR("J\xc3\xbcrgen M. <ada@example.org>");
	draft_save(&drafts, &ask, -1, &arena, &answer);
}

static void save_revision(uint64_t revision, struct str body)
{
	save((struct draft_save_ask){ .revision = revision,
		.body = body,
		.to = { (struct person[]){ { STR("Bob"), STR("bob@example.net") } }, 1 } });
	assert_int_equal(answer.outcome, WEB_OK);
}

static void assert_str(struct str got, const char *expected)
{
	if (!str_eq(got, str_of(expected)))
		fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(got), expected);
}

/* Files in a part of a folder, the name of one of them. */
static size_t files_in(const char *path, char name[DRAFT_NAME_MAX + 1])
{
	int fd = openat(drafts.account, path, O_RDONLY | O_DIRECTORY);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	for (struct dirent *e; entries && (e = readdir(entries));) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		snprintf(name, DRAFT_NAME_MAX + 1, "%s", e->d_name);
	}
	if (entries)
		closedir(entries);
	return n;
}

static size_t drafts_there(void)
{
	char name[DRAFT_NAME_MAX + 1];

	return files_in(".Drafts/cur", name);
}

static size_t sent_there(void)
{
	char name[DRAFT_NAME_MAX + 1];

	return files_in(".Sent/cur", name);
}

/* The file of the only message in a folder; good until the next call. */
static struct str text_in(const char *folder)
{
	static char text[512 * 1024];
	char name[DRAFT_NAME_MAX + 1], path[2 * DRAFT_NAME_MAX];

	assert_int_equal(files_in(folder, name), 1);
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = openat(drafts.account, path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text);
	assert_true(n >= 0);
	close(fd);
	return (struct str){ text, (size_t)n };
}

static bool holds(struct str text, struct str piece)
{
	return str_find_str(text, piece) < text.len;
}

static void attach(struct str name, struct str type, struct str content)
{
	scoped(fd_close) int fd = fd_memfd_of("content", content);
	const struct draft_attach_ask ask = { .draft = id, .name = name, .type = type };

	draft_attach(&drafts, &ask, fd, &arena, &answer);
}

/* A call about what the draft is now; 0 where there is none. */
static struct sending_ask now(void)
{
	struct draft_answer seen;

	draft_show(&drafts, id, &arena, &seen);
	return (struct sending_ask){ .draft = id, .revision = seen.revision };
}

static int compose(uint64_t revision, struct composed_answer *about)
{
	return draft_compose(
		&drafts, &(struct compose_ask){ .draft = id, .revision = revision }, &arena, about);
}

static struct str composed(struct composed_answer *about)
{
	struct mapping mapping;
	scoped(fd_close) int fd = compose(now().revision, about);

	if (fd < 0)
		return (struct str){ 0 };
	assert_true(fd_map_sealed(fd, 4 << 20, &mapping, NULL));
	struct str text = arena_str(&arena, mapping.bytes);
	fd_unmap(&mapping);
	return text;
}

static uint64_t file(uint64_t revision)
{
	const struct sending_ask ask = { .draft = id, .revision = revision };
	struct done_answer done;
	struct str answers;
	bool forwards;

	draft_sent(&drafts, &ask, &arena, &done, &answers, &forwards);
	return done.outcome;
}

static uint64_t take_back(uint64_t revision)
{
	const struct sending_ask ask = { .draft = id, .revision = revision };
	struct done_answer done;

	draft_unsent(&drafts, &ask, &arena, &done);
	return done.outcome;
}

/* All of it, as nobody disturbs it. */
static void sent(void)
{
	struct composed_answer about;
	uint64_t revision = now().revision;
	scoped(fd_close) int fd = compose(revision, &about);

	assert_int_equal(about.outcome, WEB_OK);
	assert_int_equal(file(revision), WEB_OK);
}

/* --- the account, empty before each test --- */

static int begin(void **state)
{
	(void)state;
	struct folder_path path = { "example.org", "ada" };
	char command[64];

	arena_reset(&arena);
	snprintf(command, sizeof command, "rm -rf %s/*", root_name);
	if (system(command) != 0)
		return -1;
	int root = open(root_name, O_RDONLY | O_DIRECTORY);
	drafts.account = folder_open(root, &path);
	close(root);
	return drafts.account < 0;
}

static int end(void **state)
{
	(void)state;
	fd_close(&drafts.account);
	return 0;
}

/* --- saving ---------------------------------------------------------------------------------- */

static void a_draft_comes_back_as_it_was_written(void **state)
{
	(void)state;
	static const char *const bodies[] = { "", "\n", "one line", "two\nlines\n", "blank \n end ",
		"Gr\xc3\xbc\xc3\x9f"
		"e\n\n\n",
		"From here\n.\n=41=\n-- \nme", "\ttab\n\n" };

	for (size_t i = 0; i < count_of(bodies); i++) {
		save((struct draft_save_ask){ .revision = i + 1,
			.body = str_of(bodies[i]),
			.subject = STR("=?utf-8?Q?not_decoded?= \xe2\x82\xac"),
			.to = { (struct person[]){ { STR("half"), STR("an addr") },
					{ STR(""), STR("b@example.net") } },
				2 },
			.bcc = { (struct person[]){ { STR(""), STR("c@example.net") } }, 1 },
			.answers = STR("some.id"),
			.forwards = 1 });
		assert_int_equal(answer.outcome, WEB_OK);
		draft_show(&drafts, id, &arena, &answer);
		assert_int_equal(answer.outcome, WEB_OK);
		assert_str(answer.body, bodies[i]);
		assert_str(answer.subject, "=?utf-8?Q?not_decoded?= \xe2\x82\xac");
		assert_int_equal(answer.to.len, 2);
		assert_str(answer.to.at[0].address, "an addr");
		assert_str(answer.bcc.at[0].address, "c@example.net");
		assert_str(answer.answers, "some.id");
		assert_int_equal(answer.forwards, 1);
		assert_int_equal(answer.revision, i + 1);
		assert_int_equal(drafts_there(), 1);
	}
}

static void other_mail_programs_see_a_draft(void **state)
{
	(void)state;
	char name[DRAFT_NAME_MAX + 1];

	save((struct draft_save_ask){ .revision = 1,
		.body = STR("Hello,\n\nAda\n"),
		.subject = STR("Soon"),
		.to = { (struct person[]){ { STR("Bob, B."), STR("bob@example.net") } }, 1 },
		.bcc = { (struct person[]){ { STR(""), STR("c@example.net") } }, 1 } });
	struct str text = text_in(".Drafts/cur");
	assert_true(holds(text, STR("To: \"Bob, B.\" <bob@example.net>\n")));
	assert_true(holds(text, STR("Bcc: c@example.net\n")));
	assert_true(holds(text, STR("Subject: Soon\n")));
	assert_true(holds(text, STR("\n\nHello,\n\nAda\n")));
	assert_false(holds(text, STR("\r")));
	files_in(".Drafts/cur", name);
	assert_true(str_ends_nocase(str_of(name), STR(":2,DS")));
	assert_true(str_eq(draft_of_name(str_of(name)), id));
}

static void an_older_revision_is_not_taken(void **state)
{
	(void)state;
	save_revision(5, STR("five"));
	save((struct draft_save_ask){ .revision = 4, .body = STR("four") });
	assert_int_equal(answer.outcome, WEB_OLD);
	save_revision(5, STR("five"));
	draft_show(&drafts, id, &arena, &answer);
	assert_str(answer.body, "five");
	assert_int_equal(drafts_there(), 1);
}

/* Two windows that count alike: neither may send the other's words, or as the other's sender. */
static void a_revision_is_not_taken_twice_with_other_words(void **state)
{
	(void)state;
	struct person bob[] = { { STR("Bob"), STR("bob@example.net") } };
	const struct draft_save_ask first = { .revision = 5,
		.sender = STR("ada@secure.example.org"),
		.subject = STR("s"),
		.body = STR("a\r\nb \n\n"),
		.answers = STR("some.id"),
		.to = { bob, 1 } };
	struct draft_save_ask others[] = { first, first, first, first, first, first, first, first };

	others[0].sender = STR("ada@example.org");
	others[1].subject = STR("t");
	others[2].body = STR("a\nb \n\n");
	others[3].answers = STR("");
	others[4].forwards = 1;
	others[5].to.len = 0;
	others[6].cc.at = bob, others[6].cc.len = 1;
	others[7].bcc.at = bob, others[7].bcc.len = 1;
	save(first);
	assert_int_equal(answer.outcome, WEB_OK);
	for (size_t i = 0; i < count_of(others); i++) {
		save(others[i]);
		assert_int_equal(answer.outcome, WEB_OLD);
	}
	save(first);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_str(answer.sender, "ada@secure.example.org");
	others[0].revision = 6;
	save(others[0]);
	assert_int_equal(answer.outcome, WEB_OK);
}

static void what_a_crash_leaves_is_the_later_one(void **state)
{
	(void)state;
	char name[DRAFT_NAME_MAX + 1], before[DRAFT_NAME_MAX + 1];
	int cur = openat(drafts.account, ".Drafts/cur", O_RDONLY | O_DIRECTORY);

	save_revision(9, STR("nine"));
	files_in(".Drafts/cur", before);
	assert_int_equal(linkat(cur, before, cur, "kept", 0), 0);
	save_revision(10, STR("ten"));
	assert_int_equal(renameat(cur, "kept", cur, before), 0); /* not yet removed */
	assert_int_equal(files_in(".Drafts/cur", name), 2);
	draft_show(&drafts, id, &arena, &answer);
	assert_str(answer.body, "ten");
	save_revision(11, STR("eleven"));
	assert_int_equal(files_in(".Drafts/cur", name), 1);
	close(cur);
}

static void what_cannot_be_written_leaves_the_draft_alone(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		/* root writes anywhere: a file where the folder should be does as well */
		save_revision(1, STR("one"));
		assert_int_equal(
			renameat(drafts.account, ".Drafts/tmp", drafts.account, "away"), 0);
		save((struct draft_save_ask){ .revision = 2, .body = STR("two") });
		assert_int_equal(answer.outcome, WEB_FAILED);
		assert_int_equal(
			renameat(drafts.account, "away", drafts.account, ".Drafts/tmp"), 0);
	} else {
		save_revision(1, STR("one"));
		assert_int_equal(fchmodat(drafts.account, ".Drafts/tmp", 0500, 0), 0);
		save((struct draft_save_ask){ .revision = 2, .body = STR("two") });
		assert_int_equal(answer.outcome, WEB_FAILED);
		assert_int_equal(fchmodat(drafts.account, ".Drafts/tmp", 0700, 0), 0);
	}
	draft_show(&drafts, id, &arena, &answer);
	assert_str(answer.body, "one");
}

static void drafts_leave_room_for_mail(void **state)
{
	(void)state;
	struct composed_answer about;

	save_revision(1, STR("one"));
	composed(&about);
	assert_int_equal(about.outcome, WEB_OK);
	drafts.disk_reserve = UINT64_MAX;
	save((struct draft_save_ask){ .revision = 2, .body = STR("two") });
	assert_int_equal(answer.outcome, WEB_FULL);
	attach(STR("a"), STR("a/b"), STR("content"));
	assert_int_equal(answer.outcome, WEB_FULL);
	assert_int_equal(file(1), WEB_OK); /* what leaves is filed all the same */
	drafts.disk_reserve = 0;
	assert_int_equal(sent_there(), 1);
	assert_int_equal(drafts_there(), 0);
}

static void a_full_disk_leaves_the_draft_as_it_was(void **state)
{
	(void)state;
	static char body[200 * 1024];
	struct folder_path path = { "example.org", "full" };
	struct composed_answer about;
	char name[DRAFT_NAME_MAX + 1];

	if (mount("none", root_name, "tmpfs", 0, "size=160k") != 0) {
		print_message("no small disk without root\n");
		skip();
	}
	memset(body, 'x', sizeof body);
	int root = open(root_name, O_RDONLY | O_DIRECTORY);
	fd_close(&drafts.account);
	drafts.account = folder_open(root, &path);
	close(root);
	save_revision(1, STR("one"));
	save((struct draft_save_ask){ .revision = 2, .body = { body, sizeof body } });
	assert_int_equal(answer.outcome, WEB_FULL);
	attach(STR("a"), STR("a/b"), (struct str){ body, sizeof body });
	assert_int_equal(answer.outcome, WEB_FULL);
	attach(STR("a"), STR("a/b"), (struct str){ body, 100 * 1024 });
	assert_int_equal(answer.outcome, WEB_OK);
	composed(&about);
	assert_int_equal(about.outcome, WEB_FULL);
	assert_int_equal(files_in("siegel-drafts/abcdefghij0123456789", name), 1);
	draft_show(&drafts, id, &arena, &answer);
	assert_str(answer.body, "one");
	assert_int_equal(answer.attachments.len, 1);
	assert_int_equal(files_in(".Drafts/tmp", name), 0);
	fd_close(&drafts.account);
	assert_int_equal(umount2(root_name, MNT_DETACH), 0);
}

static void what_no_page_would_send_is_refused(void **state)
{
	(void)state;
	static char long_text[2 * 1024 * 1024];
	memset(long_text, 'x', sizeof long_text);
	save((struct draft_save_ask){ .revision = 1, .draft = STR("../../../../etc/passwd") });
	assert_int_equal(answer.outcome, WEB_INVALID);
	save((struct draft_save_ask){ .revision = 1, .draft = STR("short") });
	assert_int_equal(answer.outcome, WEB_INVALID);
	save((struct draft_save_ask){ .revision = 1, .body = STR("\xff") });
	assert_int_equal(answer.outcome, WEB_INVALID);
	save((struct draft_save_ask){ .revision = 1, .body = { long_text, sizeof long_text } });
	assert_int_equal(answer.outcome, WEB_TOO_LARGE);
	draft_show(&drafts, id, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_NOT_FOUND);
}

static void a_removed_draft_leaves_nothing(void **state)
{
	(void)state;
	struct done_answer done;
	char name[DRAFT_NAME_MAX + 1];

	save_revision(1, STR("one"));
	attach(STR("a"), STR("text/plain"), STR("x"));
	draft_remove(&drafts, id, &done);
	assert_int_equal(done.outcome, WEB_OK);
	assert_int_equal(drafts_there(), 0);
	assert_int_equal(files_in("siegel-drafts", name), 0);
	draft_remove(&drafts, id, &done);
	assert_int_equal(done.outcome, WEB_OK);
}

/* --- attachments ----------------------------------------------------------------------------- */

static void attachments_are_listed_and_taken_off(void **state)
{
	(void)state;
	attach(STR("early"), STR("text/plain"), STR("x"));
	assert_int_equal(answer.outcome, WEB_NOT_FOUND);
	save_revision(1, STR("one"));
	attach(STR("../a\xe2\x80\xae.pdf"), STR("application/pdf"), STR("first"));
	attach(STR("b"), STR("text/html\r\nX: y"), STR("second"));
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.attachments.len, 2);
	assert_str(answer.attachments.at[0].name, ".._a .pdf");
	assert_int_equal(answer.attachments.at[0].size, 5);
	assert_str(answer.attachments.at[1].type, "application/octet-stream");
	draft_detach(&drafts, id, answer.attachments.at[0].entry, &arena, &answer);
	assert_int_equal(answer.attachments.len, 1);
	assert_str(answer.attachments.at[0].name, "b");
	draft_detach(&drafts, id, 77, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	save_revision(2, STR("two"));
	assert_int_equal(answer.attachments.len, 1);
}

static void a_message_has_its_largest_size_in_all(void **state)
{
	(void)state;
	static char content[400 * 1024];

	save_revision(1, STR("one"));
	attach(STR("a"), STR("a/b"), (struct str){ content, sizeof content });
	assert_int_equal(answer.outcome, WEB_OK);
	attach(STR("b"), STR("a/b"), (struct str){ content, sizeof content });
	assert_int_equal(answer.outcome, WEB_TOO_LARGE);
	draft_show(&drafts, id, &arena, &answer);
	assert_int_equal(answer.attachments.len, 1);
}

#define ORIGINAL                                                                 \
	"Message-ID: <two@x>\nReferences: <one@x>\nMIME-Version: 1.0\n"          \
	"Content-Type: multipart/mixed; boundary=m\n\n--m\n\ntext\n"             \
	"--m\nContent-Type: application/pdf; name=a.pdf\n"                       \
	"Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n" \
	"JVBERi0=\n--m--\n"

static int original(void)
{
	int fd = fd_memfd("original");

	assert_true(fd >= 0 && fd_write_all(fd, STR(ORIGINAL)));
	return fd;
}

static void a_forward_takes_the_attachments_over_once(void **state)
{
	(void)state;
	scoped(fd_close) int file = original();

	save_revision(1, STR("look\n"));
	draft_forward(&drafts, id, file, &arena, &answer);
	draft_forward(&drafts, id, file, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.attachments.len, 1);
	assert_str(answer.attachments.at[0].name, "a.pdf");
	assert_str(answer.attachments.at[0].type, "application/pdf");
	assert_int_equal(answer.attachments.at[0].size, 5);
}

/* --- sending --------------------------------------------------------------------------------- */

static void an_answer_names_what_it_answers(void **state)
{
	(void)state;
	scoped(fd_close) int file = original();
	struct composed_answer about;
	struct draft_save_ask ask = { .draft = id,
		.sender = STR("ada@example.org"),
		.revision = 1,
		.answers = STR("x"),
		.to = { (struct person[]){ { STR(""), STR("b@example.net") } }, 1 } };

	draft_save(&drafts, &ask, file, &arena, &answer);
	ask.revision = 2;
	draft_save(&drafts, &ask, -1, &arena, &answer); /* the original is gone meanwhile */
	struct str text = composed(&about);
	assert_true(holds(text, STR("\r\nIn-Reply-To: <two@x>\r\n"
				    "References: <one@x>\r\n <two@x>\r\n")));
}

static void a_composed_message_is_right_in_every_line(void **state)
{
	(void)state;
	struct composed_answer about;
	static char body[5000];

	memset(body, 'w', sizeof body);
	save((struct draft_save_ask){ .revision = 1,
		.body = { body, sizeof body },
		.subject = STR("Gr\xc3\xbc\xc3\x9f"
			       "e\r\nEvil: yes"),
		.to = { (struct person[]){ { STR("B\r\nEvil: yes \"x\""), STR("b@Example.NET") },
				{ STR(""), STR("j@b\xc3\xbc"
					       "cher.example") } },
			2 },
		.cc = { (struct person[]){ { STR(""), STR("b@example.net") } }, 1 },
		.bcc = { (struct person[]){ { STR(""), STR("secret@example.net") } }, 1 } });
	attach(STR("Gr\xc3\xbc\xc3\x9f"
		   "e.txt"),
		STR("text/plain"), STR("content"));
	attach(STR("mail.eml"), STR("message/rfc822"), STR("Subject: x\n\nx\n"));
	struct str text = composed(&about), rest = text;
	assert_int_equal(about.outcome, WEB_OK);
	assert_int_equal(about.size, text.len);
	assert_str(about.sender, "ada@example.org");
	assert_int_equal(about.recipients.len, 3);
	assert_str(about.recipients.at[0].text, "b@example.net");
	assert_str(about.recipients.at[1].text, "j@xn--bcher-kva.example");
	assert_str(about.recipients.at[2].text, "secret@example.net");
	assert_false(holds(text, STR("secret")));
	assert_false(holds(text, STR("\r\nEvil")));
	assert_true(
		str_starts(text, STR("From: =?utf-8?B?SsO8cmdlbiBNLg==?= <ada@example.org>\r\n")));
	assert_true(holds(text, STR("\r\nMessage-ID: <abcdefghij0123456789@example.org>\r\n")));
	assert_true(holds(text, STR("filename*0*=utf-8''Gr%C3%BC%C3%9Fe.txt\r\n")));
	assert_false(holds(text, STR("message/rfc822")));
	assert_false(str_has_8bit(text));
	while (rest.len) {
		struct str line = str_cut(&rest, '\n');
		assert_true(line.len && line.at[line.len - 1] == '\r' && line.len <= 90);
	}
}

static void what_was_composed_is_read_as_it_was_meant(void **state)
{
	(void)state;
	scoped(mime_end) struct mime_reader reader = MIME_READER(drafts.mime);
	struct composed_answer about;
	struct mime_document d;

	save((struct draft_save_ask){ .revision = 1,
		.body = STR("Gr\xc3\xbc\xc3\x9f"
			    "e \n\n> quoted\n-- \nAda"),
		.subject = STR("A \xe2\x82\xac subject that is rather longer than one encoded word "
			       "can ever be, so that it takes two or three of them"),
		.to = { (struct person[]){ { STR("O'Neill \\ \"B\""), STR("b@example.net") } },
			1 } });
	attach(STR("a very long name of a file, with \xe2\x82\xac and more than a line holds, and "
		   "still it goes on.txt"),
		STR("text/plain"), STR("content"));
	struct str text = composed(&about);
	scoped(fd_close) int fd = fd_memfd_of("message", text);
	assert_true(mime_document(&reader, MIME_DOCUMENT, fd, MIME_TEXT_MAX,
		deadline_in(60 * SECOND), &arena, &d, NULL));
	assert_str(d.text, "Gr\xc3\xbc\xc3\x9f"
			   "e \n\n> quoted\n-- \nAda\n");
	assert_true(str_starts(d.subject, STR("A \xe2\x82\xac subject")) &&
		    str_ends_nocase(d.subject, STR("two or three of them")));
	assert_str(d.from.at[0].name, "J\xc3\xbcrgen M.");
	assert_str(d.to.at[0].name, "O'Neill \\ \"B\"");
	assert_int_equal(d.attachments.len, 1);
	assert_true(str_ends_nocase(d.attachments.at[0].name, STR("still it goes on.txt")));
	assert_int_equal(d.attachments.at[0].size, 7);
}

static void a_sender_is_an_address_with_or_without_a_name(void **state)
{
	(void)state;
	const struct {
		struct str sender;
		const char *field;
	} rows[] = {
		{ STR("ada@example.org"), "From: ada@example.org\r\n" },
		{ STR("Ada <ada@example.org>"), "From: Ada <ada@example.org>\r\n" },
		{ STR("\"Ada\" <ada@example.org>"), "From: Ada <ada@example.org>\r\n" },
		{ STR("\"L., \\\"A\\\"\" <ada@example.org>"),
			"From: \"L., \\\"A\\\"\" <ada@example.org>\r\n" },
		{ STR("<ada@Example.ORG>"), "From: ada@example.org\r\n" },
	};
	struct composed_answer about;

	for (size_t i = 0; i < count_of(rows); i++) {
		struct person to = { STR(""), STR("b@example.net") };
		save((struct draft_save_ask){
			.revision = i + 1, .sender = rows[i].sender, .to = { &to, 1 } });
		struct str text = composed(&about);
		assert_str(about.sender, "ada@example.org");
		assert_str(str_head(text, strlen(rows[i].field)), rows[i].field);
	}
}

/* What stands in a header or between parts is chosen by whoever is answered, too. */
static void nothing_typed_is_taken_for_structure(void **state)
{
	(void)state;
	static const char *const ids[] = { "<a\r\nBcc: x@y.example>", "<a b@c>", "<a<b@c>",
		"<a>b@c>", "<\xc3\xa9@c>", "<>", "a@b" };
	struct composed_answer about;

	for (size_t i = 0; i < count_of(ids); i++)
		assert_false(compose_is_message_id(str_of(ids[i])));
	assert_true(compose_is_message_id(STR("<a.b@c.example>")));
	save((struct draft_save_ask){ .revision = 1,
		.subject = STR("=?utf-8?Q?=0D=0ABcc:?="),
		.body = STR("--=_abcdefghij0123456789\n"),
		.to = { (struct person[]){ { STR(""), STR("bob@example.net") } }, 1 } });
	attach(STR("a"), STR("a/b"), STR("content"));
	struct str text = composed(&about);
	assert_true(text.at != NULL);
	assert_true(holds(text, STR("\r\nSubject: =?utf-8?B?PT91dGYtOD9R")));
	assert_true(holds(text, STR("\r\n--=3D_abcdefghij0123456789\r\n")));
}

static void what_cannot_be_sent_says_why(void **state)
{
	(void)state;
	const struct {
		struct str sender, to;
	} rows[] = {
		{ STR("ada@example.org"), STR("half an addr") },
		{ STR("ada@example.org"), STR("j\xc3\xbcrgen@example.net") },
		{ STR("ada@example.org"), STR("postmaster") },
		{ STR("nobody"), STR("b@example.net") },
		{ STR("ada@example.org"), STR("b@example.net>\r\nRCPT TO:<c@example.net") },
	};
	struct composed_answer about;

	for (size_t i = 0; i < count_of(rows); i++) {
		struct person to = { STR(""), rows[i].to };
		save((struct draft_save_ask){
			.revision = i + 1, .sender = rows[i].sender, .to = { &to, 1 } });
		assert_int_equal(answer.outcome, WEB_OK);
		assert_int_equal(compose(i + 1, &about), -1);
		assert_int_equal(about.outcome, WEB_REFUSED);
		assert_true(about.text.len > 0);
	}
	save((struct draft_save_ask){ .revision = 100 });
	assert_int_equal(compose(100, &about), -1);
	assert_str(about.text, "no recipients");
}

/* The only message in `.Sent` is this one to a byte, but for the ends of lines and Bcc. */
static void assert_copy_of(struct str composed, const char *bcc)
{
	scoped(buf_free) struct buf expected = BUF(4 << 20);
	struct str copy = text_in(".Sent/cur");
	size_t at = str_find_str(copy, str_of(bcc));

	draft_add_lf(&expected, composed);
	assert_true(at < copy.len);
	assert_true(str_eq(str_head(copy, at), str_head(buf_str(&expected), at)));
	assert_true(str_eq(str_tail(copy, at + strlen(bcc)), str_tail(buf_str(&expected), at)));
}

static void sent_twice_is_sent_once(void **state)
{
	(void)state;
	char name[DRAFT_NAME_MAX + 1];
	struct composed_answer about;

	save((struct draft_save_ask){ .revision = 3,
		.body = STR("hello\n"),
		.to = { (struct person[]){ { STR(""), STR("b@example.net") } }, 1 },
		.bcc = { (struct person[]){ { STR(""), STR("secret@example.net") } }, 1 } });
	attach(STR("a"), STR("a/b"), STR("content"));
	struct str text = composed(&about);
	assert_true(about.outcome == WEB_OK && str_eq(composed(&about), text));
	assert_int_equal(file(3), WEB_OK);
	assert_int_equal(file(3), WEB_OK);
	assert_int_equal(drafts_there(), 0);
	assert_copy_of(text, "Bcc: secret@example.net\n");
	assert_true(holds(text, STR("\r\nY29udGVudA==\r\n")));
	files_in(".Sent/cur", name);
	assert_true(str_eq(sent_of_name(str_of(name)), id));
	assert_true(str_ends_nocase(str_of(name), STR(":2,S")));
	save((struct draft_save_ask){ .revision = 4 });
	assert_int_equal(answer.outcome, WEB_TOO_LATE);
}

static void what_is_taken_back_is_the_draft_as_it_was(void **state)
{
	(void)state;
	save_revision(3, STR("hello"));
	attach(STR("a"), STR("a/b"), STR("content"));
	sent();
	for (int i = 0; i < 2; i++)
		assert_int_equal(take_back(3), WEB_OK);
	assert_int_equal(sent_there(), 0);
	draft_show(&drafts, id, &arena, &answer);
	assert_str(answer.body, "hello");
	assert_int_equal(answer.attachments.len, 1);
	save_revision(4, STR("better"));
	sent();
	assert_true(holds(text_in(".Sent/cur"), STR("better\n")));
}

/* Whatever another window does between the store's decision and the filing. */
static void the_copy_is_of_what_was_sent(void **state)
{
	(void)state;
	enum { SAVED, ATTACHED, DETACHED, REMOVED, COMPOSED_TOO, WAYS };
	struct composed_answer about;
	struct done_answer done;

	for (int way = SAVED; way < WAYS; way++) {
		assert_true(end(state) == 0 && begin(state) == 0);
		save((struct draft_save_ask){ .revision = 3,
			.body = STR("as sent"),
			.to = { (struct person[]){ { STR(""), STR("b@example.net") } }, 1 },
			.bcc = { (struct person[]){ { STR(""), STR("c@example.net") } }, 1 } });
		attach(STR("a"), STR("a/b"), STR("content"));
		struct str text = composed(&about);
		if (way == SAVED || way == COMPOSED_TOO)
			save_revision(4, STR("later words"));
		if (way == ATTACHED)
			attach(STR("b"), STR("a/b"), STR("more"));
		if (way == DETACHED)
			draft_detach(&drafts, id, 1, &arena, &answer);
		if (way == REMOVED)
			draft_remove(&drafts, id, &done);
		if (way == COMPOSED_TOO)
			assert_true(composed(&about).len > 0);
		assert_int_equal(file(3), WEB_OK);
		assert_copy_of(text, "Bcc: c@example.net\n");
	}
}

static void a_revision_that_was_not_sent_stays_a_draft(void **state)
{
	(void)state;
	struct composed_answer about;

	save_revision(3, STR("sent"));
	composed(&about);
	save_revision(4, STR("typed meanwhile"));
	assert_int_equal(file(3), WEB_OK);
	draft_show(&drafts, id, &arena, &answer);
	assert_str(answer.body, "typed meanwhile");
	assert_int_equal(take_back(3), WEB_OK);
	assert_int_equal(sent_there(), 0);
	draft_show(&drafts, id, &arena, &answer);
	assert_str(answer.body, "typed meanwhile");
}

/* What waits to be filed may have been sent: the revision stands for it. */
static void a_revision_is_composed_to_one_message(void **state)
{
	(void)state;
	struct composed_answer about;

	save_revision(1, STR("hello"));
	struct str text = composed(&about);
	attach(STR("a"), STR("a/b"), STR("content"));
	assert_int_equal(compose(1, &about), -1);
	assert_int_equal(about.outcome, WEB_OLD);
	draft_detach(&drafts, id, 1, &arena, &answer);
	assert_true(str_eq(composed(&about), text));
	attach(STR("a"), STR("a/b"), STR("content"));
	save_revision(2, STR("hello"));
	assert_true(holds(composed(&about), STR("Y29udGVudA==")));
	assert_int_equal(compose(1, &about), -1);
	assert_int_equal(about.outcome, WEB_OLD);
	assert_int_equal(file(2), WEB_OK);
}

static void what_was_taken_back_is_not_filed_by_one_who_is_late(void **state)
{
	(void)state;
	struct composed_answer about;

	save_revision(3, STR("hello"));
	composed(&about);
	assert_int_equal(take_back(3), WEB_OK);
	assert_int_equal(file(3), WEB_TOO_LATE);
	assert_int_equal(compose(3, &about), -1);
	assert_int_equal(about.outcome, WEB_TOO_LATE);
	assert_int_equal(file(3), WEB_TOO_LATE);
	assert_int_equal(sent_there(), 0);
	assert_int_equal(drafts_there(), 1);
	save_revision(4, STR("better"));
	sent();
	assert_int_equal(file(3), WEB_TOO_LATE);
	assert_true(holds(text_in(".Sent/cur"), STR("better")));
}

static void what_was_sent_again_is_not_taken_back_by_one_who_is_late(void **state)
{
	(void)state;
	struct composed_answer about;

	save_revision(3, STR("hello"));
	composed(&about);
	save_revision(4, STR("better"));
	assert_int_equal(file(3), WEB_OK);
	sent(); /* the store has taken 3 back, which isn't known here yet */
	assert_true(holds(text_in(".Sent/cur"), STR("better")));
	assert_int_equal(take_back(3), WEB_TOO_LATE);
	assert_true(holds(text_in(".Sent/cur"), STR("better")));
	assert_int_equal(drafts_there(), 0);
	assert_int_equal(file(4), WEB_OK);
}

static void nor_is_it_where_a_later_draft_is_there(void **state)
{
	(void)state;
	struct composed_answer about;

	save_revision(4, STR("sent again"));
	composed(&about);
	save_revision(5, STR("typed meanwhile"));
	assert_int_equal(file(4), WEB_OK);
	assert_int_equal(take_back(3), WEB_OK);
	assert_true(holds(text_in(".Sent/cur"), STR("sent again")));
	assert_int_equal(drafts_there(), 1);
}

/* Move the only file of a folder back to where it was before a step. */
static void undo_step(const char *from, const char *to)
{
	char name[DRAFT_NAME_MAX + 1], path[2 * DRAFT_NAME_MAX], before[2 * DRAFT_NAME_MAX];

	assert_int_equal(files_in(from, name), 1);
	snprintf(path, sizeof path, "%s/%s", from, name);
	snprintf(before, sizeof before, "%s/%s", to, name);
	assert_int_equal(renameat(drafts.account, path, drafts.account, before), 0);
}

static void a_crash_between_the_steps_is_mended_by_asking_again(void **state)
{
	(void)state;
	static const char own[] = "siegel-drafts/abcdefghij0123456789";
	char name[DRAFT_NAME_MAX + 1];

	save_revision(3, STR("hello"));
	sent();
	undo_step(own, ".Drafts/cur"); /* the copy is there, the draft not yet away */
	assert_int_equal(file(3), WEB_OK);
	assert_int_equal(sent_there(), 1);
	assert_int_equal(drafts_there(), 0);
	undo_step(".Sent/cur", ".Sent/new");
	assert_int_equal(file(3), WEB_OK);
	assert_int_equal(sent_there(), 0); /* it is in new, and not made again */
	undo_step(own, ".Drafts/cur");	   /* the draft is back, the copy not yet gone */
	assert_int_equal(take_back(3), WEB_OK);
	assert_int_equal(files_in(".Sent/new", name), 0);
	assert_int_equal(drafts_there(), 1);
}

static void begin_another(const char *draft)
{
	save((struct draft_save_ask){ .draft = str_of(draft), .revision = 1 });
	assert_int_equal(answer.outcome, WEB_OK);
}

static void what_was_sent_long_ago_is_swept_by_the_next_draft(void **state)
{
	(void)state;
	static const char folder[] = "siegel-drafts/abcdefghij0123456789";
	const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char name[DRAFT_NAME_MAX + 1];

	save_revision(1, STR("one"));
	attach(STR("a"), STR("a/b"), STR("content"));
	assert_int_equal(utimensat(drafts.account, folder, long_ago, 0), 0);
	begin_another("another0000000000001");
	assert_int_equal(files_in("siegel-drafts", name), 1); /* the draft is there */
	sent();
	begin_another("another0000000000002");
	assert_int_equal(files_in("siegel-drafts", name), 1); /* an hour isn't over */
	assert_int_equal(utimensat(drafts.account, folder, long_ago, 0), 0);
	begin_another("another0000000000003");
	assert_int_equal(files_in("siegel-drafts", name), 0);
}

/* Saved by a window that slept meanwhile, it would look as if it were sent again. */
static void what_was_sent_long_ago_is_no_draft_again(void **state)
{
	(void)state;
	static const char folder[] = "siegel-drafts/abcdefghij0123456789";
	const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char name[DRAFT_NAME_MAX + 1];

	save_revision(1, STR("one"));
	sent();
	assert_int_equal(utimensat(drafts.account, folder, long_ago, 0), 0);
	begin_another("another0000000000001");
	assert_int_equal(files_in("siegel-drafts", name), 0);
	save((struct draft_save_ask){ .revision = 2, .body = STR("two") });
	assert_int_equal(answer.outcome, WEB_TOO_LATE);
	assert_int_equal(drafts_there(), 1);
}

/* A file of the account's is put elsewhere, and a link to it in its place. */
static void link_instead(const char *path)
{
	assert_int_equal(renameat(drafts.account, path, drafts.account, "elsewhere"), 0);
	int fd = openat(drafts.account, "elsewhere", O_PATH);
	char target[64];
	snprintf(target, sizeof target, "/proc/self/fd/%d", fd);
	assert_int_equal(symlinkat(target, drafts.account, path), 0);
}

static void what_a_link_leads_to_is_not_read(void **state)
{
	(void)state;
	char name[DRAFT_NAME_MAX + 1], path[2 * DRAFT_NAME_MAX];

	save_revision(1, STR("one"));
	attach(STR("a"), STR("a/b"), STR("content"));
	link_instead("siegel-drafts/abcdefghij0123456789/1");
	draft_show(&drafts, id, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.attachments.len, 0);
	files_in(".Drafts/cur", name);
	snprintf(path, sizeof path, ".Drafts/cur/%s", name);
	link_instead(path);
	draft_show(&drafts, id, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_FAILED);
}

static void an_attachment_that_was_cut_is_none(void **state)
{
	(void)state;
	save_revision(1, STR("one"));
	attach(STR("a"), STR("a/b"), STR("content"));
	scoped(fd_close) int fd =
		openat(drafts.account, "siegel-drafts/abcdefghij0123456789/1", O_WRONLY);
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 1), 0);
	draft_show(&drafts, id, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_int_equal(answer.attachments.len, 0);
}

static void what_others_put_there_is_no_draft_of_ours(void **state)
{
	(void)state;
	char name[DRAFT_NAME_MAX + 1], path[2 * DRAFT_NAME_MAX];

	draft_file_name(name, id, 7, 1000);
	snprintf(path, sizeof path, ".Drafts/cur/%s", name);
	assert_int_equal(symlinkat("/etc/passwd", drafts.account, path), 0);
	draft_show(&drafts, id, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_FAILED);
	unlinkat(drafts.account, path, 0);
	int fd = openat(drafts.account, path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd_write_all(fd, STR("X-Siegel-Draft: AAAA\n\nbody\n")));
	close(fd);
	draft_show(&drafts, id, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_FAILED);
	struct done_answer done;
	draft_remove(&drafts, id, &done);
	assert_int_equal(done.outcome, WEB_OK);
	assert_int_equal(drafts_there(), 0);
}

/* Whoever renames a draft's file gives it no other name for the page. */
static void a_state_that_names_another_draft_is_not_taken_for_it(void **state)
{
	(void)state;
	static const struct str other = { "zyxwvutsrqponmlkjihg", 20 };
	char name[DRAFT_NAME_MAX + 1], from[2 * DRAFT_NAME_MAX], to[2 * DRAFT_NAME_MAX];

	save_revision(1, STR("one"));
	assert_int_equal(files_in(".Drafts/cur", name), 1);
	snprintf(from, sizeof from, ".Drafts/cur/%s", name);
	draft_file_name(name, other, 1, 1000);
	snprintf(to, sizeof to, ".Drafts/cur/%s", name);
	assert_int_equal(renameat(drafts.account, from, drafts.account, to), 0);
	draft_show(&drafts, other, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_FAILED);
	draft_show(&drafts, id, &arena, &answer);
	assert_int_equal(answer.outcome, WEB_NOT_FOUND);
}

/* --- the scene ------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	(void)state;
	arena = ARENA(256 << 20);
	mime_prepare();
	drafts.mime = mime_start();
	return mkdtemp(root_name) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	char command[64];

	arena_free(&arena);
	snprintf(command, sizeof command, "rm -rf %s", root_name);
	return system(command);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_draft_comes_back_as_it_was_written),
		TEST(other_mail_programs_see_a_draft),
		TEST(an_older_revision_is_not_taken),
		TEST(a_revision_is_not_taken_twice_with_other_words),
		TEST(what_was_sent_long_ago_is_no_draft_again),
		TEST(what_a_link_leads_to_is_not_read),
		TEST(an_attachment_that_was_cut_is_none),
		TEST(what_a_crash_leaves_is_the_later_one),
		TEST(what_cannot_be_written_leaves_the_draft_alone),
		TEST(drafts_leave_room_for_mail),
		TEST(a_full_disk_leaves_the_draft_as_it_was),
		TEST(what_no_page_would_send_is_refused),
		TEST(a_removed_draft_leaves_nothing),
		TEST(attachments_are_listed_and_taken_off),
		TEST(a_message_has_its_largest_size_in_all),
		TEST(a_forward_takes_the_attachments_over_once),
		TEST(an_answer_names_what_it_answers),
		TEST(a_composed_message_is_right_in_every_line),
		TEST(what_was_composed_is_read_as_it_was_meant),
		TEST(a_sender_is_an_address_with_or_without_a_name),
		TEST(nothing_typed_is_taken_for_structure),
		TEST(what_cannot_be_sent_says_why),
		TEST(sent_twice_is_sent_once),
		TEST(what_is_taken_back_is_the_draft_as_it_was),
		TEST(the_copy_is_of_what_was_sent),
		TEST(a_revision_that_was_not_sent_stays_a_draft),
		TEST(a_revision_is_composed_to_one_message),
		TEST(what_was_taken_back_is_not_filed_by_one_who_is_late),
		TEST(what_was_sent_again_is_not_taken_back_by_one_who_is_late),
		TEST(nor_is_it_where_a_later_draft_is_there),
		TEST(a_crash_between_the_steps_is_mended_by_asking_again),
		TEST(what_was_sent_long_ago_is_swept_by_the_next_draft),
		TEST(what_others_put_there_is_no_draft_of_ours),
		TEST(a_state_that_names_another_draft_is_not_taken_for_it),
	};

	log_open("test", LOG_ALARM);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
