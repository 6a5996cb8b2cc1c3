/* SPDX-License-Identifier: ISC
 *
 * certificate.c - the commands `siegel certificate list|add|remove`: the keys, certificates and
 * authorities that the level `verify` accepts for a recipient domain.
 */
#include "ctl/certificate.h"

#include "base/fd.h"
#include "ctl/authority.h"
#include "ctl/columns.h"
#include "mail/address.h"
#include "mail/policy.h"
#include "mail/stored_certificate.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

enum { PAGE = 20, FILE_MAX = 1024 * 1024, EXAMINE_WAIT = 3 * MINUTE };

/* --- what the commands share --- */

bool certificate_domain(struct ctl *ctl, const char *text, struct str *domain)
{
	if (address_domain(str_of(text), &ctl->arena, domain))
		return true;
	buf_add(&ctl->err, STR("siegel: \""));
	add_visible(&ctl->err, str_of(text));
	buf_add(&ctl->err, STR("\" is no domain; one such as example.org would be right\n"));
	return false;
}

enum exit_status certificate_page(struct ctl *ctl, struct str domain,
	const struct certificate_entry *last, struct certificate_answer *answer)
{
	struct certificate_list_ask ask = { .domain = domain, .limit = PAGE };

	if (last) {
		ask.after_domain = last->domain;
		ask.after = last->entry;
	}
	enum exit_status status = ask_certificate_list(ctl, &ask, answer);
	if (status == EXIT_DONE && answer->outcome != CTL_OK)
		return ctl_refused(ctl, answer->outcome, answer->text);
	return status;
}

/* The date alone; an entry counts through it, so that its end is the next day's beginning. */
static void add_date(struct buf *to, int64_t wall_ms)
{
	scoped(buf_free) struct buf text = BUF(64);

	clock_add_iso8601(&text, wall_ms - 1);
	buf_add(to, str_head(buf_str(&text), str_find(buf_str(&text), 'T')));
}

void add_expiry(struct buf *to, uint64_t wall_ms)
{
	int64_t left = (int64_t)wall_ms - clock_wall_ms();

	if (!wall_ms) {
		buf_add(to, STR("never"));
	} else if (left <= 0) {
		buf_add(to, STR("expired"));
	} else {
		add_date(to, (int64_t)wall_ms);
		buf_printf(to, " (%lld d)", (long long)(left / DAY));
	}
}

static json_t *names_json(struct str names)
{
	json_t *list = json_array();

	while (names.len)
		json_array_append_new(list, json_text(str_cut(&names, ' ')));
	return list;
}

static json_t *days_json(uint64_t wall_ms)
{
	int64_t left = (int64_t)wall_ms - clock_wall_ms();

	return wall_ms ? json_integer(left > 0 ? left / DAY : 0) : json_null();
}

json_t *certificate_json(struct ctl *ctl, const struct certificate_entry *e)
{
	bool authority = e->kind == STORED_AUTHORITY;
	struct authority a = authority_of(authority ? e->value : STR(""), &ctl->arena);

	return json_pack("{s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "entry",
		(json_int_t)e->entry, "domain", json_text(e->domain), "kind",
		stored_kind_id(e->kind), "value", json_text(e->value), "names",
		names_json(e->names), "note", json_text(e->note), "added", json_time(e->added),
		"expires", json_time(e->expires), "days_left", days_json(e->expires), "expired",
		e->expires && (int64_t)e->expires <= clock_wall_ms(), "subject",
		authority ? json_text(a.subject) : json_null(), "not_after",
		json_time((uint64_t)a.not_after));
}

/* A day in ISO 8601; *end is where it ends, in UTC. */
static bool read_day(const char *text, int64_t *end)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%d", &tm);
	struct tm day = tm;

	if (!rest || *rest || strlen(text) != strlen("2027-03-01"))
		return false;
	*end = (int64_t)timegm(&day) * SECOND + DAY;
	return day.tm_mday == tm.tm_mday && day.tm_mon == tm.tm_mon;
}

bool certificate_terms(struct ctl *ctl, struct certificate_add_ask *ask)
{
	int64_t end;

	ask->note = str_of(ctl->request.note);
	if (!ctl->request.expires)
		return true;
	if (read_day(ctl->request.expires, &end)) {
		ask->expires = (uint64_t)end;
		return true;
	}
	buf_printf(&ctl->err, "siegel: \"%s\" is no date; one such as 2027-03-01 would be right\n",
		ctl->request.expires);
	return false;
}

/* --- what servers show --- */

enum exit_status certificate_examine(
	struct ctl *ctl, struct str domain, struct examine_answer *answer)
{
	enum exit_status status = ctl_delivery(ctl);
	struct why why;

	if (status != EXIT_DONE)
		return status;
	if (!call_examine(ctl->delivery, &(struct examine_ask){ .domain = domain }, -1, &ctl->arena,
		    answer, NULL, deadline_in(EXAMINE_WAIT), &why))
		return ctl_unreachable(ctl, &why);
	return ctl_looked(ctl, answer->outcome);
}

