/* SPDX-License-Identifier: ISC
 *
 * pairs.h - certificates with their keys, as HTTPS shows them. A reload puts new ones in the place
 * of the old; connections that began with the old keep them.
 */
#ifndef WEB_PAIRS_H
#define WEB_PAIRS_H

#include "base/str.h"
#include "base/why.h"
#include <gnutls/abstract.h>

struct pairs;

/* PEM texts of n chains and their keys in the same order. NULL and *why: one can't be used, *bad
 * says which. */
struct pairs *pairs_new(
	const struct str *chains, const struct str *keys, size_t n, size_t *bad, struct why *why);
/* Show these from now on; NULL shows none. Earlier ones are never freed: a handshake may be using
 * them, and there are as many as there are reloads. */
void pairs_use(struct pairs *pairs);

/* What libgnutls asks at every handshake (gnutls_certificate_retrieve_function2). */
int pairs_choose(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
	const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain,
	unsigned *length, gnutls_privkey_t *key);

#endif
