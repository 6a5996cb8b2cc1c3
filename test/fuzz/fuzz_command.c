/* SPDX-License-Identifier: ISC
 *
 * fuzz_command.c - any line is a command or a refusal with a text; what is taken keeps its limits.
 */
#include "mail/command.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ALL_OFFERS = 127 };

static bool taken(struct refusal r)
{
	must(r.code == 0 || (r.code >= 500 && r.code <= 555 && r.text && r.text[0] == '5'));
	return r.code == 0;
}

static void check_mail(struct str argument, struct arena *arena)
{
	struct mail_command m;

	if (!taken(command_mail(argument, ALL_OFFERS, arena, &m)))
		return;
	must(address_text(arena, &m.sender).len <= ADDRESS_MAX);
	must(m.envid.len <= 100 && !str_has_8bit(m.envid));
	must(m.smtputf8 || !str_has_8bit(m.sender.local));
}

static void check_rcpt(struct str argument, bool smtputf8, struct arena *arena)
{
	struct rcpt_command r;

	if (!taken(command_rcpt(argument, ALL_OFFERS, smtputf8, arena, &r)))
		return;
	must(r.recipient.local.len);
	must(!(r.notify & NOTIFY_NEVER) || r.notify == NOTIFY_NEVER);
	must(r.orcpt.len <= 500 && str_is_utf8(r.orcpt));
	must(smtputf8 || !str_has_8bit(r.recipient.local));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena_free) struct arena arena = ARENA(1 << 20);
	scoped(buf_free) struct buf decoded = BUF(1 << 20);
	struct str line = { (const char *)data, size }, name, mechanism, initial;
	struct command c;
	uint64_t number;
	bool flag;

	bool known = taken(command_parse(line, &c));
	must(!known || c.verb != VERB_UNKNOWN);
	check_mail(c.argument, &arena);
	check_rcpt(c.argument, false, &arena);
	check_rcpt(c.argument, true, &arena);
	if (taken(command_hello(c.argument, &name)))
		must(name.len && !str_has_8bit(name) && str_find(name, ' ') == name.len);
	(void)taken(command_bdat(c.argument, &number, &flag));
	(void)taken(command_auth(c.argument, &mechanism, &flag, &initial));
	if (base64_decode(&decoded, c.argument)) {
		scoped(buf_free) struct buf again = BUF(1 << 20);
		must(base64_encode(&again, buf_str(&decoded)));
		must(str_eq(buf_str(&again), c.argument));
	}
	buf_clear(&decoded);
	(void)!xtext_decode(&decoded, c.argument);
	return 0;
}
