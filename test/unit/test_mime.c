/* SPDX-License-Identifier: ISC
 *
 * test_mime.c - messages read by the throwaway process: what it says of them, and what it
 * survives. Each hostile message is made here, so that it can be as large as it has to be.
 */
#include "base/fd.h"
#include "base/log.h"
#include "mailbox/html.h"
#include "mailbox/reader.h"
#include "mailbox/show.h"

#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { MESSAGE_MAX = 64 * 1024 * 1024, WAIT_MS = 60 * SECOND };

static struct mime *mime;
static struct arena arena;

static int file_of(struct str message)
{
	int fd = fd_memfd("message");

	assert_true(fd >= 0 && fd_write_all(fd, message));
	return fd;
}

static struct mime_document read_as(enum mime_job job, struct str message)
{
	scoped(mime_end) struct mime_reader reader = MIME_READER(mime);
	scoped(fd_close) int file = file_of(message);
	struct mime_document document;
	struct why why = { "" };

	arena_reset(&arena);
	if (!mime_document(&reader, job, file, MIME_TEXT_MAX, deadline_in(WAIT_MS), &arena,
		    &document, &why))
		fail_msg("%s", why.text);
	return document;
}

static struct mime_document document_of(struct str message)
{
	return read_as(MIME_DOCUMENT, message);
}

/* What a reader writes for BODY, PART or SHOWN; false where it says there is none. */
static bool written(
	enum mime_job job, struct str part, struct str message, struct buf *to, struct why *why)
{
	struct mime_reader reader = MIME_READER(mime);
	scoped(fd_close) int file = file_of(message);
	scoped(fd_close) int out = fd_memfd("out");
	struct mime_ask ask = { .job = job, .part = part };
	struct mime_document document;

	arena_reset(&arena);
	if (!mime_ask(&reader, &ask, file, out, deadline_in(WAIT_MS), &arena, &document, why))
		fail_msg("%s", why->text);
	mime_end(&reader);
	assert_true(lseek(out, 0, SEEK_SET) == 0 && fd_read_all(out, to));
	return document.found;
}

static void assert_str(struct str got, const char *expected)
{
	if (!str_eq(got, str_of(expected)))
		fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(got), expected);
}

static void a_plain_message_is_read(void **state)
{
	(void)state;
	struct mime_document d = document_of(STR("From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\n"
						 "To: a@example.org, \"B, C\" <b@example.org>\n"
						 "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\n"
						 "Date: Mon, 23 Nov 2026 17:22:00 +0100\n"
						 "Message-ID: <1@example.org>\n"
						 "References: <a@x> <b@x>\n"
						 "In-Reply-To: <c@x>\n"
						 "Content-Type: text/plain; charset=iso-8859-1\n"
						 "Content-Transfer-Encoding: quoted-printable\n\n"
						 "> before\n=FCber  alles\n"));

	assert_str(d.subject, "Gr\xc3\xbc\xc3\x9f"
			      "e");
	assert_str(d.from.at[0].name, "J\xc3\xbcrgen");
	assert_str(d.from.at[0].address, "j@example.org");
	assert_int_equal(d.to.len, 2);
	assert_str(d.to.at[1].name, "B, C");
	assert_str(d.text, "> before\n\xc3\xbc"
			   "ber  alles\n");
	assert_str(d.preview, "\xc3\xbc"
			      "ber alles");
	assert_str(d.message_id, "1@example.org");
	assert_int_equal(d.references.len, 3);
	assert_str(d.references.at[2].text, "c@x");
	assert_int_equal(d.time, UINT64_C(1795450920000));
	assert_int_equal(d.problems, 0);
	assert_false(d.html || d.truncated);
}

