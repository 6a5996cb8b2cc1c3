/* SPDX-License-Identifier: ISC
 *
 * accept.c - taking a message (policy.md sections 1, 6 and 7). Runs in the store's thread, inside
 * a batch. smtpd is not believed where it need not be: whose addresses these are, which demands
 * follow from them, and whether a recipient may be reached is worked out here; no caller passes
 * a level.
 */
#include "store/accept.h"

#include "base/clock.h"
#include "base/log.h"
#include "mail/header.h"
#include "store/identity.h"

static bool refuse(struct accept_answer *answer, uint64_t code, struct str why)
{
	*answer = (struct accept_answer){ .outcome = ACCEPT_REFUSED, .code = code, .text = why };
	return false;
}

void accept_failed(int failure, struct accept_answer *answer)
{
	*answer = (struct accept_answer){ .outcome = ACCEPT_FAILED };
	if (database_is_full(failure))
		answer->outcome = ACCEPT_FULL;
}

/* --- what the message says --- */

enum { OUR_FIELDS_MAX = 16384 }; /* smtpd's Received, in front of the section it took */

static bool take_senders(struct accept_ask *ask, const struct senders *senders, struct arena *arena)
{
	struct text *texts = arena_array(arena, senders->n, sizeof *texts);

	for (size_t i = 0; texts && i < senders->n; i++) {
		texts[i].text = address_text(arena, &senders->at[i]);
		if (!texts[i].text.at)
			return false;
	}
	ask->header_senders.at = texts;
	ask->header_senders.len = senders->n;
	return texts != NULL;
}

bool accept_read_header(
	struct accept_ask *ask, struct str body, struct arena *arena, struct accept_answer *answer)
{
	struct str section = str_head(body, HEADER_SECTION_MAX + OUR_FIELDS_MAX);
	struct header header;
	struct senders senders;

	if (!header_scan(section, arena, &header))
		return refuse(answer, 550, STR("5.6.0 The header can't be read"));
	enum senders_reading reading = header_senders(&header, arena, &senders);
	if (ask->account && reading != SENDERS_READ)
		return refuse(answer, 550, STR("5.6.0 The From field can't be read"));
	ask->tls_required_no = header.tls_required_no;
	return take_senders(ask, &senders, arena) ||
	       refuse(answer, 452, STR("4.3.1 Too many senders in the header"));
}

/* --- senders --- */

/* One of the senders is a secure address: the message is the alias's (policy.md section 1). */
static void join_alias(struct accept_plan *plan, const struct identity *who)
{
	plan->alias = true;
	plan->demands |= level_demands(who->level) | DEMAND_TLS;
	plan->deadline = who->deadline;
}

static bool outsider_sends(struct store *store, const struct accept_ask *ask, struct arena *arena,
	struct accept_answer *answer)
{
	static const char *const text =
		"5.7.1 This domain sends its own mail; nobody else may use its addresses";

	if (ask->sender.len && identity_of(store, ask->sender, arena).secure)
		return refuse(answer, 550, str_of(text));
	for (size_t i = 0; store->settings->from_rule && i < ask->header_senders.len; i++)
		if (identity_of(store, ask->header_senders.at[i].text, arena).secure)
			return refuse(answer, 550, str_of(text));
	return true;
}

static bool owner_sends(struct store *store, uint64_t account, struct str sender, uint64_t code,
	struct arena *arena, struct accept_plan *plan, struct accept_answer *answer)
{
	struct identity who = identity_of(store, sender, arena);
	bool own = who.account && (uint64_t)who.account == account;

	if (own && who.kind == IDENTITY_ALIAS_OFF)
		return refuse(answer, 550, STR("5.7.1 This secure address is not activated"));
	if (!own || (who.kind != IDENTITY_ACCOUNT && who.kind != IDENTITY_ALIAS))
		return refuse(answer, code, STR("5.7.1 This sender address is not yours"));
	if (who.kind == IDENTITY_ALIAS)
		join_alias(plan, &who);
	return true;
}

bool accept_sender(struct store *store, uint64_t account, struct str sender, struct arena *arena,
	struct accept_plan *plan, struct accept_answer *answer)
{
	return owner_sends(store, account, sender, 553, arena, plan, answer);
}

/* Nobody between the sender and us could read it. */
static bool came_sealed(const struct accept_ask *ask, const struct accept_plan *plan)
{
	return ask->tls_version.len || plan->terms.from_page;
}

