/* SPDX-License-Identifier: ISC
 *
 * queue.c - the commands `siegel queue ...`: what waits, why, until when, and what was tried.
 */
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "mail/demands.h"
#include "mail/policy.h"
#include "mail/reason.h"
#include <string.h>

enum { LIMIT_DEFAULT = 200, LIMIT_MOST = 100000 };

static const char *const states[] = {
	[STATE_WAITING] = "waiting",
	[STATE_SECOND_LOOK] = "second-look",
	[STATE_DELIVERED] = "delivered",
	[STATE_FAILED] = "failed",
};

const char *verdict_word(uint64_t verdict)
{
	return verdict <= VERDICT_REFUSED ? verdict_name((enum verdict)verdict) : "?";
}

json_t *demands_json(uint64_t set)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count_of(demand_names); i++)
		if (set & demand_names[i].demand)
			json_array_append_new(list, json_string(demand_names[i].name));
	return list;
}

static void add_demands(struct buf *to, uint64_t set)
{
	size_t before = to->len;

	for (size_t i = 0; i < count_of(demand_names); i++)
		if (set & demand_names[i].demand)
			buf_printf(to, "%s%s", to->len > before ? "," : "", demand_names[i].name);
	if (to->len == before)
		buf_add_char(to, '-');
}

static json_t *item_json(const struct queue_item *q)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:I, s:o, s:o, s:o, s:I, s:s, s:o}",
		"id", json_text(q->id), "sender", json_text(q->sender), "recipient",
		json_text(q->recipient), "destination", json_text(q->destination), "subject",
		json_text(q->subject), "state", numbered_word(states, count_of(states), q->state),
		"demands", demands_json(q->demands), "size", (json_int_t)q->size, "accepted",
		json_time(q->accepted), "next_attempt", json_time(q->next_attempt), "deadline",
		json_time(q->deadline), "attempts", (json_int_t)q->attempts, "reason",
		reason_word(q->reason), "said", json_text(q->said));
}

json_t *attempt_json(const struct attempt *a)
{
	return json_pack("{s:o, s:o, s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"time", json_time(a->time), "host", json_text(a->host), "address",
		json_text(a->address), "port", (json_int_t)a->port, "verdict",
		verdict_word(a->verdict), "reason", reason_word(a->reason), "tls_version",
		json_text(a->tls_version), "cipher", json_text(a->cipher), "group",
		json_text(a->group), "certificate", json_text(a->certificate), "key",
		json_text(a->key), "proven_by", json_text(a->proven_by), "said",
		json_text(a->said));
}

static enum exit_status queue_json(struct ctl *ctl, const struct queue_answer *answer)
{
	json_t *items = json_array(), *attempts = json_array();

	for (size_t i = 0; i < answer->items.len; i++)
		json_array_append_new(items, item_json(&answer->items.at[i]));
	for (size_t i = 0; i < answer->attempts.len; i++)
		json_array_append_new(attempts, attempt_json(&answer->attempts.at[i]));
	return ctl_json(ctl, json_pack("{s:o, s:o}", "items", items, "attempts", attempts));
}

/* "in 25 s", "now", "3 min ago". */
static void add_moment(struct columns *columns, uint64_t wall_ms)
{
	scoped(buf_free) struct buf text = BUF(64);
	int64_t left = (int64_t)wall_ms - clock_wall_ms();

	if (!wall_ms) {
		buf_add_char(&text, '-');
	} else if (left > -SECOND && left < SECOND) {
		buf_add(&text, STR("now"));
	} else {
		buf_add(&text, left > 0 ? STR("in ") : STR(""));
		add_span(&text, left > 0 ? left : -left);
		buf_add(&text, left > 0 ? STR("") : STR(" ago"));
	}
	columns_add(columns, buf_str(&text));
}

static bool is_open(const struct queue_item *q)
{
	return q->state == STATE_WAITING || q->state == STATE_SECOND_LOOK;
}

static void print_items(const struct queue_answer *answer, struct buf *to)
{
	struct columns columns;

	columns_begin(&columns, "ID|STATE|ACCEPTED|NEXT|TRIES|DEMANDS|FROM|TO|REASON");
	for (size_t i = 0; i < answer->items.len; i++) {
		const struct queue_item *q = &answer->items.at[i];
		scoped(buf_free) struct buf set = BUF(100);

		add_demands(&set, q->demands);
		columns_add(&columns, q->id);
		columns_add(&columns, str_of(numbered_word(states, count_of(states), q->state)));
		add_moment(&columns, q->accepted);
		add_moment(&columns, is_open(q) ? q->next_attempt : 0);
		columns_printf(&columns, "%llu", (unsigned long long)q->attempts);
		columns_add(&columns, buf_str(&set));
		columns_add(&columns, q->sender.len ? q->sender : STR("<>"));
		columns_add(&columns, q->recipient);
		columns_add(&columns, q->reason ? str_of(reason_word(q->reason)) : STR("-"));
	}
	columns_end(&columns, "", to);
}

/* Who was asked: "192.0.2.1:25", "[2001:db8::1]:25", or "-" where nothing was connected. */
static void add_peer(struct columns *columns, const struct attempt *a)
{
	bool v6 = str_find(a->address, ':') < a->address.len;

	if (a->address.len)
		columns_printf(columns, v6 ? "[%.*s]:%llu" : "%.*s:%llu", STR_ARG(a->address),
			(unsigned long long)a->port);
	else
		columns_add(columns, STR("-"));
}

