/* SPDX-License-Identifier: ISC
 *
 * stored.c - see stored.h. Runs in the store's thread. What delivery asks is answered outside a
 * batch, so that it never sees what may be rolled back; each change makes another generation, by
 * which delivery knows that what it was told before is no longer true.
 */
#include "store/stored.h"

#include "base/clock.h"
#include "base/log.h"
#include "mail/address.h"
#include "mail/stored_certificate.h"

enum { NOTE_MAX = 200, WARN_BEFORE = 14 };

static void say(struct certificate_answer *answer, enum ctl_outcome outcome, struct str why)
{
	*answer = (struct certificate_answer){ .outcome = outcome, .text = why };
}

/* --- delivery --- */

void stored_generation(struct store *store, struct generation_answer *answer)
{
	answer->generation =
		(uint64_t)row_only_number(&store->db, ASK_PLAIN(&store->db, STORED_GENERATION));
}

static bool take_entry(sqlite3_stmt *s, struct arena *arena, struct stored_answer *answer)
{
	struct stored_item *item = &answer->entries.at[answer->entries.len++];

	*item = (struct stored_item){ .kind = (uint64_t)row_number(s, 0),
		.value = row_copy(s, 1, arena),
		.names = row_copy(s, 2, arena) };
	return item->value.at && item->names.at;
}

void stored_entries(
	struct store *store, struct str domain, struct arena *arena, struct stored_answer *answer)
{
	sqlite3_stmt *s = ASK(&store->db, STORED_OF, as_text(domain));
	struct generation_answer generation;
	uint64_t now = (uint64_t)clock_wall_ms();

	*answer = (struct stored_answer){ 0 };
	answer->entries.at = arena_array(arena, STORED_OF_DOMAIN, sizeof *answer->entries.at);
	while (answer->entries.at && answer->entries.len < STORED_OF_DOMAIN && row(&store->db, s)) {
		uint64_t expires = (uint64_t)row_number(s, 3);

		if (expires && expires <= now) {
			answer->expired++;
			continue;
		}
		if (expires && (!answer->until || expires < answer->until))
			answer->until = expires;
		if (!take_entry(s, arena, answer))
			store->db.failure = SQLITE_NOMEM;
	}
	row_end(s);
	stored_generation(store, &generation);
	answer->generation = generation.generation;
}

/* --- the operator --- */

static struct certificate_entry read_certificate(sqlite3_stmt *s, struct arena *arena)
{
	return (struct certificate_entry){ .entry = (uint64_t)row_number(s, 0),
		.domain = row_copy(s, 1, arena),
		.kind = (uint64_t)row_number(s, 2),
		.value = row_copy(s, 3, arena),
		.names = row_copy(s, 4, arena),
		.note = row_copy(s, 5, arena),
		.added = (uint64_t)row_number(s, 6),
		.expires = (uint64_t)row_number(s, 7) };
}

static void read_certificates(struct store *store, sqlite3_stmt *s, struct arena *arena,
	struct certificate_answer *answer)
{
	say(answer, CTL_OK, STR(""));
	answer->certificates.at =
		arena_array(arena, STORED_LISTED, sizeof *answer->certificates.at);
	while (answer->certificates.at && answer->certificates.len < STORED_LISTED &&
		row(&store->db, s))
		answer->certificates.at[answer->certificates.len++] = read_certificate(s, arena);
	row_end(s);
}

/* The domain as it is stored. False and the answer: it is none. */
static bool domain_of(
	struct str text, struct arena *arena, struct str *domain, struct certificate_answer *answer)
{
	if (address_domain(text, arena, domain))
		return true;
	say(answer, CTL_INVALID, STR("this is no domain"));
	return false;
}

void stored_list(struct store *store, const struct certificate_list_ask *ask, struct arena *arena,
	struct certificate_answer *answer)
{
	struct str domain = STR("");
	uint64_t limit = ask->limit < STORED_LISTED ? ask->limit : STORED_LISTED;

	if (ask->domain.len && !domain_of(ask->domain, arena, &domain, answer))
		return;
	read_certificates(store,
		ASK(&store->db, STORED_LIST, as_text(domain), as_text(ask->after_domain),
			as_number((int64_t)(ask->after & INT64_MAX)), as_number((int64_t)limit)),
		arena, answer);
}

static bool is_note(struct str note)
{
	for (size_t i = 0; i < note.len; i++)
		if ((unsigned char)note.at[i] < ' ' || note.at[i] == 0x7f)
			return false;
	return note.len <= NOTE_MAX && str_is_utf8(note);
}

