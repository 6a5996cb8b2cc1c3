/* SPDX-License-Identifier: ISC
 *
 * check.c - the command `siegel check`: what delivery says would happen now to mail for somebody,
 * step by step as a person follows it, the verdict last. What was not looked at is called so.
 */
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "mail/address.h"
#include "mail/demands.h"
#include "mail/policy_words.h"
#include "mail/reason.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_WAIT = 15 * SECOND, JUST_NOW = 2 * SECOND };

/* What is asked, and what was answered. */
struct check {
	struct ctl *ctl;
	struct str address; /* as it was typed */
	struct preflight_ask ask;
	enum level level;
	struct preflight_answer answer;
	struct columns steps;
};

/* --- words --- */

static const char *const addresses[] = {
	[ADDRESS_FOUND] = "found",
	[ADDRESS_NONE] = "it has none",
	[ADDRESS_FORBIDDEN] = "only in networks that aren't the public Internet",
	[ADDRESS_NO_ROUTE] = "only of a kind this machine has no route for",
	[ADDRESS_FAILED] = "the look-up failed",
};
static const char *const policies[] = {
	[STS_NOT_LOOKED_UP] = "not asked, since it can't matter here",
	[STS_ABSENT] = "no policy in force",
	[STS_IN_FORCE] = "a policy is in force",
	[STS_UNKNOWN] = "could not be found out",
};
static const char *const pins[] = {
	[PIN_NOT_LOOKED_UP] = "not looked up",
	[PIN_NONE] = "none is stored for the domain",
	[PIN_EXPIRED] = "what is stored for the domain has passed its date",
	[PIN_STORED] = "one is stored for the domain",
};
static const char *const routes[] = {
	[FOUND_NOTHING] = "the look-up failed",
	[FOUND_NULL_MX] = "a null MX: the domain takes no mail",
	[FOUND_NO_DOMAIN] = "there is no such domain",
	[FOUND_NO_ADDRESS] = "neither an MX nor an address",
	[FOUND_OURSELVES] = "a domain of our own: the mail stays on this server",
};
static const struct {
	const char *id, *proof, *sentence;
} proofs[] = {
	{ "dane", "it matches the TLSA record (DANE)", "authenticated by DANE" },
	{ "sts", "it is what the domain's policy asks for (MTA-STS)", "authenticated by MTA-STS" },
	{ "ca", "valid for the host, by the CA store", "authenticated by the CA store" },
	{ "pin", "it is stored for the domain", "known by a stored certificate" },
};

static size_t proof_of(struct str id)
{
	size_t i = 0;

	while (i < count_of(proofs) && !str_eq(id, str_of(proofs[i].id)))
		i++;
	return i;
}

static const char *signed_word(uint64_t validated)
{
	return validated ? "signed" : "not signed";
}

static const char *reason_words(uint64_t reason)
{
	return reason_is_known((uint32_t)reason) ? reason_text((enum reason)reason, LANGUAGE_EN)
						 : "a newer server says so";
}

/* --- steps --- */

static void step(struct check *check, const char *what, struct str host, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void step(struct check *check, const char *what, struct str host, const char *format, ...)
{
	char text[2000];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	columns_add(&check->steps, str_of(what));
	columns_add(&check->steps, host);
	columns_add(&check->steps, str_of(text));
}

static void show_route(struct check *check)
{
	const struct preflight_answer *a = &check->answer;
	scoped(buf_free) struct buf text = BUF(8192);

	if (a->route != FOUND_HOSTS) {
		step(check, "MX", check->ask.domain, "%s%s",
			numbered_word(routes, count_of(routes), a->route),
			a->route_bogus	     ? " (DNSSEC says it is forged)"
			: a->route_validated ? " (signed)"
					     : "");
		return;
	}
	for (size_t i = 0; i < a->hosts.len; i++) {
		const struct preflight_host *h = &a->hosts.at[i];
		buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(h->name));
	}
	if (!a->hosts.len)
		buf_add(&text, STR("this server itself stands first"));
	step(check, "MX", check->ask.domain, "%.*s (%s)", STR_ARG(buf_str(&text)),
		signed_word(a->route_validated));
}

