/* SPDX-License-Identifier: ISC
 *
 * test_maildir.c - a message lands in the account's Maildir exactly once, whole, in a folder that
 * no address can lead astray.
 */
#include "base/buf.h"
#include "base/fd.h"
#include "base/must.h"
#include "mailbox/folder.h"
#include "mailbox/maildir.h"
#include "mailbox/sweep.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define ID	"00062c1a2b3c4d5e"
#define ADA	STR("ada@example.org")
#define MESSAGE STR("Subject: x\r\n\r\nhello\r\n.dot\r\n")

struct place {
	char path[64];
	int root;
};

static int make_place(void **state)
{
	struct place *p = must_alloc(sizeof(*p));

	strcpy(p->path, "/tmp/test_maildir.XXXXXX");
	must(mkdtemp(p->path));
	p->root = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(p->root >= 0);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;
	char command[256];

	fd_close(&p->root);
	snprintf(command, sizeof(command), "chmod -R u+w %s && rm -r %s", p->path, p->path);
	must(system(command) == 0);
	free(p);
	return 0;
}

static struct maildir_outcome deliver(struct place *p, struct str mailbox, struct str body)
{
	struct maildir_message m = {
		.id = STR(ID), .sender = STR("bob@example.net"), .body = body
	};

	return maildir_deliver(p->root, mailbox, mailbox, &m);
}

/* How many entries a directory has; *name gets the last one's. */
static int count(struct place *p, const char *path, char name[static 256])
{
	int fd = openat(p->root, path, O_RDONLY | O_DIRECTORY), n = 0;
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!directory)
		return -1;
	while ((entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
			snprintf(name, 256, "%s", entry->d_name);
			n++;
		}
	}
	closedir(directory);
	return n;
}

static struct buf content(struct place *p, const char *folder, const char *name)
{
	struct buf b = BUF(1 << 20);
	char path[600];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = openat(p->root, path, O_RDONLY);
	must(fd >= 0 && buf_reserve(&b, 1 << 20));
	n = read(fd, b.at, 1 << 20);
	must(n >= 0);
	b.len = (size_t)n;
	close(fd);
	return b;
}

static void a_message_is_delivered_whole_with_lines_that_end_in_lf(void **state)
{
	struct place *p = *state;
	char name[256];
	struct buf b;

	assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	assert_int_equal(count(p, "example.org/ada/new", name), 1);
	b = content(p, "example.org/ada/new", name);
	must(buf_add_char(&b, 0));
	assert_string_equal(b.at, "Return-Path: <bob@example.net>\nDelivered-To: ada@example.org\n"
				  "Subject: x\n\nhello\n.dot\n");
	buf_free(&b);
	maildir_settle(p->root, ADA, ADA, STR(ID));
	assert_int_equal(count(p, "example.org/ada/tmp", name), 0);
	assert_int_equal(count(p, "example.org/ada/new", name), 1);
}