static bool fit_to_store(const struct certificate_add_ask *ask, struct arena *arena,
	struct str *domain, struct certificate_answer *answer)
{
	if (!domain_of(ask->domain, arena, domain, answer))
		return false;
	if (ask->kind >= STORED_KINDS_N)
		say(answer, CTL_INVALID, STR("there is no such kind of entry"));
	else if (!stored_value_fits((enum stored_kind)ask->kind, ask->value))
		say(answer, CTL_INVALID,
			ask->kind == STORED_AUTHORITY
				? STR("this is no PEM text of certificates, or a long one")
				: STR("this is no SHA-256 in hex"));
	else if (!stored_names_fit(ask->names) || (ask->names.len && ask->kind != STORED_AUTHORITY))
		say(answer, CTL_INVALID, STR("these are no host names for an authority"));
	else if (!is_note(ask->note))
		say(answer, CTL_INVALID, STR("the note is one line of at most 200 bytes"));
	else if (ask->expires > INT64_MAX)
		say(answer, CTL_INVALID, STR("there is no such date"));
	else
		return true;
	return false;
}

static int64_t same_entry(
	struct store *store, const struct certificate_add_ask *ask, struct str domain)
{
	return row_only_number(&store->db,
		ASK(&store->db, STORED_SAME, as_text(domain), as_number((int64_t)ask->kind),
			as_text(ask->value), as_text(ask->names)));
}

void stored_add(struct store *store, const struct certificate_add_ask *ask, struct arena *arena,
	struct certificate_answer *answer)
{
	struct str domain;

	if (!fit_to_store(ask, arena, &domain, answer))
		return;
	int64_t number = same_entry(store, ask, domain);
	if (!number && row_only_number(&store->db, ASK(&store->db, STORED_COUNT,
							   as_text(domain))) >= STORED_OF_DOMAIN) {
		say(answer, CTL_INVALID,
			STR("there are 16 entries for this domain already; remove one first"));
		return;
	}
	if (number)
		RUN(&store->db, STORED_CHANGE, as_number(number), as_text(ask->note),
			as_number((int64_t)ask->expires));
	else
		RUN(&store->db, STORED_ADD, as_text(domain), as_number((int64_t)ask->kind),
			as_text(ask->value), as_text(ask->names), as_text(ask->note),
			as_number(store->now), as_number((int64_t)ask->expires));
	RUN_PLAIN(&store->db, STORED_CHANGED);
	read_certificates(store,
		ASK(&store->db, STORED_ONE, as_number(same_entry(store, ask, domain))), arena,
		answer);
}

/* Of the entries read, those that go. */
static void keep_entry(struct certificate_answer *answer, uint64_t entry)
{
	size_t n = 0;

	for (size_t i = 0; i < answer->certificates.len; i++)
		if (!entry || answer->certificates.at[i].entry == entry)
			answer->certificates.at[n++] = answer->certificates.at[i];
	answer->certificates.len = n;
}

void stored_remove(struct store *store, const struct certificate_remove_ask *ask,
	struct arena *arena, struct certificate_answer *answer)
{
	struct str domain;

	if (!domain_of(ask->domain, arena, &domain, answer))
		return;
	stored_list(store,
		&(struct certificate_list_ask){ .domain = domain, .limit = STORED_LISTED }, arena,
		answer);
	keep_entry(answer, ask->entry);
	if (!answer->certificates.len) {
		say(answer, CTL_NOT_FOUND, STR("there is no such entry"));
		return;
	}
	RUN(&store->db, STORED_REMOVE, as_text(domain),
		as_number((int64_t)(ask->entry & INT64_MAX)));
	RUN_PLAIN(&store->db, STORED_CHANGED);
}

/* --- the clock --- */

static void warn(struct store *store, sqlite3_stmt *s)
{
	int64_t left = row_number(s, 3) - store->now;

	if (left > 0)
		LOG(LOG_WARNING, "stored-certificate-expires", log_str("domain", row_text(s, 0)),
			log_u64("entry", (uint64_t)row_number(s, 1)),
			log_text("kind", stored_kind_id((uint64_t)row_number(s, 2))),
			log_u64("days", (uint64_t)(left / DAY)));
	else
		LOG(LOG_WARNING, "stored-certificate-expired", log_str("domain", row_text(s, 0)),
			log_u64("entry", (uint64_t)row_number(s, 1)),
			log_text("kind", stored_kind_id((uint64_t)row_number(s, 2))));
}

void stored_warn(struct store *store)
{
	if (store->stored_warned && store->now >= store->stored_warned &&
		store->now - store->stored_warned < DAY)
		return;
	store->stored_warned = store->now;
	sqlite3_stmt *s = ASK(
		&store->db, STORED_EXPIRING, as_number(store->now + (int64_t)WARN_BEFORE * DAY));
	while (row(&store->db, s))
		warn(store, s);
}