static void show_facts(struct check *check, const struct preflight_host *h)
{
	bool found = h->address == ADDRESS_FOUND;

	step(check, "address", h->name, "%s%s%s",
		numbered_word(addresses, count_of(addresses), h->address),
		found	       ? ", "
		: h->dns_bogus ? " (DNSSEC says it is forged)"
			       : "",
		found ? signed_word(h->host_validated) : "");
	if (h->tlsa == TLSA_USABLE)
		step(check, "DANE", h->name, "%llu usable TLSA record%s at %.*s",
			(unsigned long long)h->tlsa_records, h->tlsa_records == 1 ? "" : "s",
			STR_ARG(h->tlsa_base));
	else if (h->tlsa == TLSA_UNUSABLE)
		step(check, "DANE", h->name, "TLSA records, none of them usable");
	else if (h->tlsa == TLSA_FAILED)
		step(check, "DANE", h->name, "the look-up of TLSA records failed%s",
			h->dns_bogus ? " (DNSSEC says they are forged)" : "");
	else if (h->tlsa == TLSA_NONE)
		step(check, "DANE", h->name, "%s",
			h->host_validated ? "no TLSA record"
					  : "not possible: its address isn't signed");
	else
		step(check, "DANE", h->name, "not looked up");
	step(check, "MTA-STS", h->name, "%s", numbered_word(policies, count_of(policies), h->sts));
	if (!(check->answer.demands & DEMAND_PINNED))
		return;
	if (h->pin == PIN_NOT_LOOKED_UP && check->ctl->alone.pid)
		step(check, "stored", h->name,
			"stored certificates can't be read while the server is down");
	else
		step(check, "stored", h->name, "%s", numbered_word(pins, count_of(pins), h->pin));
}

static void show_attempt(struct check *check, const struct attempt *a)
{
	size_t proof = proof_of(a->proven_by);
	bool accepted = a->verdict == VERDICT_ACCEPTED;

	if (!a->address.len) {
		step(check, "connection", a->host, "none was made");
		return;
	}
	step(check, "connection", a->host, "%.*s port %llu%s%s%s%.*s", STR_ARG(a->address),
		(unsigned long long)a->port, a->tls_version.len ? " answers" : ": ",
		a->tls_version.len ? "" : reason_words(a->reason),
		a->said.len && !a->tls_version.len ? "; it said: " : "",
		STR_ARG(a->tls_version.len ? STR("") : a->said));
	if (!a->tls_version.len)
		return;
	step(check, "TLS", a->host, "%.*s, %.*s%s%.*s", STR_ARG(a->tls_version), STR_ARG(a->cipher),
		a->group.len ? ", " : "", STR_ARG(a->group));
	if (proof < count_of(proofs))
		step(check, "certificate", a->host, "%s", proofs[proof].proof);
	else
		step(check, "certificate", a->host, "%s",
			accepted ? "proves nothing, and needn't for this level"
				 : "nothing proves that it is the right one");
	if (a->key.len)
		step(check, "key", a->host, "SHA-256 %.*s", STR_ARG(a->key));
}

static void show_host(struct check *check, const struct preflight_host *h)
{
	const struct preflight_answer *a = &check->answer;

	show_facts(check, h);
	for (size_t i = 0; i < a->attempts.len; i++)
		if (str_eq(a->attempts.at[i].host, h->name))
			show_attempt(check, &a->attempts.at[i]);
	if (!h->asked)
		step(check, "judgement", h->name, "not asked");
	else if (h->verdict == VERDICT_ACCEPTED)
		step(check, "judgement", h->name, "accepted");
	else
		step(check, "judgement", h->name, "%s: %s", verdict_word(h->verdict),
			reason_words(h->reason));
}

/* --- the verdict --- */

