/* SPDX-License-Identifier: ISC
 *
 * identity.c - addresses to accounts. Runs in the store's thread, inside a batch. Addresses come
 * from other roles and are parsed again here.
 */
#include "store/identity.h"

#include "mail/address.h"

static bool find_account(struct store *store, struct str key, struct identity *who)
{
	sqlite3_stmt *s = ASK(&store->db, ACCOUNT_BY_ADDRESS, as_text(key));

	if (!row(&store->db, s))
		return false;
	who->account = row_number(s, 0);
	bool active = row_number(s, 1) != 0;
	who->level = (enum level)row_number(s, 2);
	who->deadline = row_number(s, 3);
	row_end(s);
	who->kind = IDENTITY_ACCOUNT;
	if (who->secure)
		who->kind = active ? IDENTITY_ALIAS : IDENTITY_ALIAS_OFF;
	return true;
}

static void find_postmaster(struct store *store, struct identity *who)
{
	who->account = row_only_number(&store->db, ASK_PLAIN(&store->db, ACCOUNT_FIRST));
	if (!who->account)
		return;
	who->level = LEVEL_ENCRYPT;
	who->kind = who->secure ? IDENTITY_ALIAS : IDENTITY_ACCOUNT;
}

struct identity identity_of(struct store *store, struct str text, struct arena *arena)
{
	const struct settings *settings = store->settings;
	struct identity who = { .kind = IDENTITY_INVALID };
	struct address address;

	if (str_eq_nocase(text, STR("postmaster")) && settings->domains.len)
		text = arena_printf(
			arena, "postmaster@%.*s", STR_ARG(settings->domains.at[0].name));
	if (!address_parse(text, arena, &address) || address_is_null(&address))
		return who;
	who.domain = address.domain;
	who.canonical = address_text(arena, &address);
	int ours = settings_domain(settings, address.domain, &who.secure);
	if (ours < 0) {
		who.secure = false;
		who.kind = IDENTITY_REMOTE;
		return who;
	}
	who.kind = IDENTITY_NOBODY;
	address.domain = settings->domains.at[ours].name;
	who.key = address_key(arena, &address);
	if (!who.key.at || !who.canonical.at)
		who.kind = IDENTITY_INVALID;
	else if (!find_account(store, who.key, &who) && str_starts(who.key, STR("postmaster@")))
		find_postmaster(store, &who);
	return who;
}

struct str identity_secure_domain(const struct store *store, struct str account_address)
{
	bool secure;
	int ours = settings_domain(store->settings, address_domain_part(account_address), &secure);

	return ours < 0 ? STR("") : store->settings->domains.at[ours].secure;
}
