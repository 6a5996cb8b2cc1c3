/* SPDX-License-Identifier: ISC
 *
 * test_store_retry.c - how long what is unknown waits before it is tried again.
 */
#include "store_world.h"

static void waits_grow_and_the_last_one_repeats(void **state)
{
	static const int64_t waits[] = { 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE,
		20 * MINUTE, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE };
	struct world *w = world_open();

	(void)state;
	assert_taken(w, mail(w, 1, "ada@example.test", "desk@hotel.test"));
	for (size_t i = 0; i < count_of(waits); i++) {
		assert_true(claim(w, &w->delivery));
		report(w, &w->delivery, RESULT_LATER, REASON_CONNECTION_LOST);
		pass(w, waits[i] - 1000);
		assert_false(claim(w, &w->delivery));
		pass(w, 1000);
	}
	assert_true(claim(w, &w->delivery));
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_and_the_last_one_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