const char *certificate_no_route(const struct examine_answer *answer)
{
	static const char *const texts[] = {
		[FOUND_HOSTS] = "",
		[FOUND_NOTHING] = "its servers could not be looked up",
		[FOUND_NULL_MX] = "it takes no mail (null MX)",
		[FOUND_NO_DOMAIN] = "there is no such domain",
		[FOUND_NO_ADDRESS] = "it has neither an MX nor an address",
		[FOUND_OURSELVES] = "it is a domain of our own",
	};

	return answer->route < count_of(texts) ? texts[answer->route] : "?";
}

static const char *agrees(uint64_t fact, uint64_t yes, uint64_t no)
{
	return fact == yes ? "match" : fact == no ? "mismatch" : "not-checked";
}

json_t *examined_json(const struct examined *e)
{
	return json_pack(
		"{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:b, "
		"s:s}",
		"host", json_text(e->host), "address", json_text(e->address), "reason",
		reason_word(e->reason), "said", json_text(e->said), "tls_version",
		json_text(e->tls_version), "cipher", json_text(e->cipher), "subject",
		json_text(e->subject), "issuer", json_text(e->issuer), "not_before",
		json_time(e->not_before), "not_after", json_time(e->not_after), "certificate",
		json_text(e->certificate), "key", json_text(e->key), "dane",
		agrees(e->dane, DANE_MATCHES, DANE_FAILS), "stored",
		agrees(e->pin, PIN_MATCHES, PIN_FAILS), "ca_proves", e->ca_proves != 0,
		"certificate_fault", reason_word(e->certificate_fault));
}

/* --- list --- */

/* An authority by its name, all else by its digest. */
static void add_value(struct ctl *ctl, const struct certificate_entry *e, struct buf *to)
{
	if (e->kind != STORED_AUTHORITY) {
		buf_add(to, e->value);
		return;
	}
	struct authority a = authority_of(e->value, &ctl->arena);
	add_visible(to, a.subject);
	if (a.n > 1)
		buf_printf(to, " and %zu more", a.n - 1);
	buf_add(to, STR(", valid until "));
	add_date(to, a.not_after);
}

static void add_row(struct ctl *ctl, struct columns *columns, const struct certificate_entry *e)
{
	scoped(buf_free) struct buf value = BUF(8192), expiry = BUF(64);

	add_value(ctl, e, &value);
	add_expiry(&expiry, e->expires);
	columns_add(columns, e->domain);
	columns_printf(columns, "%llu", (unsigned long long)e->entry);
	columns_add(columns, str_of(stored_kind_id(e->kind)));
	columns_add(columns, buf_str(&expiry));
	columns_add(columns, buf_str(&value));
	columns_add(columns, e->names.len ? e->names : STR("-"));
	columns_add(columns, e->note);
}

enum exit_status run_certificate_list(struct ctl *ctl)
{
	struct certificate_answer answer = { 0 };
	struct certificate_entry last;
	struct columns columns;
	json_t *list = json_array();
	struct str domain = STR("");
	size_t n = 0;

	if (ctl->request.n && !certificate_domain(ctl, ctl->request.arguments[0], &domain))
		return EXIT_USAGE;
	columns_begin(&columns, "DOMAIN|ENTRY|KIND|EXPIRES|VALUE|NAMES|NOTE");
	enum exit_status status = certificate_page(ctl, domain, NULL, &answer);
	while (status == EXIT_DONE && answer.certificates.len) {
		for (size_t i = 0; i < answer.certificates.len; i++) {
			last = answer.certificates.at[i];
			add_row(ctl, &columns, &last);
			json_array_append_new(list, certificate_json(ctl, &last));
			n++;
		}
		status = certificate_page(ctl, domain, &last, &answer);
	}
	scoped(buf_free) struct buf table = BUF(64 * 1024 * 1024);
	columns_end(&columns, "", &table);
	json_t *all = json_pack("{s:o}", "certificates", list);
	if (status == EXIT_DONE && ctl->request.json)
		return ctl_json(ctl, all);
	json_decref(all);
	if (status == EXIT_DONE && n)
		buf_add(&ctl->out, buf_str(&table));
	else if (status == EXIT_DONE)
		buf_add(&ctl->out, STR("No certificate is stored.\n"));
	return status;
}

/* --- add --- */

static bool wrong(struct ctl *ctl, const char *what, const char *why)
{
	buf_printf(&ctl->err, "siegel: %s: %s\n", what, why);
	return false;
}

static bool take_digest(struct ctl *ctl, const char *text, struct buf *value)
{
	if (stored_digest_read(str_of(text), value))
		return true;
	return wrong(ctl, text, "this is no SHA-256; 64 hex digits would be right");
}