#define MIXED                                                                    \
	"From: a@example.org\nMIME-Version: 1.0\n"                               \
	"Content-Type: multipart/mixed; boundary=m\n\n"                          \
	"--m\nContent-Type: multipart/alternative; boundary=a\n\n"               \
	"--a\nContent-Type: text/plain\n\nthe text\n"                            \
	"--a\nContent-Type: multipart/related; boundary=r\n\n"                   \
	"--r\nContent-Type: text/html; charset=utf-8\n\n"                        \
	"<p style=\"color:red\">the <b>html</b><img src=\"cid:pic%40x\">"        \
	"<img src=cid:gone><img src='https://tracker.example/x'>\n"              \
	"--r\nContent-Type: image/png\nContent-ID: <pic@x>\n"                    \
	"Content-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--r--\n--a--\n"      \
	"--m\nContent-Type: application/pdf; name=\"../../etc/pass\xe2\x80\xae"  \
	"wd\"\n"                                                                 \
	"Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n" \
	"JVBERi0=\n"                                                             \
	"--m\nContent-Type: message/rfc822\n\nSubject: inner\n\ninner text\n--m--\n"

static void parts_are_told_apart(void **state)
{
	(void)state;
	struct mime_document d = document_of(STR(MIXED));

	assert_str(d.text, "the text");
	assert_true(d.html && d.remote);
	assert_int_equal(d.attachments.len, 3);
	assert_str(d.attachments.at[0].part, "1.2.2");
	assert_int_equal(d.attachments.at[0].inline_image, 1);
	assert_int_equal(d.attachments.at[0].size, 8);
	assert_str(d.attachments.at[1].part, "2");
	assert_str(d.attachments.at[1].name, "_.._etc_pass wd");
	assert_str(d.attachments.at[1].type, "application/pdf");
	assert_str(d.attachments.at[2].type, "message/rfc822");
}

static void a_part_is_what_was_sent(void **state)
{
	(void)state;
	scoped(buf_free) struct buf bytes = BUF(MESSAGE_MAX);
	struct why why;

	assert_true(written(MIME_PART, STR("2"), STR(MIXED), &bytes, &why));
	assert_str(buf_str(&bytes), "%PDF-");
	buf_clear(&bytes);
	assert_true(written(MIME_PART, STR("3"), STR(MIXED), &bytes, &why));
	assert_str(buf_str(&bytes), "Subject: inner\n\ninner text");
	buf_clear(&bytes);
	assert_false(written(MIME_PART, STR("4"), STR(MIXED), &bytes, &why));
	assert_int_equal(bytes.len, 0);
}

static void text_that_is_shown_is_utf8_whatever_it_was(void **state)
{
	(void)state;
	static const struct {
		const char *type, *bytes, *shown;
	} texts[] = {
		{ "text/plain; charset=iso-8859-1",
			"Gr\xfc\xdf"
			"e\r\n",
			"Gr\xc3\xbc\xc3\x9f"
			"e\n" },
		{ "text/plain; charset=koi8-r", "\xcd\xc9\xd2", "\xd0\xbc\xd0\xb8\xd1\x80" },
		{ "text/plain", "\xc3\xbc", "\xc3\xbc" },
		{ "text/plain; charset=us-ascii", "\xfc", "\xc3\xbc" },
		{ "text/plain; charset=\"x\r\n <b>\"", "\x80", "\xe2\x82\xac" },
		{ "text/plain; charset=utf-8", "a\xff\x1b[2Jb", "a\xef\xbf\xbd[2Jb" },
		{ "text/html; charset=iso-8859-1", "<b>\xfc\r\n", "<b>\xfc\r\n" },
	};

	for (size_t i = 0; i < count_of(texts); i++) {
		scoped(buf_free) struct buf message = BUF(1024), bytes = BUF(1024);
		struct why why;

		buf_printf(&message,
			"MIME-Version: 1.0\r\nContent-Type: %s\r\nContent-Disposition: "
			"attachment\r\n\r\n%s",
			texts[i].type, texts[i].bytes);
		assert_true(written(MIME_SHOWN, STR("1"), buf_str(&message), &bytes, &why));
		assert_str(buf_str(&bytes), texts[i].shown);
		buf_clear(&bytes);
		assert_true(written(MIME_PART, STR("1"), buf_str(&message), &bytes, &why));
		assert_str(buf_str(&bytes), texts[i].bytes);
	}
}

