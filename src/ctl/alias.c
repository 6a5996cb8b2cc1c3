/* SPDX-License-Identifier: ISC
 *
 * alias.c - the commands `siegel alias ...` and `siegel notices`: the promise of an account's
 * secure alias, and where it was kept by not delivering.
 */
#include "ctl/account.h"
#include "ctl/columns.h"
#include "mail/demands.h"
#include "mail/reason.h"
#include "settings/value.h"
#include <string.h>

enum { RECENT_NOTICES = 10, DEADLINE_LEAST = MINUTE, DEADLINE_MOST = 2 * DAY };

static const struct {
	const char *id, *text;
} notice_kinds[] = {
	[NOTICE_NOT_SENT] = { "not-sent", "not sent" },
	[NOTICE_TURNED_AWAY] = { "turned-away", "turned away" },
	[NOTICE_REPORT_TURNED_AWAY] = { "report-turned-away", "a report to you turned away" },
};

static json_t *notices_json(const struct notices_answer *answer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < answer->notices.len; i++) {
		const struct notice *n = &answer->notices.at[i];
		bool known = n->kind < count_of(notice_kinds);

		json_array_append_new(list,
			json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:I}", "time",
				json_time(n->time), "kind", known ? notice_kinds[n->kind].id : "?",
				"id", json_text(n->id), "subject", json_text(n->subject), "who",
				json_text(n->who), "peer", json_text(n->peer), "reason",
				reason_word(n->reason), "count", (json_int_t)n->count));
	}
	return list;
}

static void add_time(struct columns *columns, uint64_t wall_ms)
{
	scoped(buf_free) struct buf text = BUF(64);

	clock_add_iso8601(&text, (int64_t)wall_ms);
	columns_add(columns, buf_str(&text));
}

static void print_notices(const struct notices_answer *answer, size_t most, struct buf *to)
{
	struct columns columns;
	size_t n = answer->notices.len < most ? answer->notices.len : most;

	columns_begin(&columns, "TIME|WHAT|TIMES|WHO|PEER|REASON|SUBJECT");
	for (size_t i = 0; i < n; i++) {
		const struct notice *notice = &answer->notices.at[i];
		bool known = notice->kind < count_of(notice_kinds);

		add_time(&columns, notice->time);
		columns_add(&columns, str_of(known ? notice_kinds[notice->kind].text : "?"));
		columns_printf(&columns, "%llu", (unsigned long long)notice->count);
		columns_add(&columns, notice->who.len ? notice->who : STR("<>"));
		columns_add(&columns, notice->peer.len ? notice->peer : STR("-"));
		columns_add(
			&columns, notice->reason ? str_of(reason_word(notice->reason)) : STR("-"));
		columns_add(&columns, notice->subject);
	}
	columns_end(&columns, "", to);
	if (n < answer->notices.len)
		buf_printf(to, "and %zu more (siegel notices)\n", answer->notices.len - n);
}

enum exit_status run_notices(struct ctl *ctl)
{
	struct address_ask ask = { .address = str_of(ctl->request.arguments[0]) };
	struct notices_answer answer;
	enum exit_status status = ask_notices_list(ctl, &ask, &answer);

	if (status != EXIT_DONE)
		return status;
	if (answer.outcome != CTL_OK)
		return ctl_refused(ctl, answer.outcome, answer.text);
	if (ctl->request.json)
		return ctl_json(ctl, json_pack("{s:o}", "notices", notices_json(&answer)));
	if (answer.notices.len)
		print_notices(&answer, SIZE_MAX, &ctl->out);
	else
		buf_add(&ctl->out, STR("Nothing was turned away, and nothing went unsent.\n"));
	return EXIT_DONE;
}

/* What the alias is, in three sentences. */
static void print_promise(struct ctl *ctl, const struct user *u)
{
	struct buf *to = &ctl->out;

	if (!u->alias.len) {
		add_visible(to, u->address);
		buf_add(to, STR(" has no secure alias: its domain has no secure domain.\n"));
		return;
	}
	buf_add(to, STR("The alias "));
	add_visible(to, u->alias);
	buf_add(to, STR(" of "));
	add_visible(to, u->address);
	if (!u->active) {
		buf_add(to,
			STR(" is off.\nNobody can write to it, and nobody can send as it.\n"
			    "Mail that was accepted while it was on still travels encrypted or not "
			    "at all.\n"));
		return;
	}
	buf_add(to,
		STR(" is on.\n"
		    "Mail to it is taken over an encrypted connection only; a provider that can't "
		    "is turned away, and its sender is told.\n"
		    "Mail from it leaves over an encrypted connection only; where the other side "
		    "offers none, it is not sent, and within seconds a letter in the mailbox says "
		    "so.\n"));
}

