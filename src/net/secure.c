/* SPDX-License-Identifier: ISC
 *
 * secure.c - TLS as a server, and what both sides share. Runs in smtpd and delivery. The peer is
 * hostile until the handshake ends, and after it. Certificates and keys come from siegeld as
 * text; no file is opened here and openssl.cnf is never read.
 */
#include "net/secure.h"

#include "base/arena.h"
#include "base/fd.h"
#include "base/must.h"
#include "net/tls.h"
#include "net/verify.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* Every cipher that seals, with or without forward secrecy: whoever can't meet this list would
 * send in plaintext instead, which is no gain. No anonymous key exchange, nothing below 112 bits. */
#define CIPHERS_1_2                                                      \
	"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:" \
	"DHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!PSK:!SRP:!AESCCM:@SECLEVEL=2"
#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS	    "X25519:P-256:P-384:P-521"

struct tls_server {
	SSL_CTX *context;
};

void tls_demand(SSL_CTX *context)
{
	SSL_CTX_set_security_level(context, 2);
	must(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
	must(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1);
	must(SSL_CTX_set_cipher_list(context, CIPHERS_1_2) == 1);
	must(SSL_CTX_set_ciphersuites(context, CIPHERS_1_3) == 1);
	must(SSL_CTX_set1_groups_list(context, GROUPS) == 1);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

SSL_CTX *tls_context(const SSL_METHOD *method)
{
	must(OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);
	SSL_CTX *context = SSL_CTX_new(method);

	must(context != NULL);
	tls_demand(context);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* One recv(2) a record instead of two. */
	SSL_CTX_set_read_ahead(context, 1);
	return context;
}

bool tls_why(struct why *why, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return why_not(why, "%s: %s", what, reason ? reason : "no reason given");
}

static void free_certificate(X509 **certificate)
{
	X509_free(*certificate);
}

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_chain(STACK_OF(X509) * *chain)
{
	sk_X509_pop_free(*chain, X509_free);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

/* The issuers behind the first certificate. An end of the text is no error. */
static bool read_issuers(BIO *text, STACK_OF(X509) * chain)
{
	for (;;) {
		X509 *next = PEM_read_bio_X509(text, NULL, NULL, NULL);
		if (!next) {
			bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
			ERR_clear_error();
			return at_end;
		}
		must(sk_X509_push(chain, next) > 0);
	}
}

/* Never ask a terminal for a pass phrase. */
static int no_passphrase(char *to, int room, int writing, void *nothing)
{
	(void)to, (void)room, (void)writing, (void)nothing;
	return -1;
}

static bool use_pair(SSL_CTX *context, struct str chain_text, struct str key_text, struct why *why)
{
	scoped(free_bio) BIO *chain_bio = BIO_new_mem_buf(chain_text.at, (int)chain_text.len);
	scoped(free_bio) BIO *key_bio = BIO_new_mem_buf(key_text.at, (int)key_text.len);
	scoped(free_chain) STACK_OF(X509) *chain = sk_X509_new_null();

	must(chain_bio && key_bio && chain);
	scoped(free_certificate) X509 *own = PEM_read_bio_X509(chain_bio, NULL, NULL, NULL);
	if (!own || !read_issuers(chain_bio, chain))
		return tls_why(why, "the certificate can't be read");
	scoped(free_key) EVP_PKEY *key =
		PEM_read_bio_PrivateKey(key_bio, NULL, no_passphrase, NULL);
	if (!key)
		return tls_why(why, "the key can't be read");
	if (SSL_CTX_use_cert_and_key(context, own, key, chain, 1) != 1)
		return tls_why(why, "the certificate and its key can't be used");
	return true;
}

struct tls_server *tls_server_new(
	const struct str *chains, const struct str *keys, size_t n, struct why *why)
{
	struct tls_server *tls = must_alloc(sizeof *tls);

	tls->context = tls_context(TLS_server_method());
	must(SSL_CTX_set_num_tickets(tls->context, 1) == 1);
	bool good = n > 0 || why_not(why, "no certificate is given");
	for (size_t i = 0; i < n && good; i++)
		good = use_pair(tls->context, chains[i], keys[i], why);
	if (!good)
		tls_server_free(&tls);
	return tls;
}

void tls_server_free(struct tls_server **tls)
{
	if (*tls)
		SSL_CTX_free((*tls)->context);
	free(*tls);
	*tls = NULL;
}

enum wire_result tls_wait(SSL *ssl, int status, struct deadline deadline)
{
	int number = errno;

	switch (SSL_get_error(ssl, status)) {
	case SSL_ERROR_WANT_READ:
		return wire_wait(SSL_get_fd(ssl), POLLIN, deadline);
	case SSL_ERROR_WANT_WRITE:
		return wire_wait(SSL_get_fd(ssl), POLLOUT, deadline);
	case SSL_ERROR_ZERO_RETURN:
		return WIRE_EOF;
	case SSL_ERROR_SYSCALL:
		errno = number;
		return number == 0 ? WIRE_EOF : WIRE_ERROR;
	default:
		/* OpenSSL 3 calls an end without close_notify an SSL error. */
		errno = number;
		return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
			       ? WIRE_EOF
			       : WIRE_ERROR;
	}
}

struct secure *tls_sealed(struct plain **plain, SSL *ssl)
{
	struct secure *secure = must_alloc(sizeof *secure);

	secure->wire = (*plain)->wire;
	secure->wire.ssl = ssl;
	secure->wire.held = SSL_has_pending(ssl);
	free(*plain);
	*plain = NULL;
	return secure;
}

static enum wire_result shake_hands(SSL *ssl, struct deadline deadline)
{
	for (;;) {
		ERR_clear_error();
		errno = 0;
		int status = SSL_accept(ssl);
		if (status == 1)
			return WIRE_OK;
		enum wire_result result = tls_wait(ssl, status, deadline);
		if (result != WIRE_OK)
			return result;
		if (deadline_passed(deadline))
			return WIRE_TIMEOUT;
	}
}

static void why_no_handshake(struct why *why, enum wire_result result)
{
	if (result == WIRE_TIMEOUT)
		why_not(why, "the handshake took too long");
	else if (result == WIRE_EOF)
		why_not(why, "the peer left in the handshake");
	else if (ERR_peek_error() == 0)
		why_errno(why, "the connection broke in the handshake");
	else
		tls_why(why, "the handshake failed");
	ERR_clear_error();
}

struct secure *secure_accept(struct plain **plain, const struct tls_server *tls,
	struct deadline deadline, struct why *why)
{
	SSL *ssl = SSL_new(tls->context);

	must(wire_buffered(&(*plain)->wire).len == 0 && (*plain)->wire.out.len == 0);
	must(ssl && SSL_set_fd(ssl, (*plain)->wire.fd) == 1);
	enum wire_result result = shake_hands(ssl, deadline);
	if (result == WIRE_OK)
		return tls_sealed(plain, ssl);
	why_no_handshake(why, result);
	SSL_free(ssl);
	plain_close(plain);
	return NULL;
}

void secure_close(struct secure **secure)
{
	if (!*secure)
		return;
	struct wire *wire = &(*secure)->wire;
	if (!wire->broken) {
		ERR_clear_error();
		SSL_shutdown(wire->ssl);
		ERR_clear_error();
	}
	SSL_free(wire->ssl);
	fd_close(&wire->fd);
	buf_free(&wire->in);
	buf_free(&wire->out);
	free(*secure);
	*secure = NULL;
}

static const char *group_name(SSL *ssl)
{
	int nid = (int)SSL_get_negotiated_group(ssl);

	switch (nid) {
	case NID_undef:
		return "";
	case NID_X9_62_prime256v1:
		return "P-256";
	case NID_secp384r1:
		return "P-384";
	case NID_secp521r1:
		return "P-521";
	default:
		return OBJ_nid2sn(nid) ? OBJ_nid2sn(nid) : "";
	}
}

void secure_seal(const struct secure *secure, struct arena *arena, struct seal *seal)
{
	SSL *ssl = secure->wire.ssl;
	X509 *peer = SSL_get0_peer_certificate(ssl);

	*seal = (struct seal){ .version = str_of(SSL_get_version(ssl)),
		.cipher = str_of(SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl))),
		.group = str_of(group_name(ssl)),
		.certificate = STR(""),
		.key = STR("") };
	if (!peer)
		return;
	struct digest certificate = verify_certificate_digest(peer), key = verify_key_digest(peer);
	seal->certificate = arena_str(arena, digest_str(&certificate));
	seal->key = arena_str(arena, digest_str(&key));
}
