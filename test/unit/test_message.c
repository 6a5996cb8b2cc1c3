/* SPDX-License-Identifier: ISC
 *
 * test_message.c - what is packed comes out again; what a hostile role packs does no harm.
 */
#include "call/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void pack_example(struct buf *to)
{
	struct text senders[] = { { STR("ada@example.test") }, { STR("") } };
	struct envelope_recipient recipients[] = {
		{ .address = STR("bob@a.test"),
			.notify = NOTIFY_FAILURE,
			.orcpt = STR("rfc822;b") },
		{ .address = STR("eve@b.test") },
	};
	struct accept_ask ask = {
		.id = STR("0011223344556677"),
		.account = UINT64_MAX,
		.sender = STR("ada@secure.example.test"),
		.header_senders = { senders, 2 },
		.recipients = { recipients, 2 },
		.subject = STR("a\0b"),
		.size = 812,
	};

	pack_accept_ask(to, &ask);
}

static void a_message_comes_out_as_it_went_in(void **state)
{
	scoped(buf_free) struct buf packed = BUF(65536);
	scoped(arena_free) struct arena arena = ARENA(65536);
	struct accept_ask ask;

	(void)state;
	pack_example(&packed);
	struct str rest = buf_str(&packed);
	assert_true(unpack_accept_ask(&rest, &arena, &ask));
	assert_int_equal(rest.len, 0);
	assert_true(str_eq(ask.id, STR("0011223344556677")));
	assert_true(ask.account == UINT64_MAX);
	assert_int_equal(ask.header_senders.len, 2);
	assert_true(str_eq(ask.header_senders.at[0].text, STR("ada@example.test")));
	assert_int_equal(ask.header_senders.at[1].text.len, 0);
	assert_int_equal(ask.recipients.len, 2);
	assert_int_equal(ask.recipients.at[0].notify, NOTIFY_FAILURE);
	assert_true(str_eq(ask.recipients.at[1].address, STR("eve@b.test")));
	assert_true(str_eq(ask.subject, STR("a\0b")));
	assert_int_equal(ask.size, 812);
}

static void a_message_cut_anywhere_is_malformed(void **state)
{
	scoped(buf_free) struct buf packed = BUF(65536);

	(void)state;
	pack_example(&packed);
	for (size_t n = 0; n < packed.len; n++) {
		scoped(arena_free) struct arena arena = ARENA(65536);
		struct accept_ask ask;
		/* A copy of its own size, so that reading past it is seen. */
		scoped(buf_free) struct buf cut = BUF(n + 1);
		buf_add(&cut, str_head(buf_str(&packed), n));
		struct str rest = buf_str(&cut);
		assert_false(unpack_accept_ask(&rest, &arena, &ask));
	}
}

static void a_byte_changed_anywhere_does_no_harm(void **state)
{
	scoped(buf_free) struct buf packed = BUF(65536);

	(void)state;
	pack_example(&packed);
	for (size_t i = 0; i < packed.len; i++) {
		for (int value = 0; value < 256; value += 51) {
			scoped(arena_free) struct arena arena = ARENA(65536);
			struct accept_ask ask;
			char was = packed.at[i];
			packed.at[i] = (char)value;
			struct str rest = buf_str(&packed);
			if (unpack_accept_ask(&rest, &arena, &ask))
				assert_true(ask.sender.len <= packed.len);
			packed.at[i] = was;
		}
	}
}

static void add_number(struct buf *to, uint64_t number)
{
	for (size_t i = 0; i < 8; i++)
		buf_add_char(to, (char)(number >> (8 * i)));
}

static bool unpack_list_of(uint64_t count, size_t room, size_t arena_room)
{
	scoped(buf_free) struct buf packed = BUF(65536);
	scoped(arena_free) struct arena arena = ARENA(arena_room);
	struct user_list_answer answer;

	add_number(&packed, count);
	for (size_t i = 0; i < room; i++)
		buf_add_char(&packed, '\0');
	struct str rest = buf_str(&packed);
	return unpack_user_list_answer(&rest, &arena, &answer);
}

/* The least that an element of the list takes: a number, or the length of an empty text, is eight
 * bytes. */
#define ONE_FIELD(...) +8
enum { USER_LEAST = 0 FIELDS_user(ONE_FIELD, ONE_FIELD, ONE_FIELD) };

static void a_count_is_believed_only_as_far_as_the_bytes_go(void **state)
{
	(void)state;
	assert_true(unpack_list_of(0, 0, 1000));
	assert_true(unpack_list_of(10, 10 * (size_t)USER_LEAST, 65536));
	assert_false(unpack_list_of(11, 10 * (size_t)USER_LEAST, 65536));
	assert_false(unpack_list_of(UINT64_MAX, 1000, 65536));
	assert_false(unpack_list_of(UINT64_MAX / 8, 1000, 65536));
	assert_false(unpack_list_of(UINT64_C(1) << 61, 1000, 65536));
}

static void a_list_larger_than_the_arena_is_refused(void **state)
{
	(void)state;
	assert_false(unpack_list_of(10, 10 * 6 * 8, 100));
}

static void a_string_longer_than_the_message_is_refused(void **state)
{
	const uint64_t lengths[] = { 9, 1000, UINT64_MAX, UINT64_C(1) << 63 };

	(void)state;
	for (size_t i = 0; i < count_of(lengths); i++) {
		scoped(buf_free) struct buf packed = BUF(100);
		struct address_ask ask;
		struct arena arena = ARENA(100);
		add_number(&packed, lengths[i]);
		buf_add(&packed, STR("12345678"));
		struct str rest = buf_str(&packed);
		assert_false(unpack_address_ask(&rest, &arena, &ask));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_comes_out_as_it_went_in),
		cmocka_unit_test(a_message_cut_anywhere_is_malformed),
		cmocka_unit_test(a_byte_changed_anywhere_does_no_harm),
		cmocka_unit_test(a_count_is_believed_only_as_far_as_the_bytes_go),
		cmocka_unit_test(a_list_larger_than_the_arena_is_refused),
		cmocka_unit_test(a_string_longer_than_the_message_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