/* Nothing of it is cut off: it is a file to be kept, like any that isn't shown. */
static void text_that_is_too_long_to_be_shown_is_a_file(void **state)
{
	(void)state;
	scoped(buf_free) struct buf message = BUF(2 * MIME_SHOWN_MAX);
	struct message_part_answer part = { 0 };
	struct str head;

	buf_add(&message, STR("Content-Type: text/plain; charset=iso-8859-1\n\n"));
	head = buf_str(&message);
	while (message.len < head.len + MIME_SHOWN_MAX)
		buf_add_char(&message, message.len % 64 ? '\xfc' : '\n');
	for (int i = 0; i < 2; i++) {
		scoped(fd_close) int file = file_of(buf_str(&message));

		arena_reset(&arena);
		scoped(fd_close) int fd = show_part(mime, file, STR("1"), true, &arena, &part);
		assert_int_equal(part.outcome, WEB_OK);
		assert_str(part.type, i ? "application/octet-stream" : "text/plain");
		assert_true(i ? part.size == message.len - head.len : part.size > MIME_SHOWN_MAX);
		buf_add_char(&message, '.');
	}
}

static void no_element_that_asks_for_names_is_left_in_html(void **state)
{
	scoped(buf_free) struct buf html = BUF(1024);

	(void)state;
	assert_true(buf_add(&html, STR("<p>a</p><link rel=dns-prefetch href=//b><LiNk><meta "
				       "x><METAx>< link><lin<IFRAME src=//c>")));
	html_unlink(&html);
	assert_str(buf_str(&html), "<p>a</p><xink rel=dns-prefetch href=//b><xiNk><xeta x><xETAx>< "
				   "link><lin<xFRAME src=//c>");
}

static void the_body_has_its_pictures_and_is_otherwise_as_it_came(void **state)
{
	(void)state;
	scoped(buf_free) struct buf bytes = BUF(MESSAGE_MAX);
	struct why why;

	assert_true(written(MIME_BODY, STR(""), STR(MIXED), &bytes, &why));
	struct str html = buf_str(&bytes);
	assert_true(str_starts(html, STR("<!DOCTYPE html><meta charset=\"utf-8\">")));
	assert_true(str_find_str(html, STR("<p style=\"color:red\">the <b>html</b>"
					   "<img src=\"data:image/png;base64,iVBORw0KGgo=\">"
					   "<img src=cid:gone>"
					   "<img src='https://tracker.example/x'>")) < html.len);
	buf_clear(&bytes);
	assert_false(written(MIME_BODY, STR(""), STR("Subject: x\n\ntext\n"), &bytes, &why));
}

static void html_alone_becomes_text(void **state)
{
	(void)state;
	struct mime_document d = document_of(
		STR("Content-Type: "
		    "text/html\n\n<html><head><title>no</title><style>no{}</style></head>\n"
		    "<body><script>no()</script><h1>Hello&nbsp;&amp; welcome</h1>\n<p>one<br>two "
		    "&#x20ac;"
		    "<!-- no > --><ul><li>first<li>second</ul>a &lt; b</body></html>\n"));

	assert_str(
		d.text, "Hello & welcome\n\none\ntwo \xe2\x82\xac\n\n- first\n- second\n\na < b");
	assert_true(d.html);
	assert_false(d.remote);
}

static void header_values_cannot_turn_the_line(void **state)
{
	(void)state;
	struct mime_document d = document_of(
		STR("Subject: =?utf-8?Q?a=E2=80=AEb=0D=0AEvil:_x=00=1Bc?=\n"
		    "From: =?utf-8?Q?=E2=81=A6x=0A?= <\x01x@example.org>\n\ntext\x00\x1b[31m\n"));

	for (size_t i = 0; i < d.subject.len; i++)
		assert_true((unsigned char)d.subject.at[i] >= ' ');
	assert_true(str_starts(d.subject, STR("a b")));
	assert_str(d.text, "text[31m\n");
}

