/* SPDX-License-Identifier: ISC
 *
 * host.c - see host.h. Three rounds, each asked for all hosts at once: the addresses; the CNAME of
 * those that have one and no validated address behind it; the TLSA records of those with a
 * validated answer. The others are asked for none: there the answer could be anybody's, and name
 * servers that choke on the question are all among them (RFC 7672 2.1.2, 2.2.2).
 * A look-up that fails makes its host FAILED, never one without DANE.
 */
#include "net/host.h"

#include "base/must.h"

enum { BASES_MAX = 2, OWNER_MAX = 253 };

/* The questions about one host, and the names its TLSA records may be found under. */
struct host_questions {
	struct route_host *host;
	struct question *v6, *v4, *alias, *tlsa[BASES_MAX];
	struct str bases[BASES_MAX];
	size_t n_bases;
};

/* --- addresses ------------------------------------------------------------------------------ */

/* IPv6 and IPv4 in turns. */
static void add_addresses(struct route_host *host, const struct answer *v6, const struct answer *v4)
{
	for (size_t i = 0;; i++) {
		struct str six = v6->kind == ANSWER_DATA ? answer_record(v6, i) : STR("");
		struct str four = v4->kind == ANSWER_DATA ? answer_record(v4, i) : STR("");
		struct str both[] = { six, four };
		if (!six.len && !four.len)
			return;
		for (size_t j = 0; j < 2; j++) {
			if (!both[j].len)
				continue;
			if (host->n_addresses == ROUTE_ADDRESSES_MAX)
				host->capped = true;
			else if (ip_of_record(both[j], &host->addresses[host->n_addresses]))
				host->n_addresses++;
		}
	}
}

static bool has_validated_data(const struct answer *answer)
{
	return answer->kind == ANSWER_DATA && answer->validated;
}

static void fail_host(struct route_host *host, bool bogus)
{
	host->facts.address = ADDRESS_FAILED;
	host->facts.dns_bogus = bogus;
	host->n_addresses = 0;
}

/* policy.md section 3: one family failing, go on with the other, whose validation counts. No
 * address is only believed of a host if both families said so. */
static void judge_addresses(
	struct route_host *host, const struct answer *v6, const struct answer *v4)
{
	add_addresses(host, v6, v4);
	if (host->n_addresses) {
		host->facts.address = ADDRESS_FOUND;
		host->facts.host_validated = has_validated_data(v6) || has_validated_data(v4);
	} else if (answer_failed(v6) || answer_failed(v4)) {
		fail_host(host, v6->kind == ANSWER_BOGUS || v4->kind == ANSWER_BOGUS);
	} else {
		host->facts.address = ADDRESS_NONE;
		host->facts.host_validated = v6->validated && v4->validated;
		host->no_name = v6->kind == ANSWER_NO_NAME && v4->kind == ANSWER_NO_NAME;
	}
}

/* A name for TLSA records, in lower case. */
static void add_base(struct host_questions *q, struct arena *memory, struct str name)
{
	if (!lookup_can_ask(name) || (q->n_bases && str_eq_nocase(q->bases[0], name)))
		return;
	char *copy = arena_alloc(memory, name.len + 1);
	must(copy != NULL);
	for (size_t i = 0; i < name.len; i++)
		copy[i] = ascii_lower(name.at[i]);
	q->bases[q->n_bases++] = (struct str){ copy, name.len };
}

/* RFC 7672 2.2.2, 2.2.3: behind a chain of CNAMEs that is validated to its end stands the expanded
 * name, then the original; behind a chain that isn't, the original alone, and only if its own
 * CNAME is validated, for which it must be asked by itself. */
static void ask_alias(struct lookup *lookup, struct arena *memory, struct host_questions *q,
	const struct answer *v6, const struct answer *v4)
{
	struct route_host *host = q->host;

	if (host->facts.address != ADDRESS_FOUND)
		return;
	if (host->facts.host_validated) {
		const struct answer *validated = has_validated_data(v6) ? v6 : v4;
		if (validated->aliased)
			add_base(q, memory, validated->canonical);
	} else if (v6->aliased || v4->aliased) {
		q->alias = question_ask(lookup->context, host->name, TYPE_CNAME);
	}
	add_base(q, memory, host->name);
}

static void ask_addresses(struct lookup *lookup, struct host_questions *q)
{
	q->v6 = question_ask(lookup->context, q->host->name, TYPE_AAAA);
	q->v4 = question_ask(lookup->context, q->host->name, TYPE_A);
}

static void take_addresses(struct lookup *lookup, struct arena *memory, struct host_questions *q,
	struct deadline until)
{
	struct answer v6 = lookup_wait(lookup, &q->v6, TYPE_AAAA, until);
	struct answer v4 = lookup_wait(lookup, &q->v4, TYPE_A, until);

	judge_addresses(q->host, &v6, &v4);
	ask_alias(lookup, memory, q, &v6, &v4);
	question_end(&q->v6);
	question_end(&q->v4);
}

void host_find_addresses(struct lookup *lookup, struct route_host *host)
{
	struct host_questions q = { .host = host };

	ask_addresses(lookup, &q);
	struct answer v6 = lookup_wait(lookup, &q.v6, TYPE_AAAA, lookup->deadline);
	struct answer v4 = lookup_wait(lookup, &q.v4, TYPE_A, lookup->deadline);
	judge_addresses(host, &v6, &v4);
	question_end(&q.v6);
	question_end(&q.v4);
}

