/* SPDX-License-Identifier: ISC
 *
 * authority.c - see authority.h. Runs in siegel(1), on files the operator names. The store has no
 * OpenSSL and sees to the form alone, so that what is no certificate must be found here.
 */
#include "ctl/authority.h"

#include "base/clock.h"
#include "base/must.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void free_certificate(X509 **certificate)
{
	X509_free(*certificate);
}

/* The text to read from. What is in openssl.cnf is no business of ours. */
static BIO *open_text(struct str text)
{
	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);
	BIO *bio = BIO_new_mem_buf(text.len ? text.at : "", (int)text.len);
	must(bio != NULL);
	return bio;
}

/* The next certificate; NULL at the end, and *good is false where it is no end. */
static X509 *next(BIO *text, bool *good)
{
	ERR_clear_error();
	X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);

	*good = certificate || ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return certificate;
}

static int64_t not_after(const X509 *certificate)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm) * SECOND;
}

static bool add_pem(struct buf *to, X509 *certificate)
{
	scoped(free_bio) BIO *pem = BIO_new(BIO_s_mem());
	char *at;

	must(pem && PEM_write_bio_X509(pem, certificate) == 1);
	long len = BIO_get_mem_data(pem, &at);
	return buf_add(to, (struct str){ at, (size_t)len });
}

bool authority_read(struct str text, struct buf *to, struct why *why)
{
	scoped(free_bio) BIO *from = open_text(text);
	bool good;

	for (size_t n = 1;; n++) {
		scoped(free_certificate) X509 *certificate = next(from, &good);
		if (!good)
			return why_not(why, "certificate %zu of it can't be read", n);
		if (!certificate)
			return n > 1 || why_not(why, "there is no certificate in it");
		if (X509_check_ca(certificate) == 0)
			return why_not(why,
				"certificate %zu of it is no authority's; a server's own is "
				"stored by --certificate or --key",
				n);
		if (not_after(certificate) <= clock_wall_ms())
			return why_not(why, "certificate %zu of it has expired", n);
		if (!add_pem(to, certificate))
			return why_not(why, "it is too long");
	}
}

static struct str subject_of(const X509 *certificate, struct arena *arena)
{
	scoped(free_bio) BIO *text = BIO_new(BIO_s_mem());
	char *at;

	must(text != NULL);
	X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
		XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	long len = BIO_get_mem_data(text, &at);
	return arena_str(arena, (struct str){ at, len > 0 ? (size_t)len : 0 });
}

struct authority authority_of(struct str pem, struct arena *arena)
{
	scoped(free_bio) BIO *from = open_text(pem);
	struct authority authority = { .subject = STR("") };
	bool good;

	for (;;) {
		scoped(free_certificate) X509 *certificate = next(from, &good);
		if (!certificate)
			return authority;
		if (!authority.n++)
			authority.subject = subject_of(certificate, arena);
		if (!authority.not_after || not_after(certificate) < authority.not_after)
			authority.not_after = not_after(certificate);
	}
}