static void an_unknown_character_set_is_guessed_and_said(void **state)
{
	(void)state;
	struct mime_document d =
		document_of(STR("Content-Type: text/plain; charset=klingon\n\nGr\xfc\xdf"
				"e\n"));

	assert_str(d.text, "Gr\xc3\xbc\xc3\x9f"
			   "e\n");
	assert_int_equal(d.problems, MIME_PROBLEM(CHARSET));
	d = document_of(STR("Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$3\x1b(B\n"));
	assert_str(d.text, "\xe3\x81\x93\n");
	assert_int_equal(d.problems, 0);
	d = document_of(STR("Content-Type: text/plain; charset=utf-8\n\na\xff\xc0\x80z\n"));
	assert_str(d.text, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\n");
	assert_int_equal(d.problems, MIME_PROBLEM(CHARSET));
}

/* --- what is meant to do harm ---------------------------------------------------------------- */

static struct mime_document survived(struct buf *message)
{
	int64_t before = clock_monotonic_ms();

	assert_false(message->overflowed);
	struct mime_document d = document_of(buf_str(message));
	print_message("%zu bytes: %llu ms, problems %llu\n", message->len,
		(unsigned long long)(clock_monotonic_ms() - before),
		(unsigned long long)d.problems);
	buf_free(message);
	return d;
}

static void nesting_a_thousand_deep_is_survived(void **state)
{
	(void)state;
	struct buf m = BUF(MESSAGE_MAX);

	buf_add(&m, STR("Subject: deep\n"));
	for (int i = 0; i < 1500; i++)
		buf_printf(&m, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	buf_add(&m, STR("Content-Type: text/plain\n\nthe bottom\n"));
	for (int i = 1500; i-- > 0;)
		buf_printf(&m, "--b%d--\n", i);
	struct mime_document d = survived(&m);
	assert_str(d.subject, "deep");
	assert_true(d.problems & MIME_PROBLEM(NESTING));
}

static void messages_in_messages_are_survived(void **state)
{
	(void)state;
	struct buf m = BUF(MESSAGE_MAX);

	for (int i = 0; i < 1500; i++)
		buf_printf(&m, "Subject: m%d\nContent-Type: message/rfc822\n\n", i);
	buf_add(&m, STR("Subject: last\n\nthe bottom\n"));
	struct mime_document d = survived(&m);
	assert_str(d.subject, "m0");
}

static void a_hundred_thousand_headers_are_survived(void **state)
{
	(void)state;
	static const char *const names[] = { "X-Any", "To", "From", "References", "Content-Type" };

	for (size_t i = 0; i < count_of(names); i++) {
		struct buf m = BUF(MESSAGE_MAX);
		buf_add(&m, STR("Subject: many\n"));
		for (int j = 0; j < 100000; j++)
			buf_printf(&m, "%s: <a%d@example.org>\n", names[i], j);
		buf_add(&m, STR("\nthe text\n"));
		struct mime_document d = survived(&m);
		assert_str(d.subject, "many");
		assert_true(d.problems & MIME_PROBLEM(HEADERS));
		assert_true(str_find_str(d.text, STR("the text")) < d.text.len ||
			    d.attachments.len == 1 /* what type it is, nobody knows */);
	}
}

static void a_hundred_thousand_headers_further_in_are_survived(void **state)
{
	(void)state;
	struct buf m = BUF(MESSAGE_MAX);

	buf_add(&m, STR("Subject: many\nContent-Type: message/rfc822\n\n"));
	for (int j = 0; j < 100000; j++)
		buf_printf(&m, "To: <a%d@example.org>\n", j);
	buf_add(&m, STR("\nthe text\n"));
	assert_str(survived(&m).subject, "many");
}

static void tens_of_thousands_of_parts_are_survived(void **state)
{
	(void)state;
	struct buf m = BUF(MESSAGE_MAX);

	buf_add(&m, STR("Subject: wide\nContent-Type: multipart/mixed; boundary=b\n\n"));
	for (int i = 0; i < 30000; i++)
		buf_add(&m, STR("--b\nContent-Type: application/zip; name=x.zip\n\nx\n"));
	struct mime_document d = survived(&m);
	assert_int_equal(d.attachments.len, MIME_ATTACHMENTS_MAX);
	assert_true(d.truncated);
	assert_true(d.problems & MIME_PROBLEM(PARTS));
}

static void broken_boundaries_lose_no_text(void **state)
{
	(void)state;
	struct mime_document d =
		document_of(STR("Content-Type: multipart/mixed; boundary=never\n\nthe text\n"));
	assert_str(d.text, "the text\n");
	d = document_of(STR("Content-Type: multipart/mixed\n\n--x\n\nthe text\n--x--\n"));
	assert_true(str_find_str(d.text, STR("the text")) < d.text.len);
	d = document_of(STR("Content-Type: multipart/mixed; boundary=b\n\n--b\n"
			    "Content-Type: text/plain\n\nthe text, cut of"));
	assert_str(d.text, "the text, cut of");
}

static void a_huge_text_is_cut(void **state)
{
	(void)state;
	struct buf m = BUF(MESSAGE_MAX);

	buf_add(&m, STR("Content-Type: text/plain; charset=utf-8\n\n"));
	for (int i = 0; i < 1000000; i++)
		buf_add(&m, STR("0123456789 \xe2\x82\xac more\n"));
	struct mime_document d = survived(&m);
	assert_true(d.truncated && d.text.len <= MIME_TEXT_MAX && d.text.len > MIME_TEXT_MAX - 8);
}

static void huge_pictures_are_left_out(void **state)
{
	(void)state;
	scoped(buf_free) struct buf m = BUF(MESSAGE_MAX), bytes = BUF(MESSAGE_MAX);
	struct why why;

	buf_add(&m, STR("Content-Type: multipart/related; boundary=b\n\n--b\n"
			"Content-Type: text/html\n\n"));
	for (int i = 0; i < 1000; i++)
		buf_add(&m, STR("<img src=cid:p>"));
	buf_add(&m, STR("\n--b\nContent-Type: image/png\nContent-ID: <p>\n\n"));
	for (int i = 0; i < 10 * 1024; i++)
		for (int j = 0; j < 64; j++)
			buf_add(&m, STR("0123456789abcdef"));
	buf_add(&m, STR("\n--b--\n"));
	assert_true(written(MIME_BODY, STR(""), buf_str(&m), &bytes, &why));
	assert_in_range(bytes.len, 20 << 20, 40 << 20);
}

static void tags_without_an_end_take_no_longer(void **state)
{
	(void)state;
	static const char *const pieces[] = { "<", "<!--", "<a \"", "</x", "<style>", "&", "<a b='",
		"cid:", "<style><", "< " };

	for (size_t i = 0; i < count_of(pieces); i++) {
		struct buf m = BUF(MESSAGE_MAX);
		buf_add(&m, STR("Subject: tags\nContent-Type: text/html\n\n"));
		while (m.len < 3 * 1024 * 1024)
			buf_add(&m, str_of(pieces[i]));
		int64_t before = clock_monotonic_ms();
		assert_str(survived(&m).subject, "tags");
		assert_in_range(clock_monotonic_ms() - before, 0, 20 * SECOND);
	}
}

/* What a reader that was taken over could answer. */
static bool is_believed(struct str answer)
{
	int ends[2];
	scoped(fd_close) int file = file_of(STR("\n"));
	const struct mime_ask ask = { .job = MIME_DOCUMENT };
	struct mime_document document;
	struct why why = { "" };

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_true(fd_write_all(ends[1], answer) && shutdown(ends[1], SHUT_WR) == 0);
	struct mime_reader reader = { .mime = mime, .socket = ends[0] };
	arena_reset(&arena);
	bool believed =
		mime_ask(&reader, &ask, file, -1, deadline_in(WAIT_MS), &arena, &document, &why);
	close(ends[1]);
	mime_end(&reader);
	return believed;
}

static bool document_is_believed(struct mime_document document)
{
	scoped(buf_free) struct buf answer = BUF(1 << 20);
	char *length = buf_reserve(&answer, READER_LENGTH);

	assert_non_null(length);
	answer.len = READER_LENGTH;
	pack_mime_document(&answer, &document);
	reader_put_length(answer.at, answer.len - READER_LENGTH);
	return is_believed(buf_str(&answer));
}

static void a_reader_that_lies_is_not_believed(void **state)
{
	(void)state;
	static struct mime_attachment many[MIME_ATTACHMENTS_MAX + 1];
	struct person bad = { .name = STR("x\ny") };
	struct text reference = { STR("\xff") };

	assert_true(document_is_believed((struct mime_document){ .text = STR("a\n\tb") }));
	assert_false(document_is_believed((struct mime_document){ .text = STR("a\rb") }));
	assert_false(document_is_believed((struct mime_document){ .text = STR("\xc0\x80") }));
	assert_false(document_is_believed((struct mime_document){ .subject = STR("a\nb") }));
	assert_false(document_is_believed((struct mime_document){ .name = STR("\x7f") }));
	assert_false(document_is_believed((struct mime_document){ .from = { &bad, 1 } }));
	assert_false(document_is_believed((struct mime_document){ .bcc = { &bad, 1 } }));
	assert_false(
		document_is_believed((struct mime_document){ .references = { &reference, 1 } }));
	assert_false(document_is_believed(
		(struct mime_document){ .attachments = { many, count_of(many) } }));
	assert_false(is_believed(STR("")));
	assert_false(is_believed(STR("\x10\0\0\0\0\0\0\0short")));
	assert_false(is_believed(STR("\xff\xff\xff\xff\xff\xff\xff\x7fx")));
	assert_false(is_believed(STR("\x08\0\0\0\0\0\0\0garbage.")));
}

static void a_reader_that_is_too_slow_loses_the_message(void **state)
{
	(void)state;
	scoped(mime_end) struct mime_reader reader = MIME_READER(mime);
	scoped(fd_close) int file = file_of(STR("Subject: slow\n\nthe text\n"));
	struct mime_document d;
	struct why why;

	arena_reset(&arena);
	assert_true(mime_document(&reader, MIME_DOCUMENT, file, MIME_TEXT_MAX,
		(struct deadline){ 0 }, &arena, &d, &why));
	assert_int_equal(d.problems, MIME_PROBLEM(UNREADABLE));
	assert_str(d.subject, "slow");
	assert_str(d.text, "the text\n");
}

static void one_reader_reads_many(void **state)
{
	(void)state;
	enum { MANY = 1000 };
	scoped(mime_end) struct mime_reader reader = MIME_READER(mime);
	scoped(fd_close) int file = file_of(STR(MIXED));
	int64_t before = clock_monotonic_ms();
	struct mime_document d;
	struct why why;

	for (int i = 0; i < MANY; i++) {
		arena_reset(&arena);
		assert_true(mime_document(&reader, MIME_INDEX, file, 64 * 1024,
			deadline_in(WAIT_MS), &arena, &d, &why));
		assert_int_equal(d.attachments.len, 3);
	}
	print_message("%d messages in %llu ms\n", MANY,
		(unsigned long long)(clock_monotonic_ms() - before));
}

/* How many mappings of messages this process has. */
static unsigned mapped(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];
	unsigned n = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof line, maps))
		n += strstr(line, "/memfd:message") != NULL;
	fclose(maps);
	return n;
}

