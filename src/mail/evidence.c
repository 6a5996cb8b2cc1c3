/* SPDX-License-Identifier: ISC
 *
 * evidence.c - see evidence.h. Pure.
 */
#include "mail/evidence.h"

#include "base/must.h"

/* Every cipher of TLS 1.3 has it; of those of TLS 1.2 the ones with an ephemeral key exchange. */
static bool has_forward_secrecy(struct str tls_version, struct str cipher)
{
	return str_eq(tls_version, STR("TLSv1.3")) || str_starts(cipher, STR("ECDHE-")) ||
	       str_starts(cipher, STR("DHE-"));
}

enum transport transport_of(struct str tls_version, struct str cipher, struct str proven_by)
{
	if (!str_eq(tls_version, STR("TLSv1.2")) && !str_eq(tls_version, STR("TLSv1.3")))
		return TRANSPORT_NONE;
	if (!proven_by.len || !has_forward_secrecy(tls_version, cipher))
		return TRANSPORT_MANDATORY;
	return TRANSPORT_QUALIFIED;
}

const char *transport_name(enum transport transport)
{
	static const char *const names[TRANSPORTS_N] = { "none", "mandatory", "qualified" };

	must((unsigned)transport < TRANSPORTS_N);
	return names[transport];
}
