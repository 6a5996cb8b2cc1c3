/* SPDX-License-Identifier: ISC
 *
 * compare.c - the command `siegel certificate check`: does what the servers of a domain show still
 * match what is stored for it, and for how long? To be run by hand or daily by cron.
 */
#include "ctl/certificate.h"
#include "ctl/columns.h"
#include "mail/policy.h"

/* What came of one server, or of a domain as a whole. The worst decides the exit status. */
enum comparison { COMPARED_MATCH, COMPARED_UNSEEN, COMPARED_EXPIRED, COMPARED_MISMATCH };

static const char *const comparisons[] = {
	[COMPARED_MATCH] = "match",
	[COMPARED_UNSEEN] = "not-seen",
	[COMPARED_EXPIRED] = "expired",
	[COMPARED_MISMATCH] = "mismatch",
};

struct compare {
	struct ctl *ctl;
	struct columns columns;
	json_t *domains;
	enum comparison worst;
};

/* The domain whose entries are being read. */
struct entries {
	struct str domain;
	uint64_t soonest; /* when the first of those that have not expired will; 0: never */
	size_t valid, expired;
};

static void count_entry(struct entries *entries, const struct certificate_entry *e)
{
	if (e->expires && (int64_t)e->expires <= clock_wall_ms()) {
		entries->expired++;
		return;
	}
	entries->valid++;
	if (e->expires && (!entries->soonest || e->expires < entries->soonest))
		entries->soonest = e->expires;
}

static enum comparison compare_server(const struct entries *entries, const struct examined *e)
{
	if (e->reason != REASON_NONE)
		return COMPARED_UNSEEN;
	if (!entries->valid)
		return COMPARED_EXPIRED;
	switch (e->pin) {
	case PIN_MATCHES:
		return COMPARED_MATCH;
	case PIN_FAILS:
		return COMPARED_MISMATCH;
	default:
		return COMPARED_UNSEEN;
	}
}

static void add_row(struct compare *compare, const struct entries *entries, struct str host,
	struct str address, enum comparison result, const char *detail)
{
	scoped(buf_free) struct buf expiry = BUF(64);

	if (entries->valid)
		add_expiry(&expiry, entries->soonest);
	else
		buf_add(&expiry, STR("expired"));
	columns_add(&compare->columns, entries->domain);
	columns_add(&compare->columns, host.len ? host : STR("-"));
	columns_add(&compare->columns, address.len ? address : STR("-"));
	columns_add(&compare->columns, str_of(comparisons[result]));
	columns_add(&compare->columns, buf_str(&expiry));
	columns_add(&compare->columns, str_of(detail));
	if (result > compare->worst)
		compare->worst = result;
}

static json_t *compare_servers(
	struct compare *compare, const struct entries *entries, const struct examine_answer *seen)
{
	json_t *servers = json_array();

	for (size_t i = 0; i < seen->found.len; i++) {
		const struct examined *e = &seen->found.at[i];
		enum comparison result = compare_server(entries, e);
		json_t *server = examined_json(e);

		json_object_set_new(server, "result", json_string(comparisons[result]));
		json_array_append_new(servers, server);
		add_row(compare, entries, e->host, e->address, result,
			e->reason != REASON_NONE ? reason_word(e->reason) : "");
	}
	return servers;
}

/* Look at one domain and write down how it stands. */
static enum exit_status compare_domain(struct compare *compare, const struct entries *entries)
{
	struct examine_answer seen;
	enum exit_status status = certificate_examine(compare->ctl, entries->domain, &seen);

	if (status != EXIT_DONE)
		return status;
	const char *none = certificate_no_route(&seen);
	if (*none || !seen.found.len)
		add_row(compare, entries, STR(""), STR(""),
			entries->valid ? COMPARED_UNSEEN : COMPARED_EXPIRED, none);
	json_array_append_new(compare->domains,
		json_pack("{s:o, s:I, s:I, s:o, s:b, s:o}", "domain", json_text(entries->domain),
			"entries", (json_int_t)entries->valid, "expired_entries",
			(json_int_t)entries->expired, "expires", json_time(entries->soonest),
			"complete", seen.complete != 0, "servers",
			compare_servers(compare, entries, &seen)));
	return EXIT_DONE;
}

/* All entries come in order of their domains; one that begins ends the one before. */
static enum exit_status compare_all(struct compare *compare, struct str domain)
{
	struct certificate_answer page;
	struct certificate_entry last;
	struct entries entries = { .domain = STR("") };
	enum exit_status status = certificate_page(compare->ctl, domain, NULL, &page);

	while (status == EXIT_DONE && page.certificates.len) {
		for (size_t i = 0; status == EXIT_DONE && i < page.certificates.len; i++) {
			last = page.certificates.at[i];
			if (entries.domain.len && !str_eq(entries.domain, last.domain)) {
				status = compare_domain(compare, &entries);
				entries = (struct entries){ 0 };
			}
			entries.domain = last.domain;
			count_entry(&entries, &last);
		}
		if (status == EXIT_DONE)
			status = certificate_page(compare->ctl, domain, &last, &page);
	}
	if (status == EXIT_DONE && entries.domain.len)
		status = compare_domain(compare, &entries);
	return status;
}

static enum exit_status status_of(enum comparison worst)
{
	if (worst == COMPARED_MATCH)
		return EXIT_DONE;
	return worst == COMPARED_UNSEEN ? EXIT_UNCERTAIN : EXIT_NEGATIVE;
}

enum exit_status run_certificate_check(struct ctl *ctl)
{
	struct compare compare = { .ctl = ctl, .domains = json_array() };
	scoped(buf_free) struct buf table = BUF(64 * 1024 * 1024);
	struct str domain = STR("");

	columns_begin(&compare.columns, "DOMAIN|HOST|ADDRESS|RESULT|ENTRIES EXPIRE|WHY");
	enum exit_status status = EXIT_DONE;
	if (ctl->request.n && !certificate_domain(ctl, ctl->request.arguments[0], &domain))
		status = EXIT_USAGE;
	if (status == EXIT_DONE)
		status = compare_all(&compare, domain);
	columns_end(&compare.columns, "", &table);
	bool any = json_array_size(compare.domains) > 0;
	json_t *all = json_pack("{s:o}", "domains", compare.domains);
	if (status == EXIT_DONE && ctl->request.json)
		ctl_json(ctl, json_incref(all));
	else if (status == EXIT_DONE && !any && domain.len)
		status = ctl_refused(ctl, CTL_NOT_FOUND, STR("nothing is stored for this domain"));
	else if (status == EXIT_DONE)
		buf_add(&ctl->out, any ? buf_str(&table) : STR("No certificate is stored.\n"));
	json_decref(all);
	return status == EXIT_DONE ? status_of(compare.worst) : status;
}
