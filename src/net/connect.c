/* SPDX-License-Identifier: ISC
 *
 * connect.c - TLS as a client. Runs in delivery's worker threads. What a host shows in the
 * handshake becomes a fact for policy (verify.c); whether that is good enough is decided there,
 * but for what a connection must never lack: TLS 1.2, a common cipher, keys of our security level.
 * One table says which error or alert is which row of policy.md section 3.
 */
#include "net/secure.h"

#include "base/must.h"
#include "net/hello.h"
#include "net/tls.h"
#include "net/verify.h"
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SECURITY_BITS = 112 }; /* level 2 */

struct tls_client {
	SSL_CTX *context;	   /* any certificate will do to shake hands */
	struct verifier *verifier; /* what it proves is asked afterwards */
};

/* OpenSSL's reasons for a failed handshake. Alerts the peer sent are those with ALERT in their
 * name. What isn't listed is "any other alert or local protocol error". */
static const struct {
	int reason;
	enum hello hello;
} failures[] = {
	{ SSL_R_WRONG_VERSION_NUMBER, HELLO_NOT_TLS },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, HELLO_TLS_INCOMPATIBLE },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, HELLO_TLS_INCOMPATIBLE },
	{ SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, HELLO_TLS_INCOMPATIBLE },
	{ SSL_R_UNSUPPORTED_PROTOCOL, HELLO_TLS_INCOMPATIBLE },
	{ SSL_R_WRONG_SSL_VERSION, HELLO_TLS_INCOMPATIBLE },
	{ SSL_R_DH_KEY_TOO_SMALL, HELLO_TLS_INCOMPATIBLE },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, HELLO_TLS_LOST },
	{ ERR_R_MALLOC_FAILURE, HELLO_LOCAL_FAULT },
};

enum hello hello_of_tls_error(unsigned long error)
{
	if (error == 0 || ERR_GET_LIB(error) == ERR_LIB_SYS)
		return HELLO_TLS_LOST;
	for (size_t i = 0; i < count_of(failures); i++)
		if (failures[i].reason == ERR_GET_REASON(error))
			return failures[i].hello;
	return HELLO_TLS_ALERT;
}

/* Every certificate passes: no check may end a handshake, and only the plan's are made. */
static int pass_any(X509_STORE_CTX *chain, void *nothing)
{
	(void)chain, (void)nothing;
	return 1;
}

struct tls_client *tls_client_new(struct str ca, struct why *why)
{
	struct tls_client *tls = must_alloc(sizeof *tls);

	tls->context = tls_context(TLS_client_method());
	SSL_CTX_set_cert_verify_callback(tls->context, pass_any, NULL);
	/* No session is taken up again: each handshake shows its chain. */
	SSL_CTX_set_options(tls->context, SSL_OP_NO_TICKET);
	tls->verifier = verifier_new(ca, why);
	if (!tls->verifier)
		tls_client_free(&tls);
	return tls;
}

X509_STORE *tls_client_store(const struct tls_client *tls)
{
	return verifier_store(tls->verifier);
}

void tls_client_free(struct tls_client **tls)
{
	if (!*tls)
		return;
	SSL_CTX_free((*tls)->context);
	verifier_free(&(*tls)->verifier);
	free(*tls);
	*tls = NULL;
}

static SSL *ssl_new(
	const struct tls_client *tls, const struct secure_target *target, const struct plain *plain)
{
	char name[256];
	SSL *ssl = SSL_new(tls->context);

	must(ssl && SSL_set_fd(ssl, plain->wire.fd) == 1);
	must(target->server_name.len < sizeof name);
	if (!target->server_name.len)
		return ssl;
	memcpy(name, target->server_name.at, target->server_name.len);
	name[target->server_name.len] = 0;
	must(SSL_set_tlsext_host_name(ssl, name) == 1);
	return ssl;
}

/* What has come of the first record: false once it can't be a TLS handshake or alert record. */
static bool may_be_tls(int fd)
{
	unsigned char head[5];
	ssize_t n = recv(fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);

	if (n < 1)
		return true; /* an end or an error; the handshake will say which */
	if (head[0] != SSL3_RT_HANDSHAKE && head[0] != SSL3_RT_ALERT)
		return false;
	if (n >= 2 && head[1] != SSL3_VERSION_MAJOR)
		return false;
	return n < 5 || (head[3] << 8 | head[4]) <= SSL3_RT_MAX_PLAIN_LENGTH;
}