static bool take_authority(struct ctl *ctl, const char *path, struct buf *value)
{
	scoped(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	scoped(buf_free) struct buf text = BUF(FILE_MAX);
	struct why why;

	if (fd < 0 || !fd_read_all(fd, &text))
		return wrong(ctl, path, strerrordesc_np(errno));
	return authority_read(buf_str(&text), value, &why) || wrong(ctl, path, why.text);
}

/* "MX1.example.org,mx2.example.org" as it is stored. */
static bool take_names(struct ctl *ctl, struct buf *names)
{
	struct str rest = str_of(ctl->request.names), name, written;

	while (rest.len) {
		name = str_trim(str_cut(&rest, ','));
		if (!address_domain(name, &ctl->arena, &written) ||
			!buf_printf(names, "%s%.*s", names->len ? " " : "", STR_ARG(written)))
			return wrong(ctl, ctl->request.names,
				"these are no host names; some such as mx1.example.org,"
				"mx2.example.org would be right");
	}
	return true;
}

/* Exactly one of the three says what to store. */
static bool take_value(
	struct ctl *ctl, struct certificate_add_ask *ask, struct buf *value, struct buf *names)
{
	const struct request *r = &ctl->request;
	bool good;

	if (!r->key + !r->certificate + !r->authority != 2)
		return wrong(ctl, "certificate add",
			"one of --key, --certificate and --authority would be right");
	if (r->names && !r->authority)
		return wrong(ctl, "--names", "they belong to --authority alone");
	if (r->authority) {
		ask->kind = STORED_AUTHORITY;
		good = take_authority(ctl, r->authority, value) && take_names(ctl, names);
	} else {
		ask->kind = r->key ? STORED_KEY : STORED_CERTIFICATE;
		good = take_digest(ctl, r->key ? r->key : r->certificate, value);
	}
	ask->value = buf_str(value);
	ask->names = buf_str(names);
	return good;
}

static void print_stored(struct ctl *ctl, const struct certificate_entry *e)
{
	buf_add(&ctl->out, STR("Stored for "));
	add_visible(&ctl->out, e->domain);
	buf_printf(&ctl->out, ", entry %llu: %s ", (unsigned long long)e->entry,
		stored_kind_id(e->kind));
	add_value(ctl, e, &ctl->out);
	if (e->expires && (int64_t)e->expires <= clock_wall_ms()) {
		buf_add(&ctl->out, STR(".\nIt has expired: no mail relies on it.\n"));
		return;
	}
	buf_add(&ctl->out, STR(".\nIt expires: "));
	add_expiry(&ctl->out, e->expires);
	buf_add(&ctl->out, STR(".\n"));
}

enum exit_status run_certificate_add(struct ctl *ctl)
{
	scoped(buf_free) struct buf value = BUF(STORED_VALUE_MAX), names = BUF(STORED_NAMES_MAX);
	struct certificate_add_ask ask = { 0 };
	struct certificate_answer answer;

	if (!certificate_domain(ctl, ctl->request.arguments[0], &ask.domain) ||
		!take_value(ctl, &ask, &value, &names) || !certificate_terms(ctl, &ask))
		return EXIT_USAGE;
	enum exit_status status = ask_certificate_add(ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	if (answer.outcome != CTL_OK || !answer.certificates.len)
		return ctl_refused(ctl, answer.outcome, answer.text);
	if (ctl->request.json)
		return ctl_json(ctl, certificate_json(ctl, answer.certificates.at));
	print_stored(ctl, answer.certificates.at);
	return EXIT_DONE;
}

/* --- remove --- */

static bool take_entry(struct ctl *ctl, uint64_t *entry)
{
	const char *text = ctl->request.arguments[1];

	*entry = 0;
	if (!strcmp(text, "all") || (str_to_u64(str_of(text), entry) && *entry))
		return true;
	return wrong(ctl, text, "this is no entry; a number of the list, or all, would be right");
}

static json_t *removed_json(struct ctl *ctl, const struct certificate_answer *answer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < answer->certificates.len; i++)
		json_array_append_new(list, certificate_json(ctl, &answer->certificates.at[i]));
	return json_pack("{s:o}", "removed", list);
}

/* Whoever removes the last entry should know what that means. */
static enum exit_status tell_what_is_left(struct ctl *ctl, struct str domain)
{
	struct certificate_answer left;
	enum exit_status status = certificate_page(ctl, domain, NULL, &left);

	if (status == EXIT_DONE && !left.certificates.len)
		buf_printf(&ctl->out,
			"Nothing is stored for %.*s now: mail to it from an alias of the level "
			"verify is refused.\n",
			STR_ARG(domain));
	return status;
}

enum exit_status run_certificate_remove(struct ctl *ctl)
{
	struct certificate_remove_ask ask;
	struct certificate_answer answer;

	if (!certificate_domain(ctl, ctl->request.arguments[0], &ask.domain) ||
		!take_entry(ctl, &ask.entry))
		return EXIT_USAGE;
	enum exit_status status = ask_certificate_remove(ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	if (answer.outcome != CTL_OK)
		return ctl_refused(ctl, answer.outcome, answer.text);
	if (ctl->request.json)
		return ctl_json(ctl, removed_json(ctl, &answer));
	buf_printf(&ctl->out, "%zu of the entries of %.*s removed; from now on %s not used.\n",
		answer.certificates.len, STR_ARG(ask.domain),
		answer.certificates.len == 1 ? "it is" : "they are");
	return tell_what_is_left(ctl, ask.domain);
}
