/* SPDX-License-Identifier: ISC
 *
 * learn.c - the command `siegel certificate learn`: connect to every server of a domain, show what
 * each shows and who else vouches for it, and store the keys once the operator says so. What is
 * stored unseen is only as good as the connection it was seen on, so everything that speaks for or
 * against it is said first; and a key that DANE disowns is not stored unless that is insisted on.
 */
#include "base/fd.h"
#include "ctl/certificate.h"
#include "ctl/columns.h"
#include "mail/policy.h"
#include "mail/stored_certificate.h"
#include <unistd.h>

enum { KEYS_MAX = 64, ANSWER_MAX = 100 };

/* A key that was seen, with what is to be said of it. */
struct seen_key {
	struct str key;
	bool stored;   /* it is, already */
	bool named;    /* DANE or the CA store agrees, for each server that shows it */
	bool disowned; /* DANE does not agree, for one of them */
};

struct learn {
	struct ctl *ctl;
	struct str domain;
	struct examine_answer seen;
	struct certificate_answer known;
	struct seen_key keys[KEYS_MAX];
	size_t n;
	json_t *stored;
};

static bool shows_certificate(const struct examined *e)
{
	return e->reason == REASON_NONE && e->key.len == STORED_DIGEST;
}

static bool is_known(const struct learn *learn, struct str key)
{
	for (size_t i = 0; i < learn->known.certificates.len; i++) {
		const struct certificate_entry *e = &learn->known.certificates.at[i];
		if (e->kind == STORED_KEY && str_eq(e->value, key) &&
			(!e->expires || (int64_t)e->expires > clock_wall_ms()))
			return true;
	}
	return false;
}

static struct seen_key *key_of(struct learn *learn, struct str key)
{
	for (size_t i = 0; i < learn->n; i++)
		if (str_eq(learn->keys[i].key, key))
			return &learn->keys[i];
	if (learn->n == KEYS_MAX)
		return NULL;
	learn->keys[learn->n] =
		(struct seen_key){ .key = key, .stored = is_known(learn, key), .named = true };
	return &learn->keys[learn->n++];
}

static void gather_keys(struct learn *learn)
{
	for (size_t i = 0; i < learn->seen.found.len; i++) {
		const struct examined *e = &learn->seen.found.at[i];
		struct seen_key *key = shows_certificate(e) ? key_of(learn, e->key) : NULL;
		if (!key)
			continue;
		key->named &=
			e->dane == DANE_MATCHES || (e->dane == DANE_NOT_CHECKED && e->ca_proves);
		key->disowned |= e->dane == DANE_FAILS;
	}
}

/* --- what was seen --- */

static const char *dane_word(const struct examined *e)
{
	if (e->dane == DANE_MATCHES)
		return "agrees";
	if (e->dane == DANE_FAILS)
		return "DOES NOT AGREE: its domain publishes something else";
	switch (e->tlsa) {
	case TLSA_NONE:
		return "nothing is published";
	case TLSA_UNUSABLE:
		return "nothing usable is published";
	default:
		return "not known";
	}
}

static void print_server(struct buf *to, const struct examined *e)
{
	scoped(buf_free) struct buf until = BUF(64);

	add_visible(to, e->host);
	buf_add(to, STR(" ["));
	add_visible(to, e->address.len ? e->address : STR("no address"));
	buf_add(to, STR("]\n"));
	if (!shows_certificate(e)) {
		buf_printf(to, "    no certificate seen: %s ", reason_word(e->reason));
		add_visible(to, e->said);
		buf_add_char(to, '\n');
		return;
	}
	add_expiry(&until, e->not_after);
	buf_printf(to, "    key          %.*s\n", STR_ARG(e->key));
	buf_printf(to, "    certificate  %.*s\n    for          ", STR_ARG(e->certificate));
	add_visible(to, e->subject);
	buf_add(to, STR("\n    from         "));
	add_visible(to, e->issuer);
	buf_printf(to, "\n    valid until  %.*s\n", STR_ARG(buf_str(&until)));
	buf_printf(to, "    DANE         %s\n", dane_word(e));
	buf_printf(to, "    CA store     %s%s\n", e->ca_proves ? "agrees" : "does not agree: ",
		e->ca_proves ? "" : reason_word(e->certificate_fault));
}

/* The servers that were not seen, and what may stand between us and the right ones. */
static void print_doubts(const struct learn *learn, struct buf *to)
{
	size_t unseen = 0;

	for (size_t i = 0; i < learn->seen.found.len; i++)
		unseen += !shows_certificate(&learn->seen.found.at[i]);
	if (!learn->seen.route_validated)
		buf_add(to,
			STR("\nWhich servers a domain has is not signed here (DNSSEC): whoever can "
			    "forge the answers chose these.\n"));
	if (unseen || !learn->seen.complete)
		buf_printf(to,
			"\nNot all was seen (%zu addresses showed nothing%s). Mail of the level "
			"verify "
			"goes to servers whose key is stored, and to no others.\n",
			unseen, learn->seen.complete ? "" : ", and some were not asked");
}

static void print_keys(const struct learn *learn, struct buf *to)
{
	for (size_t i = 0; i < learn->n; i++) {
		const struct seen_key *key = &learn->keys[i];

		buf_printf(to, "\nKey %.*s\n", STR_ARG(key->key));
		if (key->stored)
			buf_add(to, STR("    is stored already.\n"));
		else if (key->disowned)
			buf_add(to,
				STR("    is not the one its domain publishes (DANE). Either "
				    "somebody stands in between or its operator made a mistake; "
				    "it is stored with --force alone.\n"));
		else if (key->named && learn->seen.route_validated)
			buf_add(to, STR("    is vouched for, as said above.\n"));
		else if (key->named)
			buf_add(to,
				STR("    belongs to the server of that name; that the domain's "
				    "mail "
				    "goes there is signed by nobody. Compare it with the server's "
				    "operator, on the telephone say, before you store it.\n"));
		else
			buf_add(to,
				STR("    is vouched for by nothing but this connection. Compare "
				    "it with the server's operator, on the telephone say, before "
				    "you store it.\n"));
	}
}