/* Is a validated DNAME above the name? Every CNAME below one is made from it (RFC 6672). */
static bool is_below_dname(struct lookup *lookup, struct str name, struct deadline until)
{
	bool found = false;

	for (str_cut(&name, '.'); !found && name.len; str_cut(&name, '.')) {
		struct question *q = question_ask(lookup->context, name, TYPE_DNAME);
		struct answer answer = lookup_wait(lookup, &q, TYPE_DNAME, until);
		found = has_validated_data(&answer);
		question_end(&q);
	}
	return found;
}

/* The CNAME, asked by itself. One that is made from a DNAME has no signature of its own, and to
 * libunbound (1.17) it is bogus then; the DNAME has one. */
static void take_alias(struct lookup *lookup, struct host_questions *q, struct deadline until)
{
	bool failed_before = lookup->failed;

	if (!q->alias)
		return;
	struct answer alias = lookup_wait(lookup, &q->alias, TYPE_CNAME, until);
	if (!answer_failed(&alias)) {
		q->host->facts.host_validated = has_validated_data(&alias);
	} else if (alias.kind == ANSWER_BOGUS && is_below_dname(lookup, q->host->name, until)) {
		q->host->facts.host_validated = true;
		lookup->failed = failed_before;
	} else {
		fail_host(q->host, alias.kind == ANSWER_BOGUS);
	}
	question_end(&q->alias);
}

/* --- TLSA ------------------------------------------------------------------------------------ */

static struct question *ask_tlsa_of(struct lookup *lookup, struct str base, uint16_t port)
{
	scoped(buf_free) struct buf owner = BUF(OWNER_MAX);

	/* No name can be longer: the records of such a host can't exist. */
	if (!buf_printf(&owner, "_%u._tcp.%.*s", port, STR_ARG(base)))
		return NULL;
	return question_ask(lookup->context, buf_str(&owner), TYPE_TLSA);
}

static void ask_tlsa(struct lookup *lookup, struct host_questions *q, uint16_t port)
{
	if (!policy_needs_tlsa(&q->host->facts))
		return;
	for (size_t i = 0; i < q->n_bases; i++)
		q->tlsa[i] = ask_tlsa_of(lookup, q->bases[i], port);
}

/* The usable records, copied. A set that finds no room is a failure on our side: what is left of
 * it would be another promise than the domain's. */
static unsigned read_tlsa(
	struct route_host *host, struct arena *memory, const struct answer *answer)
{
	size_t n = 0;
	struct tlsa tlsa;

	for (size_t i = 0; answer_record(answer, i).at; i++)
		n += tlsa_read(answer_record(answer, i), &tlsa);
	if (!n)
		return TLSA_UNUSABLE;
	struct tlsa *all = arena_array(memory, n, sizeof *all);
	if (!all)
		return TLSA_FAILED;
	for (size_t i = 0, taken = 0; taken < n; i++) {
		if (!tlsa_read(answer_record(answer, i), &tlsa))
			continue;
		tlsa.data = arena_str(memory, tlsa.data);
		if (!tlsa.data.at)
			return TLSA_FAILED;
		all[taken++] = tlsa;
	}
	host->tlsa = all;
	host->n_tlsa = n;
	return TLSA_USABLE;
}

/* The first name with a validated set decides, usable or not; a failure before that is one. */
static void judge_tlsa(struct lookup *lookup, struct arena *memory, struct host_questions *q)
{
	struct route_host *host = q->host;

	host->facts.tlsa = TLSA_NONE;
	for (size_t i = 0; i < q->n_bases && host->facts.tlsa == TLSA_NONE; i++) {
		if (!q->tlsa[i])
			continue;
		struct answer answer =
			lookup_wait(lookup, &q->tlsa[i], TYPE_TLSA, lookup->deadline);
		if (answer_failed(&answer)) {
			host->facts.tlsa = TLSA_FAILED;
			host->facts.dns_bogus = answer.kind == ANSWER_BOGUS;
		} else if (has_validated_data(&answer)) {
			host->facts.tlsa = read_tlsa(host, memory, &answer);
			lookup->failed |= host->facts.tlsa == TLSA_FAILED;
			host->tlsa_base = q->bases[i];
		}
	}
}

static void take_tlsa(struct lookup *lookup, struct arena *memory, struct host_questions *q)
{
	if (q->host->facts.address == ADDRESS_FOUND)
		judge_tlsa(lookup, memory, q);
	for (size_t i = 0; i < BASES_MAX; i++)
		question_end(&q->tlsa[i]);
}

void hosts_look_up(struct lookup *lookup, struct arena *memory, uint16_t port,
	struct route_host *hosts, size_t n)
{
	struct host_questions q[ROUTE_HOSTS_MAX] = { 0 };

	must(n <= ROUTE_HOSTS_MAX);
	for (size_t i = 0; i < n; i++) {
		q[i].host = &hosts[i];
		ask_addresses(lookup, &q[i]);
	}
	struct deadline until = lookup_half(lookup);
	for (size_t i = 0; i < n; i++)
		take_addresses(lookup, memory, &q[i], until);
	until = lookup_half(lookup);
	for (size_t i = 0; i < n; i++)
		take_alias(lookup, &q[i], until);
	for (size_t i = 0; i < n; i++)
		ask_tlsa(lookup, &q[i], port);
	for (size_t i = 0; i < n; i++)
		take_tlsa(lookup, memory, &q[i]);
}