static bool account_sends(struct store *store, const struct accept_ask *ask, struct arena *arena,
	struct accept_plan *plan, struct accept_answer *answer)
{
	if (!came_sealed(ask, plan))
		return refuse(answer, 530, STR("5.7.0 Must issue a STARTTLS command first"));
	if (!ask->header_senders.len)
		return refuse(answer, 550, STR("5.6.0 The From field can't be read"));
	if (ask->sender.len &&
		!owner_sends(store, ask->account, ask->sender, 553, arena, plan, answer))
		return false;
	for (size_t i = 0; i < ask->header_senders.len; i++)
		if (!str_eq(ask->header_senders.at[i].text, ask->sender) &&
			!owner_sends(store, ask->account, ask->header_senders.at[i].text, 550,
				arena, plan, answer))
			return false;
	return true;
}

static bool neighbour_sends_as(struct store *store, struct str sender, struct arena *arena,
	struct accept_plan *plan, struct accept_answer *answer)
{
	struct identity who = identity_of(store, sender, arena);

	if (!who.secure)
		return true;
	if (who.kind != IDENTITY_ALIAS)
		return refuse(answer, 550, STR("5.7.1 This secure address is not activated"));
	join_alias(plan, &who);
	return true;
}

/* A listed neighbour answers for who its people are; whose mail it is, and what follows, is worked
 * out as ever. What crossed a network in clear on its way to us is not taken as sealed mail. */
static bool neighbour_sends(struct store *store, const struct accept_ask *ask, struct arena *arena,
	struct accept_plan *plan, struct accept_answer *answer)
{
	if (ask->sender.len && !neighbour_sends_as(store, ask->sender, arena, plan, answer))
		return false;
	for (size_t i = 0; i < ask->header_senders.len; i++)
		if (!neighbour_sends_as(store, ask->header_senders.at[i].text, arena, plan, answer))
			return false;
	if (plan->alias && !ask->tls_version.len && plan->neighbour != NEIGHBOUR_HERE)
		return refuse(answer, 550,
			STR("5.7.10 Mail of a secure address is taken over encrypted connections "
			    "only"));
	return true;
}

static bool senders_may(struct store *store, const struct accept_ask *ask, struct arena *arena,
	struct accept_plan *plan, struct accept_answer *answer)
{
	if (ask->account)
		return account_sends(store, ask, arena, plan, answer);
	if (plan->neighbour)
		return neighbour_sends(store, ask, arena, plan, answer);
	return outsider_sends(store, ask, arena, answer);
}

/* RFC 8689 4.2.1. A report is not lost because a hop lacks REQUIRETLS (5): that hop is asked for
 * it only where it is announced. */
static demands demands_of_requiretls(const struct accept_ask *ask)
{
	return DEMAND_TLS | DEMAND_AUTH | (ask->sender.len ? DEMAND_REQUIRETLS : 0);
}

static bool judge_senders(struct store *store, const struct accept_ask *ask, struct arena *arena,
	struct accept_plan *plan, struct accept_answer *answer)
{
	if (!ask->account)
		plan->neighbour = settings_neighbour(store->settings, ask->peer);
	if (!senders_may(store, ask, arena, plan, answer))
		return false;
	if (ask->requiretls && !came_sealed(ask, plan))
		return refuse(answer, 530, STR("5.7.0 REQUIRETLS is for encrypted sessions"));
	if (ask->requiretls)
		plan->demands |= demands_of_requiretls(ask);
	plan->demands |= plan->terms.least;
	plan->unenforced = ask->tls_required_no && ask->account && !plan->demands;
	return true;
}

/* --- recipients --- */

static bool may_reach(const struct accept_ask *ask, const struct accept_plan *plan,
	const struct identity *who, struct accept_answer *answer)
{
	if (who->kind == IDENTITY_REMOTE)
		return ask->account || plan->neighbour ||
		       refuse(answer, 550, STR("5.7.1 Relaying denied"));
	if (who->secure && !came_sealed(ask, plan))
		return refuse(answer, 550,
			STR("5.7.10 This address takes mail over encrypted connections only"));
	if (who->kind != IDENTITY_ACCOUNT && who->kind != IDENTITY_ALIAS)
		return refuse(answer, 550, STR("5.1.1 There is no such mailbox here"));
	return true;
}