/* --- storing --- */

static bool is_to_store(const struct learn *learn, const struct seen_key *key)
{
	return !key->stored && (!key->disowned || learn->ctl->request.force);
}

static size_t count_to_store(const struct learn *learn)
{
	size_t n = 0;

	for (size_t i = 0; i < learn->n; i++)
		n += is_to_store(learn, &learn->keys[i]);
	return n;
}

/* What is said so far must be on the terminal before somebody answers. Anything but a yes, also
 * the end of the input, is a no. */
static bool is_confirmed(struct learn *learn, size_t n)
{
	struct ctl *ctl = learn->ctl;
	char answer[ANSWER_MAX];

	if (ctl->request.yes)
		return true;
	if (ctl->request.json)
		return false;
	buf_printf(&ctl->out, "\nStore %zu key%s for %.*s? [y/N] ", n, n == 1 ? "" : "s",
		STR_ARG(learn->domain));
	if (!fd_write_all(STDOUT_FILENO, buf_str(&ctl->out)))
		return false;
	buf_clear(&ctl->out);
	ssize_t length = read(STDIN_FILENO, answer, sizeof answer);
	struct str word = str_trim((struct str){ answer, length > 0 ? (size_t)length : 0 });
	return str_eq_nocase(word, STR("y")) || str_eq_nocase(word, STR("yes"));
}

static enum exit_status store_key(struct learn *learn, const struct seen_key *key)
{
	struct certificate_add_ask ask = {
		.domain = learn->domain, .kind = STORED_KEY, .value = key->key
	};
	struct certificate_answer answer;

	if (!certificate_terms(learn->ctl, &ask))
		return EXIT_USAGE;
	enum exit_status status = ask_certificate_add(learn->ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	if (answer.outcome != CTL_OK || !answer.certificates.len)
		return ctl_refused(learn->ctl, answer.outcome, answer.text);
	json_array_append_new(learn->stored, certificate_json(learn->ctl, answer.certificates.at));
	if (!learn->ctl->request.json)
		buf_printf(&learn->ctl->out, "Stored as entry %llu: key %.*s\n",
			(unsigned long long)answer.certificates.at->entry, STR_ARG(key->key));
	return EXIT_DONE;
}

static enum exit_status store_keys(struct learn *learn)
{
	enum exit_status status = EXIT_DONE;

	for (size_t i = 0; status == EXIT_DONE && i < learn->n; i++)
		if (is_to_store(learn, &learn->keys[i]))
			status = store_key(learn, &learn->keys[i]);
	return status;
}

/* --- the command --- */

static void print(struct learn *learn)
{
	struct buf *to = &learn->ctl->out;

	for (size_t i = 0; i < learn->seen.found.len; i++)
		print_server(to, &learn->seen.found.at[i]);
	print_doubts(learn, to);
	print_keys(learn, to);
}

static enum exit_status look(struct learn *learn)
{
	struct ctl *ctl = learn->ctl;
	struct certificate_add_ask terms = { 0 };

	/* A wrong date is said before anybody is asked. */
	if (!certificate_domain(ctl, ctl->request.arguments[0], &learn->domain) ||
		!certificate_terms(ctl, &terms))
		return EXIT_USAGE;
	enum exit_status status = certificate_page(ctl, learn->domain, NULL, &learn->known);
	if (status == EXIT_DONE)
		status = certificate_examine(ctl, learn->domain, &learn->seen);
	if (status == EXIT_DONE && *certificate_no_route(&learn->seen))
		return ctl_refused(ctl, CTL_INVALID, str_of(certificate_no_route(&learn->seen)));
	return status;
}

static enum exit_status decide(struct learn *learn)
{
	struct buf *to = &learn->ctl->out;
	bool quiet = learn->ctl->request.json;
	size_t n = count_to_store(learn);

	if (!learn->n)
		return ctl_refused(
			learn->ctl, CTL_NOT_FOUND, STR("none of its servers showed a certificate"));
	if (n && is_confirmed(learn, n))
		return store_keys(learn);
	for (size_t i = 0; i < learn->n; i++)
		if (!learn->keys[i].stored) {
			if (!quiet)
				buf_add(to, STR("\nNothing was stored.\n"));
			return EXIT_NEGATIVE;
		}
	if (!quiet)
		buf_add(to, STR("\nNothing is left to store.\n"));
	return EXIT_DONE;
}

enum exit_status run_certificate_learn(struct ctl *ctl)
{
	struct learn learn = { .ctl = ctl, .stored = json_array() };
	enum exit_status status = look(&learn);

	if (status == EXIT_DONE) {
		json_t *servers = json_array();

		gather_keys(&learn);
		for (size_t i = 0; i < learn.seen.found.len; i++)
			json_array_append_new(servers, examined_json(&learn.seen.found.at[i]));
		if (!ctl->request.json)
			print(&learn);
		status = decide(&learn);
		json_t *all = json_pack("{s:o, s:b, s:b, s:o, s:O}", "domain",
			json_text(learn.domain), "complete", learn.seen.complete != 0,
			"route_signed", learn.seen.route_validated != 0, "servers", servers,
			"stored", learn.stored);
		if (ctl->request.json)
			ctl_json(ctl, all);
		else
			json_decref(all);
	}
	json_decref(learn.stored);
	return status;
}
