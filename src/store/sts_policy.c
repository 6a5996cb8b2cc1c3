/* SPDX-License-Identifier: ISC
 *
 * sts_policy.c - the table sts_policy. Runs in the store's thread. What comes from delivery is
 * measured, since it was a stranger's; nothing else is asked of it.
 */
#include "store/sts_policy.h"

#include "base/log.h"
#include "mail/address.h"
#include "mail/mta_sts.h"

enum { ID_MAX = 32, DUE_MAX = 100 };

void sts_policy_load(
	struct store *store, struct str domain, struct arena *arena, struct sts_kept *policy)
{
	sqlite3_stmt *s = ASK(&store->db, STS_POLICY, as_text(domain), as_number(clock_wall_ms()));

	*policy = (struct sts_kept){ .domain = domain, .id = STR(""), .text = STR("") };
	if (!row(&store->db, s))
		return;
	policy->id = row_copy(s, 0, arena);
	policy->text = row_copy(s, 1, arena);
	policy->fetched = (uint64_t)row_number(s, 2);
	policy->expires = (uint64_t)row_number(s, 3);
	policy->used = (uint64_t)row_number(s, 4);
	row_end(s);
}

void sts_policy_save(struct store *store, const struct sts_kept *p)
{
	if (!p->domain.len || p->domain.len > ADDRESS_DOMAIN_MAX || p->id.len > ID_MAX ||
		!p->text.len || p->text.len > STS_TEXT_MAX || p->fetched > INT64_MAX ||
		p->expires > INT64_MAX || p->used > INT64_MAX) {
		LOG(LOG_WARNING, "sts-policy-refused", log_str("domain", p->domain));
		return;
	}
	RUN(&store->db, STS_POLICY_SAVE, as_text(p->domain), as_text(p->id), as_text(p->text),
		as_number((int64_t)p->fetched), as_number((int64_t)p->expires),
		as_number((int64_t)p->used));
	RUN(&store->db, STS_POLICY_CROWD_OUT, as_number(STS_POLICIES_MAX));
}

void sts_policy_due(struct store *store, const struct sts_due_ask *ask, struct arena *arena,
	struct sts_due_answer *answer)
{
	size_t limit = ask->limit < DUE_MAX ? (size_t)ask->limit : DUE_MAX;
	sqlite3_stmt *s = ASK(&store->db, STS_POLICY_DUE, as_number((int64_t)ask->fetched_before),
		as_number((int64_t)ask->used_after), as_number((int64_t)limit));

	*answer = (struct sts_due_answer){ 0 };
	answer->domains.at = arena_array(arena, limit, sizeof *answer->domains.at);
	while (answer->domains.at && answer->domains.len < limit && row(&store->db, s))
		answer->domains.at[answer->domains.len++].text = row_copy(s, 0, arena);
	row_end(s);
}

bool sts_policy_expire(struct store *store, int n)
{
	RUN(&store->db, STS_POLICY_EXPIRE, as_number(store->now), as_number(n));
	return sql_changes(&store->db) == n;
}
