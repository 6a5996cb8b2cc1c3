/* SPDX-License-Identifier: ISC
 *
 * test_tlsa.c - which TLSA records count, from their bytes.
 */
#include "mail/tlsa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Read from memory that ends where the record does, so that a byte too far is seen. */
static bool reads(const void *bytes, size_t len, struct tlsa *to)
{
	char *copy = malloc(len ? len : 1);

	if (len)
		memcpy(copy, bytes, len);
	bool usable = tlsa_read((struct str){ copy, len }, to);
	if (usable)
		to->data.at = NULL;
	free(copy);
	return usable;
}

static bool usable(uint8_t usage, uint8_t selector, uint8_t matching, size_t data)
{
	uint8_t bytes[3 + 100] = { usage, selector, matching };
	struct tlsa tlsa;

	return reads(bytes, 3 + data, &tlsa);
}

static void a_digest_of_certificate_or_key_is_usable(void **state)
{
	const char bytes[3 + 32] = { 3, 1, 1, 'x' };
	struct tlsa tlsa;

	(void)state;
	assert_true(tlsa_read((struct str){ bytes, sizeof bytes }, &tlsa));
	assert_int_equal(tlsa.usage, TLSA_USAGE_EE);
	assert_int_equal(tlsa.selector, TLSA_SELECTOR_KEY);
	assert_int_equal(tlsa.matching, TLSA_MATCHING_SHA256);
	assert_ptr_equal(tlsa.data.at, bytes + 3);
	assert_int_equal(tlsa.data.len, 32);
	for (uint8_t usage = 2; usage <= 3; usage++)
		for (uint8_t selector = 0; selector <= 1; selector++) {
			assert_true(usable(usage, selector, 1, 32));
			assert_true(usable(usage, selector, 2, 64));
		}
}

static void usages_of_the_web_and_unknown_ones_are_not(void **state)
{
	(void)state;
	for (unsigned usage = 0; usage <= 255; usage++)
		assert_int_equal(usable((uint8_t)usage, 1, 1, 32), usage == 2 || usage == 3);
}

static void unknown_selectors_and_matching_types_are_not(void **state)
{
	(void)state;
	for (unsigned n = 0; n <= 255; n++) {
		assert_int_equal(usable(3, (uint8_t)n, 1, 32), n <= 1);
		assert_int_equal(usable(3, 1, (uint8_t)n, 32), n == 1);
		assert_int_equal(usable(3, 1, (uint8_t)n, 64), n == 2);
	}
}

static void a_digest_has_its_length(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 100; len++) {
		assert_int_equal(usable(3, 1, 1, len), len == 32);
		assert_int_equal(usable(2, 0, 2, len), len == 64);
	}
}

static void what_has_no_data_is_not(void **state)
{
	static const uint8_t bytes[] = { 3, 1, 1 }, full[] = { 3, 1, 0 };
	struct tlsa tlsa;

	(void)state;
	for (size_t len = 0; len <= 3; len++) {
		assert_false(reads(bytes, len, &tlsa));
		assert_false(reads(full, len, &tlsa));
	}
}

static bool full(const void *der, size_t len)
{
	char *bytes = calloc(1, 3 + len);
	struct tlsa tlsa;

	bytes[0] = 3;
	if (len)
		memcpy(bytes + 3, der, len);
	bool taken = reads(bytes, 3 + len, &tlsa);
	free(bytes);
	return taken;
}

/* A SEQUENCE of `len` octets whose length is written in `octets` octets behind the first. */
static bool sequence(size_t octets, size_t len, size_t there)
{
	unsigned char *der = calloc(1, 6 + there);

	der[0] = 0x30;
	der[1] = (unsigned char)(octets ? 0x80 | octets : len);
	for (size_t i = 0; i < octets; i++)
		der[2 + i] = (unsigned char)(len >> 8 * (octets - 1 - i));
	bool taken = full(der, 2 + octets + there);
	free(der);
	return taken;
}

static void a_whole_certificate_is_one_sequence_in_der(void **state)
{
	(void)state;
	assert_true(sequence(0, 1, 1));
	assert_true(sequence(0, 127, 127));
	assert_true(sequence(1, 128, 128));
	assert_true(sequence(1, 255, 255));
	assert_true(sequence(2, 256, 256));
	assert_true(sequence(2, 1500, 1500));
	assert_true(sequence(2, 65535, 65535));
	assert_true(sequence(3, 65536, 65536));
}

static void a_length_that_lies_or_is_spelt_longer_is_none(void **state)
{
	(void)state;
	assert_false(sequence(0, 2, 1));
	assert_false(sequence(0, 1, 2));
	assert_false(sequence(0, 0, 0));
	assert_false(sequence(1, 127, 127));
	assert_false(sequence(1, 128, 127));
	assert_false(sequence(1, 128, 129));
	assert_false(sequence(2, 255, 255));
	assert_false(sequence(2, 256, 255));
	assert_false(sequence(3, 65535, 65535));
	assert_false(sequence(4, 65536, 65536));
}

static void what_is_no_sequence_is_no_certificate(void **state)
{
	static const char cases[][4] = { { 0x30, (char)0x80, 0, 0 }, /* indefinite */
		{ 0x30, (char)0x82, 1 }, { 0x30, (char)0xff, 1, 1 }, { 0x31, 2, 5, 0 },
		{ 4, 2, 5, 0 }, { 0, 0, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t len = 0; len <= 4; len++)
			assert_false(full(cases[i], len));
	assert_true(full("\x30\x02\x05\x00", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digest_of_certificate_or_key_is_usable),
		cmocka_unit_test(usages_of_the_web_and_unknown_ones_are_not),
		cmocka_unit_test(unknown_selectors_and_matching_types_are_not),
		cmocka_unit_test(a_digest_has_its_length),
		cmocka_unit_test(what_has_no_data_is_not),
		cmocka_unit_test(a_whole_certificate_is_one_sequence_in_der),
		cmocka_unit_test(a_length_that_lies_or_is_spelt_longer_is_none),
		cmocka_unit_test(what_is_no_sequence_is_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
