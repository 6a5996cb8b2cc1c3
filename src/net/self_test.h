/* SPDX-License-Identifier: ISC
 *
 * self_test.h - does our resolver validate? policy.md section 7.
 */
#ifndef NET_SELF_TEST_H
#define NET_SELF_TEST_H

#include "net/resolve.h"

/* Does the setup have an anchor of the root? Without one there is nothing to test with. */
bool self_test_applies(const struct resolver_setup *setup);
/* Ask for `. SOA` twice, with fresh contexts: with the anchor of the setup it must be validated,
 * with one that no key can match it must be bogus. UNTESTED: no answer came. Blocks until the
 * deadline at most. */
enum resolver_health self_test(const struct resolver_setup *setup, struct deadline deadline);

#endif
