/* SPDX-License-Identifier: ISC
 *
 * signature.c - see signature.h. No configuration file of libcrypto is read: what is signed and
 * how is said here.
 */
#include "base/signature.h"

#include "base/fd.h"
#include "base/must.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_BYTES = 32, SIGNATURE_BYTES = 64, PEM_MAX = 4096 };

struct signing_key {
	EVP_PKEY *pair;
};

/* --- hex --- */

static void write_hex(const unsigned char *bytes, size_t n, char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
}

static bool read_hex(struct str hex, unsigned char *bytes, size_t n)
{
	uint64_t byte;

	if (hex.len != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!str_hex_to_u64(str_head(str_tail(hex, 2 * i), 2), &byte))
			return false;
		bytes[i] = (unsigned char)byte;
	}
	return true;
}

/* --- digests --- */

struct digest digest_none(void)
{
	struct digest d;

	memset(d.hex, '0', sizeof d.hex);
	return d;
}

struct digest digest_of(struct str bytes)
{
	unsigned char raw[KEY_BYTES];
	struct digest d;
	const char *at = bytes.at ? bytes.at : "";

	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);
	must(EVP_Digest(at, bytes.len, raw, NULL, EVP_sha256(), NULL) == 1);
	write_hex(raw, sizeof raw, d.hex);
	return d;
}

bool digest_read(struct str hex, struct digest *d)
{
	unsigned char raw[KEY_BYTES];

	if (!read_hex(hex, raw, sizeof raw))
		return false;
	memcpy(d->hex, hex.at, sizeof d->hex);
	return true;
}

/* --- keys --- */

static void free_pkey(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void free_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static bool is_ed25519(const EVP_PKEY *key)
{
	return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
}

/* Write a file that is there whole or not at all. */
static bool write_file(const char *path, mode_t mode, struct str text, struct why *why)
{
	scoped(buf_free) struct buf new = BUF(4096);

	must(buf_printf(&new, "%s.new", path) && buf_add_char(&new, '\0'));
	scoped(fd_close) int fd =
		open(new.at, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 || fchmod(fd, mode) != 0 || !fd_write_all(fd, text) || fsync(fd) != 0)
		return why_errno(why, "can't write %s", new.at);
	return rename(new.at, path) == 0 || why_errno(why, "can't rename %s", new.at);
}

static bool read_file(const char *path, struct buf *text, struct why *why)
{
	scoped(fd_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return (fd >= 0 && fd_read_all(fd, text)) || why_errno(why, "can't read %s", path);
}

static struct str bio_text(BIO *bio)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);

	return (struct str){ at, (size_t)len };
}

static bool make_key(const char *path, EVP_PKEY **key, struct why *why)
{
	scoped(free_bio) BIO *pem = BIO_new(BIO_s_mem());

	*key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!pem || !*key ||
		PEM_write_bio_PKCS8PrivateKey(pem, *key, NULL, NULL, 0, NULL, NULL) != 1)
		return why_not(why, "can't make a key");
	bool written = write_file(path, 0600, bio_text(pem), why);
	OPENSSL_cleanse((char *)bio_text(pem).at, bio_text(pem).len);
	return written;
}

static bool read_key(const char *path, EVP_PKEY **key, struct why *why)
{
	scoped(buf_free) struct buf text = BUF(PEM_MAX);

	if (!read_file(path, &text, why))
		return false;
	scoped(free_bio) BIO *pem = BIO_new_mem_buf(text.at ? text.at : "", (int)text.len);
	must(pem != NULL);
	/* A user function that gives no password, so that nothing is asked on a terminal. */
	*key = PEM_read_bio_PrivateKey(pem, NULL, NULL, "");
	if (text.at)
		OPENSSL_cleanse(text.at, text.len);
	return is_ed25519(*key) || why_not(why, "%s holds no Ed25519 key", path);
}

static bool write_public(const char *path, EVP_PKEY *key, struct why *why)
{
	scoped(free_bio) BIO *pem = BIO_new(BIO_s_mem());
	scoped(buf_free) struct buf there = BUF(PEM_MAX);

	if (!pem || PEM_write_bio_PUBKEY(pem, key) != 1)
		return why_not(why, "can't write the public key");
	if (read_file(path, &there, NULL) && str_eq(buf_str(&there), bio_text(pem)))
		return true;
	return write_file(path, 0644, bio_text(pem), why);
}

bool signing_key_open(const char *path, const char *public_path, struct signing_key **key,
	bool *made, struct why *why)
{
	struct stat there;
	scoped(free_pkey) EVP_PKEY *pair = NULL;

	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);
	*made = lstat(path, &there) != 0 && errno == ENOENT;
	bool opened = *made ? make_key(path, &pair, why) : read_key(path, &pair, why);
	ERR_clear_error();
	if (!opened || !write_public(public_path, pair, why))
		return false;
	*key = must_alloc(sizeof **key);
	(*key)->pair = pair;
	pair = NULL;
	return true;
}

void signing_key_free(struct signing_key **key)
{
	if (*key)
		EVP_PKEY_free((*key)->pair);
	free(*key);
	*key = NULL;
}

static bool public_of(const EVP_PKEY *key, struct digest *hex)
{
	unsigned char raw[KEY_BYTES];
	size_t n = sizeof raw;

	if (EVP_PKEY_get_raw_public_key(key, raw, &n) != 1 || n != sizeof raw)
		return false;
	write_hex(raw, n, hex->hex);
	return true;
}

struct digest signing_key_public(const struct signing_key *key)
{
	struct digest hex;

	must(public_of(key->pair, &hex));
	return hex;
}

bool public_key_of_pem(struct str pem, struct digest *public_key)
{
	if (pem.len > PEM_MAX)
		return false;
	scoped(free_bio) BIO *bio = BIO_new_mem_buf(pem.at ? pem.at : "", (int)pem.len);
	must(bio != NULL);
	scoped(free_pkey) EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	ERR_clear_error();
	return is_ed25519(key) && public_of(key, public_key);
}

/* --- signatures --- */

bool signing_key_sign(const struct signing_key *key, struct str bytes, struct signature *signature)
{
	unsigned char raw[SIGNATURE_BYTES];
	size_t n = sizeof raw;
	scoped(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool signed_ =
		context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1 &&
		EVP_DigestSign(context, raw, &n, (const unsigned char *)bytes.at, bytes.len) == 1 &&
		n == sizeof raw;

	ERR_clear_error();
	if (signed_)
		write_hex(raw, n, signature->hex);
	return signed_;
}

bool signature_holds(struct str public_key, struct str bytes, struct str signature)
{
	unsigned char key[KEY_BYTES], raw[SIGNATURE_BYTES];

	if (!read_hex(public_key, key, sizeof key) || !read_hex(signature, raw, sizeof raw))
		return false;
	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);
	scoped(free_pkey) EVP_PKEY *pair =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, sizeof key);
	scoped(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool holds = pair && context &&
		     EVP_DigestVerifyInit(context, NULL, NULL, NULL, pair) == 1 &&
		     EVP_DigestVerify(context, raw, sizeof raw, (const unsigned char *)bytes.at,
			     bytes.len) == 1;
	ERR_clear_error();
	return holds;
}