static bool judge_recipients(struct store *store, const struct accept_ask *ask, struct arena *arena,
	struct accept_plan *plan, struct accept_answer *answer)
{
	if (!ask->recipients.len || ask->recipients.len >= RECIPIENTS_MAX)
		return refuse(answer, 554, STR("5.5.1 No valid recipients"));
	plan->recipients = arena_array(arena, ask->recipients.len, sizeof *plan->recipients);
	if (!plan->recipients)
		return false;
	for (size_t i = 0; i < ask->recipients.len; i++) {
		struct identity *who = &plan->recipients[i];
		*who = identity_of(store, ask->recipients.at[i].address, arena);
		if (!may_reach(ask, plan, who, answer))
			return false;
	}
	return true;
}

/* --- an answer that was lost --- */

static bool same_recipients(struct store *store, int64_t message, const struct accept_ask *ask)
{
	sqlite3_stmt *s =
		ASK(&store->db, RECIPIENT_ADDRESSES, as_number(recipient_number(message, 0)),
			as_number(recipient_number(message + 1, 0)));
	size_t n = 0;
	bool same = true;

	for (; same && row(&store->db, s); n++)
		same = n < ask->recipients.len &&
		       str_eq(row_text(s, 0), ask->recipients.at[n].address);
	row_end(s);
	return same && n == ask->recipients.len;
}

static bool not_taken_yet(
	struct store *store, const struct accept_ask *ask, int64_t id, struct accept_answer *answer)
{
	sqlite3_stmt *s = ASK(&store->db, MESSAGE_OF_ID, as_number(id));

	if (!row(&store->db, s)) {
		/* An id tells messages apart for as long as there are receipts of them. */
		return !receipt_exists(store, id) ||
		       refuse(answer, 451, STR("4.3.0 Please try again"));
	}
	int64_t message = row_number(s, 0);
	bool same = (uint64_t)row_number(s, 1) == ask->account &&
		    str_eq(row_text(s, 2), ask->sender) && (uint64_t)row_number(s, 3) == ask->size;
	row_end(s);
	if (!same || !same_recipients(store, message, ask))
		return refuse(answer, 451, STR("4.3.0 Please try again"));
	*answer = (struct accept_answer){ .outcome = ACCEPT_TAKEN };
	return false;
}

/* Each refused message is in smtpd's log; that it wants somebody to look is said once an hour. */
static void tell_disk(struct store *store)
{
	if (store->disk_told && store->now >= store->disk_told &&
		store->now - store->disk_told < HOUR)
		return;
	store->disk_told = store->now;
	LOG(LOG_ALARM, "disk-low", log_u64("free", store->disk_free),
		log_u64("reserve", store->settings->disk_reserve));
}

bool accept_has_room(struct store *store, uint64_t size, struct accept_answer *answer)
{
	uint64_t reserve = store->settings->disk_reserve;

	if (!store->disk_free)
		store->disk_free = store_disk_free(store);
	if (store->disk_free >= reserve && store->disk_free - reserve >= size) {
		store->disk_free -= size;
		return true;
	}
	answer->outcome = ACCEPT_FULL;
	tell_disk(store);
	store->short_of_disk = true;
	return false;
}

bool accept_check(struct store *store, const struct accept_ask *ask,
	const struct accept_terms *terms, struct arena *arena, struct accept_plan *plan,
	struct accept_answer *answer)
{
	int64_t id;

	*plan = (struct accept_plan){ .terms = *terms };
	accept_failed(SQLITE_OK, answer);
	if (!queue_id_parse(ask->id, &id) || !not_taken_yet(store, ask, id, answer))
		return false;
	if (!judge_senders(store, ask, arena, plan, answer) ||
		!judge_recipients(store, ask, arena, plan, answer))
		return false;
	return store->db.failure == SQLITE_OK;
}

/* --- rows --- */

static void write_message(
	struct store *store, const struct accept_ask *ask, int64_t id, int64_t message, size_t size)
{
	RUN(&store->db, MESSAGE_ADD, as_number(message), as_number(id),
		as_number((int64_t)ask->account), as_text(ask->sender), as_number(store->now),
		as_number((int64_t)ask->size), as_number(body_pieces(size)),
		as_number((int64_t)ask->body_kind), as_number((int64_t)ask->smtputf8),
		as_number((int64_t)ask->requiretls), as_number((int64_t)ask->tls_required_no),
		as_text(ask->envid), as_number((int64_t)ask->ret), as_text(ask->subject),
		as_text(ask->peer), as_text(ask->helo), as_text(ask->tls_version),
		as_text(ask->cipher));
}

