/* SPDX-License-Identifier: ISC
 *
 * test_openssl_conf.c - what an administrator, or a distribution, wrote into openssl.cnf neither
 * loosens nor tightens what we speak.
 */
#include "base/fd.h"
#include "net/fetch.h"
#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char conf[] = "openssl_conf = all\n"
			   "[all]\nssl_conf = ssl\n"
			   "[ssl]\nsystem_default = ours\n"
			   "[ours]\nOptions = -SessionTicket\nVerifyMode = Require\n";

static void the_configuration_of_openssl_has_no_say(void **state)
{
	char path[] = "/tmp/siegel-openssl-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && fd_write_all(fd, str_of(conf)));
	assert_int_equal(setenv("OPENSSL_CONF", path, 1), 0);
	fetch_prepare(); /* libcurl would have it read */
	SSL_CTX *context = tls_context(TLS_client_method());
	assert_int_equal(SSL_CTX_get_options(context) & SSL_OP_NO_TICKET, 0);
	assert_int_equal(SSL_CTX_get_verify_mode(context), SSL_VERIFY_NONE);
	SSL_CTX_free(context);
	close(fd);
	unlink(path);
}

/* What is left to OpenSSL's own list is there: shared secrets and passwords instead of names. */
static void every_cipher_is_one_that_was_named_in_code(void **state)
{
	SSL_CTX *context = tls_context(TLS_client_method());
	STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context);

	(void)state;
	assert_true(sk_SSL_CIPHER_num(ciphers) > 10);
	for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
		int how = SSL_CIPHER_get_auth_nid(cipher);
		assert_true(how != NID_auth_null && how != NID_auth_psk && how != NID_auth_srp);
		assert_true(SSL_CIPHER_get_kx_nid(cipher) != NID_kx_srp);
		assert_true(SSL_CIPHER_get_bits(cipher, NULL) >= 128);
	}
	SSL_CTX_free(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configuration_of_openssl_has_no_say),
		cmocka_unit_test(every_cipher_is_one_that_was_named_in_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