static bool wait_for(int fd, short events, struct deadline deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int ready;

	do
		ready = poll(&poll_fd, 1, deadline_poll_ms(deadline));
	while ((ready < 0 && errno == EINTR) || (ready == 0 && !deadline_passed(deadline)));
	return ready > 0;
}

/* Write our hello and read nothing, so that the answer's first bytes can be looked at before
 * OpenSSL takes them: it reads from an empty memory for this long. */
static bool say_hello(SSL *ssl, int fd, struct deadline deadline)
{
	BIO *socket = SSL_get_rbio(ssl), *nothing = BIO_new(BIO_s_mem());
	int error;

	must(nothing && BIO_up_ref(socket) == 1);
	BIO_set_mem_eof_return(nothing, -1);
	SSL_set0_rbio(ssl, nothing);
	do {
		ERR_clear_error();
		error = SSL_get_error(ssl, SSL_connect(ssl));
	} while (error == SSL_ERROR_WANT_WRITE && wait_for(fd, POLLOUT, deadline));
	SSL_set0_rbio(ssl, socket);
	return error == SSL_ERROR_WANT_READ;
}

static enum hello shake_hands(SSL *ssl, int fd, struct deadline deadline)
{
	if (!say_hello(ssl, fd, deadline) || !wait_for(fd, POLLIN, deadline))
		return HELLO_TLS_LOST;
	if (!may_be_tls(fd))
		return HELLO_NOT_TLS;
	for (;;) {
		ERR_clear_error();
		errno = 0;
		int status = SSL_connect(ssl);
		if (status == 1)
			return HELLO_SECURED;
		enum wire_result result = tls_wait(ssl, status, deadline);
		if (result == WIRE_ERROR)
			return hello_of_tls_error(ERR_peek_error());
		if (result != WIRE_OK || deadline_passed(deadline))
			return HELLO_TLS_LOST;
	}
}

/* A key below our security level seals nothing. The groups of the exchange are OpenSSL's to
 * check; keys in certificates are not, where nobody verifies them. */
static bool key_is_strong(SSL *ssl)
{
	X509 *peer = SSL_get0_peer_certificate(ssl);
	EVP_PKEY *key = peer ? X509_get0_pubkey(peer) : NULL;

	return key && EVP_PKEY_get_security_bits(key) >= SECURITY_BITS;
}

static void why_not_secured(struct why *why, enum hello hello)
{
	if (ERR_peek_error())
		tls_why(why, "TLS");
	else if (hello == HELLO_NOT_TLS)
		why_not(why, "TLS: the first record is none of TLS");
	else if (hello == HELLO_TLS_INCOMPATIBLE)
		why_not(why, "TLS: the key is too weak");
	else
		why_not(why, "TLS: the connection was lost in the handshake");
	ERR_clear_error();
}

struct secure *secure_connect(struct plain **plain, const struct tls_client *tls,
	const struct secure_target *target, struct deadline deadline, struct host_facts *host,
	struct why *why)
{
	must(wire_buffered(&(*plain)->wire).len == 0 && (*plain)->wire.out.len == 0);
	SSL *ssl = ssl_new(tls, target, *plain);
	enum hello hello = shake_hands(ssl, (*plain)->wire.fd, deadline);

	if (hello == HELLO_SECURED && !key_is_strong(ssl))
		hello = HELLO_TLS_INCOMPATIBLE;
	host->hello = hello;
	if (hello != HELLO_SECURED) {
		why_not_secured(why, hello);
		SSL_free(ssl);
		plain_close(plain);
		return NULL;
	}
	const struct shown shown = { SSL_get0_peer_certificate(ssl), SSL_get_peer_cert_chain(ssl) };
	verify_peer(tls->verifier, &shown, target, host);
	struct secure *secure = tls_sealed(plain, ssl);
	secure->proved = DEMAND_TLS;
	return secure;
}
