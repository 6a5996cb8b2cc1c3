/* SPDX-License-Identifier: ISC
 *
 * tls.h - what both sides of TLS share; for net/ alone (the contract is secure.h). Versions,
 * ciphers, groups and security level are set here and never inherited from openssl.cnf.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/secure.h"
#include <openssl/ssl.h>

/* A context for either side with all that policy fixes: TLS 1.2 or newer, our ciphers and groups,
 * no renegotiation, no compression. Never NULL. Freed by SSL_CTX_free. */
SSL_CTX *tls_context(const SSL_METHOD *method);
/* What policy fixes, for a context that somebody else made. */
void tls_demand(SSL_CTX *context);
/* The CA store of a client; empty where it has none. Lives as long as the client. */
X509_STORE *tls_client_store(const struct tls_client *tls);
/* Wait until a call for `ssl` can go on that gave `status` and no success; the error queue and errno
 * were cleared before it. WIRE_OK: try again. WIRE_EOF, WIRE_TIMEOUT; WIRE_ERROR: OpenSSL's error
 * queue (or errno) says what it was. */
enum wire_result tls_wait(SSL *ssl, int status, struct deadline deadline) must_use;
/* The connection, its handshake done. Consumes both. For secure_accept and secure_connect. */
struct secure *tls_sealed(struct plain **plain, SSL *ssl);
/* The first error in OpenSSL's queue of this thread in words; the queue is empty then. */
bool tls_why(struct why *why, const char *what);

#endif