static void print_alias(struct ctl *ctl, const struct user *u)
{
	print_promise(ctl, u);
	if (!u->alias.len)
		return;
	buf_printf(&ctl->out, "Level: %s. Where something may pass, it waits for ",
		level_text(u->level));
	add_span(&ctl->out, account_deadline(ctl, u));
	buf_printf(&ctl->out, ". Letters begin in %s.\n", language_word(u->language));
	if (u->level > LEVEL_ENCRYPT)
		buf_add(&ctl->out, STR("Many providers can't meet this level: mail to them is not "
				       "sent, and the "
				       "letter says so.\n"));
}

static enum exit_status show_json(
	struct ctl *ctl, const struct user *user, const struct notices_answer *notices)
{
	json_t *shown = account_json(ctl, user);

	json_object_set_new(shown, "notices", notices_json(notices));
	return ctl_json(ctl, shown);
}

enum exit_status run_alias_show(struct ctl *ctl)
{
	struct address_ask ask = { .address = str_of(ctl->request.arguments[0]) };
	struct user_answer answer;
	struct notices_answer notices;
	enum exit_status status = ask_alias_show(ctl, &ask, &answer);

	if (status != EXIT_DONE)
		return status;
	if (answer.outcome != CTL_OK || !answer.users.len)
		return ctl_refused(ctl, answer.outcome == CTL_OK ? CTL_NOT_FOUND : answer.outcome,
			answer.text);
	status = ask_notices_list(ctl, &ask, &notices);
	if (status != EXIT_DONE)
		return status;
	if (ctl->request.json)
		return show_json(ctl, answer.users.at, &notices);
	print_alias(ctl, answer.users.at);
	if (notices.outcome == CTL_OK && notices.notices.len) {
		buf_add(&ctl->out, STR("\nLately:\n"));
		print_notices(&notices, RECENT_NOTICES, &ctl->out);
	}
	return EXIT_DONE;
}

static enum exit_status set(struct ctl *ctl, const struct alias_set_ask *ask)
{
	struct user_answer answer;
	enum exit_status status = ask_alias_set(ctl, ask, &answer);

	if (status != EXIT_DONE)
		return status;
	return account_answered(
		ctl, &answer, ask->set == ALIAS_SET_ACTIVE ? print_promise : print_alias);
}

enum exit_status run_alias_on(struct ctl *ctl)
{
	return set(ctl, &(struct alias_set_ask){ .address = str_of(ctl->request.arguments[0]),
				.set = ALIAS_SET_ACTIVE,
				.active = true });
}

enum exit_status run_alias_off(struct ctl *ctl)
{
	return set(ctl, &(struct alias_set_ask){ .address = str_of(ctl->request.arguments[0]),
				.set = ALIAS_SET_ACTIVE });
}

enum exit_status run_alias_level(struct ctl *ctl)
{
	struct alias_set_ask ask = { .address = str_of(ctl->request.arguments[0]),
		.set = ALIAS_SET_LEVEL };
	enum level level;

	/* A secure alias that demands nothing would be none. */
	if (!level_of(str_of(ctl->request.arguments[1]), &level) || level == LEVEL_OPPORTUNISTIC) {
		buf_printf(&ctl->err,
			"siegel: \"%s\" is no level of an alias; encrypt, secure, dane-only or "
			"verify would be right\n",
			ctl->request.arguments[1]);
		return EXIT_USAGE;
	}
	ask.level = level;
	return set(ctl, &ask);
}

enum exit_status run_alias_deadline(struct ctl *ctl)
{
	struct alias_set_ask ask = { .address = str_of(ctl->request.arguments[0]),
		.set = ALIAS_SET_DEADLINE };
	struct why why;
	int64_t ms = 0;

	if (strcmp(ctl->request.arguments[1], "default") &&
		!value_span(str_of(ctl->request.arguments[1]), DEADLINE_LEAST, DEADLINE_MOST, &ms,
			&why)) {
		buf_printf(&ctl->err, "siegel: %s\n", why.text);
		return EXIT_USAGE;
	}
	ask.deadline = (uint64_t)ms;
	return set(ctl, &ask);
}
