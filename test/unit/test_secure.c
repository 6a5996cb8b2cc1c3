/* SPDX-License-Identifier: ISC
 *
 * test_secure.c - what both sides of TLS may agree on at all.
 */
#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Nothing anonymous, nothing without encryption, no tag of 64 bits, nothing below 128 bits. */
static void every_cipher_seals(void **state)
{
	SSL_CTX *context = tls_context(TLS_client_method());
	const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context);

	(void)state;
	assert_true(sk_SSL_CIPHER_num(ciphers) > 10);
	for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
		const char *name = SSL_CIPHER_get_name(cipher);

		if (strstr(name, "CCM") || SSL_CIPHER_get_bits(cipher, NULL) < 128 ||
			SSL_CIPHER_get_auth_nid(cipher) == NID_auth_null)
			fail_msg("%s", name);
	}
	SSL_CTX_free(context);
}

static void tls_begins_at_1_2(void **state)
{
	SSL_CTX *context = tls_context(TLS_server_method());

	(void)state;
	assert_int_equal(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_get_security_level(context), 2);
	SSL_CTX_free(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cipher_seals),
		cmocka_unit_test(tls_begins_at_1_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
