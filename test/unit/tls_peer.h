/* SPDX-License-Identifier: ISC
 *
 * tls_peer.h - certificates made on the spot and TLS servers of every kind, for tests that play
 * the other side of a connection.
 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include "base/clock.h"
#include "base/must.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline EVP_PKEY *ec_key(void)
{
	return EVP_EC_gen("P-256");
}

/* A certificate for `name`, signed by `issuer_key` (its own key: self-signed), valid from `from`
 * to `to` seconds from now. */
static inline X509 *certificate_of(
	EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, long from, long to)
{
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);
	char alt[300];

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1 + (long)(uintptr_t)cert % 1000000);
	X509_gmtime_adj(X509_getm_notBefore(cert), from);
	X509_gmtime_adj(X509_getm_notAfter(cert), to);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
	X509_set_pubkey(cert, key);
	snprintf(alt, sizeof alt, "DNS:%s", name);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL,
		issuer ? NID_subject_alt_name : NID_basic_constraints,
		issuer ? alt : "critical,CA:TRUE");
	must(extension != NULL);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	must(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
	return cert;
}

/* What was written to `bio`, which is freed. The caller frees the text. */
static inline struct str pem_of(BIO *bio)
{
	char *at;
	long length = BIO_get_mem_data(bio, &at);
	struct str text = { malloc((size_t)length), (size_t)length };

	memcpy((char *)(uintptr_t)text.at, at, (size_t)length);
	BIO_free(bio);
	return text;
}

/* A self-signed certificate of `key` (consumed) for `name`, and the key, as tls_server_new takes
 * them. The caller frees both texts. */
static inline void pem_pair(
	EVP_PKEY *key, const char *name, struct str *chain, struct str *key_text)
{
	X509 *cert = certificate_of(key, name, NULL, key, -DAY / SECOND, DAY / SECOND);
	BIO *chain_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());

	must(PEM_write_bio_X509(chain_bio, cert) == 1);
	must(PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	*chain = pem_of(chain_bio);
	*key_text = pem_of(key_bio);
}

/* A server's context with a fresh self-signed certificate for `name`; NULL key: a P-256 one. It
 * takes TLS 1.0 and security level 0, so that a test can ask for less than our side allows. */
static inline SSL_CTX *tls_peer_new(const char *name, EVP_PKEY *key)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *own = key ? key : ec_key();
	X509 *cert = certificate_of(own, name, NULL, own, -DAY / SECOND, DAY / SECOND);

	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	must(SSL_CTX_use_certificate(context, cert) == 1);
	must(SSL_CTX_use_PrivateKey(context, own) == 1);
	X509_free(cert);
	if (!key)
		EVP_PKEY_free(own);
	return context;
}

#endif