static void print_attempts(const struct queue_answer *answer, struct buf *to)
{
	struct columns columns;

	columns_begin(&columns, "WHEN|HOST|ADDRESS|VERDICT|REASON|TLS|SAID");
	for (size_t i = 0; i < answer->attempts.len; i++) {
		const struct attempt *a = &answer->attempts.at[i];

		add_moment(&columns, a->time);
		columns_add(&columns, a->host.len ? a->host : STR("-"));
		add_peer(&columns, a);
		columns_add(&columns, str_of(verdict_word(a->verdict)));
		columns_add(&columns, a->reason ? str_of(reason_word(a->reason)) : STR("-"));
		columns_add(&columns, a->tls_version.len ? a->tls_version : STR("-"));
		columns_add(&columns, a->said);
	}
	columns_end(&columns, "", to);
}

static void print_line(struct buf *to, const char *name, struct str value)
{
	buf_printf(to, "%-10s", name);
	add_visible(to, value);
	buf_add_char(to, '\n');
}

static enum exit_status print_message(struct ctl *ctl, const struct queue_answer *answer)
{
	const struct queue_item *first = answer->items.at;

	if (ctl->request.json)
		return queue_json(ctl, answer);
	print_line(&ctl->out, "Message", first->id);
	print_line(&ctl->out, "From", first->sender.len ? first->sender : STR("<>"));
	print_line(&ctl->out, "Subject", first->subject);
	buf_printf(&ctl->out, "%-10s%llu bytes\n\n", "Size", (unsigned long long)first->size);
	print_items(answer, &ctl->out);
	for (size_t i = 0; i < answer->items.len; i++) {
		const struct queue_item *q = &answer->items.at[i];

		if (!q->said.len)
			continue;
		buf_add_char(&ctl->out, '\n');
		add_visible(&ctl->out, q->recipient);
		buf_add(&ctl->out, STR(": "));
		add_visible(&ctl->out, q->said);
		buf_add_char(&ctl->out, '\n');
	}
	if (answer->attempts.len) {
		buf_add(&ctl->out, STR("\nAttempts:\n"));
		print_attempts(answer, &ctl->out);
	}
	return EXIT_DONE;
}

static bool read_limit(struct ctl *ctl, uint64_t *limit)
{
	*limit = LIMIT_DEFAULT;
	if (!ctl->request.limit ||
		(str_to_u64(str_of(ctl->request.limit), limit) && *limit && *limit <= LIMIT_MOST))
		return true;
	buf_printf(&ctl->err,
		"siegel: --limit: \"%s\" does not fit; a number from 1 to %d would be "
		"right\n",
		ctl->request.limit, LIMIT_MOST);
	return false;
}

enum exit_status run_queue_list(struct ctl *ctl)
{
	struct queue_ask ask = { .limit = 0 };
	struct queue_answer answer;
	enum exit_status status;

	if (!read_limit(ctl, &ask.limit))
		return EXIT_USAGE;
	status = ask_queue_list(ctl, &ask, &answer);
	if (status != EXIT_DONE)
		return status;
	if (answer.outcome != CTL_OK)
		return ctl_refused(ctl, answer.outcome, answer.text);
	if (ctl->request.json)
		return queue_json(ctl, &answer);
	if (answer.items.len)
		print_items(&answer, &ctl->out);
	else
		buf_add(&ctl->out, STR("Nothing waits.\n"));
	return EXIT_DONE;
}

enum exit_status run_queue_show(struct ctl *ctl)
{
	struct queue_ask ask = { .id = str_of(ctl->request.arguments[0]), .limit = LIMIT_MOST };
	struct queue_answer answer;
	enum exit_status status = ask_queue_list(ctl, &ask, &answer);

	if (status != EXIT_DONE)
		return status;
	if (answer.outcome != CTL_OK || !answer.items.len)
		return ctl_refused(ctl, answer.outcome == CTL_OK ? CTL_NOT_FOUND : answer.outcome,
			answer.text);
	return print_message(ctl, &answer);
}

static struct queue_change_ask change_ask(const struct ctl *ctl)
{
	const char *id = ctl->request.arguments[0], *recipient = ctl->request.arguments[1];

	return (struct queue_change_ask){ .id = str_of(strcmp(id, "all") ? id : ""),
		.recipient = str_of(recipient) };
}

static enum exit_status changed(
	struct ctl *ctl, const struct queue_answer *answer, const char *what)
{
	if (answer->outcome != CTL_OK)
		return ctl_refused(ctl, answer->outcome, answer->text);
	if (ctl->request.json)
		return queue_json(ctl, answer);
	if (answer->text.len) {
		add_visible(&ctl->out, answer->text);
		buf_add_char(&ctl->out, '\n');
	} else {
		buf_printf(&ctl->out, "%s.\n", what);
	}
	return EXIT_DONE;
}

enum exit_status run_queue_retry(struct ctl *ctl)
{
	struct queue_change_ask ask = change_ask(ctl);
	struct queue_answer answer;
	enum exit_status status = ask_queue_retry(ctl, &ask, &answer);

	if (status != EXIT_DONE)
		return status;
	return changed(ctl, &answer, "It is tried again now");
}

enum exit_status run_queue_drop(struct ctl *ctl)
{
	struct queue_change_ask ask = change_ask(ctl);
	struct queue_answer answer;
	enum exit_status status = ask_queue_drop(ctl, &ask, &answer);

	if (status != EXIT_DONE)
		return status;
	return changed(ctl, &answer, "It is dropped, and its sender is told");
}
