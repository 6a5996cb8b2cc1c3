/* SPDX-License-Identifier: ISC
 *
 * certificate.c - see certificate.h. Runs in delivery. Names in certificates are whatever the peer
 * put there.
 */
#include "net/certificate.h"

#include "base/must.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <time.h>

static struct str name_text(const X509_NAME *name, struct arena *arena)
{
	BIO *text = BIO_new(BIO_s_mem());
	char *at = NULL;

	must(text != NULL);
	X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	long len = BIO_get_mem_data(text, &at);
	struct str all = { at, len > 0 ? (size_t)len : 0 };
	struct str copy = arena_str(arena, str_head(all, CERTIFICATE_NAME_MAX));
	BIO_free(text);
	ERR_clear_error();
	return copy;
}

static int64_t wall_of(const ASN1_TIME *time)
{
	struct tm date;

	if (!time || ASN1_TIME_to_tm(time, &date) != 1) {
		ERR_clear_error();
		return 0;
	}
	return (int64_t)timegm(&date) * SECOND;
}

void certificate_read(const struct secure *secure, struct arena *arena, struct certificate *to)
{
	const X509 *peer = SSL_get0_peer_certificate(secure->wire.ssl);

	*to = (struct certificate){ .subject = STR(""), .issuer = STR("") };
	if (!peer)
		return;
	to->subject = name_text(X509_get_subject_name(peer), arena);
	to->issuer = name_text(X509_get_issuer_name(peer), arena);
	to->not_before = wall_of(X509_get0_notBefore(peer));
	to->not_after = wall_of(X509_get0_notAfter(peer));
}
