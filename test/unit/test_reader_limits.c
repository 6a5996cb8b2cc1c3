/* SPDX-License-Identifier: ISC
 *
 * test_reader_limits.c - a message that makes its reader take all memory, or never come to an end:
 * the kernel ends that process and nothing else. No message is known that does it; so the
 * library's parser is replaced by one that does with two subjects. The share of CPU is cut down
 * where it is to be used up, so that nobody waits for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/must.h"
#include "mailbox/show.h"

enum { WAIT_MS = 90 * SECOND, CPU_S = 20, PIECE = 1 << 20, PIECES = 1 << 10, DOCUMENT_MAX = 65536 };

static struct mime *mime;
static struct arena arena;
static rlim_t seconds; /* of CPU that a reader gets */

/* --- the reader's side --- */

void *g_mime_parser_construct_message(void *parser, void *options);
const char *g_mime_message_get_subject(void *message);

static void *(*parse)(void *parser, void *options);

/* What the limit refuses ends the process in the library, too (GLib aborts). */
static void take_memory(void)
{
	for (int i = 0; i < PIECES; i++) {
		char *piece = malloc(PIECE);

		must(piece);
		memset(piece, i, PIECE);
	}
}

void *g_mime_parser_construct_message(void *parser, void *options)
{
	void *message = parse(parser, options);
	struct str subject = str_of(message ? g_mime_message_get_subject(message) : NULL);

	if (str_eq(subject, STR("takes memory")))
		take_memory();
	for (volatile unsigned n = 0; str_eq(subject, STR("takes time")); n++)
		;
	return message;
}

/* Sanitizers call it before their own memory is there. */
__attribute__((no_sanitize("address", "thread"))) int setrlimit(
	__rlimit_resource_t what, const struct rlimit *limits)
{
	struct rlimit most = *limits;

	if (what == RLIMIT_CPU) {
		must(most.rlim_max <= CPU_S);
		most = (struct rlimit){ seconds, seconds };
	}
	return prlimit(0, what, &most, NULL);
}

/* --- the role's side --- */

static int message_of(const char *subject)
{
	scoped(buf_free) struct buf text = BUF(1024);
	int file = fd_memfd("message");

	buf_printf(&text, "Subject: %s\n\nwhat it says\n", subject);
	assert_true(file >= 0 && fd_write_all(file, buf_str(&text)));
	return file;
}

/* The reader ends by itself, long before anybody loses patience. */
static void assert_reader_ends(const char *subject)
{
	scoped(mime_end) struct mime_reader reader = MIME_READER(mime);
	scoped(fd_close) int file = message_of(subject);
	const struct mime_ask ask = { .job = MIME_DOCUMENT, .text_max = MIME_TEXT_MAX };
	struct mime_document document;
	struct why why;

	arena_reset(&arena);
	assert_false(
		mime_ask(&reader, &ask, file, -1, deadline_in(WAIT_MS), &arena, &document, &why));
	assert_string_equal(why.text, "the reader gave up");
}

static bool page_says(const char *subject, const char *what)
{
	scoped(fd_close) int file = message_of(subject);
	struct message_answer answer = { 0 };
	struct mapping page;

	arena_reset(&arena);
	scoped(fd_close) int fd = show_message(mime, file, STR("id"), &arena, &answer);
	assert_int_equal(answer.outcome, WEB_OK);
	assert_true(fd_map_sealed(fd, DOCUMENT_MAX, &page, NULL));
	bool says = str_find_str(page.bytes, str_of(what)) < page.bytes.len;
	fd_unmap(&page);
	return says;
}

/* Its text is there, as it lies there, and it is said that it could not be read. */
static void assert_page_says_so(const char *subject)
{
	assert_true(page_says(subject, "\"problems\":[\"unreadable\"]"));
	assert_true(page_says(subject, "what it says"));
	assert_true(page_says("harmless", "\"problems\":[]"));
}

static void a_reader_that_takes_all_memory_is_ended(void **state)
{
	(void)state;
#ifdef SANITIZED
	print_message("skipped: sanitizers take more memory than a reader may have\n");
	skip();
#endif
	seconds = CPU_S;
	mime = mime_start();
	assert_reader_ends("takes memory");
	assert_page_says_so("takes memory");
}

static void a_reader_that_comes_to_no_end_is_ended(void **state)
{
	(void)state;
	seconds = 1;
	mime = mime_start();
	assert_reader_ends("takes time");
	assert_page_says_so("takes time");
}

static int set_up(void **state)
{
	(void)state;
	void *found = dlsym(RTLD_NEXT, "g_mime_parser_construct_message");
	must(found);
	memcpy(&parse, &found, sizeof parse); /* POSIX has it so, ISO C has no cast */
	arena = ARENA(4 * (size_t)MIME_ARENA_MAX);
	mime_prepare();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_that_takes_all_memory_is_ended),
		cmocka_unit_test(a_reader_that_comes_to_no_end_is_ended),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
