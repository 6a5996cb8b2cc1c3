/* SPDX-License-Identifier: ISC
 *
 * test_base_fd.c - descriptors that are passed, and bodies believed only when sealed.
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void a_sealed_memfd_is_mapped(void **state)
{
	scoped(fd_close) int fd = fd_memfd_of("body", STR("a mail"));
	scoped(fd_close) int empty = fd_memfd_of("body", STR(""));
	struct mapping mapping;
	struct why why;

	(void)state;
	assert_true(fd_map_sealed(fd, 6, &mapping, &why));
	assert_true(str_eq(mapping.bytes, STR("a mail")));
	fd_unmap(&mapping);
	assert_int_equal(mapping.bytes.len, 0);
	assert_true(fd_map_sealed(empty, 6, &mapping, &why));
	assert_int_equal(mapping.bytes.len, 0);
	fd_unmap(&mapping);
	assert_false(fd_map_sealed(fd, 5, &mapping, &why));
}

static void a_sealed_memfd_can_not_be_changed(void **state)
{
	scoped(fd_close) int fd = fd_memfd_of("body", STR("a mail"));

	(void)state;
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_true(mmap(NULL, 6, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
}

static void a_memfd_that_lacks_any_seal_is_refused(void **state)
{
	static const int seals[] = { F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_SEAL };
	struct mapping mapping;
	struct why why;

	(void)state;
	for (size_t missing = 0; missing < count_of(seals); missing++) {
		scoped(fd_close) int fd = fd_memfd("body");
		assert_true(fd_write_all(fd, STR("a mail")));
		for (size_t i = 0; i < count_of(seals); i++) {
			if (i != missing)
				assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		}
		assert_false(fd_map_sealed(fd, 100, &mapping, &why));
	}
}

static void what_is_no_memfd_is_refused(void **state)
{
	scoped(fd_close) int null = open("/dev/null", O_RDWR);
	struct mapping mapping;
	struct why why;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_false(fd_map_sealed(null, 100, &mapping, &why));
	assert_false(fd_map_sealed(ends[0], 100, &mapping, &why));
	assert_false(fd_map_sealed(-1, 100, &mapping, &why));
	close(ends[0]);
	close(ends[1]);
}

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void surplus_descriptors_are_closed(void **state)
{
	int ends[2], came[FD_PASS_MAX];
	char byte;
	size_t n = 1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	int before = open_descriptors();
	int sent[FD_PASS_MAX] = { ends[0], ends[0], ends[1], ends[1] };
	assert_true(fd_send(ends[0], STR("x"), sent, FD_PASS_MAX, 0));
	assert_int_equal(fd_receive(ends[1], &byte, 1, came, &n, 0), 1);
	assert_int_equal(n, 1);
	assert_int_equal(open_descriptors(), before + 1);
	assert_int_equal(fcntl(came[0], F_GETFD), FD_CLOEXEC);
	close(came[0]);
	int five[FD_PASS_MAX + 1] = { 0 };
	assert_false(fd_send(ends[0], STR("x"), five, FD_PASS_MAX + 1, 0));
	close(ends[0]);
	close(ends[1]);
}

static void a_file_is_read_up_to_its_limit(void **state)
{
	char path[] = "/tmp/test_base_fd.XXXXXX";
	scoped(fd_close) int file = mkstemp(path);
	struct why why;

	(void)state;
	assert_true(fd_write_all(file, STR("1234567890")));
	scoped(fd_close) int fd = fd_memfd_of_file(path, 10, &why);
	assert_true(fd >= 0);
	scoped(fd_close) int large = fd_memfd_of_file(path, 9, &why);
	assert_int_equal(large, -1);
	unlink(path);
	scoped(fd_close) int none = fd_memfd_of_file(path, 9, &why);
	assert_int_equal(none, -1);
	assert_non_null(strstr(why.text, "No such file"));
}

static void a_file_may_have_a_long_path(void **state)
{
	char path[4096] = "/tmp/";
	struct why why;

	(void)state;
	for (size_t i = 0; i < 150; i++)
		strcat(path, "./");
	strcat(path, "test_base_fd.XXXXXX");
	scoped(fd_close) int file = mkstemp(path);
	assert_true(file >= 0);
	scoped(fd_close) int fd = fd_memfd_of_file(path, 10, &why);
	unlink(path);
	assert_true(fd >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_memfd_is_mapped),
		cmocka_unit_test(a_sealed_memfd_can_not_be_changed),
		cmocka_unit_test(a_memfd_that_lacks_any_seal_is_refused),
		cmocka_unit_test(what_is_no_memfd_is_refused),
		cmocka_unit_test(surplus_descriptors_are_closed),
		cmocka_unit_test(a_file_is_read_up_to_its_limit),
		cmocka_unit_test(a_file_may_have_a_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