static void the_folders_for_the_web_mail_and_dovecot_are_there(void **state)
{
	static const char *const folders[] = { "", "/.Sent", "/.Drafts" };
	static const char *const parts[] = { "cur", "new", "tmp" };
	struct place *p = *state;
	char path[100];
	struct stat status;

	assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	for (size_t i = 0; i < count_of(folders); i++) {
		for (size_t j = 0; j < count_of(parts); j++) {
			snprintf(path, sizeof(path), "example.org/ada%s/%s", folders[i], parts[j]);
			assert_int_equal(fstatat(p->root, path, &status, 0), 0);
			assert_int_equal(status.st_mode, S_IFDIR | 0700);
		}
	}
	assert_int_equal(fstatat(p->root, "example.org/ada/.Sent/maildirfolder", &status, 0), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	struct buf b = content(p, "example.org/ada", "subscriptions");
	assert_true(str_eq(buf_str(&b), STR("Drafts\nSent\n")));
	buf_free(&b);
}

static void a_delivery_is_not_made_twice(void **state)
{
	struct place *p = *state;
	char name[256];

	for (int i = 0; i < 3; i++)
		assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	assert_int_equal(count(p, "example.org/ada/new", name), 1);
}

static void nor_when_it_was_read_and_moved_in_between(void **state)
{
	struct place *p = *state;
	char name[256], from[600], to[600];

	assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	assert_int_equal(count(p, "example.org/ada/new", name), 1);
	snprintf(from, sizeof(from), "%s/example.org/ada/new/%s", p->path, name);
	snprintf(to, sizeof(to), "%s/example.org/ada/cur/%s:2,S", p->path, name);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	assert_int_equal(count(p, "example.org/ada/new", name), 0);
	snprintf(from, sizeof(from), "%s/example.org/ada/.Drafts/cur/other:2,S", p->path);
	assert_int_equal(rename(to, from), 0);
	assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	assert_int_equal(count(p, "example.org/ada/new", name), 0);
}

static void what_a_crash_left_half_written_is_written_anew(void **state)
{
	struct place *p = *state;
	char name[256];
	int tmp, fd;
	struct buf b;

	assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	assert_int_equal(count(p, "example.org/ada/new", name), 1);
	tmp = openat(p->root, "example.org/ada/tmp", O_RDONLY);
	assert_int_equal(unlinkat(tmp, name, 0), 0);
	fd = openat(tmp, name, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "Subj", 4), 4);
	close(fd);
	close(tmp);
	assert_int_equal(unlinkat(p->root, "example.org/ada/new/none", 0), -1);
	char path[400];
	snprintf(path, sizeof(path), "%s/example.org/ada/new/%s", p->path, name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	b = content(p, "example.org/ada/new", name);
	assert_true(b.len > 30);
	buf_free(&b);
}

static void two_recipients_of_one_mailbox_get_a_copy_each(void **state)
{
	struct place *p = *state;
	struct maildir_message m = { .id = STR(ID), .body = MESSAGE };
	char name[256];

	maildir_deliver(p->root, ADA, ADA, &m);
	maildir_deliver(p->root, ADA, STR("ada@secure.example.org"), &m);
	assert_int_equal(count(p, "example.org/ada/new", name), 2);
}

static void line_ends_across_the_chunk_are_kept_right(void **state)
{
	struct place *p = *state;
	char body[70000], name[256];
	struct buf b;
	size_t head;

	memset(body, 'x', sizeof(body));
	memcpy(body + 65535, "\r\n", 2); /* the pair is cut by the chunk of 65536 */
	memcpy(body + 100, "\r\r\n\rz", 5);
	body[sizeof(body) - 1] = '\r';
	assert_int_equal(
		deliver(p, ADA, (struct str){ body, sizeof(body) }).result, MAILDIR_DELIVERED);
	assert_int_equal(count(p, "example.org/ada/new", name), 1);
	b = content(p, "example.org/ada/new", name);
	head = strlen("Return-Path: <bob@example.net>\nDelivered-To: ada@example.org\n");
	assert_int_equal(b.len, head + sizeof(body) - 2);
	assert_memory_equal(b.at + head + 100, "\r\n\rz", 4);
	assert_memory_equal(b.at + head + 65534, "\nx", 2);
	assert_int_equal(b.at[b.len - 1], '\r');
	buf_free(&b);
}

static void no_address_breaks_out_of_its_header_line(void **state)
{
	struct place *p = *state;
	struct maildir_message m = { .id = STR(ID), .sender = STR("a\nX: y"), .body = MESSAGE };
	char name[256];
	struct buf b;

	maildir_deliver(p->root, ADA, STR("b\r\nZ: y"), &m);
	assert_int_equal(count(p, "example.org/ada/new", name), 1);
	b = content(p, "example.org/ada/new", name);
	assert_true(str_starts(
		buf_str(&b), STR("Return-Path: <a?X: y>\nDelivered-To: b??Z: y\nSubject")));
	buf_free(&b);
}

static void path_is(const char *mailbox, const char *domain, const char *local)
{
	struct folder_path path;

	assert_true(folder_path(str_of(mailbox), &path, NULL));
	assert_string_equal(path.domain, domain);
	assert_string_equal(path.local, local);
}

static void no_path(struct str mailbox)
{
	struct folder_path path;
	struct why why;

	assert_false(folder_path(mailbox, &path, &why));
}

static void an_address_names_a_folder_and_nothing_else(void **state)
{
	(void)state;
	path_is("ada@example.org", "example.org", "ada");
	path_is("Ada.B-c_d@Example.ORG", "example.org", "ada.b-c_d");
	path_is("j\xc3\xb6rg@example.org", "example.org", "j\xc3\xb6rg");
	path_is("../../etc/passwd@example.org", "example.org", "%2E.%2F..%2Fetc%2Fpasswd");
	path_is(".@example.org", "example.org", "%2E");
	path_is("..@example.org", "example.org", "%2E.");
	path_is("a%2F@example.org", "example.org", "a%252f");
	path_is("a@b c@example.org", "example.org", "a@b%20c");
	path_is("a\nb\x7f@example.org", "example.org", "a%0Ab%7F");
	no_path(STR("@example.org"));
	no_path(STR("ada"));
	no_path(STR("ada@"));
	no_path(STR(""));
	no_path(STR("ada@../x"));
	no_path(STR("ada@.org"));
	no_path(STR("ada@a..b"));
	no_path(STR("ada@[127.0.0.1]"));
	no_path(STR("ada@example\0.org"));
	path_is("a\\\"b@example.org", "example.org", "a%5C%22b");
}

static void a_nul_in_a_local_part_is_written_out(void **state)
{
	struct folder_path path;

	(void)state;
	assert_true(folder_path(STR("a\0b@example.org"), &path, NULL));
	assert_string_equal(path.local, "a%00b");
}

static void names_too_long_for_a_directory_fail_for_good(void **state)
{
	char address[400];
	struct maildir_outcome o;

	memset(address, 'a', sizeof(address));
	memcpy(address + 300, "@example.org", 12);
	o = deliver(*state, (struct str){ address, 312 }, MESSAGE);
	assert_int_equal(o.result, MAILDIR_FAILED);
	assert_int_equal(o.reason, REASON_NO_SUCH_MAILBOX);
	assert_string_equal(o.code, "5.1.1");
}

static void links_are_not_followed(void **state)
{
	struct place *p = *state;
	struct maildir_outcome o;

	assert_int_equal(mkdirat(p->root, "example.org", 0700), 0);
	assert_int_equal(symlinkat("/tmp", p->root, "example.org/ada"), 0);
	o = deliver(p, ADA, MESSAGE);
	assert_int_equal(o.result, MAILDIR_LATER);
	assert_int_equal(o.reason, REASON_LOCAL_FAULT);
	assert_string_equal(o.code, "4.3.0");
}

static void a_strange_queue_id_names_no_file(void **state)
{
	struct maildir_message m = { .id = STR("../x"), .body = MESSAGE };

	assert_int_equal(maildir_deliver(((struct place *)*state)->root, ADA, ADA, &m).result,
		MAILDIR_LATER);
}

/* This stands in for the C library's: a full disk may show no earlier than here. */
static int refuse_writes;
int fsync(int fd)
{
	errno = refuse_writes;
	return refuse_writes ? -1 : (int)syscall(SYS_fsync, fd);
}

static void a_full_disk_means_later_and_leaves_nothing_behind(void **state)
{
	struct place *p = *state;
	struct maildir_outcome o;
	char name[256];

	assert_int_equal(deliver(p, STR("bob@example.org"), MESSAGE).result, MAILDIR_DELIVERED);
	maildir_settle(p->root, STR("bob@example.org"), STR("bob@example.org"), STR(ID));
	assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	maildir_settle(p->root, ADA, ADA, STR(ID));
	struct maildir_message m = { .id = STR("00062c1a2b3c4d5f"), .body = MESSAGE };
	refuse_writes = ENOSPC;
	o = maildir_deliver(p->root, ADA, ADA, &m);
	refuse_writes = 0;
	assert_int_equal(o.result, MAILDIR_LATER);
	assert_int_equal(o.reason, REASON_LOCAL_FAULT);
	assert_string_equal(o.code, "4.3.1");
	assert_non_null(strstr(o.why.text, "No space left"));
	assert_int_equal(count(p, "example.org/ada/tmp", name), 0);
	assert_int_equal(count(p, "example.org/ada/new", name), 1);
	refuse_writes = EDQUOT;
	assert_string_equal(maildir_deliver(p->root, ADA, ADA, &m).code, "4.2.2");
	refuse_writes = 0;
	assert_int_equal(maildir_deliver(p->root, ADA, ADA, &m).result, MAILDIR_DELIVERED);
}

static void what_crashes_left_is_swept_when_it_is_old(void **state)
{
	struct place *p = *state;
	char name[256];

	assert_int_equal(deliver(p, ADA, MESSAGE).result, MAILDIR_DELIVERED);
	assert_int_equal(sweep(p->root, clock_wall_ms() - HOUR), 0);
	assert_int_equal(count(p, "example.org/ada/tmp", name), 1);
	assert_int_equal(sweep(p->root, clock_wall_ms() + HOUR), 1);
	assert_int_equal(count(p, "example.org/ada/tmp", name), 0);
	assert_int_equal(count(p, "example.org/ada/new", name), 1);
}

static void settling_what_was_never_delivered_is_harmless(void **state)
{
	struct place *p = *state;

	maildir_settle(p->root, ADA, ADA, STR("ff"));
	maildir_settle(p->root, STR("@"), ADA, STR("ff"));
	maildir_settle(p->root, ADA, ADA, STR("../x"));
}

int main(void)
{
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		IN_PLACE(a_message_is_delivered_whole_with_lines_that_end_in_lf),
		IN_PLACE(the_folders_for_the_web_mail_and_dovecot_are_there),
		IN_PLACE(a_delivery_is_not_made_twice),
		IN_PLACE(nor_when_it_was_read_and_moved_in_between),
		IN_PLACE(what_a_crash_left_half_written_is_written_anew),
		IN_PLACE(two_recipients_of_one_mailbox_get_a_copy_each),
		IN_PLACE(line_ends_across_the_chunk_are_kept_right),
		IN_PLACE(no_address_breaks_out_of_its_header_line),
		cmocka_unit_test(an_address_names_a_folder_and_nothing_else),
		cmocka_unit_test(a_nul_in_a_local_part_is_written_out),
		IN_PLACE(names_too_long_for_a_directory_fail_for_good),
		IN_PLACE(links_are_not_followed),
		IN_PLACE(a_strange_queue_id_names_no_file),
		IN_PLACE(a_full_disk_means_later_and_leaves_nothing_behind),
		IN_PLACE(what_crashes_left_is_swept_when_it_is_old),
		IN_PLACE(settling_what_was_never_delivered_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
