/* SPDX-License-Identifier: ISC
 *
 * identity.h - who an address is: an account, its secure alias, nobody of ours, or somebody
 * elsewhere. The one place that knows which spellings mean the same mailbox.
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "store/store.h"

enum identity_kind {
	IDENTITY_INVALID, /* no address at all */
	IDENTITY_REMOTE,  /* not our domain */
	IDENTITY_NOBODY,  /* our domain, no such account */
	IDENTITY_ACCOUNT,
	IDENTITY_ALIAS,	   /* the account's secure alias, active */
	IDENTITY_ALIAS_OFF /* the same, not active */
};

struct identity {
	enum identity_kind kind;
	bool secure; /* the domain is a secure one, whoever is behind it */
	int64_t account;
	enum level level;     /* of the account's alias */
	int64_t deadline;     /* of the account's alias; 0: the default */
	struct str domain;    /* in A-labels, in the arena */
	struct str key;	      /* canonical, in the account's own domain */
	struct str canonical; /* as it is sent to: local@domain */
};

/* Sub-addresses, case and quoting make no difference. postmaster@ of our domains is always
 * somebody (RFC 5321 4.5.1): the account of that name, else the first account that was added.
 * Database failures are the database's (sticky); the identity is NOBODY then. */
struct identity identity_of(struct store *store, struct str address, struct arena *arena);
/* The secure domain that belongs to this account address, or "". */
struct str identity_secure_domain(const struct store *store, struct str account_address);

#endif