static void say_accepted(const struct check *check, struct buf *to)
{
	const struct preflight_answer *a = &check->answer;
	size_t proof = proof_of(a->proven_by);

	if (a->route == FOUND_OURSELVES) {
		buf_add(to, STR("It stays on this server. Whether there is such a mailbox was not "
				"asked."));
		return;
	}
	buf_add(to, STR("It would be sent to "));
	add_visible(to, a->host);
	if (!a->tls_version.len) {
		buf_printf(to, " without encryption: %s.", reason_words(a->reason));
		return;
	}
	buf_add(to, STR(" over "));
	add_visible(to, a->tls_version);
	if (proof < count_of(proofs))
		buf_printf(to, ", and the server is %s.", proofs[proof].sentence);
	else
		buf_add(to, STR(". Nothing proves that the server is the right one."));
}

static void say_verdict(const struct check *check, struct buf *to)
{
	const struct preflight_answer *a = &check->answer;

	buf_add(to, STR("\nMail to "));
	add_visible(to, check->address);
	buf_printf(to, " at level %s: %s\n", level_name(check->level), verdict_word(a->verdict));
	if (a->verdict == VERDICT_ACCEPTED)
		say_accepted(check, to);
	else if (a->verdict == VERDICT_REFUSED)
		buf_printf(to, "It would not be sent: %s (%s).", reason_words(a->reason),
			reason_word(a->reason));
	else
		buf_printf(to, "It would wait and be tried again: %s (%s).",
			reason_words(a->reason), reason_word(a->reason));
	if (a->demands & ~check->ask.demands)
		buf_add(to,
			STR("\nThe operator of this server demands more for this domain than the "
			    "level does."));
	if (a->demands & DEMAND_PINNED && check->ctl->alone.pid)
		buf_add(to, STR("\nStored certificates can't be read while the server is down."));
	if (!a->complete)
		buf_add(to, STR("\nThe time was over before everything was seen."));
	buf_add_char(to, '\n');
}

static void say_age(const struct check *check, struct buf *to)
{
	int64_t age = clock_wall_ms() - (int64_t)check->answer.time;
	int64_t dns = clock_wall_ms() - (int64_t)check->answer.dns_time;

	if (check->ctl->alone.pid)
		buf_add(to, STR("No server was asked: siegel looked by itself.\n"));
	if (age > JUST_NOW) {
		buf_add(to, STR("Seen "));
		add_span(to, age);
		buf_add(to, STR(" ago (--fresh looks again).\n"));
	} else if (check->answer.dns_time && dns > JUST_NOW) {
		buf_add(to, STR("Seen now, its addresses "));
		add_span(to, dns);
		buf_add(to, STR(" ago (--fresh looks them up again).\n"));
	}
}

static void print(struct check *check)
{
	const struct preflight_answer *a = &check->answer;

	columns_begin(&check->steps, "STEP|WHERE|FOUND");
	show_route(check);
	for (size_t i = 0; i < a->hosts.len; i++)
		show_host(check, &a->hosts.at[i]);
	columns_end(&check->steps, "", &check->ctl->out);
	say_verdict(check, &check->ctl->out);
	say_age(check, &check->ctl->out);
}

/* --- for programs --- */

/* As siegel policy explain has it; "?" from a newer delivery. */
static const char *fact_word(enum policy_fact fact, uint64_t number)
{
	return number < policy_words_n(fact) ? policy_word(fact, (unsigned)number) : "?";
}

static json_t *host_json(const struct check *check, const struct preflight_host *h)
{
	const struct preflight_answer *a = &check->answer;
	json_t *attempts = json_array();

	for (size_t i = 0; i < a->attempts.len; i++)
		if (str_eq(a->attempts.at[i].host, h->name))
			json_array_append_new(attempts, attempt_json(&a->attempts.at[i]));
	return json_pack("{s:o, s:I, s:b, s:b, s:s, s:s, s:I, s:o, s:s, s:s, s:b, s:s, s:s, s:o}",
		"name", json_text(h->name), "preference", (json_int_t)h->preference, "mx_signed",
		h->mx_validated != 0, "address_signed", h->host_validated != 0, "address",
		fact_word(FACT_ADDRESS, h->address), "tlsa", fact_word(FACT_TLSA, h->tlsa),
		"tlsa_records", (json_int_t)h->tlsa_records, "tlsa_base", json_text(h->tlsa_base),
		"sts", fact_word(FACT_STS, h->sts), "stored", fact_word(FACT_PIN, h->pin), "asked",
		h->asked != 0, "verdict", h->asked ? verdict_word(h->verdict) : "unknown", "reason",
		reason_word(h->reason), "attempts", attempts);
}