static void a_message_that_was_read_is_let_go(void **state)
{
	(void)state;
	static const struct mime_ask ask = { .job = MIME_DOCUMENT, .text_max = MIME_TEXT_MAX };
	scoped(buf_free) struct buf many = BUF(MESSAGE_MAX);
	unsigned before = mapped();
	struct mime_document d;

	for (int i = 0; i < 1000; i++)
		buf_add(&many, STR("X-Field: value\r\n"));
	buf_add(&many, STR(MIXED));
	scoped(fd_close) int plain = file_of(STR(MIXED));
	scoped(fd_close) int cut = file_of(buf_str(&many));
	for (int i = 0; i < 10; i++) {
		arena_reset(&arena);
		assert_true(reader_answer(&ask, plain, -1, &arena, &d) && !d.problems);
		assert_true(reader_answer(&ask, cut, -1, &arena, &d) && d.problems);
	}
	assert_int_equal(mapped(), before);
}

static void the_pages_get_a_json_document(void **state)
{
	(void)state;
	scoped(fd_close) int file = file_of(STR(MIXED));
	struct mapping bytes;
	struct message_answer answer = { .folder = STR(".Own"), .flags = MESSAGE_SEEN };

	arena_reset(&arena);
	scoped(fd_close) int fd = show_message(mime, file, STR("id"), &arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_true(fd_map_sealed(fd, MESSAGE_MAX, &bytes, NULL));
	json_t *d = json_loadb(bytes.bytes.at, bytes.bytes.len, 0, NULL);
	fd_unmap(&bytes);
	const char *flag, *folder, *text, *part, *address;
	int html, image;
	assert_int_equal(
		json_unpack(d, "{s:s, s:[s], s:s, s:b, s:[{s:s}], s:[{s:s, s:b}, {}, {}]}",
			"folder", &folder, "flags", &flag, "text", &text, "html", &html, "from",
			"address", &address, "attachments", "part", &part, "inline_image", &image),
		0);
	assert_string_equal(folder, ".Own");
	assert_string_equal(flag, "seen");
	assert_string_equal(text, "the text");
	assert_string_equal(address, "a@example.org");
	assert_string_equal(part, "1.2.2");
	assert_true(html && image);
	json_decref(d);
}

static void the_pages_get_parts_and_bodies_sealed(void **state)
{
	(void)state;
	scoped(fd_close) int file = file_of(STR(MIXED));
	struct message_part_answer part = { 0 };
	struct message_answer body = { 0 };
	size_t size;

	arena_reset(&arena);
	scoped(fd_close) int fd = show_part(mime, file, STR("2"), false, &arena, &part);
	assert_int_equal(part.outcome, WEB_OK);
	assert_str(part.type, "application/pdf");
	assert_str(part.name, "_.._etc_pass wd");
	assert_true(fd_check_sealed(fd, MESSAGE_MAX, &size, NULL) && size == 5 && part.size == 5);
	assert_int_equal(show_part(mime, file, STR("9.9"), false, &arena, &part), -1);
	assert_int_equal(part.outcome, WEB_NOT_FOUND);
	scoped(fd_close) int html = show_body(mime, file, &arena, &body);
	assert_int_equal(body.outcome, WEB_OK);
	assert_true(fd_check_sealed(html, MESSAGE_MAX, &size, NULL) && size > 100);
}

static void nothing_at_all_is_a_message(void **state)
{
	(void)state;
	assert_str(document_of(STR("")).text, "");
	assert_str(document_of(STR("\n")).text, "");
	assert_str(document_of(STR("\n\n\n")).subject, "");
}

static int set_up(void **state)
{
	(void)state;
	arena = ARENA(4 * (size_t)MIME_ARENA_MAX);
	mime_prepare();
	mime = mime_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_message_is_read),
		cmocka_unit_test(parts_are_told_apart),
		cmocka_unit_test(a_part_is_what_was_sent),
		cmocka_unit_test(text_that_is_shown_is_utf8_whatever_it_was),
		cmocka_unit_test(text_that_is_too_long_to_be_shown_is_a_file),
		cmocka_unit_test(the_body_has_its_pictures_and_is_otherwise_as_it_came),
		cmocka_unit_test(no_element_that_asks_for_names_is_left_in_html),
		cmocka_unit_test(html_alone_becomes_text),
		cmocka_unit_test(header_values_cannot_turn_the_line),
		cmocka_unit_test(an_unknown_character_set_is_guessed_and_said),
		cmocka_unit_test(nesting_a_thousand_deep_is_survived),
		cmocka_unit_test(messages_in_messages_are_survived),
		cmocka_unit_test(a_hundred_thousand_headers_are_survived),
		cmocka_unit_test(a_hundred_thousand_headers_further_in_are_survived),
		cmocka_unit_test(tens_of_thousands_of_parts_are_survived),
		cmocka_unit_test(broken_boundaries_lose_no_text),
		cmocka_unit_test(a_huge_text_is_cut),
		cmocka_unit_test(huge_pictures_are_left_out),
		cmocka_unit_test(tags_without_an_end_take_no_longer),
		cmocka_unit_test(a_reader_that_lies_is_not_believed),
		cmocka_unit_test(a_reader_that_is_too_slow_loses_the_message),
		cmocka_unit_test(one_reader_reads_many),
		cmocka_unit_test(a_message_that_was_read_is_let_go),
		cmocka_unit_test(the_pages_get_a_json_document),
		cmocka_unit_test(the_pages_get_parts_and_bodies_sealed),
		cmocka_unit_test(nothing_at_all_is_a_message),
	};

	log_open("test", LOG_WARNING);
	return cmocka_run_group_tests(tests, set_up, NULL);
}
