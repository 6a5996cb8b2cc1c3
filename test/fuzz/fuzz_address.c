/* SPDX-License-Identifier: ISC
 *
 * fuzz_address.c - what parses as an address is written in a form that parses back to itself, and
 * its key is the key of every spelling.
 */
#include "mail/address.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct arena *arena, const struct address *a)
{
	struct address again;
	struct str text = address_text(arena, a);

	must(text.at && text.len <= ADDRESS_MAX && str_is_utf8(text));
	if (a->domain.len == 0)
		return;
	must(address_parse(text, arena, &again));
	must(str_eq(a->local, again.local) && str_eq(a->domain, again.domain));
	must(str_eq(address_key(arena, a), address_key(arena, &again)));
	must(str_eq(address_domain_part(text), a->domain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	struct str text = { (const char *)data, size }, rest = text, domain, again;
	struct address a;

	if (address_parse(text, &arena, &a))
		check(&arena, &a);
	if (address_parse_path(&rest, PATH_REVERSE, &arena, &a))
		check(&arena, &a);
	rest = text;
	if (address_parse_path(&rest, PATH_FORWARD, &arena, &a))
		check(&arena, &a);
	if (address_domain(text, &arena, &domain)) {
		must(!str_has_8bit(domain) && domain.len <= ADDRESS_DOMAIN_MAX);
		must(address_domain(domain, &arena, &again) && str_eq(domain, again));
	}
	return 0;
}
