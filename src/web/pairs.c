/* SPDX-License-Identifier: ISC
 *
 * pairs.c - see pairs.h. libmicrohttpd takes one pair at its start and no other later; asked at
 * every handshake, we can have several kinds of keys and renew them.
 */
#include "web/pairs.h"

#include "base/must.h"
#include <stdatomic.h>
#include <stdlib.h>

enum { CHAIN_MAX = 16 };

struct pair {
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned length;
	gnutls_privkey_t key;
};

struct pairs {
	size_t n;
	struct pair at[];
};

/* libgnutls hands nothing of ours to its callback. */
static _Atomic(struct pairs *) in_use;

static gnutls_datum_t datum(struct str s)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)s.at, (unsigned)s.len };
}

/* The chain must end in a key that is the one we have. */
static bool fits(const struct pair *pair)
{
	gnutls_pubkey_t own;
	unsigned char mine[32], shown[32];
	size_t mine_size = sizeof mine, shown_size = sizeof shown;

	if (gnutls_pubkey_init(&own) != 0)
		return false;
	bool same = gnutls_pubkey_import_privkey(own, pair->key, 0, 0) == 0 &&
		    gnutls_pubkey_get_key_id(own, GNUTLS_KEYID_USE_SHA256, mine, &mine_size) == 0 &&
		    gnutls_pubkey_get_key_id(pair->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, shown,
			    &shown_size) == 0 &&
		    str_eq((struct str){ (char *)mine, mine_size },
			    (struct str){ (char *)shown, shown_size });
	gnutls_pubkey_deinit(own);
	return same;
}

static bool read_pair(struct pair *pair, struct str chain, struct str key, struct why *why)
{
	gnutls_datum_t chain_datum = datum(chain), key_datum = datum(key);

	pair->length = CHAIN_MAX;
	int error = gnutls_pcert_list_import_x509_raw(
		pair->chain, &pair->length, &chain_datum, GNUTLS_X509_FMT_PEM, 0);
	if (error == 0)
		error = gnutls_privkey_init(&pair->key);
	if (error == 0)
		error = gnutls_privkey_import_x509_raw(
			pair->key, &key_datum, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (error != 0)
		return why_not(why, "%s", gnutls_strerror(error));
	return fits(pair) || why_not(why, "the key isn't that of the certificate");
}

struct pairs *pairs_new(
	const struct str *chains, const struct str *keys, size_t n, size_t *bad, struct why *why)
{
	struct pairs *pairs = must_alloc(sizeof *pairs + n * sizeof pairs->at[0]);

	for (pairs->n = 0; pairs->n < n; pairs->n++) {
		*bad = pairs->n;
		if (!read_pair(&pairs->at[pairs->n], chains[*bad], keys[*bad], why))
			return NULL;
	}
	return pairs;
}

void pairs_use(struct pairs *pairs)
{
	in_use = pairs;
}

static bool suits(
	const struct pair *pair, const gnutls_pk_algorithm_t *algorithms, int n_algorithms)
{
	int own = gnutls_privkey_get_pk_algorithm(pair->key, NULL);

	for (int i = 0; i < n_algorithms; i++) {
		if ((int)algorithms[i] == own)
			return true;
	}
	return n_algorithms <= 0;
}

int pairs_choose(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
	const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain,
	unsigned *length, gnutls_privkey_t *key)
{
	struct pairs *pairs = in_use;

	(void)session, (void)authorities, (void)n_authorities;
	for (size_t i = 0; pairs && i < pairs->n; i++) {
		struct pair *pair = &pairs->at[i];
		if (!suits(pair, algorithms, n_algorithms))
			continue;
		*chain = pair->chain;
		*length = pair->length;
		*key = pair->key;
		return 0;
	}
	return -1;
}