static json_t *check_json(const struct check *check)
{
	static const char *const found[] = { "hosts", "failed", "null-mx", "no-domain",
		"no-address", "ourselves" };
	const struct preflight_answer *a = &check->answer;
	json_t *hosts = json_array();

	for (size_t i = 0; i < a->hosts.len; i++)
		json_array_append_new(hosts, host_json(check, &a->hosts.at[i]));
	return json_pack("{s:o, s:o, s:s, s:o, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:b, s:s, s:b, s:b, s:o}",
		"address", json_text(check->address), "domain", json_text(check->ask.domain),
		"level", level_name(check->level), "demands", demands_json(a->demands), "verdict",
		verdict_word(a->verdict), "reason", reason_word(a->reason), "complete",
		a->complete != 0, "host", json_text(a->host), "proven_by", json_text(a->proven_by),
		"tls_version", json_text(a->tls_version), "cipher", json_text(a->cipher), "group",
		json_text(a->group), "seen", json_time(a->time), "looked_up",
		json_time(a->dns_time), "server_asked", check->ctl->alone.pid == 0, "route",
		numbered_word(found, count_of(found), a->route), "route_signed",
		a->route_validated != 0, "route_bogus", a->route_bogus != 0, "hosts", hosts);
}

/* --- the command --- */

static bool read_domain(struct check *check)
{
	struct ctl *ctl = check->ctl;
	struct address address;

	if (str_find(check->address, '@') < check->address.len) {
		if (address_parse(check->address, &ctl->arena, &address) && address.domain.len) {
			check->ask.domain = address.domain;
			return true;
		}
	} else if (address_literal(check->address)) {
		check->ask.domain = check->address;
		return true;
	} else if (address_domain(check->address, &ctl->arena, &check->ask.domain)) {
		return true;
	}
	buf_add(&ctl->err, STR("siegel: \""));
	add_visible(&ctl->err, check->address);
	buf_add(&ctl->err, STR("\" is neither a mail address nor a domain; bob@example.net or "
			       "example.net would be right\n"));
	return false;
}

static bool read_level(struct check *check)
{
	const char *level = check->ctl->request.level;

	check->level = LEVEL_ENCRYPT;
	if (!level || level_of(str_of(level), &check->level)) {
		check->ask.demands = level_demands(check->level);
		return true;
	}
	buf_printf(&check->ctl->err,
		"siegel: \"%s\" is no level; opportunistic, encrypt, secure, dane-only or verify "
		"would be right\n",
		level);
	return false;
}

static enum exit_status ask(struct check *check)
{
	struct ctl *ctl = check->ctl;
	enum exit_status status = ctl_delivery(ctl);
	struct why why;

	if (status != EXIT_DONE)
		return status;
	if (!call_preflight(ctl->delivery, &check->ask, -1, &ctl->arena, &check->answer, NULL,
		    deadline_in(ANSWER_WAIT), &why)) {
		buf_printf(&ctl->err, "siegel: %s\n", why.text);
		return EXIT_UNREACHABLE;
	}
	return ctl_looked(ctl, check->answer.outcome);
}

static enum exit_status status_of(uint64_t verdict)
{
	switch (verdict) {
	case VERDICT_ACCEPTED:
		return EXIT_DONE;
	case VERDICT_REFUSED:
		return EXIT_NEGATIVE;
	default:
		return EXIT_UNCERTAIN;
	}
}

enum exit_status run_check(struct ctl *ctl)
{
	struct check check = { .ctl = ctl, .address = str_of(ctl->request.arguments[0]) };

	check.ask.fresh = ctl->request.fresh != NULL;
	if (!read_domain(&check) || !read_level(&check))
		return EXIT_USAGE;
	enum exit_status status = ask(&check);
	if (status != EXIT_DONE)
		return status;
	if (ctl->request.json)
		ctl_json(ctl, check_json(&check));
	else
		print(&check);
	return status_of(check.answer.verdict);
}