/* Only our own people are told that a message still waits, and only if they wanted to know. */
static bool wants_delay_notice(
	const struct accept_ask *ask, const struct accept_plan *plan, uint64_t notify)
{
	return (ask->account || plan->alias) && ask->sender.len &&
	       (notify == 0 || (notify & NOTIFY_DELAY));
}

static int64_t time_allowed(
	const struct store *store, const struct accept_plan *plan, demands wanted, bool local)
{
	if (local || !wanted)
		return store->settings->deadline_opportunistic;
	return plan->deadline ? plan->deadline : store->settings->deadline;
}

demands accept_demands(
	const struct store *store, const struct accept_plan *plan, const struct identity *who)
{
	return plan->demands | (who->secure ? DEMAND_TLS : 0) |
	       (who->kind == IDENTITY_REMOTE ? settings_demands(store->settings, who->domain) : 0);
}

static void write_recipient(struct store *store, const struct accept_ask *ask,
	const struct accept_plan *plan, size_t i, int64_t number)
{
	const struct envelope_recipient *to = &ask->recipients.at[i];
	const struct identity *who = &plan->recipients[i];
	bool local = who->kind != IDENTITY_REMOTE;
	struct str destination = local ? STR("") : who->domain;
	demands wanted = accept_demands(store, plan, who);
	uint32_t terms = wanted || local || !plan->unenforced ? wanted : UNENFORCED;
	int64_t due = plan->terms.due > store->now ? plan->terms.due : store->now;
	int64_t deadline = due + time_allowed(store, plan, wanted, local);
	int64_t event_at = due + store->settings->delay_notice;

	if (!wants_delay_notice(ask, plan, to->notify) || event_at > deadline)
		event_at = deadline;
	RUN(&store->db, RECIPIENT_ADD, as_number(number), as_text(to->address),
		as_text(destination), as_number(terms), as_number(local ? who->account : 0),
		as_number(due), as_number(event_at), as_number(deadline),
		as_number((int64_t)to->notify), as_text(to->orcpt));
	receipt_recipient(store, NULL,
		&(struct record_recipient){ .address = to->address,
			.state = RECORD_STATE_QUEUED,
			.demands = wanted,
			.unenforced = terms == UNENFORCED });
	if (store->db.failure == SQLITE_OK)
		schedule_added(store, destination, terms, 1, due);
}

bool accept_write(struct store *store, const struct accept_ask *ask, const struct accept_plan *plan,
	struct str body, int fd, int64_t staged)
{
	int64_t id, message = staged ? staged : store_next_message(store);

	if (!queue_id_parse(ask->id, &id))
		return false;
	write_message(store, ask, id, message, body.len);
	if (staged)
		RUN(&store->db, LEFTOVER_REMOVE, as_number(staged));
	else
		body_write(store, message, body, 0, body_pieces(body.len));
	receipt_begin_taken(store, ask, plan->terms.from_page);
	for (size_t i = 0; i < ask->recipients.len; i++)
		write_recipient(store, ask, plan, i, recipient_number(message, (int64_t)i));
	receipt_finish(store);
	if (store->db.failure != SQLITE_OK)
		return false;
	body_cache_add(&store->cache, message, fd, body.len);
	return true;
}

void accept_on(struct store *store, const struct accept_ask *ask, const struct accept_terms *terms,
	struct str body, int fd, int64_t staged, struct arena *arena, struct accept_answer *answer)
{
	struct accept_plan plan;

	if (!accept_check(store, ask, terms, arena, &plan, answer) ||
		(!staged && !accept_has_room(store, body.len, answer)))
		return;
	if (!accept_write(store, ask, &plan, body, fd, staged)) {
		accept_failed(store->db.failure, answer);
		return;
	}
	store->figures[FIGURE_ACCEPTED]++;
	*answer = (struct accept_answer){ .outcome = ACCEPT_TAKEN };
}

void accept_message(struct store *store, const struct accept_ask *ask, struct str body, int fd,
	int64_t staged, struct arena *arena, struct accept_answer *answer)
{
	accept_on(store, ask, &(struct accept_terms){ 0 }, body, fd, staged, arena, answer);
}
